"""Aliases: deciding what names mean, and taking a decision back. History follows in the background; see realias."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.alias_models import CAMPAIGN, IGNORED, CampaignAlias
from adplanning_plugin.attribution.alias_rows import get_alias
from adplanning_plugin.attribution.inbox import Group
from adplanning_plugin.attribution.realias import ALIAS_JOB
from adplanning_plugin.attribution.similarity import Nearest
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import Conflict, FieldError, Invalid, NotFound
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.jobs import run_job_now
from adplanning_plugin.kernel.runtime import Runtime


async def decide(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    group: Group,
    *,
    campaign_id: str | None,
    names: Sequence[str] | None,
    nearest: Nearest | None,
    actor: str,
) -> CampaignAlias:
    """Remember that the group's names (or these of them) mean a campaign, or with None that they mean none.

    Raises:
        Invalid: a name that is not the group's.
    """
    chosen = sorted(set(names)) if names is not None else sorted(group.names)
    strange = [name for name in chosen if name not in group.names]
    if strange or not chosen:
        known = ", ".join(repr(name) for name in sorted(group.names)[:5])
        message = (
            f"names: {strange[0]!r} is not of this group; it has {known}." if strange else "names: give at least one."
        )
        raise Invalid(FieldError("names", "not_of_the_group", message))
    is_best = nearest is not None and nearest.best.campaign_id == campaign_id
    alias = CampaignAlias(
        tenant_id=tenant_id,
        id=new_id("alias"),
        kind=IGNORED if campaign_id is None else CAMPAIGN,
        names=chosen,
        platform=group.platform,
        website_id=group.website_id,
        ad_campaign_id=campaign_id,
        score=nearest.best.score if nearest and is_best else None,
        margin=round(nearest.margin, 6) if nearest and is_best else None,
        decided_by=actor,
        decided_at=datetime.now(UTC),
    )
    alias.work_id = await run_job_now(session, runtime, tenant_id, ALIAS_JOB, {"alias_id": alias.id})
    session.add(alias)
    await session.flush()
    return alias


async def take_back(
    session: AsyncSession, runtime: Runtime, tenant_id: str, alias_id: str, actor: str
) -> CampaignAlias:
    """Undo a decision: its names mean again what they meant before.

    Raises:
        NotFound: no such decision.
        Conflict: it was taken back before.
    """
    alias = await alias_of(session, tenant_id, alias_id, lock=True)
    if alias.reverted_at is not None:
        message = f"This decision was taken back on {rfc3339(alias.reverted_at)} already; decide anew in the inbox."
        raise Conflict(message, code="already_reverted")
    alias.reverted_at, alias.reverted_by = datetime.now(UTC), actor
    alias.revert_work_id = await run_job_now(session, runtime, tenant_id, ALIAS_JOB, {"alias_id": alias.id})
    await session.flush()
    return alias


async def alias_of(session: AsyncSession, tenant_id: str, alias_id: str, *, lock: bool = False) -> CampaignAlias:
    """One decision, or `NotFound`."""
    alias = await get_alias(session, tenant_id, alias_id, lock=lock)
    if alias is None:
        raise NotFound(f"There is no decision {alias_id!r}: see the list of aliases.")
    return alias
