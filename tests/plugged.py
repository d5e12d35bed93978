"""A runtime over the plugin's own tables, without an app of a store: what the tests of a domain begin with."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pluggy
from httpx import ASGITransport, AsyncClient
from litestar import Litestar
from sqlalchemy import text

from adplanning_plugin import Actor, Options, Tenant, hookimpl
from adplanning_plugin.hookspecs import PROJECT, Specs
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.http import admin_router
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.sweep import LinkedEntities
from adplanning_plugin.kernel.watermark import Streams
from adplanning_plugin.kernel.work import Work
from adplanning_plugin.links import Links
from adplanning_plugin.options import DatabaseOptions
from tests.databases import EMPTY

ALL = frozenset({"adplanning:read", "adplanning:write", "adplanning:manage", "adplanning:pii"})
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_ALL_READ = text(
    "SELECT coalesce((SELECT max(xid) FROM adplanning.event), 0) <"
    " coalesce((SELECT min((position->>'xid')::bigint) FROM adplanning.watermark WHERE reader LIKE 'stream:%'), 0)"
)


class Host:
    """Who calls is said by headers."""

    @hookimpl
    def provide_admin_guard(self) -> Any:
        return lambda connection, handler: None

    @hookimpl
    def resolve_actor(self, connection: Any) -> Actor:
        scopes = connection.headers.get("x-scopes")
        tenant_id = connection.headers.get("x-store", "main")
        return Actor(id="7", tenant_id=tenant_id, scopes=frozenset(scopes.split()) if scopes else ALL)


def plugged(database: Database, *plugins: object, links: Links | None = None, **options: Any) -> Runtime:
    """A runtime with these plugins and two stores; whoever wants their `on_startup` calls it."""
    hooks = pluggy.PluginManager(PROJECT)
    hooks.add_hookspecs(Specs)
    for plugin in (Host(), *plugins):
        hooks.register(plugin)
    runtime = Runtime(Options(secret="x" * 40, **options), hooks)
    runtime.put(database, Database)
    runtime.put(links or Links([], tenants_known=True), Links)
    runtime.put(runtime.get(Links), LinkedEntities)
    runtime.set_tenants(
        [
            Tenant(id="main", zone="Asia/Kolkata", currency="INR"),
            Tenant(id="other", zone="Asia/Tokyo", currency="JPY"),
        ]
    )
    runtime.put(Streams())
    runtime.put(Work.collect(runtime))
    return runtime


@asynccontextmanager
async def cloned(postgres_server: Any, template: str, name: str) -> AsyncIterator[Database]:
    """A database with the plugin's tables, dropped behind the block."""
    database = Database.connect(DatabaseOptions(url=postgres_server.create(name, template)))
    yield database
    await database.close()
    postgres_server.drop(name)


async def emptied(database: Database) -> Database:
    """The database with no row in any table but those in `public`."""
    async with database.engine.begin() as connection:
        await connection.execute(text(EMPTY))
    return database


@asynccontextmanager
async def admin_of(runtime: Runtime) -> AsyncIterator[Any]:
    """The admin API: `await admin.get("/attribution")` and so on."""
    handlers = [each for part in runtime.hooks.hook.register_admin_routes(runtime=runtime) for each in part]
    app: Any = Litestar([admin_router(runtime, handlers)])
    async with AsyncClient(transport=ASGITransport(app), base_url="http://store.test") as client:
        base = runtime.options.paths.admin

        def at(method: str) -> Callable[..., Awaitable[Any]]:
            async def call(path: str, **more: Any) -> Any:
                return await client.request(method, base + path, **more)

            return call

        yield SimpleNamespace(get=at("GET"), post=at("POST"), put=at("PUT"), delete=at("DELETE"))


class OwnTables:
    """The side of a store that keeps everything in the plugin's own tables."""

    def __init__(self, runtime: Runtime, tenant_id: str = "main") -> None:
        self.runtime, self.tenant_id = runtime, tenant_id
        self._numbers = iter(range(1, 1_000_000))

    async def put(self, entity: str, *rows: dict[str, Any]) -> None:
        """Rows of an entity; one of the same id is replaced."""
        table = self.runtime.get(Links).source(entity).owned
        assert table is not None
        async with self.runtime.database.transaction(self.tenant_id) as session:
            for row in rows:
                await session.execute(
                    table.delete().where(table.c.tenant_id == self.tenant_id, table.c.id == row["id"])
                )
                await session.execute(table.insert().values(tenant_id=self.tenant_id, source_key=row["id"], **row))

    async def add(self, row: Any) -> None:
        """A row that some domain would have written."""
        async with self.runtime.database.transaction(self.tenant_id) as session:
            session.add(row)

    async def read_stream(self) -> None:
        """Let the readers read all events: those of transactions that others on the server still keep company, too."""
        async with asyncio.timeout(60):
            while True:
                await self.runtime.get(Streams).advance(self.runtime, self.tenant_id)
                async with self.runtime.database.transaction(self.tenant_id) as session:
                    if (await session.execute(_ALL_READ)).scalar_one():
                        break
                await asyncio.sleep(0.05)
        await self.work()

    async def work(self) -> None:
        await Runner(self.runtime).drain(self.tenant_id)
