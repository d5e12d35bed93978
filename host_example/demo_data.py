"""What the demo needs before it opens: history, publishable keys, exchange rates, and the backfill."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import asyncpg
import httpx
from litestar import Litestar

from adplanning_plugin import AdPlanning
from adplanning_plugin.kernel.backfill import backfill
from adplanning_plugin.kernel.keys import register_key
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.maintenance import first_fit, settle
from adplanning_plugin.options import CookieOptions, DatabaseOptions, Options, WorkOptions
from adplanning_plugin.tracking import write_visit
from host_example.app import create_app
from host_example.catalogue import MAIN, PASSWORD, SHOPS, STAFF
from host_example.history import connect, generate, load, loaded, read_truth
from host_example.history.plan import DAYS, RATES
from host_example.settings import StoreSettings

Report = Callable[[str, int, int], None]
READY = "CREATE TABLE IF NOT EXISTS demo.ready (at timestamptz NOT NULL)"


@dataclass
class Truth:
    """The truth, once it has been read."""

    value: dict[str, Any] = field(default_factory=dict)


async def prepare(
    settings: StoreSettings, origins: dict[int, list[str]], truth: Truth, report: Report, scale: float = 1.0
) -> None:
    """Load and backfill what is not there yet; a start that was cut off goes on where it was."""
    app = create_app(settings, options=_quiet(settings))
    plugin = app.plugins.get(AdPlanning)
    async with app.lifespan():
        connection = await connect(settings.database_url)
        try:
            await _load_history(connection, plugin.runtime, report, scale)
            await _register_keys(plugin.runtime, settings, origins)
            await connection.execute(READY)
            if not await connection.fetchval("SELECT EXISTS (SELECT FROM demo.ready)"):
                await _state_rates(app, connection)
                await _backfill(plugin, report)
                await connection.execute("INSERT INTO demo.ready VALUES ($1)", datetime.now(UTC))
            truth.value = await read_truth(connection)
        finally:
            await connection.close()


def _quiet(settings: StoreSettings) -> Options:
    """The options of `plugin_setup`, with no work in the background: the backfill does it all itself."""
    return Options(
        database=DatabaseOptions(url=settings.database_url),
        cookie=CookieOptions(secure=settings.secure_cookies),
        secret=settings.secret,
        sessions="host",
        work=WorkOptions(mode="off"),
    )


async def _load_history(connection: asyncpg.Connection, runtime: Runtime, report: Report, scale: float) -> None:
    if await loaded(connection) is not None:
        return
    report("Drawing a year of history", 0, 1)

    def sign(shop: int, visitor: str) -> str:
        return write_visit(runtime, str(shop), visitor, None, "granted")

    history = await asyncio.to_thread(generate, scale=scale, sign=sign)
    report("Drawing a year of history", 1, 1)
    await load(connection, history, lambda _, done, total: report("Loading it into the store", done, total))
    report("Loading it into the store", 1, 1)


async def _register_keys(runtime: Runtime, settings: StoreSettings, origins: dict[int, list[str]]) -> None:
    for shop, addresses in origins.items():
        key = settings.publishable_key if shop == MAIN else settings.second_publishable_key
        async with runtime.database.transaction(str(shop)) as session:
            await register_key(session, str(shop), key, addresses, "demo")


async def _state_rates(app: Litestar, connection: asyncpg.Connection) -> None:
    """What one unit of each foreign currency was worth on each day: the accounts' spend needs it."""
    history = await loaded(connection)
    assert history is not None
    owners = {shop: email for _, shop, email, _, role in STAFF if role == "owner"}
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for shop, _, _, _, currency in SHOPS:
            rates = [
                row for (base, quote), rate in RATES.items() if quote == currency != base
                for row in _rates(base, quote, rate, history["end_day"])
            ]  # fmt: skip
            if not rates:
                continue
            login = await client.post("/auth/login", json={"email": owners[shop], "password": PASSWORD})
            bearer = {"authorization": f"Bearer {login.raise_for_status().json()['token']}"}
            stated = await client.put(
                "/admin/ad-planning/exchange-rates", json={"exchange_rates": rates}, headers=bearer
            )
            stated.raise_for_status()


def _rates(base: str, quote: str, rate: float, end: date) -> list[dict[str, str]]:
    days = (end - timedelta(days=DAYS + 6 - index) for index in range(DAYS + 8))
    return [
        {
            "day": day.isoformat(),
            "base": base,
            "quote": quote,
            "rate": f"{rate * (1 + 0.012 * math.sin(day.toordinal() / 23)):.4f}",
            "source": "demo",
        }
        for day in days
    ]


async def _backfill(plugin: AdPlanning, report: Report) -> None:
    """The past through the plugin's own path, as `adplanning backfill` does it."""
    for tenant in plugin.runtime.tenants:

        def tell(what: str, done: int, total: int, name: str = tenant.name) -> None:
            report(f"{name}: {what}", done, total)

        await backfill(plugin.runtime, tenant.id, progress=tell)
        await settle(plugin, tenant.id)
        await first_fit(plugin, tenant.id)
