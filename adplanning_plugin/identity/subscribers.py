"""Subscribers: components that were left to an event are brought in step; forms are worth what the store says now."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from adplanning_plugin.identity.models import IdentityEdge
from adplanning_plugin.identity.repository import STRONG, WEAK
from adplanning_plugin.identity.settings import FORMS_CHANGED, settings_of
from adplanning_plugin.identity.upkeep import STALE, TOLD_AT_ONCE, refresh_visitors
from adplanning_plugin.kernel.events import Delivery, Event, Subscription, publish


async def on_stale_visitors(delivery: Delivery, events: Sequence[Event]) -> None:
    """Visitors' edges changed while the components were kept by somebody else."""
    session, tenant_id = delivery.session, delivery.tenant_id
    ids = sorted({str(each) for event in events for each in event.data.get("ids", ())})
    await refresh_visitors(session, delivery.runtime, tenant_id, await settings_of(session, tenant_id), ids)


async def on_stale(delivery: Delivery, event: Event) -> None:
    """One event's."""
    await on_stale_visitors(delivery, [event])


async def on_forms_changed(delivery: Delivery, event: Event) -> None:
    """The edges that forms showed become strong, or weak again; components and credit follow, part by part."""
    del event
    session, tenant_id = delivery.session, delivery.tenant_id
    confirmed = (await settings_of(session, tenant_id)).form_email_links == "confirmed"
    strength = STRONG if confirmed else WEAK
    c = IdentityEdge
    mine = (c.tenant_id == tenant_id, c.kind == "form", c.strength != strength)
    changed = (await session.scalars(select(c.visitor_id).where(*mine).distinct().order_by(c.visitor_id))).all()
    await session.execute(update(c).where(*mine).values(strength=strength).execution_options(synchronize_session=False))
    for start in range(0, len(changed), TOLD_AT_ONCE):
        data = {"ids": list(changed[start : start + TOLD_AT_ONCE])}
        await publish(session, delivery.runtime, tenant_id, STALE, data)


SUBSCRIPTIONS = (
    Subscription(id="identity.components", events=(STALE,), handle=on_stale, together=on_stale_visitors),
    Subscription(id="identity.forms", events=(FORMS_CHANGED,), handle=on_forms_changed),
)
