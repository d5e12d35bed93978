"""Subscribers: which of the host's events start which workflow of tracking, and where an event keeps its ids."""

from __future__ import annotations

from adplanning_plugin.kernel.events import Delivery, Event, Retry, Subscription
from adplanning_plugin.kernel.workflows import Workflow, start
from adplanning_plugin.tracking.workflows import (
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


async def _start(delivery: Delivery, event: Event, definition: Workflow, field: str, name: str) -> None:
    given = {field: host_ids(event, name)}
    await start(delivery.runtime, delivery.session, delivery.tenant_id, definition, given, key=event.id)


async def on_order(delivery: Delivery, event: Event) -> None:
    """An order changed in any way: its conversion follows, whatever order the events come in."""
    await _start(delivery, event, track_purchase_conversion, "order_ids", "order_id")


async def on_lead(delivery: Delivery, event: Event) -> None:
    """A lead came in."""
    await _start(delivery, event, track_lead_conversion, "lead_ids", "lead_id")


async def on_analytics_event(delivery: Delivery, event: Event) -> None:
    """The store's own analytics recorded an event."""
    await _start(delivery, event, track_conversion_of_event, "event_ids", "event_id")


SUBSCRIPTIONS = (
    Subscription(
        id="tracking.purchases",
        events=("order.placed", "order.paid", "order.updated", "order.cancelled", "order.refunded"),
        handle=on_order,
    ),
    Subscription(id="tracking.leads", events=("lead.created", "lead.updated"), handle=on_lead),
    Subscription(id="tracking.goals", events=("analytics_event.created",), handle=on_analytics_event),
)
