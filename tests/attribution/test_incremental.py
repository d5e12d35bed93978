"""Credit that grows event by event, in any order, is the credit of a rebuild from nothing, to the minor unit."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from adplanning_plugin.attribution.manual import create_manual
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.attribution.rules import WINDOWS
from adplanning_plugin.attribution.schemas import NewTouchpoint
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.stats.credit import MODELS
from adplanning_plugin.tracking.hooks import TrackingHooks
from tests.attribution.conftest import NOON, Store, make_runtime
from tests.attribution.worlds import differences, held, live, rebuilt


@pytest.fixture
async def runtime(empty_database: Database) -> Runtime:
    """Attribution beside the orders that it credits."""
    return make_runtime(empty_database, TrackingHooks())


async def test_credit_is_that_of_a_rebuild_after_any_order_of_events(store: Store, runtime: Runtime) -> None:
    seed = random.randrange(10**9)
    print("seed", seed)
    worlds = await live(store, random.Random(seed), worlds=8, events=7, rule_changes=1)
    grown = await held(runtime)
    apart = differences(grown, await rebuilt(runtime))
    assert len(grown[0]) > 8, "something was credited"
    assert apart == [], [(world.number, world.happened) for world in worlds]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 500])
async def test_credit_sums_to_the_minor_unit_for_any_number_of_touches(
    store: Store, runtime: Runtime, admin: Any, count: int
) -> None:
    async with runtime.database.transaction("main") as session:
        session.add_all(
            Touchpoint(
                tenant_id="main", id=f"touch_{number:03}", occurred_at=NOON - number * timedelta(hours=1),
                visitor_id="vis_1", origin="manual", source="google", medium="cpc", channel="Paid Search",
                platform="google", is_direct=number % 3 == 1, resolution_method="not_applicable",
            )
            for number in range(count)
        )  # fmt: skip
    await store.conversion("conv_1", value=100_003, refunded=33_331, visitor_id="vis_1")
    await _told(store, "conv_1")
    for window in WINDOWS:
        rows = await store.credit("conv_1", window)
        for place, _ in enumerate(MODELS):
            assert sum(row.amounts[place] for row in rows) == 100_003
            assert sum(row.refunds[place] for row in rows) == 33_331
    explanation = (await admin.get("/attribution/explain/conv_1", params={"window": "0"})).json()["explanation"]
    assert len(explanation["touches"]) == count


async def test_touches_after_the_conversion_or_of_years_ago_count_where_they_may(
    store: Store, runtime: Runtime
) -> None:
    await store.conversion("conv_1", value=1000, visitor_id="vis_1")
    await _told(store, "conv_1")
    for at in (NOON + timedelta(seconds=1), NOON - timedelta(days=3_000)):
        async with runtime.database.transaction("main") as session:
            given = NewTouchpoint(visitor_id="vis_1", occurred_at=at.isoformat(), source="news", medium="email")
            await create_manual(session, runtime, "main", given)
    await store.work()
    assert [row.touch_id for row in await store.credit("conv_1", 90)] == [""]
    (lifetime,) = await store.credit("conv_1", 0)
    assert (lifetime.touched_at, lifetime.amounts[0]) == (NOON - timedelta(days=3_000), 1000)


async def _told(store: Store, *ids: str) -> None:
    async with store.runtime.database.transaction("main") as session:
        await publish(session, store.runtime, "main", "conversion.batch", {"ids": list(ids)})
    await store.work()
