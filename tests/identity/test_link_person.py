"""link-person-interactions: an address in a form shows its visits with whoever has it, and gives them once sure."""

from typing import Any

import pytest
from sqlalchemy import select, text

from adplanning_plugin import hookimpl
from adplanning_plugin.identity import Edge, claimed_visitors, link
from adplanning_plugin.identity.hooks import IdentityHooks
from adplanning_plugin.identity.settings import IDENTITY_SECTION
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.settings import save
from adplanning_plugin.kernel.sweep import SweepContext
from adplanning_plugin.tracking.hooks import TrackingHooks
from adplanning_plugin.tracking.sweeps import sweep_forms, sweep_people
from tests.attribution.conftest import DAY, NOON, Store, make_runtime


async def tell(store: Store, name: str, **data: Any) -> None:
    async with store.runtime.database.transaction("main") as session:
        await publish(session, store.runtime, "main", name, data)
    await store.work()


async def claims(store: Store, *people: str) -> set[tuple[str, str]]:
    async with store.runtime.database.reading("main") as session:
        one = claimed_visitors("main", list(people) if people else None)
        return {(row.visitor_id, row.person_id) for row in await session.execute(select(one))}


async def touched_by(store: Store, conversion_id: str) -> list[str]:
    return [row.touch_id for row in await store.credit(conversion_id, 30)]


async def a_form_of_anns(store: Store, email: str = "ann@example.com") -> None:
    """Ann's order, and a phone on which her address was left in a form before."""
    await store.touch("touch_phone", NOON - 2 * DAY, "phone")
    await store.conversion("conv_ann", person_id="7", at=NOON - DAY)
    await tell(store, "conversion.created", id="conv_ann")
    assert await touched_by(store, "conv_ann") == [""]
    await store.put("analytics_session", {"id": "s1", "visitor_id": "phone", "started_at": NOON - 2 * DAY})
    form = {"id": "f1", "email": email, "session_id": "s1", "created_at": NOON - 2 * DAY}
    await store.put("form_response", form)


async def test_the_address_of_a_form_claims_and_a_login_gives_history_and_credit(store):
    await store.put("person", {"id": "7", "email": "ann@example.com"}, {"id": "8", "email": "bob@example.com"})
    await a_form_of_anns(store, " Ann@Example.com")
    await tell(store, "form_response.created", id="f1")
    assert await claims(store) == await claims(store, "7") == {("phone", "7")}
    assert await claims(store, "8") == set()
    assert await touched_by(store, "conv_ann") == [""]

    async with store.runtime.database.transaction("main") as session:
        await link(session, store.runtime, "main", [Edge("phone", "person:7", "login", "login", NOON)])
    await store.work()
    assert await claims(store) == set()
    assert await touched_by(store, "conv_ann") == ["touch_phone"]


async def test_a_visitor_who_is_somebody_elses_claims_nothing(store):
    await store.put("person", {"id": "7", "email": "ann@example.com"})
    async with store.runtime.database.transaction("main") as session:
        await link(session, store.runtime, "main", [Edge("phone", "person:8", "login", "login", NOON)])
    await a_form_of_anns(store)
    await tell(store, "form_response.created", id="f1")
    assert await claims(store) == set()


async def test_a_person_who_becomes_known_later_has_what_was_claimed_before(store):
    await a_form_of_anns(store)
    await tell(store, "form_response.created", id="f1")
    assert await claims(store) == set()
    await store.put("person", {"id": "7", "email": "ann@example.com"})
    await tell(store, "person.created", id="7")
    assert await claims(store) == {("phone", "7")}


async def test_the_sweeps_find_the_same_without_any_event(store, whole):
    await store.put("person", {"id": "7", "email": "ANN@example.com"})
    await a_form_of_anns(store)
    for sweep, id_ in ((sweep_forms, "f1"), (sweep_people, "7")):
        async with whole.database.transaction("main") as session:
            await sweep(SweepContext(runtime=whole, session=session, tenant_id="main"), [id_])
    assert await claims(store) == {("phone", "7")}


