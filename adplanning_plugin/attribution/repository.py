"""Repository: the SQL behind the attribution list, its statistics and the credit of single conversions. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, cast

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Select,
    Subquery,
    Table,
    and_,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.models import Credit, Touchpoint
from adplanning_plugin.attribution.versions import of_active
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import conversion_table

touchpoint = cast("Table", Touchpoint.__table__)
credit = cast("Table", Credit.__table__)
conversion = cast("Table", conversion_table)
COUNTED = ("confirmed", "unconfirmed")
"""Statuses of conversions that statistics count: not what a browser merely said, and nothing cancelled."""
GROUPS = ("campaign", "source", "medium", "channel", "platform")
KIND: ColumnElement[str] = case(
    (conversion.c.sales_channel.in_(("renewal", "offline")), conversion.c.sales_channel),
    (credit.c.touch_id == "", "unattributed"),
    else_="touch",
)
"""What a report calls credit: no visit earned a renewal or an order at a till, whatever its buyer looked at before."""


class AttributionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The list's filters; null means any."""

    platform: str | None = None
    channel: str | None = None
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    """A campaign's id, or its name as tagged."""
    is_resolved: bool | None = None
    resolution_method: str | None = None
    converted: bool | None = None
    website_id: str | None = None
    session_id: str | None = None
    visitor_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None


def attribution_rows(
    links: Links, tenant_id: str, wanted: AttributionFilter, model: int, window_days: int
) -> Select[Any]:
    """Touches with what they earned under one model (its position in the arrays) and window.

    Columns: the touch, conversions, weight, value, refunded, currency, place, touches, campaign_name.
    """
    c = credit.c
    earned = (
        select(
            func.count().filter(c.weights[model] > 0).label("conversions"),
            func.coalesce(func.sum(c.weights[model]), 0.0).label("weight"),
            func.coalesce(func.sum(c.amounts[model]), 0).label("value"),
            func.coalesce(func.sum(c.refunds[model]), 0).label("refunded"),
            case((func.min(c.currency) == func.max(c.currency), func.min(c.currency))).label("currency"),
            func.count(func.distinct(c.currency)).label("currencies"),
            _of_latest(c.position).label("place"),
            _of_latest(c.touches).label("touches"),
        )
        .where(
            c.tenant_id == tenant_id,
            c.touch_id == touchpoint.c.id,
            c.window_days == window_days,
            of_active(tenant_id),
        )
        .correlate(touchpoint)
        .lateral("earned")
    )
    campaign_name: ColumnElement[Any] = sql_cast(null(), touchpoint.c.campaign.type)
    source: Any = touchpoint.join(earned, literal(value=True))
    if links.has("ad_campaign"):
        campaigns = links.selectable("ad_campaign", tenant_id)
        source = source.outerjoin(campaigns, campaigns.c.id == touchpoint.c.ad_campaign_id)
        campaign_name = campaigns.c.name
    statement = select(
        touchpoint,
        earned.c.conversions,
        earned.c.weight,
        earned.c.value,
        earned.c.refunded,
        earned.c.currency,
        earned.c.currencies,
        earned.c.place,
        earned.c.touches.label("path_length"),
        campaign_name.label("campaign_name"),
    ).select_from(source)
    return statement.where(touchpoint.c.tenant_id == tenant_id, *_conditions(tenant_id, wanted, model, window_days))


