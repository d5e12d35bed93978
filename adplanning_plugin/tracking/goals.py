"""Goals: creating, changing, deleting and previewing them. What a goal matches is `goal_matching`'s affair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.days import now, rfc3339
from adplanning_plugin.kernel.errors import Conflict, FieldError, Invalid, NotFound
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.money import check_currency, to_major, to_minor
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.tracking.checks import check_text
from adplanning_plugin.tracking.goal_conditions import GOAL_TYPES, parse_conditions
from adplanning_plugin.tracking.goal_hits import Preview, preview_hits
from adplanning_plugin.tracking.goal_rules import GoalRule, rule_of
from adplanning_plugin.tracking.models import Conversion, Goal
from adplanning_plugin.tracking.schemas import Amount
from adplanning_plugin.tracking.stats import Period
from adplanning_plugin.tracking.vocabulary import COUNTED

PREVIEW_DAYS = 30
_MOST_GOALS = 100
"""Active goals of a store: all of them are in one statement."""
_PRIORITY = 1_000_000


class GoalIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A goal; name and type are enough."""

    name: str
    goal_type: str
    description: str | None = None
    conditions: dict[str, Any] = {}
    default_value: Amount | None = None
    currency: str | None = None
    value_from_event: bool = False
    priority: int = 0
    is_active: bool = True


class GoalUpdate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A partial change; `version` is the one that was read. `conditions` are replaced whole."""

    version: int
    name: str | UnsetType = UNSET
    goal_type: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    conditions: dict[str, Any] | UnsetType = UNSET
    default_value: Amount | UnsetType | None = UNSET
    currency: str | UnsetType | None = UNSET
    value_from_event: bool | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class GoalOut(msgspec.Struct, kw_only=True):
    """A goal as the admin reads it."""

    id: str
    name: str
    description: str | None
    goal_type: str
    conversion_type: str
    """The type of the conversions that it counts."""
    conditions: dict[str, Any]
    default_value: str | None
    default_value_minor: int | None
    currency: str
    value_from_event: bool
    priority: int
    is_active: bool
    hits: int | None
    """Conversions that it counted in the period; null in answers that have none."""
    hit_value: str | None
    hit_value_minor: int | None
    """What those are worth together, of the goal's currency."""
    last_hit_at: str | None
    version: int
    created_at: str
    updated_at: str


class GoalHits(msgspec.Struct, frozen=True):
    """What a goal counted in a period."""

    hits: int = 0
    value: int = 0
    last_at: datetime | None = None


def goal_out(goal: Goal, tenant_currency: str, found: GoalHits | None = None) -> GoalOut:
    """The wire form of a stored goal, with what it counted where that was asked for."""
    currency = goal.currency or tenant_currency
    return GoalOut(
        id=goal.id,
        name=goal.name,
        description=goal.description,
        goal_type=goal.goal_type,
        conversion_type=GOAL_TYPES[goal.goal_type],
        conditions=goal.conditions,
        default_value=None if goal.default_value is None else to_major(goal.default_value, currency),
        default_value_minor=goal.default_value,
        currency=currency,
        value_from_event=goal.value_from_event,
        priority=goal.priority,
        is_active=goal.is_active,
        hits=None if found is None else found.hits,
        hit_value=None if found is None else to_major(found.value, currency),
        hit_value_minor=None if found is None else found.value,
        last_hit_at=None if found is None or found.last_at is None else rfc3339(found.last_at),
        version=goal.version,
        created_at=rfc3339(goal.created_at),
        updated_at=rfc3339(goal.updated_at),
    )


async def create_goal(session: AsyncSession, runtime: Runtime, tenant_id: str, given: GoalIn) -> Goal:
    """Store a goal; it counts what happens from now on.

    Raises:
        Invalid: with one error for each field that is wrong.
    """
    goal = _goal(runtime, tenant_id, given)
    await _refuse_too_many(session, tenant_id, goal)
    session.add(goal)
    await session.flush()
    await session.refresh(goal)
    return goal


async def get_goal(session: AsyncSession, tenant_id: str, goal_id: str, *, lock: bool = False) -> Goal:
    """One goal, or `NotFound`."""
    statement = select(Goal).where(Goal.tenant_id == tenant_id, Goal.id == goal_id)
    found = await session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise NotFound(f"There is no goal {goal_id}.")
    return found


async def hits_of(
    session: AsyncSession, runtime: Runtime, tenant_id: str, period: Period, ids: Sequence[str] | None = None
) -> Mapping[str, GoalHits]:
    """What goals counted in a period, by id; goals without a hit are not in it. Without ids, of all goals."""
    currency = func.coalesce(Goal.currency, runtime.tenant(tenant_id).currency)
    statement = (
        select(
            Conversion.goal_id,
            func.count(),
            func.coalesce(func.sum(Conversion.value).filter(Conversion.currency == currency), 0),
            func.max(Conversion.occurred_at),
        )
        .join(Goal, and_(Goal.tenant_id == Conversion.tenant_id, Goal.id == Conversion.goal_id))
        .where(
            Conversion.tenant_id == tenant_id,
            Goal.tenant_id == tenant_id,
            Conversion.deleted_at.is_(None),
            Conversion.status.in_(COUNTED),
            period.holds(Conversion.occurred_at.expression),
        )
        .group_by(Conversion.goal_id)
    )
    if ids is not None:
        statement = statement.where(Conversion.goal_id.in_(ids))
    return {str(row[0]): GoalHits(row[1], int(row[2]), row[3]) for row in await session.execute(statement)}


