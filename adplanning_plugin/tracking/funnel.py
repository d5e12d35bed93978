"""Funnel: how many visitors of a period went how far, from a session to a purchase. Credit is no part of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, case, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.tracking.models import Conversion
from adplanning_plugin.tracking.stats import Period, visits
from adplanning_plugin.tracking.vocabulary import COUNTED

STAGES = ("session", "add_to_cart", "begin_checkout", "purchase")
_TITLES = ("Visited", "Added to cart", "Began checkout", "Purchased")


async def conversion_funnel(session: AsyncSession, runtime: Runtime, tenant_id: str, period: Period) -> dict[str, Any]:
    """Distinct visitors by the furthest stage that they reached in the period.

    Who bought has passed the stages before, also where a blocked script did not tell of them, so a stage never holds
    more visitors than the one before; `observed` is how many were seen at the stage itself. Visitors without consent
    have no id and are in no stage; purchases that no visit is known for are counted beside.
    """
    visit = visits(runtime, tenant_id, period)
    stage = case(*((Conversion.conversion_type == name, index) for index, name in enumerate(STAGES) if index))
    counted = and_(
        Conversion.tenant_id == tenant_id,
        Conversion.deleted_at.is_(None),
        Conversion.status.in_(COUNTED),
        Conversion.conversion_type.in_(STAGES[1:]),
        period.holds(Conversion.occurred_at.expression),
    )
    reached = union_all(
        select(visit.c.visitor_id.label("visitor_id"), literal(0).label("stage")).where(
            visit.c.visitor_id.is_not(None)
        ),
        select(Conversion.visitor_id, stage).where(counted, Conversion.visitor_id.is_not(None)),
    ).subquery("reached")
    observed = [func.bool_or(reached.c.stage == index).label(f"at_{index}") for index in range(len(STAGES))]
    furthest = (
        select(reached.c.visitor_id, func.max(reached.c.stage).label("furthest"), *observed)
        .group_by(reached.c.visitor_id)
        .subquery("furthest")
    )
    row = (
        await session.execute(
            select(
                *(func.count().filter(furthest.c.furthest >= index) for index in range(len(STAGES))),
                *(func.count().filter(furthest.c[f"at_{index}"]) for index in range(len(STAGES))),
            )
        )
    ).one()
    without = await session.scalar(
        select(func.count()).where(counted, Conversion.conversion_type == "purchase", Conversion.visitor_id.is_(None))
    )
    counts, seen = row[: len(STAGES)], row[len(STAGES) :]
    stages = [
        {
            "stage": name,
            "title": _TITLES[index],
            "visitors": counts[index],
            "observed": seen[index],
            "rate_from_first": _share(counts[index], counts[0]),
            "rate_from_previous": None if index == 0 else _share(counts[index], counts[index - 1]),
            "drop_off": None if index == 0 else counts[index - 1] - counts[index],
            "drop_off_rate": None if index == 0 else _share(counts[index - 1] - counts[index], counts[index - 1]),
        }
        for index, name in enumerate(STAGES)
    ]
    return {
        "stages": stages,
        "purchases_without_visit": without or 0,
        "from_date": None if period.start is None else rfc3339(period.start),
        "to_date": None if period.end is None else rfc3339(period.end),
        "zone": runtime.tenant(tenant_id).zone,
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
