"""Timeline SQL: tracked events, touches and journey events as one list, each part filtered through its own indexes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    FromClause,
    Select,
    Subquery,
    Text,
    and_,
    case,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB

from adplanning_plugin.journeys.activity import (
    event,
    journey,
    of_members,
    reads_host_events,
    reads_own_events,
    touch,
)
from adplanning_plugin.journeys.stages import CUSTOM, EVENT_TYPES, TOUCHES, TRACKED
from adplanning_plugin.journeys.subjects import Members
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links

AnySelect = Select[*tuple[Any, ...]]
TRACKED_EVENT, STORE_EVENT, TOUCH, JOURNEY = "event", "store_event", "touch", "journey"
_TYPES: dict[str, Any] = {
    "origin": Text(), "id": Text(), "occurred_at": DateTime(timezone=True), "event_type": Text(), "event_name": Text(),
    "channel": Text(), "stage": Text(), "person_id": Text(), "visitor_id": Text(), "session_id": Text(),
    "order_id": Text(), "conversion_id": Text(), "ad_campaign_id": Text(), "campaign": Text(), "source": Text(),
    "path": Text(), "value_minor": BigInteger(), "currency": Text(), "source_kind": Text(), "source_id": Text(),
    "event_data": JSONB(), "claimed": Boolean(),
}  # fmt: skip
COLUMNS = tuple(_TYPES)


class JourneyFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events; null means any."""

    event_type: str | None = None
    stage: str | None = None
    channel: str | None = None
    visitor_id: str | None = None
    session_id: str | None = None
    ad_campaign_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    q: str | None = None
    members: Members | None = None
    """Of these people and visitors only."""
    claimed: tuple[str, ...] = ()
    """Visitors that only claim to be one of the members; their events are marked."""


def timeline(
    runtime: Runtime,
    tenant_id: str,
    wanted: JourneyFilter,
    sessions: Sequence[str] = (),
    columns: Sequence[str] = COLUMNS,
) -> Subquery | None:
    """Everything that the filter finds, with `columns`; None where no kind of event can be meant.

    Args:
        sessions: the store's own sessions of the members and of the claimed visitors.
    """
    parts = parts_of(runtime, tenant_id, wanted, sessions)
    if columns != COLUMNS:
        parts = [part.with_only_columns(*(part.selected_columns[name] for name in columns)) for part in parts]
    if not parts:
        return None
    return (union_all(*parts) if len(parts) > 1 else parts[0]).subquery("timeline")


def first_keys(parts: Sequence[AnySelect], most: int, *, ascending: bool) -> Subquery:
    """(origin, id, occurred_at) of the first `most` of each part, which its own index has in order."""
    found: list[AnySelect] = []
    for part in parts:
        rows = part.subquery()
        key = (rows.c.occurred_at, rows.c.id)
        order = key if ascending else tuple(column.desc() for column in key)
        found.append(select(rows.c.origin, rows.c.id, rows.c.occurred_at).order_by(*order).limit(most))
    return (union_all(*found) if len(found) > 1 else found[0]).subquery("first")


def parts_of(runtime: Runtime, tenant_id: str, wanted: JourneyFilter, sessions: Sequence[str] = ()) -> list[AnySelect]:
    """The kinds of rows that the filter can mean, one select each."""
    parts: list[AnySelect] = []
    if reads_own_events(runtime):
        parts += _tracked(tenant_id, wanted)
    if reads_host_events(runtime):
        parts += _host(runtime.get(Links), tenant_id, wanted, sessions)
    parts += _touches(tenant_id, wanted)
    parts += _recorded(tenant_id, wanted)
    return parts


