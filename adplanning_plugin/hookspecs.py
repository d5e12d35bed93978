"""The whole contract on one page: what a plugin implements, what the host supplies, and what others may extend.

pluggy is synchronous: a hook registers objects at start-up; the objects have async methods. No request goes through it.
"""

# pyright: reportReturnType=false
# A specification has a docstring and no body.

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec
import pluggy

if TYPE_CHECKING:
    from advanced_alchemy.config import SQLAlchemyAsyncConfig
    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler
    from litestar.types import ControllerRouterHandler
    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncEngine
    from taskiq import AsyncBroker

    from adplanning_plugin.kernel.events import Subscription
    from adplanning_plugin.kernel.health import HealthCheck
    from adplanning_plugin.kernel.jobs import Job
    from adplanning_plugin.kernel.runtime import Actor, Runtime, Tenant
    from adplanning_plugin.kernel.settings import SettingsSection
    from adplanning_plugin.kernel.sweep import Sweep
    from adplanning_plugin.kernel.workflows import Workflow, WorkflowHook

    HostEngine: TypeAlias = AsyncEngine | SQLAlchemyAsyncConfig
    Guard: TypeAlias = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None] | None]

PROJECT = "adplanning"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class HostEvent(msgspec.Struct, kw_only=True):
    """What the host's bus hands over: a name (`order.placed`), ids, and, where the host has one open, its session."""

    name: str
    data: Mapping[str, Any]
    tenant_id: str | None = None
    occurred_at: datetime | None = None
    id: str | None = None
    metadata: Mapping[str, Any] = {}
    session: Any = None


class EventBus(Protocol):
    """The host's bus: the plugin subscribes once per event name at start-up."""

    def subscribe(self, name: str, handler: Callable[[HostEvent], Awaitable[None]]) -> None:
        """Call `handler` for each event of that name."""
        ...


class Secrets(Protocol):
    """Where credentials come from: a vault, a file, a cloud's store of them."""

    def get(self, name: str) -> str | None:
        """The secret of that name (`ADPLANNING_SECRET`, `ADPLANNING_DATABASE_URL`, …), or None."""
        ...


class AttributionModel(Protocol):
    """A rule for sharing a conversion among its touches."""

    name: str
    label: str

    def weights(self, ages_hours: Sequence[float], is_direct: Sequence[bool]) -> Sequence[float]:
        """(n,) weights summing to 1 for touches ordered oldest first; all zeros leave the conversion unattributed."""
        ...


class ExchangeRates(Protocol):
    """A source of daily rates."""

    name: str

    async def rates(
        self, base: str, quotes: Sequence[str], first: datetime, last: datetime
    ) -> Sequence[Mapping[str, Any]]:
        """Rows `{day, base, quote, rate}`: one unit of base is `rate` units of quote."""
        ...


class AdminPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page or widget of the manifest: where it is, what draws it, and the scope it needs.

    A page of another plugin names a `module` or a `frame`; without either it is one of the built-in pages.
    """

    key: str
    title: str
    path: str = ""
    """Below the app's own path, with a `/` in front; a widget has none."""
    scope: str = "adplanning:read"
    kind: str = "page"
    """page, or widget: a custom element for the host's own pages."""
    group: str = ""
    """overview, performance, conversions, setup, or a name of your own."""
    order: int = 100
    description: str = ""
    """A sentence that says what the page answers."""
    icon: str = ""
    """The name of a lucide icon."""
    module: str = ""
    """Path on the app's own origin of an ES module whose default export draws the page or defines the element."""
    frame: str = ""
    """Path or https address of a document that is shown in an iframe."""
    element: str = ""
    """The custom element's name (widgets)."""
    place: str = ""
    """The host page that a widget belongs on: order, person, conversion or campaign."""


class MetricsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What a metrics section is asked: a tenant's local days first…last, in its zone and reporting currency."""

    tenant_id: str
    first: date
    last: date
    start: datetime
    """The UTC instant at which `first` begins."""
    end: datetime
    """The UTC instant at which the day after `last` begins."""
    zone: str
    currency: str


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A registered section of a detail page, the dashboard or the metrics view: a key and how to compute it."""

    key: str
    title: str
    compute: Callable[..., Awaitable[Mapping[str, Any] | None]]
    """Metrics: `(runtime, session, MetricsQuery)`; detail: `(runtime, session, tenant_id, object_id)`."""
    place: str = "metrics"
    """metrics, person, order, conversion or campaign."""
    scope: str = "adplanning:read"
    order: int = 100
    page: str = ""
    """The key of the admin page that shows more of it."""


class PersonalData(msgspec.Struct, frozen=True, kw_only=True):
    """Where a plugin keeps personal data: a table, how a person's rows are found in it, what erasure does to them."""

    table: str
    """With its schema: `adplanning.note`."""
    columns: tuple[str, ...]
    """The columns that hold personal data."""
    erase: str
    """delete: the row goes. pseudonymise: the row stays and these columns are emptied, but for those that say who it
    was, which get one meaningless name a person (so that what belongs together still does). keep: the row stays as it
    is, and the receipt says why."""
    found_by: tuple[tuple[str, str], ...] = ()
    """(column, kind): the row is the person's where one of the columns holds a value of theirs of that kind: person,
    identifier (`person:7`, `email:<hash>`), email, visitor, session, order, lead, feedback, form_response, conversion,
    touchpoint, subject (`person:7`, `visitor:vis_…`), or named: a text or JSON document that names them anywhere, of
    which only the names are replaced."""
    unless: str = ""
    """delete: an SQL condition on `row` under which it is pseudonymised instead, since figures still need it."""
    why: str = ""
    """For the receipt: a sentence that says why what stays is kept."""


