"""Parts: the orders behind a figure of a report, each with what it adds to it; SQL only, and the report's own rows."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Float, Numeric, case, func, literal, null, select
from sqlalchemy import cast as sql_cast

from adplanning_plugin.attribution import credit_table as credit
from adplanning_plugin.attribution import of_active
from adplanning_plugin.insights.lines import LineKey
from adplanning_plugin.insights.periods import local_day, rate_day
from adplanning_plugin.insights.rates import with_factor
from adplanning_plugin.insights.revenue import credit_rows, revenue_conversions
from adplanning_plugin.insights.roi import KEYS, PAYING, Question
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.tracking import conversion_table as conversion

Kind = Literal[
    "touch", "unattributed", "renewal", "offline", "pending", "attributed", "campaigns", "not_attributed", "store"
]  # fmt: skip
"""A line's; `attributed` is all lines of touches, `campaigns` those with a key, `not_attributed` the other credit."""
_NAMES = ("key", "set_key", "ad_key")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which figure of the report."""

    line: LineKey | None = None
    """Null is all that is credited; of the kind `store` all that was ordered, credited or not."""
    currency: str | None = None
    """Only orders in it."""
    paying: bool = False
    """Only what campaigns earned that cost something in the period: what ROAS is of."""
    new_customers: bool = False
    """Only first orders of their buyers."""


def parts_of_report(question: Question, wanted: Wanted) -> AnySelect:
    """Orders with their part of the figure; parameter: `paying`, the ids of the campaigns that cost something.

    Columns: id, conversion_type, status, order_id, sales_channel, occurred_at, is_new_customer, whole (the order's
    value); currency, weight, value, refunded, cost (minor units of it); converted (net of refunds, in the question's
    currency, not rounded, each day at its rate; null without one); touches.
    """
    line = wanted.line
    if line is not None and line.kind in {"store", "pending"}:
        one = _orders(question, pending=line.kind == "pending")
    else:
        one = credit_rows(
            question.tenant_id,
            question.period,
            question.by,
            model=question.model_position,
            window_days=question.window_days,
            basis=question.basis,
            paying=PAYING,
            quote=question.currency,
            more=(credit.c.conversion_id, credit.c.touch_id),
        )
    if wanted.line is not None:
        one = _of_line(one, wanted.line, len(KEYS[question.by]))
    rows = with_factor(one, question.tenant_id, question.currency).subquery("parts")
    conditions: list[ColumnElement[bool]] = []
    if wanted.paying:
        conditions.append(rows.c.paid)
    if wanted.new_customers:
        conditions.append(rows.c.is_new)
    if wanted.currency is not None:
        conditions.append(rows.c.currency == wanted.currency)
    unknown = func.bool_or(rows.c.factor.is_(None) & (rows.c.net != 0))
    c = conversion.c
    of_conversion = (c.id, c.conversion_type, c.status, c.order_id, c.sales_channel, c.occurred_at, c.is_new_customer)
    grouped = (
        select(
            *of_conversion,
            c.value.label("whole"),
            rows.c.currency,
            sql_cast(func.sum(rows.c.weight), Float).label("weight"),
            sql_cast(func.sum(rows.c.net + rows.c.refunds), BigInteger).label("value"),
            sql_cast(func.sum(rows.c.refunds), BigInteger).label("refunded"),
            sql_cast(func.sum(rows.c.cost), Numeric).label("cost"),
            case((~unknown, func.sum(rows.c.net * rows.c.factor))).label("converted"),
            func.count(func.nullif(rows.c.touch_id, "")).label("touches"),
        )
        .select_from(rows.join(conversion, (c.tenant_id == question.tenant_id) & (c.id == rows.c.conversion_id)))
        .where(*conditions)
        .group_by(*of_conversion, c.value, rows.c.currency)
        .subquery("orders_of_figure")
    )
    return select(grouped)


def _of_line(one: AnySelect, line: LineKey, depth: int) -> AnySelect:
    """Of the rows those that make up one line."""
    rows = one.subquery("credit_rows")
    if line.kind == "not_attributed":
        return select(rows).where(rows.c.kind != "touch")
    conditions = [rows.c.kind == ("touch" if line.kind in {"attributed", "campaigns"} else line.kind)]
    if line.kind == "campaigns":
        conditions.append(rows.c.key.is_not(None))
    elif line.kind == "touch":
        conditions += [
            rows.c[name].is_(None) if value is None else rows.c[name] == value
            for name, value in zip(_NAMES[:depth], line[1:], strict=False)
        ]
    return select(rows).where(*conditions)


def _orders(question: Question, *, pending: bool) -> AnySelect:
    """Paid orders of the period as rows of credit that are whole; `pending`: those without credit as yet."""
    c, period = conversion.c, question.period
    net = c.value - c.refunded
    conditions = [revenue_conversions(question.tenant_id, period)]
    if pending:
        credited = select(literal(1)).where(
            credit.c.tenant_id == c.tenant_id,
            credit.c.conversion_id == c.id,
            credit.c.window_days == question.window_days,
            of_active(question.tenant_id),
        )
        conditions.append(~credited.correlate(conversion).exists())
    kept: ColumnElement[Any] = c.cost * case((c.value > 0, net * 1.0 / c.value), else_=literal(1, Numeric))
    return select(
        literal("pending" if pending else "store").label("kind"),
        rate_day(local_day(c.occurred_at, period.zone), c.currency, question.currency),
        c.currency,
        net.label("net"),
        c.refunded.label("refunds"),
        literal(1.0).label("weight"),
        kept.label("cost"),
        c.is_new_customer.label("is_new"),
        literal(value=False).label("paid"),
        c.id.label("conversion_id"),
        sql_cast(null(), c.id.type).label("touch_id"),
    ).where(*conditions)
