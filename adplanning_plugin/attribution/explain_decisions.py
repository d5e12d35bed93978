"""Decisions behind a touch's campaign: which approval in the inbox or assignment by hand made it so, by whom, when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.alias_models import IGNORED
from adplanning_plugin.attribution.resolvers import Named
from adplanning_plugin.kernel.days import rfc3339

# The latest decision about a name that was not taken back is the one that holds.
_HOLDING = text(
    """
    SELECT DISTINCT ON (a.platform, a.website_id, n.name) n.name, a.platform, a.website_id, a.id, a.kind, a.score,
           a.margin, a.decided_by, a.decided_at
    FROM adplanning.campaign_alias a CROSS JOIN LATERAL unnest(a.names) AS n(name)
    WHERE a.tenant_id = :tenant AND a.reverted_at IS NULL AND a.names && CAST(:names AS text[])
    ORDER BY a.platform, a.website_id, n.name, a.decided_at DESC, a.id DESC
    """
)
_BY_HAND = text(
    """
    SELECT DISTINCT ON (object_id) object_id, id, actor_id, at FROM adplanning.audit_entry
    WHERE tenant_id = :tenant AND object_type = 'attribution' AND object_id = ANY(CAST(:ids AS text[]))
      AND action IN ('attribution.assigned', 'attribution.created')
    ORDER BY object_id, at DESC, id DESC
    """
)


async def decisions_of(session: AsyncSession, tenant_id: str, touches: Sequence[Row[Any]]) -> dict[str, dict[str, Any]]:
    """By touch: `kind` (suggestion: the inbox's own was approved; alias: another campaign was chosen there; ignored;
    manual), the id of the decision or of the entry that says who assigned it, by whom and when."""
    named = {
        row.id: (Named(key=row.campaign_key, campaign=row.campaign).name, row.platform, row.website_id)
        for row in touches
        if row.resolution_reason in {"alias", IGNORED}
    }
    found: dict[str, dict[str, Any]] = {}
    if named:
        asked = {"tenant": tenant_id, "names": sorted({name for name, *_ in named.values() if name})}
        holding = {(row.name, row.platform, row.website_id): row for row in await session.execute(_HOLDING, asked)}
        for touch_id, place in named.items():
            if (row := holding.get(place)) is not None:
                chosen = "alias" if row.score is None else "suggestion"
                found[touch_id] = {
                    **_decision(IGNORED if row.kind == IGNORED else chosen, row.id, row.decided_by, row.decided_at),
                    "score": row.score,
                    "margin": row.margin,
                }
    by_hand = [row.id for row in touches if row.resolution_method == "manual"]
    if by_hand:
        for row in await session.execute(_BY_HAND, {"tenant": tenant_id, "ids": by_hand}):
            found[row.object_id] = _decision("manual", row.id, row.actor_id, row.at)
    return found


def _decision(kind: str, decision_id: str, by: str, at: Any) -> dict[str, Any]:
    return {"kind": kind, "id": decision_id, "by": by, "at": rfc3339(at)}
