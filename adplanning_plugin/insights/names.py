"""Names: what campaigns, ad sets and ads are called, looked up once for all lines of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.lines import Line, LineKey
from adplanning_plugin.insights.models import AdSpend
from adplanning_plugin.insights.roi import Dimension
from adplanning_plugin.links import Links, names_by_id

LABELS = {
    "unattributed": "Unattributed",
    "renewal": "Renewals",
    "offline": "Offline orders",
    "pending": "Credit not computed yet",
    "total": "Total",
}


class Names:
    """Names by id for one report."""

    def __init__(self, by: Dimension, campaigns: dict[str, dict[str, Any]], parts: dict[str, str]) -> None:
        self._by = by
        self._campaigns = campaigns
        self._parts = parts

    def of(self, line: LineKey) -> dict[str, Any]:
        """The identifying fields of a line under the report's dimension."""
        fields = self._fields(line)
        return fields if line.kind == "touch" else {**dict.fromkeys(fields), "name": LABELS[line.kind]}

    def _fields(self, line: LineKey) -> dict[str, Any]:
        if self._by in {"channel", "platform"}:
            return {"id": line.key, "name": line.key or "Unassigned"}
        campaign = self._campaigns.get(line.key or "", {})
        facts: dict[str, Any] = {
            "ad_campaign_id": line.key,
            "campaign_name": (campaign.get("name") or line.key) if line.key else "No campaign",
            "platform": campaign.get("platform"),
            "status": campaign.get("status"),
        }
        if self._by == "campaign":
            return {"id": line.key, "name": facts["campaign_name"], **facts}
        facts |= {"ad_set_id": line.set_key}
        part = line.set_key
        if self._by == "ad":
            facts, part = {**facts, "ad_id": line.ad_key}, line.ad_key
        none = f"{facts['campaign_name']} (no {self._by.replace('_', ' ')})"
        return {"id": part, "name": self._parts.get(part, part) if part else none, **facts}


async def names_of(session: AsyncSession, links: Links, tenant_id: str, by: Dimension, lines: Sequence[Line]) -> Names:
    """Names of everything that the lines mention, from the links, else from what was typed in with the spend."""
    campaigns: dict[str, dict[str, Any]] = {}
    parts: dict[str, str] = {}
    if by in {"channel", "platform"}:
        return Names(by, campaigns, parts)
    wanted = sorted({line.id.key for line in lines if line.id.key})
    if wanted:
        typed = (
            select(AdSpend.ad_campaign_id, func.max(AdSpend.campaign_name), func.max(AdSpend.platform))
            .where(AdSpend.tenant_id == tenant_id, AdSpend.ad_campaign_id.in_(wanted))
            .group_by(AdSpend.ad_campaign_id)
        )
        for key, name, platform in await session.execute(typed):
            campaigns[key] = {"name": name, "platform": platform, "status": None}
        rows = links.by_ids("ad_campaign", tenant_id, wanted)
        linked = select(rows.c.id, rows.c.name, rows.c.platform, rows.c.status)
        for key, name, platform, status in await session.execute(linked):
            campaigns[key] = {"name": name, "platform": platform, "status": status}
    if by != "campaign":
        ids = [line.id.set_key if by == "ad_set" else line.id.ad_key for line in lines]
        parts = await names_by_id(session, links, tenant_id, by, ids)
    return Names(by, campaigns, parts)
