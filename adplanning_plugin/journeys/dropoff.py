"""Drop-off: where journeys end without a purchase, after how long, and what was done last before.

A journey is a person's, from the first thing that is known of them. It has ended without a purchase when none was made
and nothing happened for some days; it is still going on when something did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Interval,
    Subquery,
    Text,
    and_,
    case,
    func,
    literal,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.journeys.activity import (
    event,
    journey,
    names_somebody,
    reads_host_events,
    reads_own_events,
    touch,
)
from adplanning_plugin.journeys.funnel import BREAKDOWNS, MOST_GROUPS, names_of
from adplanning_plugin.journeys.funnel_sql import as_row, progress
from adplanning_plugin.journeys.stages import EVENT_TYPES, STAGES, TOUCHES, TRACKED
from adplanning_plugin.journeys.subjects import subject_of
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links

BEFORE_PURCHASE = STAGES[: STAGES.index("conversion")]
LASTED_HOURS = (1, 24, 72, 168, 336, 720)
_LASTED = ("Within an hour", "1 to 24 hours", "1 to 3 days", "3 to 7 days", "7 to 14 days", "14 to 30 days",
           "More than 30 days")  # fmt: skip


class DropoffQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Journeys that began in a period."""

    tenant_id: str
    start: datetime
    end: datetime
    quiet_since: datetime
    """Whoever did nothing from here on has ended."""
    stage: str | None = None
    """Only those that came no further than this stage."""
    steps: int = 3
    """How many of the last things done are told."""
    most: int = 10


def _furthest() -> ColumnElement[Any]:
    """The last stage before a purchase that was reached; null where somebody did nothing that shows one."""
    return case(
        *((progress.c[f"{stage}_at"].is_not(None), stage) for stage in reversed(BEFORE_PURCHASE)),
        else_=sql_cast(null(), Text),
    )


def _began(question: DropoffQuestion) -> list[ColumnElement[bool]]:
    c = progress.c
    return [c.tenant_id == question.tenant_id, c.first_at >= question.start, c.first_at < question.end]


def _ended(question: DropoffQuestion) -> ColumnElement[bool]:
    return and_(progress.c.conversion_at.is_(None), progress.c.last_at < question.quiet_since)


async def dropoff(
    session: AsyncSession, runtime: Runtime, question: DropoffQuestion, breakdown: str | None
) -> dict[str, Any]:
    """Totals, the stages where journeys ended, how long these had lasted, and what was done last."""
    c, ended = progress.c, _ended(question)
    furthest = _furthest()
    of_stage = ended if question.stage is None else and_(ended, furthest == question.stage)
    totals = (
        await session.execute(
            select(
                func.count().label("began"),
                func.count(c.conversion_at).label("converted"),
                func.count().filter(ended).label("ended"),
                func.count().filter(of_stage).label("chosen"),
            ).where(*_began(question))
        )
    ).one()
    stages = {row.stage: row for row in await session.execute(_stages(question, furthest))}
    lasted = {row[0]: row[1] for row in await session.execute(_lasted(question, of_stage))}
    shown = (*BEFORE_PURCHASE, None) if None in stages else BEFORE_PURCHASE
    body: dict[str, Any] = {
        "began": totals.began,
        "converted": totals.converted,
        "ended": totals.ended,
        "going_on": totals.began - totals.converted - totals.ended,
        "conversion_rate": _share(totals.converted, totals.began),
        "drop_rate": _share(totals.ended, totals.began),
        "stages": [_stage(stage, stages.get(stage), totals.ended) for stage in shown],
        "chosen": totals.chosen,
        "lasted": [
            {
                "label": label,
                "from_hours": 0 if bucket == 0 else LASTED_HOURS[bucket - 1],
                "to_hours": LASTED_HOURS[bucket] if bucket < len(LASTED_HOURS) else None,
                "people": lasted.get(bucket, 0),
            }
            for bucket, label in enumerate(_LASTED)
        ],
        "before": await _before(session, runtime, question, of_stage, totals.chosen),
    }
    body["breakdown"] = None if breakdown is None else await _groups(session, runtime, question, of_stage, breakdown)
    return body


def _stages(question: DropoffQuestion, furthest: ColumnElement[Any]) -> AnySelect:
    c = progress.c
    return (
        select(
            furthest.label("stage"),
            func.count().label("people"),
            func.count(c.person_id).label("identified"),
            sql_cast(func.percentile_cont(0.5).within_group(c.last_at - c.first_at), Interval).label("lasted"),
            sql_cast(func.percentile_cont(0.5).within_group(literal(question.quiet_since) - c.last_at), Interval).label(
                "quiet"
            ),
        )
        .where(*_began(question), _ended(question))
        .group_by(literal_column("1"))
    )


def _stage(stage: str | None, row: Any, ended: int) -> dict[str, Any]:
    return {
        "stage": stage,
        "label": "No stage" if stage is None else stage.capitalize(),
        "people": row.people if row else 0,
        "identified": row.identified if row else 0,
        "share": _share(row.people if row else 0, ended),
        "median_seconds": round(row.lasted.total_seconds()) if row else None,
    }


def _lasted(question: DropoffQuestion, of_stage: ColumnElement[bool]) -> AnySelect:
    c = progress.c
    hours = func.extract("epoch", c.last_at - c.first_at) / 3600
    bounds: ColumnElement[Any] = literal_column(f"ARRAY{list(LASTED_HOURS)}::numeric[]")
    return (
        select(func.width_bucket(hours, bounds).label("bucket"), func.count())
        .where(*_began(question), of_stage)
        .group_by(literal_column("1"))
    )


