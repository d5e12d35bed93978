"""Crediting: computes and stores who earned a set of conversions. Set-wise; what is due is asked for, never listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import BigInteger, Table, Text, TextClause, column, delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.credit_sql import credit_insert
from adplanning_plugin.attribution.fit_effects import effects_of
from adplanning_plugin.attribution.hook_credit import append_models
from adplanning_plugin.attribution.models import Credit
from adplanning_plugin.attribution.reclassify import reads_beside
from adplanning_plugin.attribution.rules import Rules, RuleState, ensure_rules, hook_models
from adplanning_plugin.attribution.turns import turn_to_compute
from adplanning_plugin.identity import ask_for, component_table, must_be_asked_for, person_identifier
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links, write_back
from adplanning_plugin.tracking import conversion_table, order_visit_table, stamp_attribution, write_attribution

BATCH = 2_000
"""Conversions of one statement."""

_conversion = cast("Table", conversion_table)
_order_visit = cast("Table", order_visit_table)
_component = cast("Table", component_table)
_credit = cast("Table", Credit.__table__)

# From the last touch that is not direct within the default window, else from the last one; none leaves nulls. By the
# active rules, whatever is built beside them. Read once
# for the batch, not for each conversion: before the first ANALYZE the planner may take the index over a whole window.
_OUTCOME = text(
    """
    SELECT c.id AS conversion_id, t.platform, t.ad_campaign_id, t.ad_set_id, t.ad_id,
           CAST(:version AS bigint) AS attribution_version
    FROM unnest(CAST(:ids AS text[])) AS c(id)
    LEFT JOIN (
      SELECT DISTINCT ON (conversion_id) conversion_id, platform, ad_campaign_id, ad_set_id, ad_id
      FROM adplanning.credit
      WHERE tenant_id = :tenant AND conversion_id = ANY(CAST(:ids AS text[])) AND window_days = :days AND touch_id <> ''
        AND rule_version = :active
      ORDER BY conversion_id, (channel = 'Direct'), position DESC
    ) t ON t.conversion_id = c.id
    """
).columns(
    *(column(name, Text) for name in ("conversion_id", "platform", "ad_campaign_id", "ad_set_id", "ad_id")),
    column("attribution_version", BigInteger),
)


async def compute_credit(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    conversion_ids: Iterable[str] | None = None,
    *,
    limit: int = BATCH,
) -> int:
    """Compute the credit of these conversions (or of up to `limit` that are due), replacing what was there.

    The same conversions, touches and rules give the same rows, bit for bit. Conversions that were deleted lose theirs.
    While a rule version is built beside the active one, credit that is due is computed for both, and what the active
    one has already for the other alone.

    Returns:
        How many conversions now have credit.
    """
    await turn_to_compute(session, tenant_id)  # no version takes another's place from here on
    state = await ensure_rules(session, runtime, tenant_id)
    ids = (
        await due_conversions(session, tenant_id, state.computed[-1], limit)
        if conversion_ids is None
        else sorted(set(conversion_ids))
    )
    done = 0
    lacking = bool(ids) and await must_be_asked_for(session, runtime, tenant_id)
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        if lacking:
            await _ask_for_components(session, runtime, tenant_id, some)
        done += await _batch(session, runtime, tenant_id, state, some, asked=conversion_ids is not None)
    return done


async def _ask_for_components(session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]) -> None:
    """A store's edges from before there were components get theirs where these conversions need them."""
    c = _conversion.c
    named = select(c.visitor_id, c.person_id, c.identifier).where(c.tenant_id == tenant_id, c.id == any_of(ids))
    rows = (await session.execute(named)).all()
    visitors = sorted({row.visitor_id for row in rows if row.visitor_id})
    people = {person_identifier(row.person_id) for row in rows if row.person_id}
    identifiers = sorted(people.union(row.identifier for row in rows if row.identifier))
    await ask_for(session, runtime, tenant_id, visitors, identifiers)


async def due_conversions(session: AsyncSession, tenant_id: str, rules: Rules, limit: int = BATCH) -> list[str]:
    """Ids of conversions without credit, and then of those with credit of an older version than this, up to a limit."""
    table = _conversion
    alive = select(table.c.id).where(table.c.tenant_id == tenant_id, table.c.deleted_at.is_(None))
    # Two questions rather than an OR, each in the order of its own index; mostly nothing is left for the second.
    version = table.c.attribution_version
    never = alive.where(version.is_(None)).order_by(table.c.id)
    before = alive.where(version < rules.version).order_by(version, table.c.id)
    ids: list[str] = []
    for due in (never, before):
        if len(ids) < limit:
            ids += (await session.execute(due.limit(limit - len(ids)))).scalars()
    return ids


