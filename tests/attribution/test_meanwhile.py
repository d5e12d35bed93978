"""Meanwhile: what changes while a conversion's credit is being computed is in its credit in the end."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from adplanning_plugin.attribution.crediting import compute_credit
from adplanning_plugin.identity import Edge, link
from adplanning_plugin.kernel.watermark import Streams
from tests.attribution.conftest import DAY, NOON

_WAITING = text("SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                " WHERE NOT l.granted AND l.locktype = 'advisory' AND d.datname = current_database()")  # fmt: skip


async def while_credited(store: Any, conversion_id: str, change: Awaitable[Any]) -> None:
    """The change begins after the credit has been computed, and before that is committed."""
    database = store.runtime.database
    async with database.transaction("main") as session:
        await compute_credit(session, store.runtime, "main", [conversion_id])
        changing = asyncio.ensure_future(change)
        async with asyncio.timeout(30), database.reading("main") as watching:
            while not changing.done():
                if (await watching.execute(_WAITING)).scalar_one():
                    break
                await asyncio.sleep(0.01)
    await changing
    await store.work()


async def touches_of(store: Any, conversion_id: str) -> list[str]:
    return [row.touch_id for row in await store.credit(conversion_id, 30)]


async def test_a_touch_that_the_stream_brings_meanwhile(store, runtime):
    await store.conversion("conv_1", NOON, visitor_id="vis_1")
    await store.event(NOON - DAY, utm={"source": "facebook", "medium": "paid_social", "campaign": "Sarees"})
    await while_credited(store, "conv_1", runtime.get(Streams).advance(runtime, "main"))
    await store.read_stream()
    (touch,) = await store.touches()
    assert await touches_of(store, "conv_1") == [touch.id]


async def test_a_touch_that_is_written_down_meanwhile(store, admin):
    await store.conversion("conv_1", NOON, visitor_id="vis_1")
    given = {"visitor_id": "vis_1", "source": "fair", "occurred_at": (NOON - timedelta(hours=1)).isoformat()}
    await while_credited(store, "conv_1", admin.post("/attribution", json=given))
    (touch,) = await store.touches()
    assert await touches_of(store, "conv_1") == [touch.id]


async def test_a_campaign_that_a_touch_is_given_meanwhile(store, admin):
    await store.put("ad_campaign", {"id": "c1", "platform": "google", "name": "Brand", "created_at": NOON})
    await store.touch("touch_1", NOON - DAY)
    await store.conversion("conv_1", NOON, visitor_id="vis_1")
    given = {"version": 1, "ad_campaign_id": "c1"}
    await while_credited(store, "conv_1", admin.put("/attribution/touch_1", json=given))
    assert {row.ad_campaign_id for row in await store.credit("conv_1", 30)} == {"c1"}
    assert (await store.stored_conversion("conv_1")).ad_campaign_id == "c1"


async def test_a_touch_that_is_taken_back_meanwhile(store, admin):
    await store.touch("touch_1", NOON - DAY)
    await store.conversion("conv_1", NOON, visitor_id="vis_1")
    await while_credited(store, "conv_1", admin.delete("/attribution/touch_1"))
    assert await touches_of(store, "conv_1") == [""]


async def test_a_second_device_that_is_linked_meanwhile(store, runtime):
    async def linked() -> None:
        for visitor in ("phone", "laptop"):
            async with runtime.database.transaction("main") as session:
                await link(session, runtime, "main", [Edge(visitor, "email:x", "order", "order:1", NOON)])
        await store.work()

    await store.touch("touch_phone", NOON - DAY, "phone")
    await store.conversion("conv_1", NOON, visitor_id="laptop")
    await while_credited(store, "conv_1", linked())
    assert await touches_of(store, "conv_1") == ["touch_phone"]


_LOCKED = text("SELECT count(*) FROM pg_locks l WHERE NOT l.granted AND l.locktype IN ('transactionid', 'tuple')"
               " AND l.pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())")  # fmt: skip


async def test_credit_that_another_worker_computes_meanwhile_stays(store, runtime):
    await store.touch("touch_1", NOON - DAY)
    await store.conversion("conv_1", NOON, visitor_id="vis_1")
    database = runtime.database

    async def what_is_due() -> None:
        async with database.transaction("main") as session:
            await compute_credit(session, runtime, "main")

    async with database.transaction("main") as session:
        await compute_credit(session, runtime, "main", ["conv_1"])
        computing = asyncio.ensure_future(what_is_due())
        async with asyncio.timeout(30), database.reading("main") as watching:
            while not computing.done():
                if (await watching.execute(_LOCKED)).scalar_one():
                    break
                await asyncio.sleep(0.01)
    await computing
    assert await touches_of(store, "conv_1") == ["touch_1"]
