"""The way to each conversion: list, search, filters, one of them with its credit, money that sums, nothing personal."""

import csv
import io
from typing import Any

import pytest

from adplanning_plugin.tracking.repository import find_same
from tests.journeys.conftest import DAY, HOUR, NOON, Store

READER = {"x-scopes": "adplanning:read"}


async def bought(store: Store, order_id: str = "o1", **more: Any) -> str:
    """An order of somebody who came three times: an ad, a mail, and directly."""
    visitor = more.pop("visitor_id", "v1")
    at = more.pop("at", NOON)
    await store.put("analytics_session", {"id": f"s-{visitor}", "visitor_id": visitor, "started_at": at})
    phone = {"device": "mobile", "browser": "Chrome"}
    await store.touch(at - 20 * DAY, visitor, ad_campaign_id="c1", session_id=f"s-{visitor}", **phone)
    await store.touch(at - 2 * DAY, visitor, "Email", platform="generic", source="newsletter", medium="email")
    await store.touch(at - HOUR, visitor, "Direct", platform="direct", source="(direct)", medium="(none)")
    await store.order(order_id, at, **{"session_id": f"s-{visitor}", "email": "Asha@Mail.example", **more})
    await store.emit("order.placed", order_id)
    async with store.runtime.database.reading(store.tenant_id) as session:
        found = await find_same(session, store.tenant_id, order_id=order_id)
    assert found is not None
    return found.id


