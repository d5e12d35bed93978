"""Revenue: confirmed orders by day and currency, and the credit that touches earned of them; SQL only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Numeric, and_, case, cast, func, select

from adplanning_plugin.attribution import credit_table as credit
from adplanning_plugin.attribution import of_active
from adplanning_plugin.insights.periods import Period, local_day, rate_day
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.tracking import conversion_table as conversion

Basis = Literal["order", "click"]
REVENUE_MONEY = ("revenue", "refunds", "new_revenue", "cost", "costed_revenue")
CREDIT_MONEY = (*REVENUE_MONEY, "paid_revenue", "paid_new_revenue")
_net = conversion.c.value - conversion.c.refunded


def revenue_conversions(tenant_id: str, period: Period | None) -> ColumnElement[bool]:
    """Which conversions are revenue of the period: confirmed, paid orders that are no test, by order date."""
    clauses = [conversion.c.tenant_id == tenant_id, conversion.c.is_revenue, conversion.c.deleted_at.is_(None)]
    if period is not None:
        clauses += [conversion.c.occurred_at >= period.start, conversion.c.occurred_at < period.end]
    return and_(*clauses)


def order_revenue(tenant_id: str, period: Period, quote: str | None = None) -> AnySelect:
    """Revenue by local day and currency; days that no rate of `quote` is needed for are one, whose day is NULL.

    Columns: day, currency, revenue, refunds, orders, new_customers, new_revenue, cost, costed_revenue (the revenue of
    orders that carry a cost). A refund gives goods back in proportion: it takes the same share of the cost.
    """
    day = local_day(conversion.c.occurred_at, period.zone).label("day")
    if quote is not None:
        day = rate_day(day, conversion.c.currency, quote)
    kept = conversion.c.cost * case((conversion.c.value > 0, _net * 1.0 / conversion.c.value), else_=1)
    new = conversion.c.is_new_customer
    return (
        select(
            day,
            conversion.c.currency,
            func.sum(_net).label("revenue"),
            func.sum(conversion.c.refunded).label("refunds"),
            func.count().label("orders"),
            func.count().filter(new).label("new_customers"),
            func.coalesce(func.sum(_net).filter(new), 0).label("new_revenue"),
            func.sum(kept).label("cost"),
            func.coalesce(func.sum(_net).filter(conversion.c.cost.is_not(None)), 0).label("costed_revenue"),
        )
        .where(revenue_conversions(tenant_id, period))
        .group_by(day, conversion.c.currency)
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


def credit_rows(
    tenant_id: str,
    period: Period,
    by: str,
    *,
    model: int,
    window_days: int,
    basis: Basis,
    paying: ColumnElement[Any],
    quote: str | None = None,
    more: Sequence[ColumnElement[Any]] = (),
) -> AnySelect:
    """Credit of revenue row by row, as `credited` sums it.

    Args:
        more: further columns of the credit and its conversion.
    Columns:
        kind, the dimension's, day and currency as of `credited`; net, refunds, weight; cost; is_new; paid (of a touch
        of a `paying` campaign).
    """
    at = credit.c.occurred_at if basis == "order" else credit.c.touched_at
    weight, refunds = credit.c.weights[model], credit.c.refunds[model]
    net = credit.c.amounts[model] - refunds
    share = case((conversion.c.value > 0, net * 1.0 / conversion.c.value), else_=cast(weight, Numeric))
    kind = case(
        (conversion.c.sales_channel == "renewal", "renewal"),
        (conversion.c.sales_channel == "offline", "offline"),
        (credit.c.touch_id == "", "unattributed"),
        else_="touch",
    )
    day = local_day(at, period.zone).label("day")
    bounds = [at >= period.start, at < period.end]
    if basis == "click":
        # A touch comes before its order, and within the window: the index by the order's time serves this too.
        bounds.append(credit.c.occurred_at >= period.start)
        if window_days:
            bounds.append(credit.c.occurred_at < period.end + timedelta(days=window_days))
    return (
        select(
            kind.label("kind"),
            *(
                case((kind == "touch", column), else_=None).label(name)
                for column, name in zip(dimension(by), ("key", "set_key", "ad_key"), strict=False)
            ),
            (day if quote is None else rate_day(day, credit.c.currency, quote)),
            credit.c.currency,
            net.label("net"),
            refunds.label("refunds"),
            weight.label("weight"),
            (conversion.c.cost * share).label("cost"),
            conversion.c.is_new_customer.label("is_new"),
            and_(kind == "touch", credit.c.ad_campaign_id == func.any(paying)).label("paid"),
            *more,
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
            of_active(tenant_id),
            *bounds,
            revenue_conversions(tenant_id, period if basis == "order" else None),
            weight > 0,
        )
    )


def credited(
    tenant_id: str,
    period: Period,
    by: str,
    *,
    model: int,
    window_days: int,
    basis: Basis,
    paying: ColumnElement[Any],
    quote: str | None = None,
) -> AnySelect:
    """Credit of revenue by dimension, local day and currency.

    Args:
        model: 1-based position of the model in the rule version's arrays.
        basis: `order` puts credit on the order's day, `click` on the touch's.
        paying: the ids of the campaigns that cost something in the period, as ANY takes them.
        quote: days of this currency are one, whose day is NULL.
    Columns:
        kind (touch, unattributed, renewal, offline); the dimension's columns as `key`, `set_key`, `ad_key` (as far as
        there are); day; currency; the names of `CREDIT_MONEY` (minor, numeric), where `paid_` is what touches of
        `paying` campaigns earned; orders, new_customers, paid_orders (sums of weights).
    """
    one = credit_rows(
        tenant_id, period, by, model=model, window_days=window_days, basis=basis, paying=paying, quote=quote
    )
    rows = one.subquery("credit_rows").c
    keys = [rows[name] for name in ("kind", "key", "set_key", "ad_key") if name in rows]

    def part(measure: ColumnElement[Any], *conditions: ColumnElement[bool]) -> ColumnElement[Any]:
        return func.coalesce(func.sum(measure).filter(and_(*conditions)), 0)

    return select(
        *keys,
        rows.day,
        rows.currency,
        func.sum(rows.net).label("revenue"),
        func.sum(rows.refunds).label("refunds"),
        part(rows.net, rows.is_new).label("new_revenue"),
        func.sum(rows.cost).label("cost"),
        part(rows.net, rows.cost.is_not(None)).label("costed_revenue"),
        part(rows.net, rows.paid).label("paid_revenue"),
        part(rows.net, rows.paid, rows.is_new).label("paid_new_revenue"),
        func.sum(rows.weight).label("orders"),
        part(rows.weight, rows.is_new).label("new_customers"),
        part(rows.weight, rows.paid).label("paid_orders"),
    ).group_by(*keys, rows.day, rows.currency)
