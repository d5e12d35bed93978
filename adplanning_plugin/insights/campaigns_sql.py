"""Campaign queries: a campaign's credit by model, its touches and its orders. SQL only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Double, Integer, and_, case, column, func, literal, not_, select
from sqlalchemy import cast as sql_cast

from adplanning_plugin.attribution import credit_table as credit
from adplanning_plugin.attribution import of_active
from adplanning_plugin.attribution import touchpoint_table as touchpoint
from adplanning_plugin.insights.periods import local_day
from adplanning_plugin.insights.revenue import revenue_conversions
from adplanning_plugin.insights.roi import Question
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.tracking import conversion_table as conversion

WITHOUT_TOUCH = ("renewal", "offline")
"""Sales channels whose orders no touch is credited with in reports."""


def _of_campaign(question: Question, campaign_id: str) -> list[ColumnElement[bool]]:
    """The credit rows that a report counts for the campaign, joined to their conversions."""
    period = question.period
    at = credit.c.occurred_at if question.basis == "order" else credit.c.touched_at
    bounds: list[ColumnElement[bool]] = [at >= period.start, at < period.end]
    if question.basis == "click":
        bounds.append(credit.c.occurred_at >= period.start)
        if question.window_days:
            bounds.append(credit.c.occurred_at < period.end + timedelta(days=question.window_days))
    return [
        credit.c.tenant_id == question.tenant_id,
        credit.c.window_days == question.window_days,
        of_active(question.tenant_id),
        credit.c.ad_campaign_id == campaign_id,
        *bounds,
        revenue_conversions(question.tenant_id, period if question.basis == "order" else None),
        not_(func.coalesce(conversion.c.sales_channel, "online").in_(WITHOUT_TOUCH)),
    ]


def _credit_and_conversion() -> Any:
    same = and_(conversion.c.tenant_id == credit.c.tenant_id, conversion.c.id == credit.c.conversion_id)
    return credit.join(conversion, same)


def credit_by_model(question: Question, campaign_id: str) -> AnySelect:
    """The campaign's credit by every model at once.

    Columns: position (of the model, from 1), day, currency, revenue and refunds (minor), orders (sums of weights).
    """
    at = credit.c.occurred_at if question.basis == "order" else credit.c.touched_at
    each = func.unnest(credit.c.weights, credit.c.amounts, credit.c.refunds).table_valued(
        column("weight", Double), column("amount", BigInteger), column("refund", BigInteger), with_ordinality="position"
    )
    rows = each.render_derived(name="each_model").lateral()
    position = sql_cast(rows.c.position, Integer).label("position")
    day = local_day(at, question.period.zone).label("day")
    return (
        select(
            position,
            day,
            credit.c.currency,
            func.sum(rows.c.amount - rows.c.refund).label("revenue"),
            func.sum(rows.c.refund).label("refunds"),
            func.sum(rows.c.weight).label("orders"),
        )
        .select_from(_credit_and_conversion().join(rows, literal(value=True)))
        .where(*_of_campaign(question, campaign_id), rows.c.weight > 0)
        .group_by(position, day, credit.c.currency)
    )


def campaign_orders(question: Question, campaign_id: str) -> AnySelect:
    """The orders that the campaign is credited with under the question's model and window, one row each.

    Columns: conversion_id, order_id, occurred_at, value, refunded, net, currency, is_new_customer, weight,
    credited (net, minor), touches (of the campaign), path_touches (of all), first_click_at, last_click_at.
    """
    model = question.model_position
    grouped = (
        select(
            credit.c.conversion_id,
            conversion.c.order_id,
            conversion.c.occurred_at,
            conversion.c.value,
            conversion.c.refunded,
            (conversion.c.value - conversion.c.refunded).label("net"),
            conversion.c.currency,
            conversion.c.is_new_customer,
            conversion.c.visitor_id,
            conversion.c.session_id,
            func.sum(credit.c.weights[model]).label("weight"),
            sql_cast(func.sum(credit.c.amounts[model] - credit.c.refunds[model]), BigInteger).label("credited"),
            func.count().label("touches"),
            func.max(credit.c.touches).label("path_touches"),
            func.min(credit.c.touched_at).label("first_click_at"),
            func.max(credit.c.touched_at).label("last_click_at"),
        )
        .select_from(_credit_and_conversion())
        .where(*_of_campaign(question, campaign_id), credit.c.weights[model] > 0)
        .group_by(credit.c.conversion_id, *(conversion.c[name] for name in _ORDER))
        .subquery("campaign_orders")
    )
    return select(grouped)


_ORDER = (
    "order_id",
    "occurred_at",
    "value",
    "refunded",
    "currency",
    "is_new_customer",
    "visitor_id",
    "session_id",
)


def campaign_touches(question: Question, campaign_id: str) -> AnySelect:
    """The campaign's touches of the period with what each earned, whenever its orders came.

    Columns: the touch; orders (with credit), weight, revenue (net, minor), currency (null where orders are of several).
    """
    model, c = question.model_position, credit.c
    earned = (
        select(
            func.count().label("orders"),
            func.coalesce(func.sum(c.weights[model]), 0.0).label("weight"),
            sql_cast(func.coalesce(func.sum(c.amounts[model] - c.refunds[model]), 0), BigInteger).label("revenue"),
            case((func.min(c.currency) == func.max(c.currency), func.min(c.currency))).label("currency"),
        )
        .select_from(_credit_and_conversion())
        .where(
            c.tenant_id == question.tenant_id,
            c.touch_id == touchpoint.c.id,
            c.window_days == question.window_days,
            of_active(question.tenant_id),
            c.weights[model] > 0,
            revenue_conversions(question.tenant_id, None),
            not_(func.coalesce(conversion.c.sales_channel, "online").in_(WITHOUT_TOUCH)),
        )
        .correlate(touchpoint)
        .lateral("earned")
    )
    return (
        select(touchpoint, earned.c.orders, earned.c.weight, earned.c.revenue, earned.c.currency)
        .select_from(touchpoint.join(earned, literal(value=True)))
        .where(
            touchpoint.c.tenant_id == question.tenant_id,
            touchpoint.c.ad_campaign_id == campaign_id,
            touchpoint.c.occurred_at >= question.period.start,
            touchpoint.c.occurred_at < question.period.end,
        )
    )
