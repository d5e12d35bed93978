"""Schemas: conversions on the wire, in and out. What a value means, and what may change, is decided in `service`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.tracking.models import Conversion
from adplanning_plugin.tracking.vocabulary import ConversionStatus, ConversionType, Platform

UTM_NAMES = ("source", "medium", "campaign", "term", "content", "id")
Amount = int | float | str
"""Money in: a decimal in major units, as a number or a string."""


class ConversionIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A conversion entered by hand; `value` is another name of `conversion_value`."""

    conversion_type: ConversionType
    conversion_value: Amount | None = None
    value: Amount | None = None
    currency: str | None = None
    occurred_at: str | None = None
    order_id: str | None = None
    lead_id: str | None = None
    goal_id: str | None = None
    visitor_id: str | None = None
    session_id: str | None = None
    person_id: str | None = None
    website_id: str | None = None
    platform: Platform | None = None
    ad_campaign_id: str | None = None
    ad_set_id: str | None = None
    ad_id: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    utm_id: str | None = None
    properties: dict[str, Any] | None = None


class ConversionUpdate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A partial change; `version` is the one that was read."""

    version: int
    conversion_type: ConversionType | UnsetType = UNSET
    conversion_value: Amount | UnsetType = UNSET
    value: Amount | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    status: ConversionStatus | UnsetType = UNSET
    occurred_at: str | UnsetType = UNSET
    order_id: str | UnsetType | None = UNSET
    lead_id: str | UnsetType | None = UNSET
    goal_id: str | UnsetType | None = UNSET
    visitor_id: str | UnsetType | None = UNSET
    session_id: str | UnsetType | None = UNSET
    person_id: str | UnsetType | None = UNSET
    website_id: str | UnsetType | None = UNSET
    platform: Platform | UnsetType | None = UNSET
    ad_campaign_id: str | UnsetType | None = UNSET
    ad_set_id: str | UnsetType | None = UNSET
    ad_id: str | UnsetType | None = UNSET
    utm_source: str | UnsetType | None = UNSET
    utm_medium: str | UnsetType | None = UNSET
    utm_campaign: str | UnsetType | None = UNSET
    utm_term: str | UnsetType | None = UNSET
    utm_content: str | UnsetType | None = UNSET
    utm_id: str | UnsetType | None = UNSET
    properties: dict[str, Any] | UnsetType | None = UNSET


class ClaimIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a storefront says happened (`POST /track-conversion`); none of it is trusted as money.

    `event_id` is the client's own id: sent twice, it is one conversion. Without `utm_*` they are read from `url`.
    """

    conversion_type: ConversionType
    event_id: str | None = None
    order_id: str | None = None
    lead_id: str | None = None
    conversion_value: Amount | None = None
    value: Amount | None = None
    currency: str | None = None
    occurred_at: str | None = None
    url: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    utm_id: str | None = None
    properties: dict[str, Any] | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the server itself knows of the request that carries a claim; null where consent is missing."""

    visitor_id: str | None = None
    session_id: str | None = None
    website_id: str | None = None
    url: str | None = None
    path: str | None = None
    utm: Mapping[str, str] | None = None
    click_ids: Mapping[str, str] | None = None


class Tracked(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a claim."""

    id: str
    status: str
    created: bool
    """False where it was known already."""


class ConversionOut(msgspec.Struct, kw_only=True):
    """A conversion as the admin reads it."""

    id: str
    conversion_type: str
    status: str
    origin: str
    occurred_at: str
    conversion_value: str
    conversion_value_minor: int
    value: str
    value_minor: int
    refunded: str
    refunded_minor: int
    currency: str
    cost: str | None
    cost_minor: int | None
    is_revenue: bool
    is_test: bool
    is_new_customer: bool | None
    sales_channel: str | None
    order_id: str | None
    lead_id: str | None
    goal_id: str | None
    event_id: str | None
    visitor_id: str | None
    session_id: str | None
    person_id: str | None
    website_id: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    utm_id: str | None
    click_ids: dict[str, Any] | None
    platform: str | None
    ad_campaign_id: str | None
    ad_set_id: str | None
    ad_id: str | None
    properties: dict[str, Any] | None
    source: str | None
    """What was typed in or tracked with it, else of the last touch that was not direct."""
    medium: str | None
    channel: str | None
    campaign_name: str | None
    """The campaign's own name, else what its visit was tagged with."""
    version: int
    created_at: str
    updated_at: str


CSV_COLUMNS = tuple(
    name for name in ConversionOut.__struct_fields__ if name not in ("click_ids", "properties", "value", "value_minor")
)


def conversion_out(
    row: Conversion, touch: Mapping[str, Any] | None = None, names: Mapping[str, str] | None = None
) -> ConversionOut:
    """The wire form of a stored conversion, with what its last touch says and its campaign's name where asked for."""
    utm: Mapping[str, Any] = row.utm or {}
    touch = touch or {}
    amount, refunded = to_major(row.value, row.currency), to_major(row.refunded, row.currency)
    return ConversionOut(
        id=row.id,
        conversion_type=row.conversion_type,
        status=row.status,
        origin=row.origin,
        occurred_at=rfc3339(row.occurred_at),
        conversion_value=amount,
        conversion_value_minor=row.value,
        value=amount,
        value_minor=row.value,
        refunded=refunded,
        refunded_minor=row.refunded,
        currency=row.currency,
        cost=None if row.cost is None else to_major(row.cost, row.currency),
        cost_minor=row.cost,
        is_revenue=row.is_revenue,
        is_test=row.is_test,
        is_new_customer=row.is_new_customer,
        sales_channel=row.sales_channel,
        order_id=row.order_id,
        lead_id=row.lead_id,
        goal_id=row.goal_id,
        event_id=row.event_id,
        visitor_id=row.visitor_id,
        session_id=row.session_id,
        person_id=row.person_id,
        website_id=row.website_id,
        utm_source=utm.get("source"),
        utm_medium=utm.get("medium"),
        utm_campaign=utm.get("campaign"),
        utm_term=utm.get("term"),
        utm_content=utm.get("content"),
        utm_id=utm.get("id"),
        click_ids=row.click_ids,
        platform=row.platform,
        ad_campaign_id=row.ad_campaign_id,
        ad_set_id=row.ad_set_id,
        ad_id=row.ad_id,
        properties=row.properties,
        source=utm.get("source") or touch.get("source"),
        medium=utm.get("medium") or touch.get("medium"),
        channel=touch.get("channel"),
        campaign_name=(names or {}).get(row.ad_campaign_id or "") or utm.get("campaign") or touch.get("campaign"),
        version=row.version,
        created_at=rfc3339(row.created_at),
        updated_at=rfc3339(row.updated_at),
    )


def when(instant: datetime | None) -> str | None:
    """An optional instant on the wire."""
    return None if instant is None else rfc3339(instant)
