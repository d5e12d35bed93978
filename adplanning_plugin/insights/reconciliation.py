"""Reconciliation: what touches and nobody earned, beside the store's own orders, by day and currency. SQL only.

The ledger is read from the linked orders as they are now, credit as it is stored: a difference is an order that was not
read yet, that changed since, or whose credit is due, and there is a line for each.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Subquery, and_, case, cast, exists, func, or_, select

from adplanning_plugin.attribution import credit_table as credit
from adplanning_plugin.insights.periods import Period, local_day
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.tracking import conversion_table as conversion

KINDS = ("touch", "unattributed", "renewal", "offline")
CAUSES: dict[str, str] = {
    "no_conversion": "The order was not read yet: it becomes a conversion within minutes.",
    "conversion_deleted": "Somebody deleted the order's conversion, so it is counted nowhere.",
    "order_gone": "The conversion is counted, but the store has no such order any more.",
    "not_revenue": "The order was paid, cancelled or marked as a test since it was read.",
    "currency_differs": "The order has another currency than when it was read.",
    "day_differs": "The order lies on another day than when it was read.",
    "value_changed": "The order or its refunds changed since it was read.",
    "not_credited": "Its credit was not computed yet: it is within minutes.",
    "credit_due": "Its credit is of before a change: it is computed again within minutes.",
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Under which rules credit is put beside the ledger."""

    tenant_id: str
    period: Period
    model: int
    """Its 1-based place in the rule version's arrays."""
    window_days: int
    rule_version: int


