"""Unmerge: what is revoked links nobody, credit is what it was before, and who did it and why can be read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from adplanning_plugin.attribution import compute_credit
from adplanning_plugin.identity import Edge, identifier_for_email, link, resolve_person
from adplanning_plugin.kernel.events import publish
from tests.attribution.conftest import DAY, NOON

READER = {"x-scopes": "adplanning:read adplanning:write"}
MANAGER = {"x-scopes": "adplanning:read adplanning:manage"}


async def seen(whole: Any, *edges: Edge) -> None:
    async with whole.database.transaction("main") as session:
        await link(session, whole, "main", edges)


async def books(store: Any) -> list[tuple[Any, ...]]:
    """All credit as it is stored, byte for byte, and what each conversion says of it."""
    async with store.runtime.database.reading("main") as session:
        credit = await session.execute(text("SELECT * FROM adplanning.credit ORDER BY 1, 2, 3, 4, 5"))
        outcome = await session.execute(
            text(
                "SELECT id, visitor_id, session_id, person_id, platform, ad_campaign_id, attribution_version"
                " FROM adplanning.conversion ORDER BY id"
            )
        )
        return [tuple(row) for result in (credit, outcome) for row in result]


async def history(store: Any) -> None:
    """Ann on her phone and her laptop, a stranger's tablet, and orders of Ann's and of a guest's."""
    await store.touch("touch_phone", NOON - 3 * DAY, "phone")
    await store.touch("touch_laptop", NOON - 2 * DAY, "laptop", channel="Email", medium="email")
    await store.touch("touch_tablet", NOON - DAY, "tablet", channel="Direct", is_direct=True)
    await store.conversion("ann_1", visitor_id="laptop", person_id="7", value=997)
    await store.conversion("ann_2", person_id="7", value=1001, refunded=333)
    await store.conversion("guest", visitor_id="tablet", identifier="email:guest", value=501)
    await store.conversion("lead", visitor_id="phone", value=100, order_id=None, lead_id="l1")
    await seen(store.runtime, Edge("laptop", "person:7", "login", "login", NOON - 2 * DAY))
    async with store.runtime.database.transaction("main") as session:
        await compute_credit(session, store.runtime, "main", ["ann_1", "ann_2", "guest", "lead"])
    await store.work()


STITCHES = {
    "a login": [Edge("phone", "person:7", "login", "login", NOON)],
    "an address of an order": [
        Edge("laptop", "email:ann", "order", "order:1", NOON),
        Edge("phone", "email:ann", "order", "order:2", NOON),
    ],
    "a chain of addresses": [
        Edge("laptop", "email:ann", "order", "order:1", NOON),
        Edge("phone", "email:ann", "order", "order:2", NOON),
        Edge("phone", "email:guest", "order", "order:3", NOON),
        Edge("tablet", "email:guest", "order", "order:4", NOON),
    ],
    "a browser that changed hands": [
        Edge("phone", "person:7", "login", "login", NOON - DAY),
        Edge("laptop", "person:8", "login", "login", NOON),
    ],
}


@pytest.mark.parametrize("stitch", STITCHES)
async def test_credit_after_a_stitch_and_its_revocation_is_the_credit_before_it(store, admin, stitch):
    await history(store)
    before = await books(store)
    await seen(store.runtime, *STITCHES[stitch])
    await store.work()
    stitched = await books(store)
    assert stitched != before

    for visitor in ("phone", "laptop", "tablet"):
        seen_as = await admin.get(f"/identity/visitors/{visitor}")
        for edge in seen_as.json()["identity"]["edges"] if seen_as.status_code == 200 else ():
            if (edge["kind"], edge["first_seen_at"]) != ("login", "2026-02-27T12:00:00Z"):
                path = f"/identity/visitors/{visitor}/edges/{edge['id']}/revoke"
                answer = await admin.post(path, json={"version": edge["version"], "reason": "a mistake"})
                assert answer.status_code == 200, answer.text
    await store.work()
    assert await books(store) == before

    for visitor in ("phone", "laptop", "tablet"):
        seen_as = await admin.get(f"/identity/visitors/{visitor}")
        for edge in seen_as.json()["identity"]["edges"] if seen_as.status_code == 200 else ():
            if edge["revoked_at"]:
                path = f"/identity/visitors/{visitor}/edges/{edge['id']}/restore"
                assert (await admin.post(path, json={"version": edge["version"]})).status_code == 200
    await store.work()
    assert await books(store) == stitched


