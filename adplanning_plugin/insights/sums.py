"""Sums: daily rows of several currencies added up in one; what no rate converts is unknown, never left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.figures import whole, whole_parts
from adplanning_plugin.insights.rates import spans, with_factor
from adplanning_plugin.kernel.paging import AnySelect

Key = tuple[Any, ...]
KEPT = 16
"""Built statements that each report keeps: one of a store takes up to 800 kB, and 20 ms to build."""


class Sums(msgspec.Struct, kw_only=True):
    """Exact sums of one key."""

    money: dict[str, Decimal] = msgspec.field(default_factory=dict[str, Decimal])
    """Minor units of the asked currency, not yet rounded; a figure that no row carries is absent."""
    counts: dict[str, float] = msgspec.field(default_factory=dict[str, float])
    unknown: set[str] = msgspec.field(default_factory=set[str])
    """Money of which some has no rate."""

    def add(self, other: Sums) -> None:
        """Add another key's sums to these."""
        for name, amount in other.money.items():
            self.money[name] = self.money.get(name, Decimal(0)) + amount
        for name, count in other.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        self.unknown |= other.unknown

    def minor(self, name: str) -> int | None:
        """The figure in minor units; None where a rate is missing, or nothing carries it."""
        return None if name in self.unknown or name not in self.money else whole(self.money[name])


class Converted(msgspec.Struct, kw_only=True):
    """Sums by key, and what they rest on."""

    by_key: dict[Key, Sums]
    used: dict[str, tuple[date, date]]
    """First and last day on which money of a foreign currency was converted."""
    missing: set[str]
    """Currencies for which a rate is missing."""

    def whole(self) -> Sums:
        """All keys together."""
        total = Sums()
        for each in self.by_key.values():
            total.add(each)
        return total


class Summing(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that sums and converts, built once for many executions."""

    statement: AnySelect
    currency: str
    keys: tuple[str, ...]
    money: tuple[str, ...]
    counts: tuple[str, ...]


def summing(query: AnySelect, tenant_id: str, currency: str, *, keys: Sequence[str], money: Sequence[str]) -> Summing:
    """The statement that sums a daily query by its key columns, each day's money at that day's rate.

    Args:
        query: columns `day` (NULL will do where the money is in `currency` already), `currency`, the keys, and
            measures, of which `money` are minor units of `currency`.
    """
    rows = with_factor(query, tenant_id, currency).subquery("rated")
    by = [rows.c[name] for name in keys]
    amounts = [rows.c[name] for name in money]
    counts = [column for column in rows.c if column.name not in {*keys, *money, "day", "currency", "factor"}]
    rated = rows.c.factor.is_not(None)
    summed = (
        select(
            *by,
            rows.c.currency,
            func.min(rows.c.day).filter(rated),
            func.max(rows.c.day).filter(rated),
            *(func.sum(column * rows.c.factor) for column in amounts),
            *(func.bool_or(~rated & (func.coalesce(column, 0) != 0)) for column in amounts),
            *(func.sum(column) for column in counts),
        )
        .group_by(*by, rows.c.currency)
        .order_by(*by, rows.c.currency)
    )
    counted = tuple(column.name for column in counts)
    return Summing(statement=summed, currency=currency, keys=tuple(keys), money=tuple(money), counts=counted)


async def converted(
    session: AsyncSession,
    query: AnySelect,
    tenant_id: str,
    currency: str,
    *,
    keys: Sequence[str],
    money: Sequence[str],
) -> Converted:
    """The sums of a daily query, as `summing` says, that is asked once."""
    return await sums_of(session, summing(query, tenant_id, currency, keys=keys, money=money))


async def sums_of(session: AsyncSession, asked: Summing, parameters: Mapping[str, Any] | None = None) -> Converted:
    """What the statement finds with these parameters."""
    by, money, counts, currency = asked.keys, asked.money, asked.counts, asked.currency
    found = Converted(by_key={}, used={}, missing=set())
    days: list[tuple[str, date, date]] = []
    for row in await session.execute(asked.statement, parameters):
        values = list(row)
        key, (code, first, last), rest = tuple(values[: len(by)]), values[len(by) : len(by) + 3], values[len(by) + 3 :]
        sums, lacking, totals = rest[: len(money)], rest[len(money) : 2 * len(money)], rest[2 * len(money) :]
        unknown = {name for name, lacks in zip(money, lacking, strict=True) if lacks}
        if unknown:
            found.missing.add(code)
        if first is not None and code != currency:
            days.append((code, first, last))
        one = Sums(
            money={name: Decimal(total) for name, total in zip(money, sums, strict=True) if total is not None},
            counts={name: float(total) for name, total in zip(counts, totals, strict=True) if total is not None},
            unknown=unknown,
        )
        found.by_key.setdefault(key, Sums()).add(one)
    found.used = spans(days)
    return found


def rounded(lines: Mapping[Any, Sums], name: str) -> dict[Any, int | None]:
    """The figure of each line in minor units, which sum to the rounded sum of all; None where it is unknown or absent.

    Where any line is unknown there is no sum of all: the others are rounded by themselves.
    """
    known = {key: sums.money[name] for key, sums in lines.items() if name in sums.money and name not in sums.unknown}
    if any(name in sums.unknown for sums in lines.values()):
        parts: Sequence[int] = [whole(value) for value in known.values()]
    else:
        parts = whole_parts(list(known.values()))
    return {**dict.fromkeys(lines), **dict(zip(known, parts, strict=True))}
