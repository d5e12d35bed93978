"""Attribution over a real database: a runtime whose entities are the plugin's own tables, a worker, the admin API."""

import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from adplanning_plugin.admin.hooks import AdminHooks
from adplanning_plugin.attribution.hooks import READER, AttributionHooks
from adplanning_plugin.attribution.models import Credit, Touchpoint
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.watermark import Streams
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.models import Conversion, Event
from tests.plugged import ALL, DAY, NOON, OwnTables, admin_of, cloned, emptied, plugged

__all__ = ["ALL", "DAY", "NOON", "Store", "make_runtime"]


def make_runtime(database: Database, *plugins: object, links: Links | None = None, **options: Any) -> Runtime:
    """A runtime with attribution, the admin's own routes, and the given plugins; attribution's reader alone reads."""
    runtime = plugged(database, AdminHooks(), AttributionHooks(), *plugins, links=links, **options)
    runtime.get(Streams).add(READER)
    return runtime


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def attribution_database(
    postgres_server: Any, template_database: str, worker_name: str
) -> AsyncIterator[Database]:
    name = f"test_attribution_{os.getpid()}_{worker_name}"
    async with cloned(postgres_server, template_database, name) as database:
        yield database


@pytest_asyncio.fixture(loop_scope="session")
async def empty_database(attribution_database: Database) -> Database:
    return await emptied(attribution_database)


@pytest_asyncio.fixture(loop_scope="session")
async def runtime(empty_database: Database) -> Runtime:
    return make_runtime(empty_database)


@pytest.fixture
def store(runtime: Runtime) -> "Store":
    return Store(runtime)


@pytest_asyncio.fixture(loop_scope="session")
async def admin(runtime: Runtime) -> AsyncIterator[Any]:
    async with admin_of(runtime) as calls:
        yield calls


class Store(OwnTables):
    """Puts rows where others would have put them, lets the worker work, and reads what came of it."""

    async def conversion(self, id: str, at: datetime = NOON, value: int = 1000, **more: Any) -> str:  # noqa: A002
        given = {
            "conversion_type": "purchase",
            "status": "confirmed",
            "origin": "order",
            "currency": "INR",
            "order_id": f"order-{id}",
            **more,
        }
        await self.add(Conversion(tenant_id=self.tenant_id, id=id, occurred_at=at, value=value, **given))
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
        where = {"occurred_at": at, "visitor_id": visitor_id, "is_direct": direct}
        await self.add(Touchpoint(tenant_id=self.tenant_id, id=id, **where, **given))
        return id

    async def event(self, at: datetime, session_id: str = "ses_1", visitor_id: str = "vis_1", **more: Any) -> None:
        given = {"url": "https://shop.example/", "path": "/", "name": "page_view", "consent": 15, **more}
        given.setdefault("id", f"evt_{next(self._numbers)}")
        who = {"session_id": session_id, "visitor_id": visitor_id}
        await self.add(Event(tenant_id=self.tenant_id, occurred_at=at, received_at=at, **who, **given))

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
