"""What joins late or never: a login after the order, a crawler's session, a touch taken back, rules made at once."""

import asyncio
from typing import Any

from sqlalchemy import text

from adplanning_plugin.attribution import compute_credit, current_rules, due_conversions
from adplanning_plugin.identity import WEAK, Edge, allow, deny, link
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.tracking.models import Conversion
from tests.attribution.conftest import DAY, NOON

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"

MANY = """
INSERT INTO adplanning.conversion
  (tenant_id, id, conversion_type, status, origin, occurred_at, currency, attribution_version)
SELECT 'main', 'more_' || n, 'custom', 'confirmed', 'manual', now(), 'INR', 2 FROM generate_series(1, 5000) n
"""


async def credited(store: Any, *ids: str) -> None:
    async with store.runtime.database.transaction("main") as session:
        await publish(session, store.runtime, "main", "conversion.batch", {"ids": list(ids)})
    await store.work()


async def touches_of(store: Any, conversion_id: str) -> list[str]:
    return [row.touch_id for row in await store.credit(conversion_id, 30)]


async def test_a_login_after_the_order_brings_the_other_devices_touch(store, runtime):
    await store.touch("touch_phone", NOON - DAY, "phone")
    await store.conversion("conv_theirs", person_id="7")
    await store.conversion("conv_others", person_id="8")
    await store.conversion("conv_before", NOON - 2 * DAY, person_id="7")
    await credited(store, "conv_theirs", "conv_others", "conv_before")
    assert await touches_of(store, "conv_theirs") == [""]

    await store.put(
        "analytics_session", {"id": "s1", "visitor_id": "phone", "person_id": "7", "started_at": NOON + DAY}
    )
    await store.put("analytics_event", {"id": "e1", "session_id": "s1", "name": "login", "occurred_at": NOON + DAY})
    async with runtime.database.transaction("main") as session:
        await publish(session, runtime, "main", "analytics_event.created", {"id": "e1"})
    await store.work()

    assert await touches_of(store, "conv_theirs") == ["touch_phone"]
    assert await touches_of(store, "conv_others") == [""]
    assert await touches_of(store, "conv_before") == [""]


async def test_an_order_mail_that_comes_later_joins_a_guests_two_devices(store, runtime):
    await store.touch("touch_phone", NOON - DAY, "phone")
    await store.conversion("conv_guest", visitor_id="laptop")
    await credited(store, "conv_guest")
    assert await touches_of(store, "conv_guest") == [""]

    for visitor, at in (("phone", NOON - DAY), ("laptop", NOON)):
        async with runtime.database.transaction("main") as session:
            await link(session, runtime, "main", [Edge(visitor, "email:x", "order", "order:1", at)])
    await store.work()
    assert await touches_of(store, "conv_guest") == ["touch_phone"]


async def test_denying_an_identifier_takes_the_credit_that_it_brought_and_allowing_it_brings_it_back(store, runtime):
    await store.touch("touch_phone", NOON - DAY, "phone")
    edges = [Edge("phone", "email:x", "order", "order:1", NOON), Edge("laptop", "email:x", "order", "order:2", NOON)]
    async with runtime.database.transaction("main") as session:
        await link(session, runtime, "main", edges)
    await store.conversion("by_address", identifier="email:x")
    await store.conversion("by_visitor", visitor_id="laptop")
    await credited(store, "by_address", "by_visitor")
    both = ("by_address", "by_visitor")
    assert [await touches_of(store, each) for each in both] == [["touch_phone"]] * 2

    async with runtime.database.transaction("main") as session:
        await deny(session, runtime, "main", "email:x", "a shared mailbox")
    await store.work()
    assert [await touches_of(store, each) for each in both] == [[""]] * 2

    async with runtime.database.transaction("main") as session:
        await allow(session, runtime, "main", "email:x")
    await store.work()
    assert [await touches_of(store, each) for each in both] == [["touch_phone"]] * 2


async def test_a_weak_edge_carries_no_credit(store, runtime):
    await store.touch("touch_phone", NOON - DAY, "phone")
    await store.conversion("conv_1", identifier="email:x")
    async with runtime.database.transaction("main") as session:
        assert await link(session, runtime, "main", [Edge("phone", "email:x", "form", "form:1", NOON)]) == WEAK
    await credited(store, "conv_1")
    assert await touches_of(store, "conv_1") == [""]


async def test_a_crawlers_session_is_no_touch_and_a_session_without_an_agent_is(store, runtime):
    sessions = {"people": CHROME, "crawler": "Mozilla/5.0 (compatible; Googlebot/2.1)", "untold": None}
    for name, agent in sessions.items():
        await store.put(
            "analytics_session",
            {"id": name, "visitor_id": name, "started_at": NOON, "utm_source": "google", "user_agent": agent},
        )
        await store.put("analytics_event", {"id": name, "session_id": name, "name": "page_view", "occurred_at": NOON})
    async with runtime.database.transaction("main") as session:
        await publish(session, runtime, "main", "analytics_event.created", {"ids": list(sessions)})
    await store.work()
    assert {touch.session_id for touch in await store.touches()} == {"people", "untold"}