def _columns(**given: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """All columns but the last with their types, so that the parts fit together exactly and the planner can merge them
    in order."""
    return [
        (given[name] if name in given and _is(given[name], kind) else sql_cast(given.get(name, null()), kind)).label(
            name
        )
        for name, kind in _TYPES.items()
        if name != "claimed"
    ]


def _is(column: ColumnElement[Any], kind: Any) -> bool:
    return type(column.type) is type(kind) and getattr(column.type, "timezone", None) == getattr(kind, "timezone", None)


def _whose(rows: FromClause, wanted: JourneyFilter, *, visitor: ColumnElement[Any] | None = None) -> list[Any]:
    """Conditions on whose an event is, and when it was."""
    found: list[ColumnElement[bool]] = []
    who = rows.c.visitor_id if visitor is None else visitor
    if wanted.members is not None:
        mine = of_members(rows, wanted.members) if "person_id" in rows.c else who == any_of(wanted.members.visitors)
        found.append(or_(mine, who == any_of(wanted.claimed)) if wanted.claimed else mine)
    if wanted.visitor_id is not None:
        found.append(who == wanted.visitor_id)
    if wanted.session_id is not None:
        found.append(rows.c.session_id == wanted.session_id)
    if wanted.start is not None:
        found.append(rows.c.occurred_at >= wanted.start)
    if wanted.end is not None:
        found.append(rows.c.occurred_at < wanted.end)
    return found


def _claimed(who: ColumnElement[Any], wanted: JourneyFilter) -> ColumnElement[bool]:
    return (who == any_of(wanted.claimed) if wanted.claimed else false()).label("claimed")


def _names(wanted: JourneyFilter, name: ColumnElement[Any]) -> ColumnElement[bool] | None:
    """Condition on a tracked event's name for its type, stage and channel; None where no name can be meant."""
    if wanted.channel not in (None, "web") or wanted.ad_campaign_id is not None:
        return None
    if wanted.event_type == CUSTOM:
        return None if wanted.stage is not None else name.not_in(list(TRACKED))
    names = [
        each
        for each, kind in TRACKED.items()
        if wanted.event_type in (None, kind) and wanted.stage in (None, EVENT_TYPES[kind].stage)
    ]
    if wanted.event_type is None and wanted.stage is None:
        return literal(True)
    return name.in_(names) if names else None


def _searched(wanted: JourneyFilter, *columns: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    if wanted.q is None:
        return []
    return [or_(*(column.icontains(wanted.q, autoescape=True) for column in columns))]


def _kind(name: ColumnElement[Any]) -> ColumnElement[Any]:
    return case(dict(TRACKED), value=name, else_=CUSTOM)


def _stage_by_name(name: ColumnElement[Any]) -> ColumnElement[Any]:
    return case({each: EVENT_TYPES[kind].stage for each, kind in TRACKED.items()}, value=name, else_=null())


_OF_TRACKED = _columns(
    origin=literal(TRACKED_EVENT, Text),
    id=event.c.id,
    occurred_at=event.c.occurred_at,
    event_type=_kind(event.c.name),
    event_name=event.c.name,
    channel=literal("web", Text),
    stage=_stage_by_name(event.c.name),
    visitor_id=event.c.visitor_id,
    session_id=event.c.session_id,
    path=event.c.path,
    value_minor=event.c.value,
    currency=event.c.currency,
)


def _tracked(tenant_id: str, wanted: JourneyFilter) -> list[AnySelect]:
    c = event.c
    named = _names(wanted, c.name)
    if named is None:
        return []
    columns = (*_OF_TRACKED, _claimed(c.visitor_id, wanted))
    searched = _searched(wanted, c.name, c.path, c.visitor_id)
    visible = (c.tenant_id == tenant_id, c.visitor_id.is_not(None), named)
    return [select(*columns).where(*visible, *_whose(event, wanted), *searched)]


def _host(links: Links, tenant_id: str, wanted: JourneyFilter, sessions: Sequence[str]) -> list[AnySelect]:
    if wanted.members is None:
        rows = links.selectable("analytics_event", tenant_id)
    elif links.provides("analytics_event", "session_id"):
        if not sessions:
            return []
        rows = links.by_ids("analytics_event", tenant_id, list(sessions), column="session_id")
    else:
        visitors = [*wanted.members.visitors, *wanted.claimed]
        rows = links.by_ids("analytics_event", tenant_id, visitors, column="visitor_id")
    if wanted.members is None and wanted.start is not None:
        rows = links.since("analytics_event", tenant_id, "occurred_at", wanted.start, inclusive=True)
    c = rows.c
    named = _names(wanted, c.name)
    if named is None:
        return []
    visitor = func.coalesce(c.visitor_id, literal("session:", Text).concat(c.session_id))
    path = func.regexp_replace(func.regexp_replace(c.url, "^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", ""), "[?#].*$", "")
    columns = _columns(
        origin=literal(STORE_EVENT, Text),
        id=c.id,
        occurred_at=c.occurred_at,
        event_type=_kind(c.name),
        event_name=c.name,
        channel=literal("web", Text),
        stage=_stage_by_name(c.name),
        visitor_id=visitor,
        session_id=c.session_id,
        path=path,
        value_minor=c.value,
        currency=c.currency,
    )
    columns.append(_claimed(visitor, wanted))
    searched = _searched(wanted, c.name, c.url, c.visitor_id)
    mine = _whose(
        rows, wanted if wanted.members is None else msgspec.structs.replace(wanted, members=None), visitor=visitor
    )
    return [select(*columns).where(visitor.is_not(None), c.occurred_at.is_not(None), named, *mine, *searched)]


_OF_TOUCHES = _columns(
    origin=literal(TOUCH, Text),
    event_type=case(dict(TOUCHES), value=touch.c.channel),
    stage=case({channel: EVENT_TYPES[kind].stage for channel, kind in TOUCHES.items()}, value=touch.c.channel),
    path=touch.c.landing_path,
    **{
        name: touch.c[name]
        for name in (
            "id", "occurred_at", "channel", "person_id", "visitor_id", "session_id", "ad_campaign_id", "campaign",
            "source",
        )
    },
)  # fmt: skip


def _touches(tenant_id: str, wanted: JourneyFilter) -> list[AnySelect]:
    """Touches that came from somewhere: a direct one is said by its page view."""
    c = touch.c
    channels = [
        channel
        for channel, kind in TOUCHES.items()
        if wanted.event_type in (None, kind)
        and wanted.stage in (None, EVENT_TYPES[kind].stage)
        and wanted.channel in (None, channel)
    ]
    if not channels:
        return []
    columns = (*_OF_TOUCHES, _claimed(c.visitor_id, wanted))
    conditions: list[ColumnElement[bool]] = [c.tenant_id == tenant_id, c.channel.in_(channels)]
    if wanted.ad_campaign_id is not None:
        conditions.append(c.ad_campaign_id == wanted.ad_campaign_id)
    searched = _searched(wanted, c.campaign, c.source, c.landing_path, c.visitor_id)
    return [select(*columns).where(*conditions, *_whose(touch, wanted), *searched)]


_OF_RECORDED = _columns(
    origin=literal(JOURNEY, Text), **{name: journey.c[name] for name in COLUMNS if name in journey.c}
)


def _recorded(tenant_id: str, wanted: JourneyFilter) -> list[AnySelect]:
    c = journey.c
    same = ("event_type", "stage", "channel", "ad_campaign_id")
    conditions = [c[name] == value for name in same if (value := getattr(wanted, name)) is not None]
    columns = (*_OF_RECORDED, _claimed(c.visitor_id, wanted))
    searched = _searched(wanted, c.event_type, c.event_name, c.order_id, c.source_id, c.person_id, c.visitor_id)
    return [select(*columns).where(c.tenant_id == tenant_id, *conditions, *_whose(journey, wanted), *searched)]


def event_of(tenant_id: str, key: str) -> AnySelect:
    """One journey event, shaped as the timeline is."""
    return _recorded(tenant_id, JourneyFilter())[0].where(journey.c.id == key)


def among(rows: Subquery, keys: Sequence[Any]) -> ColumnElement[bool]:
    """Rows with one of these (origin, id, occurred_at): by origin, so that each part looks up its own."""
    found: list[ColumnElement[bool]] = []
    for origin in sorted({key.origin for key in keys}):
        mine = [key for key in keys if key.origin == origin]
        times = [key.occurred_at for key in mine]
        found.append(
            and_(
                rows.c.origin == origin,
                rows.c.id == any_of([cast("str", key.id) for key in mine]),
                rows.c.occurred_at.between(min(times), max(times)),
            )
        )
    return or_(*found) if found else false()
