"""Progress: keeps the first time of each stage for each subject, set-wise. What a stage is, `stages` says.

New tracked events only ever bring a time forward, so they are merged in. Whatever can take something back (a cancelled
order, a touch that changed, an edge that came or went) has its subjects computed anew from all they did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    Text,
    case,
    delete,
    func,
    literal,
    null,
    select,
    text,
    tuple_,
    union_all,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.journeys.activity import (
    Scope,
    activity,
    journey,
    names_somebody,
    of_members,
    scope_of,
    touch,
)
from adplanning_plugin.journeys.models import JourneyProgress
from adplanning_plugin.journeys.stages import STAGES
from adplanning_plugin.journeys.subjects import PERSON, members_of, subject_of
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links, write_back

CHUNK = 500
"""Subjects that one statement computes anew."""
_progress = cast("Table", JourneyProgress.__table__)
_SEEN = tuple(f"{stage}_at" for stage in STAGES if stage not in ("conversion", "retention"))
_BOUGHT = ("conversion_at", "retention_at")
_TOUCH = ("touch_at", "channel", "platform", "ad_campaign_id", "website_id", "device")
_FACTS = ("person_id", "first_at", "last_at", *_SEEN, *_BOUGHT, *_TOUCH)
# Whoever writes progress reads what it follows from first: two at once would each miss what the other adds.
_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('adplanning.journeys ' || CAST(:tenant AS text), 0))")

_READER = "journeys.rebuild"
# What a rebuild saw is what was committed when it began: everything older than the oldest transaction then running.
_REBUILT = text(
    """
    INSERT INTO adplanning.watermark (tenant_id, reader, position)
    VALUES (:tenant, :reader, jsonb_build_object('xid', pg_snapshot_xmin(pg_current_snapshot())::text::bigint))
    ON CONFLICT (tenant_id, reader) DO UPDATE SET position = excluded.position, updated_at = now()
    """
)
# A row's xmin has 32 bits, which go round: older is what lies less than half a turn behind. A number from before a
# restore into another cluster is none of this one's, and an old rebuild is not worth asking.
_SEEN_BY_REBUILD = text(
    """
    SELECT o.id FROM adplanning.outbox_event o
    JOIN adplanning.watermark w ON w.tenant_id = :tenant AND w.reader = :reader
      AND w.updated_at > now() - interval '1 hour'
      AND (w.position->>'xid')::bigint <= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    WHERE o.tenant_id = :tenant AND o.id = ANY(CAST(:ids AS text[]))
      AND ((w.position->>'xid')::bigint - o.xmin::text::bigint) & 4294967295 BETWEEN 1 AND 2147483647
    """
)


async def take_turn(session: AsyncSession, tenant_id: str) -> None:
    """From here to the end of the transaction nobody else writes this store's progress."""
    await session.execute(_TURN, {"tenant": tenant_id})


async def merge(session: AsyncSession, runtime: Runtime, tenant_id: str, rows: Select[Any]) -> int:
    """Take new activity (as `activity` shapes it) into its subjects' progress; returns how many rows changed."""
    await take_turn(session, tenant_id)
    seen = _seen(tenant_id, [rows])
    source = select(
        literal(tenant_id, Text), seen.c.subject, _person(seen.c.subject), *(seen.c[name] for name in _SUMMED)
    ).order_by(seen.c.subject)
    statement = insert(_progress).from_select(["tenant_id", "subject", "person_id", *_SUMMED], source)
    new, old = statement.excluded, _progress.c
    earlier = {name: func.least(old[name], new[name]) for name in ("first_at", *_SEEN)}
    values = {**earlier, "last_at": func.greatest(old.last_at, new.last_at)}
    differs = tuple_(*(old[name] for name in values)).is_distinct_from(tuple_(*values.values()))
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "subject"], set_=values, where=differs
    ).returning(old.person_id)
    written = list(await session.scalars(statement))
    await _write_back(session, runtime, tenant_id, [each for each in written if each is not None])
    return len(written)


