"""Sections: the customer funnel of the metrics view, a person's journey, and the scores that others register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import Table, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.hookspecs import MetricsQuery, Section
from adplanning_plugin.journeys.models import JourneyProgress
from adplanning_plugin.journeys.stages import STAGES
from adplanning_plugin.journeys.timeline import summary, whose
from adplanning_plugin.journeys.timeline_sql import JourneyFilter
from adplanning_plugin.kernel.runtime import Runtime

_progress = cast("Table", JourneyProgress.__table__)


async def customer_funnel(runtime: Runtime, session: AsyncSession, query: MetricsQuery) -> Mapping[str, Any]:
    """Of those whose journey began in the period: how many reached each stage or a later one, and how many did not.

    A person counts once, on however many devices; so does a visitor whom nobody knows.
    """
    del runtime
    c = _progress.c
    reached = [
        func.count().filter(or_(*(c[f"{later}_at"].is_not(None) for later in STAGES[place:])))
        for place in range(len(STAGES))
    ]
    began = and_(c.tenant_id == query.tenant_id, c.first_at >= query.start, c.first_at < query.end)
    row = (await session.execute(select(func.count(), func.count(c.person_id), *reached).where(began))).one()
    everybody, identified, counts = row[0], row[1], [int(each) for each in row[2:]]
    stages: list[dict[str, Any]] = []
    for place, stage in enumerate(STAGES):
        before = counts[place - 1] if place else None
        lost = None if before is None else before - counts[place]
        stages.append(
            {
                "stage": stage,
                "people": counts[place],
                "dropped": lost,
                "drop_off": None if not before or lost is None else round(lost / before, 4),
                "share": round(counts[place] / everybody, 4) if everybody else None,
            }
        )
    by_stage = dict(zip(STAGES, counts, strict=True))
    return {
        "people": everybody,
        "identified": identified,
        "buyers": by_stage["conversion"],
        "repeat_buyers": by_stage["retention"],
        "advocates": by_stage["advocacy"],
        "stages": stages,
    }


async def person_journey(
    runtime: Runtime, session: AsyncSession, tenant_id: str, object_id: str
) -> Mapping[str, Any] | None:
    """What a person's journey comes to; null where nothing is known of them."""
    mine = await whose(session, runtime, tenant_id, object_id)
    found = await summary(session, runtime, tenant_id, mine, JourneyFilter(members=mine.members, claimed=mine.claimed))
    if not found["events"] and not mine.claimed:
        return None
    return {**found, "visitors": len(mine.members.visitors), "claimed_visitors": len(mine.claimed)}


async def scores_of(
    session: AsyncSession, runtime: Runtime, tenant_id: str, person_id: str, scopes: frozenset[Any]
) -> list[Any]:
    """What the section `scores` of a person's page says, where one is registered and the caller may read it."""
    found: list[Any] = []
    for sections in runtime.hooks.hook.register_sections():
        for section in cast("list[Section]", sections):
            if section.place == "person" and section.key == "scores" and section.scope in scopes:
                body = await section.compute(runtime, session, tenant_id, person_id)
                found += list((body or {}).get("scores", ()))
    return found


SECTIONS = (
    Section(key="customer_funnel", title="Customer funnel", compute=customer_funnel, order=45, page="journeys"),
    Section(key="journey", title="Journey", compute=person_journey, place="person", order=20, page="journeys"),
)
