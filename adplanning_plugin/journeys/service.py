"""Service: what people enter by hand, checked, and which person or conversion an id means. No SQL of lists."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.journeys.models import JourneyEvent
from adplanning_plugin.journeys.progress import recompute, take_turn
from adplanning_plugin.journeys.recording import subjects_of
from adplanning_plugin.journeys.schemas import JourneyEventIn
from adplanning_plugin.journeys.stages import CHANNELS, CUSTOM, EVENT_TYPES
from adplanning_plugin.kernel.days import now, parse_past
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.money import check_currency, to_minor
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import conversion_table

MAX_TEXT = 200
MAX_DATA = 16 * 1024
_LINKED = {"person_id": "person", "ad_campaign_id": "ad_campaign", "order_id": "order"}
_TEXTS = ("person_id", "visitor_id", "session_id", "event_name", "order_id", "ad_campaign_id")


async def create_event(
    session: AsyncSession, runtime: Runtime, tenant_id: str, actor_id: str, given: JourneyEventIn
) -> JourneyEvent:
    """Put an event on a timeline by hand; whoever it is of may come further by it.

    Raises:
        Invalid: a field is wrong, or names nothing of this store; each with a sentence of its own.
    """
    _check(given)
    await _check_references(session, runtime, tenant_id, given)
    value, currency = _money(given)
    kind = EVENT_TYPES[given.event_type]
    key = new_id("jrn")
    event = JourneyEvent(
        tenant_id=tenant_id,
        id=key,
        source_kind="manual",
        source_id=key,
        event_type=kind.name,
        channel=given.channel or kind.channel,
        stage=given.stage or kind.stage,
        occurred_at=now() if given.occurred_at is None else parse_past(given.occurred_at, "occurred_at"),
        person_id=given.person_id,
        visitor_id=given.visitor_id,
        session_id=given.session_id,
        order_id=given.order_id,
        ad_campaign_id=given.ad_campaign_id,
        value_minor=value,
        currency=currency,
        event_name=given.event_name,
        event_data=given.event_data,
        created_by=actor_id,
    )
    await take_turn(session, tenant_id)
    session.add(event)
    await session.flush()
    await recompute(session, runtime, tenant_id, await subjects_of(session, tenant_id, [event]))
    await session.refresh(event)
    return event


async def is_conversion(session: AsyncSession, tenant_id: str, key: str) -> bool:
    """Whether the id is a conversion's."""
    c = conversion_table.c
    found = select(c.id).where(c.tenant_id == tenant_id, c.id == key, c.deleted_at.is_(None))
    return await session.scalar(found) is not None


def check_choice(value: str | None, field: str, choices: Any) -> str | None:
    """The value unchanged, or `Invalid` naming what it may be."""
    if value is not None and value not in choices:
        raise Invalid(FieldError(field, "unknown", f"{field} must be one of {', '.join(choices)}."))
    return value


def _check(given: JourneyEventIn) -> None:
    wrong: list[FieldError] = []
    for name in _TEXTS:
        value = getattr(given, name)
        if value is not None and not (0 < len(value) <= MAX_TEXT and value.strip() and value.isprintable()):
            message = f"{name} must be text of 1 to {MAX_TEXT} characters without control characters."
            wrong.append(FieldError(name, "invalid_text", message))
    if given.person_id is None and given.visitor_id is None:
        wrong.append(FieldError("person_id", "required", "Say whose event it is: person_id, or visitor_id."))
    if not EVENT_TYPES[given.event_type].manual:
        message = f"{given.event_type} is told by the store's own records, and cannot be entered by hand."
        wrong.append(FieldError("event_type", "not_manual", message))
    if given.event_type == CUSTOM and given.event_name is None:
        wrong.append(FieldError("event_name", "required", "A custom event needs an event_name that says what it was."))
    if given.channel is not None and given.channel not in CHANNELS:
        wrong.append(FieldError("channel", "unknown", f"channel must be one of {', '.join(CHANNELS)}."))
    if given.event_data is not None and len(msgspec.json.encode(given.event_data)) > MAX_DATA:
        wrong.append(FieldError("event_data", "too_large", f"event_data must not exceed {MAX_DATA} bytes of JSON."))
    if wrong:
        raise Invalid(*wrong)


def _money(given: JourneyEventIn) -> tuple[int | None, str | None]:
    if given.value is None:
        return None, None
    if given.currency is None:
        message = "currency is missing: an amount needs its ISO 4217 code, such as INR."
        raise Invalid(FieldError("currency", "missing", message))
    code = check_currency(given.currency)
    return to_minor(given.value, code, "value"), code


async def _check_references(session: AsyncSession, runtime: Runtime, tenant_id: str, given: JourneyEventIn) -> None:
    links = runtime.get(Links)
    wrong: list[FieldError] = []
    for name, entity in _LINKED.items():
        value = getattr(given, name)
        if value is None or not links.has(entity):
            continue
        rows = links.by_ids(entity, tenant_id, [value])
        if await session.scalar(select(rows.c.id).limit(1)) is None:
            wrong.append(FieldError(name, "unknown", f"{name}: this store has no {entity} {value}."))
    if wrong:
        raise Invalid(*wrong)