async def test_what_parted_a_visitor_and_a_person_is_restored_at_once_with_the_exact_credit(store, whole, admin):
    await history(store)
    await seen(
        whole,
        Edge("phone", "person:7", "login", "login", NOON),
        Edge("phone", "email:ann", "order", "order:1", NOON),
        Edge("laptop", "email:ann", "order", "order:2", NOON),
        Edge("phone", "email:own", "order", "order:3", NOON),
        Edge("phone", "person:8", "form", "form:1", NOON),
    )
    await store.work()
    stitched = await books(store)
    for person in ("8", "7"):
        await admin.post(f"/identity/people/{person}/visitors/phone/revoke", json={"reason": "Not theirs."})
    await store.work()
    assert await books(store) != stitched
    path = "/identity/people/7/visitors/phone/restore"
    assert (await admin.post(path, headers=MANAGER)).status_code == 403
    assert (await admin.post(path, headers={"x-store": "other"})).status_code == 404
    restored = await admin.post(path)
    assert restored.status_code == 200, restored.text
    taken = [(edge["visitor_id"], edge["kind"]) for edge in restored.json()["identity"]["edges"] if edge["revoked_at"]]
    assert taken == [("phone", "form")], "what was taken back from somebody else stays so"
    await store.work()
    assert await books(store) == stitched
    again = await admin.post(path)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    async with whole.database.reading("main") as session:
        told = await session.scalars(
            text("SELECT changes FROM adplanning.audit_entry WHERE action = 'visitor.restored'")
        )
        assert told.all() == [{"edges": 3}]


async def test_what_was_revoked_stays_so_when_it_is_seen_again_and_a_later_fact_counts(store, whole, admin):
    login = Edge("phone", "person:7", "login", "login", NOON)
    await seen(whole, login)
    (edge,) = (await admin.get("/identity/people/7")).json()["identity"]["edges"]
    answer = await admin.post(
        f"/identity/visitors/phone/edges/{edge['id']}/revoke", json={"version": 1, "reason": "A till."}
    )
    (revoked,) = answer.json()["identity"]["edges"]
    assert (revoked["revoked_by"], revoked["revoked_reason"], revoked["version"]) == ("7", "A till.", 2)

    await seen(whole, login, login._replace(seen_at=NOON + DAY))
    async with whole.database.reading("main") as session:
        assert await resolve_person(session, "main", "phone") is None

    later = datetime.now(UTC) + timedelta(hours=1)
    await seen(whole, login._replace(seen_at=later))
    (edge,) = (await admin.get("/identity/visitors/phone")).json()["identity"]["edges"]
    assert (edge["revoked_at"], edge["links"], edge["version"]) == (None, True, 3)
    assert edge["first_seen_at"] == later.strftime("%Y-%m-%dT%H:%M:%S") + later.strftime(".%fZ")
    async with whole.database.reading("main") as session:
        assert await resolve_person(session, "main", "phone") == "7"


async def test_a_persons_page_says_which_edges_lead_to_each_visitor(whole, admin):
    await seen(
        whole,
        Edge("laptop", "person:7", "login", "login", NOON),
        Edge("laptop", "email:" + "ab" * 32, "order", "order:1", NOON),
        Edge("phone", "email:" + "ab" * 32, "order", "order:2", NOON),
        Edge("other", "person:7", "form", "form:1", NOON),
    )
    identity = (await admin.get("/identity/people/7")).json()["identity"]
    kinds = {edge["id"]: (edge["visitor_id"], edge["identifier"]["kind"], edge["kind"]) for edge in identity["edges"]}
    assert {each["id"]: [kinds[id_] for id_ in each["path"]] for each in identity["visitors"]} == {
        "laptop": [("laptop", "person", "login")],
        "phone": [("laptop", "person", "login"), ("laptop", "email", "order"), ("phone", "email", "order")],
        "other": [],
    }
    assert [each["id"] for each in identity["visitors"] if each["claimed"]] == ["other"]
    shown = {edge["identifier"]["shown"] for edge in identity["edges"]}
    assert shown == {"7", "abababab…"}

    parted = await admin.post("/identity/people/7/visitors/phone/revoke", json={"reason": "Her brother's."})
    assert [each["id"] for each in parted.json()["identity"]["visitors"]] == ["laptop", "other"]
    taken = [edge for edge in parted.json()["identity"]["edges"] if edge["revoked_at"]]
    assert [kinds[edge["id"]] for edge in taken] == [("phone", "email", "order")]
    again = await admin.post("/identity/people/7/visitors/phone/revoke", json={"reason": "Her brother's."})
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


async def test_a_claim_becomes_theirs_when_an_operator_confirms_it_and_parts_again(store, whole, admin):
    await history(store)
    before = await books(store)
    await seen(whole, Edge("phone", "person:7", "form", "form:1", NOON))
    await store.work()
    assert await books(store) == before

    confirmed = await admin.post("/identity/people/7/visitors/phone/confirm")
    visitors = {each["id"]: each["claimed"] for each in confirmed.json()["identity"]["visitors"]}
    assert visitors == {"laptop": False, "phone": False}
    await store.work()
    assert await books(store) != before
    assert (await admin.post("/identity/people/7/visitors/phone/confirm")).json()["code"] == "not_claimed"

    parted = await admin.post("/identity/people/7/visitors/phone/revoke", json={"reason": "It was not."})
    assert [each["id"] for each in parted.json()["identity"]["visitors"]] == ["laptop"]
    await store.work()
    assert await books(store) == before


