"""Realias: a decision about names, applied to all touches that carry them, and the credit that moves. Decides none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.alias_models import CampaignAlias
from adplanning_plugin.attribution.alias_rows import (
    Held,
    get_alias,
    held_by_campaigns,
    held_by_touches,
    touches_naming,
    unfinished_aliases,
    written_names,
)
from adplanning_plugin.attribution.crediting import compute_credit
from adplanning_plugin.attribution.resolution import load_catalogue, resolve_touches
from adplanning_plugin.attribution.resolvers import Named
from adplanning_plugin.attribution.rules import current_rules, model_position
from adplanning_plugin.attribution.turns import turn_to_change
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.jobs import Every, Job, JobContext

ALIAS_JOB = "apply-campaign-aliases"
EVERY_SECONDS = 600
"""How often what a killed run left is taken up again."""
PAGE = 2_000
"""Touches of one transaction, whose credit is computed in it too."""


async def apply_aliases(context: JobContext) -> None:
    """Apply the decision that the payload names, or every one that is not complete.

    Applying is resolving: touches that carry the names go through the whole chain again, so doing it twice changes
    nothing, and once a decision is taken back they are what they would be without it. A page's touches and the credit
    that names them change together.
    """
    async with context.transaction() as session:
        named = context.payload.get("alias_id")
        ids = [str(named)] if named else await unfinished_aliases(session, context.tenant_id)
    for alias_id in ids:
        await _apply(context, alias_id)


async def _apply(context: JobContext, alias_id: str) -> None:
    tenant_id = context.tenant_id
    async with context.transaction() as session:
        alias = await get_alias(session, tenant_id, alias_id, lock=True)
        if alias is None or _outcome(alias).get("complete"):
            return
        undoes = alias.reverted_at is not None
        place = (tenant_id, alias.platform, alias.website_id)
        names = frozenset(alias.names)
        written = [
            (row.campaign, row.campaign_key)
            for row in await written_names(session, *place)
            if Named(key=row.campaign_key, campaign=row.campaign).name in names
        ]
        touches = await touches_naming(session, *place, written) if written else []
        catalogue = await load_catalogue(session, context.runtime, tenant_id)
    for start in range(0, len(touches), PAGE):
        async with context.transaction() as session:
            alias = await get_alias(session, tenant_id, alias_id, lock=True)
            if alias is None or (alias.reverted_at is not None) != undoes:
                return  # taken back meanwhile: the run that undoes it sees to these touches too
            await turn_to_change(session, tenant_id)
            page = touches[start : start + PAGE]
            rules = await current_rules(session, tenant_id)
            measure = (model_position(rules, rules.default_model), rules.default_window_days)
            before = await held_by_touches(session, tenant_id, page, *measure)
            done = await resolve_touches(session, context.runtime, tenant_id, page, catalogue, credit=compute_credit)
            after = await held_by_touches(session, tenant_id, page, *measure)
            _store(alias, _moved(_outcome(alias), before, after, len(done.changed)))
        await context.progress(start + len(page), len(touches))
    async with context.transaction() as session:
        alias = await get_alias(session, tenant_id, alias_id, lock=True)
        if alias is not None and (alias.reverted_at is not None) == undoes:
            _store(alias, await _complete(session, tenant_id, _outcome(alias)))
    await context.progress(len(touches), len(touches))


def _outcome(alias: CampaignAlias) -> dict[str, Any]:
    kept = alias.outcome if alias.reverted_at is None else alias.revert_outcome
    return kept or {"complete": False, "touches": 0, "changes": []}


def _store(alias: CampaignAlias, outcome: dict[str, Any]) -> None:
    if alias.reverted_at is None:
        alias.outcome = outcome
    else:
        alias.revert_outcome = outcome


def _moved(outcome: dict[str, Any], before: Sequence[Held], after: Sequence[Held], changed: int) -> dict[str, Any]:
    """The outcome so far with what one page moved: a line for each campaign and currency, what it gained or lost."""
    lines = {(line["ad_campaign_id"], line["currency"]): dict(line) for line in outcome["changes"]}
    for sign, rows in ((-1, before), (1, after)):
        for held in rows:
            empty = {"ad_campaign_id": held.campaign_id, "currency": held.currency, "orders": 0.0, "net_minor": 0}
            line = lines.setdefault((held.campaign_id, held.currency), empty)
            line["orders"] = round(line["orders"] + sign * held.orders, 9)
            line["net_minor"] += sign * held.net
    return {**outcome, "touches": outcome["touches"] + changed, "changes": list(lines.values())}


async def _complete(session: AsyncSession, tenant_id: str, outcome: dict[str, Any]) -> dict[str, Any]:
    """The outcome with what each campaign has now, and would have without the change."""
    rules = await current_rules(session, tenant_id)
    changes = [line for line in outcome["changes"] if line["net_minor"] or abs(line["orders"]) > 1e-6]
    campaigns = sorted({line["ad_campaign_id"] for line in changes if line["ad_campaign_id"]})
    measure = (model_position(rules, rules.default_model), rules.default_window_days)
    held = await held_by_campaigns(session, tenant_id, campaigns, *measure) if campaigns else []
    now = {(each.campaign_id, each.currency): each.net for each in held}
    for line in changes:
        if line["ad_campaign_id"] is not None:
            line["after_minor"] = now.get((line["ad_campaign_id"], line["currency"]), 0)
            line["before_minor"] = line["after_minor"] - line["net_minor"]
    return {
        **outcome,
        "complete": True,
        "changes": sorted(
            changes, key=lambda line: (-line["net_minor"], line["ad_campaign_id"] or "", line["currency"])
        ),
        "model": rules.default_model,
        "window_days": rules.default_window_days,
        "finished_at": rfc3339(datetime.now(UTC)),
    }


JOBS = (Job(name=ALIAS_JOB, schedule=Every(seconds=EVERY_SECONDS), run=apply_aliases, catch_up="skip"),)
