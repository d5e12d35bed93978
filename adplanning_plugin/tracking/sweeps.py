"""Sweeps: orders, refunds, leads, forms and analytics events that no event told of, by the functions of events.

And the health check of what a sweep must pass over: orders that are no purchase yet for want of a total.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Subquery, or_, select

from adplanning_plugin.kernel import days
from adplanning_plugin.kernel.health import HealthCheck
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.sweep import Sweep, SweepContext
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.claiming import claim_for_forms, claim_for_people
from adplanning_plugin.tracking.forms import link_forms
from adplanning_plugin.tracking.goal_hits import record_host_events
from adplanning_plugin.tracking.leads import record_leads
from adplanning_plugin.tracking.purchases import record_purchases
from adplanning_plugin.tracking.recording import Recorded

PURCHASES = "tracking.purchases"
UNUSABLE_DAYS = 30
"""Orders written before that are not looked through on every health check."""
MOST_UNUSABLE = 1_000
_NEEDED = ("total", "currency", "placed_at")
_WRITTEN = ("updated_at", "placed_at")


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
    changed = _changed(await record_leads(context.session, context.runtime, context.tenant_id, ids))
    return changed + await claim_for_forms(context.session, context.runtime, context.tenant_id, "lead", ids)


async def sweep_forms(context: SweepContext, ids: Sequence[str]) -> int:
    """Form responses → weak edges."""
    here = (context.session, context.runtime, context.tenant_id)
    return (await link_forms(*here, ids))[0] + await claim_for_forms(*here, "form_response", ids)


async def sweep_people(context: SweepContext, ids: Sequence[str]) -> int:
    """People → claims of those who left their addresses in forms before."""
    return await claim_for_people(context.session, context.runtime, context.tenant_id, ids)


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
    Sweep(id="tracking.people", entity="person", process=sweep_people, optional=True),
    Sweep(
        id="tracking.goals", entity="analytics_event", process=sweep_analytics_events, order_by=("occurred_at", "id")
    ),
)


def _unusable(order: Subquery) -> Any:
    lacks: list[ColumnElement[bool]] = [order.c[name].is_(None) for name in _NEEDED]
    return select(order.c.id, *(order.c[name] for name in _NEEDED)).where(or_(*lacks)).limit(MOST_UNUSABLE)


async def _unusable_orders(runtime: Runtime, tenant_id: str) -> dict[str, Any]:
    """Orders of the last days that no sweep and no event can count: they lack what a purchase is made of."""
    links = runtime.get(Links)
    since = days.now() - timedelta(days=UNUSABLE_DAYS)
    written = [name for name in _WRITTEN if links.provides("order", name)]
    rows: Sequence[RowMapping] = ()
    if links.has("order") and written:
        order = links.since("order", tenant_id, written, since, inclusive=True)
        async with runtime.database.reading(tenant_id) as session:
            rows = (await session.execute(_unusable(order))).mappings().all()
    lacking = {name: sum(row[name] is None for row in rows) for name in _NEEDED}
    named = [str(row["id"]) for row in rows]
    if not named:
        return {"status": "ok", "detail": "Every order of the last 30 days has a total, a currency and a time."}
    causes = ", ".join(f"{name} ({count})" for name, count in lacking.items() if count)
    detail = (
        f"Orders that are counted nowhere: {len(named)} of the last {UNUSABLE_DAYS} days have no usable {causes}; an "
        f"amount may be NaN or past 64 bits. Correct {', '.join(named[:5])} in the store: the sweep then takes them."
    )
    return {"status": "warn", "detail": detail, "orders": len(named), "lacking": lacking}


ORDERS_CHECK = HealthCheck(name="orders", run_of_store=_unusable_orders)
