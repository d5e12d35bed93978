"""Funnel: how many people reached each step, how many were lost before it, and how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Float, Text, func, literal, literal_column, select, tuple_
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.journeys.funnel_sql import FunnelQuestion, depth_by_events, depth_by_stages, progress
from adplanning_plugin.journeys.funnel_steps import Step, are_stages
from adplanning_plugin.kernel.paging import AnyRow, AnySelect
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links, names_by_id

BREAKDOWNS: Mapping[str, str] = {
    "channel": "channel",
    "platform": "platform",
    "campaign": "ad_campaign_id",
    "device": "device",
    "website": "website_id",
}
"""What a funnel may be divided by → the column of the subject's first touch."""
MOST_GROUPS = 20
_ENTITIES = {"campaign": "ad_campaign", "website": "website"}


async def funnel(
    session: AsyncSession, runtime: Runtime, question: FunnelQuestion, breakdown: str | None
) -> dict[str, Any]:
    """Counts of every step, all together and by the values of the breakdown that most people have."""
    steps = question.steps
    by_stages = are_stages(steps)
    rows = depth_by_stages(question) if by_stages else depth_by_events(runtime, question)
    found = (await session.execute(_counts(rows, question, breakdown))).all()
    whole = next((row for row in found if row.of_all), None)
    groups = [row for row in found if not row.of_all]
    groups.sort(key=lambda row: (-row.people_0, row.value is None, row.value or ""))
    shown = groups[:MOST_GROUPS]
    names = await names_of(session, runtime, question.tenant_id, breakdown, [row.value for row in shown])
    return {
        "steps": _steps(steps, whole),
        "breakdown": None
        if breakdown is None
        else [
            {"value": row.value, "label": names.get(row.value or "", row.value), "steps": _steps(steps, row)}
            for row in shown
        ],
        "groups": None if breakdown is None else len(groups),
        "source": "stages" if by_stages else "events",
    }


def _counts(rows: AnySelect, question: FunnelQuestion, breakdown: str | None) -> AnySelect:
    """One row for all, and one for each value of the breakdown: people_n, known_n and median_n of each step."""
    depths = rows.subquery("depths")
    value = sql_cast(literal(None), Text) if breakdown is None else progress.c[BREAKDOWNS[breakdown]]
    source: Any = depths
    if breakdown is not None:
        mine = (progress.c.tenant_id == question.tenant_id) & (progress.c.subject == depths.c.subject)
        source = depths.outerjoin(progress, mine)
    figures: list[Any] = []
    for n in range(len(question.steps)):
        here = depths.c.depth > n
        figures += [
            func.count().filter(here).label(f"people_{n}"),
            func.count().filter(here, depths.c.known).label(f"known_{n}"),
        ]
        if n:
            # As float8, which sorts faster than an interval; only of those who took both steps.
            taken = func.date_part("epoch", depths.c[f"at_{n}"] - depths.c[f"at_{n - 1}"], type_=Float())
            figures.append(func.percentile_cont(0.5).within_group(taken).filter(here).label(f"median_{n}"))
    statement = select(literal(True).label("of_all"), sql_cast(literal(None), Text).label("value"), *figures)
    if breakdown is None:
        return statement.select_from(source)
    grouped = select(
        (func.grouping(value) == 1).label("of_all"), sql_cast(value, Text).label("value"), *figures
    ).select_from(source)
    return grouped.group_by(func.grouping_sets(tuple_(value), literal_column("()")))


def _steps(steps: Sequence[Step], row: AnyRow | None) -> list[dict[str, Any]]:
    people = [int(getattr(row, f"people_{n}")) if row else 0 for n in range(len(steps))]
    lines: list[dict[str, Any]] = []
    for n, step in enumerate(steps):
        median: float | None = getattr(row, f"median_{n}") if row and n else None
        lost = None if n == 0 else people[n - 1] - people[n]
        lines.append(
            {
                "step": step.key,
                "label": step.label,
                "kind": step.kind,
                "people": people[n],
                "identified": int(getattr(row, f"known_{n}")) if row else 0,
                "share_of_first": _share(people[n], people[0]),
                "share_of_previous": None if n == 0 else _share(people[n], people[n - 1]),
                "dropped": lost,
                "drop_rate": None if lost is None else _share(lost, people[n - 1]),
                "median_seconds": None if median is None else round(median),
            }
        )
    return lines


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


async def names_of(
    session: AsyncSession, runtime: Runtime, tenant_id: str, breakdown: str | None, values: Sequence[str | None]
) -> dict[str, str]:
    """Names of campaigns and websites."""
    entity = _ENTITIES.get(breakdown or "")
    return {} if entity is None else await names_by_id(session, runtime.get(Links), tenant_id, entity, values)
