"""Stats: totals, rates and groups of conversions over a period, per currency. It credits nobody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, FromClause, Text, and_, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links, names_by_id
from adplanning_plugin.tracking.models import Conversion, Session
from adplanning_plugin.tracking.vocabulary import CONVERSION_TYPES, COUNTED

GroupBy = Literal["day", "week", "month", "conversion_type", "platform", "campaign"]
_TIMES = ("day", "week", "month")


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Half-open instants; null is without bound."""

    start: datetime | None
    end: datetime | None

    def holds(self, instant: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether the instant lies in the period."""
        parts: list[ColumnElement[bool]] = [literal(value=True)]
        if self.start is not None:
            parts.append(instant >= self.start)
        if self.end is not None:
            parts.append(instant < self.end)
        return and_(*parts)


def visits(runtime: Runtime, tenant_id: str, period: Period) -> FromClause:
    """Sessions that started in the period (id, visitor_id, started_at): the host's or our own, never both."""
    if runtime.options.sessions == "host":
        host = runtime.get(Links).selectable("analytics_session", tenant_id)
        rows = select(host.c.id, host.c.visitor_id, host.c.started_at).where(period.holds(host.c.started_at))
    else:
        rows = select(Session.id, Session.visitor_id, Session.started_at).where(
            Session.tenant_id == tenant_id, period.holds(Session.started_at.expression)
        )
    return rows.subquery("visit")


async def conversion_stats(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    period: Period,
    matching: ColumnElement[bool],
    group_by: GroupBy | None,
) -> dict[str, Any]:
    """Totals, `by_type` and, where asked for, groups of the conversions that match.

    Confirmed and unconfirmed conversions count. `total_value` is the sum of their values before refunds; `revenue` is
    what confirmed orders brought, after refunds. Both are null where there are several currencies (`by_currency` has
    each). `conversion_rate` is sessions with a counted conversion over sessions, of those that started in the period.
    """
    zone = runtime.tenant(tenant_id).zone
    key = _key(group_by, zone)
    rows = await _amounts(session, matching, key)
    rates = _Rates(*(await _sessions(session, runtime, tenant_id, period, matching, group_by, zone)))
    body: dict[str, Any] = {
        **_summary(rows, runtime.tenant(tenant_id).currency),
        "sessions": rates.sessions,
        "converted_sessions": rates.converted,
        "conversion_rate": rates.rate(),
        "by_type": {
            kind: _summary([row for row in rows if row["conversion_type"] == kind], runtime.tenant(tenant_id).currency)
            | {"conversion_rate": rates.rate(rates.by_type.get(kind, 0))}
            for kind in CONVERSION_TYPES
            if any(row["conversion_type"] == kind for row in rows)
        },
        "by_status": await _by_status(session, matching),
        "from_date": None if period.start is None else rfc3339(period.start),
        "to_date": None if period.end is None else rfc3339(period.end),
        "zone": zone,
        "group_by": group_by,
    }
    if group_by is not None:
        body["groups"] = await _groups(session, runtime, tenant_id, rows, rates, group_by)
    return body


def _key(group_by: GroupBy | None, zone: str) -> ColumnElement[Any]:
    if group_by in _TIMES:
        return bucket(Conversion.occurred_at.expression, str(group_by), zone)
    if group_by == "campaign":
        return Conversion.ad_campaign_id.expression
    return Conversion.platform.expression if group_by == "platform" else literal(None, Text)


def bucket(instant: ColumnElement[Any], unit: str, zone: str) -> ColumnElement[str]:
    """The local day, Monday or first of the month in which an instant lies, as text."""
    return func.to_char(func.date_trunc(unit, func.timezone(zone, instant)), "YYYY-MM-DD")


async def _amounts(
    session: AsyncSession, matching: ColumnElement[bool], key: ColumnElement[Any]
) -> list[Mapping[str, Any]]:
    """Counted conversions by group, type and currency: a handful of rows that every figure is a sum of."""
    columns = (key.label("key"), Conversion.conversion_type, Conversion.currency)
    revenue = func.sum(Conversion.value - Conversion.refunded).filter(Conversion.is_revenue)
    rows = await session.execute(
        select(
            *columns,
            func.count().label("n"),
            func.sum(Conversion.value).label("value"),
            func.coalesce(revenue, 0).label("revenue"),
            func.sum(Conversion.refunded).label("refunded"),
        )
        .where(matching, Conversion.status.in_(COUNTED))
        .group_by(text("1"), Conversion.conversion_type, Conversion.currency)
    )
    return [dict(row) for row in rows.mappings()]


class _Rates(msgspec.Struct):
    sessions: int
    converted: int
    by_type: dict[str, int]
    by_key: dict[str, tuple[int, int]]
    """Bucket → (sessions, converted); for groups by platform and campaign only the converted ones mean something."""

    def rate(self, converted: int | None = None, sessions: int | None = None) -> float | None:
        """Converted over all; null without sessions, since a share of nothing is no figure."""
        whole = self.sessions if sessions is None else sessions
        return round((self.converted if converted is None else converted) / whole, 6) if whole else None


async def _sessions(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    period: Period,
    matching: ColumnElement[bool],
    group_by: GroupBy | None,
    zone: str,
) -> tuple[int, int, dict[str, int], dict[str, tuple[int, int]]]:
    visit = visits(runtime, tenant_id, period)
    converted = (
        select(Conversion.session_id, Conversion.conversion_type)
        .where(matching, Conversion.status.in_(COUNTED), Conversion.session_id.is_not(None))
        .distinct()
        .subquery("converted")
    )
    by_time = group_by in _TIMES
    key = bucket(visit.c.started_at, str(group_by), zone) if by_time else literal("", Text)
    any_type = select(converted.c.session_id).distinct().subquery("any_type")
    rows = await session.execute(
        select(key.label("key"), func.count(), func.count(any_type.c.session_id))
        .select_from(visit.outerjoin(any_type, any_type.c.session_id == visit.c.id))
        .group_by(text("1"))
    )
    by_key = {row[0]: (row[1], row[2]) for row in rows}
    types = await session.execute(
        select(converted.c.conversion_type, func.count())
        .select_from(visit.join(converted, converted.c.session_id == visit.c.id))
        .group_by(converted.c.conversion_type)
    )
    total = sum(each for each, _ in by_key.values())
    return total, sum(each for _, each in by_key.values()), {row[0]: row[1] for row in types}, by_key


async def _by_status(session: AsyncSession, matching: ColumnElement[bool]) -> dict[str, int]:
    rows = await session.execute(select(Conversion.status, func.count()).where(matching).group_by(Conversion.status))
    return {row[0]: row[1] for row in rows}


def _summary(rows: list[Mapping[str, Any]], currency: str) -> dict[str, Any]:
    by_currency: list[dict[str, Any]] = []
    for code in sorted({row["currency"] for row in rows}):
        mine = [row for row in rows if row["currency"] == code]
        by_currency.append({"currency": code, "total_conversions": sum(row["n"] for row in mine)} | _money(mine, code))
    total = sum(row["n"] for row in rows)
    if len(by_currency) > 1:
        names = ("total_value", "revenue", "refunded")
        amounts: dict[str, Any] = {each: None for name in names for each in (name, f"{name}_minor")}
        return {"total_conversions": total, "currency": None, **amounts, "by_currency": by_currency}
    only = by_currency[0]["currency"] if by_currency else currency
    return {"total_conversions": total, "currency": only, **_money(rows, only), "by_currency": by_currency}


def _money(rows: list[Mapping[str, Any]], currency: str) -> dict[str, Any]:
    sums = {
        "total_value": sum(int(row["value"]) for row in rows),
        "revenue": sum(int(row["revenue"]) for row in rows),
        "refunded": sum(int(row["refunded"]) for row in rows),
    }
    return {
        name: value
        for each, minor in sums.items()
        for name, value in ((each, to_major(minor, currency)), (f"{each}_minor", minor))
    }


async def _groups(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    rows: list[Mapping[str, Any]],
    rates: _Rates,
    group_by: GroupBy,
) -> list[dict[str, Any]]:
    name = "conversion_type" if group_by == "conversion_type" else "key"
    keys: list[str | None] = list(dict.fromkeys(row[name] for row in rows))
    if group_by in _TIMES:
        keys = [*sorted({*(str(key) for key in keys), *rates.by_key})]
    links = runtime.get(Links)
    labels = await names_by_id(session, links, tenant_id, "ad_campaign", keys) if group_by == "campaign" else {}
    currency = runtime.tenant(tenant_id).currency
    groups: list[dict[str, Any]] = []
    for key in keys:
        group: dict[str, Any] = {
            group_by: key,
            "key": key,
            **_summary([row for row in rows if row[name] == key], currency),
        }
        if group_by in _TIMES:
            started, converted = rates.by_key.get(str(key), (0, 0))
            group |= {
                "sessions": started,
                "converted_sessions": converted,
                "conversion_rate": rates.rate(converted, started),
            }
        elif group_by == "conversion_type":
            group["conversion_rate"] = rates.rate(rates.by_type.get(str(key), 0))
        elif group_by == "campaign":
            group["name"] = labels.get(key or "")
        groups.append(group)
    return (
        groups
        if group_by in _TIMES
        else sorted(groups, key=lambda each: (-each["total_conversions"], str(each["key"])))
    )
