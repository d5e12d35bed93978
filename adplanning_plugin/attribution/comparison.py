"""Comparison: the SQL of the same conversions under every model at once, and of what one touch took part in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Float, Select, and_, case, func, select
from sqlalchemy import cast as sql_cast

from adplanning_plugin.attribution.repository import KIND, StatsFilter, conversion, credit, credited, named
from adplanning_plugin.attribution.versions import of_active
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.links import Links


def comparison_rows(
    links: Links, tenant_id: str, wanted: StatsFilter, group_by: str, models: int, window_days: int
) -> Select[Any]:
    """Credit by one group and currency under each model; what is no touch's has a null key.

    Columns: key, name, kind, ad_campaign_id, currency, and conversions_N, value_N, refunded_N of the N-th model.
    Most value under any model first.
    """
    c = credit.c
    source, key, conditions = credited(tenant_id, wanted, group_by, window_days)
    sums: list[ColumnElement[Any]] = []
    for model in range(1, models + 1):
        sums += [
            sql_cast(func.coalesce(func.sum(c.weights[model]), 0), Float).label(f"conversions_{model}"),
            sql_cast(func.coalesce(func.sum(c.amounts[model]), 0), BigInteger).label(f"value_{model}"),
            sql_cast(func.coalesce(func.sum(c.refunds[model]), 0), BigInteger).label(f"refunded_{model}"),
        ]
    grouped = (
        select(
            key.label("key"),
            func.min(case((KIND == "touch", c.ad_campaign_id))).label("ad_campaign_id"),
            KIND.label("kind"),
            c.currency,
            *sums,
        )
        .select_from(source)
        .where(*conditions)
        .group_by("key", "kind", c.currency)
        .having(func.greatest(*(func.sum(c.weights[model]) for model in range(1, models + 1))) > 0)
        .subquery("compared")
    )
    rows = named(links, tenant_id, grouped, group_by)
    most = func.greatest(*(grouped.c[f"value_{model}"] for model in range(1, models + 1)))
    return rows.order_by(most.desc(), grouped.c.key, grouped.c.currency)


def conversions_of_touch(tenant_id: str, touch_id: str, window_days: int, limit: int) -> AnySelect:
    """Conversions that a touch took part in within one window, the latest first, with its arrays of credit."""
    c, v = credit.c, conversion.c
    return (
        select(
            v.id,
            v.conversion_type,
            v.status,
            v.order_id,
            v.value,
            v.currency,
            c.occurred_at,
            c.position,
            c.touches,
            c.weights,
            c.amounts,
            c.refunds,
            c.currency.label("credit_currency"),
        )
        .select_from(credit.join(conversion, and_(v.tenant_id == c.tenant_id, v.id == c.conversion_id)))
        .where(
            c.tenant_id == tenant_id,
            c.touch_id == touch_id,
            c.window_days == window_days,
            of_active(tenant_id),
            v.deleted_at.is_(None),
        )
        .order_by(c.occurred_at.desc(), v.id)
        .limit(limit)
    )
