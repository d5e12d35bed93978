"""Revenue: confirmed orders by day and currency, and the credit that touches earned of them; SQL only."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, func, literal, select

from adplanning_plugin.attribution import credit_table as credit
from adplanning_plugin.insights.periods import Period, local_day
from adplanning_plugin.tracking import conversion_table as conversion

Basis = Literal["order", "click"]
UNATTRIBUTED = "(unattributed)"
RENEWAL = "(renewal)"
OFFLINE = "(offline)"
NO_CAMPAIGN = "(no campaign)"


def revenue_conversions(tenant_id: str, period: Period | None) -> ColumnElement[bool]:
    """Which conversions are revenue of the period: confirmed, paid orders that are no test, by order date."""
    clauses = [conversion.c.tenant_id == tenant_id, conversion.c.is_revenue, conversion.c.deleted_at.is_(None)]
    if period is not None:
        clauses += [conversion.c.occurred_at >= period.start, conversion.c.occurred_at < period.end]
    return and_(*clauses)


def order_revenue(tenant_id: str, period: Period) -> FromClause:
    """Revenue by local day, currency and sales channel.

    Columns: day, currency, sales_channel, revenue, refunds, orders, new_customers, new_revenue, cost, costed_revenue
    (the net revenue of orders that carry a cost).
    """
    day = local_day(conversion.c.occurred_at, period.zone).label("day")
    net = conversion.c.value - conversion.c.refunded
    channel = func.coalesce(conversion.c.sales_channel, "online").label("sales_channel")
    return (
        select(
            day,
            conversion.c.currency,
            channel,
            func.sum(net).label("revenue"),
            func.sum(conversion.c.refunded).label("refunds"),
            func.count().label("orders"),
            func.count().filter(conversion.c.is_new_customer).label("new_customers"),
            func.coalesce(func.sum(net).filter(conversion.c.is_new_customer), 0).label("new_revenue"),
            func.sum(conversion.c.cost).label("cost"),
            func.coalesce(func.sum(net).filter(conversion.c.cost.is_not(None)), 0).label("costed_revenue"),
        )
        .where(revenue_conversions(tenant_id, period))
        .group_by(day, conversion.c.currency, channel)
        .subquery("order_revenue")
    )


def dimension(by: str) -> tuple[ColumnElement[Any], ...]:
    """The credit column (and those it belongs to) behind a dimension: campaign, ad_set, ad, channel, platform."""
    columns = {
        "campaign": (credit.c.ad_campaign_id,),
        "ad_set": (credit.c.ad_campaign_id, credit.c.ad_set_id),
        "ad": (credit.c.ad_campaign_id, credit.c.ad_set_id, credit.c.ad_id),
        "channel": (credit.c.channel,),
        "platform": (credit.c.platform,),
    }
    return columns[by]


def credited(tenant_id: str, period: Period, by: str, *, model: int, window_days: int, basis: Basis) -> Select[Any]:
    """Credit of revenue by dimension, local day and currency.

    Args:
        model: 1-based position of the model in the rule version's arrays.
        basis: `order` puts credit on the order's day, `click` on the touch's.
    Columns:
        the dimension's columns as `key`, `set_key`, `ad_key` (as far as there are); kind (touch, unattributed, renewal,
        offline); day; currency; revenue, refunds, new_revenue, cost, costed_revenue (minor, numeric); orders,
        new_customers (sums of weights).
    """
    at = credit.c.occurred_at if basis == "order" else credit.c.touched_at
    weight = credit.c.weights[model]
    refunds = credit.c.refunds[model]
    net = credit.c.amounts[model] - refunds
    kind = case(
        (conversion.c.sales_channel == "renewal", "renewal"),
        (conversion.c.sales_channel == "offline", "offline"),
        (credit.c.touch_id == "", "unattributed"),
        else_="touch",
    ).label("kind")
    names = ("key", "set_key", "ad_key")
    keys = [
        case((kind == "touch", column), else_=None).label(name)
        for column, name in zip(dimension(by), names, strict=False)
    ]
    day = local_day(at, period.zone).label("day")
    share = case((conversion.c.value > 0, net * 1.0 / conversion.c.value), else_=weight)
    return (
        select(
            *keys,
            kind,
            day,
            credit.c.currency,
            func.sum(net).label("revenue"),
            func.sum(refunds).label("refunds"),
            func.sum(weight).label("orders"),
            func.coalesce(func.sum(weight).filter(conversion.c.is_new_customer), 0).label("new_customers"),
            func.coalesce(func.sum(net).filter(conversion.c.is_new_customer), 0).label("new_revenue"),
            func.sum(conversion.c.cost * share).label("cost"),
            func.coalesce(func.sum(net).filter(conversion.c.cost.is_not(None)), 0).label("costed_revenue"),
        )
        .select_from(
            credit.join(
                conversion,
                and_(conversion.c.tenant_id == credit.c.tenant_id, conversion.c.id == credit.c.conversion_id),
            )
        )
        .where(
            credit.c.tenant_id == tenant_id,
            credit.c.window_days == window_days,
            at >= period.start,
            at < period.end,
            conversion.c.is_revenue,
            conversion.c.deleted_at.is_(None),
            (weight > 0) | (net != 0) if basis == "click" else literal(value=True),
        )
        .group_by(*keys, kind, day, credit.c.currency)
    )
