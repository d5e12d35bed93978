"""Erasure: nothing of the person is left anywhere, every sum of money is what it was, and a receipt says so."""

import json
import os
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import pytest_asyncio
from sqlalchemy import text

from adplanning_plugin.attribution import compute_credit
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.options import DatabaseOptions
from tests.customers.conftest import ASHA, BELA, DAY, EMAIL, HOUR, NOON, NOTES, Shop, admin_of, customers_runtime

TEXTS = """
SELECT c.relname AS table_, a.attname AS column_ FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'adplanning' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
  AND NOT a.attisdropped AND format_type(a.atttypid, NULL) IN ('text', 'jsonb', 'text[]')
"""
TOTALS = """
SELECT jsonb_build_object(
  'conversions', (SELECT jsonb_agg(to_jsonb(t) ORDER BY conversion_type, currency, is_new_customer) FROM (
     SELECT conversion_type, currency, is_new_customer, count(*), sum(value) AS value, sum(refunded) AS refunded
     FROM adplanning.conversion WHERE tenant_id = :tenant GROUP BY 1, 2, 3) t),
  'credit', (SELECT jsonb_agg(to_jsonb(t) ORDER BY window_days, channel, campaign) FROM (
     SELECT window_days, c.channel, p.campaign, array_agg(DISTINCT c.weights::text ORDER BY c.weights::text) AS weights,
            sum(amounts[3]) AS linear, sum(refunds[4]) AS refunds
     FROM adplanning.credit c LEFT JOIN adplanning.touchpoint p ON p.tenant_id = c.tenant_id AND p.id = c.touch_id
     WHERE c.tenant_id = :tenant GROUP BY 1, 2, 3) t),
  'adjustments', (SELECT sum(amount) FROM adplanning.conversion_adjustment WHERE tenant_id = :tenant),
  'orders', (SELECT sum(total) FROM adplanning.owned_order WHERE tenant_id = :tenant))
"""


async def found_anywhere(shop: Shop, *words: str) -> dict[str, int]:
    """Where any of the words stands, in any text or document of any table of the plugin.

    A word begins where it stands: one in the middle of a digest or of an id is there by chance.
    """
    found: dict[str, int] = {}
    anyone = f"(?<![[:alnum:]])({'|'.join(map(re.escape, words))})"
    async with shop.runtime.database.transaction(shop.tenant_id) as session:
        for table, column in (await session.execute(text(TEXTS))).all():
            query = f"""SELECT count(*) FROM adplanning."{table}" WHERE "{column}"::text ~* :anyone"""
            rows = (await session.execute(text(query), {"anyone": anyone})).scalar_one()
            if rows:
                found[f"{table}.{column}"] = rows
    return found


async def totals(shop: Shop) -> Any:
    return (await shop.execute(TOTALS)).scalar_one()


async def erase(admin: Any, shop: Shop, person_id: str = ASHA) -> dict[str, Any]:
    answer = await admin.post(f"/customers/{person_id}/erase", json={"confirm": person_id})
    assert answer.status_code == 202, answer.text
    await shop.work()
    receipt = await admin.get(f"/customers/erasures/{answer.json()['erasure']['id']}")
    assert receipt.status_code == 200, receipt.text
    return receipt.json()["erasure"]


WORDS = ("asha", "4711", "vis_asha")
BELAS = ("bela", "4712", "vis_bela")


class Erased(NamedTuple):
    """A store that Asha was erased from, and what was there before."""

    database: str
    totals: Any
    held: dict[str, int]
    belas: dict[str, int]
    receipt: dict[str, Any]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def erased(postgres_server: Any, worker_name: str, peopled: str) -> AsyncIterator[Erased]:
    """Erased once; each test has a copy of what that left."""
    name = f"test_customers_erased_{os.getpid()}_{worker_name}"
    postgres_server.drop(name)
    database = Database.connect(DatabaseOptions(url=postgres_server.create(name, peopled)))
    shop = Shop(customers_runtime(database))
    async with admin_of(shop.runtime) as admin:
        await admin.get(f"/customers/{ASHA}/export")  # leaves a row in the audit
        words = (*WORDS, shop.email_identifier(EMAIL))
        before = (await totals(shop), await found_anywhere(shop, *words), await found_anywhere(shop, *BELAS))
        receipt = await erase(admin, shop)
    await database.close()
    yield Erased(name, *before, receipt)
    postgres_server.drop(name)


@pytest_asyncio.fixture(loop_scope="session")
async def after(erased: Erased, make_database: Callable[..., str]) -> AsyncIterator[Shop]:
    """The store as the erasure left it."""
    database = Database.connect(DatabaseOptions(url=make_database(erased.database)))
    yield Shop(customers_runtime(database))
    await database.close()


