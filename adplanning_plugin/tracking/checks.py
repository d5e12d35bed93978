"""Checks: what single fields of a conversion or a goal must be, each with its own sentence. It writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.days import day_start, now, parse_instant, parse_past
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.money import check_currency, to_minor
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.models import Goal

MAX_TEXT = 500
MAX_PROPERTIES = 16 * 1024
LINKED = {
    "ad_campaign_id": "ad_campaign",
    "ad_set_id": "ad_set",
    "ad_id": "ad",
    "person_id": "person",
    "website_id": "website",
}


def check_text(fields: Mapping[str, Any]) -> None:
    """Each text is 1 to 500 characters without control characters."""
    wrong = [
        FieldError(
            name, "invalid_text", f"{name} must be text of 1 to {MAX_TEXT} characters without control characters."
        )
        for name, value in fields.items()
        if isinstance(value, str) and not (0 < len(value) <= MAX_TEXT and value.strip() and value.isprintable())
    ]
    if wrong:
        raise Invalid(*wrong)


def check_properties(properties: Mapping[str, Any] | None) -> None:
    """Properties are an object of at most 16 kB."""
    if properties is not None and len(msgspec.json.encode(properties)) > MAX_PROPERTIES:
        message = f"properties must not exceed {MAX_PROPERTIES} bytes of JSON."
        raise Invalid(FieldError("properties", "too_large", message))


def read_money(amount: Any, alias: Any, currency: str | None, fallback: str) -> tuple[int, str]:
    """(minor units, currency) of `conversion_value` or its other name `value`; an amount names its currency."""
    if amount is not None and alias is not None and str(amount) != str(alias):
        message = "conversion_value and value are one field: send one of them."
        raise Invalid(FieldError("value", "contradiction", message))
    given = amount if amount is not None else alias
    if given is None:
        return 0, fallback if currency is None else check_currency(currency)
    if currency is None:
        message = "currency is missing: an amount needs its ISO 4217 code, such as INR."
        raise Invalid(FieldError("currency", "missing", message))
    code = check_currency(currency)
    return to_minor(given, code, "conversion_value" if amount is not None else "value"), code


def read_time(value: str | None) -> datetime:
    """When something happened; now where nobody says."""
    return now() if value is None else parse_past(value, "occurred_at")


def read_bound(value: str | None, field: str, zone: str, *, end: bool) -> datetime | None:
    """A filter's bound: a day of the tenant's zone (`2026-02-07`, the last one included) or an RFC 3339 instant."""
    if value is None:
        return None
    try:
        day = date.fromisoformat(value) if len(value) == 10 else None
    except ValueError:
        day = None
    if day is not None:
        try:
            return day_start(day + timedelta(days=1) if end else day, zone)
        except OverflowError:
            day = None
    if "T" not in value.upper():
        message = f"{field} must be a day such as 2026-02-07, or a time with an offset such as 2026-02-07T10:00:00Z."
        raise Invalid(FieldError(field, "not_a_time", message))
    try:
        return parse_instant(value, field)
    except OverflowError as error:
        raise Invalid(FieldError(field, "not_a_time", f"{field} is out of range.")) from error


async def check_references(session: AsyncSession, runtime: Runtime, tenant_id: str, fields: Mapping[str, Any]) -> None:
    """Every goal, campaign, ad set, ad, person and website that is named is one of this store."""
    links = runtime.get(Links)
    wrong: list[FieldError] = []
    for name, entity in LINKED.items():
        value = fields.get(name)
        if isinstance(value, str):
            rows = links.by_ids(entity, tenant_id, [value])
            if await session.scalar(select(rows.c.id).limit(1)) is None:
                wrong.append(FieldError(name, "unknown", f"{name}: this store has no {entity} {value}."))
    goal_id = fields.get("goal_id")
    if isinstance(goal_id, str):
        found = await session.scalar(select(Goal.id).where(Goal.tenant_id == tenant_id, Goal.id == goal_id))
        if found is None:
            wrong.append(FieldError("goal_id", "unknown", f"goal_id: this store has no goal {goal_id}."))
    if wrong:
        raise Invalid(*wrong)
