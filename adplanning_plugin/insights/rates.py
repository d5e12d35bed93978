"""Exchange rates: what turns one currency's minor units into another's on a day; never a rate that nobody stated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Numeric, Select, case, func, literal, select, true, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.models import ExchangeRate
from adplanning_plugin.kernel.money import THREE_DECIMAL, ZERO_DECIMAL, exponent

OLDEST_DAYS = 31
"""A rate older than this before the day it is used for counts as missing."""


def exponent_sql(currency: ColumnElement[str]) -> ColumnElement[Any]:
    """SQL: decimal places of a currency column's minor unit."""
    return case((currency.in_(sorted(ZERO_DECIMAL)), 0), (currency.in_(sorted(THREE_DECIMAL)), 3), else_=2)


def with_factor(rows: FromClause, tenant_id: str, quote: str) -> Select[Any]:
    """`rows` (columns `currency` and `day`) with `factor`, which turns its minor units into those of `quote`.

    The latest rate on or before the day is taken, direct or inverted, at most 31 days old; `factor` is NULL where there
    is none, and 1 where the currencies are the same.
    """
    rate = ExchangeRate.__table__
    recent = (
        rate.c.tenant_id == tenant_id,
        rate.c.day <= rows.c.day,
        rate.c.day > rows.c.day - OLDEST_DAYS,
    )
    direct = select(rate.c.rate.label("rate"), rate.c.day).where(
        *recent, rate.c.base == rows.c.currency, rate.c.quote == quote
    )
    inverse = select((1 / rate.c.rate).label("rate"), rate.c.day).where(
        *recent, rate.c.base == quote, rate.c.quote == rows.c.currency
    )
    both = union_all(direct.correlate(rows), inverse.correlate(rows)).subquery("both_ways")
    best = select(both.c.rate).order_by(both.c.day.desc()).limit(1).correlate(rows).lateral("best")
    scale = func.power(literal(10, Numeric), exponent(quote) - exponent_sql(rows.c.currency))
    factor = case((rows.c.currency == quote, literal(1, Numeric)), else_=best.c.rate * scale).label("factor")
    return select(*rows.c, factor).select_from(rows.outerjoin(best, true()))


async def upsert_rates(session: AsyncSession, tenant_id: str, rates: Sequence[dict[str, Any]]) -> int:
    """Store rates `{day, base, quote, rate, source}`; a second statement of the same day replaces the first."""
    if not rates:
        return 0
    statement = insert(ExchangeRate).values([{**rate, "tenant_id": tenant_id} for rate in rates])
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "base", "quote", "day"],
        set_={"rate": statement.excluded.rate, "source": statement.excluded.source, "updated_at": func.now()},
    )
    await session.execute(statement)
    return len(rates)


async def rates_used(
    session: AsyncSession, tenant_id: str, quote: str, currencies: Sequence[str], first: date, last: date
) -> list[dict[str, Any]]:
    """The rates behind a report, newest per currency, with their day and source: an answer states them."""
    foreign = sorted(set(currencies) - {quote})
    if not foreign:
        return []
    rate = ExchangeRate.__table__
    other = case((rate.c.quote == quote, rate.c.base), else_=rate.c.quote)
    value = case((rate.c.quote == quote, rate.c.rate), else_=1 / rate.c.rate)
    stated = (
        select(other.label("base"), value.label("rate"), rate.c.day, rate.c.source)
        .where(
            rate.c.tenant_id == tenant_id,
            rate.c.day.between(first - timedelta(days=OLDEST_DAYS), last),
            ((rate.c.quote == quote) & rate.c.base.in_(foreign)) | ((rate.c.base == quote) & rate.c.quote.in_(foreign)),
        )
        .subquery()
    )
    newest = func.row_number().over(partition_by=stated.c.base, order_by=stated.c.day.desc())
    ranked = select(*stated.c, newest.label("age")).subquery()
    query = select(ranked).where(ranked.c.age == 1).order_by(ranked.c.base)
    rows = (await session.execute(query)).mappings()
    return [
        {
            "base": row["base"],
            "quote": quote,
            "rate": str(Decimal(row["rate"]).normalize()),
            "day": row["day"].isoformat(),
            "source": row["source"],
        }
        for row in rows
    ]
