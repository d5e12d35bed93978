"""Spend: one selectable over the linked daily ad insights and what was typed in or imported; and its upsert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Numeric,
    and_,
    cast,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from adplanning_plugin.insights.models import AdSpend
from adplanning_plugin.insights.periods import Period
from adplanning_plugin.insights.rates import NO_CURRENCY
from adplanning_plugin.kernel.errors import NotFound
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.kernel.settings import stale
from adplanning_plugin.links import Links

SPEND_COUNTS = ("impressions", "clicks", "leads", "platform_conversions")
BATCH = 1_000
own: Any = AdSpend.__table__


def spend_rows(links: Links, tenant_id: str, period: Period) -> FromClause:
    """Daily spend of the period, in the account's own days, zone and currency.

    Columns: day, platform, ad_campaign_id, ad_set_id, ad_id, spend (minor), currency, zone, impressions, clicks, leads,
    platform_conversions, platform_value (minor). Of a campaign's day there is one source: what a link provides wins
    over what was typed in; and one grain: rows of ad sets and ads win over a row of the whole campaign.
    """
    typed = select(
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
    ).where(own.c.tenant_id == tenant_id, own.c.day.between(period.first, period.last), ~_has_finer())
    if not links.has("ad_insight"):
        return typed.subquery("spend")
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
            func.upper(func.coalesce(insight.c.currency, account.c.currency, NO_CURRENCY)).label("currency"),
            account.c.zone,
            cast(insight.c.impressions, BigInteger).label("impressions"),
            cast(insight.c.clicks, BigInteger).label("clicks"),
            cast(insight.c.leads, BigInteger).label("leads"),
            cast(insight.c.platform_conversions, Numeric).label("platform_conversions"),
            insight.c.platform_value,
        )
        .select_from(
            insight.outerjoin(campaign, campaign.c.id == insight.c.ad_campaign_id).outerjoin(
                account, account.c.id == func.coalesce(insight.c.ad_account_id, campaign.c.ad_account_id)
            )
        )
        .where(insight.c.day.between(period.first, period.last))
    )
    return union_all(linked, typed.where(~_is_linked(links, tenant_id))).subquery("spend")


def _has_finer() -> ColumnElement[bool]:
    """Whether the typed-in row is of a whole campaign (or ad set) whose parts have rows of that day."""
    finer: Any = aliased(own, name="finer")
    same = [finer.c[name] == own.c[name] for name in ("tenant_id", "day", "platform", "ad_campaign_id")]
    of_campaign = and_(own.c.ad_set_id == "", own.c.ad_id == "", or_(finer.c.ad_set_id != "", finer.c.ad_id != ""))
    of_ad_set = and_(
        own.c.ad_set_id != "", own.c.ad_id == "", finer.c.ad_set_id == own.c.ad_set_id, finer.c.ad_id != ""
    )
    return select(literal(1)).select_from(finer).where(*same, or_(of_campaign, of_ad_set)).correlate(own).exists()


def _is_linked(links: Links, tenant_id: str) -> ColumnElement[bool]:
    """Whether a link provides the campaign's spend of that day."""
    insight = links.selectable("ad_insight", tenant_id)
    same = (insight.c.ad_campaign_id == own.c.ad_campaign_id, insight.c.day == own.c.day)
    return select(literal(1)).select_from(insight).where(*same).correlate(own).exists()


def superseded(links: Links, tenant_id: str, keys: Sequence[tuple[Any, ...]]) -> AnySelect:
    """How many of the typed-in rows (day, platform, campaign, ad set, ad) count nowhere, and why.

    Columns: linked (a link provides that day), finer (parts of it have rows of their own).
    """
    linked = _is_linked(links, tenant_id) if links.has("ad_insight") else literal(value=False)
    columns = (own.c.day, own.c.platform, own.c.ad_campaign_id, own.c.ad_set_id, own.c.ad_id)
    rows = (
        select(linked.label("linked"), _has_finer().label("finer"))
        .where(own.c.tenant_id == tenant_id, tuple_(*columns).in_(keys))
        .subquery("typed")
    )
    return select(
        func.count().filter(rows.c.linked).label("linked"),
        func.count().filter(~rows.c.linked, rows.c.finer).label("finer"),
    )


async def upsert_spend(session: AsyncSession, tenant_id: str, rows: Sequence[Mapping[str, Any]], source: str) -> int:
    """Store a day's spend; platforms restate, so the last statement of a (day, platform, campaign, set, ad) wins.

    Returns:
        How many rows are new or differ from what was there.
    """
    key = ("tenant_id", "day", "platform", "ad_campaign_id", "ad_set_id", "ad_id")
    changing = [column.name for column in own.columns if column.name not in {*key, "version", "updated_at"}]
    changed = 0
    for first in range(0, len(rows), BATCH):
        some = [{**row, "tenant_id": tenant_id, "source": source} for row in rows[first : first + BATCH]]
        statement = insert(AdSpend).values(some)
        new: Any = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=list(key),
            set_={**{name: new[name] for name in changing}, "version": own.c.version + 1, "updated_at": func.now()},
            where=tuple_(*(own.c[name] for name in changing)).is_distinct_from(
                tuple_(*(new[name] for name in changing))
            ),
        ).returning(literal(1))
        changed += len((await session.execute(statement)).all())
    return changed


async def delete_spend(
    session: AsyncSession, tenant_id: str, key: Mapping[str, Any], version: int | None = None
) -> None:
    """Delete the typed-in row of that day, platform, campaign, ad set and ad.

    Raises:
        NotFound: nothing was typed in for it; what a link provides is the store's own to correct.
        Conflict: it has been restated since that version.
    """
    mine = (own.c.tenant_id == tenant_id, *(own.c[name] == value for name, value in key.items()))
    current = (await session.execute(select(own.c.version).where(*mine).with_for_update())).scalar_one_or_none()
    if current is None:
        message = f"No spend was typed in for {key['ad_campaign_id']} on {key['day']}: see GET /ad-spend for what was."
        raise NotFound(message)
    if version is not None and version != current:
        raise stale(version, current)
    await session.execute(delete(AdSpend).where(*mine))
