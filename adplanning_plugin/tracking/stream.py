"""Stream: turns tracked events into sessions and visitors, set-wise, behind the kernel's watermark. No credit."""

from __future__ import annotations

from sqlalchemy import Subquery, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import see_visitors
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.watermark import StreamReader
from adplanning_plugin.tracking.models import Event

# Events of a visitor without a session (a headless client that keeps none): one joins the visit it lies within
# 30 minutes of, else those that follow each other within 30 minutes become a session named after the first of them.
_ADOPT = text("""
WITH loose AS (
    SELECT occurred_at, id, visitor_id FROM adplanning.event
    WHERE tenant_id = :tenant AND xid >= :low AND xid < :high AND session_id IS NULL AND visitor_id IS NOT NULL
), gaps AS (
    SELECT *, occurred_at - lag(occurred_at) OVER w > interval '30 minutes' AS begins FROM loose
    WINDOW w AS (PARTITION BY visitor_id ORDER BY occurred_at, id)
), islands AS (
    SELECT *, count(*) FILTER (WHERE begins) OVER w AS island FROM gaps
    WINDOW w AS (PARTITION BY visitor_id ORDER BY occurred_at, id)
), spans AS (
    SELECT visitor_id, island, min(occurred_at) AS first_at, max(occurred_at) AS last_at,
           'ses_' || substr(md5(visitor_id || (array_agg(id ORDER BY occurred_at, id))[1]), 1, 26) AS fresh
    FROM islands GROUP BY visitor_id, island
), named AS (
    SELECT spans.*, coalesce((
        SELECT s.id FROM adplanning.session s
        WHERE s.tenant_id = :tenant AND s.visitor_id = spans.visitor_id
          AND s.started_at <= spans.last_at + interval '30 minutes'
          AND s.ended_at >= spans.first_at - interval '30 minutes'
        ORDER BY s.started_at, s.id LIMIT 1
    ), fresh) AS session_id FROM spans
)
UPDATE adplanning.event e SET session_id = named.session_id
FROM islands JOIN named USING (visitor_id, island)
WHERE e.tenant_id = :tenant AND e.occurred_at = islands.occurred_at AND e.id = islands.id
""")

# Whole sessions are summed again, so that a repeated or a late event changes nothing but what it says.
_SESSIONS = text("""
WITH touched AS (
    SELECT session_id, min(occurred_at) - interval '2 days' AS since, max(occurred_at) + interval '2 days' AS until
    FROM adplanning.event
    WHERE tenant_id = :tenant AND xid >= :low AND xid < :high AND session_id IS NOT NULL AND visitor_id IS NOT NULL
    GROUP BY session_id
), seen AS (
    SELECT e.session_id,
           (array_agg(e.visitor_id ORDER BY e.occurred_at, e.id))[1] AS visitor_id,
           (array_agg(e.website_id ORDER BY e.occurred_at, e.id))[1] AS website_id,
           min(e.occurred_at) AS started_at, max(e.occurred_at) AS ended_at,
           (array_agg(e.url ORDER BY e.occurred_at, e.id) FILTER (WHERE e.url IS NOT NULL))[1] AS landing_url,
           (array_agg(e.referrer ORDER BY e.occurred_at, e.id))[1] AS referrer,
           (array_agg(e.utm ORDER BY e.occurred_at, e.id))[1] AS utm,
           (array_agg(e.click_ids ORDER BY e.occurred_at, e.id))[1] AS click_ids,
           count(*) AS events, count(*) FILTER (WHERE e.name = 'page_view') AS page_views
    FROM touched JOIN adplanning.event e ON e.tenant_id = :tenant AND e.session_id = touched.session_id
     AND e.occurred_at BETWEEN touched.since AND touched.until
    WHERE e.visitor_id IS NOT NULL
    GROUP BY e.session_id
)
INSERT INTO adplanning.session AS s (tenant_id, id, visitor_id, website_id, started_at, ended_at, landing_url, referrer,
                                     utm, click_ids, events, page_views)
SELECT :tenant, session_id, visitor_id, website_id, started_at, ended_at, landing_url, referrer, utm, click_ids,
       events, page_views
FROM seen ORDER BY session_id
ON CONFLICT (tenant_id, id) DO UPDATE SET
    started_at = least(s.started_at, excluded.started_at), ended_at = greatest(s.ended_at, excluded.ended_at),
    landing_url = CASE WHEN excluded.started_at <= s.started_at THEN excluded.landing_url ELSE s.landing_url END,
    referrer = CASE WHEN excluded.started_at <= s.started_at THEN excluded.referrer ELSE s.referrer END,
    utm = CASE WHEN excluded.started_at <= s.started_at THEN excluded.utm ELSE s.utm END,
    click_ids = CASE WHEN excluded.started_at <= s.started_at THEN excluded.click_ids ELSE s.click_ids END,
    events = greatest(s.events, excluded.events), page_views = greatest(s.page_views, excluded.page_views)
""")


async def advance_sessions(runtime: Runtime, session: AsyncSession, tenant_id: str, low_xid: int, high_xid: int) -> int:
    """Read the events written by transactions low ≤ xid < high; returns how many sessions they touched."""
    del runtime
    bounds = {"tenant": tenant_id, "low": low_xid, "high": high_xid}
    await session.execute(_ADOPT, bounds)
    touched = await session.execute(_SESSIONS, bounds)
    await see_visitors(session, tenant_id, _seen(tenant_id, low_xid, high_xid))
    return int(getattr(touched, "rowcount", 0))


def _seen(tenant_id: str, low_xid: int, high_xid: int) -> Subquery:
    event = Event.__table__.c
    return (
        select(
            event.visitor_id,
            func.min(event.occurred_at).label("first_seen_at"),
            func.max(event.occurred_at).label("last_seen_at"),
        )
        .where(event.tenant_id == tenant_id, event.xid >= low_xid, event.xid < high_xid, event.visitor_id.is_not(None))
        .group_by(event.visitor_id)
        .subquery("seen")
    )


SESSION_READER = StreamReader(id="sessions", advance=advance_sessions)
