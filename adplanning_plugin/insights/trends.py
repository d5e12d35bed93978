"""Trends: the same figures by local day, week or month, empty buckets included."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Literal

import msgspec
from sqlalchemy import Date, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.dashboard import counted_conversions
from adplanning_plugin.insights.figures import money, ratio
from adplanning_plugin.insights.periods import Period, any_period
from adplanning_plugin.insights.rates import rates_used, spans
from adplanning_plugin.insights.revenue import REVENUE_MONEY, order_revenue
from adplanning_plugin.insights.roi import PAYING, Question, ask, credit_of, paying_campaigns
from adplanning_plugin.insights.spend import spend_rows
from adplanning_plugin.insights.sums import KEPT, Summing, Sums, rounded, summing, sums_of
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
    asked = _statements(links, msgspec.structs.replace(question, period=any_period(period.zone)), grain)
    values = period.values()
    spend = await sums_of(session, asked.spend, values)
    revenue = await sums_of(session, asked.revenue, values)
    paying = await paying_campaigns(session, links, question)
    credit = await sums_of(session, asked.credit, {**values, "paying": paying})
    counts = await sums_of(session, asked.counts, values)
    sums = {bucket: Sums() for bucket in buckets(period, grain)}
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


class _Statements(msgspec.Struct, frozen=True):
    """What a trend reads; parameters are the period's, and `paying`."""

    spend: Summing
    revenue: Summing
    credit: Summing
    counts: Summing


@lru_cache(maxsize=KEPT)
def _statements(links: Links, question: Question, grain: Grain) -> _Statements:
    """Built once for a question of any period."""
    tenant_id, currency, period = question.tenant_id, question.currency, question.period
    spent = spend_rows(links, tenant_id, period)
    daily_spend = select(spent.c.day, spent.c.currency, spent.c.zone, func.sum(spent.c.spend).label("spend")).group_by(
        spent.c.day, spent.c.currency, spent.c.zone
    )
    earned = credit_of(question, PAYING).subquery("credit_of")
    paid = select(earned.c.day, earned.c.currency, func.sum(earned.c.paid_revenue).label("paid_revenue")).group_by(
        earned.c.day, earned.c.currency
    )

    def by_bucket(query: AnySelect, money: tuple[str, ...], *keys: str) -> Summing:
        return summing(_bucketed(query, grain), tenant_id, currency, keys=("bucket", *keys), money=money)

    return _Statements(
        by_bucket(daily_spend, ("spend",), "zone"),
        by_bucket(order_revenue(tenant_id, period), REVENUE_MONEY),
        by_bucket(paid, ("paid_revenue",)),
        by_bucket(counted_conversions(tenant_id, period), ("total_value",)),
    )


def _bucketed(query: AnySelect, grain: Grain) -> AnySelect:
    """The daily rows with the first day of each one's bucket."""
    rows = query.subquery("by_day")
    first = cast(func.date_trunc(grain, cast(rows.c.day, Date)), Date) if grain != "day" else rows.c.day
    return select(first.label("bucket"), *rows.c)


def _bucket(day: date, grain: Grain) -> date:
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain == "month" else day


def buckets(period: Period, grain: Grain) -> list[date]:
    """The first days of the period's days, weeks (from Monday) or months, in order."""
    days = (period.first + timedelta(days=offset) for offset in range((period.last - period.first).days + 1))
    return sorted({_bucket(day, grain) for day in days})