async def _batch(
    session: AsyncSession, runtime: Runtime, tenant_id: str, state: RuleState, ids: Sequence[str], *, asked: bool
) -> int:
    table = _conversion
    # Locked in order of id, so that two workers at one conversion wait for each other rather than collide.
    locked = (
        select(table.c.id, table.c.deleted_at, table.c.lead_id, table.c.attribution_version)
        .where(table.c.tenant_id == tenant_id, table.c.id == any_of(ids))
        .order_by(table.c.id)
        .with_for_update(key_share=True)
    )
    rows = (await session.execute(locked)).all()
    alive = [row for row in rows if row.deleted_at is None]
    active, newest = state.active, state.computed[-1]
    due = [row for row in alive if asked or (row.attribution_version or 0) < active.version]
    whole = [row.id for row in due]
    # Another worker may have credited some by the active version since it was asked what is due: that stays.
    credited = {row.id for row in alive}.difference(whole)
    beside = sorted(credited) if newest is not active else []
    replaced = delete(_credit).where(_credit.c.tenant_id == tenant_id)
    gone = sorted(set(ids).difference(credited))
    await session.execute(replaced.where(_credit.c.conversion_id == any_of(gone)))
    if beside:
        held = (_credit.c.conversion_id == any_of(beside), _credit.c.rule_version == newest.version)
        await session.execute(replaced.where(*held))
    for rules in state.computed:
        if wanted := whole if rules is active else [row.id for row in alive]:
            await _insert(session, tenant_id, rules, wanted)
            if len(rules.models) > rules.built_in:
                await append_models(session, tenant_id, wanted, rules, hook_models(runtime))
    if beside:
        await stamp_attribution(session, tenant_id, beside, newest.version)
    if whole:
        await write_outcome(session, runtime, tenant_id, active, newest.version, whole)
        if leads := [row.id for row in due if row.lead_id is not None]:
            await tell_leads(session, runtime, tenant_id, leads)
    return len(alive)


async def write_outcome(
    session: AsyncSession, runtime: Runtime, tenant_id: str, rules: Rules, version: int, ids: Sequence[str]
) -> None:
    """Platform and campaign of these conversions by the active rules, as credited up to a version; and telling so."""
    values = {"ids": list(ids), "tenant": tenant_id, "days": rules.default_window_days}
    outcome = _OUTCOME.bindparams(**values, active=rules.version, version=version).subquery()
    await write_attribution(session, tenant_id, select(outcome))
    for start in range(0, len(ids), 500):
        await publish(session, runtime, tenant_id, "attribution.updated", {"ids": ids[start : start + 500]})


async def tell_leads(session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]) -> None:
    """Leads learn the campaign that brought them."""
    links = runtime.get(Links)
    if not links.has("lead"):
        return
    c = _conversion.c
    found = select(c.lead_id, c.ad_campaign_id).where(
        c.tenant_id == tenant_id, c.id == any_of(ids), c.lead_id.is_not(None), c.ad_campaign_id.is_not(None)
    )
    rows = [(row[0], row[1]) for row in await session.execute(found)]
    if rows:
        await write_back(session, links, tenant_id, "lead", "resolved_campaign_id", rows)


async def _insert(session: AsyncSession, tenant_id: str, rules: Rules, ids: Sequence[str]) -> None:
    options, values = await credit_question(session, tenant_id, rules)
    await session.execute(_statement(*options), {**values, "ids": "\n".join(ids)})


Options = tuple[tuple[int, ...], str, str | None, bool]
"""What the statement itself is made for: windows, direct rule, level of the fit, touches read beside."""


async def credit_question(session: AsyncSession, tenant_id: str, rules: Rules) -> tuple[Options, dict[str, Any]]:
    """What `credit_text` is to be made for, and the parameters without `ids`."""
    settings = rules.settings
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "version": rules.version,
        "half_life": settings.half_life_hours,
        "first": settings.position_first,
        "last": settings.position_last,
    }
    fit = None if rules.fit_id is None else await effects_of(session, tenant_id, rules.fit_id)
    beside = await reads_beside(session, tenant_id, rules.version)
    options = (rules.windows, settings.direct, fit and fit.level, beside)
    return options, values if fit is None else values | fit.values()


def credit_text(options: Options, *, stored: bool = True) -> str:
    """The statement that computes credit, and stores it or answers with it."""
    windows, direct, level, beside = options
    return credit_insert(
        conversion=_conversion.fullname,
        order_visit=_order_visit.fullname,
        component=_component.fullname,
        windows=windows,
        direct=direct,
        level=level,
        beside=beside,
        stored=stored,
    )


@lru_cache(maxsize=16)
def _statement(windows: tuple[int, ...], direct: str, level: str | None, beside: bool) -> TextClause:
    """Made once: to find the parameters in so long a text takes a millisecond."""
    return text(credit_text((windows, direct, level, beside)))
