"""Composition root: the only file that knows every domain; it puts them into a Litestar app."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pluggy
from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.plugins import InitPlugin
from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.admin.hooks import AdminHooks
from adplanning_plugin.admin.pages import page_routes
from adplanning_plugin.attribution.hooks import AttributionHooks
from adplanning_plugin.customers.hooks import CustomersHooks
from adplanning_plugin.hookspecs import PROJECT, EventBus, HostEvent, Secrets, Specs
from adplanning_plugin.identity.hooks import IdentityHooks
from adplanning_plugin.insights.hooks import InsightsHooks
from adplanning_plugin.journeys.hooks import JourneysHooks
from adplanning_plugin.kernel.background import Background
from adplanning_plugin.kernel.clashes import check_clashes
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.events import publish, tenant_scope
from adplanning_plugin.kernel.host_engine import database_of
from adplanning_plugin.kernel.http import mount
from adplanning_plugin.kernel.refusals import database_refusal
from adplanning_plugin.kernel.runtime import Runtime, Tenant
from adplanning_plugin.kernel.sweep import LinkedEntities
from adplanning_plugin.kernel.tables import TenantRecord
from adplanning_plugin.kernel.telemetry import PERSONAL_KEYS, install_redaction
from adplanning_plugin.kernel.watermark import Streams
from adplanning_plugin.kernel.work import Work
from adplanning_plugin.links import Link, Links
from adplanning_plugin.options import Options, load_options
from adplanning_plugin.tracking import CaptureMiddleware, app_routes, stamp_request
from adplanning_plugin.tracking.hooks import TrackingHooks

log = logging.getLogger("adplanning")

DOMAINS: tuple[tuple[str, Callable[[], object], str | None], ...] = (
    ("identity", IdentityHooks, None),
    ("tracking", TrackingHooks, "identity"),
    ("attribution", AttributionHooks, "tracking"),
    ("journeys", JourneysHooks, "attribution"),
    ("customers", CustomersHooks, "journeys"),
    ("insights", InsightsHooks, "attribution"),
    ("admin", AdminHooks, None),
)
"""Lowest first, each with the one that it builds on. Each is a plugin like a stranger's: without its line the feature
is gone, with what builds on it, and nothing else."""

HOST_EVENTS = (
    "order.placed",
    "order.paid",
    "order.updated",
    "order.cancelled",
    "order.refunded",
    "lead.created",
    "feedback.created",
    "form_response.created",
    "form.submitted",
    "person.created",
    "analytics_event.created",
    "social_interaction.created",
)
ALIASES = {"form.submitted": "form_response.created"}
CREDENTIALS = (
    "ADPLANNING_SECRET",
    "ADPLANNING_DATABASE_URL",
    "ADPLANNING_DATABASE_OWNER_URL",
    "ADPLANNING_DATABASE_REPLICA_URL",
    "ADPLANNING_WORK_REDIS_URL",
)
"""What `provide_secrets` is asked for."""
TENANT_REFRESH_SECONDS = 60.0


def enabled_domains(options: Options) -> frozenset[str]:
    """The domains that are loaded: all but the disabled ones and those that build on a disabled one.

    Raises:
        ConfigurationError: `disabled_domains` names one that does not exist.
    """
    known = {name for name, _, _ in DOMAINS}
    for unknown in sorted(set(options.disabled_domains) - known):
        message = f"Options.disabled_domains names {unknown!r}; there are {', '.join(sorted(known))}."
        raise ConfigurationError(message)
    enabled: set[str] = set()
    for name, _, foundation in DOMAINS:
        if name not in options.disabled_domains and (foundation is None or foundation in enabled):
            enabled.add(name)
    return frozenset(enabled)


class AdPlanning(InitPlugin):
    """The plugin: `Litestar(plugins=[AdPlanning(Options(...), StoreHooks())])`.

    Args:
        options: settings; `ADPLANNING_*` variables override them.
        plugins: the host's hooks first, then whatever else takes part.

    Raises:
        ConfigurationError: the sentence names the setting, link or hook and what to write instead.
    """

    def __init__(self, options: Options | None = None, *plugins: object) -> None:
        self.options = load_options(options)
        self.hooks = pluggy.PluginManager(PROJECT)
        self.hooks.add_hookspecs(Specs)
        self.domains = enabled_domains(self.options)
        for name, make, _ in DOMAINS:
            if name in self.domains:
                self.hooks.register(make(), name=name)
        for plugin in plugins:
            self.hooks.register(plugin, name=self._name_for(plugin))
        self.hooks.load_setuptools_entrypoints(PROJECT)
        self._check_hooks()
        self.options = self._with_secrets()
        if self.options.trace_hooks:
            self.hooks.trace.root.setwriter(lambda line: log.info("hook %s", line.strip()))
            self.hooks.enable_tracing()
        self.runtime = Runtime(self.options, self.hooks)
        self.runtime.put(self._links(), Links)
        self.runtime.put(self.runtime.get(Links), cast("type[Any]", LinkedEntities))
        self.runtime.put(self._database(), Database)
        self.runtime.put(Streams())
        self.runtime.put(Work.collect(self.runtime), Work)
        check_clashes(self.runtime)
        self._background: Background | None = None
        self._refresh: asyncio.Task[None] | None = None

    # --- composition ------------------------------------------------------------------------------------------------

    def _name_for(self, plugin: object) -> str:
        """What messages call a plugin: its module's or its class's name, numbered where two are of one class."""
        name = str(getattr(plugin, "__name__", type(plugin).__qualname__.rpartition(".")[2]))
        count = sum(1 for taken, _ in self.hooks.list_name_plugin() if taken.partition("#")[0] == name)
        return f"{name}#{count + 1}" if count else name

    def _check_hooks(self) -> None:
        try:
            self.hooks.check_pending()
        except pluggy.PluginValidationError as problem:
            message = f"A plugin implements a hook that does not exist: {problem}. See the list in hookspecs.py."
            raise ConfigurationError(message) from problem

    def _with_secrets(self) -> Options:
        """The options with the credentials that the host keeps elsewhere than in its code and its environment."""
        kept = cast("Secrets | None", self.hooks.hook.provide_secrets())
        if kept is None:
            return self.options
        wanted = {name: kept.get(name) for name in CREDENTIALS if name not in os.environ}
        return load_options(self.options, {name: secret for name, secret in wanted.items() if secret})

    def _links(self) -> Links:
        links = cast("Sequence[Link]", self.hooks.hook.provide_links() or ())
        extra = [entity for found in self.hooks.hook.register_links() for entity in found]
        tenants_known = self.hooks.hook.list_tenants() is not None
        return Links(links, tenants_known=tenants_known, extra_entities=extra)

    def _database(self) -> Database:
        provided = self.hooks.hook.provide_engine()
        if provided is None:
            return Database.connect(self.options.database)
        return database_of(provided, self.options.database)

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Mount the routes and the capture middleware, and tie start and stop to the app's own."""
        runtime = self.runtime
        mount(app_config, runtime)
        if "tracking" in self.domains:
            app_config.middleware.append(CaptureMiddleware(runtime))
            app_config.route_handlers.extend(app_routes(runtime))
        if "admin" in self.domains:
            app_config.route_handlers.extend(page_routes(runtime))
        cast("Any", app_config).lifespan.append(self._lifespan)
        app_config.state["adplanning"] = runtime
        return app_config

    @asynccontextmanager
    async def _lifespan(self, _: Litestar) -> AsyncGenerator[None]:
        await self.start(serving=True)
        try:
            yield
        finally:
            await self.stop()

    # --- start and stop ---------------------------------------------------------------------------------------------

    async def start(self, *, serving: bool = False) -> None:
        """Check what the plugin stands on, then start listening and, in embedded mode, working.

        Args:
            serving: inside the web process; the command line starts without a bus and without work.
        """
        install_redaction(values=[self.options.secret] if self.options.secret else ())
        await self.load_tenants()
        await self._check_ground()
        for starting in self.hooks.hook.on_startup(runtime=self.runtime):
            if inspect.isawaitable(starting):
                await starting
        self._refresh = asyncio.create_task(self._keep_tenants())
        if not serving:
            return
        bus = cast("EventBus | None", self.hooks.hook.provide_event_bus())
        if bus is not None:
            for name in HOST_EVENTS:
                bus.subscribe(name, self.receive)
        self._background = Background(self.runtime)
        await self._background.start()

    async def stop(self) -> None:
        """Finish or release what is in hand, and close the pools."""
        if self._refresh is not None:
            self._refresh.cancel()
            with suppress(asyncio.CancelledError):
                await self._refresh
        if self._background is not None:
            await self._background.stop()
        for stopping in self.hooks.hook.on_shutdown(runtime=self.runtime):
            if inspect.isawaitable(stopping):
                await cast("Awaitable[None]", stopping)
        await self.runtime.database.close()

    async def _check_ground(self) -> None:
        async with self.runtime.database.system() as session:
            role = (
                await session.execute(
                    text("SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
                )
            ).one()
            if role[1] and not self.options.demo:
                message = (
                    f"The plugin is connected as {role[0]!r}, which bypasses row-level security: "
                    "connect as an ordinary role (CREATE ROLE adplanning LOGIN NOSUPERUSER NOBYPASSRLS)."
                )
                raise ConfigurationError(message)
            for found in await self.runtime.get(Links).check(await session.connection()):
                log.warning("link: %s", found.message)
        if not self.options.secret and not self.options.demo:
            message = "Options.secret is missing: set it or ADPLANNING_SECRET to 32 random characters or more."
            raise ConfigurationError(message)

    # --- tenants ----------------------------------------------------------------------------------------------------

    async def load_tenants(self) -> Sequence[Tenant]:
        """Ask the host for its tenants (or make the one of the options) and keep them where workers find them."""
        lister = cast("Callable[[], Awaitable[Sequence[Tenant]]] | None", self.hooks.hook.list_tenants())
        if lister is not None:
            tenants = await lister()
        else:
            if self.options.currency is None:
                message = "Options.currency is missing: without list_tenants, say which currency the store reports in."
                raise ConfigurationError(message)
            tenants = [Tenant(id=self.options.default_tenant, zone=self.options.zone, currency=self.options.currency)]
        try:
            await self._store_tenants(tenants)
        except Exception as problem:
            said = str(problem.orig.__cause__ if isinstance(problem, DBAPIError) and problem.orig else problem)
            fix = "The database cannot be reached"
            if database_refusal(problem) is None:
                fix = "The plugin's tables are not there, or not for this role: run `adplanning migrate` or `doctor`"
            raise ConfigurationError(f"{fix} ({said}).") from problem
        self.runtime.set_tenants(tenants)
        return tenants

    async def _store_tenants(self, tenants: Sequence[Tenant]) -> None:
        if not tenants:
            return
        rows = [{"id": one.id, "zone": one.zone, "currency": one.currency, "name": one.name} for one in tenants]
        statement = insert(TenantRecord).values(rows)
        changing = {name: statement.excluded[name] for name in ("zone", "currency", "name")}
        async with self.runtime.database.system() as session:
            await session.execute(
                statement.on_conflict_do_update(index_elements=["id"], set_={**changing, "seen_at": func.now()})
            )

    async def _keep_tenants(self) -> None:
        while True:
            await asyncio.sleep(TENANT_REFRESH_SECONDS)
            try:
                await self.load_tenants()
            except Exception:
                log.exception("the list of tenants could not be refreshed")

    # --- events of the host -----------------------------------------------------------------------------------------

    async def receive(self, event: HostEvent) -> None:
        """Take an event of the host's bus into the outbox: in the host's transaction where it passes its session.

        A failure here is logged, never raised: the store's checkout goes on, and the sweep finds what was missed.
        """
        tenant_id = event.tenant_id or self.options.default_tenant
        try:
            session = cast("AsyncSession | None", event.session)
            if session is None:
                async with self.runtime.database.transaction(tenant_id) as own:
                    await self._take(own, tenant_id, event)
            else:
                async with session.begin_nested(), tenant_scope(session, tenant_id):
                    await self._take(session, tenant_id, event)
        except Exception:
            log.exception("an event of the store was not taken; the sweep will find it", extra={"event": event.name})

    async def _take(self, session: AsyncSession, tenant_id: str, event: HostEvent) -> None:
        if event.name.startswith("order.") and "id" in event.data and "tracking" in self.domains:
            await stamp_request(session, self.runtime, tenant_id, str(event.data["id"]))
        await publish(
            session,
            self.runtime,
            tenant_id,
            ALIASES.get(event.name, event.name),
            _impersonal(event.data),
            event_id=event.id,
            occurred_at=event.occurred_at,
            metadata=_impersonal(event.metadata),
        )


def _impersonal(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a host's event says, without fields that name a person: the outbox keeps ids, content is read by links."""
    return {name: value for name, value in data.items() if name.lower() not in PERSONAL_KEYS}