async def test_nothing_of_the_person_is_left_and_every_sum_is_what_it_was(after: Shop, erased: Erased) -> None:
    places = ("owned_person.email", "event.visitor_id", "identity_edge.identifier", "outbox_event.data")
    assert {*places, "conversion.person_id", "touchpoint.visitor_id", "audit_entry.object_id"} <= set(erased.held)
    assert await found_anywhere(after, *WORDS, after.email_identifier(EMAIL)) == {}
    assert await totals(after) == erased.totals
    assert erased.totals["credit"], "no credit was compared"


async def test_the_receipt_says_what_was_done_and_kept_and_names_nobody(after: Shop, erased: Erased) -> None:
    receipt = erased.receipt
    assert receipt["status"] == "done"
    rows = {each["table"]: each for each in receipt["rows"]}
    assert rows["event"]["deleted"] == 6
    assert rows["visitor"]["deleted"] == 2
    assert rows["conversion"]["pseudonymised"] == 3
    assert rows["owned_person"]["deleted"] == 1
    assert rows[NOTES.name]["deleted"] == 1, "the table of another plugin"
    assert rows["credit"]["kept"] > 0
    assert {each["what"] for each in receipt["kept"]} >= {"conversion", "credit", "owned_order"}
    assert "asha" not in json.dumps(receipt).lower()
    async with admin_of(after.runtime) as admin:
        listed = (await admin.get("/customers/erasures")).json()
        elsewhere = await admin.get(f"/customers/erasures/{receipt['id']}", headers={"x-store": "other"})
    assert [each["id"] for each in listed["erasures"]] == [receipt["id"]]
    assert elsewhere.status_code == 404


async def test_nobody_else_loses_anything(after: Shop, erased: Erased) -> None:
    left = await found_anywhere(after, *BELAS)
    assert {name: count for name, count in erased.belas.items() if left.get(name, 0) < count} == {}


async def test_credit_that_is_computed_again_is_the_same(after: Shop, erased: Erased) -> None:
    async with after.runtime.database.transaction(after.tenant_id) as session:
        ids = (await session.execute(text("SELECT id FROM adplanning.conversion"))).scalars().all()
        await session.execute(text("UPDATE adplanning.conversion SET attribution_version = NULL"))
        await compute_credit(session, after.runtime, after.tenant_id, list(ids))
    assert await totals(after) == erased.totals


async def test_what_the_store_sends_again_is_not_taken_in_as_theirs(after: Shop, erased: Erased) -> None:
    rows = {
        "order": [
            {"id": "order-1", "person_id": ASHA, "email": EMAIL, "total": 120_000, "placed_at": NOON - 3 * DAY},
            {"id": "order-0", "person_id": ASHA, "email": EMAIL, "total": 500, "placed_at": NOON - 30 * DAY},
        ],
        "lead": [{"id": "lead-1", "person_id": ASHA, "email": EMAIL, "created_at": NOON - 6 * DAY}],
        "feedback": [{"id": "feedback-1", "person_id": ASHA, "rating": 5, "created_at": NOON}],
        "form_response": [{"id": "form-1", "person_id": ASHA, "email": EMAIL, "created_at": NOON - 7 * DAY}],
        "person": [{"id": ASHA, "name": "Asha Rao", "email": EMAIL, "created_at": NOON - 60 * DAY}],
        "analytics_session": [
            {"id": "s-9", "visitor_id": "vis_asha_laptop", "person_id": ASHA, "started_at": NOON - 9 * DAY,
             "utm_source": "google", "utm_campaign": "spring"}
        ],
        "social_interaction": [{"id": "social-1", "person_id": ASHA, "kind": "like", "at": NOON - HOUR}],
    }  # fmt: skip
    for entity, each in rows.items():
        plain = {"currency": "INR", "payment_state": "paid"} if entity == "order" else {}
        await after.put(entity, *({**plain, **row} for row in each))
    await after.execute("DELETE FROM adplanning.watermark")
    await after.backfill()

    # What the store itself keeps (here in the plugin's tables for it) names her, and so may the mark of the row that a
    # sweep has read last; nothing that was made of it does.
    found = await found_anywhere(after, *WORDS, after.email_identifier(EMAIL))
    assert {name for name in found if not name.startswith("owned_")} <= {"watermark.position"}
    now = await totals(after)
    assert now["orders"] == erased.totals["orders"] + 500
    sold = [sum(row["value"] for row in each["conversions"]) for each in (erased.totals, now)]
    assert sold[1] == sold[0] + 500, "an order that was never seen before counts, as nobody's"


