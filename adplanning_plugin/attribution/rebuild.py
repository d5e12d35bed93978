"""Rebuild: a rule version that was built beside the active one takes its place, and the rows of older ones go.

Each step is a transaction of its own that leaves the store right, so whoever is cut off is followed by whoever comes
next. What is computed is not decided here: `crediting` computes for every version that is due.
"""

from __future__ import annotations

from typing import Any, Literal, cast

from sqlalchemy import CursorResult, Update, func, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.classing import classing_of
from adplanning_plugin.attribution.crediting import BATCH, due_conversions, tell_leads, write_outcome
from adplanning_plugin.attribution.models import RuleVersion
from adplanning_plugin.attribution.reclassify import apply_classes, classify_all, drop_classes
from adplanning_plugin.attribution.rules import Rules, RuleState, rule_state
from adplanning_plugin.attribution.turns import turn_to_change
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.runtime import Runtime

PURGED = 20_000
"""Rows of older versions that one transaction deletes."""
ACTIVATED = "attribution.rules_activated"
Step = Literal["applied", "classified", "activated", "due", "purged", "nothing"]

# Conversions whose platform or campaign is another by the new version, which is not active yet.
_MOVED = text(
    """
    SELECT c.id FROM adplanning.conversion c
    LEFT JOIN (
      SELECT DISTINCT ON (conversion_id) conversion_id, platform, ad_campaign_id, ad_set_id, ad_id
      FROM adplanning.credit
      WHERE tenant_id = :tenant AND rule_version = :version AND window_days = :days AND touch_id <> ''
      ORDER BY conversion_id, (channel = 'Direct'), position DESC
    ) t ON t.conversion_id = c.id
    WHERE c.tenant_id = :tenant AND c.deleted_at IS NULL AND c.attribution_version IS NOT NULL
      AND NOT c.campaign_assigned
      AND (c.platform, c.ad_campaign_id, c.ad_set_id, c.ad_id)
          IS DISTINCT FROM (t.platform, t.ad_campaign_id, t.ad_set_id, t.ad_id)
    ORDER BY c.id
    """
)
_OLDER = text(
    """
    SELECT r.version FROM adplanning.rule_version r
    WHERE r.tenant_id = :tenant AND r.superseded_at IS NOT NULL AND EXISTS (
      SELECT FROM adplanning.credit c WHERE c.tenant_id = :tenant AND c.rule_version = r.version)
    ORDER BY r.version LIMIT 1
    """
)
_PURGE = text(
    """
    DELETE FROM adplanning.credit WHERE tenant_id = :tenant AND ctid = ANY(ARRAY(
      SELECT ctid FROM adplanning.credit WHERE tenant_id = :tenant AND rule_version = :version LIMIT :most))
    """
)


async def advance_rebuild(session: AsyncSession, runtime: Runtime, tenant_id: str) -> Step:
    """The next step, where all credit that was due is computed: read the touches anew, activate, apply, clear away.

    `due` says that credit came due meanwhile; `nothing`, that no step is left.
    """
    state = await rule_state(session, tenant_id)
    if await apply_classes(session, tenant_id, state.active.version):
        return "applied"
    if state.building is not None and not state.is_classified:
        await _classify(session, tenant_id, state.active, state.building)
        return "classified"
    if state.building is not None:
        return await _activate(session, runtime, tenant_id)
    cleared = await purge_older(session, tenant_id) or await drop_classes(session, tenant_id, state)
    return "purged" if cleared else "nothing"


async def _classify(session: AsyncSession, tenant_id: str, active: Rules, building: Rules) -> None:
    """Read every touch by the new rules; one that is written later is read by both as it comes."""
    await turn_to_change(session, tenant_id)
    classing = classing_of(building.settings)
    if classing != classing_of(active.settings):
        await classify_all(session, tenant_id, building.version, classing)
    await session.execute(_of(tenant_id, building).values(classified_at=func.now()))


async def _activate(session: AsyncSession, runtime: Runtime, tenant_id: str) -> Step:
    """The swap: reports read the new version from the commit on."""
    await turn_to_change(session, tenant_id)  # nobody computes for the old version meanwhile
    state = await rule_state(session, tenant_id)
    building = state.building
    if building is None or not state.is_classified or await due_conversions(session, tenant_id, building, 1):
        return "due"
    await session.execute(_of(tenant_id, state.active).values(superseded_at=func.now()))
    await session.execute(_of(tenant_id, building).values(activated_at=func.now()))
    if _moves_outcomes(state, building):
        values = {"tenant": tenant_id, "version": building.version, "days": building.default_window_days}
        moved = list((await session.execute(_MOVED, values)).scalars())
        for start in range(0, len(moved), BATCH):
            some = moved[start : start + BATCH]
            await write_outcome(session, runtime, tenant_id, building, building.version, some)
            await tell_leads(session, runtime, tenant_id, some)
    data = {"version": building.version, "replaced": state.active.version}
    await publish(session, runtime, tenant_id, ACTIVATED, data)
    return "activated"


def _moves_outcomes(state: RuleState, building: Rules) -> bool:
    """Whether a conversion's own campaign may differ: it is the last touch's that is not direct, in one window."""
    before, after = state.active.settings, building.settings
    same_window = before.default_window_days == after.default_window_days
    return not same_window or classing_of(before) != classing_of(after)


async def purge_older(session: AsyncSession, tenant_id: str, most: int = PURGED) -> int:
    """Delete some rows of a version that another took the place of; returns how many."""
    version = (await session.execute(_OLDER, {"tenant": tenant_id})).scalar_one_or_none()
    if version is None:
        return 0
    values = {"tenant": tenant_id, "version": version, "most": most}
    return cast("CursorResult[Any]", await session.execute(_PURGE, values)).rowcount


def _of(tenant_id: str, rules: Rules) -> Update:
    return update(RuleVersion).where(RuleVersion.tenant_id == tenant_id, RuleVersion.version == rules.version)
