"""Sweeps: orders, refunds, leads, forms and analytics events that no event told of, by the functions of events."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from adplanning_plugin.kernel.sweep import Sweep, SweepContext
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.forms import link_forms
from adplanning_plugin.tracking.goal_hits import record_host_events
from adplanning_plugin.tracking.leads import record_leads
from adplanning_plugin.tracking.purchases import record_purchases
from adplanning_plugin.tracking.recording import Recorded

PURCHASES = "tracking.purchases"


def _changed(done: Recorded) -> int:
    return len(done.created) + len(done.updated)


async def sweep_orders(context: SweepContext, ids: Sequence[str]) -> int:
    """Orders → conversions."""
    return _changed(await record_purchases(context.session, context.runtime, context.tenant_id, ids))


async def sweep_refunds(context: SweepContext, ids: Sequence[str]) -> int:
    """Refunds → their orders → conversions: a store need not touch an order when it gives money back."""
    refund = context.runtime.get(Links).by_ids("refund", context.tenant_id, ids)
    order_ids = (await context.session.scalars(select(refund.c.order_id).distinct())).all()
    return _changed(await record_purchases(context.session, context.runtime, context.tenant_id, list(order_ids)))


async def sweep_leads(context: SweepContext, ids: Sequence[str]) -> int:
    """Leads → conversions."""
    return _changed(await record_leads(context.session, context.runtime, context.tenant_id, ids))


async def sweep_forms(context: SweepContext, ids: Sequence[str]) -> int:
    """Form responses → weak edges."""
    return (await link_forms(context.session, context.runtime, context.tenant_id, ids))[0]


async def sweep_analytics_events(context: SweepContext, ids: Sequence[str]) -> int:
    """The host's analytics events → goal hits."""
    return _changed(await record_host_events(context.session, context.runtime, context.tenant_id, ids))


TOUCHES_FIRST = "attribution.sessions"
"""Where attribution is installed, a backfill makes touches before conversions, which are then credited once."""
SWEEPS = (
    Sweep(
        id=PURCHASES,
        entity="order",
        process=sweep_orders,
        order_by=("updated_at", "placed_at", "id"),
        after=(TOUCHES_FIRST,),
    ),
    Sweep(
        id="tracking.refunds", entity="refund", process=sweep_refunds, order_by=("created_at", "id"), after=(PURCHASES,)
    ),
    Sweep(id="tracking.leads", entity="lead", process=sweep_leads, order_by=("updated_at", "created_at", "id")),
    Sweep(id="tracking.forms", entity="form_response", process=sweep_forms, order_by=("created_at", "id")),
    Sweep(
        id="tracking.goals", entity="analytics_event", process=sweep_analytics_events, order_by=("occurred_at", "id")
    ),
)