async def recompute(session: AsyncSession, runtime: Runtime, tenant_id: str, subjects: Iterable[str]) -> None:
    """Make the progress of these subjects what follows from all they did; a subject that did nothing has none."""
    wanted = sorted(set(subjects))
    if not wanted:
        return
    await take_turn(session, tenant_id)
    for start in range(0, len(wanted), CHUNK):
        members = await members_of(session, tenant_id, wanted[start : start + CHUNK])
        await _compute(session, runtime, tenant_id, await scope_of(session, runtime, tenant_id, members))
        await _write_back(session, runtime, tenant_id, members.people)


async def rebuild(session: AsyncSession, runtime: Runtime, tenant_id: str) -> None:
    """Everybody's progress from everything that is held."""
    await take_turn(session, tenant_id)
    await session.execute(_REBUILT, {"tenant": tenant_id, "reader": _READER})
    await _compute(session, runtime, tenant_id, Scope())
    await _write_back(session, runtime, tenant_id, None)


async def seen_by_rebuild(session: AsyncSession, tenant_id: str, event_ids: Sequence[str]) -> set[str]:
    """Those of these events that were told of before everybody's progress was last computed: it has them already."""
    values = {"tenant": tenant_id, "reader": _READER, "ids": list(event_ids)}
    return set(await session.scalars(_SEEN_BY_REBUILD, values))


async def _compute(session: AsyncSession, runtime: Runtime, tenant_id: str, scope: Scope) -> None:
    await _rank_purchases(session, tenant_id, scope)
    made = _made(runtime, tenant_id, scope).cte("made")
    source = select(literal(tenant_id, Text), *made.c).order_by(made.c.subject)
    statement = insert(_progress).from_select(["tenant_id", "subject", *_FACTS], source)
    new, old = statement.excluded, _progress.c
    differs = tuple_(*(old[name] for name in _FACTS)).is_distinct_from(tuple_(*(new[name] for name in _FACTS)))
    written = (
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "subject"], set_={name: new[name] for name in _FACTS}, where=differs
        )
        .returning(old.subject)
        .cte("written")
    )
    gone = delete(_progress).where(
        old.tenant_id == tenant_id, ~select(made.c.subject).where(made.c.subject == old.subject).exists()
    )
    if scope.members is not None:
        gone = gone.where(old.subject == any_of(scope.members.subjects))
    await session.execute(gone.add_cte(written))


_SUMMED = ("first_at", "last_at", *_SEEN)


def _seen(tenant_id: str, parts: Sequence[Select[Any]]) -> FromClause:
    """First and last activity and the first time of each stage, by subject."""
    rows = (union_all(*parts) if len(parts) > 1 else parts[0]).subquery("activity")
    by_who = (rows.c.visitor_id, rows.c.person_id, rows.c.identifier)
    first = [func.min(rows.c.at).filter(rows.c.stage == name.removesuffix("_at")).label(name) for name in _SEEN]
    once = (
        select(*by_who, func.min(rows.c.at).label("first_at"), func.max(rows.c.at).label("last_at"), *first)
        .group_by(*by_who)
        .subquery("seen_by")
    )
    subject, joined = subject_of(once, tenant_id)
    sums = [(func.max if name == "last_at" else func.min)(once.c[name]).label(name) for name in _SUMMED]
    return select(subject.label("subject"), *sums).select_from(joined).group_by(subject).subquery("seen")


