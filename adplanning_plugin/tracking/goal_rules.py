"""Goal rules: a tenant's active goals, in the order in which they take a hit; and the goals it starts with."""

from __future__ import annotations

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.errors import Invalid
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.tracking.goal_conditions import GOAL_TYPES, is_ledger, parse_conditions
from adplanning_plugin.tracking.goal_matching import GoalRule
from adplanning_plugin.tracking.models import Goal

__all__ = ["DEFAULT_GOALS", "GoalRule", "active_rules", "ensure_default_goals", "rule_of"]

DEFAULT_GOALS = (("Add to cart", "add_to_cart"), ("Begin checkout", "begin_checkout"))
"""What every store counts until it says otherwise; lowest priority, so that a goal of its own takes the hit."""
DEFAULT_PRIORITY = -100


def rule_of(goal: Goal, currency: str) -> GoalRule:
    """The goal, ready to be matched; `currency` is the tenant's, for a goal without one."""
    own = goal.currency or currency
    return GoalRule(
        id=goal.id,
        goal_type=goal.goal_type,
        conversion_type=GOAL_TYPES[goal.goal_type],
        ledger=is_ledger(goal.goal_type, goal.conditions),
        conditions=parse_conditions(goal.goal_type, goal.conditions, own),
        currency=own,
        default_value=goal.default_value,
        value_from_event=goal.value_from_event,
        priority=goal.priority,
    )


async def active_rules(
    session: AsyncSession, runtime: Runtime, tenant_id: str, *, ledger: bool, conversion_type: str | None = None
) -> list[GoalRule]:
    """Active goals that mark orders and leads (`ledger`) or count events, the one that takes a hit first."""
    goals = await session.scalars(
        select(Goal)
        .where(Goal.tenant_id == tenant_id, Goal.is_active)
        .order_by(Goal.priority.desc(), Goal.created_at, Goal.id)
    )
    currency = runtime.tenant(tenant_id).currency
    rules: list[GoalRule] = []
    for goal in goals:
        try:
            rule = rule_of(goal, currency)
        except Invalid as problem:
            # It was valid when it was saved; a narrower rule since then must not stop the others.
            runtime.log.warning("goal %s is skipped: %s", goal.id, problem.detail)
            continue
        if rule.ledger == ledger and conversion_type in (None, rule.conversion_type):
            rules.append(rule)
    return rules


async def ensure_default_goals(session: AsyncSession, tenant_id: str) -> None:
    """Give a store its first goals, once: deleting one is remembered."""
    first = await session.execute(_CLAIM, {"tenant": tenant_id})
    if first.scalar_one_or_none() is None:
        return
    session.add_all(
        Goal(
            tenant_id=tenant_id,
            id=new_id("goal"),
            name=name,
            description="Counted from the start; change it, or switch it off.",
            goal_type=goal_type,
            conditions={},
            value_from_event=False,
            priority=DEFAULT_PRIORITY,
            is_active=True,
        )
        for name, goal_type in DEFAULT_GOALS
    )
    await session.flush()


_CLAIM = text(
    "INSERT INTO adplanning.watermark (tenant_id, reader, position) VALUES (:tenant, 'goals:defaults', '{}')"
    " ON CONFLICT (tenant_id, reader) DO NOTHING RETURNING reader"
)
