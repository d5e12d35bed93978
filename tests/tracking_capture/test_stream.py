"""Events become sessions and visitors set-wise, in any order of arrival, and reading twice changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from adplanning_plugin.tracking.stream import advance_sessions
from tests.tracking_capture.conftest import Shop

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6)
YES = {"analytics": True, "ads": True}


def event(minutes: float, name: str = "page_view", **fields: Any) -> dict[str, Any]:
    fields.setdefault("visitor_id", "v1")
    return {
        "id": f"e{minutes}-{name}",
        "name": name,
        "occurred_at": (START + timedelta(minutes=minutes)).isoformat(),
        **fields,
    }


async def sessions(shop: Shop) -> list[Any]:
    await shop.advance()
    return await shop.rows("SELECT * FROM adplanning.session ORDER BY started_at, id")


async def test_a_session_has_the_landing_of_its_first_event_even_when_that_one_comes_last(shop: Shop) -> None:
    later = event(5, session_id="s1", url="https://shop.example/product/1")
    first = event(
        0, session_id="s1", url="https://shop.example/?utm_source=meta&fbclid=f", referrer="https://facebook.com/x"
    )
    await shop.track(later, event(9, "click", session_id="s1"), consent=YES)
    (early,) = await sessions(shop)
    await shop.track(first, consent=YES)
    (late,) = await sessions(shop)

    assert (early.landing_url, early.utm, early.events) == ("https://shop.example/product/1", None, 2)
    assert (late.started_at, late.ended_at) == (START, START + timedelta(minutes=9))
    assert (late.landing_url, late.referrer) == ("https://shop.example/?utm_source=meta", "https://facebook.com/x")
    assert (late.utm, late.click_ids) == ({"source": "meta"}, {"fbclid": "f"})
    assert (late.events, late.page_views) == (3, 2)


async def test_half_an_hour_of_silence_ends_a_visit_without_a_session_of_its_own(shop: Shop) -> None:
    await shop.track(*(event(minutes) for minutes in (0, 20, 49, 80, 100)), event(10, visitor_id="v2"), consent=YES)
    found = await sessions(shop)

    assert [(each.visitor_id, each.events) for each in found] == [("v1", 3), ("v2", 1), ("v1", 2)]
    stored = await shop.events()
    assert {row.session_id for row in stored} == {each.id for each in found}


async def test_a_late_event_joins_the_session_it_lies_in(shop: Shop) -> None:
    await shop.track(event(0), event(20), consent=YES)
    (before,) = await sessions(shop)
    await shop.track(event(10, "click"), event(45, "click"), consent=YES)
    (after,) = await sessions(shop)

    assert (after.id, after.events, after.ended_at) == (before.id, 4, START + timedelta(minutes=45))


async def test_visitors_carry_their_first_and_last_sight(shop: Shop) -> None:
    await shop.track(event(10), consent=YES)
    await shop.advance()
    await shop.track(event(0), event(30), consent=YES)
    await shop.advance()

    (visitor,) = await shop.rows("SELECT id, first_seen_at, last_seen_at FROM adplanning.visitor")
    assert tuple(visitor) == ("v1", START, START + timedelta(minutes=30))


async def test_events_without_consent_make_no_session(shop: Shop) -> None:
    await shop.track(event(0, session_id="s1"))
    assert await sessions(shop) == []


async def test_reading_everything_again_changes_nothing(shop: Shop) -> None:
    await shop.track(*(event(minutes) for minutes in (0, 20, 60)), event(5, session_id="s"), consent=YES)
    first = await sessions(shop)
    async with shop.runtime.database.transaction("main") as session:
        await advance_sessions(shop.runtime, session, "main", 0, 2**62)

    assert await sessions(shop) == first


async def test_one_store_reads_nothing_of_another(shop: Shop) -> None:
    await shop.track(event(0), consent=YES)
    await shop.advance("other")
    assert await shop.rows("SELECT * FROM adplanning.session", "other") == []
    assert len(await sessions(shop)) == 1
