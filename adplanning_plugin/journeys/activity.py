"""Activity: what subjects did, as one selectable of tracked events, touches and journey events. It stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import msgspec
from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    Select,
    Table,
    Text,
    case,
    func,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import touchpoint_table
from adplanning_plugin.journeys.models import JourneyEvent
from adplanning_plugin.journeys.stages import EVENT_TYPES, TOUCHES, TRACKED
from adplanning_plugin.journeys.subjects import Members
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import event_table

event = cast("Table", event_table)
touch = cast("Table", touchpoint_table)
journey = cast("Table", JourneyEvent.__table__)


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Whose activity is read: some members', or (without them) everybody's."""

    members: Members | None = None
    sessions: list[str] = []
    """The store's own sessions of the members' visitors, where its events are read."""


def reads_host_events(runtime: Runtime) -> bool:
    """Whether the store's own (or imported) analytics events count."""
    links = runtime.get(Links)
    if not links.linked("analytics_event"):
        return links.has("analytics_event")
    return runtime.options.sessions == "host"


def reads_own_events(runtime: Runtime) -> bool:
    """Whether tracked events count: not where the store's own say the same, since the two are never summed."""
    return not (runtime.options.sessions == "host" and runtime.get(Links).linked("analytics_event"))


def stage_of_tracked(name: ColumnElement[Any]) -> ColumnElement[str]:
    """The stage of a tracked event by its name."""
    stages = {each: EVENT_TYPES[kind].stage for each, kind in TRACKED.items()}
    return sql_cast(case(stages, value=name, else_=null()), Text)


def stage_of_touch(channel: ColumnElement[Any]) -> ColumnElement[str]:
    """The stage of a touch by its channel; a direct one shows none of its own."""
    stages = {each: EVENT_TYPES[kind].stage for each, kind in TOUCHES.items()}
    return sql_cast(case(stages, value=channel, else_=null()), Text)


async def scope_of(session: AsyncSession, runtime: Runtime, tenant_id: str, members: Members) -> Scope:
    """The members with their host sessions: the store's events are found by these, through its own index."""
    links = runtime.get(Links)
    sessions: list[str] = []
    if members.visitors and reads_host_events(runtime) and links.provides("analytics_event", "session_id"):
        direct = [each.removeprefix("session:") for each in members.visitors if each.startswith("session:")]
        sessions = direct
        if links.provides("analytics_session", "visitor_id"):
            named = links.by_ids("analytics_session", tenant_id, members.visitors, column="visitor_id")
            sessions = [*direct, *await session.scalars(select(named.c.id))]
    return Scope(members=members, sessions=sessions)


def _row(
    visitor_id: ColumnElement[Any],
    at: ColumnElement[Any],
    stage: ColumnElement[Any],
    *,
    person_id: ColumnElement[Any] | None = None,
    identifier: ColumnElement[Any] | None = None,
) -> Select[*tuple[Any, ...]]:
    nothing = sql_cast(null(), Text)
    return select(
        visitor_id.label("visitor_id"),
        (nothing if person_id is None else person_id).label("person_id"),
        (nothing if identifier is None else identifier).label("identifier"),
        sql_cast(at, DateTime(timezone=True)).label("at"),
        stage.label("stage"),
    )


def tracked(tenant_id: str, *conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Tracked events of consenting visitors."""
    c = event.c
    return _row(c.visitor_id, c.occurred_at, stage_of_tracked(c.name)).where(
        c.tenant_id == tenant_id, c.visitor_id.is_not(None), *conditions
    )


def host_events(links: Links, tenant_id: str, rows: FromClause) -> Select[*tuple[Any, ...]]:
    """The store's own analytics events among `rows`; of one without a visitor its session is the visitor."""
    by_session = literal("session:", Text).concat(rows.c.session_id)
    visitor = func.coalesce(rows.c.visitor_id, by_session)
    source = rows
    if not links.provides("analytics_event", "visitor_id") and links.provides("analytics_session", "visitor_id"):
        visit = links.selectable("analytics_session", tenant_id)
        visitor = func.coalesce(visit.c.visitor_id, by_session)
        source = rows.outerjoin(visit, visit.c.id == rows.c.session_id)
    return (
        _row(visitor, rows.c.occurred_at, stage_of_tracked(rows.c.name))
        .select_from(source)
        .where(visitor.is_not(None), rows.c.occurred_at.is_not(None))
    )


def touched(tenant_id: str, *conditions: ColumnElement[bool]) -> Sequence[Select[*tuple[Any, ...]]]:
    """Touches: each is a visit, and a click on an ad, a mail or a message is interest as well."""
    c = touch.c
    mine = (c.tenant_id == tenant_id, *conditions)
    visits = _row(c.visitor_id, c.occurred_at, literal("awareness", Text), person_id=c.person_id).where(*mine)
    stage = stage_of_touch(c.channel)
    clicks = _row(c.visitor_id, c.occurred_at, stage, person_id=c.person_id).where(*mine, stage != "awareness")
    return visits, clicks


def recorded(tenant_id: str, *conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Journey events that name somebody; purchases without a stage, since their order decides it."""
    c = journey.c
    stage = case((c.event_type == "purchase", null()), else_=c.stage)
    return _row(
        c.visitor_id, c.occurred_at, sql_cast(stage, Text), person_id=c.person_id, identifier=c.identifier
    ).where(c.tenant_id == tenant_id, names_somebody(journey), *conditions)


def names_somebody(rows: FromClause) -> ColumnElement[bool]:
    """Whether a journey event is anybody's."""
    return or_(rows.c.person_id.is_not(None), rows.c.visitor_id.is_not(None), rows.c.identifier.is_not(None))


def of_members(rows: FromClause, members: Members) -> ColumnElement[bool]:
    """Rows with a visitor and a person (and, where they have one, an address) that may be the members'."""
    found = [rows.c.visitor_id == any_of(members.visitors), rows.c.person_id == any_of(members.people)]
    if "identifier" in rows.c:
        found.append(rows.c.identifier == any_of(members.identifiers))
    return or_(*found)


def activity(runtime: Runtime, tenant_id: str, scope: Scope) -> list[Select[*tuple[Any, ...]]]:
    """Everything that counts for the scope, in parts to be summed: visitor_id, person_id, identifier, at, stage."""
    links, members = runtime.get(Links), scope.members
    parts: list[Select[*tuple[Any, ...]]] = []
    if reads_own_events(runtime):
        mine = [] if members is None else [event.c.visitor_id == any_of(members.visitors)]
        parts.append(tracked(tenant_id, *mine))
    if reads_host_events(runtime):
        parts += _host_parts(links, tenant_id, scope)
    if members is None:
        return [*parts, *touched(tenant_id), recorded(tenant_id)]
    return [*parts, *touched(tenant_id, of_members(touch, members)), recorded(tenant_id, of_members(journey, members))]


def _host_parts(links: Links, tenant_id: str, scope: Scope) -> list[Select[*tuple[Any, ...]]]:
    if scope.members is None:
        return [host_events(links, tenant_id, links.selectable("analytics_event", tenant_id))]
    if links.provides("analytics_event", "session_id"):
        rows = links.by_ids("analytics_event", tenant_id, scope.sessions, column="session_id")
        return [host_events(links, tenant_id, rows)]
    rows = links.by_ids("analytics_event", tenant_id, scope.members.visitors, column="visitor_id")
    return [host_events(links, tenant_id, rows)]
