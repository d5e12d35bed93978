"""Spend: one selectable over the linked daily ad insights and what was typed in or imported; and its upsert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, FromClause, Numeric, Text, and_, cast, func, literal, null, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.models import AdSpend
from adplanning_plugin.insights.periods import Period
from adplanning_plugin.links import Links

COUNTS = ("impressions", "clicks", "leads")


def spend_rows(links: Links, tenant_id: str, period: Period) -> FromClause:
    """Daily spend of the period, in the account's own days, zone and currency.

    Columns: day, platform, ad_campaign_id, ad_set_id, ad_id, spend (minor), currency, zone, impressions, clicks, leads,
    platform_conversions, platform_value (minor), campaign_name. A campaign's typed-in day gives way to a linked one.
    """
    own = AdSpend.__table__
    manual = select(
        own.c.day,
        own.c.platform,
        own.c.ad_campaign_id,
        func.nullif(own.c.ad_set_id, "").label("ad_set_id"),
        func.nullif(own.c.ad_id, "").label("ad_id"),
        own.c.spend,
        own.c.currency,
        own.c.zone,
        own.c.impressions,
        own.c.clicks,
        own.c.leads,
        own.c.platform_conversions,
        own.c.platform_value,
        own.c.campaign_name,
    ).where(own.c.tenant_id == tenant_id, own.c.day.between(period.first, period.last))
    if not links.has("ad_insight"):
        return manual.subquery("spend")
    insight = links.selectable("ad_insight", tenant_id)
    campaign = links.selectable("ad_campaign", tenant_id)
    account = links.selectable("ad_account", tenant_id)
    linked = (
        select(
            insight.c.day,
            func.coalesce(campaign.c.platform, account.c.platform, "generic").label("platform"),
            insight.c.ad_campaign_id,
            insight.c.ad_set_id,
            insight.c.ad_id,
            insight.c.spend,
            func.upper(func.coalesce(insight.c.currency, account.c.currency)).label("currency"),
            account.c.zone,
            cast(insight.c.impressions, BigInteger).label("impressions"),
            cast(insight.c.clicks, BigInteger).label("clicks"),
            cast(insight.c.leads, BigInteger).label("leads"),
            cast(insight.c.platform_conversions, Numeric).label("platform_conversions"),
            insight.c.platform_value,
            cast(null(), Text).label("campaign_name"),
        )
        .select_from(
            insight.outerjoin(campaign, campaign.c.id == insight.c.ad_campaign_id).outerjoin(
                account, account.c.id == func.coalesce(insight.c.ad_account_id, campaign.c.ad_account_id)
            )
        )
        .where(insight.c.day.between(period.first, period.last))
    )
    known = select(insight.c.ad_campaign_id, insight.c.day).where(insight.c.day.between(period.first, period.last))
    manual = manual.where(tuple_(own.c.ad_campaign_id, own.c.day).not_in(known))
    return union_all(linked, manual).subquery("spend")


async def upsert_spend(session: AsyncSession, tenant_id: str, rows: Sequence[dict[str, Any]], source: str) -> int:
    """Store a day's spend; platforms restate, so the last statement of a (day, platform, campaign, set, ad) wins.

    Returns:
        How many rows are new or differ from what was there.
    """
    if not rows:
        return 0
    key = ("tenant_id", "day", "platform", "ad_campaign_id", "ad_set_id", "ad_id")
    statement = insert(AdSpend).values([{**row, "tenant_id": tenant_id, "source": source} for row in rows])
    changing = [column.name for column in AdSpend.__table__.columns if column.name not in {*key, "updated_at"}]
    statement = statement.on_conflict_do_update(
        index_elements=list(key),
        set_={**{name: statement.excluded[name] for name in changing}, "updated_at": func.now()},
        where=tuple_(*(AdSpend.__table__.c[name] for name in changing)).is_distinct_from(
            tuple_(*(statement.excluded[name] for name in changing))
        ),
    ).returning(literal(1))
    return len((await session.execute(statement)).all())


def known_campaign(links: Links, tenant_id: str, campaign_ids: Sequence[str]) -> FromClause:
    """Which of the ids are campaigns of this tenant, with name, platform and status."""
    campaign = links.selectable("ad_campaign", tenant_id)
    return select(campaign).where(and_(campaign.c.id.in_(campaign_ids))).subquery("known")
