"""Subscribers: which events put something on a timeline or change whose it is.

The store's orders and leads come through tracking, which tells of each as a conversion once its visit, its consent and
its state are known; what the store says of forms, feedback, interactions and accounts comes directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, cast

from sqlalchemy import Table, select

from adplanning_plugin.attribution import TOUCHED, touchpoint_table
from adplanning_plugin.identity import LINKED, UNLINKED
from adplanning_plugin.journeys.activity import host_events, reads_host_events
from adplanning_plugin.journeys.progress import merge, recompute, seen_by_rebuild
from adplanning_plugin.journeys.subjects import PERSON, subjects_of_visitors
from adplanning_plugin.journeys.workflows import SourceKind, track_customer_journey_event
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.events import Delivery, Event, Handler, HandlerOfMany, Retry, Subscription
from adplanning_plugin.kernel.workflows import start
from adplanning_plugin.links import Links

_touch = cast("Table", touchpoint_table).c


def host_ids(event: Event, name: str) -> list[str]:
    """The ids that an event is about: `id`, `<name>` or `ids` of its data.

    Raises:
        Retry: it names none, so that it ends as a dead letter which says so.
    """
    given = event.data.get("ids") or [event.data.get("id", event.data.get(name))]
    ids = [str(each) for each in given if each is not None and str(each)]
    if not ids:
        raise Retry(f"The event {event.name} names nothing: its data needs id or {name}.")
    return ids


def _recorder(source_kind: SourceKind) -> tuple[Handler, HandlerOfMany]:
    """One run of the workflow for a batch, known by the events' ids."""

    async def together(delivery: Delivery, events: Sequence[Event]) -> None:
        ids = list(dict.fromkeys(each for event in events for each in host_ids(event, f"{source_kind}_id")))
        key = events[0].id
        if len(events) > 1:
            key = "batch:" + sha256("".join(event.id for event in events).encode()).hexdigest()
        given = {"source_kind": source_kind, "ids": ids}
        await start(
            delivery.runtime, delivery.session, delivery.tenant_id, track_customer_journey_event, given,
            key=f"{source_kind}:{key}",
        )  # fmt: skip

    async def alone(delivery: Delivery, event: Event) -> None:
        await together(delivery, [event])

    return alone, together


async def _news(delivery: Delivery, events: Sequence[Event]) -> list[Event]:
    """Those that no rebuild has seen: after a backfill there are many, and all of them are old."""
    known = await seen_by_rebuild(delivery.session, delivery.tenant_id, [event.id for event in events])
    return [event for event in events if event.id not in known]


async def on_touches(delivery: Delivery, events: Sequence[Event]) -> None:
    """Touches came, changed or went: their subjects' stages and first touches are computed anew."""
    session, tenant_id = delivery.session, delivery.tenant_id
    visitors: set[str] = set()
    people: set[str] = set()
    touches: set[str] = set()
    for event in await _news(delivery, events):
        visitors.update(event.data.get("visitor_ids", ()))
        people.update(event.data.get("person_ids", ()))
        touches.update(event.data.get("ids", ()))
    if touches:
        named = select(_touch.visitor_id, _touch.person_id).where(
            _touch.tenant_id == tenant_id, _touch.id == any_of(sorted(touches))
        )
        for visitor_id, person_id in await session.execute(named):
            visitors.add(visitor_id)
            people.update([person_id] if person_id else [])
    subjects = await subjects_of_visitors(session, tenant_id, sorted(visitors))
    await recompute(session, delivery.runtime, tenant_id, [*subjects, *(PERSON + each for each in people)])


async def on_touch(delivery: Delivery, event: Event) -> None:
    """One event."""
    await on_touches(delivery, [event])


async def on_links(delivery: Delivery, events: Sequence[Event]) -> None:
    """Visitors became known to be somebody's, or are it no longer: theirs alone are computed anew."""
    news = await _news(delivery, events)
    visitors = sorted({each for event in news for each in host_ids(event, "visitor_id")})
    subjects = await subjects_of_visitors(delivery.session, delivery.tenant_id, visitors)
    await recompute(delivery.session, delivery.runtime, delivery.tenant_id, subjects)


async def on_link(delivery: Delivery, event: Event) -> None:
    """One event."""
    await on_links(delivery, [event])


async def on_host_events(delivery: Delivery, events: Sequence[Event]) -> None:
    """The store's own analytics recorded events: their visitors may have come further."""
    if reads_host_events(delivery.runtime):
        links = delivery.runtime.get(Links)
        ids = list(dict.fromkeys(each for event in events for each in host_ids(event, "event_id")))
        rows = links.by_ids("analytics_event", delivery.tenant_id, ids)
        await merge(
            delivery.session, delivery.runtime, delivery.tenant_id, host_events(links, delivery.tenant_id, rows)
        )


async def on_host_event(delivery: Delivery, event: Event) -> None:
    """One event."""
    await on_host_events(delivery, [event])


_RECORDED: tuple[tuple[SourceKind, tuple[str, ...]], ...] = (
    ("conversion", ("conversion.created", "conversion.updated", "conversion.batch", "conversion.deleted")),
    ("feedback", ("feedback.created",)),
    ("form_response", ("form_response.created",)),
    ("social_interaction", ("social_interaction.created",)),
    ("person", ("person.created",)),
)


def _subscription(source_kind: SourceKind, events: tuple[str, ...]) -> Subscription:
    alone, together = _recorder(source_kind)
    return Subscription(id=f"journeys.{source_kind}", events=events, handle=alone, together=together)


def _plain(name: str, events: tuple[str, ...], handle: Any, together: Any) -> Subscription:
    return Subscription(id=f"journeys.{name}", events=events, handle=handle, together=together)


SUBSCRIPTIONS = (
    *(_subscription(kind, events) for kind, events in _RECORDED),
    _plain("touches", (TOUCHED,), on_touch, on_touches),
    _plain("linked", (LINKED, UNLINKED), on_link, on_links),
    _plain("analytics_event", ("analytics_event.created",), on_host_event, on_host_events),
)
