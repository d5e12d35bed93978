"""Ledger: what the store's own orders of a period are worth now, in the tenant's revenue basis. It writes nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Subquery, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import load
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import basis
from adplanning_plugin.tracking.basis import RevenueSettings


async def order_ledger(
    session: AsyncSession, runtime: Runtime, tenant_id: str, start: datetime, end: datetime
) -> Subquery:
    """The orders placed in [start, end), as they would be counted if they were read now.

    Columns: order_id, placed_at, currency, value and refunded (minor units of the basis), is_revenue, status,
    sales_channel.
    """
    settings, _ = await load(session, tenant_id, RevenueSettings)
    links = runtime.get(Links)
    order = links.selectable("order", tenant_id)
    placed = (order.c.placed_at >= start, order.c.placed_at < end)
    refund, of = links.selectable("refund", tenant_id), links.selectable("order", tenant_id)
    given_back = (
        select(refund.c.order_id, cast(func.sum(func.greatest(refund.c.amount, 0)), BigInteger).label("amount"))
        .join(of, of.c.id == refund.c.order_id)
        .where(of.c.placed_at >= start, of.c.placed_at < end)
        .group_by(refund.c.order_id)
        .subquery("given_back")
    )
    value = basis.order_value(order, settings)
    return (
        select(
            order.c.id.label("order_id"),
            order.c.placed_at,
            order.c.currency,
            value.label("value"),
            basis.refunded_of(order, value, func.coalesce(given_back.c.amount, 0)).label("refunded"),
            basis.counts_as_revenue(order).label("is_revenue"),
            basis.order_status(order).label("status"),
            basis.sales_channel(order).label("sales_channel"),
        )
        .select_from(order.outerjoin(given_back, given_back.c.order_id == order.c.id))
        .where(*placed)
        .subquery("order_ledger")
    )
