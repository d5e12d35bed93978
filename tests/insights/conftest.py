"""A small year of two shops, backfilled through the plugin's own path, and its admin API; read-only for tests.

`fresh` is the same store without any history: what a test puts there is all there is.
"""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import pytest
import pytest_asyncio

from adplanning_plugin.kernel.backfill import backfill
from adplanning_plugin.maintenance import settle
from adplanning_plugin.tracking.tokens import write_visit
from host_example.history import connect, generate, load
from host_example.history.plan import RATES
from tests.contract.store import Contract, running
from tests.history import same_every_day
from tests.insights.books import END, Shop, rate_rows

SEED, SCALE = 7, 0.06


@pytest.fixture(scope="session")
def year_url(postgres_server: Any, template_database: str, worker_name: str) -> Iterator[str]:
    name = f"test_insights_{os.getpid()}_{worker_name}"
    yield postgres_server.create(name, template_database)
    postgres_server.drop(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def year(year_url: str) -> AsyncIterator[Contract]:
    """The store with a year of history, worked through: rates of USD in INR are stated for every day."""
    async with running(year_url) as store:

        def sign(shop: int, visitor: str) -> str:
            return write_visit(store.runtime, str(shop), visitor, None, "granted")

        connection = await connect(year_url)
        try:
            with same_every_day():
                history = generate(SEED, END, scale=SCALE, sign=sign, password_hash="unused")
            await load(connection, history)
        finally:
            await connection.close()
        stated = await store.main.admin(
            "PUT", "/exchange-rates", json={"exchange_rates": rate_rows(RATES["USD", "INR"])}
        )
        assert stated.status_code == 200, stated.text
        for side in (store.main, store.second):
            await backfill(store.runtime, side.tenant)
            await settle(store.plugin, side.tenant)
        yield store


@pytest.fixture
def shops(year: Contract) -> tuple[Shop, Shop]:
    """Both shops of the year."""
    return Shop(year, year.main), Shop(year, year.second)


@pytest.fixture
def khadi(shops: tuple[Shop, Shop]) -> Shop:
    """The larger shop: Asia/Kolkata, INR, one ad account in Los Angeles and USD."""
    return shops[0]


@pytest_asyncio.fixture(loop_scope="session")
async def fresh(database_url: str) -> AsyncIterator[Shop]:
    """An open shop without customers, campaigns or orders."""
    async with running(database_url) as store:
        yield Shop(store, store.main)


@pytest.fixture
def fresh_berlin(fresh: Shop) -> Shop:
    """The other open shop: Europe/Berlin, EUR."""
    return Shop(fresh.store, fresh.store.second)


def pytest_report_header() -> str:
    """What repeats a failure."""
    return f"insights: history of seed {SEED}, scale {SCALE}, until {date.isoformat(END)}"
