"""Subscribers and sweeps: conversions get credit, host sessions get touches, new campaigns the touches naming them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, or_, select

from adplanning_plugin.attribution.crediting import compute_credit
from adplanning_plugin.attribution.late import DUE, announce_due, conversions_of_linked, conversions_of_unlinked
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.attribution.resolution import resolve_touches
from adplanning_plugin.attribution.service import read_host_sessions, read_sessions_of, reads_host_sessions
from adplanning_plugin.attribution.turns import turn_to_change
from adplanning_plugin.attribution.utm import normalise_name
from adplanning_plugin.identity import LINKED, UNLINKED
from adplanning_plugin.kernel.events import Delivery, Event, Retry, Subscription
from adplanning_plugin.kernel.sweep import Sweep, SweepContext
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import link_sessions

SESSIONS_SWEEP, CAMPAIGNS_SWEEP = "attribution.sessions", "attribution.campaigns"
_MOST_TOUCHES = 20_000
"""Touches that one batch of new campaigns resolves at once; the nightly job takes the rest."""


def _ids(event: Event) -> list[str]:
    given = event.data.get("ids") or [event.data.get("id")]
    ids = [str(each) for each in given if each is not None and str(each)]
    if not ids:
        raise Retry(f"The event {event.name} names nothing: its data needs id or ids.")
    return ids


def _ids_of(events: Sequence[Event]) -> list[str]:
    return list(dict.fromkeys(each for event in events for each in _ids(event)))


async def on_conversions(delivery: Delivery, events: Sequence[Event]) -> None:
    """Conversions were made or changed, or touches came late: their credit is computed."""
    ids = _ids_of(events)
    await read_sessions_of(delivery.session, delivery.runtime, delivery.tenant_id, ids)
    await compute_credit(delivery.session, delivery.runtime, delivery.tenant_id, ids)


async def on_conversion(delivery: Delivery, event: Event) -> None:
    """One event's conversions."""
    await on_conversions(delivery, [event])


async def on_host_events(delivery: Delivery, events: Sequence[Event]) -> None:
    """The store's own analytics recorded events: their sessions get their touch and person, where they lack them."""
    links = delivery.runtime.get(Links)
    if not reads_host_sessions(delivery.runtime) or not links.has("analytics_event"):
        return
    rows = links.by_ids("analytics_event", delivery.tenant_id, _ids_of(events))
    touched = select(Touchpoint.session_id).where(
        Touchpoint.tenant_id == delivery.tenant_id, Touchpoint.session_id == rows.c.session_id
    )
    named = select(rows.c.session_id, touched.exists()).where(rows.c.session_id.is_not(None)).distinct()
    sessions = [(str(row[0]), bool(row[1])) for row in await delivery.session.execute(named)]
    missing = [session_id for session_id, is_touched in sessions if not is_touched]
    await read_host_sessions(delivery.session, delivery.runtime, delivery.tenant_id, missing)
    known = [session_id for session_id, is_touched in sessions if is_touched]
    await link_sessions(delivery.session, delivery.runtime, delivery.tenant_id, known)


async def on_host_event(delivery: Delivery, event: Event) -> None:
    """One event."""
    await on_host_events(delivery, [event])


async def on_links(delivery: Delivery, events: Sequence[Event]) -> None:
    """Visitors came to others, or left them, after orders were credited: those that may reach other touches are due."""
    session, tenant_id = delivery.session, delivery.tenant_id
    await turn_to_change(session, tenant_id)  # for credit that did not see them so yet
    found: set[str] = set()
    for name, concerned in ((LINKED, conversions_of_linked), (UNLINKED, conversions_of_unlinked)):
        if some := [event for event in events if event.name == name]:
            found.update(await concerned(session, tenant_id, _ids_of(some)))
    await announce_due(session, delivery.runtime, tenant_id, sorted(found))


async def on_linked(delivery: Delivery, event: Event) -> None:
    """One event."""
    await on_links(delivery, [event])


async def sweep_sessions(context: SweepContext, ids: Sequence[str]) -> int:
    """Linked sessions → touches."""
    return await read_host_sessions(context.session, context.runtime, context.tenant_id, ids)


async def sweep_campaigns(context: SweepContext, ids: Sequence[str]) -> int:
    """New campaigns → touches that name them by id or name, also those taken for another's by likeness until now."""
    campaign = context.runtime.get(Links).by_ids("ad_campaign", context.tenant_id, ids)
    rows = await context.session.execute(select(campaign.c.id, campaign.c.platform_id, campaign.c.name))
    keys: set[str] = set()
    for row in rows:
        keys.update(key.casefold() for key in (row.id, row.platform_id) if key)
        keys.add(normalise_name(row.name or ""))
    pending = (
        select(Touchpoint.id)
        .where(Touchpoint.tenant_id == context.tenant_id)
        .where(or_(Touchpoint.resolution_method == "unresolved", Touchpoint.resolution_method == "fuzzy_name_match"))
        .where(
            or_(
                func.lower(Touchpoint.campaign_key).in_(keys),
                Touchpoint.campaign.in_(keys),
                Touchpoint.click_ids["gad_campaignid"].astext.in_(keys),
            )
        )
        .order_by(Touchpoint.occurred_at, Touchpoint.id)
        .limit(_MOST_TOUCHES)
    )
    touch_ids = list((await context.session.execute(pending)).scalars())
    return (await resolve_touches(context.session, context.runtime, context.tenant_id, touch_ids)).resolved


SUBSCRIPTIONS = (
    Subscription(
        id="attribution.credit",
        events=("conversion.created", "conversion.updated", "conversion.batch", "conversion.deleted", DUE),
        handle=on_conversion,
        together=on_conversions,
    ),
    Subscription(id="attribution.linked", events=(LINKED, UNLINKED), handle=on_linked, together=on_links),
    Subscription(
        id="attribution.sessions",
        events=("analytics_event.created",),
        handle=on_host_event,
        together=on_host_events,
    ),
)
SWEEPS = (
    Sweep(id=CAMPAIGNS_SWEEP, entity="ad_campaign", process=sweep_campaigns, order_by=("created_at", "id")),
    Sweep(
        id=SESSIONS_SWEEP,
        entity="analytics_session",
        process=sweep_sessions,
        order_by=("ended_at", "started_at", "id"),
        after=(CAMPAIGNS_SWEEP,),
    ),
)
