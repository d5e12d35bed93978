"""From what the store emits to what stands in the database: an event for each source, whoever tells of it how often."""

from typing import Any

import pytest

from adplanning_plugin import hookimpl
from adplanning_plugin.kernel.workflows import WorkflowHook
from tests.journeys.conftest import DAY, HOUR, NOON, Store, make_runtime

PERSON = {"id": "7", "email": "asha@mail.example", "name": "Asha", "created_at": NOON - 9 * DAY}


def shape(events: list[Any]) -> list[tuple[Any, ...]]:
    return [(each.event_type, each.stage, each.channel, each.person_id) for each in events]


@pytest.mark.parametrize("name", ["order.placed", "order.paid", "order.updated"])
async def test_an_order_that_is_told_of_is_a_purchase_on_its_buyers_timeline(store: Store, name: str) -> None:
    await store.order("o1", person_id="7")
    await store.emit(name, "o1")
    (event,) = await store.events()
    assert shape([event]) == [("purchase", "conversion", "web", "7")]
    assert (event.order_id, event.value_minor, event.currency) == ("o1", 1000, "INR")
    assert await store.stages() == {"person:7": {"conversion": NOON}}


async def test_a_cancelled_order_takes_its_stage_back(store: Store) -> None:
    order = await store.order("o1", person_id="7")
    await store.emit("order.placed", "o1")
    await store.put("order", {**order, "payment_state": "cancelled", "cancelled_at": NOON + DAY})
    await store.emit("order.cancelled", "o1")
    assert shape(await store.events()) == [("order_cancelled", None, "web", "7")]
    assert await store.stages() == {"person:7": {}}


async def test_a_refund_is_an_event_of_its_own_and_takes_no_stage(store: Store) -> None:
    order = await store.order("o1", person_id="7")
    await store.emit("order.placed", "o1")
    await store.put(
        "refund", {"id": "r1", "order_id": "o1", "amount": 400, "currency": "INR", "created_at": NOON + DAY}
    )
    await store.put("order", {**order, "payment_state": "partially_refunded"})
    await store.emit("order.refunded", "o1")
    bought, refund = await store.events()
    assert shape([bought, refund]) == [("purchase", "conversion", "web", "7"), ("refund", None, "web", "7")]
    assert (refund.order_id, refund.value_minor, refund.occurred_at) == ("o1", 400, NOON + DAY)


async def test_a_lead_is_intent_in_the_visit_it_came_from(store: Store) -> None:
    await store.put("analytics_session", {"id": "s1", "visitor_id": "v1", "started_at": NOON - HOUR})
    await store.put(
        "lead", {"id": "l1", "email": "a@b.example", "session_id": "s1", "created_at": NOON, "updated_at": NOON}
    )
    await store.emit("lead.created", "l1")
    (event,) = await store.events()
    assert (event.event_type, event.stage, event.visitor_id, event.identifier) == ("lead_capture", "intent", "v1", None)
    assert (await store.stages())["visitor:v1"]["intent"] == NOON


async def test_feedback_has_its_class_and_praise_is_advocacy(store: Store) -> None:
    rows = [("f1", 5, 5), ("f2", 4, 5), ("f3", 3, 5), ("f4", 9, 10), ("f5", 8, 10), ("f6", 0, 10)]
    for number, (key, rating, scale) in enumerate(rows):
        at = NOON + number * HOUR
        await store.put("feedback", {"id": key, "person_id": key, "rating": rating, "scale": scale, "created_at": at})
    await store.emit("feedback.created", *(key for key, *_ in rows))
    found = {each.source_id: (each.event_data, each.stage) for each in await store.events(event_type="feedback")}
    assert {key: (data["nps"], data["nps_class"], stage) for key, (data, stage) in found.items()} == {
        "f1": (10, "promoter", "advocacy"),
        "f2": (7.5, "passive", "advocacy"),
        "f3": (5, "detractor", None),
        "f4": (9, "promoter", "advocacy"),
        "f5": (8, "passive", None),
        "f6": (0, "detractor", None),
    }
    reached = await store.stages()
    assert [key for key, *_ in rows if "advocacy" in reached[f"person:{key}"]] == ["f1", "f2", "f4"]


async def test_feedback_without_a_person_is_its_orders_buyers(store: Store) -> None:
    await store.order("o1", person_id="7")
    await store.emit("order.placed", "o1")
    await store.put("feedback", {"id": "f1", "order_id": "o1", "rating": 5, "scale": 5, "created_at": NOON + DAY})
    await store.emit("feedback.created", "f1")
    assert (await store.stages())["person:7"]["advocacy"] == NOON + DAY


