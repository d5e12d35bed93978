"""Alias rows: the SQL behind decisions about names, and which of them holds for a name. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import msgspec
from sqlalchemy import BigInteger, Float, Row, Table, and_, func, or_, select, text
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.alias_models import IGNORED, CampaignAlias
from adplanning_plugin.attribution.repository import KIND, conversion, credit
from adplanning_plugin.attribution.resolvers import Alias
from adplanning_plugin.attribution.versions import of_active
from adplanning_plugin.kernel.database import any_of

_alias = cast("Table", CampaignAlias.__table__)

# Of several decisions about a name the latest holds; one that was taken back never does.
_DECIDED = text(
    """
    SELECT DISTINCT ON (a.platform, a.website_id, n.name) n.name, a.platform, a.website_id, a.kind, a.ad_campaign_id
    FROM adplanning.campaign_alias a CROSS JOIN LATERAL unnest(a.names) AS n(name)
    WHERE a.tenant_id = :tenant AND a.reverted_at IS NULL
    ORDER BY a.platform, a.website_id, n.name, a.decided_at DESC, a.id DESC
    """
)
# Touches that a decision may concern, by what they name: exact matches and assignments by hand are none of them.
_WRITTEN = text(
    """
    SELECT DISTINCT campaign, campaign_key FROM adplanning.touchpoint
    WHERE tenant_id = :tenant AND (resolution_method = 'unresolved' OR resolution_method = 'fuzzy_name_match')
      AND platform = :platform AND website_id IS NOT DISTINCT FROM CAST(:website AS text)
    """
)
_NAMING = text(
    """
    SELECT t.id FROM adplanning.touchpoint t
    JOIN unnest(CAST(:campaigns AS text[]), CAST(:keys AS text[])) AS w(campaign, campaign_key)
      ON w.campaign IS NOT DISTINCT FROM t.campaign AND w.campaign_key IS NOT DISTINCT FROM t.campaign_key
    WHERE t.tenant_id = :tenant AND (t.resolution_method = 'unresolved' OR t.resolution_method = 'fuzzy_name_match')
      AND t.platform = :platform AND t.website_id IS NOT DISTINCT FROM CAST(:website AS text)
    ORDER BY t.id
    """
)


class Held(msgspec.Struct, frozen=True):
    """Credit of one campaign (None: of none) for orders that count as revenue, in one currency; money after refunds."""

    campaign_id: str | None
    currency: str
    orders: float
    net: int


async def decided_names(session: AsyncSession, tenant_id: str) -> list[Alias]:
    """The decision that holds, for each name about which there is one."""
    return [
        Alias(
            name=row.name,
            platform=row.platform,
            website_id=row.website_id,
            campaign_id=None if row.kind == IGNORED else row.ad_campaign_id,
        )
        for row in await session.execute(_DECIDED, {"tenant": tenant_id})
    ]


async def written_names(
    session: AsyncSession, tenant_id: str, platform: str, website_id: str | None
) -> Sequence[Row[Any]]:
    """(campaign, campaign_key) as the touches of a platform and website carry them that a decision may concern."""
    values = {"tenant": tenant_id, "platform": platform, "website": website_id}
    return (await session.execute(_WRITTEN, values)).all()


async def touches_naming(
    session: AsyncSession,
    tenant_id: str,
    platform: str,
    website_id: str | None,
    written: Sequence[tuple[str | None, str | None]],
) -> list[str]:
    """Ids of the touches that a decision may concern and that are written so, in order."""
    values = {
        "tenant": tenant_id,
        "platform": platform,
        "website": website_id,
        "campaigns": [campaign for campaign, _ in written],
        "keys": [key for _, key in written],
    }
    return list((await session.execute(_NAMING, values)).scalars())


async def held_by_touches(
    session: AsyncSession, tenant_id: str, touch_ids: Sequence[str], model: int, window_days: int
) -> list[Held]:
    """The credit that these touches hold, by the campaign that it names."""
    return await _held(session, tenant_id, model, window_days, credit.c.touch_id == any_of(touch_ids))


async def held_by_campaigns(
    session: AsyncSession, tenant_id: str, campaign_ids: Sequence[str], model: int, window_days: int
) -> list[Held]:
    """All the credit of these campaigns."""
    return await _held(session, tenant_id, model, window_days, credit.c.ad_campaign_id.in_(campaign_ids))


async def _held(session: AsyncSession, tenant_id: str, model: int, window_days: int, which: Any) -> list[Held]:
    c = credit.c
    joined = credit.join(conversion, and_(conversion.c.tenant_id == c.tenant_id, conversion.c.id == c.conversion_id))
    statement = (
        select(
            c.ad_campaign_id,
            c.currency,
            sql_cast(func.sum(c.weights[model]), Float),
            sql_cast(func.sum(c.amounts[model] - c.refunds[model]), BigInteger),
        )
        .select_from(joined)
        .where(c.tenant_id == tenant_id, of_active(tenant_id), c.window_days == window_days, which)
        .where(conversion.c.deleted_at.is_(None), conversion.c.is_revenue, KIND == "touch")
        .group_by(c.ad_campaign_id, c.currency)
    )
    return [Held(*row) for row in await session.execute(statement)]


async def get_alias(
    session: AsyncSession, tenant_id: str, alias_id: str, *, lock: bool = False
) -> CampaignAlias | None:
    """One decision."""
    statement = select(CampaignAlias).where(CampaignAlias.tenant_id == tenant_id, CampaignAlias.id == alias_id)
    statement = statement.with_for_update() if lock else statement
    return (await session.execute(statement.execution_options(populate_existing=True))).scalar_one_or_none()


async def unfinished_aliases(session: AsyncSession, tenant_id: str) -> list[str]:
    """Decisions whose effect on history is not complete, the oldest first."""
    a = _alias.c
    complete, undone = a.outcome["complete"].as_boolean(), a.revert_outcome["complete"].as_boolean()
    pending = or_(
        and_(a.reverted_at.is_(None), complete.is_not(True)), and_(a.reverted_at.is_not(None), undone.is_not(True))
    )
    statement = select(a.id).where(a.tenant_id == tenant_id, pending).order_by(a.decided_at, a.id)
    return list((await session.execute(statement)).scalars())
