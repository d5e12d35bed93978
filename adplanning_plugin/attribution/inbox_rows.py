"""Inbox rows: the SQL behind the inbox: names that are open, matched by likeness or ignored. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.versions import ACTIVE_VERSION

State = Literal["open", "matched", "ignored"]
MOST_NAMES = 5_000
"""Distinct names that are looked at, those with the most touches; more than any store ever mistyped."""

_STATE: dict[str, str] = {
    "open": "t.resolution_method = 'unresolved' AND t.resolution_reason IS DISTINCT FROM 'ignored'",
    "matched": "t.resolution_method = 'fuzzy_name_match' AND t.resolution_reason = 'similar'",
    "ignored": "t.resolution_method = 'unresolved' AND t.resolution_reason = 'ignored'",
}
# Counted by source first: few rows are left then, and no sorting of touches.
_NAMES = """
    SELECT campaign, campaign_key, platform, website_id, min(ad_campaign_id) AS ad_campaign_id,
           sum(touches)::bigint AS touches, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
           bool_or(is_ambiguous) AS is_ambiguous, array_agg(DISTINCT ARRAY[source, medium]) AS sources
    FROM (
      SELECT t.campaign, t.campaign_key, t.platform, t.website_id, t.source, t.medium,
             min(t.ad_campaign_id) AS ad_campaign_id, count(*) AS touches, min(t.occurred_at) AS first_seen,
             max(t.occurred_at) AS last_seen, bool_or(t.resolution_reason = 'ambiguous') AS is_ambiguous
      FROM adplanning.touchpoint t
      WHERE t.tenant_id = :tenant AND {state} AND coalesce(t.campaign, t.campaign_key) IS NOT NULL
      GROUP BY 1, 2, 3, 4, 5, 6
    ) by_source
    GROUP BY 1, 2, 3, 4 ORDER BY 6 DESC, 1, 2, 3, 4 LIMIT :most
"""
# What orders in which the touches had a share are worth, each counted once for a group, and what of that the
# touches hold: as much moves when they find their campaign.
_STAKES = """
    SELECT taken.place, v.currency, count(*) AS orders, sum(v.value - v.refunded)::bigint AS value,
           sum(taken.credit)::bigint AS credit
    FROM (
      SELECT w.place, c.conversion_id, sum(c.amounts[:model] - c.refunds[:model]) AS credit
      FROM unnest(CAST(:campaigns AS text[]), CAST(:keys AS text[]), CAST(:platforms AS text[]),
                  CAST(:websites AS text[]), CAST(:places AS bigint[]))
             AS w(campaign, campaign_key, platform, website_id, place)
      JOIN adplanning.touchpoint t
        ON t.platform = w.platform AND coalesce(t.campaign, '') = coalesce(w.campaign, '')
       AND coalesce(t.campaign_key, '') = coalesce(w.campaign_key, '')
       AND coalesce(t.website_id, '') = coalesce(w.website_id, '')
      JOIN adplanning.credit c ON c.tenant_id = :tenant AND c.touch_id = t.id AND c.window_days = :days
       AND c.rule_version = {active}
      WHERE t.tenant_id = :tenant AND {state}
      GROUP BY 1, 2
    ) taken
    JOIN adplanning.conversion v ON v.tenant_id = :tenant AND v.id = taken.conversion_id
    WHERE v.deleted_at IS NULL AND v.is_revenue
      AND (v.sales_channel IS NULL OR v.sales_channel NOT IN ('renewal', 'offline'))
    GROUP BY 1, 2
"""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A name as touches carry it, with what is known of them."""

    campaign: str | None
    campaign_key: str | None
    platform: str
    website_id: str | None
    ad_campaign_id: str | None
    touches: int
    first_seen: datetime
    last_seen: datetime
    is_ambiguous: bool
    sources: tuple[tuple[str, str], ...]


async def names_in(session: AsyncSession, tenant_id: str, state: State) -> list[Written]:
    """The names of a state, those of most touches first."""
    statement = text(_NAMES.format(state=_STATE[state]))
    rows = await session.execute(statement, {"tenant": tenant_id, "most": MOST_NAMES})
    return [_written(row) for row in rows]


async def stakes(
    session: AsyncSession, tenant_id: str, state: State, places: Sequence[tuple[Written, int]], model: int, days: int
) -> Sequence[Row[Any]]:
    """(place, currency, orders, value, credit) of the groups that the names are put in."""
    values = {
        "tenant": tenant_id,
        "campaigns": [name.campaign for name, _ in places],
        "keys": [name.campaign_key for name, _ in places],
        "platforms": [name.platform for name, _ in places],
        "websites": [name.website_id for name, _ in places],
        "places": [place for _, place in places],
        "model": model,
        "days": days,
    }
    statement = text(_STAKES.format(state=_STATE[state], active=ACTIVE_VERSION))
    return (await session.execute(statement, values)).all()


def _written(row: Row[Any]) -> Written:
    return Written(
        campaign=row.campaign,
        campaign_key=row.campaign_key,
        platform=row.platform,
        website_id=row.website_id,
        ad_campaign_id=row.ad_campaign_id,
        touches=row.touches,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        is_ambiguous=bool(row.is_ambiguous),
        sources=tuple((source, medium) for source, medium in row.sources),
    )
