"""What admin registers: its routes, its pages, and the daily clearing of old idempotency keys."""

from __future__ import annotations

from collections.abc import Sequence

from litestar.types import ControllerRouterHandler

from adplanning_plugin.admin.actors import ActorController
from adplanning_plugin.admin.keys import KeyController
from adplanning_plugin.admin.manifest import ManifestController, pages
from adplanning_plugin.admin.routes import OverviewController, SettingsController, public_health
from adplanning_plugin.hookspecs import AdminPage, hookimpl
from adplanning_plugin.kernel.idempotency import expire_keys
from adplanning_plugin.kernel.jobs import Cron, Job, JobContext
from adplanning_plugin.kernel.operations import OperationsController
from adplanning_plugin.kernel.runtime import MANAGE, READ, Runtime


async def _expire_idempotency_keys(context: JobContext) -> None:
    async with context.transaction() as session:
        await expire_keys(session, context.tenant_id)


class AdminHooks:
    """The plugin object."""

    @hookimpl
    def register_admin_routes(self, runtime: Runtime) -> Sequence[ControllerRouterHandler]:
        """Me, names of actors, manifest, links, health, OpenAPI document, settings, keys, operations."""
        del runtime
        return (
            OverviewController,
            ActorController,
            ManifestController,
            SettingsController,
            KeyController,
            OperationsController,
        )

    @hookimpl
    def register_web_routes(self, runtime: Runtime) -> Sequence[ControllerRouterHandler]:
        """The public health check."""
        return (public_health(runtime),)

    @hookimpl
    def register_jobs(self, runtime: Runtime) -> Sequence[Job]:
        """Old idempotency keys go at night."""
        del runtime
        return (Job(name="expire-idempotency-keys", schedule=Cron("40 3 * * *"), run=_expire_idempotency_keys),)

    @hookimpl
    def register_admin_pages(self) -> Sequence[AdminPage]:
        """Settings and operations."""
        return (
            AdminPage(key="operations", title="Operations", path="/operations", scope=MANAGE, group="setup", order=900),
            AdminPage(key="links", title="Linked data", path="/settings/links", scope=READ, group="setup", order=910),
            AdminPage(
                key="keys", title="Keys and origins", path="/settings/keys", scope=READ, group="setup", order=920
            ),
            AdminPage(key="settings", title="Settings", path="/settings", scope=READ, group="setup", order=930),
        )

    @hookimpl(trylast=True)
    def on_startup(self, runtime: Runtime) -> None:
        """A page that cannot be opened as it is declared stops the start."""
        pages(runtime)