async def test_whoever_comes_back_is_a_new_person(after: Shop) -> None:
    shop = after
    later = (await shop.execute("SELECT now() + interval '1 minute'")).scalar_one()
    await shop.put("person", {"id": ASHA, "name": "Asha Rao", "email": EMAIL, "created_at": later})
    await shop.link("vis_returned", f"person:{ASHA}", later)
    await shop.order("order-9", later, person_id=ASHA, email=EMAIL, total=900)
    await shop.backfill()
    found = await shop.execute("SELECT person_id FROM adplanning.conversion WHERE order_id = 'order-9'")
    assert found.scalar_one() == ASHA
    old = await shop.execute("SELECT count(*) FROM adplanning.conversion WHERE person_id = :id", id=ASHA)
    assert old.scalar_one() == 1
    async with admin_of(shop.runtime) as admin:
        again = await erase(admin, shop)
    assert again["status"] == "done"
    assert await found_anywhere(shop, *WORDS, "vis_returned") == {}


async def test_an_erasure_that_was_cut_off_goes_on_and_asking_twice_is_one(shop: Shop, admin: Any) -> None:
    first = (await admin.post(f"/customers/{ASHA}/erase", json={"confirm": ASHA})).json()["erasure"]
    second = (await admin.post(f"/customers/{ASHA}/erase", json={"confirm": ASHA})).json()["erasure"]
    assert (second["id"], second["status"]) == (first["id"], "running")
    # The process dies in the middle: some steps are recorded, the item is leased to nobody who lives.
    from adplanning_plugin.customers import workflows

    real, calls = workflows.erase_in, [0]

    async def dies(*given: Any, **more: Any) -> Any:
        calls[0] += 1
        if calls[0] >= 20:  # a retry that falls due meanwhile finds no better world
            raise ConnectionError("the process was killed here")
        return await real(*given, **more)

    workflows.erase_in = dies
    try:
        await shop.work()
    finally:
        workflows.erase_in = real
    state = (await admin.get(f"/customers/erasures/{first['id']}")).json()["erasure"]
    assert state["status"] == "running"
    assert calls[0] >= 20
    done = await shop.execute("SELECT count(*) FROM adplanning.workflow_step WHERE status = 'done'")
    assert done.scalar_one() == 3, "who it is, and the first two batches of places"

    await shop.execute("UPDATE adplanning.work_item SET due_at = now() WHERE status = 'pending'")
    await shop.execute("INSERT INTO adplanning.wakeup (tenant_id, queue) VALUES (:tenant, 'runs')")
    await Runner(shop.runtime).drain(shop.tenant_id)
    state = (await admin.get(f"/customers/erasures/{first['id']}")).json()["erasure"]
    assert state["status"] == "done"
    assert await found_anywhere(shop, *WORDS) == {}


async def test_a_browser_that_two_people_use_stays_with_the_one_seen_last(shop: Shop, admin: Any) -> None:
    await shop.link("vis_asha_phone", f"person:{BELA}", NOON)
    await shop.work()
    await erase(admin, shop)
    left = await found_anywhere(shop, "vis_asha_phone")
    assert "event.visitor_id" in left, "Bela was seen there last"
    assert await found_anywhere(shop, ASHA, "vis_asha_laptop", "asha@mail") == {}


async def test_what_came_from_an_address_that_two_people_share_stays_with_the_other(shop: Shop, admin: Any) -> None:
    shared = "home@mail.example"
    await shop.put(
        "person", {"id": BELA, "name": "Bela Sen", "email": "Home@Mail.example", "created_at": NOON - 60 * DAY}
    )
    await shop.put("lead", {"id": "lead-9", "person_id": ASHA, "email": shared, "created_at": NOON})
    await shop.put("form_response", {"id": "form-9", "email": shared, "text": "Call us", "created_at": NOON})
    await erase(admin, shop)
    assert await found_anywhere(shop, "home@mail") == {"owned_person.email": 1, "owned_form_response.email": 1}


async def test_an_erasure_needs_both_scopes_the_persons_id_and_a_person_of_this_store(shop: Shop, admin: Any) -> None:
    path, body = f"/customers/{ASHA}/erase", {"confirm": ASHA}
    for scopes in ("adplanning:read adplanning:manage", "adplanning:read adplanning:pii adplanning:write"):
        assert (await admin.post(path, json=body, headers={"x-scopes": scopes})).status_code == 403
    refused = await admin.post(path, json={"confirm": "yes"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "confirm")
    assert (await admin.post(path, json=body, headers={"x-store": "other"})).status_code == 404
    assert (await admin.post("/customers/nobody/erase", json={"confirm": "nobody"})).status_code == 404
    assert (await admin.get("/customers/erasures")).json()["count"] == 0
