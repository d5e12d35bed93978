"""Journeys over a real database: every domain but insights, entities in our own tables, a worker, the admin."""

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
from adplanning_plugin.attribution.hooks import AttributionHooks
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.hookspecs import PROJECT, Specs
from adplanning_plugin.identity import Edge, link
from adplanning_plugin.identity.hooks import IdentityHooks
from adplanning_plugin.journeys.hooks import JourneysHooks
from adplanning_plugin.journeys.models import JourneyEvent, JourneyProgress
from adplanning_plugin.kernel import migrate
from adplanning_plugin.kernel.backfill import backfill
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.http import admin_router
from adplanning_plugin.kernel.models import Base
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.sweep import LinkedEntities
from adplanning_plugin.kernel.watermark import Streams
from adplanning_plugin.kernel.work import Work
from adplanning_plugin.links import Links
from adplanning_plugin.options import DatabaseOptions
from adplanning_plugin.tracking.hooks import TrackingHooks
from adplanning_plugin.tracking.models import Event

ALL = frozenset({"adplanning:read", "adplanning:write", "adplanning:manage", "adplanning:pii"})
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
STAGES = ("awareness", "interest", "consideration", "intent", "conversion", "retention", "advocacy")
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


def make_runtime(database: Database, *plugins: object, links: Links | None = None, **options: Any) -> Runtime:
    hooks = pluggy.PluginManager(PROJECT)
    hooks.add_hookspecs(Specs)
    domains = (IdentityHooks(), TrackingHooks(), AttributionHooks(), JourneysHooks())
    for plugin in (Host(), *domains, AdminHooks(), *plugins):
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
    hooks.hook.on_startup(runtime=runtime)
    return runtime


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def journeys_database(postgres_server: Any, worker_name: str) -> AsyncIterator[Database]:
    name = f"test_journeys_{os.getpid()}_{worker_name}"
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
async def runtime(journeys_database: Database) -> Runtime:
    """A runtime over empty tables."""
    names = ", ".join(table.fullname for table in Base.metadata.sorted_tables)
    async with journeys_database.engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {names}"))
    return make_runtime(journeys_database)


@pytest.fixture
def store(runtime: Runtime) -> "Store":
    return Store(runtime)


class Store:
    """The store's side: rows, what it emits, and what came of it."""

    def __init__(self, runtime: Runtime, tenant_id: str = "main") -> None:
        self.runtime, self.tenant_id = runtime, tenant_id
        self._numbers = iter(range(1, 1_000_000))

    async def put(self, entity: str, *rows: dict[str, Any]) -> None:
        """Rows of an entity that the plugin keeps itself; one of the same id is replaced."""
        table = self.runtime.get(Links).source(entity).owned
        assert table is not None
        async with self.runtime.database.transaction(self.tenant_id) as session:
            for row in rows:
                await session.execute(
                    table.delete().where(table.c.tenant_id == self.tenant_id, table.c.id == row["id"])
                )
                await session.execute(table.insert().values(tenant_id=self.tenant_id, source_key=row["id"], **row))

    async def order(self, id: str, at: datetime = NOON, **more: Any) -> dict[str, Any]:  # noqa: A002
        """A paid order of 10 rupees."""
        given = {
            "id": id, "currency": "INR", "total": 1000, "payment_state": "paid", "placed_at": at, "updated_at": at,
            **more,
        }  # fmt: skip
        await self.put("order", given)
        return given

    async def emit(self, name: str, *ids: Any, **data: Any) -> None:
        """What the store's bus hands over; then the worker delivers what is due."""
        async with self.runtime.database.transaction(self.tenant_id) as session:
            for each in ids or (None,):
                await publish(
                    session, self.runtime, self.tenant_id, name, {**({} if each is None else {"id": each}), **data}
                )
        await self.work()

    async def track(
        self, name: str = "page_view", at: datetime = NOON, visitor_id: str | None = "v1", **more: Any
    ) -> str:
        """An event as capture stores it."""
        key = f"evt_{next(self._numbers)}"
        session_id = more.pop("session_id", f"s-{visitor_id}")
        given = {"url": "https://shop.example/", "path": "/", "consent": 15, **more}
        async with self.runtime.database.transaction(self.tenant_id) as session:
            session.add(
                Event(
                    tenant_id=self.tenant_id,
                    occurred_at=at,
                    received_at=at,
                    session_id=session_id,
                    id=key,
                    visitor_id=visitor_id,
                    name=name,
                    **given,
                )
            )
        return key

    async def touch(
        self, at: datetime = NOON, visitor_id: str = "v1", channel: str = "Paid Search", **more: Any
    ) -> str:
        """A touch as attribution stores it, without what it tells."""
        key = f"touch_{next(self._numbers)}"
        given = {
            "origin": "own", "source": "google", "medium": "cpc", "platform": "google",
            "is_direct": channel == "Direct", "resolution_method": "not_applicable", **more,
        }  # fmt: skip
        async with self.runtime.database.transaction(self.tenant_id) as session:
            session.add(
                Touchpoint(
                    tenant_id=self.tenant_id, id=key, occurred_at=at, visitor_id=visitor_id, channel=channel, **given
                )
            )
        return key

    async def link(self, visitor_id: str, identifier: str, at: datetime = NOON, kind: Any = "login") -> None:
        """An edge, as a login or an order shows it."""
        async with self.runtime.database.transaction(self.tenant_id) as session:
            await link(session, self.runtime, self.tenant_id, [Edge(visitor_id, identifier, kind, kind, at)])

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

    async def backfill(self) -> None:
        await backfill(self.runtime, self.tenant_id)
        await self.work()

    async def events(self, **filters: Any) -> list[JourneyEvent]:
        async with self.runtime.database.reading(self.tenant_id) as session:
            statement = select(JourneyEvent).filter_by(tenant_id=self.tenant_id, **filters)
            return list(await session.scalars(statement.order_by(JourneyEvent.occurred_at, JourneyEvent.source_id)))

    async def progress(self) -> dict[str, JourneyProgress]:
        async with self.runtime.database.reading(self.tenant_id) as session:
            rows = await session.scalars(select(JourneyProgress).filter_by(tenant_id=self.tenant_id))
            return {row.subject: row for row in rows}

    async def stages(self) -> dict[str, dict[str, datetime]]:
        """Subject → the stages that it reached, with the first time of each."""
        return {
            subject: {stage: at for stage in STAGES if (at := getattr(row, f"{stage}_at")) is not None}
            for subject, row in (await self.progress()).items()
        }


@pytest_asyncio.fixture(loop_scope="session")
async def admin(runtime: Runtime) -> AsyncIterator[Any]:
    """The admin API: `await admin.get("/journeys")` and so on."""
    handlers = [each for part in runtime.hooks.hook.register_admin_routes(runtime=runtime) for each in part]
    app = Litestar([admin_router(runtime, handlers)])
    async with AsyncClient(transport=ASGITransport(app), base_url="http://store.test") as client:
        base = runtime.options.paths.admin

        def at(method: str) -> Callable[..., Awaitable[Any]]:
            async def call(path: str, **more: Any) -> Any:
                return await client.request(method, base + path, **more)

            return call

        yield SimpleNamespace(get=at("GET"), post=at("POST"), put=at("PUT"), delete=at("DELETE"))
