"""A small app of the plugin's routers over a real database: two tenants, a host guard, items to list and to create."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pluggy
import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.exceptions import NotAuthorizedException
from litestar.plugins import InitPlugin
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from adplanning_plugin.admin.hooks import AdminHooks
from adplanning_plugin.hookspecs import PROJECT, Specs, hookimpl
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.http import mount
from adplanning_plugin.kernel.models import Base, security_statements
from adplanning_plugin.kernel.runtime import MANAGE, PII, READ, WRITE, Actor, Runtime, Tenant
from adplanning_plugin.kernel.work import Work
from adplanning_plugin.links import Links
from adplanning_plugin.options import DatabaseOptions, Options
from tests.kernel_http.items import item_routes

ALL = frozenset({READ, WRITE, MANAGE, PII})
TENANTS = (
    Tenant(id="main", zone="Asia/Kolkata", currency="INR", name="Main"),
    Tenant(id="second", zone="Europe/Berlin", currency="EUR", name="Second"),
)
ACTORS = {
    "admin": Actor(id="1", tenant_id="main", scopes=ALL, via="bearer"),
    "browser": Actor(id="1", tenant_id="main", scopes=ALL, via="session"),
    "colleague": Actor(id="2", tenant_id="main", scopes=ALL, via="session"),
    "second": Actor(id="9", tenant_id="second", scopes=ALL, via="bearer"),
    "reader": Actor(id="3", tenant_id="main", scopes=frozenset({READ}), via="bearer"),
    "writer": Actor(id="4", tenant_id="main", scopes=frozenset({READ, WRITE}), via="bearer"),
    "nothing": Actor(id="5", tenant_id="main", scopes=frozenset(), via="bearer"),
    "stranger": Actor(id="6", tenant_id="no-such-store", scopes=ALL, via="bearer"),
}


class Store:
    """The host: a guard that wants a header, actors by name."""

    @hookimpl
    def provide_admin_guard(self) -> Any:
        def guard(connection: Any, _handler: Any) -> None:
            if "x-actor" not in connection.headers:
                raise NotAuthorizedException("Sign in to the store's admin.")

        return guard

    @hookimpl
    def resolve_actor(self, connection: Any) -> Actor | None:
        return ACTORS.get(connection.headers["x-actor"])

    @hookimpl
    def register_admin_routes(self, runtime: Runtime) -> Any:
        return item_routes()

    @hookimpl
    def register_web_routes(self, runtime: Runtime) -> Any:
        from tests.kernel_http.items import public_routes

        return public_routes()


def make_runtime(options: Options, *plugins: object) -> Runtime:
    """A runtime with the admin's own plugin and those given."""
    hooks = pluggy.PluginManager(PROJECT)
    hooks.add_hookspecs(Specs)
    for plugin in (AdminHooks(), *plugins):
        hooks.register(plugin)
    runtime = Runtime(options, hooks)
    runtime.put(Database.connect(options.database))
    runtime.put(Links([], tenants_known=True))
    runtime.put(Work.collect(runtime))
    runtime.set_tenants(TENANTS)
    return runtime


class Mounted(InitPlugin):
    """Mounts the runtime's routers, as the plugin does."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        mount(app_config, self.runtime)
        return app_config


def make_app(runtime: Runtime, **config: Any) -> Litestar:
    """A host's app with our routes."""
    return Litestar(plugins=[Mounted(runtime)], logging_config=None, **config)


@pytest.fixture(scope="session")
def kernel_database(postgres_server: Any, worker_name: str) -> Iterator[str]:
    """One database for this folder, made from the tables that the code declares."""
    name = f"test_http_{os.getpid()}_{worker_name}"
    postgres_server.drop(name)
    url = postgres_server.create(name)
    yield url
    postgres_server.drop(name)


async def _make_tables(url: str) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA adplanning"))
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(text("CREATE TABLE adplanning.event_default PARTITION OF adplanning.event DEFAULT"))
        for statement in security_statements(Base.metadata.sorted_tables):
            await connection.execute(text(statement))
    await engine.dispose()


@pytest.fixture(scope="session")
async def runtime(kernel_database: str) -> AsyncIterator[Runtime]:
    import adplanning_plugin.tracking.models  # noqa: F401 - its tables are asked for by health

    await _make_tables(kernel_database)
    options = Options(secret="a secret of thirty-two characters", database=DatabaseOptions(url=kernel_database))
    runtime = make_runtime(options, Store())
    yield runtime
    await runtime.database.close()


@pytest.fixture(scope="session")
async def client(runtime: Runtime) -> AsyncIterator[AsyncClient]:
    """Signed in as the admin of `main`; `headers={"x-actor": …}` for somebody else."""
    async with serving(make_app(runtime)) as client:
        yield client


@pytest.fixture
async def clean(runtime: Runtime) -> None:
    """Both tenants without items, keys, settings and audit."""
    for tenant in TENANTS:
        async with runtime.database.transaction(tenant.id) as session:
            for table in ("audit_entry", "idempotency_key", "setting", "work_item", "workflow_run", "workflow_step"):
                await session.execute(text(f"DELETE FROM adplanning.{table} WHERE tenant_id = :t"), {"t": tenant.id})
    async with runtime.database.system() as session:
        await session.execute(text("DELETE FROM adplanning.public_key"))
        await session.execute(text("DELETE FROM adplanning.wakeup"))


@asynccontextmanager
async def serving(app: Litestar) -> AsyncIterator[AsyncClient]:
    """A client of the app, in this event loop."""
    transport = ASGITransport(app, raise_app_exceptions=False)  # pyright: ignore[reportArgumentType]
    async with AsyncClient(transport=transport, base_url="http://store.test", headers={"x-actor": "admin"}) as client:
        yield client


async def gather(*calls: Callable[[], Any]) -> list[Any]:
    """All calls at once."""
    return await asyncio.gather(*(call() for call in calls))
