"""Trends: the same figures by local day, week or month, empty buckets included."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import Date, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.dashboard import counted_conversions
from adplanning_plugin.insights.figures import money, ratio
from adplanning_plugin.insights.periods import Period
from adplanning_plugin.insights.rates import rates_used, spans
from adplanning_plugin.insights.revenue import REVENUE_MONEY, order_revenue
from adplanning_plugin.insights.roi import ask, credit_query
from adplanning_plugin.insights.spend import spend_rows
from adplanning_plugin.insights.sums import Converted, Sums, converted, rounded
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.kernel.runtime import Runtime, Tenant
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import sessions_by_day

Grain = Literal["day", "week", "month"]


async def trend(
    session: AsyncSession, runtime: Runtime, tenant: Tenant, period: Period, grain: Grain
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One point a bucket: spend, revenue, credited revenue, their ratios and counts; and what the money rests on.

    A bucket holds the period's days alone, so all buckets sum to the period's figures. Its money is None where a day of
    it needs a rate that nobody stated.
    """
    links = runtime.get(Links)
    question = await ask(session, tenant, period, by="platform")
    spend_of = spend_rows(links, tenant.id, period)
    daily_spend = select(
        spend_of.c.day, spend_of.c.currency, spend_of.c.zone, func.sum(spend_of.c.spend).label("spend")
    ).group_by(spend_of.c.day, spend_of.c.currency, spend_of.c.zone)

    async def by_bucket(query: AnySelect, names: tuple[str, ...], *keys: str) -> Converted:
        bucketed = _bucketed(query, grain)
        return await converted(session, bucketed, tenant.id, tenant.currency, keys=("bucket", *keys), money=names)

    spend = await by_bucket(daily_spend, ("spend",), "zone")
    revenue = await by_bucket(order_revenue(tenant.id, period), REVENUE_MONEY)
    credit_of = credit_query(links, question).subquery("credit_of")
    credit = await by_bucket(select(credit_of.c.day, credit_of.c.currency, credit_of.c.paid_revenue), ("paid_revenue",))
    counts = await by_bucket(counted_conversions(tenant.id, period), ("total_value",))
    sums = {bucket: Sums() for bucket in _buckets(period, grain)}
    for side in (spend, revenue, credit, counts):
        for (bucket, *_), found in side.by_key.items():
            sums[bucket].add(found)
    sessions = dict.fromkeys(sums, 0)
    for day, count in await sessions_by_day(session, runtime, tenant.id, period.start, period.end, period.zone):
        sessions[_bucket(day, grain)] += count
    amounts = {name: rounded(sums, name) for name in ("spend", "revenue", "paid_revenue")}
    points: list[dict[str, Any]] = []
    for bucket, found in sums.items():
        spent, earned, paid = (
            0 if parts[bucket] is None and name not in found.unknown else parts[bucket]
            for name, parts in amounts.items()
        )
        points.append(
            {
                "date": bucket.isoformat(),
                **money("spend", spent, tenant.currency),
                **money("revenue", earned, tenant.currency),
                **money("attributed_revenue", paid, tenant.currency),
                **{name: int(found.counts.get(name, 0)) for name in ("orders", "conversions", "leads")},
                "sessions": sessions[bucket],
                "roas": ratio(paid, spent),
                "mer": ratio(earned, spent),
            }
        )
    used = spans((code, *days) for side in (spend, revenue, credit) for code, days in side.used.items())
    basis = {
        "model": question.model,
        "window_days": question.window_days,
        "currency": tenant.currency,
        "account_zones": sorted({zone for _, zone in spend.by_key if zone}),
        "rates": await rates_used(session, tenant.id, tenant.currency, used),
        "missing_rates": sorted(spend.missing | revenue.missing | credit.missing),
    }
    return points, basis


def _bucketed(query: AnySelect, grain: Grain) -> AnySelect:
    """The daily rows with the first day of each one's bucket."""
    rows = query.subquery("by_day")
    first = cast(func.date_trunc(grain, cast(rows.c.day, Date)), Date) if grain != "day" else rows.c.day
    return select(first.label("bucket"), *rows.c)


def _bucket(day: date, grain: Grain) -> date:
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain == "month" else day


def _buckets(period: Period, grain: Grain) -> list[date]:
    days = (period.first + timedelta(days=offset) for offset in range((period.last - period.first).days + 1))
    return sorted({_bucket(day, grain) for day in days})
