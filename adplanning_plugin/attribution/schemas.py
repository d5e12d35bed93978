"""Schemas: what the attribution routes take and give. No rules beyond types and lengths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import Row

from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.money import to_major

Text = Annotated[str, msgspec.Meta(max_length=255)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
ResolutionMethod = Literal["exact_utm_match", "fuzzy_name_match", "manual", "unresolved", "not_applicable"]
PLATFORMS = ("meta", "google", "generic", "direct")


def known_platform(name: str | None) -> str | None:
    """A platform as touches have it, whatever its case; `Invalid` names the known ones."""
    folded = None if name is None else name.strip().casefold()
    if folded is not None and folded not in PLATFORMS:
        message = f"platform must be one of {', '.join(PLATFORMS)}."
        raise Invalid(FieldError("platform", "unknown_platform", message))
    return folded


class NewTouchpoint(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A touch that somebody writes down."""

    source: Text | None = None
    medium: Text | None = None
    campaign: Text | None = None
    term: Text | None = None
    content: Text | None = None
    utm_id: Text | None = None
    occurred_at: str | None = None
    """RFC 3339; now where it is not given."""
    visitor_id: Id | None = None
    session_id: Id | None = None
    person_id: Id | None = None
    website_id: Id | None = None
    landing_path: Text | None = None
    ad_campaign_id: Id | None = None
    ad_set_id: Id | None = None
    ad_id: Id | None = None


