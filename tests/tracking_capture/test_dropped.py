"""What arrived and was not kept is summed by day and cause, and the sums hold nothing of anybody."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import text

from adplanning_plugin.tracking.dropped import Dropped
from tests.tracking_capture.conftest import KEY, Shop, broken

ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


async def sums(shop: Shop, tenant_id: str = "main") -> dict[str, int]:
    await shop.runtime.get(Dropped).write()
    async with shop.runtime.database.reading(tenant_id) as session:
        rows = await session.execute(
            text("SELECT cause, sum(amount)::int FROM adplanning.dropped_traffic WHERE tenant_id = :t GROUP BY 1"),
            {"t": tenant_id},
        )
        return {row[0]: row[1] for row in rows}


async def send(shop: Shop, *events: dict[str, Any], agent: str | None = None) -> None:
    more = {} if agent is None else {"agent": agent}
    async with shop.browser(consent="1111", **more) as browser:
        await browser.post(
            "/web/ad-planning/track", json={"events": list(events)}, headers={"x-publishable-api-key": KEY}
        )


async def test_robots_pages_without_consent_and_impossible_events_are_summed(shop: Shop) -> None:
    async with shop.browser(agent=ROBOT) as robot:
        await robot.get("/")
    async with shop.browser() as unasked:
        await unasked.get("/")
        await unasked.get("/product/1")
    await send(shop, {"name": "page_view"}, {"name": "page_view"}, agent=ROBOT)
    await send(shop, {"name": "page_view"}, {"name": "page_view", "occurred_at": "2001-01-01T00:00:00Z"})

    assert await sums(shop) == {"bot": 3, "no_consent_page": 2, "rejected": 1}
    await send(shop, {"name": "page_view"}, agent=ROBOT)
    assert (await sums(shop))["bot"] == 4, "later counts are added"
    assert await sums(shop, "other") == {}


async def test_counts_that_cannot_be_written_are_written_later(shop: Shop) -> None:
    lost = broken(shop.runtime)
    lost.set_tenants(shop.runtime.tenants)
    dropped = Dropped(lost)
    dropped.count("main", "bot", 7)
    await dropped.write()
    lost.put(shop.runtime.database)
    await asyncio.gather(dropped.write(), dropped.write())
    assert await sums(shop) == {"bot": 7}
