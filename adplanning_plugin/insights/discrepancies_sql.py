"""Discrepancy queries: what platforms claim, and our orders counted step by step the way a platform does. SQL only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Date, Integer, Numeric, Text, column, func, select, text

from adplanning_plugin.attribution import ACTIVE_VERSION
from adplanning_plugin.insights.roi import Question
from adplanning_plugin.insights.spend import spend_rows
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.links import Links

OURS, REFUNDS, UNCOUNTED, SHARED, WINDOW, DATE_BASIS, ZONE, CURRENCY = range(8)
"""The steps: each counts as the one before, but for one thing that a platform does otherwise."""


class Claimant(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign, and how its platform counts."""

    id: str
    platform: str
    zone: str
    """The ad account's, or else the store's."""
    window_days: int
    """How long after a click the platform claims an order; 0 is for ever."""


def claims(links: Links, question: Question) -> AnySelect:
    """What platforms claim, by campaign: key, day, currency, platform_value, platform_conversions, rows."""
    rows = spend_rows(links, question.tenant_id, question.period)
    return (
        select(
            rows.c.ad_campaign_id.label("key"),
            rows.c.day,
            rows.c.currency,
            func.sum(rows.c.platform_value).label("platform_value"),
            func.sum(rows.c.platform_conversions).label("platform_conversions"),
            func.count().label("rows"),
        )
        .where(rows.c.ad_campaign_id.is_not(None))
        .group_by(rows.c.ad_campaign_id, rows.c.day, rows.c.currency)
    )


# A platform takes the whole of each order whose last click on its own ads lies within its window, on the click's day in
# the account's zone, and gives nothing back; `hit` are our touches of its campaigns, `claim` the ones it would claim.
_STEPS = f"""
WITH claimant AS (
  SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:platforms AS text[]), CAST(:zones AS text[]),
                       CAST(:windows AS smallint[])) AS k (id, platform, zone, window_days)
), hit AS MATERIALIZED (
  SELECT c.conversion_id, c.window_days, c.touched_at, c.occurred_at, c.position, c.currency,
         c.weights[CAST(:model AS int)] AS weight, c.amounts[CAST(:model AS int)] AS amount,
         c.refunds[CAST(:model AS int)] AS refund, v.value, v.is_revenue,
         k.id, k.platform, k.zone, k.window_days AS claim_days,
         (c.occurred_at AT TIME ZONE :zone)::date AS order_day
  FROM adplanning.credit c
  JOIN claimant k ON k.id = c.ad_campaign_id
  JOIN adplanning.conversion v ON v.tenant_id = c.tenant_id AND v.id = c.conversion_id
  WHERE c.tenant_id = :tenant AND c.rule_version = {ACTIVE_VERSION}
    AND c.window_days = ANY(CAST(:all_windows AS smallint[]))
    AND (c.window_days = :window OR c.window_days = k.window_days)
    AND c.occurred_at >= :earliest AND c.occurred_at < :latest
    AND v.deleted_at IS NULL AND NOT v.is_test AND coalesce(v.sales_channel, 'online') NOT IN ('renewal', 'offline')
    AND (v.is_revenue OR v.conversion_type = 'purchase' AND v.origin = 'order' AND v.status IN ('cancelled', 'pending'))
), claim AS MATERIALIZED (
  SELECT DISTINCT ON (conversion_id, platform, window_days) *, (touched_at AT TIME ZONE zone)::date AS click_day
  FROM hit ORDER BY conversion_id, platform, window_days, touched_at DESC, position DESC
)
SELECT 0 AS step, id AS key, order_day AS day, currency, amount - refund AS amount, weight AS conversions
FROM hit WHERE window_days = :window AND weight > 0 AND is_revenue AND occurred_at >= :start AND occurred_at < :end
UNION ALL
SELECT 1, id, order_day, currency, amount, weight
FROM hit WHERE window_days = :window AND weight > 0 AND is_revenue AND occurred_at >= :start AND occurred_at < :end
UNION ALL
SELECT 2, id, order_day, currency, amount, weight
FROM hit WHERE window_days = :window AND weight > 0 AND occurred_at >= :start AND occurred_at < :end
UNION ALL
SELECT 3, id, order_day, currency, value, 1
FROM claim WHERE window_days = :window AND occurred_at >= :start AND occurred_at < :end
UNION ALL
SELECT 4, id, order_day, currency, value, 1
FROM claim WHERE window_days = claim_days AND occurred_at >= :start AND occurred_at < :end
UNION ALL
SELECT 5, id, order_day, currency, value, 1
FROM claim WHERE window_days = claim_days AND touched_at >= :start AND touched_at < :end
UNION ALL
SELECT 6, id, order_day, currency, value, 1
FROM claim WHERE window_days = claim_days AND click_day BETWEEN :first AND :last
UNION ALL
SELECT 7, id, click_day, currency, value, 1
FROM claim WHERE window_days = claim_days AND click_day BETWEEN :first AND :last
"""  # noqa: S608 - one subquery of our own; every value is a parameter


def steps(question: Question, claimants: Sequence[Claimant]) -> AnySelect:
    """Our orders by step and campaign.

    Columns: step, key (the campaign), day (whose rate converts), currency, amount (minor), conversions.
    """
    period = question.period
    longest = max((each.window_days for each in claimants), default=0)
    for_ever = any(each.window_days == 0 for each in claimants)
    # A click of the period may bring its order as late as its window allows; zones lie within a day of each other.
    latest = period.end + timedelta(days=36_500 if for_ever else longest + 2)
    given: dict[str, Any] = {
        "ids": [each.id for each in claimants],
        "platforms": [each.platform for each in claimants],
        "zones": [each.zone for each in claimants],
        "windows": [each.window_days for each in claimants],
        "all_windows": sorted({question.window_days, *(each.window_days for each in claimants)}),
        "model": question.model_position,
        "window": question.window_days,
        "tenant": question.tenant_id,
        "zone": period.zone,
        "first": period.first,
        "last": period.last,
        "start": period.start,
        "end": period.end,
        "earliest": period.start - timedelta(days=2),
        "latest": latest,
    }
    rows = (
        text(_STEPS)
        .bindparams(**given)
        .columns(
            column("step", Integer),
            column("key", Text),
            column("day", Date),
            column("currency", Text),
            column("amount", Numeric),
            column("conversions", Numeric),
        )
        .subquery("steps")
    )
    return select(rows)
