"""Goal hits: events that fulfil a goal become conversions, set-wise, each exactly once; and how many would have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, String, Text, and_, case, cast, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.announce import announce
from adplanning_plugin.tracking.goal_matching import Columns, choose_goal, predicate
from adplanning_plugin.tracking.goal_rules import GoalRule, active_rules, ensure_default_goals
from adplanning_plugin.tracking.goal_sources import (
    Source,
    conversions,
    host_events,
    tracked_event_columns,
    tracked_events,
)
from adplanning_plugin.tracking.models import Conversion, Event
from adplanning_plugin.tracking.recording import Recorded, chunks, new_conversion_id

_SAMPLE = 5


async def read_events(runtime: Runtime, session: AsyncSession, tenant_id: str, low_xid: int, high_xid: int) -> int:
    """Count the hits among the events that transactions `low_xid ≤ xid < high_xid` wrote; returns how many were new."""
    await ensure_default_goals(session, tenant_id)
    event = Event.__table__
    fresh = and_(event.c.tenant_id == tenant_id, event.c.xid >= low_xid, event.c.xid < high_xid)
    source = Source(event, tracked_event_columns())
    return len(await _count(session, runtime, tenant_id, source, fresh))


async def record_host_events(
    session: AsyncSession, runtime: Runtime, tenant_id: str, event_ids: Sequence[str]
) -> Recorded:
    """Count the hits among the host's own analytics events."""
    await ensure_default_goals(session, tenant_id)
    made: list[str] = []
    missing: list[str] = []
    for ids in chunks(event_ids):
        source = host_events(runtime, tenant_id, ids)
        known = set(await session.scalars(select(source.columns["id"]).select_from(source.rows)))
        missing += [each for each in ids if each not in known]
        made += await _count(session, runtime, tenant_id, source, source.columns["id"].is_not(None))
    return Recorded(created=tuple(made), missing=tuple(missing))


async def _count(
    session: AsyncSession, runtime: Runtime, tenant_id: str, source: Source, rows: ColumnElement[bool]
) -> list[str]:
    """One INSERT for all goals. An event counts once for each conversion type: the goal of highest priority takes it.

    The key is the event's id and the type, so that a replay, a second reader, and the host's copy of a tracked event
    (which has its id) meet the same row.
    """
    rules = await active_rules(session, runtime, tenant_id, ledger=False)
    by_type: dict[str, list[GoalRule]] = {}
    for rule in rules:
        by_type.setdefault(rule.conversion_type, []).append(rule)
    if not by_type:
        return []
    columns = source.columns
    hits = [_hits(tenant_id, columns, source, rows, kind, those) for kind, those in by_type.items()]
    every = union_all(*hits).subquery("hit") if len(hits) > 1 else hits[0].subquery("hit")
    names = [column.key for column in every.c]
    statement = insert(Conversion).from_select(["id", *names], select(new_conversion_id(), *every.c))
    statement = statement.on_conflict_do_nothing(index_elements=["tenant_id", "dedupe_key"]).returning(Conversion.id)
    made = list(await session.scalars(statement))
    await announce(session, runtime, tenant_id, made)
    return made


def _hits(
    tenant_id: str,
    columns: Columns,
    source: Source,
    rows: ColumnElement[bool],
    conversion_type: str,
    rules: Sequence[GoalRule],
) -> Any:
    goal_id = choose_goal(rules, columns)
    values = hit_values(rules, columns)
    return (
        select(
            literal(tenant_id, String).label("tenant_id"),
            literal(conversion_type).label("conversion_type"),
            literal("confirmed").label("status"),
            literal("goal").label("origin"),
            columns["occurred_at"].label("occurred_at"),
            values["value"].label("value"),
            values["currency"].label("currency"),
            goal_id.label("goal_id"),
            columns["id"].label("event_id"),
            columns["visitor_id"].label("visitor_id"),
            columns["session_id"].label("session_id"),
            columns["website_id"].label("website_id"),
            columns["utm"].label("utm"),
            columns["click_ids"].label("click_ids"),
            dedupe_key(columns["id"], conversion_type).label("dedupe_key"),
        )
        .select_from(source.rows)
        .where(rows, goal_id.is_not(None))
    )


