"""One person's timeline: what is theirs, what is only claimed, what it comes to, and what an id may mean."""

from datetime import timedelta
from typing import Any

from adplanning_plugin import hookimpl
from adplanning_plugin.hookspecs import MetricsQuery, Section
from adplanning_plugin.identity import person_identifier
from adplanning_plugin.journeys.sections import SECTIONS, customer_funnel, scores_of
from tests.journeys.conftest import DAY, HOUR, NOON, Store, make_runtime

ASHA = {"id": "7", "name": "Asha Rao", "email": "asha@mail.example", "created_at": NOON - DAY}


async def asha(store: Store) -> None:
    """Seen on two browsers, of which one logged in; bought twice, gave half of one back, and praised."""
    await store.put("person", ASHA)
    await store.track("page_view", NOON, visitor_id="v1")
    await store.track("product_view", NOON + HOUR, visitor_id="v1")
    await store.track("page_view", NOON + 2 * HOUR, visitor_id="v9")
    await store.link("v1", person_identifier("7"))
    first = await store.order("o1", NOON + 2 * DAY, person_id="7")
    await store.order("o2", NOON + 5 * DAY, person_id="7")
    await store.emit("order.placed", "o1", "o2")
    await store.put(
        "refund", {"id": "r1", "order_id": "o1", "amount": 500, "currency": "INR", "created_at": NOON + 3 * DAY}
    )
    await store.put("order", {**first, "payment_state": "partially_refunded"})
    await store.emit("order.refunded", "o1")
    await store.put("feedback", {"id": "f1", "person_id": "7", "rating": 5, "scale": 5, "created_at": NOON + 6 * DAY})
    await store.emit("feedback.created", "f1")
    await store.read_stream()


async def test_a_timeline_has_what_a_person_did_and_what_it_comes_to(store: Store, admin: Any) -> None:
    await asha(store)
    body = (await admin.get("/journeys/person/7")).json()
    assert [row["event_type"] for row in body["events"]] == [
        "feedback", "purchase", "refund", "purchase", "product_view", "page_view",
    ]  # fmt: skip
    assert (body["count"], body["offset"]) == (6, 0)
    found = body["summary"]
    assert found["furthest_stage"] == "advocacy"
    assert found["by_type"]["purchase"] == found["orders"] == 2
    assert found["by_stage"] == {"advocacy": 1, "awareness": 1, "consideration": 1, "conversion": 1, "retention": 1}
    assert found["by_channel"] == {"web": 6}
    assert found["days_to_first_purchase"] == 2
    assert found["value"] == [{"currency": "INR", "value": "15.00", "value_minor": 1500}]
    assert (found["first_at"], found["stages"]["intent"]) == ("2026-03-01T12:00:00Z", None)
    assert body["scores"] == []
    page = (await admin.get("/journey/person/7", params={"limit": 2, "offset": 1, "order": "occurred_at"})).json()
    assert [row["event_type"] for row in page["events"]] == ["product_view", "purchase"]
    bought = (await admin.get("/journeys/person/7", params={"event_type": "purchase"})).json()
    assert (bought["count"], bought["summary"]["events"]) == (2, 6), "the summary is of the whole journey"


async def test_an_id_means_a_conversion_or_a_person_or_nothing(store: Store, admin: Any) -> None:
    await asha(store)
    assert (await admin.get("/journeys/7")).json()["person_id"] == "7"
    conversion = (await store.events(order_id="o1"))[0].conversion_id
    for spelling in ("/journeys", "/journey"):
        found = (await admin.get(f"{spelling}/{conversion}")).json()["journey"]
        assert (found["conversion_id"], found["order_id"]) == (conversion, "o1")
    missing = await admin.get("/journeys/nobody")
    assert missing.status_code == 404
    assert "nobody" in missing.json()["detail"]


async def test_a_claimed_history_is_shown_marked_and_counts_for_nothing(store: Store, admin: Any) -> None:
    await store.put("person", ASHA)
    await store.put("analytics_session", {"id": "s9", "visitor_id": "v9", "started_at": NOON})
    await store.track("page_view", NOON, visitor_id="v9", session_id="s9")
    await store.track("add_to_cart", NOON + HOUR, visitor_id="v9", session_id="s9")
    await store.read_stream()
    await store.link("v9", person_identifier("7"), kind="form")
    await store.work()
    body = (await admin.get("/journeys/person/7")).json()
    assert {(row["event_type"], row["claimed"]) for row in body["events"]} == {
        ("page_view", True),
        ("add_to_cart", True),
    }
    assert (body["summary"]["events"], body["summary"]["claimed_visitors"]) == (0, 1)
    assert set(await store.stages()) == {"visitor:v9"}
    assert (await admin.get("/journeys", params={"person_id": "7"})).json()["journeys"] == []
    await store.link("v9", person_identifier("7"), NOON + DAY)
    await store.work()
    body = (await admin.get("/journeys/person/7")).json()
    assert {row["claimed"] for row in body["events"]} == {False}
    assert body["summary"]["events"] == 2
    assert set(await store.stages()) == {"person:7"}


async def test_scores_that_a_plugin_registers_are_shown_to_whoever_may_see_them(store: Store) -> None:
    async def scores(runtime: Any, session: Any, tenant_id: str, person_id: str) -> dict[str, Any]:
        return {"scores": [{"score_type": "engagement", "of": person_id}]}

    class Scores:
        @hookimpl
        def register_sections(self) -> list[Section]:
            return [Section(key="scores", title="Scores", compute=scores, place="person", scope="adplanning:pii")]

    runtime = make_runtime(store.runtime.database, Scores())
    async with runtime.database.reading("main") as session:
        read = frozenset({"adplanning:read"})
        assert await scores_of(session, runtime, "main", "7", read) == []
        assert await scores_of(session, runtime, "main", "7", read | {"adplanning:pii"}) == [
            {"score_type": "engagement", "of": "7"}
        ]


async def test_the_funnel_counts_each_person_once_and_whoever_came_further_in_every_stage_before(store: Store) -> None:
    await asha(store)
    assert [(each.key, each.place) for each in SECTIONS] == [("customer_funnel", "metrics"), ("journey", "person")]
    query = MetricsQuery(
        tenant_id="main", first=NOON.date(), last=NOON.date(), start=NOON - DAY, end=NOON + timedelta(hours=12),
        zone="Asia/Kolkata", currency="INR",
    )  # fmt: skip
    async with store.runtime.database.reading("main") as session:
        found = await customer_funnel(store.runtime, session, query)
    assert (found["people"], found["identified"], found["buyers"], found["repeat_buyers"]) == (2, 1, 1, 1)
    assert [each["people"] for each in found["stages"]] == [2, 1, 1, 1, 1, 1, 1]
    assert [each["dropped"] for each in found["stages"]] == [None, 1, 0, 0, 0, 0, 0]
    assert found["stages"][1]["drop_off"] == 0.5
