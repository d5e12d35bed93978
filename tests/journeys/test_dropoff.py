"""Where journeys end without a purchase: at which stage, after how long, after doing what, by where they came from."""

from datetime import timedelta
from typing import Any

import pytest

from adplanning_plugin.journeys.progress import rebuild
from tests.journeys.conftest import DAY, HOUR, NOON, Store

PERIOD = {"from_date": "2026-03-01", "to_date": "2026-03-20"}


async def asked(admin: Any, **query: Any) -> dict[str, Any]:
    answer = await admin.get("/journeys/dropoff", params={**PERIOD, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["dropoff"]


async def went(store: Store, visitor: str, *names: str, at: Any = NOON, every: timedelta = HOUR) -> None:
    for n, name in enumerate(names):
        await store.track(name, at + n * every, visitor)


async def shop(store: Store) -> None:
    """One who bought, two who left a cart, one who looked once, one who was here yesterday."""
    await went(store, "v1", "page_view", "product_view", "add_to_cart")
    await went(store, "v2", "page_view", "product_view", "add_to_cart", every=12 * HOUR)
    await went(store, "v3", "page_view")
    await went(store, "v4", "page_view", "product_view")
    await store.put("analytics_session", {"id": "s-v4", "visitor_id": "v4", "started_at": NOON})
    await store.order("o1", NOON + 2 * HOUR, session_id="s-v4")
    await store.emit("order.placed", "o1")
    await store.read_stream()


async def test_journeys_that_ended_are_told_by_stage_duration_and_last_deeds(store: Store, admin: Any) -> None:
    await shop(store)
    found = await asked(admin)
    assert (found["began"], found["converted"], found["ended"], found["going_on"]) == (4, 1, 3, 0)
    assert {each["stage"]: each["people"] for each in found["stages"]} == {
        "awareness": 1,
        "interest": 0,
        "consideration": 0,
        "intent": 2,
    }
    intent = found["stages"][-1]
    assert (intent["share"], intent["median_seconds"]) == (pytest.approx(2 / 3, abs=1e-6), 13 * 3600)
    assert found["drop_rate"] == 0.75
    assert [(each["labels"], each["people"]) for each in found["before"]] == [
        (["Page view", "Product view", "Add to cart"], 2),
        (["Page view"], 1),
    ]
    assert found["before"][0]["median_seconds"] == 13 * 3600
    alone = await asked(admin, events=1, stage="intent")
    assert [(each["events"], each["people"], each["share"]) for each in alone["before"]] == [(["add_to_cart"], 2, 1)]
    assert (alone["chosen"], alone["ended"]) == (2, 3)
    assert {each["label"]: each["people"] for each in alone["lasted"] if each["people"]} == {
        "1 to 24 hours": 1,
        "1 to 3 days": 1,
    }
    late = await asked(admin, quiet_days=365)
    assert (late["ended"], late["going_on"], late["before"]) == (0, 3, [])
    refused = await admin.get("/journeys/dropoff", params={"stage": "conversion"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "stage")
    other = await admin.get("/journey/dropoff", params=PERIOD, headers={"x-store": "other"})
    assert (other.json()["dropoff"]["began"], other.json()["dropoff"]["drop_rate"]) == (0, None)


async def test_a_person_on_two_devices_left_once(store: Store, admin: Any) -> None:
    await went(store, "phone", "page_view")
    await went(store, "laptop", "add_to_cart", at=NOON + DAY)
    for visitor in ("phone", "laptop"):
        await store.link(visitor, "person:7")
    await store.read_stream()
    found = await asked(admin)
    assert (found["began"], found["ended"]) == (1, 1)
    assert [each["labels"] for each in found["before"]] == [["Page view", "Add to cart"]]
    assert sum(each["identified"] for each in found["stages"]) == 1


async def test_channels_differ_in_how_many_leave(store: Store, admin: Any) -> None:
    for visitor, channel in (("v1", "Paid Social"), ("v2", "Paid Social"), ("v3", "Organic Search")):
        await store.touch(NOON - HOUR, visitor, channel)
    await shop(store)
    async with store.runtime.database.transaction(store.tenant_id) as session:
        await rebuild(session, store.runtime, store.tenant_id)
    found = await asked(admin, breakdown="channel")
    assert [(each["value"], each["began"], each["ended"]) for each in found["breakdown"]] == [
        ("Paid Social", 2, 2),
        ("Organic Search", 1, 1),
        ("Direct", 1, 0),
    ]
