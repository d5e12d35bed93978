"""Landings: reads where sessions came from, out of tracked events or linked sessions. It stores nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Row, Table, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.recovered import with_recovered
from adplanning_plugin.attribution.touchpoints import Landing
from adplanning_plugin.identity import erased_as
from adplanning_plugin.kernel.landing import UTM_FIELDS, fold, host_of, parse_landing
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import DEVICES, agent_of, event_table, is_bot

_event = cast("Table", event_table)
_HOST = "lower(substring({column} FROM '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)'))"
_REFERRER_HOST, _OWN_HOST = _HOST.format(column="e.referrer"), _HOST.format(column="e.url")

# Sessions that the new events begin, begin earlier, or give another source.
_SESSIONS = text(
    f"""
    SELECT e.session_id, min(e.occurred_at) - interval '2 days' AS since,
           max(e.occurred_at) + interval '2 days' AS until
    FROM {_event.fullname} e
    WHERE e.tenant_id = :tenant AND e.xid >= :low AND e.xid < :high
      AND e.session_id IS NOT NULL AND e.visitor_id IS NOT NULL AND e.source <> 'host'
      AND ((e.utm IS NOT NULL OR e.click_ids IS NOT NULL
            OR (e.referrer IS NOT NULL AND {_REFERRER_HOST} IS DISTINCT FROM {_OWN_HOST}))
           OR NOT EXISTS (SELECT 1 FROM adplanning.touchpoint t WHERE t.tenant_id = :tenant
                          AND t.session_id = e.session_id AND t.occurred_at <= e.occurred_at))
    GROUP BY 1 ORDER BY 1
    """  # noqa: S608 - names of our own; every value is a parameter
)
_LANDINGS = text(
    f"""
    SELECT * FROM (
      SELECT e.session_id, e.id, e.visitor_id, e.occurred_at, e.website_id, e.utm, e.click_ids, e.path, e.referrer,
             e.device, e.browser,
             {_REFERRER_HOST} AS referrer_host, {_OWN_HOST} AS own_host,
             row_number() OVER (PARTITION BY e.session_id ORDER BY e.occurred_at, e.id) AS n
      FROM {_event.fullname} e
      WHERE e.tenant_id = :tenant AND e.session_id = ANY(CAST(:sessions AS text[])) AND e.visitor_id IS NOT NULL
        AND e.source <> 'host' AND e.occurred_at BETWEEN :since AND :until
    ) e
    WHERE n = 1 OR utm IS NOT NULL OR click_ids IS NOT NULL
       OR (referrer IS NOT NULL AND referrer_host IS DISTINCT FROM own_host)
    ORDER BY session_id, occurred_at, id
    """  # noqa: S608 - names of our own; every value is a parameter
)


class Span(NamedTuple):
    """A session, and the time around it: a visit is never longer, and few partitions are looked into."""

    session_id: str
    since: datetime
    until: datetime


async def own_sessions(session: AsyncSession, tenant_id: str, low_xid: int, high_xid: int) -> list[Span]:
    """Sessions whose touches may differ after the events that these transactions wrote."""
    values = {"tenant": tenant_id, "low": low_xid, "high": high_xid}
    return [Span(*row) for row in await session.execute(_SESSIONS, values)]


async def own_landings(session: AsyncSession, tenant_id: str, spans: Sequence[Span]) -> list[Landing]:
    """The landings of tracked sessions: their first event, and every one that names a source."""
    values = {
        "tenant": tenant_id,
        "sessions": [span.session_id for span in spans],
        "since": min(span.since for span in spans),
        "until": max(span.until for span in spans),
    }
    rows = await session.execute(_LANDINGS, values)
    return [
        Landing(
            session_id=row.session_id,
            key=row.id,
            visitor_id=row.visitor_id,
            occurred_at=row.occurred_at,
            website_id=row.website_id,
            utm=row.utm,
            click_ids=row.click_ids,
            referrer_host=row.referrer_host,
            own_host=row.own_host,
            path=row.path,
            device=row.device,
            browser=row.browser,
            begins=row.n == 1,
        )
        for row in rows
    ]


async def host_landings(
    session: AsyncSession, runtime: Runtime, tenant_id: str, session_ids: Sequence[str]
) -> list[Landing]:
    """The landings of linked sessions, one each, of people only; utm columns win over what the landing URL says.

    Sessions of people who were erased since have none.

    A session that names no source takes the landing that tracking recovered for its visitor after consent.
    """
    links = runtime.get(Links)
    rows = links.by_ids("analytics_session", tenant_id, session_ids)
    domains = await _domains(session, links, tenant_id)
    gone = erased_as(
        runtime,
        tenant_id,
        rows.c.started_at,
        literal("person:").op("||")(rows.c.person_id),
        literal("visitor:").op("||")(func.coalesce(rows.c.visitor_id, literal("session:").op("||")(rows.c.id))),
    )
    found = (await session.execute(select(rows).where(gone.is_(None)).order_by(rows.c.id))).all()
    # A store that keeps no user agent has judged for itself.
    people = [_host_landing(row, domains) for row in found if not (row.user_agent and is_bot(row.user_agent))]
    return await with_recovered(session, runtime, tenant_id, people)


def _host_landing(row: Row[Any], domains: Mapping[str, str]) -> Landing:
    said = parse_landing(row.landing_url, row.referrer)
    given = {name: folded for name in UTM_FIELDS if (folded := fold(getattr(row, f"utm_{name}") or ""))}
    agent = agent_of(row.user_agent or "")
    named = (row.device or "").strip().lower()
    return Landing(
        session_id=row.id,
        key=row.id,
        visitor_id=row.visitor_id or f"session:{row.id}",
        person_id=row.person_id,
        occurred_at=row.started_at,
        website_id=row.website_id,
        utm={**said.utm, **given} or None,
        click_ids=said.click_ids or None,
        referrer_host=said.referrer_host or _bare_host(row.referrer),
        own_host=said.host or domains.get(row.website_id or ""),
        path=said.path if row.landing_url else None,
        device=named if named in DEVICES else agent.device,
        browser=agent.browser,
    )


def _bare_host(referrer: str | None) -> str | None:
    """Some stores keep only the referring host."""
    return host_of(f"//{referrer.strip()}") if referrer and "." in referrer and "://" not in referrer else None


async def _domains(session: AsyncSession, links: Links, tenant_id: str) -> dict[str, str]:
    if not (links.has("website") and links.provides("website", "domain")):
        return {}
    site = links.selectable("website", tenant_id)
    rows = await session.execute(select(site.c.id, site.c.domain).where(site.c.domain.is_not(None)))
    return {row.id: host_of(row.domain if "//" in row.domain else f"//{row.domain}") or "" for row in rows}