async def test_who_did_what_is_kept_and_a_stale_version_changes_nothing(store, whole, admin):
    await seen(whole, Edge("phone", "person:7", "login", "login", NOON))
    (edge,) = (await admin.get("/identity/visitors/phone")).json()["identity"]["edges"]
    path = f"/identity/visitors/phone/edges/{edge['id']}"
    stale = await admin.post(f"{path}/revoke", json={"version": 4, "reason": "x"})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    await admin.post(f"{path}/revoke", json={"version": 1, "reason": "x"})
    twice = await admin.post(f"{path}/revoke", json={"version": 2, "reason": "x"})
    assert (twice.status_code, twice.json()["code"]) == (409, "already_revoked")
    await admin.post(f"{path}/restore", json={"version": 2})
    unknown = await admin.post("/identity/visitors/phone/edges/edg_0/revoke", json={"version": 1, "reason": "x"})
    assert unknown.status_code == 404
    async with whole.database.reading("main") as session:
        rows = await session.execute(text("SELECT actor_id, action FROM adplanning.audit_entry ORDER BY id"))
        assert [tuple(row) for row in rows] == [("7", "identity_edge.revoked"), ("7", "identity_edge.restored")]


async def test_people_are_shown_and_parted_by_those_alone_who_may(whole, admin):
    await seen(whole, Edge("phone", "person:7", "login", "login", NOON))
    seen_by_reader = (await admin.get("/identity/visitors/phone", headers=READER)).json()["identity"]
    assert seen_by_reader["component"] == {"kind": "person", "shown": None}
    assert (await admin.get("/identity/people/7", headers=READER)).status_code == 403
    for headers in (READER, MANAGER):
        answer = await admin.post("/identity/people/7/visitors/phone/revoke", json={"reason": "x"}, headers=headers)
        assert answer.status_code == 403
    assert (await admin.get("/identity/visitors/phone", headers={"x-store": "other"})).status_code == 404


async def test_the_denylist_takes_an_address_and_gives_it_back(store, whole, admin):
    await history(store)
    ann = identifier_for_email(whole, "ann@example.com")
    await seen(
        whole,
        Edge("laptop", str(ann), "order", "order:1", NOON),
        Edge("phone", str(ann), "order", "order:2", NOON),
    )
    await store.work()
    stitched = await books(store)
    given = {"kind": "email", "value": " Ann@Example.com", "reason": "The till's address."}
    made = (await admin.post("/identity/denylist", json=given)).json()["denied"]
    assert (made["kind"], made["identifier"], made["created_by"]) == ("email", f"{str(ann)[6:14]}…", "7")
    assert "ann" not in str((await admin.get("/identity/denylist")).json()).lower()
    await store.work()
    assert await books(store) != stitched
    assert (await admin.post("/identity/denylist", json=given)).json()["code"] == "already_denied"

    path = f"/identity/denylist/{made['id']}"
    assert (await admin.delete(f"{path}?version=9")).status_code == 409
    assert (await admin.delete(f"{path}?version=1")).status_code == 200
    await store.work()
    assert await books(store) == stitched
    assert (await admin.get("/identity/denylist")).json()["count"] == 0
    (allowed,) = (await admin.get("/identity/denylist?allowed=true")).json()["denied"]
    assert (allowed["id"], allowed["allowed_by"]) == (made["id"], "7")


async def test_an_order_that_took_its_buyers_visit_gives_it_back_when_the_two_are_parted(store, whole, admin):
    hour = timedelta(hours=1)
    await store.put(
        "analytics_session", {"id": "s1", "visitor_id": "phone", "started_at": NOON - hour, "utm_source": "google"}
    )
    await store.put(
        "order",
        {"id": "o1", "person_id": "7", "total": 10, "currency": "INR", "placed_at": NOON, "payment_state": "paid"},
    )
    async with whole.database.transaction("main") as session:
        await publish(session, whole, "main", "order.placed", {"id": "o1"})
    await store.work()
    before = await books(store)
    await seen(whole, Edge("phone", "person:7", "login", "login", NOON + hour))
    await store.work()
    assert await books(store) != before
    await admin.post("/identity/people/7/visitors/phone/revoke", json={"reason": "Not hers."})
    await store.work()
    assert [row[1:5] for row in await books(store)] == [row[1:5] for row in before]
