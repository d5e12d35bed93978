"""`/journeys`: one list of tracked events, touches and what the ledger says; filters, pages, CSV, entering by hand."""

from typing import Any

import pytest

from adplanning_plugin.identity import person_identifier
from tests.journeys.conftest import DAY, HOUR, NOON, Store

CALL = {"event_type": "custom", "event_name": "Phone call", "person_id": "7", "stage": "consideration"}


@pytest.fixture
async def history(store: Store) -> Store:
    """One person on two devices, a guest, and a visitor nobody knows."""
    await store.put("person", {"id": "7", "name": "Asha Rao", "created_at": NOON - 9 * DAY})
    await store.put("ad_campaign", {"id": "c1", "platform": "google", "name": "Brand"})
    await store.track("page_view", NOON, visitor_id="v1", path="/sarees")
    await store.track("add_to_cart", NOON + HOUR, visitor_id="v1", value=500, currency="INR")
    await store.track("video_play", NOON + 2 * HOUR, visitor_id="v2")
    await store.track("page_view", NOON + 3 * HOUR, visitor_id=None)
    await store.touch(NOON, "v1", "Paid Search", ad_campaign_id="c1", campaign="brand", session_id="s-v1")
    await store.touch(NOON + HOUR, "v2", "Direct")
    await store.touch(NOON + 2 * HOUR, "v2", "Email", campaign="letter 9")
    await store.link("v1", person_identifier("7"))
    await store.order("o1", NOON + DAY, person_id="7")
    await store.emit("order.placed", "o1")
    await store.read_stream()
    return store


async def listed(admin: Any, **query: Any) -> list[dict[str, Any]]:
    answer = await admin.get("/journeys", params=query)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["count"] >= len(body["journeys"])
    return body["journeys"]


def types(rows: list[dict[str, Any]]) -> list[str]:
    return [row["event_type"] for row in rows]


async def test_the_list_has_every_kind_of_event_newest_first(history: Store, admin: Any) -> None:
    rows = await listed(admin)
    assert [(row["event_type"], row["stage"], row["channel"], row["person_id"]) for row in rows] == [
        ("purchase", "conversion", "web", "7"),
        ("email_click", "interest", "Email", None),
        ("custom", None, "web", None),
        ("add_to_cart", "intent", "web", "7"),
        ("ad_click", "interest", "Paid Search", "7"),
        ("page_view", "awareness", "web", "7"),
    ]
    assert {row["person_name"] for row in rows} == {"Asha Rao", None}
    bought = rows[0]
    assert (bought["value"], bought["value_minor"], bought["currency"], bought["order_id"]) == (
        "10.00",
        1000,
        "INR",
        "o1",
    )
    assert next(row for row in rows if row["event_type"] == "ad_click")["campaign"] == "Brand"
    assert next(row for row in rows if row["event_type"] == "custom")["event_name"] == "video_play"


FILTERS: list[tuple[dict[str, str], set[str]]] = [
    ({"event_type": "purchase"}, {"purchase"}),
    ({"event_type": "custom"}, {"custom"}),
    ({"stage": "interest"}, {"email_click", "ad_click"}),
    ({"stage": "conversion"}, {"purchase"}),
    ({"stage": "retention"}, set()),
    ({"channel": "Email"}, {"email_click"}),
    ({"channel": "sms"}, set()),
    ({"visitor_id": "v2"}, {"custom", "email_click"}),
    ({"person_id": "7"}, {"page_view", "add_to_cart", "ad_click", "purchase"}),
    ({"person_id": "8"}, set()),
    ({"session_id": "s-v1"}, {"page_view", "add_to_cart", "ad_click"}),
    ({"ad_campaign_id": "c1"}, {"ad_click"}),
    ({"from_date": "2026-03-02"}, {"purchase"}),
    ({"to_date": "2026-03-01T12:30:00Z"}, {"page_view", "ad_click"}),
    ({"q": "sarees"}, {"page_view"}),
    ({"q": "letter"}, {"email_click"}),
    ({"q": "o1"}, {"purchase"}),
    ({"stage": "intent", "event_type": "purchase"}, set()),
]


async def test_filters_hold_in_every_part(history: Store, admin: Any) -> None:
    for query, expected in FILTERS:
        assert set(types(await listed(admin, **query))) == expected, query


