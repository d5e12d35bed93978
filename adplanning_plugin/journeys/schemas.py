"""Schemas: events of journeys on the wire, in and out. What they mean is decided in `service` and `stages`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from sqlalchemy import Row

from adplanning_plugin.journeys.stages import EVENT_TYPES
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.money import to_major

Amount = int | float | str
"""Money in: a decimal in major units, as a number or a string."""
EventTypeName = Literal[
    "page_view", "visit", "scroll", "time_on_page", "click", "ad_click", "email_click", "sms_click", "push_click",
    "social_engage", "search", "product_view", "add_to_wishlist", "form_submit", "sign_up", "lead_capture",
    "add_to_cart", "begin_checkout", "add_payment_info", "order_placed", "purchase", "order_cancelled", "refund",
    "feedback", "referral", "custom",
]  # fmt: skip
StageName = Literal["awareness", "interest", "consideration", "intent", "conversion", "retention", "advocacy"]
ManualStage = Literal["awareness", "interest", "consideration", "intent", "conversion", "advocacy"]


class JourneyEventIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An event entered by hand: a call, a fair, a letter. It names a person or a visitor."""

    event_type: EventTypeName
    person_id: str | None = None
    visitor_id: str | None = None
    session_id: str | None = None
    stage: ManualStage | None = None
    """Without one, that of the type."""
    channel: str | None = None
    event_name: str | None = None
    event_data: dict[str, Any] | None = None
    occurred_at: str | None = None
    """Without one, now."""
    value: Amount | None = None
    currency: str | None = None
    order_id: str | None = None
    ad_campaign_id: str | None = None


class JourneyEventOut(msgspec.Struct, kw_only=True):
    """An event as the admin reads it."""

    id: str
    origin: str
    """event (tracked), store_event (the store's own analytics), touch or journey."""
    event_type: str
    label: str
    event_name: str | None
    stage: str | None
    channel: str | None
    occurred_at: str
    person_id: str | None
    person_name: str | None
    """Null without the scope for personal data."""
    visitor_id: str | None
    session_id: str | None
    order_id: str | None
    conversion_id: str | None
    ad_campaign_id: str | None
    campaign: str | None
    source: str | None
    path: str | None
    value: str | None
    value_minor: int | None
    currency: str | None
    source_kind: str | None
    source_id: str | None
    event_data: dict[str, Any] | None
    claimed: bool
    """The visitor only claims to be this person: shown, and counted nowhere."""


CSV_COLUMNS = tuple(name for name in JourneyEventOut.__struct_fields__ if name not in ("person_name", "event_data"))


def event_out(
    row: Row[Any],
    people: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    campaigns: Mapping[str, str] | None = None,
) -> JourneyEventOut:
    """The wire form of a row of the timeline, with the person behind its visitor and what people and campaigns are
    called."""
    person_id = row.person_id or (people or {}).get(row.visitor_id or "")
    amount: int | None = row.value_minor if row.currency is not None else None
    currency: str | None = row.currency if amount is not None else None
    return JourneyEventOut(
        id=row.id,
        origin=row.origin,
        event_type=row.event_type,
        label=EVENT_TYPES[row.event_type].label,
        event_name=row.event_name,
        stage=row.stage,
        channel=row.channel,
        occurred_at=rfc3339(row.occurred_at),
        person_id=person_id,
        person_name=(names or {}).get(person_id or ""),
        visitor_id=row.visitor_id,
        session_id=row.session_id,
        order_id=row.order_id,
        conversion_id=row.conversion_id,
        ad_campaign_id=row.ad_campaign_id,
        campaign=(campaigns or {}).get(row.ad_campaign_id or "") or row.campaign,
        source=row.source,
        path=row.path,
        value=None if amount is None or currency is None else to_major(amount, currency),
        value_minor=amount,
        currency=currency,
        source_kind=row.source_kind,
        source_id=row.source_id,
        event_data=row.event_data,
        claimed=bool(row.claimed),
    )
