"""Workflows: what happens when something was bought, asked for, or done on a page; others add steps at `recorded`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from adplanning_plugin.kernel.events import Retry
from adplanning_plugin.kernel.workflows import Run, StepContext, step, workflow
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.claiming import claim_for_forms, claim_for_people
from adplanning_plugin.tracking.goal_hits import record_host_events
from adplanning_plugin.tracking.leads import record_leads
from adplanning_plugin.tracking.purchases import record_purchases


class TrackOrders(msgspec.Struct, kw_only=True):
    """Orders of the store whose conversions are to be what the orders are now."""

    order_ids: list[str]


class TrackLeads(msgspec.Struct, kw_only=True):
    """Leads of the store whose conversions are to be what the leads are now."""

    lead_ids: list[str]


class TrackEvents(msgspec.Struct, kw_only=True):
    """Analytics events of the store that are to be held against the goals."""

    event_ids: list[str]


class LinkInteractions(msgspec.Struct, kw_only=True):
    """Forms and leads whose addresses may be people's, and people whose addresses may have been left in forms."""

    form_response_ids: list[str] = []
    lead_ids: list[str] = []
    person_ids: list[str] = []


@step
async def record_orders(ctx: StepContext, order_ids: Sequence[str]) -> dict[str, Any]:
    """Stamp the orders with their visits and upsert their conversions, refunds and cancellations included."""
    done = await record_purchases(ctx.session, ctx.runtime, ctx.tenant_id, order_ids)
    if done.missing:
        raise Retry(await _why_missing(ctx, done.missing[:5]))
    return {"created": done.created, "updated": done.updated}


async def _why_missing(ctx: StepContext, order_ids: Sequence[str]) -> str:
    order = ctx.runtime.get(Links).by_ids("order", ctx.tenant_id, order_ids)
    unfit = (await ctx.session.scalars(select(order.c.id))).all()
    if unfit:
        problem = "has no usable total, currency or time (an amount may be NaN or past 64 bits)"
        return f"Order {', '.join(unfit)} {problem}: correct it in the store, then replay this."
    return f"There is no order {', '.join(order_ids)} in the store (yet)."


@step
async def record_new_leads(ctx: StepContext, lead_ids: Sequence[str]) -> dict[str, Any]:
    """Upsert the conversions of the leads."""
    done = await record_leads(ctx.session, ctx.runtime, ctx.tenant_id, lead_ids)
    if done.missing:
        raise Retry(f"There is no lead {', '.join(done.missing[:5])} in the store (yet).")
    return {"created": done.created, "updated": done.updated}


@step
async def match_goals(ctx: StepContext, event_ids: Sequence[str]) -> dict[str, Any]:
    """Hold the events against the goals; each hit becomes one conversion."""
    done = await record_host_events(ctx.session, ctx.runtime, ctx.tenant_id, event_ids)
    if done.missing:
        raise Retry(f"There is no analytics event {', '.join(done.missing[:5])} in the store (yet).")
    return {"created": done.created, "updated": ()}


@step
async def claim_interactions(ctx: StepContext, given: LinkInteractions) -> dict[str, Any]:
    """Weak edges between visitors and the people whose addresses they left."""
    here = (ctx.session, ctx.runtime, ctx.tenant_id)
    claims = await claim_for_forms(*here, "form_response", given.form_response_ids)
    claims += await claim_for_forms(*here, "lead", given.lead_ids)
    claims += await claim_for_people(*here, given.person_ids)
    return {"claims": claims}


@workflow("track-purchase-conversion", hooks=("recorded",), input_type=TrackOrders)
async def track_purchase_conversion(run: Run, given: TrackOrders) -> Any:
    """An order was placed, paid, changed, cancelled or refunded: its conversion follows."""
    recorded = await run(record_orders, given.order_ids)
    await run.hook("recorded", {"order_ids": given.order_ids, **recorded})
    return recorded


@workflow("track-lead-conversion", hooks=("recorded",), input_type=TrackLeads)
async def track_lead_conversion(run: Run, given: TrackLeads) -> Any:
    """Somebody left their details: that is a conversion."""
    recorded = await run(record_new_leads, given.lead_ids)
    await run.hook("recorded", {"lead_ids": given.lead_ids, **recorded})
    return recorded


@workflow("track-conversion", hooks=("recorded",), input_type=TrackEvents)
async def track_conversion_of_event(run: Run, given: TrackEvents) -> Any:
    """Something happened on a page of the store: whatever goal it fulfils is counted."""
    recorded = await run(match_goals, given.event_ids)
    await run.hook("recorded", {"event_ids": given.event_ids, **recorded})
    return recorded


@workflow("link-person-interactions", hooks=("linked",), input_type=LinkInteractions)
async def link_person_interactions(run: Run, given: LinkInteractions) -> Any:
    """An address in a form is a person's: what its visitor did is shown with them, as claimed."""
    linked = await run(claim_interactions, given)
    await run.hook("linked", {**msgspec.to_builtins(given), **linked})
    return linked


WORKFLOWS = (track_conversion_of_event, track_purchase_conversion, track_lead_conversion, link_person_interactions)
