"""Exchange rates: what turns one currency's minor units into another's on a day; never a rate that nobody stated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Numeric,
    and_,
    case,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.models import ExchangeRate
from adplanning_plugin.kernel.errors import NotFound
from adplanning_plugin.kernel.money import THREE_DECIMAL, ZERO_DECIMAL, exponent
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.kernel.settings import stale

OLDEST_DAYS = 31
"""A rate older than this before the day it is used for counts as missing."""
NO_CURRENCY = "XXX"
"""ISO 4217's code for money whose currency nobody named: no rate turns it into anything."""
BATCH = 1_000
_rate: Any = ExchangeRate.__table__


def exponent_sql(currency: ColumnElement[str]) -> ColumnElement[Any]:
    """SQL: decimal places of a currency column's minor unit."""
    return case((currency.in_(sorted(ZERO_DECIMAL)), 0), (currency.in_(sorted(THREE_DECIMAL)), 3), else_=2)


def with_factor(rows: AnySelect, tenant_id: str, quote: str) -> AnySelect:
    """`rows` (columns `currency` and `day`) with `factor`, which turns its minor units into those of `quote`.

    The latest rate on or before the day is taken, direct before inverted, at most 31 days old; `factor` is NULL where
    there is none, and 1 where the currencies are the same. Each day and currency is looked up once.
    """
    daily = rows.cte("daily").prefix_with("MATERIALIZED")
    foreign = select(daily.c.day, daily.c.currency).where(daily.c.currency != quote).distinct().subquery("foreign_days")
    best = _stated(foreign, tenant_id, quote).lateral("best")
    scale = func.power(literal(10, Numeric), exponent(quote) - exponent_sql(foreign.c.currency))
    rated = (
        select(foreign.c.day, foreign.c.currency, (best.c.rate * scale).label("factor"))
        .select_from(foreign.join(best, true()))
        .subquery("rated")
    )
    factor = case((daily.c.currency == quote, literal(1, Numeric)), else_=rated.c.factor).label("factor")
    same = and_(rated.c.day == daily.c.day, rated.c.currency == daily.c.currency)
    return select(*daily.c, factor).select_from(daily.outerjoin(rated, same))


def _stated(rows: FromClause, tenant_id: str, quote: str) -> AnySelect:
    """The newest rate (rate, day, source) on or before the row's `day`, for its `currency`."""
    ours = (_rate.c.tenant_id == tenant_id, _rate.c.day <= rows.c.day, _rate.c.day > rows.c.day - OLDEST_DAYS)
    direct = select(_rate.c.rate.label("rate"), _rate.c.day, _rate.c.source, literal(0).label("inverted")).where(
        *ours, _rate.c.base == rows.c.currency, _rate.c.quote == quote
    )
    inverse = select((1 / _rate.c.rate).label("rate"), _rate.c.day, _rate.c.source, literal(1).label("inverted")).where(
        *ours, _rate.c.base == quote, _rate.c.quote == rows.c.currency
    )
    both = union_all(direct.correlate(rows), inverse.correlate(rows)).subquery("both_ways")
    return select(both).order_by(both.c.day.desc(), both.c.inverted).limit(1).correlate(rows)


async def upsert_rates(session: AsyncSession, tenant_id: str, rates: Sequence[Mapping[str, Any]]) -> int:
    """Store rates `{day, base, quote, rate, source}`; a second statement of the same day replaces the first.

    Returns:
        How many are new or differ from what was there.
    """
    changed = 0
    for first in range(0, len(rates), BATCH):
        some = rates[first : first + BATCH]
        statement = insert(ExchangeRate).values([{**rate, "tenant_id": tenant_id} for rate in some])
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=["tenant_id", "base", "quote", "day"],
            set_={
                "rate": new.rate,
                "source": new.source,
                "version": _rate.c.version + 1,
                "updated_at": func.now(),
            },
            where=or_(_rate.c.rate != new.rate, _rate.c.source != new.source),
        ).returning(literal(1))
        changed += len((await session.execute(statement)).all())
    return changed


async def delete_rate(
    session: AsyncSession, tenant_id: str, base: str, quote: str, day: date, version: int | None = None
) -> None:
    """Delete a day's rate; its figures take the latest one before it, or have none.

    Raises:
        NotFound: no rate was stated for that day.
        Conflict: it has been restated since that version.
    """
    mine = (_rate.c.tenant_id == tenant_id, _rate.c.base == base, _rate.c.quote == quote, _rate.c.day == day)
    current = (await session.execute(select(_rate.c.version).where(*mine).with_for_update())).scalar_one_or_none()
    if current is None:
        raise NotFound(f"There is no rate of {base} in {quote} on {day}: see GET /exchange-rates for those there are.")
    if version is not None and version != current:
        raise stale(version, current)
    await session.execute(delete(ExchangeRate).where(*mine))


async def rates_used(
    session: AsyncSession, tenant_id: str, quote: str, used: Mapping[str, tuple[date, date]]
) -> list[dict[str, Any]]:
    """The rates behind a report: of each foreign currency the one of its newest day, with that rate's day and source.

    Args:
        used: the first and last day on which money of each currency was converted.
    """
    wanted = {currency: span for currency, span in used.items() if currency != quote}
    if not wanted:
        return []
    values = union_all(
        *(
            select(literal(currency).label("currency"), literal(last).label("day"), literal(first).label("first_day"))
            for currency, (first, last) in sorted(wanted.items())
        )
    ).subquery("used")
    best = _stated(values, tenant_id, quote).lateral("best")
    query = select(values.c.currency, values.c.first_day, best.c.rate, best.c.day, best.c.source)
    rows = await session.execute(query.select_from(values.join(best, true())).order_by(literal_column("1")))
    return [
        {
            "base": currency,
            "quote": quote,
            "rate": format(Decimal(rate).normalize(), "f"),
            "day": day.isoformat(),
            "source": source,
            "used_from": first.isoformat(),
            "used_to": wanted[currency][1].isoformat(),
        }
        for currency, first, rate, day, source in rows
    ]


def spans(days: Iterable[tuple[str, date, date]]) -> dict[str, tuple[date, date]]:
    """The first and last day of each currency."""
    found: dict[str, tuple[date, date]] = {}
    for currency, first, last in days:
        known = found.get(currency, (first, last))
        found[currency] = (min(known[0], first), max(known[1], last))
    return found
