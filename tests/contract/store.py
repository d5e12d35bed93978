"""The example store with the plugin and two filled tenants, and what contract tests ask of its routes and tables."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, cast

import httpx
from litestar import Litestar
from litestar.routes import ASGIRoute, HTTPRoute
from sqlalchemy import text

from adplanning_plugin import AdPlanning, Options
from adplanning_plugin.hookspecs import HostEvent
from adplanning_plugin.kernel.backfill import backfill
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.options import CookieOptions, DatabaseOptions, IngestOptions, WorkOptions
from adplanning_plugin.tracking.flush import Flusher
from host_example.app import create_app
from host_example.catalogue import MAIN, PASSWORD, SECOND
from host_example.history import connect, generate, load
from host_example.plugin_setup import StoreHooks
from host_example.security import hash_password
from host_example.settings import StoreSettings
from tests.history import same_every_day

ADMIN, WEB = "/admin/ad-planning", "/web/ad-planning"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
NEEDED = {"/actors": {"ids": "1,2,3,4"}}
"""What a route cannot be asked without (the staff of both stores)."""
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
SECRET = "a secret that only the contract tests know"
PARAMETER = re.compile(r"\{(\w+):\w+\}")
NO_SUCH_ORDER = 77_000_001


class Route(NamedTuple):
    """One method of one mounted path."""

    method: str
    path: str
    operation: str
    """The operation id."""

    @property
    def parameters(self) -> list[str]:
        """Names of the path's parameters."""
        return PARAMETER.findall(self.path)

    def at(self, **values: str) -> str:
        """The path with its parameters filled in."""
        return PARAMETER.sub(lambda found: values[found[1]], self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes_of(app: Litestar, prefix: str) -> list[Route]:
    """Every method of every route under the prefix, as Litestar has them."""
    found: list[Route] = []
    for route in app.routes:
        if not route.path.startswith(f"{prefix}/"):
            continue
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if isinstance(handler.operation_id, str) or handler.name:
                    found += [
                        Route(str(method), route.path, str(handler.operation_id)) for method in handler.http_methods
                    ]
        elif isinstance(route, ASGIRoute):
            found.append(Route("POST", route.path, str(route.route_handler.opt.get("operation_id", route.path))))
    return sorted(found, key=lambda each: (each.path, each.method))


@dataclass
class Side:
    """One tenant, its people and what was made in it."""

    tenant: str
    base: str
    email: str
    product: str
    app: Litestar
    token: str = ""
    key: str = ""
    marker: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    """An id for each path parameter, and of what was made."""

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        """Somebody of the admin, by bearer token; `""` is nobody."""
        token = self.token if token is None else token
        if token:
            headers["authorization"] = f"Bearer {token}"
        return self._client(headers)

    def browser(self, consent: str | None = "granted", **headers: str) -> httpx.AsyncClient:
        """A shopper."""
        cookies = {"store_consent": consent} if consent else {}
        return self._client({"user-agent": BROWSER, **headers}, cookies)

    def _client(self, headers: Mapping[str, str], cookies: dict[str, str] | None = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=self.base, headers=dict(headers), cookies=cookies)

    async def admin(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request of the owner."""
        async with self.client() as client:
            return await client.request(method, f"{ADMIN}{path}", **more)

    async def login(self, email: str) -> str:
        """A bearer token."""
        async with self.client("") as client:
            answer = await client.post("/auth/login", json={"email": email, "password": PASSWORD})
        return str(answer.raise_for_status().json()["token"])

    async def track(self, *events: dict[str, Any], **envelope: Any) -> httpx.Response:
        """Events as the tracker sends them."""
        granted = dict.fromkeys(("analytics", "ads", "personalisation", "profiling"), True)
        body = {"events": list(events), "consent": granted, **envelope}
        async with self.browser() as client:
            return await client.post(f"{WEB}/track", json=body, headers={"x-publishable-api-key": self.key})


@dataclass
class Contract:
    """The running store."""

    app: Litestar
    plugin: AdPlanning
    main: Side
    second: Side

    @property
    def runtime(self) -> Any:
        return self.plugin.runtime

    @property
    def admin_routes(self) -> list[Route]:
        return routes_of(self.app, ADMIN)

    @property
    def web_routes(self) -> list[Route]:
        return routes_of(self.app, WEB)

    async def rows(self, statement: str, tenant: str, **values: Any) -> list[Any]:
        """Rows of a query inside one tenant."""
        async with self.runtime.database.transaction(tenant) as session:
            return list((await session.execute(text(statement), values)).all())

    async def work(self, tenant: str) -> None:
        """Let the worker do what is due."""
        await Runner(self.runtime).drain(tenant)

    async def kill(self, tenant: str, where: str, **values: Any) -> None:
        """Deliver work until it is given up: pauses between attempts are skipped by making it due now."""
        for _ in range(self.runtime.options.work.max_attempts + 1):
            statement = f"UPDATE adplanning.work_item SET due_at = now() WHERE status = 'pending' AND {where}"
            async with self.runtime.database.transaction(tenant) as session:
                await session.execute(text(statement), values)
            await self.work(tenant)

    async def emit(self, tenant: str, name: str, **data: Any) -> None:
        """An event of the store's bus."""
        await self.plugin.receive(HostEvent(name=name, data=data, tenant_id=tenant))

    async def counts(self, *, without: tuple[str, ...] = ()) -> dict[str, int]:
        """Rows in every table of the plugin, over both tenants."""
        if self.runtime.has(Flusher):
            await self.runtime.get(Flusher).drain()
        async with self.runtime.database.system() as session:
            names = [name for name in (await session.execute(text(TABLES))).scalars() if name not in without]
        count = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM adplanning.\"{name}\"" for name in names)
        found: dict[str, int] = {}
        for tenant in (self.main.tenant, self.second.tenant):
            found |= {f"{tenant}.{name}": rows for name, rows in await self.rows(count, tenant)}
        return found


TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'adplanning' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""


def make_options(url: str, **more: Any) -> Options:
    """The plugin's options: no work by itself, and limits that a test does not reach by accident."""
    given: dict[str, Any] = {
        "database": DatabaseOptions(url=url, pool_size=4),
        "cookie": CookieOptions(secure=False),
        "secret": SECRET,
        "sessions": "host",
        "ingest": IngestOptions(rate_per_minute=10_000_000),
        "work": WorkOptions(mode="off"),
        **more,
    }
    return Options(**given)


@asynccontextmanager
async def running(url: str, *plugins: object, **options: Any) -> AsyncIterator[Contract]:
    """The store on a database of its own, with further plugins registered behind the store's own hooks."""
    settings = StoreSettings(database_url=url, secret=SECRET)
    if plugins:
        hooks = StoreHooks(cast("Any", None))
        plugin = AdPlanning(make_options(url, **options), hooks, *plugins)
        app = create_app(settings, plugin=False, plugins=[plugin])
        hooks.store = app.state["store"]
    else:
        app = create_app(settings, options=make_options(url, **options))
        plugin = app.plugins.get(AdPlanning)
    sides = (
        Side(str(MAIN), "http://localhost", "admin@example.com", "khadi-stole", app),
        Side(str(SECOND), "http://second.localhost", "admin@second.example.com", "geschirrtuch", app),
    )
    async with kept_alive(app):
        for side in sides:
            side.token = await side.login(side.email)
        yield Contract(app, plugin, *sides)


@asynccontextmanager
async def kept_alive(app: Litestar) -> AsyncIterator[None]:
    """The app's lifespan in a task of its own: a fixture may be torn down in another task than it was set up in."""
    started, over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await over.wait()

    living = asyncio.create_task(live())
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait((living, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        if not living.done():
            yield
    finally:
        over.set()
        try:
            await living
        except BaseExceptionGroup as several:
            raise several.exceptions[0] if len(several.exceptions) == 1 else several from None


async def fill(contract: Contract, url: str) -> None:
    """A small history for both tenants, then everything that the public faces can make."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    with same_every_day():
        history = generate(end_day=yesterday, scale=0.004, password_hash=hash_password("x"))
    connection = await connect(url)
    try:
        await load(connection, history)
        # Numbers that cannot be taken for anything else in an answer.
        for number, table, column in (
            (88_100_001, "purchases", "purchase_no"),
            (88_200_001, "enquiries", "enquiry_no"),
        ):
            sequence = f"pg_get_serial_sequence('store.{table}', '{column}')"
            await connection.execute(f"SELECT setval({sequence}, {number})")
    finally:
        await connection.close()
    for side in (contract.main, contract.second):
        await fill_side(contract, side)


async def fill_side(contract: Contract, side: Side) -> None:
    """One tenant's keys, goals, spend, rates, visits, orders, conversions, touches, runs and dead letters."""
    side.marker = f"mark{side.tenant}{secrets.token_hex(4)}"
    today = date.today()  # noqa: DTZ011
    await contract.runtime.database.engine.dispose()
    key = await _made(side, "POST", "/keys", {"name": side.marker, "origins": [f"https://{side.marker}.example"]})
    side.key, side.ids["key_id"] = key["key"]["key"], key["key"]["id"]
    goal = await _made(
        side, "POST", "/goals",
        {"name": f"Goal {side.marker}", "goal_type": "custom", "conditions": {"event_name": f"ev_{side.marker}"}},
    )  # fmt: skip
    side.ids["goal_id"] = goal["goal"]["id"]
    side.ids["ad_campaign_id"] = f"camp-{secrets.token_hex(6)}"
    spend = {
        "day": today.isoformat(), "platform": "meta", "ad_campaign_id": side.ids["ad_campaign_id"], "currency": "EUR",
        "campaign_name": f"Campaign {side.marker}", "spend": "12.50",
    }  # fmt: skip
    await _made(side, "PUT", "/ad-spend", {"ad_spend": [spend]})
    rate = {"day": today.isoformat(), "base": "USD", "quote": "CHF", "rate": "0.9", "source": side.marker}
    await _made(side, "PUT", "/exchange-rates", {"exchange_rates": [rate]})
    await _shop(side)
    number = "SELECT max(purchase_no)::text AS id FROM store.purchases WHERE shop_no = :shop"
    side.ids["order_id"] = (await contract.rows(number, side.tenant, shop=int(side.tenant)))[0].id
    people = "SELECT customer_no::text AS id FROM store.customers WHERE shop_no = :shop ORDER BY 1 LIMIT 2"
    known = await contract.rows(people, side.tenant, shop=int(side.tenant))
    side.ids["person_id"] = side.ids["journey_id"] = known[0].id
    erasure = await _made(side, "POST", f"/customers/{known[1].id}/erase", {"confirm": known[1].id})
    side.ids["erasure_id"] = erasure["erasure"]["id"]
    visitor, session = f"vis_{side.marker}", f"ses_{side.marker}"
    page = f"{side.base}/?utm_source={side.marker}&utm_medium=cpc&utm_campaign={side.marker}"
    seen = {"visitor_id": visitor, "session_id": session}
    answer = await side.track(
        {"name": "page_view", "url": page, **seen},
        {"name": f"ev_{side.marker}", "url": page, **seen},
    )
    assert answer.json()["accepted"] == 2, answer.text
    made = {"conversion_type": "custom", "value": "10", "currency": "EUR", "utm_source": side.marker}
    conversion = await _made(side, "POST", "/conversions", {**made, "visitor_id": visitor})
    side.ids["conversion_id"] = conversion["conversion"]["id"]
    touch = await _made(
        side,
        "POST",
        "/attribution",
        {"source": side.marker, "medium": "cpc", "visitor_id": visitor, "campaign": side.marker},
    )
    side.ids["touch_id"] = (touch.get("attribution") or touch.get("touchpoint"))["id"]
    ignored = {"source": side.marker, "medium": "cpc", "visitor_id": visitor, "campaign": f"{secrets.token_hex(8)}"}
    await _made(side, "POST", "/attribution", ignored)
    denied = {"kind": "email", "value": f"shared@{side.marker}.example", "reason": "a shared mailbox"}
    side.ids["denied_id"] = (await _made(side, "POST", "/identity/denylist", denied))["denied"]["id"]
    fit = await _made(side, "POST", "/attribution/data-driven/fits", {"minimum_conversions": 10**6})
    side.ids["fit_id"] = fit["fit"]["id"]
    job = await _made(side, "POST", "/operations/jobs/expire-idempotency-keys/run", {})
    side.ids["work_item_id"] = job["work_item"]["id"]
    await backfill(contract.runtime, side.tenant)
    await contract.work(side.tenant)
    groups = {each["name"]: each["key"] for each in (await side.admin("GET", "/attribution/inbox")).json()["inbox"]}
    alias = await _made(side, "POST", f"/attribution/inbox/{groups[ignored['campaign']]}/ignore", {})
    side.ids["key"], side.ids["alias_id"] = groups[side.marker], alias["alias"]["id"]
    seen_with = "SELECT min(visitor_id) AS id FROM adplanning.identity_edge"
    side.ids["visitor_id"] = (await contract.rows(seen_with, side.tenant))[0].id
    edges = (await side.admin("GET", f"/identity/visitors/{side.ids['visitor_id']}")).json()["identity"]["edges"]
    side.ids["edge_id"] = edges[0]["id"]
    await contract.emit(side.tenant, "order.placed", id=NO_SUCH_ORDER + int(side.tenant))
    await contract.kill(side.tenant, "kind = 'event:tracking.purchases'")
    for name, entity in (("listRuns", "workflow_run"), ("dead", "work_item")):
        where = "WHERE status = 'dead'" if name == "dead" else ""
        found = await contract.rows(f"SELECT id FROM adplanning.{entity} {where} ORDER BY id DESC LIMIT 1", side.tenant)
        side.ids["run_id" if name == "listRuns" else "item_id"] = found[0].id


async def _shop(side: Side) -> None:
    """A visit with a campaign, an order by bank transfer, an enquiry."""
    async with side.browser() as shopper:
        await shopper.get(f"/?utm_source={side.marker}&utm_medium=cpc&utm_campaign={side.marker}")
        await shopper.post("/cart", data={"slug": side.product})
        mail = f"buyer@{side.marker}.example"
        placed = await shopper.post("/checkout", data={"email": mail, "pay": "transfer"})
        assert placed.status_code == 303, placed.text
        await shopper.get(placed.headers["location"])
        await shopper.post("/contact", data={"email": f"lead@{side.marker}.example", "message": "Hello", "name": "Lea"})


async def _made(side: Side, method: str, path: str, body: Any) -> Any:
    answer = await side.admin(method, path, json=body)
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json()


def strings(value: Any) -> Iterator[str]:
    """Every string in a decoded JSON document, keys too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def assert_problem(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The answer is a problem of that status (and code)."""
    assert answer.status_code == status, (
        f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    )
    assert answer.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["detail"]
    assert body["type"] == "about:blank"
    assert code is None or code in (body["code"], *(error["code"] for error in body.get("errors", []))), body
    return body
