"""A small store with nothing but capture installed, on a real database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pluggy
import pytest
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy import BigInteger, Column, DateTime, MetaData, Table, Text, literal, text
from sqlalchemy.ext.asyncio import create_async_engine

import adplanning_plugin as ap
from adplanning_plugin.hookspecs import PROJECT, Specs, hookimpl
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.http import web_router
from adplanning_plugin.kernel.keys import register_key
from adplanning_plugin.kernel.runtime import Runtime, Tenant
from adplanning_plugin.kernel.watermark import Streams
from adplanning_plugin.kernel.work import Work
from adplanning_plugin.links import Link, Links
from adplanning_plugin.options import CookieOptions, DatabaseOptions, IngestOptions, Options
from adplanning_plugin.tracking import CaptureMiddleware, app_routes, capture_routes, start_capture, stop_capture
from tests.databases import EMPTY

KEY, ORIGIN = "pk_capture_test", "https://shop.example"
OTHER_KEY = "pk_other_store"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"

host = MetaData()
purchases = Table(
    "purchases",
    host,
    Column("number", BigInteger, primary_key=True),
    Column("shop", Text),
    Column("customer", BigInteger),
    Column("mail", Text),
    Column("cents", BigInteger),
    Column("checkout", Text),
    Column("token", Text),
    Column("session", Text),
    Column("cookies", Text),
    Column("placed", DateTime(timezone=True)),
)
LINKS = [
    Link(
        entity="order",
        source=purchases,
        money="minor",
        tenant=purchases.c.shop,
        columns={
            "id": purchases.c.number,
            "person_id": purchases.c.customer,
            "email": purchases.c.mail,
            "currency": literal("INR"),
            "total": purchases.c.cents,
            "payment_state": literal("paid"),
            "checkout_reference": purchases.c.checkout,
            "visitor_token": purchases.c.token,
            "session_id": purchases.c.session,
            "consent": purchases.c.cookies,
            "placed_at": purchases.c.placed,
        },
    )
]
PAGE = "<!doctype html><title>Shop</title><p>Hello</p>"


class StoreHooks:
    """The store's side: whose request it is by the host name, and a consent policy that a test may set."""

    def __init__(self) -> None:
        self.policy: Mapping[str, bool] | None = None

    @hookimpl
    def resolve_tenant(self, connection: Any) -> str:
        return "other" if connection.headers.get("host", "").startswith("other") else "main"

    @hookimpl
    def provide_consent_policy(self) -> StoreHooks:
        return self

    def consent(self, connection: Any) -> Mapping[str, bool] | None:
        return self.policy


class Shop:
    """The running store and what tests ask it."""

    def __init__(self, app: Litestar, runtime: Runtime, hooks: StoreHooks) -> None:
        self.app, self.runtime, self.hooks = app, runtime, hooks

    def browser(self, *, consent: str | None = None, base: str = ORIGIN, agent: str = BROWSER) -> httpx.AsyncClient:
        """A browser with a cookie jar of its own."""
        cookies = {"_adp_consent": consent} if consent else {}
        transport = httpx.ASGITransport(app=self.app)
        headers = {"user-agent": agent}
        return httpx.AsyncClient(transport=transport, base_url=base, headers=headers, cookies=cookies)

    async def track(
        self, *events: dict[str, Any], client: httpx.AsyncClient | None = None, **envelope: Any
    ) -> httpx.Response:
        """POST /track with the store's key."""
        body = {"events": list(events), **envelope}
        headers = {"x-publishable-api-key": KEY, "origin": ORIGIN}
        return await (client or self.browser()).post("/web/ad-planning/track", json=body, headers=headers)

    async def rows(self, statement: str, tenant: str = "main", **values: Any) -> list[Any]:
        """Rows of a query inside one tenant."""
        async with self.runtime.database.transaction(tenant) as session:
            return list((await session.execute(text(statement), values)).all())

    async def events(self, tenant: str = "main") -> list[Any]:
        """Every stored event, oldest first, once nothing is queued any more."""
        from adplanning_plugin.tracking.flush import Flusher

        await self.runtime.get(Flusher).drain()
        return await self.rows("SELECT * FROM adplanning.event ORDER BY occurred_at, id", tenant)

    async def order(self, number: int, **values: Any) -> str:
        """Write an order into the store's own table; returns its id as the plugin sees it."""
        row = {"number": number, "shop": "main", "cents": 1000, "placed": datetime.now(UTC), **values}
        async with self.runtime.database.transaction("main") as session:
            await session.execute(purchases.insert().values(row))
        return str(number)

    async def advance(self, tenant: str = "main") -> None:
        """Let the session reader catch up with every committed event.

        A transaction of anybody else on the server holds the watermark back, so this asks until none of them does.
        """
        behind = (
            "SELECT 1 FROM adplanning.event WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint LIMIT 1"
        )
        async with asyncio.timeout(30):
            while await self.rows(behind, tenant):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.02)
        assert await self.runtime.get(Streams).advance(self.runtime, tenant)