async def test_a_lead_claims_too_by_the_person_that_orders_name(store, whole):
    await store.touch("touch_phone", NOON - 2 * DAY, "phone")
    await store.put("analytics_session", {"id": "s1", "visitor_id": "phone", "started_at": NOON - 2 * DAY})
    order = {"id": "o1", "person_id": "7", "email": "ann@example.com", "total": 10, "currency": "INR"}
    await store.put("order", {**order, "placed_at": NOON, "payment_state": "paid"})
    await tell(store, "order.placed", id="o1")
    await store.put("lead", {"id": "l1", "email": "ann@example.com", "session_id": "s1", "created_at": NOON})
    await tell(store, "lead.created", id="l1")
    assert await claims(store) == {("phone", "7")}


async def test_a_store_may_believe_forms_at_once_and_change_its_mind(store, whole):
    await store.put("person", {"id": "7", "email": "ann@example.com"})
    await a_form_of_anns(store)
    await tell(store, "form_response.created", id="f1")
    for version, (believed, touches, claimed) in enumerate(
        [("confirmed", ["touch_phone"], set()), ("claimed", [""], {("phone", "7")})]
    ):
        async with whole.database.transaction("main") as session:
            await save(session, whole, "main", IDENTITY_SECTION, {"form_email_links": believed}, version)
        await store.work()
        assert (await touched_by(store, "conv_ann"), await claims(store)) == (touches, claimed)

    async with whole.database.transaction("main") as session:
        await save(session, whole, "main", IDENTITY_SECTION, {"form_email_links": "confirmed"}, 2)
    await store.put("analytics_session", {"id": "s2", "visitor_id": "tablet", "started_at": NOON - 2 * DAY})
    await store.touch("touch_tablet", NOON - 3 * DAY, "tablet")
    form = {"id": "f2", "email": "ann@example.com", "session_id": "s2", "created_at": NOON - 2 * DAY}
    await store.put("form_response", form)
    await tell(store, "form_response.created", id="f2")
    assert await touched_by(store, "conv_ann") == ["touch_tablet", "touch_phone"]


async def test_a_claim_that_was_refused_does_not_come_back(store, admin):
    await store.put("person", {"id": "7", "email": "ann@example.com"})
    await a_form_of_anns(store)
    await tell(store, "form_response.created", id="f1")
    await admin.post("/identity/people/7/visitors/phone/revoke", json={"reason": "Her neighbour typed it."})
    await tell(store, "form_response.created", id="f1")
    await tell(store, "person.created", id="7")
    assert await claims(store) == set()


class Knows:
    """A host that finds people in its own way."""

    @hookimpl
    def register_identity_resolvers(self) -> list[Any]:
        async def by_newsletter(session: Any, tenant_id: str, kind: str, value: str) -> str | None:
            return "n1" if (tenant_id, kind, value) == ("main", "email", "reader@example.com") else None

        return [by_newsletter]


async def test_the_hosts_own_resolvers_are_asked_last(opened):
    store = Store(make_runtime(opened, IdentityHooks(), TrackingHooks(), Knows()))
    await store.put("analytics_session", {"id": "s1", "visitor_id": "phone", "started_at": NOON})
    for number, email in enumerate(("reader@example.com", "nobody@example.com")):
        form = {"id": f"f{number}", "email": email, "session_id": "s1", "created_at": NOON}
        await store.put("form_response", form)
        await tell(store, "form_response.created", id=f"f{number}")
    assert await claims(store) == {("phone", "n1")}


@pytest.mark.parametrize("kind", ["form", "lead"])
async def test_what_a_workflow_linked_is_told_to_its_hook(store, whole, kind):
    runs = "SELECT workflow, output FROM adplanning.workflow_run WHERE workflow = 'link-person-interactions'"
    await store.put("person", {"id": "7", "email": "ann@example.com"})
    await a_form_of_anns(store)
    if kind == "lead":
        lead = {"id": "l1", "email": "ann@example.com", "session_id": "s1", "created_at": NOON}
        await store.put("lead", lead)
    await tell(
        store, "form_response.created" if kind == "form" else "lead.created", id="f1" if kind == "form" else "l1"
    )
    async with whole.database.reading("main") as session:
        assert [row.output["value"] for row in await session.execute(text(runs))] == [{"claims": 1}]