async def test_pages_order_csv_and_who_may_read_what(history: Store, admin: Any) -> None:
    everything = await listed(admin)
    assert (await admin.get("/journey")).json()["journeys"] == everything, "both spellings are one"
    pages = [await listed(admin, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [row["id"] for page in pages for row in page] == [row["id"] for row in everything]
    oldest = await listed(admin, order="occurred_at")
    assert [row["id"] for row in oldest] == [row["id"] for row in reversed(everything)]
    answer = await admin.get("/journeys", params={"person_id": "7", "limit": 1}, headers={"accept": "text/csv"})
    lines = answer.text.strip().splitlines()
    assert answer.headers["content-type"].startswith("text/csv")
    assert len(lines) == 5
    assert lines[0].startswith("id,origin,event_type")
    nameless = await admin.get("/journeys", headers={"x-scopes": "adplanning:read"})
    assert {row["person_name"] for row in nameless.json()["journeys"]} == {None}
    elsewhere = await admin.get("/journeys", headers={"x-store": "other"})
    assert elsewhere.json()["journeys"] == []


async def test_an_event_entered_by_hand_is_listed_and_counts(history: Store, admin: Any) -> None:
    answer = await admin.post("/journeys", json=CALL | {"occurred_at": "2026-03-05T10:00:00Z"})
    assert answer.status_code == 201, answer.text
    made = answer.json()["journey_event"]
    assert (made["event_type"], made["stage"], made["label"]) == ("custom", "consideration", "Other event")
    assert made["person_name"] == "Asha Rao"
    assert (await listed(admin))[0]["id"] == made["id"]
    assert "consideration" in (await history.stages())["person:7"]


async def test_a_create_that_is_sent_twice_happens_once(store: Store, admin: Any) -> None:
    await store.put("person", {"id": "7", "created_at": NOON})
    headers = {"idempotency-key": "k1"}
    first, again = [await admin.post("/journey", json=CALL, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    assert len(await store.events(source_kind="manual")) == 1
    other = await admin.post("/journey", json=CALL | {"event_name": "Fair"}, headers=headers)
    assert other.status_code == 409


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"person_id": None}, "person_id", "whose"),
    ({"person_id": "99"}, "person_id", "no person"),
    ({"event_name": None}, "event_name", "says what it was"),
    ({"event_name": "a\u0007"}, "event_name", "control characters"),
    ({"event_type": "refund"}, "event_type", "cannot be entered by hand"),
    ({"channel": "smoke"}, "channel", "one of"),
    ({"value": "10"}, "currency", "missing"),
    ({"value": "1.234", "currency": "INR"}, "value", "value"),
    ({"occurred_at": "yesterday"}, "occurred_at", "RFC 3339"),
    ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at", "future"),
    ({"occurred_at": "1950-01-01T00:00:00Z"}, "occurred_at", "1990"),
    ({"ad_campaign_id": "nope"}, "ad_campaign_id", "no ad_campaign"),
    ({"event_data": {"x": "y" * 20_000}}, "event_data", "bytes"),
]


async def test_bad_input_names_the_field_and_the_fix(store: Store, admin: Any) -> None:
    await store.put("person", {"id": "7", "created_at": NOON})
    for change, field, word in BAD:
        answer = await admin.post("/journeys", json={**CALL, **change})
        assert answer.status_code == 422, change
        (error,) = answer.json()["errors"]
        assert error["field"] == field, change
        assert word in error["message"], error
    assert await store.events() == []


async def test_unknown_filters_are_refused(runtime: Any, admin: Any) -> None:
    for query in (
        {"stage": "love"}, {"event_type": "x"}, {"channel": "x"}, {"order": "person_id"}, {"cursor": "x"}, {"a": "1"},
        {"from_date": "soon"}, {"from_date": "2026-03-02", "to_date": "2026-03-01"},
    ):  # fmt: skip
        assert (await admin.get("/journeys", params=query)).status_code == 422, query


async def test_entering_needs_the_scope_to_write(runtime: Any, admin: Any) -> None:
    answer = await admin.post("/journeys", json=CALL, headers={"x-scopes": "adplanning:read"})
    assert answer.status_code == 403


async def test_the_vocabulary_is_told(runtime: Any, admin: Any) -> None:
    body = (await admin.get("/journeys/event-types")).json()
    kinds = {each["event_type"]: each for each in body["event_types"]}
    assert (kinds["purchase"]["colour"], kinds["ad_click"]["colour"]) == ("green", "purple")
    assert body["stages"][0]["stage"] == "awareness"
    assert {"web", "Paid Search"} <= set(body["channels"])
