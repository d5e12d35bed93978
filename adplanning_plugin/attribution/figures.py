"""Figures: the conversions behind a line of the statistics, each with its part; the parts sum to the line exactly."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from sqlalchemy import BigInteger, Float, Row, func, literal, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.repository import KIND, StatsFilter, conversion, credit, credited
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.paging import AnySelect

Kind = Literal["touch", "unattributed", "renewal", "offline"]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """Which line of the statistics; null means all of them."""

    group_by: str
    key: str | None = None
    no_key: bool = False
    """The line of touches that name nothing of the group: no campaign, for example."""
    kind: Kind | None = None
    currency: str | None = None


def conversions_of_figure(
    tenant_id: str, wanted: StatsFilter, figure: Figure, model: int, window_days: int
) -> AnySelect:
    """Conversions with their part of the figure.

    Columns: id, conversion_type, status, order_id, sales_channel, occurred_at, whole (the conversion's value),
    weight, value, refunded, currency, touches (of the figure, with a share).
    """
    c, v = credit.c, conversion.c
    source, key, conditions = credited(tenant_id, wanted, figure.group_by, window_days)
    if figure.key is not None:
        conditions += [KIND == "touch", key == figure.key]
    elif figure.no_key:
        conditions += [KIND == "touch", key.is_(None)]
    if figure.kind is not None:
        conditions.append(literal(figure.kind) == KIND)
    if figure.currency is not None:
        conditions.append(c.currency == figure.currency)
    parts = (func.sum(c.weights[model]), func.sum(c.amounts[model]), func.sum(c.refunds[model]))
    weight, value, refunded = parts
    return (
        select(
            v.id,
            v.conversion_type,
            v.status,
            v.order_id,
            v.sales_channel,
            v.occurred_at,
            v.value.label("whole"),
            sql_cast(weight, Float).label("weight"),
            sql_cast(value, BigInteger).label("value"),
            sql_cast(refunded, BigInteger).label("refunded"),
            c.currency,
            func.count(func.distinct(c.touch_id)).filter(KIND == "touch", c.weights[model] > 0).label("touches"),
        )
        .select_from(source)
        .where(*conditions)
        .group_by(
            v.tenant_id,
            v.id,
            v.conversion_type,
            v.status,
            v.order_id,
            v.sales_channel,
            v.occurred_at,
            v.value,
            c.currency,
        )
        .having(or_(weight > 0, value != 0, refunded != 0))
    )


async def total_of_figure(session: AsyncSession, statement: AnySelect) -> dict[str, Any]:
    """What the parts sum to, money by currency."""
    rows = statement.subquery("parts").c
    summed = (
        select(
            rows.currency,
            func.sum(rows.weight).label("weight"),
            sql_cast(func.sum(rows.value), BigInteger).label("value"),
            sql_cast(func.sum(rows.refunded), BigInteger).label("refunded"),
        )
        .group_by(rows.currency)
        .order_by(rows.currency)
    )
    sums = (await session.execute(summed)).all()
    return {
        "conversions": round(sum(row.weight for row in sums), 6),
        "by_currency": {row.currency: _money(row.value, row.refunded, row.currency) for row in sums},
    }


def part_line(row: Row[Any]) -> dict[str, Any]:
    """The wire form of one conversion's part."""
    return {
        "conversion_id": row.id,
        "conversion_type": row.conversion_type,
        "status": row.status,
        "order_id": row.order_id,
        "sales_channel": row.sales_channel,
        "occurred_at": rfc3339(row.occurred_at),
        "weight": round(row.weight, 6),
        **_money(row.value, row.refunded, row.currency),
        "currency": row.currency,
        "conversion_value": to_major(row.whole, row.currency),
        "conversion_value_minor": row.whole,
        "touches": row.touches,
    }


PART_COLUMNS = (
    "conversion_id", "conversion_type", "status", "order_id", "sales_channel", "occurred_at", "weight", "value",
    "value_minor", "refunded", "refunded_minor", "net", "net_minor", "currency", "conversion_value",
    "conversion_value_minor", "touches",
)  # fmt: skip


def _money(value: int, refunded: int, currency: str) -> dict[str, Any]:
    parts = {"value": value, "refunded": refunded, "net": value - refunded}
    return {
        key: each
        for name, part in parts.items()
        for key, each in ((name, to_major(part, currency)), (f"{name}_minor", part))
    }