class AssignTouchpoint(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A manual assignment (`ad_campaign_id` null undoes it), and what else is to change of a touch written by hand."""

    version: int | msgspec.UnsetType = msgspec.UNSET
    ad_campaign_id: Id | msgspec.UnsetType | None = msgspec.UNSET
    ad_set_id: Id | None = None
    ad_id: Id | None = None
    source: Text | msgspec.UnsetType | None = msgspec.UNSET
    medium: Text | msgspec.UnsetType | None = msgspec.UNSET
    campaign: Text | msgspec.UnsetType | None = msgspec.UNSET
    term: Text | msgspec.UnsetType | None = msgspec.UNSET
    content: Text | msgspec.UnsetType | None = msgspec.UNSET
    utm_id: Text | msgspec.UnsetType | None = msgspec.UNSET
    occurred_at: str | msgspec.UnsetType | None = msgspec.UNSET
    visitor_id: Id | msgspec.UnsetType | None = msgspec.UNSET
    session_id: Id | msgspec.UnsetType | None = msgspec.UNSET
    person_id: Id | msgspec.UnsetType | None = msgspec.UNSET
    website_id: Id | msgspec.UnsetType | None = msgspec.UNSET
    landing_path: Text | msgspec.UnsetType | None = msgspec.UNSET


class ResolveRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which touches to resolve; nothing named takes what is pending."""

    ids: Annotated[list[Id], msgspec.Meta(max_length=1_000)] | None = None
    session_ids: Annotated[list[Id], msgspec.Meta(max_length=1_000)] | None = None


class BulkResolveRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How a bulk run treats what is there."""

    include_resolved: bool = False
    """Also resolve anew what was matched before (manual assignments stay)."""


class TouchpointOut(msgspec.Struct, kw_only=True):
    """A touch."""

    id: str
    origin: str
    session_id: str | None
    visitor_id: str
    person_id: str | None
    occurred_at: str
    website_id: str | None
    source: str
    medium: str
    campaign: str | None
    term: str | None
    content: str | None
    channel: str
    platform: str
    is_direct: bool
    referrer_host: str | None
    landing_path: str | None
    is_resolved: bool
    resolution_method: str
    resolution_reason: str | None
    confidence: float | None
    ad_campaign_id: str | None
    ad_set_id: str | None
    ad_id: str | None
    resolved_at: str | None
    version: int
    created_at: str
    updated_at: str


def touchpoint_out(touch: Touchpoint) -> TouchpointOut:
    """The wire form of a touch."""
    return TouchpointOut(
        id=touch.id,
        origin=touch.origin,
        session_id=touch.session_id,
        visitor_id=touch.visitor_id,
        person_id=touch.person_id,
        occurred_at=rfc3339(touch.occurred_at),
        website_id=touch.website_id,
        source=touch.source,
        medium=touch.medium,
        campaign=touch.campaign,
        term=touch.term,
        content=touch.content,
        channel=touch.channel,
        platform=touch.platform,
        is_direct=touch.is_direct,
        referrer_host=touch.referrer_host,
        landing_path=touch.landing_path,
        is_resolved=touch.is_resolved,
        resolution_method=touch.resolution_method,
        resolution_reason=touch.resolution_reason,
        confidence=touch.confidence,
        ad_campaign_id=touch.ad_campaign_id,
        ad_set_id=touch.ad_set_id,
        ad_id=touch.ad_id,
        resolved_at=rfc3339(touch.resolved_at) if touch.resolved_at else None,
        version=touch.version,
        created_at=rfc3339(touch.created_at),
        updated_at=rfc3339(touch.updated_at),
    )


class AttributionOut(msgspec.Struct, kw_only=True):
    """A row of the list: a touch, and what it earned under one model and window."""

    id: str
    campaign: str | None
    utm_campaign: str | None
    source: str
    medium: str
    platform: str
    channel: str
    model: str
    window_days: int
    touch: str | None
    """first, middle or last in the latest conversion it took part in (an only touch is the last); null without one."""
    converted: bool
    conversions: float
    """Sum of weights."""
    value: str | None
    value_minor: int | None
    refunded: str | None
    refunded_minor: int | None
    currency: str | None
    """Null where it earned nothing, or conversions in several currencies."""
    spend: str | None
    spend_minor: int | None
    spend_currency: str | None
    """The campaign's spend in the listed period, in the ad account's currency."""
    date: str
    is_resolved: bool
    resolution_method: str
    resolution_reason: str | None
    confidence: float | None
    ad_campaign_id: str | None
    ad_set_id: str | None
    ad_id: str | None
    analytics_session_id: str | None
    visitor_id: str
    person_id: str | None
    website_id: str | None
    origin: str
    is_direct: bool
    version: int


def attribution_out(
    row: Row[Any], model: str, window_days: int, spend: Mapping[str, tuple[int, str]]
) -> AttributionOut:
    """The wire form of a row of `attribution_rows`."""
    money = row.currency if row.currency and row.currencies == 1 else None
    spent = spend.get(row.ad_campaign_id) if row.ad_campaign_id else None
    return AttributionOut(
        id=row.id,
        campaign=row.campaign_name or row.campaign,
        utm_campaign=row.campaign,
        source=row.source,
        medium=row.medium,
        platform=row.platform,
        channel=row.channel,
        model=model,
        window_days=window_days,
        touch=_place(row.place, row.path_length),
        converted=row.conversions > 0,
        conversions=round(row.weight, 6),
        value=to_major(int(row.value), money) if money else None,
        value_minor=int(row.value) if money else None,
        refunded=to_major(int(row.refunded), money) if money else None,
        refunded_minor=int(row.refunded) if money else None,
        currency=money,
        spend=to_major(*spent) if spent else None,
        spend_minor=spent[0] if spent else None,
        spend_currency=spent[1] if spent else None,
        date=rfc3339(row.occurred_at),
        is_resolved=row.is_resolved,
        resolution_method=row.resolution_method,
        resolution_reason=row.resolution_reason,
        confidence=row.confidence,
        ad_campaign_id=row.ad_campaign_id,
        ad_set_id=row.ad_set_id,
        ad_id=row.ad_id,
        analytics_session_id=row.session_id,
        visitor_id=row.visitor_id,
        person_id=row.person_id,
        website_id=row.website_id,
        origin=row.origin,
        is_direct=row.is_direct,
        version=row.version,
    )


def _place(position: int | None, touches: int | None) -> str | None:
    if position is None or touches is None:
        return None
    return "last" if position == touches else "first" if position == 1 else "middle"
