"""Journeys over a real database: every domain but insights, entities in our own tables, a worker, the admin."""

import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from adplanning_plugin.admin.hooks import AdminHooks
from adplanning_plugin.attribution.hooks import AttributionHooks
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.identity import Edge, link
from adplanning_plugin.identity.hooks import IdentityHooks
from adplanning_plugin.journeys.hooks import JourneysHooks
from adplanning_plugin.journeys.models import JourneyEvent, JourneyProgress
from adplanning_plugin.kernel.backfill import backfill
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.hooks import TrackingHooks
from adplanning_plugin.tracking.models import Event
from tests.plugged import ALL, DAY, HOUR, NOON, OwnTables, admin_of, cloned, emptied, plugged

__all__ = ["ALL", "DAY", "HOUR", "NOON", "STAGES", "Store", "make_runtime"]

STAGES = ("awareness", "interest", "consideration", "intent", "conversion", "retention", "advocacy")


def make_runtime(database: Database, *plugins: object, links: Links | None = None, **options: Any) -> Runtime:
    domains = (IdentityHooks(), TrackingHooks(), AttributionHooks(), JourneysHooks())
    runtime = plugged(database, *domains, AdminHooks(), *plugins, links=links, **options)
    runtime.hooks.hook.on_startup(runtime=runtime)
    return runtime


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def journeys_database(postgres_server: Any, template_database: str, worker_name: str) -> AsyncIterator[Database]:
    name = f"test_journeys_{os.getpid()}_{worker_name}"
    async with cloned(postgres_server, template_database, name) as database:
        yield database


@pytest_asyncio.fixture(loop_scope="session")
async def runtime(journeys_database: Database) -> Runtime:
    """A runtime over empty tables."""
    return make_runtime(await emptied(journeys_database))


@pytest.fixture
def store(runtime: Runtime) -> "Store":
    return Store(runtime)


@pytest_asyncio.fixture(loop_scope="session")
async def admin(runtime: Runtime) -> AsyncIterator[Any]:
    async with admin_of(runtime) as calls:
        yield calls


class Store(OwnTables):
    """The store's side: rows, what it emits, and what came of it."""

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
        who = {"session_id": session_id, "visitor_id": visitor_id}
        await self.add(
            Event(tenant_id=self.tenant_id, id=key, name=name, occurred_at=at, received_at=at, **who, **given)
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
        where = {"occurred_at": at, "visitor_id": visitor_id, "channel": channel}
        await self.add(Touchpoint(tenant_id=self.tenant_id, id=key, **where, **given))
        return key

    async def link(self, visitor_id: str, identifier: str, at: datetime = NOON, kind: Any = "login") -> None:
        """An edge, as a login or an order shows it."""
        async with self.runtime.database.transaction(self.tenant_id) as session:
            await link(session, self.runtime, self.tenant_id, [Edge(visitor_id, identifier, kind, kind, at)])

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
