"""Timeline: pages of events, and what one person's journey comes to. It reads, and stores nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Subquery, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import claimed_visitors, components
from adplanning_plugin.journeys.activity import scope_of
from adplanning_plugin.journeys.schemas import JourneyEventOut, event_out
from adplanning_plugin.journeys.stages import STAGES, furthest
from adplanning_plugin.journeys.subjects import PERSON, Members, members_of
from adplanning_plugin.journeys.timeline_sql import (
    AnySelect,
    JourneyFilter,
    among,
    first_keys,
    parts_of,
    timeline,
)
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.paging import ListParams, Page, count_rows
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links, names_by_id


class Whose(NamedTuple):
    """A person's events: where to look for them."""

    members: Members
    claimed: tuple[str, ...]
    sessions: list[str]


async def whose(session: AsyncSession, runtime: Runtime, tenant_id: str, person_id: str) -> Whose:
    """The visitors and addresses that strong edges make this person's, and the visitors that only claim to be."""
    members = await members_of(session, tenant_id, [PERSON + person_id])
    claims = claimed_visitors(tenant_id, [person_id])
    claimed = tuple(await session.scalars(select(claims.c.visitor_id)))
    claimed = tuple(each for each in claimed if each not in members.visitors)
    everybody = Members(
        subjects=members.subjects, people=members.people, identifiers=members.identifiers,
        visitors=[*members.visitors, *claimed],
    )  # fmt: skip
    scope = await scope_of(session, runtime, tenant_id, everybody)
    return Whose(members, claimed, scope.sessions)


async def events_page(
    session: AsyncSession, runtime: Runtime, tenant_id: str, wanted: JourneyFilter, params: ListParams,
    sessions: Sequence[str] = (),
) -> Page:  # fmt: skip
    """One page: its keys first, through the indexes, then their rows; skipped ones are never read whole."""
    if params.cursor is not None:
        raise Invalid(FieldError("cursor", "unknown_parameter", "This list is paged by offset: send offset instead."))
    if params.order not in (None, "occurred_at", "-occurred_at"):
        raise Invalid(
            FieldError("order", "unknown_order", "order must be occurred_at, or -occurred_at for descending.")
        )
    rows = timeline(runtime, tenant_id, wanted, sessions)
    if rows is None:
        nothing: AnySelect = select(func.now().label("nothing")).where(false())
        return Page((), 0, False, params.offset, params.limit, nothing)
    ascending = params.order == "occurred_at"
    everything: AnySelect = select(*rows.c).order_by(*_order(rows, ascending=ascending))
    if params.csv:
        return Page((), 0, False, 0, params.limit, everything, csv=True)
    count, estimated = await count_rows(session, select(rows.c.id))
    if wanted.members is not None:  # some people's events are few: read whole at once
        items = (await session.execute(everything.limit(params.limit).offset(params.offset))).all()
        return Page(items, count, estimated, params.offset, params.limit, everything)
    parts = parts_of(runtime, tenant_id, wanted, sessions)
    first = first_keys(parts, params.limit + params.offset, ascending=ascending)
    wanted_keys = select(*first.c).order_by(*_order(first, ascending=ascending))
    keys = (await session.execute(wanted_keys.limit(params.limit).offset(params.offset))).all()
    known = {(key.origin, key.id) for key in keys}
    read = (await session.execute(everything.where(among(rows, keys)))).all()
    items = [row for row in read if (row.origin, row.id) in known]
    return Page(items, count, estimated, params.offset, params.limit, everything)


def _order(rows: Subquery, *, ascending: bool) -> tuple[ColumnElement[Any], ...]:
    columns = (rows.c.occurred_at, rows.c.id, rows.c.origin)
    return columns if ascending else tuple(column.desc() for column in columns)


class Names(NamedTuple):
    """What the rows of a page need to be read by people."""

    people: Mapping[str, str]
    """Visitor → person."""
    names: Mapping[str, str]
    campaigns: Mapping[str, str]

    def out(self, row: Any) -> JourneyEventOut:
        """A row on the wire."""
        return event_out(row, self.people, self.names, self.campaigns)


async def names_of(
    session: AsyncSession, runtime: Runtime, tenant_id: str, rows: Sequence[Any], *, personal: bool
) -> Names:
    """Who is behind the visitors of these rows, and what people (where they may be told) and campaigns are called."""
    visitors = sorted({row.visitor_id for row in rows if row.visitor_id and not row.claimed})
    part = components(tenant_id)
    found = select(part.c.node, part.c.component_id).where(part.c.is_visitor, part.c.node == any_of(visitors))
    people: dict[str, str] = {}
    if visitors:
        for node, subject in await session.execute(found):
            if subject.startswith(PERSON):
                people[node] = subject.removeprefix(PERSON)
    links = runtime.get(Links)
    shown = [*(row.person_id for row in rows), *people.values()]
    names = await names_by_id(session, links, tenant_id, "person", shown) if personal else {}
    campaigns = [row.ad_campaign_id for row in rows]
    return Names(people, names, await names_by_id(session, links, tenant_id, "ad_campaign", campaigns))


async def summary(
    session: AsyncSession, runtime: Runtime, tenant_id: str, who: Whose, wanted: JourneyFilter
) -> dict[str, Any]:
    """What a person's own events come to; claimed ones count for nothing.

    The furthest stage and the first time of each follow from all events, whatever period is asked for.
    """
    rows = timeline(runtime, tenant_id, wanted, who.sessions, _SUMMED)
    found: Sequence[Any] = ()
    if rows is not None:
        by = (rows.c.event_type, rows.c.channel, rows.c.stage, rows.c.currency)
        sums = select(
            *by,
            func.count().label("events"),
            func.min(rows.c.occurred_at).label("first_at"),
            func.max(rows.c.occurred_at).label("last_at"),
            func.sum(rows.c.value_minor).label("value"),
        ).where(~rows.c.claimed)
        found = (await session.execute(sums.group_by(*by))).all()
    first = min((row.first_at for row in found), default=None)
    bought = min((row.first_at for row in found if row.event_type == "purchase"), default=None)
    reached = {stage: min((row.first_at for row in found if row.stage == stage), default=None) for stage in STAGES}
    return {
        "events": sum(row.events for row in found),
        "first_at": _when(first),
        "last_at": _when(max((row.last_at for row in found), default=None)),
        "furthest_stage": furthest(reached),
        "stages": {stage: _when(at) for stage, at in reached.items()},
        "by_type": _counts(found, "event_type"),
        "by_channel": _counts(found, "channel"),
        "by_stage": _counts(found, "stage"),
        "orders": sum(row.events for row in found if row.event_type == "purchase"),
        "days_to_first_purchase": _days(first, bought),
        "value": _values(found),
    }


_SUMMED = ("event_type", "channel", "stage", "currency", "occurred_at", "value_minor", "claimed")


def _counts(rows: Sequence[Any], name: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        key = getattr(row, name)
        if key is not None:
            counts[key] = counts.get(key, 0) + row.events
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _values(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """What was bought less what was given back, by currency."""
    totals: dict[str, int] = {}
    for row in rows:
        if row.event_type in ("purchase", "refund") and row.currency is not None and row.value is not None:
            sign = 1 if row.event_type == "purchase" else -1
            totals[row.currency] = totals.get(row.currency, 0) + sign * int(row.value)
    return [
        {"currency": code, "value": to_major(minor, code), "value_minor": minor}
        for code, minor in sorted(totals.items())
    ]


def _days(first: datetime | None, bought: datetime | None) -> float | None:
    if first is None or bought is None:
        return None
    return round((bought - first).total_seconds() / 86_400, 2)


def _when(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
