"""Leads: linked leads become lead_form_submission conversions, set-wise and once each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    String,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from adplanning_plugin.identity import email_identifier_sql
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.announce import announce
from adplanning_plugin.tracking.erased import WHO, left_behind, who, with_pseudonym
from adplanning_plugin.tracking.forms import link_leads
from adplanning_plugin.tracking.goal_matching import choose_goal, no_value
from adplanning_plugin.tracking.goal_rules import GoalRule, active_rules
from adplanning_plugin.tracking.goal_sources import ledger_columns
from adplanning_plugin.tracking.models import ONE_OF_LEAD, Conversion
from adplanning_plugin.tracking.recording import (
    Recorded,
    changed_only,
    chunks,
    due_again,
    landing_tags,
    named_visits,
    new_conversion_id,
    take_turns,
    visit_sessions,
    visits_as_rows,
)

_FACTS = (
    "status",
    "origin",
    "occurred_at",
    "value",
    "currency",
    *WHO,
    "goal_id",
)
# The platform itself says which campaign brought its lead; attribution leaves that.
_ASSIGNED = ("platform", "ad_campaign_id", "campaign_assigned")


async def record_leads(session: AsyncSession, runtime: Runtime, tenant_id: str, lead_ids: Sequence[str]) -> Recorded:
    """Make the conversions of these leads what the leads are now; one for each, however often it is called.

    A lead is worth its own value, else the default of the lead goal that marks it, else nothing. It is no revenue.
    """
    created: list[str] = []
    updated: list[str] = []
    missing: list[str] = []
    for ids in chunks(lead_ids):
        await take_turns(session, tenant_id, "lead")
        rows = await _upsert(session, runtime, tenant_id, ids)
        created += [row.id for row in rows if row.is_new]
        updated += [row.id for row in rows if not row.is_new]
        await link_leads(session, runtime, tenant_id, ids)
        missing += await _without_conversion(session, tenant_id, ids)
    await announce(session, runtime, tenant_id, created, updated)
    return Recorded(created=tuple(created), updated=tuple(updated), missing=tuple(missing))


async def _upsert(session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]) -> Sequence[Any]:
    rules = await active_rules(session, runtime, tenant_id, ledger=True, conversion_type="lead_form_submission")
    seen = await named_visits(session, runtime, tenant_id, "lead", ids)
    session_ids = sorted({session_id for _, session_id in seen.values() if session_id})
    tags = await landing_tags(session, runtime, tenant_id, session_ids)
    visit = visit_sessions(runtime, tenant_id, session_ids, tags)
    source = _facts_of_leads(runtime, tenant_id, ids, seen, visit, rules)
    statement = insert(Conversion).from_select(
        ["tenant_id", "id", "conversion_type", "lead_id", *_FACTS, *_ASSIGNED], source
    )
    table = Conversion.__table__
    # A campaign that somebody assigned here stays; one that the lead names comes with it.
    named = statement.excluded["campaign_assigned"]
    assigned = {name: case((named, statement.excluded[name]), else_=table.c[name]) for name in _ASSIGNED}
    differs = changed_only(statement, _FACTS) | and_(named, changed_only(statement, _ASSIGNED))
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "lead_id"],
        index_where=text(ONE_OF_LEAD),
        set_=due_again(statement, _FACTS) | assigned,
        where=differs,
    )
    rows = await session.execute(statement.returning(Conversion.id, (Conversion.version == 1).label("is_new")))
    return rows.all()


def _facts_of_leads(
    runtime: Runtime,
    tenant_id: str,
    ids: Sequence[str],
    seen: dict[str, tuple[str | None, str | None]],
    visit: Subquery,
    rules: Sequence[GoalRule],
) -> Select[*tuple[Any, ...]]:
    links = runtime.get(Links)
    lead = with_pseudonym(runtime, tenant_id, links.by_ids("lead", tenant_id, ids), "created_at")
    named_visit = visits_as_rows(seen)
    campaign = _campaigns(links, tenant_id)
    utm = visit.c.utm
    currency = func.coalesce(lead.c.currency, runtime.tenant(tenant_id).currency)
    own_value = cast(func.greatest(lead.c.value, 0), BigInteger)
    columns = ledger_columns(
        "lead_form_submission", func.coalesce(lead.c.value, 0), currency, visit.c.website_id, utm, no_value()
    )
    chosen = choose_goal(rules, columns)
    # What a goal has counted stays, with what it was worth, whatever becomes of the goal.
    counted = aliased(Conversion)
    worth = case((counted.goal_id.is_not(None), counted.value), else_=_default_value(chosen, rules))
    worth_in = case((counted.goal_id.is_not(None), counted.currency), else_=_default_currency(chosen, rules, currency))
    joined = (
        lead.outerjoin(
            counted,
            and_(
                counted.tenant_id == tenant_id,
                counted.lead_id == lead.c.id,
                counted.lead_id.is_not(None),
                counted.conversion_type == literal_column("'lead_form_submission'"),
                counted.deleted_at.is_(None),
            ),
        )
        .outerjoin(named_visit, named_visit.c.id == lead.c.id)
        .outerjoin(visit, visit.c.id == named_visit.c.session_id)
        .outerjoin(campaign, campaign.c.id == lead.c.ad_campaign_id)
    )
    found = {
        "visitor_id": func.coalesce(named_visit.c.visitor_id, visit.c.visitor_id),
        "session_id": named_visit.c.session_id,
        "person_id": lead.c.person_id,
        "identifier": email_identifier_sql(lead.c.email, runtime),
        "website_id": visit.c.website_id,
        "utm": utm,
        "click_ids": visit.c.click_ids,
    }
    of_whom = who(found, lead.c.erased_as, counted, left_behind(counted))
    return (
        select(
            literal(tenant_id, String),
            new_conversion_id(),
            literal("lead_form_submission"),
            lead.c.id,
            literal("confirmed"),
            literal("lead"),
            lead.c.created_at,
            case((lead.c.value.is_not(None), own_value), else_=worth),
            case((lead.c.value.is_not(None), currency), else_=worth_in),
            *(of_whom[name] for name in WHO),
            func.coalesce(counted.goal_id, chosen),
            campaign.c.platform,
            campaign.c.id,
            campaign.c.id.is_not(None),
        )
        .select_from(joined)
        .where(lead.c.created_at.is_not(None))
    )


def _campaigns(links: Links, tenant_id: str) -> FromClause:
    """The known campaigns, with the platform as conversions name it."""
    campaign = links.selectable("ad_campaign", tenant_id)
    platform = case((campaign.c.platform.in_(("meta", "google")), campaign.c.platform), else_=literal("generic"))
    return select(campaign.c.id, platform.label("platform")).subquery("lead_campaign")


def _default_value(goal_id: ColumnElement[Any], rules: Sequence[GoalRule]) -> ColumnElement[Any]:
    worth = [(goal_id == rule.id, literal(rule.default_value, BigInteger)) for rule in rules if rule.default_value]
    return case(*worth, else_=literal(0, BigInteger)) if worth else literal(0, BigInteger)


def _default_currency(
    goal_id: ColumnElement[Any], rules: Sequence[GoalRule], currency: ColumnElement[Any]
) -> ColumnElement[Any]:
    worth = [(goal_id == rule.id, literal(rule.currency, Text)) for rule in rules if rule.default_value]
    return case(*worth, else_=currency) if worth else currency


async def _without_conversion(session: AsyncSession, tenant_id: str, ids: Sequence[str]) -> list[str]:
    known = await session.scalars(
        select(Conversion.lead_id).where(
            Conversion.tenant_id == tenant_id,
            Conversion.lead_id.in_(ids),
            Conversion.origin == "lead",
            Conversion.deleted_at.is_(None),
        )
    )
    found = set(known)
    return [each for each in ids if each not in found]
