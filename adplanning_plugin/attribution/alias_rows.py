"""Alias rows: the SQL behind decisions about names, and which of them holds for a name. Decides nothing."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.alias_models import IGNORED
from adplanning_plugin.attribution.resolvers import Alias

# Of several decisions about a name the latest holds; one that was taken back never does.
_DECIDED = text(
    """
    SELECT DISTINCT ON (a.platform, a.website_id, n.name) n.name, a.platform, a.website_id, a.kind, a.ad_campaign_id
    FROM adplanning.campaign_alias a CROSS JOIN LATERAL unnest(a.names) AS n(name)
    WHERE a.tenant_id = :tenant AND a.reverted_at IS NULL
    ORDER BY a.platform, a.website_id, n.name, a.decided_at DESC, a.id DESC
    """
)


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
