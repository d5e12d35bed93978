"""Purchases: linked orders become conversions, set-wise and once each, whatever browser, bus and sweep each say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import FromClause, Select, String, Subquery, and_, case, cast, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import email_identifier_sql
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import load
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import basis
from adplanning_plugin.tracking.adjustments import sync_adjustments
from adplanning_plugin.tracking.announce import announce
from adplanning_plugin.tracking.basis import RevenueSettings
from adplanning_plugin.tracking.erased import WHO, conversions_left_behind, who, with_pseudonym
from adplanning_plugin.tracking.goal_matching import choose_goal
from adplanning_plugin.tracking.goal_rules import GoalRule, active_rules
from adplanning_plugin.tracking.goal_sources import ledger_columns
from adplanning_plugin.tracking.models import ONE_OF_ORDER, Conversion, OrderVisit
from adplanning_plugin.tracking.new_customers import Identities, identities_of_orders, refresh_new_customers
from adplanning_plugin.tracking.recording import (
    Recorded,
    changed_only,
    chunks,
    due_again,
    landing_tags,
    new_conversion_id,
    take_turns,
    visit_sessions,
)
from adplanning_plugin.tracking.stamps import stamp_orders

# What the ledger decides. Campaign and properties are others' to write.
_FACTS = (
    "status",
    "origin",
    "occurred_at",
    "value",
    "refunded",
    "currency",
    "cost",
    "is_revenue",
    "is_test",
    "sales_channel",
    *WHO,
)


async def record_purchases(
    session: AsyncSession, runtime: Runtime, tenant_id: str, order_ids: Sequence[str]
) -> Recorded:
    """Make the conversions of these orders what the orders are now, one for each, whoever calls it how often.

    Stamps the orders with their visits first. Only rows that differ are written and announced; an order whose other
    orders changed from first to later customer is among the updated ones.
    """
    created: list[str] = []
    updated: list[str] = []
    missing: list[str] = []
    for ids in chunks(order_ids):
        await take_turns(session, tenant_id, "purchase")
        stamped = await stamp_orders(session, runtime, tenant_id, ids)
        before = await identities_of_orders(session, tenant_id, ids)
        new, changed = await _upsert(session, runtime, tenant_id, ids)
        await sync_adjustments(session, runtime, tenant_id, ids)
        after = await identities_of_orders(session, tenant_id, ids)
        recounted = await refresh_new_customers(session, tenant_id, Identities.union(before, after))
        created += new
        recredited = await _make_due(session, tenant_id, stamped)
        updated += [each for each in dict.fromkeys([*changed, *recounted, *recredited]) if each not in new]
        missing += await _without_conversion(session, tenant_id, ids)
    await announce(session, runtime, tenant_id, created, updated)
    return Recorded(created=tuple(created), updated=tuple(updated), missing=tuple(missing))


async def _upsert(
    session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]
) -> tuple[list[str], list[str]]:
    settings, _ = await load(session, tenant_id, RevenueSettings)
    rules = await active_rules(session, runtime, tenant_id, ledger=True, conversion_type="purchase")
    session_ids = (
        await session.scalars(
            select(OrderVisit.session_id)
            .where(OrderVisit.tenant_id == tenant_id, OrderVisit.order_id.in_(ids), OrderVisit.session_id.is_not(None))
            .distinct()
        )
    ).all()
    known = [each for each in session_ids if each]
    tags = await landing_tags(session, runtime, tenant_id, known)
    source = _facts_of_orders(runtime, tenant_id, ids, visit_sessions(runtime, tenant_id, known, tags), settings, rules)
    names = ["tenant_id", "id", "conversion_type", "order_id", *_FACTS, "goal_id"]
    statement = insert(Conversion).from_select(names, source)
    # What a goal has counted stays, whatever becomes of the goal.
    goal_id, found = Conversion.__table__.c.goal_id, statement.excluded["goal_id"]
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "order_id"],
        index_where=text(ONE_OF_ORDER),
        set_=due_again(statement, _FACTS) | {"goal_id": func.coalesce(goal_id, found)},
        where=changed_only(statement, _FACTS) | and_(goal_id.is_(None), found.is_not(None)),
    )
    # An insert leaves version 1, an update at least 2.
    rows = await session.execute(statement.returning(Conversion.id, (Conversion.version == 1).label("is_new")))
    outcome = rows.all()
    return [row.id for row in outcome if row.is_new], [row.id for row in outcome if not row.is_new]


async def _make_due(session: AsyncSession, tenant_id: str, order_ids: Sequence[str]) -> list[str]:
    """Orders were stamped anew: what they brought is credited again, since the stamp carries the consent."""
    if not order_ids:
        return []
    due = (
        update(Conversion)
        .where(
            Conversion.tenant_id == tenant_id,
            Conversion.order_id == any_of(order_ids),
            Conversion.attribution_version.is_not(None),
            Conversion.deleted_at.is_(None),
        )
        .values(attribution_version=None)
        .returning(Conversion.id)
        .execution_options(synchronize_session=False)
    )
    return list(await session.scalars(due))


def _facts_of_orders(
    runtime: Runtime,
    tenant_id: str,
    ids: Sequence[str],
    visit: Subquery,
    settings: RevenueSettings,
    rules: Sequence[GoalRule],
) -> Select[*tuple[Any, ...]]:
    links = runtime.get(Links)
    order = with_pseudonym(runtime, tenant_id, links.by_ids("order", tenant_id, ids), "placed_at")
    left = conversions_left_behind(tenant_id, ids)
    value = basis.order_value(order, settings)
    website, channel = func.coalesce(order.c.website_id, visit.c.website_id), basis.sales_channel(order)
    given_back, cost = _refunds(links, tenant_id, ids), _line_costs(links, tenant_id, ids)
    joined = (
        order.outerjoin(OrderVisit, and_(OrderVisit.tenant_id == tenant_id, OrderVisit.order_id == order.c.id))
        .outerjoin(visit, visit.c.id == OrderVisit.session_id)
        .outerjoin(given_back, given_back.c.order_id == order.c.id)
        .outerjoin(cost, cost.c.order_id == order.c.id)
        .outerjoin(left, left.c.order_id == order.c.id)
    )
    found = {
        "visitor_id": OrderVisit.__table__.c.visitor_id,
        "session_id": OrderVisit.__table__.c.session_id,
        "person_id": order.c.person_id,
        "identifier": email_identifier_sql(order.c.email, runtime),
        "website_id": website,
        "utm": visit.c.utm,
        "click_ids": visit.c.click_ids,
    }
    of_whom = who(found, order.c.erased_as, left.c, left.c.order_id.is_not(None))
    refunded = basis.refunded_of(order, value, func.coalesce(given_back.c.amount, 0))
    return (
        select(
            literal(tenant_id, String),
            new_conversion_id(),
            literal("purchase"),
            order.c.id,
            basis.order_status(order),
            literal("order"),
            order.c.placed_at,
            value,
            refunded,
            order.c.currency,
            func.coalesce(order.c.cost, cost.c.cost),
            basis.counts_as_revenue(order),
            basis.is_test(order),
            channel,
            *(of_whom[name] for name in WHO),
            choose_goal(rules, ledger_columns("purchase", value, order.c.currency, website, visit.c.utm, channel)),
        )
        .select_from(joined)
        .where(order.c.currency.is_not(None), order.c.placed_at.is_not(None), order.c.total.is_not(None))
    )


def _refunds(links: Links, tenant_id: str, ids: Sequence[str]) -> FromClause:
    refund = links.by_ids("refund", tenant_id, ids, column="order_id")
    amount = cast(func.sum(func.greatest(refund.c.amount, 0)), Conversion.value.type).label("amount")
    return select(refund.c.order_id, amount).group_by(refund.c.order_id).subquery("given_back")


def _line_costs(links: Links, tenant_id: str, ids: Sequence[str]) -> FromClause:
    """Cost by order from its lines; null where a line carries none, since a part of the cost is no cost."""
    line = links.by_ids("order_line", tenant_id, ids, column="order_id")
    complete = func.count() == func.count(line.c.cost)
    cost = cast(case((complete, func.sum(line.c.cost))), Conversion.value.type).label("cost")
    return select(line.c.order_id, cost).group_by(line.c.order_id).subquery("line_cost")


async def _without_conversion(session: AsyncSession, tenant_id: str, ids: Sequence[str]) -> list[str]:
    known = await session.scalars(
        select(Conversion.order_id).where(
            Conversion.tenant_id == tenant_id,
            Conversion.order_id.in_(ids),
            Conversion.conversion_type == "purchase",
            Conversion.origin == "order",
            Conversion.deleted_at.is_(None),
        )
    )
    found = set(known)
    return [each for each in ids if each not in found]
