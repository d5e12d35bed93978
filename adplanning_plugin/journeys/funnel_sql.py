"""Funnel SQL: how far each person came, from the table of stages or from raw events; `funnel` counts what comes out.

Both answer one row a subject: `known`, whether it is a person's, `depth`, the number of steps it reached, and when it
reached each, `at_0`, `at_1`, ….
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, cast

import msgspec
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    Subquery,
    Table,
    Text,
    and_,
    case,
    func,
    literal,
    literal_column,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from adplanning_plugin.journeys.activity import (
    event,
    host_events,
    journey,
    names_somebody,
    reads_host_events,
    reads_own_events,
    touch,
)
from adplanning_plugin.journeys.funnel_steps import Step
from adplanning_plugin.journeys.models import JourneyProgress
from adplanning_plugin.journeys.stages import TOUCHES, TRACKED
from adplanning_plugin.journeys.subjects import PERSON, subject_of
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import COUNTED, conversion_table

progress = cast("Table", JourneyProgress.__table__)
_conversion = cast("Table", conversion_table)
_TIME = DateTime(timezone=True)
_TIMES: ARRAY[Any] = ARRAY(DateTime(timezone=True))


class FunnelQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Whose first step lies in the period, and how far they came within the window after it."""

    tenant_id: str
    steps: tuple[Step, ...]
    start: datetime
    end: datetime
    window: timedelta


def _span(window: timedelta) -> ColumnElement[Any]:
    """The window in seconds: PostgreSQL asks the calendar for whatever has days in it, row by row."""
    return func.make_interval(0, 0, 0, 0, 0, 0, window.total_seconds(), type_=Interval())


def depth_by_stages(question: FunnelQuestion) -> AnySelect:
    """Columns subject, known, depth, at_0, at_1, …: by the first time of each stage."""
    columns = [progress.c[f"{step.name}_at"] for step in question.steps]
    first = columns[0]
    missed = [
        (and_(at >= before, at <= first + _span(question.window)).is_not(true()), n)
        for n, (before, at) in enumerate(pairwise(columns), 1)
    ]
    depth = case(*missed, else_=len(columns))
    times = [at.label(f"at_{n}") for n, at in enumerate(columns)]
    return (
        select(progress.c.subject, progress.c.person_id.is_not(None).label("known"), depth.label("depth"), *times)
        .where(progress.c.tenant_id == question.tenant_id, first >= question.start, first < question.end)
        .offset(0)  # each of these is used many times, and computed once
    )


def depth_by_events(runtime: Runtime, question: FunnelQuestion) -> AnySelect:
    """Columns subject, known, depth, at_0, at_1, …: of the chain of events that came furthest, and there first.

    An event of a step continues the chain of the step before that began last: it leaves most of the window. Chains are
    arrays of times, which compare by their beginning first.
    """
    rows = _rows(runtime, question).subquery("step_event")
    subject, joined = subject_of(rows, question.tenant_id)
    whose = (
        select(subject.label("subject"), rows.c.step, rows.c.at)
        .select_from(joined)
        .where(subject.is_not(None))
        .subquery("whose")
    )
    begins = and_(whose.c.step == 0, whose.c.at >= question.start, whose.c.at < question.end)
    alone = sql_cast(func.array_append(null(), whose.c.at), _TIMES)
    chains: Subquery = select(whose, case((begins, alone)).label("chain")).subquery("chains_0")
    for index in range(1, len(question.steps)):
        chains = _next(chains, index, question)
    depth = (chains.c.step + 1).label("depth")
    known = chains.c.subject.startswith(PERSON).label("known")
    times = [chains.c.chain[n + 1].label(f"at_{n}") for n in range(len(question.steps))]
    return (
        select(chains.c.subject, known, depth, *times)
        .where(chains.c.chain.is_not(None))
        .ext(distinct_on(chains.c.subject))
        .order_by(chains.c.subject, chains.c.step.desc(), chains.c.at, chains.c.chain.desc())
    )


def _next(chains: Subquery, index: int, question: FunnelQuestion) -> Subquery:
    """The chains that reach a step, beside those that do not."""
    of_before = case((chains.c.step == index - 1, chains.c.chain), else_=sql_cast(null(), _TIMES))
    # A step that was asked for already takes another event, and a later one.
    again = question.steps[index] in question.steps[:index]
    frame = "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW" + (" EXCLUDE GROUP" if again else "")
    window = f"(PARTITION BY {chains.name}.subject ORDER BY {chains.name}.at {frame})"
    # SQLAlchemy's own windows know no EXCLUDE.
    latest = sql_cast(func.max(of_before).op("OVER")(literal_column(window)), _TIMES)
    seen = select(chains, latest.label("latest")).subquery(f"seen_{index}")
    within = and_(seen.c.step == index, seen.c.at <= seen.c.latest[1] + _span(question.window))
    chain = case(
        (within, sql_cast(func.array_append(seen.c.latest, seen.c.at), _TIMES)),
        (seen.c.step < index, seen.c.chain),
    )
    return select(seen.c.subject, seen.c.step, seen.c.at, chain.label("chain")).subquery(f"chains_{index}")