@get("/", media_type=MediaType.HTML)
async def home() -> str:
    return PAGE


@get("/product/{number:int}", media_type=MediaType.HTML)
async def product(number: FromPath[int]) -> str:
    return PAGE


@get("/cached", media_type=MediaType.HTML)
async def cached() -> Response[str]:
    return Response(PAGE, headers={"cache-control": "public, max-age=600"})


@get("/api/stock")
async def stock() -> dict[str, int]:
    return {"left": 3}


@get("/go")
async def go() -> Redirect:
    return Redirect("/product/1")


@get("/whoami")
async def whoami(request: Request[Any, Any, Any]) -> dict[str, str | None]:
    return {"visitor": ap.current_visitor(request), "token": ap.visitor_token(request)}


@post("/checkout/{reference:str}")
async def checkout(request: Request[Any, Any, Any], reference: FromPath[str]) -> dict[str, bool]:
    return {"bound": await ap.bind_visitor(request, reference)}


@post("/auth/login/{person:int}")
async def login(request: Request[Any, Any, Any], person: FromPath[int]) -> dict[str, bool]:
    return {"linked": await ap.identify(request, person)}


async def make_runtime(url: str, hooks: StoreHooks, ingest: IngestOptions | None = None) -> Runtime:
    """A runtime with capture's services on the database at `url`, and the keys of both stores."""
    plugins = pluggy.PluginManager(PROJECT)
    plugins.add_hookspecs(Specs)
    plugins.register(hooks)
    options = Options(
        database=DatabaseOptions(url=url, pool_size=4),
        cookie=CookieOptions(),
        ingest=ingest or IngestOptions(rate_per_minute=1_000_000),
        secret="a secret that only tests know",
    )
    runtime = Runtime(options, plugins)
    runtime.put(Database.connect(options.database))
    runtime.put(Links(LINKS, tenants_known=True))
    runtime.put(Work())
    runtime.put(Streams())
    runtime.set_tenants([Tenant(id=name, zone="Asia/Kolkata", currency="INR") for name in ("main", "other")])
    async with runtime.database.system() as session:
        await register_key(session, "main", KEY, [ORIGIN])
        await register_key(session, "other", OTHER_KEY, ["https://other.example"])
    start_capture(runtime)
    return runtime


@pytest.fixture(scope="session")
def capture_database(postgres_server: Any, template_database: str, worker_name: str) -> Iterator[str]:
    """One database for all tests here; each begins with it empty."""
    name = f"test_capture_{os.getpid()}_{worker_name}"
    yield postgres_server.create(name, template_database)
    postgres_server.drop(name)


@pytest.fixture
async def shop(capture_database: str) -> AsyncIterator[Shop]:
    """The store, with nothing in it."""
    engine = create_async_engine(capture_database.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as connection:
        await connection.run_sync(host.create_all)
        await connection.execute(text("TRUNCATE purchases"))
        await connection.execute(text(EMPTY))
    await engine.dispose()
    hooks = StoreHooks()
    runtime = await make_runtime(capture_database, hooks)
    yield Shop(make_app(runtime), runtime, hooks)
    await stop_capture(runtime)
    await runtime.database.close()


def broken(runtime: Runtime) -> Runtime:
    """The same installation with a database where nobody listens."""
    other = Runtime(runtime.options, runtime.hooks)
    nowhere = DatabaseOptions(url="postgresql://adplanning@127.0.0.1:1/nothing", connect_timeout=1.0)
    other.put(Database.connect(nowhere))
    return other


def make_app(runtime: Runtime) -> Litestar:
    """The store as an app."""
    return Litestar(
        route_handlers=[
            home, product, cached, stock, go, whoami, checkout, login,
            web_router(runtime, capture_routes(runtime)), *app_routes(runtime),
        ],
        middleware=[CaptureMiddleware(runtime)],
    )  # fmt: skip
