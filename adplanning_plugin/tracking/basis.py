"""Basis: what of an order a store calls revenue, as a setting and as SQL over linked orders. It writes nothing."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, FromClause, Numeric, and_, case, cast, func, literal, or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import SettingsSection
from adplanning_plugin.kernel.tables import Watermark

PAID_STATES = ("paid", "partially_refunded", "refunded")
"""Money arrived, whatever was given back since."""


class RevenueSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The revenue basis: what is taken off an order's total. Refunds always are; unpaid and test orders never count."""

    net_of_discount: bool = True
    net_of_tax: bool = True
    net_of_shipping: bool = True
    net_of_gift_cards: bool = True


async def _rebase(session: AsyncSession, runtime: Runtime, tenant_id: str, old: object, new: object) -> None:  # noqa: ARG001
    """Another basis makes another value of every order: the next sweep reads them all again."""
    reader = "sweep:tracking.purchases"
    await session.execute(
        update(Watermark).where(Watermark.tenant_id == tenant_id, Watermark.reader == reader).values(position={})
    )


REVENUE_SECTION = SettingsSection(key="revenue", type=RevenueSettings, title="Revenue basis", on_change=_rebase)


def order_value(order: FromClause, basis: RevenueSettings) -> ColumnElement[int]:
    """Minor units of an order in the basis, before refunds; never negative.

    It starts from `total` (goods less discount, with tax and shipping, before any gift card pays part of it), because
    every store has one: subtotals include tax in some stores and not in others.
    """
    value: ColumnElement[int] = order.c.total
    if not basis.net_of_discount:
        value = value + func.coalesce(order.c.discount, 0)
    if basis.net_of_tax:
        value = value - func.coalesce(order.c.tax, 0)
    if basis.net_of_shipping:
        value = value - func.coalesce(order.c.shipping, 0)
    if basis.net_of_gift_cards:
        value = value - func.coalesce(order.c.gift_card, 0)
    return cast(func.greatest(value, 0), BigInteger)


def is_cancelled(order: FromClause) -> ColumnElement[bool]:
    """Whether the order was cancelled."""
    return or_(order.c.cancelled_at.is_not(None), order.c.payment_state == "cancelled")


def is_paid(order: FromClause) -> ColumnElement[bool]:
    """Whether money arrived."""
    return order.c.payment_state.in_(PAID_STATES)


def is_test(order: FromClause) -> ColumnElement[bool]:
    """Whether it is a test order."""
    return func.coalesce(order.c.is_test, False)


def order_status(order: FromClause) -> ColumnElement[str]:
    """The status of the order's conversion."""
    return case(
        (or_(is_cancelled(order), is_test(order)), literal("cancelled")),
        (is_paid(order), literal("confirmed")),
        else_=literal("pending"),
    )


def counts_as_revenue(order: FromClause) -> ColumnElement[bool]:
    """Paid, not cancelled, no test."""
    return and_(is_paid(order), ~is_cancelled(order), ~is_test(order))


def sales_channel(order: FromClause) -> ColumnElement[str]:
    """renewal, offline or online: renewals and offline orders are rows of their own in every report."""
    return case(
        (func.coalesce(order.c.subscription_sequence, 1) > 1, literal("renewal")),
        (order.c.sales_channel == "offline", literal("offline")),
        else_=literal("online"),
    )


def refunded_of(order: FromClause, value: ColumnElement[Any], given_back: ColumnElement[Any]) -> ColumnElement[int]:
    """What was given back of an order's `value`: all where it was cancelled or refunded, else in proportion."""
    everything = is_cancelled(order) | (order.c.payment_state == "refunded")
    return case((everything, value), else_=refunded_share(value, order.c.total, given_back))


def refunded_share(
    value: ColumnElement[Any], total: ColumnElement[Any], given_back: ColumnElement[Any]
) -> ColumnElement[int]:
    """The part of `value` that `given_back` of `total` takes away, in proportion; all once all was given back."""
    proportion = func.round(cast(value, Numeric) * given_back / func.nullif(total, 0))
    return cast(
        case(
            (given_back <= 0, 0),
            (given_back >= total, value),
            else_=func.least(value, func.coalesce(proportion, 0)),
        ),
        BigInteger,
    )