class ConsentPolicy(Protocol):
    """The host's own reading of a visitor's consent."""

    def consent(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Mapping[str, bool] | None:
        """Purposes granted (`analytics`, `ads`, `personalisation`, `profiling`), or None where it is not known yet."""
        ...


class Specs:
    """Every hook. A plugin is any object with methods of these names marked `@hookimpl`."""

    # --- what a plugin registers: the host calls each once at start-up -------------------------------------------

    @hookspec
    def register_models(self) -> Sequence[Table]:
        """Tables of the plugin, in the `adplanning` schema; each has a tenant_id or is marked exempt."""

    @hookspec
    def register_migrations(self) -> str | None:
        """A folder with further Alembic versions (a branch of its own)."""

    @hookspec
    def register_admin_routes(self, runtime: Runtime) -> Sequence[ControllerRouterHandler]:
        """Handlers mounted under the admin path, behind the host's guard."""

    @hookspec
    def register_web_routes(self, runtime: Runtime) -> Sequence[ControllerRouterHandler]:
        """Handlers mounted under the public path."""

    @hookspec
    def register_workflows(self, runtime: Runtime) -> Sequence[Workflow]:
        """Named workflows."""

    @hookspec
    def register_subscribers(self, runtime: Runtime) -> Sequence[Subscription]:
        """What to do when an event arrives; each has a stable id."""

    @hookspec
    def register_sweeps(self, runtime: Runtime) -> Sequence[Sweep]:
        """Set-wise processing of a linked entity: what finds an event that was never emitted, and fills in the past."""

    @hookspec
    def register_jobs(self, runtime: Runtime) -> Sequence[Job]:
        """Scheduled jobs."""

    @hookspec
    def register_links(self) -> Sequence[Any]:
        """Further canonical entities (`links.Entity`) beside the built-in ones."""

    @hookspec
    def register_admin_pages(self) -> Sequence[AdminPage]:
        """Pages and widgets of the manifest."""

    @hookspec
    def register_settings(self) -> Sequence[SettingsSection]:
        """Typed settings of a tenant that the admin can read and change."""

    @hookspec
    def health_checks(self, runtime: Runtime) -> Sequence[HealthCheck]:
        """What `/health` asks."""

    @hookspec
    def on_startup(self, runtime: Runtime) -> Awaitable[None] | None:
        """Runs once when the app starts; an awaitable is awaited."""

    @hookspec
    def on_shutdown(self, runtime: Runtime) -> Awaitable[None] | None:
        """Runs once when the app stops; an awaitable is awaited."""

    # --- what the host supplies: the first result wins --------------------------------------------------------------

    @hookspec(firstresult=True)
    def provide_links(self) -> Sequence[Any] | None:
        """The host's `Link` declarations."""

    @hookspec(firstresult=True)
    def provide_engine(self) -> HostEngine | tuple[HostEngine, HostEngine] | None:
        """An engine, or an Advanced Alchemy configuration for a pool of our own, or a pair (primary, replica)."""

    @hookspec(firstresult=True)
    def provide_admin_guard(self) -> Guard | None:
        """The Litestar guard in front of every admin route; the plugin refuses to start without one."""

    @hookspec(firstresult=True)
    def resolve_actor(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Actor | None:
        """Who is calling, with their scopes and tenant."""

    @hookspec(firstresult=True)
    def name_actors(self) -> Callable[[str, Sequence[str]], Awaitable[Mapping[str, str]]] | None:
        """`async (tenant_id, ids) -> names` of those of them who act in that tenant; without it pages show the ids."""

    @hookspec(firstresult=True)
    def list_tenants(self) -> Callable[[], Awaitable[Sequence[Tenant]]] | None:
        """An async function that returns every tenant; without it there is one, `default`."""

    @hookspec(firstresult=True)
    def resolve_tenant(self, connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
        """The tenant of a storefront request (by its host name, for example)."""

    @hookspec(firstresult=True)
    def provide_event_bus(self) -> EventBus | None:
        """The host's event bus."""

    @hookspec(firstresult=True)
    def provide_broker(self) -> AsyncBroker | None:
        """A taskiq broker for wake-ups; without it the embedded one, or Redis where `Options.work.redis_url` is set."""

    @hookspec(firstresult=True)
    def provide_secrets(self) -> Secrets | None:
        """Where credentials come from, asked once at start-up; a variable of the environment goes before it."""

    # --- what others extend: all results count, a duplicate key is an error that names both owners -----------------

    @hookspec
    def register_attribution_models(self) -> Sequence[AttributionModel]:
        """Further attribution models."""

    @hookspec
    def register_exchange_rates(self) -> Sequence[ExchangeRates]:
        """Sources of exchange rates."""

    @hookspec
    def register_sections(self) -> Sequence[Section]:
        """Sections of detail pages (person, order, conversion, campaign) and of the metrics view."""

    @hookspec
    def register_personal_data(self) -> Sequence[PersonalData]:
        """Where personal data lies, for erasure and export."""

    @hookspec
    def register_identity_resolvers(self) -> Sequence[Callable[..., Awaitable[str | None]]]:
        """`async (session, tenant_id, kind, value) -> person id`: further ways to find a person."""

    @hookspec(firstresult=True)
    def provide_consent_policy(self) -> ConsentPolicy | None:
        """The host's own consent source, asked before the cookie, Consent Mode and GPC."""

    @hookspec
    def register_workflow_hooks(self) -> Sequence[WorkflowHook]:
        """Steps added at a workflow's named hook points; they run after the commit unless declared database-only."""