@pytest.mark.parametrize("name", ["form_response.created"])
async def test_a_form_is_consideration_of_its_visitor_and_names_nobody(store: Store, name: str) -> None:
    await store.put("analytics_session", {"id": "s1", "visitor_id": "v1", "started_at": NOON - HOUR})
    await store.put(
        "form_response",
        {"id": "a1", "form_name": "Contact", "email": "a@b.example", "session_id": "s1", "created_at": NOON},
    )
    await store.emit(name, "a1")
    (event,) = await store.events()
    assert (event.event_type, event.stage, event.event_name, event.identifier) == (
        "form_submit", "consideration", "Contact", None,
    )  # fmt: skip
    assert set(await store.stages()) == {"visitor:v1"}


async def test_an_interaction_is_interest_on_social(store: Store) -> None:
    await store.put("social_interaction", {"id": "i1", "person_id": "7", "kind": "comment", "at": NOON})
    await store.emit("social_interaction.created", "i1")
    assert shape(await store.events()) == [("social_engage", "interest", "social", "7")]
    assert await store.stages() == {"person:7": {"interest": NOON}}


async def test_an_account_is_a_sign_up(store: Store) -> None:
    await store.put("person", PERSON)
    await store.emit("person.created", "7")
    assert shape(await store.events()) == [("sign_up", "consideration", "web", "7")]


async def test_the_stores_own_analytics_events_bring_their_visitor_further(store: Store) -> None:
    row = {"id": "e1", "session_id": "s1", "visitor_id": "v1", "name": "add_to_cart", "occurred_at": NOON}
    await store.put("analytics_event", row)
    await store.emit("analytics_event.created", "e1")
    assert await store.stages() == {"visitor:v1": {"intent": NOON}}
    assert await store.events() == [], "the store's own event is not copied"


async def test_an_event_about_a_row_that_is_not_there_yet_is_tried_again(store: Store) -> None:
    await store.emit("feedback.created", "f9")
    await store.put("feedback", {"id": "f9", "person_id": "7", "rating": 5, "scale": 5, "created_at": NOON})
    assert await store.events() == []
    await store.backfill()
    assert [each.source_id for each in await store.events()] == ["f9"]


async def test_the_past_and_the_bus_say_each_thing_once(store: Store) -> None:
    await store.put("person", PERSON)
    await store.order("o1", person_id="7")
    await store.put("feedback", {"id": "f1", "person_id": "7", "rating": 5, "scale": 5, "created_at": NOON + DAY})
    await store.put("lead", {"id": "l1", "person_id": "7", "created_at": NOON - DAY, "updated_at": NOON - DAY})
    await store.put("social_interaction", {"id": "i1", "person_id": "7", "kind": "like", "at": NOON - 2 * DAY})
    await store.put("form_response", {"id": "a1", "person_id": "7", "created_at": NOON - 3 * DAY})
    await store.backfill()
    before = [(each.id, each.updated_at) for each in await store.events()]
    stages = await store.stages()
    assert stages == {
        "person:7": {
            "interest": NOON - 2 * DAY,
            "consideration": NOON - 9 * DAY,
            "intent": NOON - DAY,
            "conversion": NOON,
            "advocacy": NOON + DAY,
        }
    }
    assert len(before) == 6
    for name, key in (
        ("order.placed", "o1"), ("feedback.created", "f1"), ("lead.created", "l1"), ("person.created", "7"),
        ("social_interaction.created", "i1"), ("form_response.created", "a1"),
    ):  # fmt: skip
        await store.emit(name, key)
    await store.backfill()
    assert [(each.id, each.updated_at) for each in await store.events()] == before
    assert await store.stages() == stages


async def test_a_step_added_at_the_workflows_hook_point_learns_what_was_recorded(store: Store) -> None:
    told: list[dict[str, Any]] = []

    async def tell(delivery: Any, payload: dict[str, Any]) -> None:
        told.append(payload)

    class Listener:
        @hookimpl
        def register_workflow_hooks(self) -> list[WorkflowHook]:
            name = "track-customer-journey-event"
            return [WorkflowHook(id="listener", workflow=name, point="recorded", run=tell, database_only=True)]

    listening = Store(make_runtime(store.runtime.database, Listener()))
    await listening.put("social_interaction", {"id": "i1", "person_id": "7", "kind": "like", "at": NOON})
    await listening.emit("social_interaction.created", "i1")
    assert told == [{"source_kind": "social_interaction", "ids": ["i1"], "changed": 1}]
