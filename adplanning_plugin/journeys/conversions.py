"""Conversions' journeys: each conversion with its touches, their credit by every model, its order and its customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import Rules
from adplanning_plugin.journeys.conversion_rows import JourneyFilter, journey_rows, touch_rows
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import NotFound
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.links import Links, names_by_id

_PERSON = ("id", "name", "first_name", "last_name", "email", "phone", "city", "country")
_NOT_PERSONAL = ("id", "country")
_MOST_LINES = 200


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the list."""

    conversion_id: str
    conversion_type: str
    status: str
    order_id: str | None
    occurred_at: str
    value: str
    value_minor: int
    refunded: str
    refunded_minor: int
    currency: str
    customer_email: str | None
    """Null without the scope for personal data, or where no address is known."""
    person_id: str | None
    is_new_customer: bool | None
    touches: int
    channels: list[str]
    """Of the touches, oldest first."""
    platforms: list[str]
    first_device: str | None
    """mobile, tablet or desktop: of the first touch in the window."""
    first_touch_at: str | None
    hours_to_conversion: float | None
    """From the first touch in the window; null without touches."""
    ad_campaign_id: str | None
    visitor_id: str | None


CSV_COLUMNS = Listed.__struct_fields__


def listed(row: Row[Any], *, personal: bool) -> Listed:
    """A row as the API shows it."""
    return Listed(
        conversion_id=row.id,
        conversion_type=row.conversion_type,
        status=row.status,
        order_id=row.order_id,
        occurred_at=rfc3339(row.occurred_at),
        **_money("value", row.value, row.currency),
        **_money("refunded", row.refunded, row.currency),
        currency=row.currency,
        customer_email=row.email if personal else None,
        person_id=row.person_id,
        is_new_customer=row.is_new_customer,
        touches=row.touches,
        channels=list(row.channels or ()),
        platforms=list(row.platforms or ()),
        first_device=row.first_device,
        first_touch_at=_when(row.first_touch_at),
        hours_to_conversion=None if row.hours is None else round(row.hours, 2),
        ad_campaign_id=row.ad_campaign_id,
        visitor_id=row.visitor_id,
    )


def _money(name: str, minor: int, currency: str) -> dict[str, Any]:
    return {name: to_major(minor, currency), f"{name}_minor": minor}


def _when(instant: datetime | None) -> str | None:
    return None if instant is None else rfc3339(instant)


async def conversion_journey(
    session: AsyncSession,
    links: Links,
    tenant_id: str,
    rules: Rules,
    conversion_id: str,
    window_days: int,
    *,
    personal: bool,
) -> dict[str, Any]:
    """One conversion, its touches with what each model gives them, its order and its customer.

    Raises:
        NotFound: no such conversion, or one that does not count.
    """
    everything = journey_rows(links, tenant_id, JourneyFilter(window_days=window_days)).subquery()
    row = (await session.execute(select(everything).where(everything.c.id == conversion_id))).one_or_none()
    if row is None:
        raise NotFound(f"There is no counted conversion {conversion_id!r}.")
    credited = (await session.execute(touch_rows(tenant_id, conversion_id, window_days))).all()
    touches = [each for each in credited if each.touch_id]
    names = {
        entity: await names_by_id(
            session, links, tenant_id, entity, [getattr(each, f"{entity}_id") for each in touches]
        )
        for entity in ("ad_campaign", "ad_set", "ad")
    }
    models = rules.models[: len(credited[0].weights)] if credited else rules.models
    body: dict[str, Any] = msgspec.structs.asdict(listed(row, personal=personal))
    return {
        **body,
        "sales_channel": row.sales_channel,
        "window_days": window_days,
        "rule_version": credited[0].rule_version if credited else None,
        "default_model": rules.default_model,
        "models": list(models),
        "is_credited": bool(credited),
        "touchpoints": [
            {**_touch(each, models, names), **_between(touches, index, row.occurred_at)}
            for index, each in enumerate(touches)
        ],
        "unattributed": next((_shares(each, models) for each in credited if not each.touch_id), None),
        "order": await _order(session, links, tenant_id, row.order_id, row.currency),
        "customer": await _customer(session, links, tenant_id, row, personal=personal),
    }