def dedupe_key(event_id: ColumnElement[Any], conversion_type: str) -> ColumnElement[str]:
    """What makes a hit one: the event and the type."""
    return literal("event:", Text).concat(event_id).concat(f":{conversion_type}")


def hit_values(rules: Sequence[GoalRule], columns: Columns) -> dict[str, ColumnElement[Any]]:
    """Value and currency of a hit: the event's where the goal trusts it, else the goal's, else nothing."""
    values: list[tuple[ColumnElement[bool], ColumnElement[Any]]] = []
    currencies: list[tuple[ColumnElement[bool], ColumnElement[Any]]] = []
    for rule in rules:
        mine = predicate(rule, columns)
        default = cast(literal(rule.default_value or 0), BigInteger)
        carries = and_(columns["value"] >= 0, columns["currency"].is_not(None)) if rule.value_from_event else None
        own = literal(rule.currency, Text)
        values.append((mine, default if carries is None else case((carries, columns["value"]), else_=default)))
        currencies.append((mine, own if carries is None else case((carries, columns["currency"]), else_=own)))
    return {"value": case(*values), "currency": case(*currencies)}


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a goal would have found."""

    matched: int
    """Events (orders, leads) that fulfil the conditions."""
    counted: int
    """Those that no goal of the same type and higher priority takes."""
    visitors: int
    """Distinct visitors among the counted ones that have one."""
    sample: list[dict[str, Any]]


async def preview_hits(
    session: AsyncSession, runtime: Runtime, tenant_id: str, rule: GoalRule, since: datetime
) -> Preview:
    """What `rule` would have found since an instant, with the predicate and the priorities that count new hits."""
    rivals = await active_rules(session, runtime, tenant_id, ledger=rule.ledger, conversion_type=rule.conversion_type)
    ahead: list[GoalRule] = []
    passed = False
    for rival in rivals:  # in the order in which they take a hit; a goal that is not saved yet comes after its equals
        if rival.id == rule.id:
            passed = True  # its stored self is no rival, also where its priority is being changed
        elif rival.priority < rule.priority or (passed and rival.priority == rule.priority):
            break
        else:
            ahead.append(rival)
    sources = [conversions(tenant_id, rule.conversion_type)] if rule.ledger else [tracked_events(tenant_id)]
    if not rule.ledger and runtime.get(Links).has("analytics_event"):
        sources.append(host_events(runtime, tenant_id))
    parts = [
        select(
            source.columns["id"].label("id"),
            source.columns["event_name"].label("event_name"),
            source.columns["path"].label("path"),
            source.columns["occurred_at"].label("occurred_at"),
            source.columns["visitor_id"].label("visitor_id"),
            choose_goal(ahead, source.columns).is_(None).label("counted"),
        )
        .select_from(source.rows)
        .where(source.columns["occurred_at"] >= since, predicate(rule, source.columns))
        for source in sources
    ]
    every = (union_all(*parts) if len(parts) > 1 else parts[0]).subquery()
    # A host's copy of a tracked event has its id and counts once.
    turn = func.row_number().over(partition_by=every.c.id, order_by=every.c.occurred_at).label("turn")
    ranked = select(every, turn).subquery()
    hits = select(ranked).where(ranked.c.turn == 1).cte("hits")
    totals = (
        await session.execute(
            select(
                func.count(),
                func.count().filter(hits.c.counted),
                func.count(hits.c.visitor_id.distinct()).filter(hits.c.counted),
            ).select_from(hits)
        )
    ).one()
    newest = await session.execute(
        select(hits.c.id, hits.c.event_name, hits.c.path, hits.c.occurred_at)
        .where(hits.c.counted)
        .order_by(hits.c.occurred_at.desc(), hits.c.id)
        .limit(_SAMPLE)
    )
    return Preview(
        matched=totals[0], counted=totals[1], visitors=totals[2], sample=[dict(row) for row in newest.mappings()]
    )