def _rows(runtime: Runtime, question: FunnelQuestion) -> Any:
    """visitor_id, person_id, identifier, at, step: whatever fulfils a step, once for each step that it fulfils."""
    parts: list[AnySelect] = []
    for index, step in enumerate(question.steps):
        until = question.end if index == 0 else question.end + question.window

        def holds(at: ColumnElement[Any], until: datetime = until) -> ColumnElement[bool]:
            return and_(at >= question.start, at < until)

        parts += [_numbered(part, index) for part in _of_step(runtime, question, step, holds)]
    return union_all(*parts)


def _numbered(part: AnySelect, index: int) -> AnySelect:
    return part.add_columns(literal(index, Integer).label("step"))


def as_row(visitor: Any, person: Any, identifier: Any, at: Any) -> AnySelect:
    """A row of something that somebody did."""
    return select(
        sql_cast(visitor, Text).label("visitor_id"),
        sql_cast(person, Text).label("person_id"),
        sql_cast(identifier, Text).label("identifier"),
        sql_cast(at, _TIME).label("at"),
    )


def _of_step(runtime: Runtime, question: FunnelQuestion, step: Step, holds: Any) -> Sequence[AnySelect]:
    tenant_id = question.tenant_id
    if step.kind == "stage":
        at = progress.c[f"{step.name}_at"]
        person, subject = progress.c.person_id, progress.c.subject
        visitor = case((subject.startswith("visitor:"), func.substr(subject, len("visitor:") + 1)))
        identifier = case((subject.startswith("email:"), subject))
        return [as_row(visitor, person, identifier, at).where(progress.c.tenant_id == tenant_id, holds(at))]
    if step.kind == "goal":
        c = _conversion.c
        of_goal = (c.tenant_id == tenant_id, c.goal_id == step.name, c.deleted_at.is_(None), c.status.in_(COUNTED))
        return [as_row(c.visitor_id, c.person_id, c.identifier, c.occurred_at).where(*of_goal, holds(c.occurred_at))]
    if step.kind == "page":
        return _tracked(runtime, tenant_id, ("page_view",), holds, page=step.name)
    if step.kind == "event":
        return _tracked(runtime, tenant_id, (step.name,), holds)
    names = tuple(name for name, kind in TRACKED.items() if kind == step.name)
    channels = tuple(name for name, kind in TOUCHES.items() if kind == step.name)
    parts = list(_tracked(runtime, tenant_id, names, holds)) if names else []
    if channels:
        t = touch.c
        mine = (t.tenant_id == tenant_id, t.channel.in_(channels), holds(t.occurred_at))
        parts.append(as_row(t.visitor_id, t.person_id, null(), t.occurred_at).where(*mine))
    j = journey.c
    mine = (j.tenant_id == tenant_id, j.event_type == step.name, names_somebody(journey), holds(j.occurred_at))
    parts.append(as_row(j.visitor_id, j.person_id, j.identifier, j.occurred_at).where(*mine))
    return parts


def _tracked(
    runtime: Runtime, tenant_id: str, names: Sequence[str], holds: Any, page: str | None = None
) -> Sequence[AnySelect]:
    """Tracked events of these names, on a page where one is given: our own, or the store's."""
    parts: list[AnySelect] = []
    if reads_own_events(runtime):
        c = event.c
        mine = [c.tenant_id == tenant_id, c.name.in_(names), c.visitor_id.is_not(None), holds(c.occurred_at)]
        if page is not None:
            mine.append(c.path.like(as_like(page), escape="\\"))
        parts.append(as_row(c.visitor_id, null(), null(), c.occurred_at).where(*mine))
    if reads_host_events(runtime):
        links = runtime.get(Links)
        every = links.selectable("analytics_event", tenant_id)
        mine = [every.c.name.in_(names), holds(every.c.occurred_at)]
        if page is not None:
            path = func.coalesce(func.substring(every.c.url, r"^[a-z]+://[^/?#]*(/[^?#]*)"), every.c.url)
            mine.append(path.like(as_like(page), escape="\\"))
        found = host_events(links, tenant_id, select(every).where(*mine).subquery()).subquery()
        parts.append(as_row(found.c.visitor_id, found.c.person_id, found.c.identifier, found.c.at))
    return parts


def as_like(pattern: str) -> str:
    """`/products/*` as a LIKE pattern: * is any characters, slashes too; everything else is itself."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%")
