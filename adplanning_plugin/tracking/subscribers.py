"""Subscribers: which of the host's events start which workflow of tracking, and where an event keeps its ids."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from adplanning_plugin.identity import LINKED, UNLINKED
from adplanning_plugin.kernel.events import Delivery, Event, Retry, Subscription
from adplanning_plugin.kernel.workflows import Workflow, start
from adplanning_plugin.tracking.forms import link_forms
from adplanning_plugin.tracking.nearby import nearby_visits, orders_by_edges, orders_without_visit
from adplanning_plugin.tracking.purchases import record_purchases
from adplanning_plugin.tracking.workflows import (
    link_person_interactions,
    track_conversion_of_event,
    track_lead_conversion,
    track_purchase_conversion,
)


def host_ids(event: Event, name: str) -> list[str]:
    """The host ids that an event is about: `id`, `<name>` or `ids` of its data.

    Raises:
        Retry: it names none, so that it ends as a dead letter which says so.
    """
    given = event.data.get("ids") or [event.data.get("id", event.data.get(name))]
    ids = [str(each) for each in given if each is not None and str(each)]
    if not ids:
        raise Retry(f"The event {event.name} names nothing: its data needs id or {name}.")
    return ids


async def _start(delivery: Delivery, events: Sequence[Event], definition: Workflow, field: str, name: str) -> None:
    """One run for all, known by their ids: the recorders are set-wise, and a batch that fails is taken apart."""
    given = {field: list(dict.fromkeys(each for event in events for each in host_ids(event, name)))}
    key = events[0].id
    if len(events) > 1:
        key = "batch:" + sha256("".join(event.id for event in events).encode()).hexdigest()
    await start(delivery.runtime, delivery.session, delivery.tenant_id, definition, given, key=key)


async def on_orders(delivery: Delivery, events: Sequence[Event]) -> None:
    """Orders changed in any way: their conversions follow, whatever order the events come in."""
    await _start(delivery, events, track_purchase_conversion, "order_ids", "order_id")


async def on_order(delivery: Delivery, event: Event) -> None:
    """One order."""
    await on_orders(delivery, [event])


async def on_leads(delivery: Delivery, events: Sequence[Event]) -> None:
    """Leads came in, or changed."""
    await _start(delivery, events, track_lead_conversion, "lead_ids", "lead_id")
    await _start(delivery, events, link_person_interactions, "lead_ids", "lead_id")


async def on_lead(delivery: Delivery, event: Event) -> None:
    """One lead."""
    await on_leads(delivery, [event])


async def on_analytics_events(delivery: Delivery, events: Sequence[Event]) -> None:
    """The store's own analytics recorded events."""
    await _start(delivery, events, track_conversion_of_event, "event_ids", "event_id")


async def on_analytics_event(delivery: Delivery, event: Event) -> None:
    """One event."""
    await on_analytics_events(delivery, [event])


async def on_form_response(delivery: Delivery, event: Event) -> None:
    """Somebody answered a form: an address that they left links their visit weakly."""
    ids = host_ids(event, "form_response_id")
    _, missing = await link_forms(delivery.session, delivery.runtime, delivery.tenant_id, ids)
    if missing:
        raise Retry(f"There is no form response {', '.join(missing[:5])} in the store (yet).")
    await _start(delivery, [event], link_person_interactions, "form_response_ids", "form_response_id")


async def on_people(delivery: Delivery, events: Sequence[Event]) -> None:
    """Somebody became known: they may have left their address in a form before."""
    await _start(delivery, events, link_person_interactions, "person_ids", "person_id")


async def on_person(delivery: Delivery, event: Event) -> None:
    """One person."""
    await on_people(delivery, [event])


async def on_linked(delivery: Delivery, event: Event) -> None:
    """Visitors became known to be somebody's: orders that found no visit may have had one of theirs."""
    session, runtime, tenant_id = delivery.session, delivery.runtime, delivery.tenant_id
    bare = await orders_without_visit(session, tenant_id, host_ids(event, "visitor_id"))
    found = await nearby_visits(session, runtime, tenant_id, bare)
    await record_purchases(session, runtime, tenant_id, [visit.order_id for visit in found])


async def on_unlinked(delivery: Delivery, event: Event) -> None:
    """Visitors ceased to be somebody's: orders that took one of their visits for want of their own look again."""
    session, tenant_id = delivery.session, delivery.tenant_id
    ids = await orders_by_edges(session, tenant_id, host_ids(event, "visitor_id"))
    await record_purchases(session, delivery.runtime, tenant_id, ids)


SUBSCRIPTIONS = (
    Subscription(
        id="tracking.purchases",
        events=("order.placed", "order.paid", "order.updated", "order.cancelled", "order.refunded"),
        handle=on_order,
        together=on_orders,
    ),
    Subscription(id="tracking.leads", events=("lead.created", "lead.updated"), handle=on_lead, together=on_leads),
    Subscription(id="tracking.forms", events=("form_response.created",), handle=on_form_response),
    Subscription(id="tracking.people", events=("person.created",), handle=on_person, together=on_people),
    Subscription(id="tracking.linked", events=(LINKED,), handle=on_linked),
    Subscription(id="tracking.unlinked", events=(UNLINKED,), handle=on_unlinked),
    Subscription(
        id="tracking.goals",
        events=("analytics_event.created",),
        handle=on_analytics_event,
        together=on_analytics_events,
    ),
)
