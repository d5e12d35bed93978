"""Sweeps: what no event told of, and the past; by the functions of events, so that nothing is counted twice.

A backfill records events alone; once everything is there, everybody's stages are computed at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import text

from adplanning_plugin.journeys.activity import host_events, reads_host_events
from adplanning_plugin.journeys.progress import merge, rebuild
from adplanning_plugin.journeys.recording import conversions_of, record
from adplanning_plugin.kernel.sweep import Sweep, SweepContext
from adplanning_plugin.links import Links

Process = Callable[[SweepContext, Sequence[str]], Awaitable[int]]


async def _record(context: SweepContext, source_kind: str, ids: Sequence[str]) -> int:
    follows = not context.is_backfill
    done = await record(context.session, context.runtime, context.tenant_id, source_kind, ids, progress_follows=follows)
    return done.changed


def _ledger(column: str) -> Process:
    async def process(context: SweepContext, ids: Sequence[str]) -> int:
        """Orders or leads → their conversions → events."""
        found = await conversions_of(context.session, context.tenant_id, column, ids)
        return await _record(context, "conversion", found)

    return process


def _linked(entity: str) -> Process:
    async def process(context: SweepContext, ids: Sequence[str]) -> int:
        """Rows of an entity → events."""
        return await _record(context, entity, ids)

    return process


async def sweep_analytics_events(context: SweepContext, ids: Sequence[str]) -> int:
    """The store's own analytics events → stages."""
    if context.is_backfill or not reads_host_events(context.runtime):
        return 0
    links = context.runtime.get(Links)
    rows = links.by_ids("analytics_event", context.tenant_id, ids)
    return await merge(context.session, context.runtime, context.tenant_id, host_events(links, context.tenant_id, rows))


async def rebuild_progress(context: SweepContext) -> None:
    """The stages of everybody whom the backfill found."""
    await context.session.execute(text("SET LOCAL statement_timeout = 0"))
    await rebuild(context.session, context.runtime, context.tenant_id)


SWEEPS = (
    Sweep(
        id="journeys.analytics_events",
        entity="analytics_event",
        process=sweep_analytics_events,
        order_by=("occurred_at", "id"),
        after=("attribution.sessions",),
    ),
    Sweep(
        id="journeys.orders",
        entity="order",
        process=_ledger("order_id"),
        order_by=("updated_at", "placed_at", "id"),
        after=("tracking.purchases", "tracking.refunds", "journeys.analytics_events"),
    ),
    Sweep(
        id="journeys.leads",
        entity="lead",
        process=_ledger("lead_id"),
        order_by=("updated_at", "created_at", "id"),
        after=("tracking.leads",),
    ),
    Sweep(
        id="journeys.feedback",
        entity="feedback",
        process=_linked("feedback"),
        order_by=("created_at", "id"),
        after=("journeys.orders",),
    ),
    Sweep(
        id="journeys.forms",
        entity="form_response",
        process=_linked("form_response"),
        order_by=("created_at", "id"),
        after=("tracking.forms",),
    ),
    Sweep(
        id="journeys.interactions",
        entity="social_interaction",
        process=_linked("social_interaction"),
        order_by=("at", "id"),
    ),
    Sweep(
        id="journeys.people",
        entity="person",
        process=_linked("person"),
        order_by=("created_at", "id"),
        after=("journeys.orders", "journeys.leads", "journeys.feedback", "journeys.forms", "journeys.interactions"),
        finish=rebuild_progress,
    ),
)