def _of_latest(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The value in the latest conversion that the touch took part in."""
    return func.array_agg(aggregate_order_by(column, credit.c.occurred_at.desc(), credit.c.conversion_id))[1]


def _conditions(tenant_id: str, wanted: AttributionFilter, model: int, window_days: int) -> list[ColumnElement[bool]]:
    t = touchpoint.c
    found: list[ColumnElement[bool]] = [
        t[name] == value
        for name in ("channel", "is_resolved", "resolution_method", "website_id", "session_id", "visitor_id")
        if (value := getattr(wanted, name)) is not None
    ]
    # Kept as folded when the link was read: whoever asks for `Google` means `google`.
    tags = {name: getattr(wanted, name) for name in ("platform", "source", "medium")}
    found += [t[name] == tag.strip().casefold() for name, tag in tags.items() if tag is not None]
    if wanted.campaign is not None:
        found.append(or_(t.ad_campaign_id == wanted.campaign, t.campaign == wanted.campaign.strip().casefold()))
    if wanted.start is not None:
        found.append(t.occurred_at >= wanted.start)
    if wanted.end is not None:
        found.append(t.occurred_at < wanted.end)
    if wanted.converted is not None:
        c = credit.c
        earns = exists().where(
            c.tenant_id == tenant_id,
            c.touch_id == t.id,
            c.window_days == window_days,
            c.weights[model] > 0,
            of_active(tenant_id),
        )
        found.append(earns if wanted.converted else ~earns)
    return found


async def spend_of_campaigns(
    session: AsyncSession,
    links: Links,
    tenant_id: str,
    campaign_ids: Sequence[str] | None,
    days: tuple[date | None, date | None] = (None, None),
) -> dict[str, tuple[int, str]]:
    """(minor units, currency) by campaign, in the account's currency; a campaign that spent in several has none.

    Linked or imported spend of the first to the last day, each as its account's zone has it; spend that was typed in
    stands in the return reports.
    """
    if not links.has("ad_insight") or campaign_ids == []:
        return {}
    insight = links.selectable("ad_insight", tenant_id)
    currency: ColumnElement[Any] = insight.c.currency
    source: Any = insight
    if links.has("ad_account"):
        account = links.selectable("ad_account", tenant_id)
        source = insight.outerjoin(account, account.c.id == insight.c.ad_account_id)
        currency = func.coalesce(insight.c.currency, account.c.currency)
    statement = (
        select(insight.c.ad_campaign_id, func.sum(insight.c.spend), func.min(currency))
        .select_from(source)
        .group_by(insight.c.ad_campaign_id)
        .having(func.count(func.distinct(currency)) == 1)
    )
    if campaign_ids is not None:
        statement = statement.where(insight.c.ad_campaign_id.in_(campaign_ids))
    first, last = days
    if first is not None:
        statement = statement.where(insight.c.day >= first)
    if last is not None:
        statement = statement.where(insight.c.day <= last)
    return {row[0]: (int(row[1]), row[2]) for row in await session.execute(statement)}


class StatsFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversions statistics count; null means any."""

    start: datetime | None = None
    end: datetime | None = None
    conversion_type: str | None = None
    website_id: str | None = None
    is_revenue: bool | None = None
    by_click: bool = False
    """The period is that of the touches, whenever their conversions came."""


def stats_rows(
    links: Links, tenant_id: str, wanted: StatsFilter, group_by: str, model: int, window_days: int
) -> Select[Any]:
    """Credit by one of `GROUPS` and currency, by the conversion's date; what is no touch's has a null key.

    Columns: key, name, kind (touch, unattributed, renewal, offline), currency, conversions, value, refunded, touches.
    """
    c = credit.c
    source, key, conditions = credited(tenant_id, wanted, group_by, window_days)
    statement = select(
        key.label("key"),
        func.min(case((KIND == "touch", c.ad_campaign_id))).label("ad_campaign_id"),
        KIND.label("kind"),
        c.currency,
        sql_cast(func.sum(c.weights[model]), Float).label("conversions"),
        sql_cast(func.sum(c.amounts[model]), BigInteger).label("value"),
        sql_cast(func.sum(c.refunds[model]), BigInteger).label("refunded"),
        func.count(func.distinct(c.touch_id)).filter(KIND == "touch", c.weights[model] > 0).label("touches"),
    ).select_from(source)
    grouped = statement.where(*conditions).group_by("key", "kind", c.currency).having(func.sum(c.weights[model]) > 0)
    rows = named(links, tenant_id, grouped.subquery("credited"), group_by)
    line = rows.selected_columns
    return rows.order_by(line.value.desc(), line.conversions.desc(), line.key, line.currency)


def credited(
    tenant_id: str, wanted: StatsFilter, group_by: str, window_days: int
) -> tuple[Any, ColumnElement[Any], list[ColumnElement[bool]]]:
    """What statistics of credit read: the joined tables, the key that a group has, and the conditions."""
    c, t = credit.c, touchpoint.c
    source: Any = credit.join(
        conversion, and_(conversion.c.tenant_id == c.tenant_id, conversion.c.id == c.conversion_id)
    )
    source = source.outerjoin(touchpoint, and_(t.tenant_id == c.tenant_id, t.id == c.touch_id))
    key: ColumnElement[Any] = {
        "campaign": func.coalesce(c.ad_campaign_id, t.campaign),
        "source": t.source,
        "medium": t.medium,
        "channel": c.channel,
        "platform": c.platform,
    }[group_by]
    key = case((KIND == "touch", key))
    conditions = [
        c.tenant_id == tenant_id,
        c.window_days == window_days,
        of_active(tenant_id),
        conversion.c.deleted_at.is_(None),
        conversion.c.status.in_(COUNTED),
    ]
    at = c.touched_at if wanted.by_click else c.occurred_at
    if wanted.start is not None:
        conditions += [at >= wanted.start, c.occurred_at >= wanted.start]
    if wanted.end is not None:
        conditions.append(at < wanted.end)
    if wanted.is_revenue is not None:
        conditions.append(conversion.c.is_revenue.is_(wanted.is_revenue))
    if wanted.conversion_type is not None:
        conditions.append(conversion.c.conversion_type == wanted.conversion_type)
    if wanted.website_id is not None:
        conditions.append(conversion.c.website_id == wanted.website_id)
    return source, key, conditions


def named(links: Links, tenant_id: str, rows: Subquery, group_by: str) -> Select[Any]:
    """Grouped lines with the name of the campaign that a key is the id of."""
    name: ColumnElement[Any] = sql_cast(null(), touchpoint.c.campaign.type)
    outer: Any = rows
    if group_by == "campaign" and links.has("ad_campaign"):
        campaigns = links.selectable("ad_campaign", tenant_id)
        outer, name = rows.outerjoin(campaigns, campaigns.c.id == rows.c.key), campaigns.c.name
    return select(rows, name.label("name")).select_from(outer)


def touches_by_source(tenant_id: str, start: datetime, end: datetime, model: int, window_days: int) -> AnySelect:
    """Touches of a period by source, most first.

    Columns: source, attributions (touches), converted (of them, those with credit), conversions (the weights' sum).
    """
    c, t = credit.c, touchpoint.c
    earned = (
        select(c.touch_id, func.sum(c.weights[model]).label("weight"))
        .select_from(
            credit.join(conversion, and_(conversion.c.tenant_id == c.tenant_id, conversion.c.id == c.conversion_id))
        )
        .where(
            c.tenant_id == tenant_id,
            c.window_days == window_days,
            of_active(tenant_id),
            # A conversion comes after its touch.
            c.occurred_at >= start,
            c.touched_at >= start,
            c.touched_at < end,
            c.weights[model] > 0,
            conversion.c.deleted_at.is_(None),
            conversion.c.status.in_(COUNTED),
        )
        .group_by(c.touch_id)
        .subquery("earned")
    )
    return (
        select(
            t.source,
            func.count().label("attributions"),
            func.count(earned.c.touch_id).label("converted"),
            sql_cast(func.coalesce(func.sum(earned.c.weight), 0), Float).label("conversions"),
        )
        .select_from(touchpoint.outerjoin(earned, earned.c.touch_id == t.id))
        .where(t.tenant_id == tenant_id, t.occurred_at >= start, t.occurred_at < end)
        .group_by(t.source)
        .order_by(func.count().desc(), t.source)
    )


def credit_of_conversions(tenant_id: str, conversion_ids: Sequence[str], window_days: int) -> Select[Any]:
    """Credit rows of some conversions in one window with what their touches were, oldest touch first."""
    c, t = credit.c, touchpoint.c
    return (
        select(credit, t.source, t.medium, t.campaign, t.resolution_method)
        .select_from(credit.outerjoin(touchpoint, and_(t.tenant_id == c.tenant_id, t.id == c.touch_id)))
        .where(
            c.tenant_id == tenant_id,
            c.conversion_id.in_(conversion_ids),
            c.window_days == window_days,
            of_active(tenant_id),
        )
        .order_by(c.conversion_id, c.position, c.touch_id)
    )


def conversions_of_order(tenant_id: str, order_id: str) -> Select[Any]:
    """Ids of an order's conversions."""
    c = conversion.c
    return select(c.id).where(c.tenant_id == tenant_id, c.order_id == order_id, c.deleted_at.is_(None)).order_by(c.id)