async def test_a_stores_session_says_its_device_or_its_agent_does(store, runtime):
    sessions = {"agent": (CHROME, None), "named": (None, " Tablet "), "both": (CHROME, "mobile"), "other": (None, "TV")}
    for name, (agent, device) in sessions.items():
        row = {"id": name, "visitor_id": name, "started_at": NOON, "utm_source": "google", "user_agent": agent}
        await store.put("analytics_session", {**row, "device": device})
        await store.put("analytics_event", {"id": name, "session_id": name, "name": "page_view", "occurred_at": NOON})
    async with runtime.database.transaction("main") as session:
        await publish(session, runtime, "main", "analytics_event.created", {"ids": list(sessions)})
    await store.work()
    assert {touch.session_id: (touch.device, touch.browser) for touch in await store.touches()} == {
        "agent": ("desktop", "Chrome"), "named": ("tablet", None), "both": ("mobile", "Chrome"), "other": (None, None)
    }  # fmt: skip


async def test_a_manual_touch_can_be_corrected_and_taken_back(store, admin):
    await store.put("ad_campaign", {"id": "c1", "platform": "generic", "name": "Fair"})
    await store.conversion("conv_1", visitor_id="vis_1")
    await credited(store, "conv_1")
    given = {"visitor_id": "vis_1", "source": "fair", "medium": "offline", "occurred_at": "2026-02-28T12:00:00Z"}
    made = (await admin.post("/attribution", json=given)).json()["attribution"]
    await store.work()
    assert await touches_of(store, "conv_1") == [made["id"]]

    change = {"campaign": "Fair", "version": made["version"]}
    changed = (await admin.put(f"/attribution/{made['id']}", json=change)).json()["attribution"]
    assert (changed["source"], changed["campaign"], changed["ad_campaign_id"]) == ("fair", "fair", "c1")
    await store.work()
    (row,) = await store.credit("conv_1", 30)
    assert row.ad_campaign_id == "c1"

    await admin.put(f"/attribution/{made['id']}", json={"occurred_at": "2026-03-01T13:00:00Z"})
    await store.work()
    assert await touches_of(store, "conv_1") == [""]
    await admin.put(f"/attribution/{made['id']}", json={"occurred_at": "2026-03-01T11:00:00Z"})
    await store.work()
    assert await touches_of(store, "conv_1") == [made["id"]]

    gone = await admin.delete(f"/attribution/{made['id']}")
    assert (gone.status_code, gone.json()) == (200, {"id": made["id"], "object": "attribution", "deleted": True})
    await store.work()
    assert await touches_of(store, "conv_1") == [""]
    assert (await admin.get(f"/attribution/{made['id']}")).status_code == 404


async def test_a_tracked_touch_is_neither_edited_nor_deleted(store, admin):
    await store.touch("touch_1", NOON, origin="own")
    for answer in (
        await admin.delete("/attribution/touch_1"),
        await admin.put("/attribution/touch_1", json={"source": "fair"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "not_manual")
        assert "tracked" in answer.json()["detail"]
    assert [touch.source for touch in await store.touches()] == ["google"]


async def test_spend_is_that_of_the_listed_local_days(store, admin):
    await store.put("ad_account", {"id": "a1", "platform": "google", "currency": "INR"})
    await store.put("ad_campaign", {"id": "c1", "ad_account_id": "a1", "platform": "google", "name": "Brand"})
    for number in (-1, 0, 1):
        day = (NOON + number * DAY).date()
        row = {
            "id": f"i{number}",
            "ad_account_id": "a1",
            "ad_campaign_id": "c1",
            "day": day,
            "spend": 10 ** (number + 4),
        }
        await store.put("ad_insight", row)
    await store.touch("touch_1", NOON, ad_campaign_id="c1", is_resolved=True)
    day = NOON.date().isoformat()
    listed = await admin.get("/attribution", params={"from_date": day, "to_date": day})
    assert [row["spend_minor"] for row in listed.json()["attributions"]] == [10_000]


async def test_first_deliveries_of_a_store_do_not_wait_for_each_other(store, runtime):
    await store.conversion("conv_1")
    await store.conversion("conv_2")
    async with runtime.database.transaction("main") as first:
        await compute_credit(first, runtime, "main", ["conv_1"])
        async with asyncio.timeout(10), runtime.database.transaction("main") as second:
            await compute_credit(second, runtime, "main", ["conv_2"])
    assert [len(await store.credit(each, 30)) for each in ("conv_1", "conv_2")] == [1, 1]


async def test_due_are_the_uncredited_first_and_then_those_of_older_rules(store, runtime):
    await store.conversion("conv_a", attribution_version=1)
    await store.conversion("conv_b")
    await store.conversion("conv_c", attribution_version=2)
    async with runtime.database.transaction("main") as session:
        rules = await current_rules(session, "main")
        newer = type(rules)(version=2)
        assert await due_conversions(session, "main", newer) == ["conv_b", "conv_a"]
        assert await due_conversions(session, "main", newer, 1) == ["conv_b"]
    async with runtime.database.transaction("main") as session:
        await session.execute(text(MANY))
        connection = await session.connection()
        for index in Conversion.__table__.indexes:
            await connection.run_sync(index.create, checkfirst=True)
        await session.execute(text("ANALYZE adplanning.conversion"))
        for question, index in (
            ("attribution_version IS NULL ORDER BY id", "ix_conversion_due"),
            ("attribution_version < 2 ORDER BY attribution_version, id", "ix_conversion_credited"),
        ):
            plan = await session.execute(
                text(
                    "EXPLAIN SELECT id FROM adplanning.conversion WHERE tenant_id = 'main' AND deleted_at IS NULL"
                    f" AND {question} LIMIT 10"
                )
            )
            assert index in "\n".join(plan.scalars())