async def listed(admin: Any, **query: Any) -> list[dict[str, Any]]:
    answer = await admin.get("/journeys/conversions", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["journeys"]


async def test_a_conversion_is_listed_with_its_path_value_and_time(store: Store, admin: Any) -> None:
    conversion_id = await bought(store)
    (row,) = await listed(admin)
    assert row["conversion_id"] == conversion_id
    assert (row["order_id"], row["value"], row["value_minor"], row["currency"]) == ("o1", "10.00", 1000, "INR")
    assert (row["touches"], row["channels"]) == (3, ["Paid Search", "Email", "Direct"])
    assert row["hours_to_conversion"] == 480
    assert row["customer_email"] == "Asha@Mail.example"
    assert (row["is_new_customer"], row["first_device"]) == (True, "mobile")
    (row,) = await listed(admin, window="7")
    assert row["first_device"] is None, "the first touch in this window says nothing of itself"
    assert (row["touches"], row["channels"], row["hours_to_conversion"]) == (2, ["Email", "Direct"], 48)
    for path in ("conversions", f"conversions/{conversion_id}"):
        one, other = [await admin.get(f"/{spelling}/{path}") for spelling in ("journeys", "journey")]
        assert one.status_code == 200
        assert one.json() == other.json()
    other = {"x-store": "other"}
    assert (await admin.get("/journeys/conversions", headers=other)).json()["journeys"] == []
    assert (await admin.get(f"/journeys/conversions/{conversion_id}", headers=other)).status_code == 404


async def test_journeys_are_found_by_order_by_whole_address_and_by_what_they_were(store: Store, admin: Any) -> None:
    await bought(store, "o-17")
    await bought(store, "o-18", visitor_id="v2", email="ravi@mail.example", at=NOON + HOUR)
    assert [row["order_id"] for row in await listed(admin, q="o-1")] == ["o-18", "o-17"]
    assert [row["order_id"] for row in await listed(admin, q="-17")] == ["o-17"]
    assert [row["order_id"] for row in await listed(admin, q=" ASHA@mail.example ")] == ["o-17"]
    assert await listed(admin, q="sha@mail.example") == []
    await bought(store, "o-19", at=NOON + 3 * DAY)
    assert [row["order_id"] for row in await listed(admin, customers="new")] == ["o-18", "o-17"]
    assert [row["order_id"] for row in await listed(admin, customers="returning")] == ["o-19"]
    assert len(await listed(admin, conversion_type="purchase", channel="Email")) == 3
    assert await listed(admin, conversion_type="lead_form_submission") == []
    assert await listed(admin, channel="Display") == []
    assert [row["order_id"] for row in await listed(admin, from_date="2026-03-02")] == ["o-19"]


async def test_the_list_is_ordered_paged_and_told_as_csv(store: Store, admin: Any) -> None:
    await bought(store, "o1")
    await bought(store, "o2", visitor_id="v2", at=NOON + DAY, total=5000, email="b@mail.example")
    await store.order("o3", NOON + 2 * DAY, total=200, email="c@mail.example")
    await store.emit("order.placed", "o3")
    assert [row["order_id"] for row in await listed(admin, order="value")] == ["o3", "o1", "o2"]
    assert [row["order_id"] for row in await listed(admin, order="-touches", limit=1, offset=2)] == ["o3"]
    assert [row["touches"] for row in await listed(admin, order="hours_to_conversion")][-1] == 0
    answer = await admin.get("/journeys/conversions", headers={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["order_id"], row["touches"]) for row in rows] == [("o3", "0"), ("o2", "3"), ("o1", "3")]


async def test_one_journey_has_touches_credit_by_every_model_order_and_customer(store: Store, admin: Any) -> None:
    await store.put("ad_campaign", {"id": "c1", "platform": "google", "name": "Spring"})
    await store.put(
        "order_line",
        {"id": "l1", "order_id": "o1", "product_id": "p1", "title": "Kurta", "quantity": 2, "total": 1000},
    )
    await store.put("person", {"id": "7", "email": "asha@mail.example", "name": "Asha", "country": "IN"})
    conversion_id = await bought(store, person_id="7")
    answer = await admin.get(f"/journeys/conversions/{conversion_id}")
    journey = answer.json()["journey"]
    first, mail, direct = journey["touchpoints"]
    assert (first["campaign"], first["device"], first["browser"]) == ("Spring", "mobile", "Chrome")
    assert (mail["device"], mail["browser"]) == (None, None)
    assert (first["seconds_since_previous"], mail["seconds_since_previous"]) == (None, 18 * 86400)
    assert direct["seconds_to_conversion"] == 3600
    for model in journey["models"]:
        shares = [touch["credit"][model] for touch in journey["touchpoints"]]
        assert sum(share["value_minor"] for share in shares) == 1000, model
        assert sum(share["percent"] for share in shares) == pytest.approx(100), model
    assert first["credit"]["first_click"]["percent"] == 100
    assert mail["credit"]["last_non_direct"]["value"] == "10.00"
    assert journey["unattributed"] is None
    assert journey["order"]["lines"][0]["title"] == "Kurta"
    assert journey["order"]["total_minor"] == 1000
    assert (journey["customer"]["name"], journey["customer"]["is_new_customer"]) == ("Asha", True)


async def test_a_conversion_that_no_touch_came_before_is_unattributed(store: Store, admin: Any) -> None:
    await store.order("o1")
    await store.emit("order.placed", "o1")
    (row,) = await listed(admin)
    journey = (await admin.get(f"/journeys/conversions/{row['conversion_id']}")).json()["journey"]
    assert journey["touchpoints"] == []
    assert journey["unattributed"]["linear"]["value_minor"] == 1000


async def test_without_the_scope_nobody_is_shown_or_searched(store: Store, admin: Any) -> None:
    await store.put("person", {"id": "7", "email": "asha@mail.example", "name": "Asha", "country": "IN"})
    conversion_id = await bought(store, person_id="7")
    (row,) = (await admin.get("/journeys/conversions", headers=READER)).json()["journeys"]
    assert row["customer_email"] is None
    answer = await admin.get(f"/journeys/conversions/{conversion_id}", headers=READER)
    assert "asha" not in answer.text.lower()
    assert answer.json()["journey"]["customer"] == {"id": "7", "country": "IN", "is_new_customer": True}
    searched = await admin.get("/journeys/conversions", params={"q": "asha@mail.example"}, headers=READER)
    assert (searched.status_code, searched.json()["code"]) == (403, "missing_scope")


async def test_a_question_that_means_nothing_names_its_field(admin: Any) -> None:
    for query, field in (
        ({"window": "8"}, "window"),
        ({"conversion_type": "sale"}, "conversion_type"),
        ({"order": "email"}, "order"),
        ({"from_date": "soon"}, "from_date"),
        ({"customers": "old"}, "customers"),
    ):
        answer = await admin.get("/journeys/conversions", params=query)
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]
