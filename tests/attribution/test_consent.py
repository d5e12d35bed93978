"""Credit and consent: what was bought without consent is counted and earns no touch anything, whoever bought it."""

from typing import Any

import pytest
from sqlalchemy import text

from adplanning_plugin.attribution import compute_credit
from adplanning_plugin.identity import Edge, link
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.stats.credit import MODELS
from adplanning_plugin.tracking import record_purchases
from adplanning_plugin.tracking.models import OrderVisit
from tests.attribution.conftest import DAY, NOON, Store


async def stamp(store: Store, order_id: str, consent: str, visitor_id: str | None = None) -> None:
    async with store.runtime.database.transaction(store.tenant_id) as session:
        session.add(
            OrderVisit(
                tenant_id=store.tenant_id,
                order_id=order_id,
                visitor_id=visitor_id,
                method="request",
                consent=consent,
                stamped_at=NOON,
            )
        )


async def known_visitor(store: Store, visitor_id: str = "vis_1", person_id: str = "7") -> None:
    """A visitor who consented once, and is known to be that person and to have that address."""
    await store.touch(f"touch_{visitor_id}", NOON - DAY, visitor_id, session_id=f"ses_{visitor_id}")
    edges = [
        Edge(visitor_id, identifier, "order", "order:1", NOON - DAY)
        for identifier in (f"person:{person_id}", f"email:{person_id}")
    ]
    async with store.runtime.database.transaction(store.tenant_id) as session:
        await link(session, store.runtime, store.tenant_id, edges)


async def touched(store: Store, conversion_id: str) -> set[str]:
    return {row.touch_id for row in await store.credit(conversion_id)}


@pytest.mark.parametrize("conversion_type", ["purchase", "custom"])
async def test_an_order_placed_without_consent_is_unattributed_though_its_buyer_has_consented_visits(
    store: Store, runtime: Any, conversion_type: str
) -> None:
    await known_visitor(store)
    kind: dict[str, Any] = {"conversion_type": conversion_type}
    for consent in ("denied", "granted", "unknown"):
        await stamp(store, f"order-{consent}", consent)
        await store.conversion(consent, value=4999, refunded=99, person_id="7", identifier="email:7", **kind)
    await store.conversion(
        "named", order_id="order-denied", origin="manual", visitor_id="vis_1", conversion_type="custom"
    )
    await store.conversion("in_session", order_id="order-denied", session_id="ses_vis_1", conversion_type="custom")
    async with runtime.database.transaction("main") as session:
        await compute_credit(session, runtime, "main")

    for row in await store.credit("denied"):
        assert (row.touch_id, row.touches, row.weights) == ("", 0, [1.0] * len(MODELS))
        assert (row.amounts, row.refunds) == ([4999] * len(MODELS), [99] * len(MODELS))
    assert len(await store.credit("denied")) == len(await store.credit("granted"))
    assert await touched(store, "named") == await touched(store, "in_session") == {""}
    assert await touched(store, "granted") == await touched(store, "unknown") == {"touch_vis_1"} | {""}
    assert (await store.stored_conversion("denied")).platform is None


async def test_another_tenants_denial_denies_nothing_here(store: Store, runtime: Any) -> None:
    await known_visitor(store)
    await stamp(Store(runtime, "other"), "order-conv_1", "denied")
    await store.conversion("conv_1", person_id="7")
    async with runtime.database.transaction("main") as session:
        await compute_credit(session, runtime, "main", ["conv_1"])
    assert "touch_vis_1" in await touched(store, "conv_1")


async def test_a_consent_that_the_order_denies_later_takes_its_credit_away_and_a_granted_one_gives_it_back(
    store: Store, runtime: Any
) -> None:
    await known_visitor(store)
    order = {"id": "1", "currency": "INR", "total": 1000, "person_id": "7", "placed_at": NOON, "payment_state": "paid"}
    await store.put("order", order)

    async def recorded() -> set[str]:
        async with runtime.database.transaction("main") as session:
            await record_purchases(session, runtime, "main", ["1"])
        await store.work()
        async with runtime.database.reading("main") as session:
            rows = await session.scalars(
                text("SELECT touch_id FROM adplanning.credit WHERE tenant_id = 'main' AND window_days = 30")
            )
            return set(rows)

    async def say(consent: str) -> None:
        async with runtime.database.transaction("main") as session:
            await session.execute(
                text("UPDATE adplanning.owned_order SET consent = :consent WHERE tenant_id = 'main'"),
                {"consent": consent},
            )

    assert await recorded() == {"touch_vis_1"}
    await say("denied")
    assert await recorded() == {""}
    await say("granted")
    assert await recorded() == {"touch_vis_1"}


async def test_other_conversions_of_an_order_follow_its_consent(store: Store, runtime: Any) -> None:
    await known_visitor(store)
    order = {"id": "1", "currency": "INR", "total": 1000, "placed_at": NOON, "payment_state": "paid"}
    await store.put("order", order)
    await store.conversion("signed_up", order_id="1", person_id="7", conversion_type="custom", origin="manual")
    async with runtime.database.transaction("main") as session:
        await publish(session, runtime, "main", "conversion.created", {"id": "signed_up"})
    await store.work()
    assert "touch_vis_1" in await touched(store, "signed_up")
    async with runtime.database.transaction("main") as session:
        await session.execute(text("UPDATE adplanning.owned_order SET consent = 'denied' WHERE tenant_id = 'main'"))
        await record_purchases(session, runtime, "main", ["1"])
    await store.work()
    assert await touched(store, "signed_up") == {""}
