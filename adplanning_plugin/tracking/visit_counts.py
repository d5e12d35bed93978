"""Visit counts: how many sessions began, and how many of them converted; by period or by local day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from sqlalchemy import Date, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.tracking.models import Conversion
from adplanning_plugin.tracking.stats import Period, visits
from adplanning_plugin.tracking.vocabulary import COUNTED


class VisitTotals(msgspec.Struct, frozen=True):
    """Sessions that began in a period, and those of them with a counted conversion."""

    sessions: int
    converted_sessions: int


async def visit_totals(
    session: AsyncSession, runtime: Runtime, tenant_id: str, start: datetime, end: datetime
) -> VisitTotals:
    """Sessions by `Options.sessions`, and the distinct ones that a conversion names."""
    visit = visits(runtime, tenant_id, Period(start=start, end=end))
    converted = (
        select(func.count(Conversion.session_id.distinct()))
        .select_from(Conversion)
        .join(visit, visit.c.id == Conversion.session_id)
        .where(Conversion.tenant_id == tenant_id, Conversion.deleted_at.is_(None), Conversion.status.in_(COUNTED))
        .scalar_subquery()
    )
    total, with_conversion = (
        await session.execute(select(select(func.count()).select_from(visit).scalar_subquery(), converted))
    ).one()
    return VisitTotals(int(total), int(with_conversion))


async def sessions_by_day(
    session: AsyncSession, runtime: Runtime, tenant_id: str, start: datetime, end: datetime, zone: str
) -> Sequence[tuple[date, int]]:
    """(local day, sessions that began on it), days without sessions left out."""
    visit = visits(runtime, tenant_id, Period(start=start, end=end))
    by_day = select(cast(func.timezone(zone, visit.c.started_at), Date).label("day")).subquery("by_day")
    rows = await session.execute(select(by_day.c.day, func.count()).group_by(by_day.c.day))
    return [(day, int(count)) for day, count in rows]