def _made(runtime: Runtime, tenant_id: str, scope: Scope) -> Select[Any]:
    """The rows of progress as they should be."""
    seen = _seen(tenant_id, activity(runtime, tenant_id, scope))
    bought = _purchases(tenant_id, scope)
    orders = (
        select(
            bought.c.subject,
            func.min(bought.c.at).filter(bought.c.n == 1).label("conversion_at"),
            func.min(bought.c.at).filter(bought.c.n == 2).label("retention_at"),
        )
        .group_by(bought.c.subject)
        .subquery("orders")
    )
    first = _first_touch(tenant_id, scope)
    made = (
        select(
            seen.c.subject,
            _person(seen.c.subject).label("person_id"),
            seen.c.first_at,
            seen.c.last_at,
            *(seen.c[name] for name in _SEEN),
            *(orders.c[name] for name in _BOUGHT),
            *(first.c[name] for name in _TOUCH),
        )
        .select_from(
            seen.outerjoin(orders, orders.c.subject == seen.c.subject).outerjoin(
                first, first.c.subject == seen.c.subject
            )
        )
        .where(seen.c.subject.is_not(None))
    )
    return made if scope.members is None else made.where(seen.c.subject == any_of(scope.members.subjects))


def _purchases(tenant_id: str, scope: Scope) -> FromClause:
    """Confirmed purchases with their subject and their place among its purchases."""
    c = journey.c
    conditions = [c.tenant_id == tenant_id, c.event_type == "purchase", names_somebody(journey)]
    if scope.members is not None:
        conditions.append(of_members(journey, scope.members))
    rows = (
        select(c.id, c.occurred_at.label("at"), c.stage, c.visitor_id, c.person_id, c.identifier)
        .where(*conditions)
        .subquery("purchase")
    )
    subject, joined = subject_of(rows, tenant_id)
    n = func.row_number().over(partition_by=subject, order_by=(rows.c.at, rows.c.id))
    return (
        select(rows.c.id, rows.c.at, rows.c.stage, subject.label("subject"), n.label("n"))
        .select_from(joined)
        .subquery("bought")
    )


async def _rank_purchases(session: AsyncSession, tenant_id: str, scope: Scope) -> None:
    """A subject's first confirmed purchase is its conversion, each later one retention."""
    bought = _purchases(tenant_id, scope)
    stage = case((bought.c.n == 1, "conversion"), else_="retention")
    statement = (
        update(journey)
        .where(journey.c.tenant_id == tenant_id, journey.c.id == bought.c.id, journey.c.stage.is_distinct_from(stage))
        .values(stage=stage)
    )
    if scope.members is not None:
        statement = statement.where(bought.c.subject == any_of(scope.members.subjects))
    await session.execute(statement)


def _first_touch(tenant_id: str, scope: Scope) -> FromClause:
    """The first touch of each subject: where, and on what, its journey began."""
    c = touch.c
    conditions = [c.tenant_id == tenant_id]
    if scope.members is not None:
        conditions.append(of_members(touch, scope.members))
    columns = (c.id, c.occurred_at, c.visitor_id, c.person_id, c.channel, c.platform, c.ad_campaign_id, c.device)
    nobody = sql_cast(null(), Text).label("identifier")
    rows = select(*columns, c.website_id, nobody).where(*conditions).subquery("touch")
    subject, joined = subject_of(rows, tenant_id)
    return (
        select(
            subject.label("subject"),
            rows.c.occurred_at.label("touch_at"),
            rows.c.channel,
            rows.c.platform,
            rows.c.ad_campaign_id,
            rows.c.website_id,
            rows.c.device,
        )
        .select_from(joined)
        .ext(distinct_on(subject))
        .order_by(subject, rows.c.occurred_at, rows.c.id)
        .subquery("first_touch")
    )


def _person(subject: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((subject.startswith(PERSON, autoescape=True), func.substr(subject, len(PERSON) + 1)))


async def _write_back(session: AsyncSession, runtime: Runtime, tenant_id: str, people: Sequence[str] | None) -> None:
    """When these people (or all) were last seen, where the store wants to know it."""
    links = runtime.get(Links)
    if not links.has("person") or (people is not None and not people):
        return
    c = _progress.c
    rows = select(c.person_id, c.last_at).where(c.tenant_id == tenant_id, c.person_id.is_not(None))
    if people is not None:
        rows = rows.where(c.subject == any_of([PERSON + each for each in people]))
    await write_back(session, links, tenant_id, "person", "last_interaction_at", rows)
