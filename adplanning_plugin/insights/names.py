"""Names: what campaigns, ad sets and ads are called, looked up once for all lines of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.models import AdSpend
from adplanning_plugin.links import Links

if TYPE_CHECKING:
    from adplanning_plugin.insights.roi import Dimension, Line

LABELS = {
    "unattributed": "Unattributed",
    "renewal": "Renewals",
    "offline": "Offline orders",
    "total": "Total",
}


class Names:
    """Names by id for one report."""

    def __init__(self, by: Dimension, campaigns: dict[str, dict[str, Any]], parts: dict[str, str]) -> None:
        self._by = by
        self._campaigns = campaigns
        self._parts = parts

    def of(self, line: Line) -> dict[str, Any]:
        """The identifying fields of a line under the report's dimension."""
        if line.kind != "touch":
            return {"id": None, "name": LABELS[line.kind]}
        if self._by in {"channel", "platform"}:
            return {"id": line.key, "name": line.key or "Unassigned"}
        campaign = self._campaigns.get(line.key or "", {})
        named = campaign.get("name") or line.key
        facts: dict[str, Any] = {
            "ad_campaign_id": line.key,
            "campaign_name": named if line.key else "No campaign",
            "platform": campaign.get("platform"),
            "status": campaign.get("status"),
        }
        if self._by == "campaign":
            return {"id": line.key, "name": facts["campaign_name"], **facts}
        part = line.set_key if self._by == "ad_set" else line.ad_key
        facts |= {"ad_set_id": line.set_key} | ({"ad_id": line.ad_key} if self._by == "ad" else {})
        return {"id": part, "name": self._parts.get(part or "", part) or f"{facts['campaign_name']} (none)", **facts}


async def names_of(session: AsyncSession, links: Links, tenant_id: str, by: Dimension, lines: Sequence[Line]) -> Names:
    """Names of everything that the lines mention, from the links, else from what was typed in with the spend."""
    campaigns: dict[str, dict[str, Any]] = {}
    parts: dict[str, str] = {}
    if by in {"channel", "platform"}:
        return Names(by, campaigns, parts)
    wanted = sorted({line.key for line in lines if line.key})
    if wanted:
        typed = (
            select(AdSpend.ad_campaign_id, func.max(AdSpend.campaign_name), func.max(AdSpend.platform))
            .where(AdSpend.tenant_id == tenant_id, AdSpend.ad_campaign_id.in_(wanted))
            .group_by(AdSpend.ad_campaign_id)
        )
        for key, name, platform in await session.execute(typed):
            campaigns[key] = {"name": name, "platform": platform, "status": None}
        rows = links.selectable("ad_campaign", tenant_id)
        linked = select(rows.c.id, rows.c.name, rows.c.platform, rows.c.status).where(rows.c.id.in_(wanted))
        for key, name, platform, status in await session.execute(linked):
            campaigns[key] = {"name": name, "platform": platform, "status": status}
    if by != "campaign":
        ids = sorted({part for line in lines if (part := line.set_key if by == "ad_set" else line.ad_key)})
        rows = links.selectable("ad_set" if by == "ad_set" else "ad", tenant_id)
        found = await session.execute(select(rows.c.id, rows.c.name).where(rows.c.id.in_(ids)))
        parts = {key: name for key, name in found if name}
    return Names(by, campaigns, parts)
