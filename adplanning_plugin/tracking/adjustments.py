"""Adjustments: each refund and cancellation of an order as a row beside its conversion, in the revenue basis."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Subquery, and_, case, cast, delete, func, literal, or_, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.basis import refunded_share
from adplanning_plugin.tracking.models import Conversion, ConversionAdjustment


async def sync_adjustments(session: AsyncSession, runtime: Runtime, tenant_id: str, order_ids: Sequence[str]) -> None:
    """Make the adjustments of these orders' conversions what the refunds and cancellations are now.

    A refund's row has the refund's own id, so it is taken once; its amount is what it added to the cumulative refund,
    so the rows of a conversion sum exactly to its `refunded`.
    """
    if not await _anything_given_back(session, runtime, tenant_id, order_ids):
        return
    wanted = _wanted(runtime, tenant_id, order_ids)
    table = ConversionAdjustment.__table__
    of_orders = select(Conversion.id).where(
        Conversion.tenant_id == tenant_id, Conversion.order_id.in_(order_ids), Conversion.origin == "order"
    )
    kept = select(literal(1)).where(wanted.c.id == table.c.id).exists()
    await session.execute(
        delete(ConversionAdjustment).where(
            ConversionAdjustment.tenant_id == tenant_id, ConversionAdjustment.conversion_id.in_(of_orders), ~kept
        )
    )
    names = ("conversion_id", "kind", "amount", "occurred_at")
    statement = insert(ConversionAdjustment).from_select(
        ["tenant_id", "id", *names], select(literal(tenant_id), wanted.c.id, *(wanted.c[name] for name in names))
    )
    differs = tuple_(*(table.c[name] for name in names)).is_distinct_from(
        tuple_(*(statement.excluded[name] for name in names))
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "id"], set_={name: statement.excluded[name] for name in names}, where=differs
        )
    )


async def _anything_given_back(
    session: AsyncSession, runtime: Runtime, tenant_id: str, order_ids: Sequence[str]
) -> bool:
    """Whether there is, or was, a refund or a cancellation among the orders; most batches have none."""
    refund = runtime.get(Links).by_ids("refund", tenant_id, order_ids, column="order_id")
    of_orders = and_(Conversion.tenant_id == tenant_id, Conversion.order_id.in_(order_ids))
    before = (
        select(literal(1))
        .where(
            ConversionAdjustment.tenant_id == tenant_id,
            ConversionAdjustment.conversion_id.in_(select(Conversion.id).where(of_orders)),
        )
        .exists()
    )
    given = select(Conversion.id).where(of_orders, Conversion.refunded > 0).exists()
    return bool(await session.scalar(select(or_(select(refund.c.id).exists(), given, before))))


def _wanted(runtime: Runtime, tenant_id: str, order_ids: Sequence[str]) -> Subquery:
    links = runtime.get(Links)
    order = links.by_ids("order", tenant_id, order_ids)
    refund = links.by_ids("refund", tenant_id, order_ids, column="order_id")
    conversion = Conversion.__table__
    of_order = and_(
        conversion.c.tenant_id == tenant_id,
        conversion.c.order_id == order.c.id,
        conversion.c.order_id.in_(order_ids),
        conversion.c.origin == "order",
        conversion.c.deleted_at.is_(None),
    )
    amount = func.greatest(refund.c.amount, 0)
    so_far = func.sum(amount).over(partition_by=refund.c.order_id, order_by=(refund.c.created_at, refund.c.id))
    given = (
        select(
            refund.c.id,
            conversion.c.id.label("conversion_id"),
            refund.c.created_at.label("occurred_at"),
            refunded_share(conversion.c.value, order.c.total, so_far).label("cumulative"),
            refunded_share(conversion.c.value, order.c.total, so_far - amount).label("before"),
        )
        .select_from(refund.join(order, order.c.id == refund.c.order_id).join(conversion, of_order))
        .subquery()
    )
    shares = select(
        given.c.id,
        given.c.conversion_id,
        literal("refund").label("kind"),
        (given.c.cumulative - given.c.before).label("amount"),
        given.c.occurred_at,
    )
    told = (
        select(
            given.c.conversion_id,
            cast(func.sum(given.c.cumulative - given.c.before), Conversion.value.type).label("amount"),
        )
        .group_by(given.c.conversion_id)
        .subquery()
    )
    # What the order's state gives back beyond its refund rows: a cancellation, or a refund that has no row of its own.
    rest = conversion.c.refunded - func.coalesce(told.c.amount, 0)
    is_cancellation = and_(conversion.c.status == "cancelled", ~conversion.c.is_test)
    remainder = (
        select(
            case((is_cancellation, literal("cancel:")), else_=literal("refund:")).concat(order.c.id),
            conversion.c.id,
            case((is_cancellation, literal("cancellation")), else_=literal("refund")),
            rest,
            func.coalesce(order.c.cancelled_at, order.c.updated_at, order.c.placed_at),
        )
        .select_from(order.join(conversion, of_order).outerjoin(told, told.c.conversion_id == conversion.c.id))
        .where(rest > 0)
    )
    return union_all(shares, remainder).subquery("wanted")
