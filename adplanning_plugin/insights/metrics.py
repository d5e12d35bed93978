"""Metrics: the sections this domain registers for the consolidated view (KPIs, ads, social content, lead pipeline)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.hookspecs import MetricsQuery, Section
from adplanning_plugin.insights.dashboard import overview
from adplanning_plugin.insights.figures import ratio
from adplanning_plugin.insights.lines import paying, wire
from adplanning_plugin.insights.names import names_of
from adplanning_plugin.insights.periods import Period
from adplanning_plugin.insights.roi import ask, report
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links, names_by_id
from adplanning_plugin.tracking import conversion_table as conversion

LEAD_STATUSES = ("new", "contacted", "qualified", "converted")
POST_STATUSES = ("posted", "scheduled", "draft", "failed")
TOP = 3


def _period(query: MetricsQuery) -> Period:
    return Period(first=query.first, last=query.last, zone=query.zone, start=query.start, end=query.end)


async def kpis(runtime: Runtime, session: AsyncSession, query: MetricsQuery) -> Mapping[str, Any]:
    """The six headline figures and those that belong beside them."""
    found = (await overview(session, runtime, runtime.tenant(query.tenant_id), _period(query))).body
    posts = await _count_posts(session, runtime.get(Links), query)
    return {
        **found["kpis"],
        "social_posts": posts.get("posted", 0),
        "change": found["change"],
        "coverage": found["coverage"],
    }


async def ad_performance(runtime: Runtime, session: AsyncSession, query: MetricsQuery) -> Mapping[str, Any] | None:
    """Spend, impressions, clicks, leads, CTR, ROAS, and the three campaigns that cost most."""
    links, tenant = runtime.get(Links), runtime.tenant(query.tenant_id)
    found = await report(session, links, await ask(session, tenant, _period(query)))
    top = sorted(paying(found.lines), key=lambda line: (-(line.spend or 0), line.id.key or ""))[:TOP]
    labels = await names_of(session, links, tenant.id, "campaign", top)
    total = wire(found.total, tenant.currency, labels)
    names = ("spend", "spend_minor", "currency", "impressions", "clicks", "leads", "ctr", "cpc")
    return {
        **{name: total[name] for name in names},
        "roas": ratio(found.total.paid_revenue, found.total.spend),
        "missing_rates": found.missing_rates,
        "top_campaigns": [wire(line, tenant.currency, labels) for line in top],
    }


async def social_content(runtime: Runtime, session: AsyncSession, query: MetricsQuery) -> Mapping[str, Any] | None:
    """Posts by status up to the period's end, and the latest ones with date and caption."""
    links = runtime.get(Links)
    if not links.has("social_post"):
        return None
    post = links.selectable("social_post", query.tenant_id)
    recent = (
        select(post.c.id, post.c.platform, post.c.caption, post.c.posted_at)
        .where(post.c.status == "posted", post.c.posted_at < query.end)
        .order_by(post.c.posted_at.desc(), post.c.id)
        .limit(5)
    )
    rows = await session.execute(recent)
    counts = await _count_posts(session, links, query)
    return {
        "by_status": {status: counts.get(status, 0) for status in POST_STATUSES},
        "recent": [
            {"id": key, "platform": platform, "caption": caption, "posted_at": rfc3339(at)}
            for key, platform, caption, at in rows
        ],
    }


async def _count_posts(session: AsyncSession, links: Links, query: MetricsQuery) -> dict[str, int]:
    if not links.has("social_post"):
        return {}
    post = links.selectable("social_post", query.tenant_id)
    # What is scheduled lies ahead: it is counted whenever it is due.
    at = func.coalesce(post.c.posted_at, post.c.created_at)
    counted = select(post.c.status, func.count()).where((at < query.end) | at.is_(None)).group_by(post.c.status)
    return {str(status): int(count) for status, count in await session.execute(counted)}


async def lead_pipeline(runtime: Runtime, session: AsyncSession, query: MetricsQuery) -> Mapping[str, Any] | None:
    """Leads of the period by status, their shares, and the campaigns that brought most of them."""
    links = runtime.get(Links)
    if not links.has("lead"):
        return None
    lead = links.selectable("lead", query.tenant_id)
    inside = (lead.c.created_at >= query.start, lead.c.created_at < query.end)
    counted = await session.execute(select(lead.c.status, func.count()).where(*inside).group_by(lead.c.status))
    counts: dict[str, int] = {}
    for status, count in counted:
        name = str(status or "new")
        counts[name] = counts.get(name, 0) + int(count)
    total = sum(counts.values())
    statuses: Sequence[str] = (*LEAD_STATUSES, *sorted(set(counts) - set(LEAD_STATUSES)))
    return {
        "total": total,
        "by_status": [
            {"status": status, "leads": counts.get(status, 0), "share": ratio(counts.get(status, 0), total)}
            for status in statuses
        ],
        "top_campaigns": await _campaigns_by_leads(session, links, query),
    }


async def _campaigns_by_leads(session: AsyncSession, links: Links, query: MetricsQuery) -> list[dict[str, Any]]:
    """By the campaign the host names on the lead, else the one that attribution resolved."""
    lead = links.selectable("lead", query.tenant_id)
    resolved = func.coalesce(lead.c.ad_campaign_id, conversion.c.ad_campaign_id)
    counted = (
        select(resolved.label("id"), func.count().label("leads"))
        .select_from(
            lead.outerjoin(
                conversion,
                (conversion.c.tenant_id == query.tenant_id)
                & (conversion.c.lead_id == lead.c.id)
                & (conversion.c.conversion_type == "lead_form_submission")
                & conversion.c.deleted_at.is_(None),
            )
        )
        .where(lead.c.created_at >= query.start, lead.c.created_at < query.end, resolved.is_not(None))
        .group_by(resolved)
        .order_by(func.count().desc(), resolved)
        .limit(5)
    )
    top = [(str(key), int(leads)) for key, leads in await session.execute(counted)]
    names = await names_by_id(session, links, query.tenant_id, "ad_campaign", [key for key, _ in top])
    return [{"ad_campaign_id": key, "name": names.get(key) or key, "leads": leads} for key, leads in top]


SECTIONS = (
    Section(key="kpis", title="Overview", compute=kpis, order=0, page="dashboard"),
    Section(key="ad_performance", title="Ad performance", compute=ad_performance, order=10, page="campaigns"),
    Section(key="social_content", title="Social content", compute=social_content, order=20),
    Section(key="lead_pipeline", title="Lead pipeline", compute=lead_pipeline, order=30, page="conversions"),
)
