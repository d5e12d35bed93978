"""Coverage over time: orders by cause in each day, week or month, so that a break in capture shows when it began."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Date, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.coverage import CAUSES, JOINED, orders_with_cause
from adplanning_plugin.insights.figures import ratio
from adplanning_plugin.insights.periods import Period, local_day
from adplanning_plugin.insights.trends import Grain, buckets

NAMES = (JOINED, *(name for name, _ in CAUSES))
COLUMNS = ("date", "orders", *NAMES, "joined_share", "joined_share_online")


async def coverage_trend(session: AsyncSession, tenant_id: str, period: Period, grain: Grain) -> list[dict[str, Any]]:
    """One point a bucket, empty ones included: orders, those of each cause, and the shares that are joined."""
    rows = orders_with_cause(tenant_id, period)
    day = local_day(rows.c.occurred_at, period.zone)
    bucket = cast(func.date_trunc(grain, cast(day, Date)), Date).label("bucket")
    counted = select(bucket, rows.c.cause, func.count().label("orders")).group_by(bucket, rows.c.cause)
    points = {first: dict.fromkeys(NAMES, 0) for first in buckets(period, grain)}
    for first, name, orders in await session.execute(counted):
        points[first][name] = int(orders)
    return [_point(first.isoformat(), orders) for first, orders in points.items()]


def _point(day: str, orders: dict[str, int]) -> dict[str, Any]:
    total = sum(orders.values())
    return {
        "date": day,
        "orders": total,
        **orders,
        "joined_share": ratio(orders[JOINED], total),
        "joined_share_online": ratio(orders[JOINED], total - orders["offline"] - orders["renewal"]),
    }