async def update_goal(
    session: AsyncSession, runtime: Runtime, tenant_id: str, goal_id: str, given: GoalUpdate
) -> tuple[Goal, list[str]]:
    """Change a goal; what it has counted stays as it was. Returns it and the names of the fields that were sent."""
    goal = await get_goal(session, tenant_id, goal_id, lock=True)
    if given.version != goal.version:
        message = f"version {given.version} is stale: the goal is at {goal.version}. Read it again, then change it."
        raise Conflict(message, code="stale_version")
    sent = {name: value for name in given.__struct_fields__ if (value := getattr(given, name)) is not UNSET}
    del sent["version"]
    if "currency" in sent and "default_value" not in sent and goal.default_value:
        message = "default_value is missing: another currency makes it another amount."
        raise Invalid(FieldError("default_value", "missing", message))
    tenant_currency = runtime.tenant(tenant_id).currency
    whole = goal_out(goal, tenant_currency)
    merged: dict[str, Any] = {name: getattr(whole, name) for name in GoalIn.__struct_fields__}
    merged |= {"currency": goal.currency, **sent}
    changed = _goal(runtime, tenant_id, GoalIn(**merged))
    if changed.is_active and not goal.is_active:
        await _refuse_too_many(session, tenant_id, changed)
    for name in GoalIn.__struct_fields__:
        setattr(goal, name, getattr(changed, name))
    goal.version += 1
    await session.flush()
    await session.refresh(goal)
    return goal, sorted(sent)


async def delete_goal(session: AsyncSession, tenant_id: str, goal_id: str) -> int:
    """Delete a goal; the conversions that it counted stay. Returns how many there are."""
    goal = await get_goal(session, tenant_id, goal_id, lock=True)
    counted = await session.scalar(
        select(func.count()).where(Conversion.tenant_id == tenant_id, Conversion.goal_id == goal_id)
    )
    await session.delete(goal)
    await session.flush()
    return counted or 0


async def preview_goal(
    session: AsyncSession, runtime: Runtime, tenant_id: str, goal: Goal | GoalIn, *, goal_id: str | None = None
) -> dict[str, Any]:
    """What the goal would have found in the last 30 days, and what it looks at.

    Args:
        goal_id: the stored goal that a `GoalIn` would replace, which therefore takes nothing from it.
    """
    if isinstance(goal, GoalIn):
        goal = _goal(runtime, tenant_id, goal)
        goal.id = goal_id or goal.id
    rule: GoalRule = rule_of(goal, runtime.tenant(tenant_id).currency)
    since = now() - timedelta(days=PREVIEW_DAYS)
    found: Preview = await preview_hits(session, runtime, tenant_id, rule, since)
    return {
        "days": PREVIEW_DAYS,
        "since": rfc3339(since),
        "looks_at": ("orders" if rule.conversion_type == "purchase" else "leads") if rule.ledger else "events",
        "conversion_type": rule.conversion_type,
        "matched": found.matched,
        "count": found.counted,
        "taken_by_other_goals": found.matched - found.counted,
        "visitors": found.visitors,
        "sample": [{**row, "occurred_at": rfc3339(row["occurred_at"])} for row in found.sample],
    }


def _goal(runtime: Runtime, tenant_id: str, given: GoalIn) -> Goal:
    """The checked goal; every wrong field is named at once."""
    errors: list[FieldError] = []
    currency, default_value = runtime.tenant(tenant_id).currency, None
    for check in (_names, _numbers):
        try:
            check(given)
        except Invalid as problem:
            errors += problem.errors
    try:
        if given.currency is not None:
            currency = check_currency(given.currency)
        if given.default_value is not None:
            default_value = to_minor(given.default_value, currency, "default_value")
    except Invalid as problem:
        errors += problem.errors
    try:
        parse_conditions(given.goal_type, given.conditions, currency)
    except Invalid as problem:
        errors += problem.errors
    if errors:
        raise Invalid(*errors)
    return Goal(
        tenant_id=tenant_id,
        id=new_id("goal"),
        name=given.name,
        description=given.description,
        goal_type=given.goal_type,
        conditions=given.conditions,
        default_value=default_value,
        currency=currency if given.currency is not None else None,
        value_from_event=given.value_from_event,
        priority=given.priority,
        is_active=given.is_active,
    )


def _names(given: GoalIn) -> None:
    check_text({"name": given.name})
    if given.description is not None and (len(given.description) > 2_000 or "\x00" in given.description):
        raise Invalid(FieldError("description", "too_long", "description must be at most 2000 characters of text."))


def _numbers(given: GoalIn) -> None:
    if abs(given.priority) > _PRIORITY:
        message = f"priority must be between -{_PRIORITY} and {_PRIORITY}."
        raise Invalid(FieldError("priority", "out_of_range", message))


async def _refuse_too_many(session: AsyncSession, tenant_id: str, goal: Goal) -> None:
    if not goal.is_active:
        return
    active = await session.scalar(select(func.count()).where(Goal.tenant_id == tenant_id, Goal.is_active))
    if (active or 0) >= _MOST_GOALS:
        message = f"A store has at most {_MOST_GOALS} active goals: switch one off first."
        raise Conflict(message, code="too_many_goals")