def _touch(row: Row[Any], models: Sequence[str], names: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    plain = ("channel", "platform", "source", "medium", "term", "content", "landing_path", "referrer_host",
             "device", "browser", "resolution_method", "is_direct", "session_id", "visitor_id",
             "ad_campaign_id", "ad_set_id", "ad_id")  # fmt: skip
    return {
        "id": row.touch_id,
        "position": row.position,
        "touched_at": _when(row.touched_at),
        **{name: getattr(row, name) for name in plain},
        "campaign": names["ad_campaign"].get(row.ad_campaign_id or "") or row.campaign,
        "ad_set": names["ad_set"].get(row.ad_set_id or ""),
        "ad": names["ad"].get(row.ad_id or ""),
        "credit": _shares(row, models),
    }


def _shares(row: Row[Any], models: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What each model gives: percent of the conversion, and its money."""
    return {
        model: {
            "percent": round(row.weights[index] * 100, 4),
            **_money("value", row.amounts[index], row.currency),
            **_money("refunded", row.refunds[index], row.currency),
        }
        for index, model in enumerate(models)
    }


def _between(touches: Sequence[Row[Any]], index: int, converted_at: datetime) -> dict[str, Any]:
    """Seconds since the touch before (null for the first one), and to the conversion."""
    at = touches[index].touched_at
    before = None if index == 0 else (at - touches[index - 1].touched_at).total_seconds()
    return {"seconds_since_previous": before, "seconds_to_conversion": (converted_at - at).total_seconds()}


async def _order(
    session: AsyncSession, links: Links, tenant_id: str, order_id: str | None, currency: str
) -> dict[str, Any] | None:
    """The store's order with its lines; null where there is none, or orders are not linked."""
    if order_id is None or not links.has("order"):
        return None
    rows = links.by_ids("order", tenant_id, [order_id])
    order = (await session.execute(select(rows).limit(1))).mappings().first()
    if order is None:
        return None
    code = order["currency"] or currency
    found: dict[str, Any] = {
        "id": order["id"],
        "placed_at": _when(order["placed_at"]),
        "payment_state": order["payment_state"],
        "sales_channel": order.get("sales_channel"),
        "currency": code,
        "lines": [],
    }
    for name in ("subtotal", "discount", "tax", "shipping", "total"):
        amount = order.get(name)
        found |= {name: None if amount is None else to_major(amount, code), f"{name}_minor": amount}
    if links.has("order_line"):
        lines = links.by_ids("order_line", tenant_id, [order_id], column="order_id")
        for line in (await session.execute(select(lines).order_by(lines.c.id).limit(_MOST_LINES))).mappings():
            item = {name: line.get(name) for name in ("id", "product_id", "title", "quantity")}
            for name in ("unit_price", "total"):
                amount = line.get(name)
                item |= {name: None if amount is None else to_major(amount, code), f"{name}_minor": amount}
            found["lines"].append(item)
    return found


async def _customer(
    session: AsyncSession, links: Links, tenant_id: str, row: Row[Any], *, personal: bool
) -> dict[str, Any] | None:
    """Who bought; without the scope for personal data, the id and the country alone."""
    found: dict[str, Any] = {}
    if row.person_id is not None and links.has("person"):
        people = links.by_ids("person", tenant_id, [row.person_id])
        known = (await session.execute(select(people).limit(1))).mappings().first()
        if known is not None:
            found = {name: known.get(name) for name in (_PERSON if personal else _NOT_PERSONAL)}
    if not found and row.person_id is not None:
        found = {"id": row.person_id}
    if personal and row.email and not found.get("email"):
        found["email"] = row.email
    return {**found, "is_new_customer": row.is_new_customer} if found or row.is_new_customer is not None else None