async def _groups(
    session: AsyncSession, runtime: Runtime, question: DropoffQuestion, of_stage: ColumnElement[bool], breakdown: str
) -> list[dict[str, Any]]:
    c = progress.c
    value = c[BREAKDOWNS[breakdown]]
    rows = (
        await session.execute(
            select(
                value.label("value"),
                func.count().label("began"),
                func.count(c.conversion_at).label("converted"),
                func.count().filter(of_stage).label("ended"),
            )
            .where(*_began(question))
            .group_by(value)
            .order_by(func.count().filter(of_stage).desc(), value)
            .limit(MOST_GROUPS)
        )
    ).all()
    names = await names_of(session, runtime, question.tenant_id, breakdown, [row.value for row in rows])
    return [
        {
            "value": row.value,
            "label": names.get(row.value or "", row.value),
            "began": row.began,
            "converted": row.converted,
            "ended": row.ended,
            "drop_rate": _share(row.ended, row.began),
        }
        for row in rows
    ]


async def _before(
    session: AsyncSession, runtime: Runtime, question: DropoffQuestion, of_stage: ColumnElement[bool], chosen: int
) -> list[dict[str, Any]]:
    """The last things done by those who left, most common first, with how long before the end they began."""
    if not chosen:
        return []
    rows = await session.execute(_sequences(runtime, question, of_stage))
    return [
        {
            "events": list(row.names),
            "labels": [_label(name) for name in row.names],
            "people": row.people,
            "share": _share(row.people, chosen),
            "median_seconds": round(row.taken.total_seconds()),
        }
        for row in rows
    ]


def _sequences(runtime: Runtime, question: DropoffQuestion, of_stage: ColumnElement[bool]) -> AnySelect:
    done = union_all(*_named(runtime, question)).subquery("done")
    subject, joined = subject_of(done, question.tenant_id)
    left = select(progress.c.subject).where(*_began(question), of_stage).subquery("left_behind")
    turn = func.row_number().over(partition_by=subject, order_by=(done.c.at.desc(), done.c.name.desc()))
    ranked = (
        select(subject.label("subject"), done.c.at, done.c.name, turn.label("turn"))
        .select_from(joined.join(left, left.c.subject == subject))
        .subquery("ranked")
    )
    last: Subquery = (
        select(
            func.array_agg(aggregate_order_by(ranked.c.name, ranked.c.turn.desc())).label("names"),
            (func.max(ranked.c.at) - func.min(ranked.c.at)).label("taken"),
        )
        .where(ranked.c.turn <= question.steps)
        .group_by(ranked.c.subject)
        .subquery("last_done")
    )
    people = func.count().label("people")
    taken = sql_cast(func.percentile_cont(0.5).within_group(last.c.taken), Interval).label("taken")
    return (
        select(last.c.names, people, taken)
        .group_by(last.c.names)
        .order_by(people.desc(), last.c.names)
        .limit(question.most)
    )


def _named(runtime: Runtime, question: DropoffQuestion) -> Sequence[AnySelect]:
    """What was done since the period began, with a name: a kind of event, or a tracked event's own."""
    tenant_id, since = question.tenant_id, question.start
    parts: list[AnySelect] = []
    if reads_own_events(runtime):
        c = event.c
        mine = (c.tenant_id == tenant_id, c.visitor_id.is_not(None), c.occurred_at >= since)
        parts.append(
            as_row(c.visitor_id, null(), null(), c.occurred_at).add_columns(_kind(c.name, TRACKED)).where(*mine)
        )
    if reads_host_events(runtime):
        links = runtime.get(Links)
        every = links.selectable("analytics_event", tenant_id)
        visitor = func.coalesce(every.c.visitor_id, literal("session:", Text).concat(every.c.session_id))
        source: Any = every
        if not links.provides("analytics_event", "visitor_id") and links.provides("analytics_session", "visitor_id"):
            visit = links.selectable("analytics_session", tenant_id)
            visitor = func.coalesce(visit.c.visitor_id, literal("session:", Text).concat(every.c.session_id))
            source = every.outerjoin(visit, visit.c.id == every.c.session_id)
        found = as_row(visitor, null(), null(), every.c.occurred_at).add_columns(_kind(every.c.name, TRACKED))
        parts.append(found.select_from(source).where(every.c.occurred_at >= since))
    t, j = touch.c, journey.c
    clicks = (t.tenant_id == tenant_id, t.occurred_at >= since, t.channel.in_(list(TOUCHES)))
    parts.append(
        as_row(t.visitor_id, t.person_id, null(), t.occurred_at).add_columns(_kind(t.channel, TOUCHES)).where(*clicks)
    )
    recorded = (j.tenant_id == tenant_id, j.occurred_at >= since, names_somebody(journey))
    kind = sql_cast(j.event_type, Text).label("name")
    parts.append(as_row(j.visitor_id, j.person_id, j.identifier, j.occurred_at).add_columns(kind).where(*recorded))
    return parts


def _kind(name: ColumnElement[Any], kinds: Mapping[str, str]) -> ColumnElement[Any]:
    return sql_cast(case(dict(kinds), value=name, else_=name), Text).label("name")


def _label(name: str) -> str:
    return EVENT_TYPES[name].label if name in EVENT_TYPES else name.replace("_", " ").capitalize()


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def quiet_before(now: datetime, days: int) -> datetime:
    """The instant since which nothing may have happened for a journey to have ended."""
    return now - timedelta(days=days)