def _in_period(asked: Asked, instant: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(instant >= asked.period.start, instant < asked.period.end)


def _counted(asked: Asked) -> ColumnElement[bool]:
    c = conversion.c
    return and_(
        c.tenant_id == asked.tenant_id, c.is_revenue, c.order_id.is_not(None), c.conversion_type == "purchase",
        c.deleted_at.is_(None),
    )  # fmt: skip


def _kind() -> ColumnElement[str]:
    return case(
        (conversion.c.sales_channel.in_(("renewal", "offline")), conversion.c.sales_channel),
        (credit.c.touch_id == "", "unattributed"),
        else_="touch",
    )


def reconciliation_rows(asked: Asked, ledger: Subquery) -> AnySelect:
    """A row for each day and currency of the ledger or of credit.

    Columns: day, currency; orders, gross, refunds (the ledger's); credited_orders; and, of each kind of credit,
    `touch_gross`, `touch_refunds`, …; all in minor units, never null.
    """
    c = credit.c
    orders = (
        select(
            local_day(ledger.c.placed_at, asked.period.zone).label("day"),
            ledger.c.currency,
            func.count().label("orders"),
            func.sum(ledger.c.value).label("gross"),
            func.sum(ledger.c.refunded).label("refunds"),
        )
        .where(ledger.c.is_revenue)
        .group_by("day", ledger.c.currency)
        .subquery("orders")
    )
    kind = _kind()
    earned = (
        select(
            local_day(c.occurred_at, asked.period.zone).label("day"),
            c.currency,
            func.count(func.distinct(c.conversion_id)).label("credited_orders"),
            *(
                func.coalesce(func.sum(column[asked.model]).filter(kind == each), 0).label(f"{each}_{name}")
                for each in KINDS
                for name, column in (("gross", c.amounts), ("refunds", c.refunds))
            ),
        )
        .select_from(
            credit.join(conversion, and_(conversion.c.tenant_id == c.tenant_id, conversion.c.id == c.conversion_id))
        )
        .where(
            c.tenant_id == asked.tenant_id,
            c.window_days == asked.window_days,
            c.rule_version == asked.rule_version,
            _in_period(asked, c.occurred_at),
            _counted(asked),
        )
        .group_by("day", c.currency)
        .subquery("earned")
    )
    joined = orders.outerjoin(
        earned, and_(orders.c.day == earned.c.day, orders.c.currency == earned.c.currency), full=True
    )
    names = ["credited_orders", *(f"{kind}_{name}" for kind in KINDS for name in ("gross", "refunds"))]
    day = func.coalesce(orders.c.day, earned.c.day).label("day")
    currency = func.coalesce(orders.c.currency, earned.c.currency).label("currency")
    sums = [
        cast(func.coalesce(column, 0), BigInteger).label(column.name)
        for column in (
            *(orders.c[name] for name in ("orders", "gross", "refunds")),
            *(earned.c[name] for name in names),
        )
    ]
    return select(day, currency, *sums).select_from(joined).order_by(day.desc(), currency)


def orders_apart(asked: Asked, ledger: Subquery, all_orders: Subquery) -> Subquery:
    """One row for each order of the period that does not reconcile, with the first cause that explains it.

    Args:
        all_orders: the linked orders, whatever their day: those that are gone are told from those of another day.
    Columns: order_id, conversion_id, placed_at, cause, currency, gross, refunds (the ledger's, null where it has
    none), counted_currency, counted_gross, counted_refunds (the conversion's), credited_gross, credited_refunds.
    """
    c, v = credit.c, conversion.c
    sums = (
        select(
            c.conversion_id,
            cast(func.sum(c.amounts[asked.model]), BigInteger).label("gross"),
            cast(func.sum(c.refunds[asked.model]), BigInteger).label("refunds"),
            func.min(c.currency).label("currency"),
        )
        .where(
            c.tenant_id == asked.tenant_id,
            c.window_days == asked.window_days,
            c.rule_version == asked.rule_version,
            _in_period(asked, c.occurred_at),
        )
        .group_by(c.conversion_id)
        .subquery("credited")
    )
    counted = (
        select(v.id, v.order_id, v.occurred_at, v.currency, v.value, v.refunded, v.attribution_version)
        .where(_counted(asked), _in_period(asked, v.occurred_at))
        .subquery("counted")
    )
    revenue = select(ledger).where(ledger.c.is_revenue).subquery("revenue")
    other = v.tenant_id == asked.tenant_id, v.order_id == revenue.c.order_id, v.conversion_type == "purchase"
    of_order = exists().where(*other)
    alive = of_order.where(v.deleted_at.is_(None))
    elsewhere = alive.where(v.is_revenue)
    zone = asked.period.zone
    due = or_(counted.c.attribution_version.is_(None), counted.c.attribution_version < asked.rule_version)
    cause = case(
        (and_(counted.c.id.is_(None), ~of_order), "no_conversion"),
        (and_(counted.c.id.is_(None), ~alive), "conversion_deleted"),
        (and_(counted.c.id.is_(None), elsewhere), "day_differs"),
        (counted.c.id.is_(None), "not_revenue"),
        (
            and_(revenue.c.order_id.is_(None), ~exists().where(all_orders.c.id == counted.c.order_id)),
            "order_gone",
        ),
        (
            and_(
                revenue.c.order_id.is_(None),
                exists().where(
                    all_orders.c.id == counted.c.order_id, ~_in_period(asked, all_orders.c.placed_at)
                ),
            ),
            "day_differs",
        ),
        (revenue.c.order_id.is_(None), "not_revenue"),
        (revenue.c.currency != counted.c.currency, "currency_differs"),
        (local_day(revenue.c.placed_at, zone) != local_day(counted.c.occurred_at, zone), "day_differs"),
        (or_(revenue.c.value != counted.c.value, revenue.c.refunded != counted.c.refunded), "value_changed"),
        (sums.c.conversion_id.is_(None), "not_credited"),
        (
            or_(
                sums.c.gross != counted.c.value, sums.c.refunds != counted.c.refunded,
                sums.c.currency != counted.c.currency, due,
            ),
            "credit_due",
        ),
    )  # fmt: skip
    rows = revenue.outerjoin(counted, counted.c.order_id == revenue.c.order_id, full=True).outerjoin(
        sums, sums.c.conversion_id == counted.c.id
    )
    judged = (
        select(
            func.coalesce(revenue.c.order_id, counted.c.order_id).label("order_id"),
            counted.c.id.label("conversion_id"),
            func.coalesce(revenue.c.placed_at, counted.c.occurred_at).label("placed_at"),
            cause.label("cause"),
            revenue.c.currency,
            revenue.c.value.label("gross"),
            revenue.c.refunded.label("refunds"),
            counted.c.currency.label("counted_currency"),
            counted.c.value.label("counted_gross"),
            counted.c.refunded.label("counted_refunds"),
            sums.c.gross.label("credited_gross"),
            sums.c.refunds.label("credited_refunds"),
        )
        .select_from(rows)
        .subquery("judged")
    )
    return select(judged).where(judged.c.cause.is_not(None)).subquery("orders_apart")
