"""Attribution over a real database: a runtime whose entities are the plugin's own tables, a worker, the admin API."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from litestar import Litestar
from sqlalchemy import select, text

from adplanning_plugin import Actor, Options, Tenant, hookimpl
from adplanning_plugin.admin.hooks import AdminHooks
from adplanning_plugin.attribution.hooks import READER, AttributionHooks
from adplanning_plugin.attribution.models import Credit, Touchpoint
from adplanning_plugin.hookspecs import PROJECT, Specs
from adplanning_plugin.kernel import migrate
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.http import admin_router
from adplanning_plugin.kernel.models import Base
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.sweep import LinkedEntities
from adplanning_plugin.kernel.watermark import Streams
from adplanning_plugin.kernel.work import Work
from adplanning_plugin.links import Links
from adplanning_plugin.options import DatabaseOptions
from adplanning_plugin.tracking.models import Conversion, Event

ALL = frozenset({"adplanning:read", "adplanning:write", "adplanning:manage", "adplanning:pii"})
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


_ALL_READ = text(
    "SELECT coalesce((SELECT max(xid) FROM adplanning.event), 0) <"
    " coalesce((SELECT max((position->>'xid')::bigint) FROM adplanning.watermark WHERE reader LIKE 'stream:%'), 0)"
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


def make_runtime(database: Database, *plugins: object, links: Links | None = None, **options: Any) -> Runtime:
    """A runtime with attribution, the admin's own routes, and the given plugins."""
    hooks = pluggy.PluginManager(PROJECT)
    hooks.add_hookspecs(Specs)
    for plugin in (Host(), AdminHooks(), AttributionHooks(), *plugins):
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
    streams = Streams()
    streams.add(READER)
    runtime.put(streams)
    runtime.put(Work.collect(runtime))
    return runtime


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def attribution_database(postgres_server: Any, worker_name: str) -> AsyncIterator[Database]:
    name = f"test_attribution_{os.getpid()}_{worker_name}"
    postgres_server.drop(name)
    url = postgres_server.create(name)
    database = Database.connect(DatabaseOptions(url=url))
    async with database.engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA adplanning"))
    migrate.upgrade(url)
    yield database
    await database.close()
    postgres_server.drop(name)


@pytest_asyncio.fixture(loop_scope="session")
async def empty_database(attribution_database: Database) -> Database:
    """Tables without rows."""
    names = ", ".join(table.fullname for table in Base.metadata.sorted_tables)
    async with attribution_database.engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {names}"))
    return attribution_database


@pytest_asyncio.fixture(loop_scope="session")
async def runtime(empty_database: Database) -> Runtime:
    return make_runtime(empty_database)


@pytest.fixture
def store(runtime: Runtime) -> "Store":
    return Store(runtime)


class Store:
    """Puts rows where others would have put them, lets the worker work, and reads what came of it."""

    def __init__(self, runtime: Runtime, tenant_id: str = "main") -> None:
        self.runtime, self.tenant_id = runtime, tenant_id
        self._numbers = iter(range(1, 1_000_000))

    async def put(self, entity: str, *rows: dict[str, Any]) -> None:
        """Rows of an entity that the plugin keeps itself."""
        table = self.runtime.get(Links).source(entity).owned
        assert table is not None
        async with self.runtime.database.transaction(self.tenant_id) as session:
            for row in rows:
                await session.execute(table.insert().values(tenant_id=self.tenant_id, source_key=row["id"], **row))

    async def conversion(self, id: str, at: datetime = NOON, value: int = 1000, **more: Any) -> str:  # noqa: A002
        given = {
            "conversion_type": "purchase",
            "status": "confirmed",
            "origin": "order",
            "currency": "INR",
            "order_id": f"order-{id}",
            **more,
        }
        async with self.runtime.database.transaction(self.tenant_id) as session:
            session.add(Conversion(tenant_id=self.tenant_id, id=id, occurred_at=at, value=value, **given))
        return id

    async def touch(self, id: str, at: datetime, visitor_id: str = "vis_1", **more: Any) -> str:  # noqa: A002
        direct = more.pop("is_direct", False)
        given = {
            "origin": "manual",
            "source": "(direct)" if direct else "google",
            "medium": "(none)" if direct else "cpc",
            "channel": "Direct" if direct else "Paid Search",
            "platform": "direct" if direct else "google",
            "resolution_method": "not_applicable",
            **more,
        }
        async with self.runtime.database.transaction(self.tenant_id) as session:
            session.add(
                Touchpoint(
                    tenant_id=self.tenant_id, id=id, occurred_at=at, visitor_id=visitor_id, is_direct=direct, **given
                )
            )
        return id

    async def event(self, at: datetime, session_id: str = "ses_1", visitor_id: str = "vis_1", **more: Any) -> None:
        given = {"url": "https://shop.example/", "path": "/", "name": "page_view", "consent": 15, **more}
        given.setdefault("id", f"evt_{next(self._numbers)}")
        async with self.runtime.database.transaction(self.tenant_id) as session:
            session.add(
                Event(
                    tenant_id=self.tenant_id,
                    occurred_at=at,
                    received_at=at,
                    session_id=session_id,
                    visitor_id=visitor_id,
                    **given,
                )
            )

    async def read_stream(self) -> None:
        """Let the reader read all events: those of transactions that others on the server still keep company, too."""
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

    async def touches(self, **filters: Any) -> list[Touchpoint]:
        async with self.runtime.database.reading(self.tenant_id) as session:
            statement = select(Touchpoint).filter_by(tenant_id=self.tenant_id, **filters)
            return list(await session.scalars(statement.order_by(Touchpoint.occurred_at, Touchpoint.id)))

    async def credit(self, conversion_id: str, window_days: int | None = None) -> list[Credit]:
        filters: dict[str, Any] = {"conversion_id": conversion_id}
        if window_days is not None:
            filters["window_days"] = window_days
        async with self.runtime.database.reading(self.tenant_id) as session:
            statement = select(Credit).filter_by(tenant_id=self.tenant_id, **filters)
            return list(await session.scalars(statement.order_by(Credit.window_days, Credit.position)))

    async def stored_conversion(self, id: str) -> Conversion:  # noqa: A002
        async with self.runtime.database.reading(self.tenant_id) as session:
            found = await session.get(Conversion, (self.tenant_id, id))
        assert found is not None
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def admin(runtime: Runtime) -> AsyncIterator[Any]:
    """The admin API: `await admin.get("/attribution")` and so on."""
    handlers = [each for part in runtime.hooks.hook.register_admin_routes(runtime=runtime) for each in part]
    app = Litestar([admin_router(runtime, handlers)])
    async with AsyncClient(transport=ASGITransport(app), base_url="http://store.test") as client:
        base = runtime.options.paths.admin

        def at(method: str) -> Callable[..., Awaitable[Any]]:
            async def call(path: str, **more: Any) -> Any:
                return await client.request(method, base + path, **more)

            return call

        yield SimpleNamespace(get=at("GET"), post=at("POST"), put=at("PUT"), delete=at("DELETE"))
