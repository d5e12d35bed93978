"""Goals: every condition counts, each hit once, the preview is what will be counted, and bad goals say why."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update

from adplanning_plugin.kernel.days import now
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.watermark import Streams
from adplanning_plugin.tracking.claims import track_conversion
from adplanning_plugin.tracking.goal_hits import read_events
from adplanning_plugin.tracking.goal_rules import ensure_default_goals
from adplanning_plugin.tracking.models import Event, Goal
from adplanning_plugin.tracking.schemas import ClaimIn, Seen
from tests.conversions import shop
from tests.conversions.shop import sale


def event(name: str, number: int, **more: Any) -> dict[str, Any]:
    at = now() - timedelta(hours=number)
    nothing: dict[str, Any] = dict.fromkeys(
        ("visitor_id", "session_id", "website_id", "url", "path", "referrer", "utm", "click_ids", "value", "currency",
         "seconds", "scroll", "properties")
    )  # fmt: skip
    base = {"tenant_id": "main", "id": f"e{number}", "name": name, "occurred_at": at, "received_at": at, "consent": 1}
    return {**nothing, **base, **more}


async def track(runtime: Any, *events: dict[str, Any]) -> None:
    async with runtime.database.transaction("main") as session:
        await session.execute(insert(Event), list(events))
        written = await session.scalar(text("SELECT pg_current_xact_id()::text::bigint"))
    await read_up_to(runtime, written)


async def read_up_to(runtime: Any, written: int) -> None:
    """Advance the readers past a transaction; older ones of other databases of the server may still be running."""
    reached = text("SELECT (position->>'xid')::bigint FROM adplanning.watermark WHERE reader = 'stream:goals'")
    async with asyncio.timeout(60):
        while True:
            await runtime.get(Streams).advance(runtime, "main")
            async with runtime.database.reading("main") as session:
                if ((await session.execute(reached)).scalar() or 0) > written:
                    return
            await asyncio.sleep(0.05)


async def goal(admin: Any, **body: Any) -> dict[str, Any]:
    response = await admin.post("/goals", json=body)
    assert response.status_code == 201, response.text
    return response.json()["goal"]


EVENTS = (
    event("page_view", 1, path="/pricing", visitor_id="v1", utm={"source": "Google", "medium": "cpc"}),
    event("page_view", 2, path="/products/a/b", visitor_id="v1"),
    event("page_view", 3, path="/products_a", visitor_id="v2"),
    event("signup", 4, properties={"plan": "pro", "seats": 12, "trial": True}, visitor_id="v2"),
    event("signup", 5, properties={"plan": "free", "seats": "3", "nested": {"a": "x"}}),
    event("signup", 6, properties={"seats": "many"}),
    event("time_on_site", 7, seconds=90),
    event("time_on_site", 8, seconds=20),
    event("scroll_depth", 9, scroll=75),
    event("scroll_depth", 10, scroll=25),
    event("donate", 11, value=50000, currency="INR"),
    event("donate", 12, value=49999, currency="INR"),
    event("donate", 13, value=90000, currency="EUR"),
    event("donate", 14),
)
CONDITIONS: tuple[tuple[str, str, dict[str, Any], set[str]], ...] = (
    ("event name", "custom", {"event_name": "signup"}, {"e4", "e5", "e6"}),
    ("exact path", "page_view", {"pathname_pattern": "/pricing"}, {"e1"}),
    ("path with stars", "page_view", {"pathname_pattern": "/products/*"}, {"e2"}),
    ("an underscore is itself", "page_view", {"pathname_pattern": "/products_*"}, {"e3"}),
    ("a question mark is one character", "page_view", {"pathname_pattern": "/products?a"}, {"e3"}),
    ("seconds", "time_on_site", {"min_seconds": 60}, {"e7"}),
    ("scroll", "scroll_depth", {"min_scroll": 75}, {"e9"}),
    ("value of the same currency", "custom", {"event_name": "donate", "min_value": 500}, {"e11"}),
    ("engagement by seconds or more", "page_engagement", {"min_seconds": 20}, {"e7", "e8"}),
    ("number property", "custom", {"custom": [{"field": "properties.seats", "operator": ">", "value": 3}]}, {"e4"}),
    (
        "numeric string",
        "custom",
        {"custom": [{"field": "properties.seats", "operator": "at_least", "value": "3"}]},
        {"e4", "e5"},
    ),
    (
        "text property",
        "custom",
        {"custom": [{"field": "properties.plan", "operator": "equals", "value": "pro"}]},
        {"e4"},
    ),
    ("true or false", "custom", {"custom": [{"field": "properties.trial", "operator": "=", "value": True}]}, {"e4"}),
    ("nested", "custom", {"custom": [{"field": "properties.nested.a", "operator": "in", "value": ["x", "y"]}]}, {"e5"}),
    (
        "without the property",
        "custom",
        {"event_name": "signup", "custom": [{"field": "properties.plan", "operator": "not_exists"}]},
        {"e6"},
    ),
    (
        "not equal counts what lacks it",
        "custom",
        {"event_name": "signup", "custom": [{"field": "properties.plan", "operator": "!=", "value": "pro"}]},
        {"e5", "e6"},
    ),
    ("utm", "custom", {"custom": [{"field": "utm_medium", "operator": "starts_with", "value": "cp"}]}, {"e1"}),
    (
        "a percent sign is itself",
        "custom",
        {"custom": [{"field": "path", "operator": "contains", "value": "%"}]},
        set(),
    ),
    ("money field", "custom", {"custom": [{"field": "value", "operator": "<", "value": "500.00"}]}, {"e12"}),
)


@pytest.mark.parametrize(
    ("goal_type", "conditions", "expected"), [each[1:] for each in CONDITIONS], ids=[c[0] for c in CONDITIONS]
)
async def test_each_condition_is_evaluated_and_the_preview_is_what_is_counted(
    runtime: Any, admin: Any, stored: Any, goal_type: str, conditions: dict[str, Any], expected: set[str]
) -> None:
    made = await goal(admin, name="g", goal_type=goal_type, conditions=conditions)
    await track(runtime, *EVENTS)
    hits = [each for each in await stored() if each.goal_id == made["id"]]
    assert {each.event_id for each in hits} == expected
    preview = (await admin.get(f"/goals/{made['id']}/preview")).json()["preview"]
    assert (preview["matched"], preview["count"]) == (len(expected), len(expected))
    assert preview["visitors"] == len({each.visitor_id for each in hits if each.visitor_id})
    asked = {"name": "g", "goal_type": goal_type, "conditions": conditions}
    again = (await admin.post("/goals/preview", json=asked)).json()["preview"]
    assert again["matched"] == len(expected)


async def test_readers_at_once_count_each_hit_once(runtime: Any, admin: Any, stored: Any) -> None:
    await goal(admin, name="Signups", goal_type="custom", conditions={"event_name": "signup"})
    async with runtime.database.transaction("main") as session:
        await session.execute(insert(Event), [event("signup", number) for number in range(1, 201)])

    async def read() -> int:
        async with runtime.database.transaction("main") as session:
            return await read_events(runtime, session, "main", 0, 2**62)

    counted = await asyncio.gather(*(read() for _ in range(6)), runtime.get(Streams).advance(runtime, "main"))
    assert sum(each for each in counted if each is not True) <= 200
    assert len(await stored()) == 200


async def test_of_two_goals_of_a_type_the_higher_priority_takes_the_event_and_the_preview_knows(
    runtime: Any, admin: Any, stored: Any
) -> None:
    every = await goal(admin, name="Signups", goal_type="custom", conditions={"event_name": "signup"}, default_value=1)
    pro = {"event_name": "signup", "custom": [{"field": "properties.plan", "operator": "is", "value": "pro"}]}
    best = await goal(admin, name="Pro", goal_type="custom", conditions=pro, priority=5, default_value="20.50")
    await goal(admin, name="Seen", goal_type="page_view", conditions={"event_name": "signup"})
    await track(runtime, *EVENTS)
    hits = {(each.event_id, each.conversion_type): (each.goal_id, each.value) for each in await stored()}
    assert hits["e4", "custom"] == (best["id"], 2050)
    assert hits["e5", "custom"] == hits["e6", "custom"] == (every["id"], 100)
    assert ("e4", "page_engagement") in hits
    preview = (await admin.get(f"/goals/{every['id']}/preview")).json()["preview"]
    assert (preview["matched"], preview["count"], preview["taken_by_other_goals"]) == (3, 2, 1)


async def test_the_value_comes_from_the_event_where_the_goal_says_so(runtime: Any, admin: Any, stored: Any) -> None:
    body = {
        "goal_type": "custom",
        "conditions": {"event_name": "donate"},
        "default_value": "7",
        "value_from_event": True,
    }
    await goal(admin, name="Donations", **body)
    await track(runtime, *EVENTS)
    worth = {each.event_id: (each.value, each.currency) for each in await stored()}
    assert worth == {"e11": (50000, "INR"), "e12": (49999, "INR"), "e13": (90000, "EUR"), "e14": (700, "INR")}
    assert not any(each.is_revenue for each in await stored())


async def test_an_inactive_goal_counts_nothing_and_a_changed_one_counts_what_comes_next(
    runtime: Any, admin: Any, stored: Any
) -> None:
    made = await goal(admin, name="S", goal_type="custom", conditions={"event_name": "signup"}, is_active=False)
    await track(runtime, event("signup", 1))
    assert await stored() == []
    changed = await admin.put(f"/goals/{made['id']}", json={"version": 1, "is_active": True, "default_value": "3"})
    assert (changed.status_code, changed.json()["goal"]["version"]) == (200, 2)
    await track(runtime, event("signup", 2))
    assert [(each.event_id, each.value) for each in await stored()] == [("e2", 300)]


async def test_a_store_starts_with_goals_for_cart_and_checkout_and_keeps_them_deleted(
    runtime: Any, admin: Any, stored: Any
) -> None:
    await track(runtime, event("add_to_cart", 1, visitor_id="v"), event("begin_checkout", 2), event("page_view", 3))
    assert {each.conversion_type for each in await stored()} == {"add_to_cart", "begin_checkout"}
    listed = (await admin.get("/goals")).json()["goals"]
    assert {each["goal_type"] for each in listed} == {"add_to_cart", "begin_checkout"}
    for each in listed:
        await admin.delete(f"/goals/{each['id']}")
    async with runtime.database.transaction("main") as session:
        await ensure_default_goals(session, "main")
    await track(runtime, event("add_to_cart", 4))
    assert (await admin.get("/goals")).json()["count"] == 0
    assert len(await stored()) == 2


async def test_the_hosts_own_events_are_held_against_the_goals_once(
    put: Any, emit: Any, runtime: Any, admin: Any, stored: Any
) -> None:
    conditions = {"pathname_pattern": "/thanks", "min_seconds": 30}
    made = await goal(admin, name="Read it", goal_type="page_engagement", conditions=conditions, value_from_event=True)
    base = {
        "store": "main",
        "at": now() - timedelta(days=1),
        "visit": "s",
        "browser": "b",
        "worth": 900,
        "currency": "INR",
    }
    await put(
        shop.hits,
        {"no": 1, "what": "left", "address": "https://shop.example/thanks?x=1", "extra": {"seconds": 31.5}, **base},
        {"no": 2, "what": "left", "address": "https://shop.example/thanks", "extra": {"seconds": "n/a"}, **base},
        {"no": 3, "what": "left", "address": "/thanks#top", "extra": {"duration": 40}, **base},
        {"no": 4, "what": "left", "address": None, "extra": None, **base},
    )
    await asyncio.gather(emit("analytics_event.created", 1, 2, 3, 4), emit("analytics_event.created", 1, 3))
    hits = await stored()
    assert sorted((each.event_id, each.goal_id, each.value, each.visitor_id) for each in hits) == [
        (number, made["id"], 900, "b") for number in ("1", "3")
    ]
    assert (await admin.get(f"/goals/{made['id']}/preview")).json()["preview"]["count"] == 2


async def test_a_purchase_goal_marks_orders_and_makes_no_second_conversion(
    put: Any, emit: Any, admin: Any, stored: Any
) -> None:
    made = await goal(admin, name="Purchase with value > 500", goal_type="purchase", conditions={"min_value": "500"})
    recent = now() - timedelta(days=2)
    await put(shop.sales, sale(1, "500") | {"at": recent}, sale(2, "499.99") | {"at": recent})
    await emit("order.placed", 1, 2)
    assert {each.order_id: each.goal_id for each in await stored()} == {"1": made["id"], "2": None}
    preview = (await admin.get(f"/goals/{made['id']}/preview")).json()["preview"]
    assert (preview["count"], preview["looks_at"]) == (1, "orders")


async def test_a_lead_is_worth_its_own_value_or_what_the_lead_goal_says(
    put: Any, emit: Any, admin: Any, stored: Any
) -> None:
    made = await goal(admin, name="Enquiry", goal_type="lead", default_value="250")
    await put(shop.campaigns, {"key": "c-1", "store": "main", "network": "meta", "label": "Leads"})
    await put(
        shop.enquiries,
        {"no": 1, "store": "main", "at": shop.DAY, "worth": "12.5", "currency": "INR", "mail": "a@example.com"},
        {"no": 2, "store": "main", "at": shop.DAY, "campaign": "c-1"},
    )
    await emit("lead.created", 1, 2)
    await emit("lead.created", 2)
    facts = {each.lead_id: (each.value, each.goal_id, each.platform, each.ad_campaign_id) for each in await stored()}
    assert facts == {"1": (1250, made["id"], None, None), "2": (25000, made["id"], "meta", "c-1")}


async def test_what_a_goal_has_counted_stays_when_the_goal_goes_and_the_order_or_lead_changes(
    put: Any, emit: Any, admin: Any, runtime: Any, stored: Any
) -> None:
    bought = await goal(admin, name="Bought", goal_type="purchase")
    asked = await goal(admin, name="Asked", goal_type="lead", default_value="250")
    await put(shop.sales, sale(1, "500"))
    await put(shop.enquiries, {"no": 1, "store": "main", "at": shop.DAY, "mail": "a@example.com"})
    await emit("order.placed", 1)
    await emit("lead.created", 1)
    await admin.put(f"/goals/{bought['id']}", json={"version": 1, "is_active": False})
    await admin.put(f"/goals/{asked['id']}", json={"version": 1, "default_value": "9"})
    await goal(admin, name="Another", goal_type="lead", default_value="7", priority=9)
    async with runtime.database.transaction("main") as session:
        await session.execute(update(shop.sales).values(total="600"))
        await session.execute(update(shop.enquiries).values(mail="b@example.com"))
    await emit("order.updated", 1)
    await emit("lead.updated", 1)
    facts = {each.conversion_type: (each.value, each.goal_id) for each in await stored()}
    assert facts == {"purchase": (60000, bought["id"]), "lead_form_submission": (25000, asked["id"])}


async def test_a_claim_is_worth_what_its_goal_says_and_counts_once_by_its_client_id(
    runtime: Any, admin: Any, stored: Any
) -> None:
    await goal(admin, name="Cart", goal_type="add_to_cart", conditions={"min_value": "10"}, value_from_event=True)
    claim = ClaimIn(
        conversion_type="add_to_cart",
        event_id="cid-1",
        conversion_value="49.90",
        currency="INR",
        properties={"sku": "a"},
    )

    async def send(claim: ClaimIn) -> Any:
        async with runtime.database.transaction("main") as session:
            return await track_conversion(session, runtime, "main", claim, Seen(visitor_id="v1", path="/cart"))

    answers = await asyncio.gather(*(send(claim) for _ in range(5)))
    assert len({each.id for each in answers}) == 1
    assert sorted(each.created for each in answers) == [False] * 4 + [True]
    [conversion] = await stored()
    assert (conversion.value, conversion.status, conversion.visitor_id) == (4990, "confirmed", "v1")
    small = await send(ClaimIn(conversion_type="add_to_cart", event_id="cid-2", conversion_value="5", currency="INR"))
    values = {each.id: each.value for each in await stored()}
    assert values[small.id] == 0
    await track(runtime, event("add_to_cart", 1, id="cid-1", value=4990, currency="INR"))
    assert len(await stored()) == 2


def custom(**parts: Any) -> dict[str, Any]:
    return {"goal_type": "custom", "conditions": {"event_name": "x", "custom": [parts]}}


BAD: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"goal_type": "nonsense"}, "goal_type", "unknown_goal_type"),
    ({"goal_type": "custom"}, "conditions", "too_broad"),
    ({"name": " "}, "name", "invalid_text"),
    ({"conditions": {"min_sconds": 4}}, "conditions.min_sconds", "unknown_field"),
    ({"conditions": {"min_seconds": "soon"}}, "conditions.min_seconds", "not_a_number"),
    ({"conditions": {"min_seconds": True}}, "conditions.min_seconds", "not_a_number"),
    ({"conditions": {"min_scroll": 101}}, "conditions.min_scroll", "not_a_number"),
    ({"conditions": {"min_value": -1}}, "conditions.min_value", "negative_money"),
    ({"conditions": {"min_value": "1e400"}}, "conditions.min_value", "not_a_number"),
    ({"conditions": {"event_name": 7}}, "conditions.event_name", "not_text"),
    ({"conditions": {"pathname_pattern": "re:(a+)+$"}}, "conditions.pathname_pattern", "not_a_glob"),
    ({"conditions": {"pathname_pattern": "products"}}, "conditions.pathname_pattern", "not_a_path"),
    ({"conditions": {"pathname_pattern": "/" + "*a" * 11}}, "conditions.pathname_pattern", "too_complex"),
    ({"conditions": {"custom": {"field": "x"}}}, "conditions.custom", "not_a_list"),
    (custom(field="password", operator="=", value="x"), "conditions.custom[0].field", "unknown_field"),
    (custom(field="seconds", operator="contains", value=1), "conditions.custom[0].operator", "unknown_operator"),
    (custom(field="seconds", operator=">", value="long"), "conditions.custom[0].value", "not_a_number"),
    (custom(field="path", operator=">", value=3), "conditions.custom[0].value", "not_comparable"),
    (custom(field="path", operator="in", value="a"), "conditions.custom[0].value", "not_a_list"),
    (custom(field="path", operator="exists", value="a"), "conditions.custom[0].value", "not_allowed"),
    (custom(field="path", operator="=", value="a", also=1), "conditions.custom[0].also", "unknown_field"),
    (
        {"goal_type": "purchase", "conditions": {"pathname_pattern": "/a"}},
        "conditions.pathname_pattern",
        "not_applicable",
    ),
    ({"default_value": "-3"}, "default_value", "negative_money"),
    ({"default_value": "3", "currency": "XQQ"}, "currency", "unknown_currency"),
    ({"default_value": "99999999999999999999"}, "default_value", "too_large"),
    ({"priority": 2_000_000}, "priority", "out_of_range"),
)


@pytest.mark.parametrize(("body", "field", "code"), BAD, ids=[f"{each[1]}:{each[2]}" for each in BAD])
async def test_a_bad_goal_names_the_field_and_stores_nothing(
    admin: Any, body: dict[str, Any], field: str, code: str
) -> None:
    response = await admin.post("/goals", json={"name": "Bad", "goal_type": "page_view", **body})
    assert response.status_code == 422, response.text
    assert (field, code) in {(each["field"], each["code"]) for each in response.json()["errors"]}
    assert (await admin.get("/goals")).json()["count"] == 0
    preview = await admin.post("/goals/preview", json={"name": "Bad", "goal_type": "page_view", **body})
    assert preview.status_code == 422


async def test_goals_are_listed_changed_by_version_and_deleted(runtime: Any, admin: Any) -> None:
    made = await goal(admin, name="Purchase", goal_type="purchase")
    assert (made["currency"], made["version"], made["is_active"], made["conditions"]) == ("INR", 1, True, {})
    other = await goal(admin, name="Reads", goal_type="scroll_depth", conditions={"min_scroll": 50}, priority=3)
    listed = (await admin.get("/goals")).json()
    assert ([each["id"] for each in listed["goals"]], listed["count"]) == ([other["id"], made["id"]], 2)
    assert (await admin.get("/goals", params={"goal_type": "purchase"})).json()["count"] == 1
    assert (await admin.get("/goals", params={"is_active": "false"})).json()["count"] == 0
    assert (await admin.put(f"/goals/{made['id']}", json={"version": 1, "name": "Sale"})).json()["goal"][
        "name"
    ] == "Sale"
    stale = await admin.put(f"/goals/{made['id']}", json={"version": 1, "name": "Late"})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    wrong = await admin.put(f"/goals/{other['id']}", json={"version": 1, "conditions": {"min_scroll": 200}})
    assert wrong.status_code == 422
    assert (await admin.delete(f"/goals/{made['id']}")).json() == {"id": made["id"], "object": "goal", "deleted": True}
    assert (await admin.get(f"/goals/{made['id']}")).status_code == 404
    assert (await admin.get(f"/goals/{other['id']}", headers={"x-store": "other"})).status_code == 404
    async with runtime.database.reading("main") as session:
        assert list(await session.scalars(select(Goal.name))) == ["Reads"]


async def test_an_analytics_event_that_does_not_exist_is_tried_again(runtime: Any, emit: Any) -> None:
    from adplanning_plugin.kernel.tables import WorkItem

    await emit("analytics_event.created", 77)
    await Runner(runtime).drain("main")
    async with runtime.database.reading("main") as session:
        [item] = await session.scalars(select(WorkItem).where(WorkItem.kind == "event:tracking.goals"))
    assert item.status == "pending"
    assert "77" in item.last_error


async def test_a_listed_goal_says_what_it_counted_in_the_period(runtime: Any, admin: Any) -> None:
    read = await goal(
        admin, name="Read", goal_type="page_view", conditions={"pathname_pattern": "/pricing"}, default_value=2
    )
    idle = await goal(admin, name="Idle", goal_type="custom", conditions={"event_name": "never"})
    await track(runtime, event("page_view", 1, path="/pricing"), event("page_view", 100, path="/pricing"))
    rows = {row["id"]: row for row in (await admin.get("/goals")).json()["goals"]}
    assert (rows[read["id"]]["hits"], rows[read["id"]]["hit_value"]) == (2, "4.00")
    assert (rows[idle["id"]]["hits"], rows[idle["id"]]["last_hit_at"]) == (0, None)
    day = (now() - timedelta(hours=100)).date() + timedelta(days=1)
    later = {"from_date": str(day + timedelta(days=1))}
    [recent] = [row for row in (await admin.get("/goals", params=later)).json()["goals"] if row["id"] == read["id"]]
    assert (recent["hits"], recent["hit_value"]) == (1, "2.00")
    one = (await admin.get(f"/goals/{read['id']}", params=later)).json()["goal"]
    assert (one["hits"], one["last_hit_at"]) == (1, recent["last_hit_at"])


async def test_the_preview_of_a_change_does_not_lose_hits_to_the_goal_as_it_is(runtime: Any, admin: Any) -> None:
    read = await goal(
        admin, name="Read", goal_type="page_view", priority=5, conditions={"pathname_pattern": "/pricing"}
    )
    await goal(admin, name="All", goal_type="page_view", priority=3, conditions={"pathname_pattern": "/*"})
    await track(runtime, event("page_view", 1, path="/pricing"), event("page_view", 2, path="/about"))
    body = {"name": "Read", "goal_type": "page_view", "conditions": {"pathname_pattern": "/*"}}
    for priority, kept, whole in ((5, None, 2), (5, read["id"], 2), (4, read["id"], 2), (1, read["id"], 0)):
        params = {} if kept is None else {"goal_id": kept}
        answer = await admin.post("/goals/preview", params=params, json=body | {"priority": priority})
        found = answer.json()["preview"]
        assert found["matched"] == 2
        # A goal that is not saved comes after its equals: the stored one takes what both match.
        assert found["count"] == (1 if kept is None else whole), (priority, kept)
