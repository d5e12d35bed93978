"""Sections: credit of a conversion or an order for their pages, and touches by source for the metrics view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.repository import conversions_of_order, credit_of_conversions, touches_by_source
from adplanning_plugin.attribution.rules import Rules, current_rules, model_position
from adplanning_plugin.hookspecs import MetricsQuery, Section
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links, names_by_id


async def conversion_credit(
    runtime: Runtime, session: AsyncSession, tenant_id: str, object_id: str
) -> Mapping[str, Any] | None:
    """Credit of one conversion in the default window; null where none was computed yet."""
    return await _credit(session, runtime, tenant_id, [object_id])


async def order_credit(
    runtime: Runtime, session: AsyncSession, tenant_id: str, object_id: str
) -> Mapping[str, Any] | None:
    """Credit of the order's conversion in the default window; null where none was computed yet."""
    ids = list((await session.execute(conversions_of_order(tenant_id, object_id))).scalars())
    return await _credit(session, runtime, tenant_id, ids)


async def _credit(
    session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]
) -> Mapping[str, Any] | None:
    """Touches carry the name of their campaign beside what their tags said."""
    rules = await current_rules(session, tenant_id)
    days = rules.default_window_days
    body = credit_body(rules, (await session.execute(credit_of_conversions(tenant_id, ids, days))).all(), days)
    if body is not None:
        campaigns = [touch["ad_campaign_id"] for touch in body["touches"]]
        names = await names_by_id(session, runtime.get(Links), tenant_id, "ad_campaign", campaigns)
        for touch in body["touches"]:
            touch["campaign_name"] = names.get(touch["ad_campaign_id"])
    return body


def credit_body(rules: Rules, rows: Sequence[Row[Any]], days: int) -> dict[str, Any] | None:
    """Credit rows of one window as the API shows them; null where there are none."""
    if not rows:
        return None
    currency = rows[0].currency
    return {
        "window_days": days,
        "default_model": rules.default_model,
        "rule_version": rows[0].rule_version,
        "currency": currency,
        "touches": [_touch(row) for row in rows if row.touch_id],
        "models": [_model(rules, rows, index) for index in range(len(rows[0].weights))],
    }


def _touch(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.touch_id,
        "conversion_id": row.conversion_id,
        "position": row.position,
        "touched_at": rfc3339(row.touched_at),
        "source": row.source,
        "medium": row.medium,
        "campaign": row.campaign,
        "channel": row.channel,
        "platform": row.platform,
        "ad_campaign_id": row.ad_campaign_id,
        "resolution_method": row.resolution_method,
    }


def _model(rules: Rules, rows: Sequence[Row[Any]], index: int) -> dict[str, Any]:
    return {
        "model": rules.models[index] if index < len(rules.models) else f"model {index + 1}",
        "credit": [
            {
                "touch_id": row.touch_id or None,
                "conversion_id": row.conversion_id,
                "unattributed": not row.touch_id,
                "weight": row.weights[index],
                "value": to_major(row.amounts[index], row.currency),
                "value_minor": row.amounts[index],
                "refunded": to_major(row.refunds[index], row.currency),
                "refunded_minor": row.refunds[index],
            }
            for row in rows
            if row.weights[index] > 0
        ],
    }


async def attribution_by_source(runtime: Runtime, session: AsyncSession, query: MetricsQuery) -> Mapping[str, Any]:
    """Touches of the period, those that a conversion credits by the default model and window, and both by source."""
    del runtime
    rules = await current_rules(session, query.tenant_id)
    position = model_position(rules, rules.default_model)
    statement = touches_by_source(query.tenant_id, query.start, query.end, position, rules.default_window_days)
    sources = [
        {
            "source": row.source,
            "attributions": row.attributions,
            "converted": row.converted,
            "conversions": round(row.conversions, 4),
            "conversion_rate": round(row.converted / row.attributions, 4),
        }
        for row in await session.execute(statement)
    ]
    touches, converted = (sum(each[name] for each in sources) for name in ("attributions", "converted"))
    return {
        "model": rules.default_model,
        "window_days": rules.default_window_days,
        "attributions": touches,
        "converted": converted,
        "conversions": round(sum(each["conversions"] for each in sources), 2),
        "conversion_rate": round(converted / touches, 4) if touches else None,
        "by_source": sources,
    }


SECTIONS = (
    Section(
        key="attribution", title="Campaign attribution", compute=attribution_by_source, order=50, page="attribution"
    ),
    Section(key="attribution", title="Attribution", compute=conversion_credit, place="conversion", order=20),
    Section(key="attribution", title="Attribution", compute=order_credit, place="order", order=20),
)
