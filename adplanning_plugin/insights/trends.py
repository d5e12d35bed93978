"""Trends: the same figures by local day, week or month, and campaigns ranked by one of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import Date, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.figures import ratio
from adplanning_plugin.insights.periods import Period, local_day
from adplanning_plugin.insights.rates import with_factor
from adplanning_plugin.insights.revenue import order_revenue
from adplanning_plugin.insights.spend import spend_rows
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.runtime import Runtime, Tenant
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import conversion_table as conversion
from adplanning_plugin.tracking import sessions_by_day

Grain = Literal["day", "week", "month"]


async def trend(
    session: AsyncSession, runtime: Runtime, tenant: Tenant, period: Period, grain: Grain
) -> list[dict[str, Any]]:
    """One point a bucket, empty buckets included: spend, revenue, orders, conversions, leads, sessions, roas.

    A bucket's money is None where a day of it needs a rate that nobody stated.
    """
    links = runtime.get(Links)
    buckets: dict[date, dict[str, Any]] = {bucket: _empty(bucket) for bucket in _buckets(period, grain)}
    spend = spend_rows(links, tenant.id, period)
    daily_spend = select(spend.c.day, spend.c.currency, func.sum(spend.c.spend).label("amount")).group_by(
        spend.c.day, spend.c.currency
    )
    revenue = order_revenue(tenant.id, period)
    daily_revenue = select(
        revenue.c.day,
        revenue.c.currency,
        func.sum(revenue.c.revenue).label("amount"),
        func.sum(revenue.c.orders).label("orders"),
    ).group_by(revenue.c.day, revenue.c.currency)
    for name, query in (("spend", daily_spend), ("revenue", daily_revenue)):
        rows = with_factor(query.subquery("daily"), tenant.id, tenant.currency).subquery("rated")
        bucket = _bucket_sql(rows.c.day, grain)
        orders = func.sum(rows.c.orders) if name == "revenue" else literal(0)
        summed = select(
            bucket,
            func.round(func.sum(rows.c.amount * rows.c.factor)),
            func.bool_or(rows.c.factor.is_(None)),
            orders,
        ).group_by(bucket)
        for at, amount, missing, count in await session.execute(summed):
            buckets[at][f"{name}_minor"] = None if missing else int(amount or 0)
            if name == "revenue":
                buckets[at]["orders"] = int(count)
    await _add_counts(session, runtime, tenant, period, grain, buckets)
    return [_finish(point, tenant.currency) for point in buckets.values()]


async def _add_counts(
    session: AsyncSession,
    runtime: Runtime,
    tenant: Tenant,
    period: Period,
    grain: Grain,
    buckets: Mapping[date, dict[str, Any]],
) -> None:
    bucket = _bucket_sql(local_day(conversion.c.occurred_at, period.zone), grain)
    counted = (
        select(
            bucket,
            func.count(),
            func.count().filter(conversion.c.conversion_type == "lead_form_submission"),
        )
        .where(
            conversion.c.tenant_id == tenant.id,
            conversion.c.deleted_at.is_(None),
            conversion.c.status != "cancelled",
            conversion.c.occurred_at >= period.start,
            conversion.c.occurred_at < period.end,
        )
        .group_by(bucket)
    )
    for at, conversions, leads in await session.execute(counted):
        buckets[at]["conversions"], buckets[at]["leads"] = int(conversions), int(leads)
    for day, sessions in await sessions_by_day(session, runtime, tenant.id, period.start, period.end, period.zone):
        buckets[_bucket(day, grain)]["sessions"] += int(sessions)


def _empty(bucket: date) -> dict[str, Any]:
    return {
        "date": bucket.isoformat(),
        "spend_minor": 0,
        "revenue_minor": 0,
        "orders": 0,
        "conversions": 0,
        "leads": 0,
        "sessions": 0,
    }


def _finish(point: dict[str, Any], currency: str) -> dict[str, Any]:
    for name in ("spend", "revenue"):
        minor = point[f"{name}_minor"]
        point[name] = None if minor is None else to_major(minor, currency)
    point["roas"] = ratio(point["revenue_minor"], point["spend_minor"])
    return point


def _bucket(day: date, grain: Grain) -> date:
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain == "month" else day


def _bucket_sql(day: Any, grain: Grain) -> Any:
    return cast(func.date_trunc(grain, cast(day, Date)), Date) if grain != "day" else day


def _buckets(period: Period, grain: Grain) -> list[date]:
    days = (period.first + timedelta(days=offset) for offset in range((period.last - period.first).days + 1))
    return sorted({_bucket(day, grain) for day in days})
