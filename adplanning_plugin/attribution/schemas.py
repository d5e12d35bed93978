"""Schemas: what the attribution routes take and give. No rules beyond types and lengths."""

from __future__ import annotations

from typing import Annotated

import msgspec

from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.kernel.days import rfc3339

Text = Annotated[str, msgspec.Meta(max_length=255)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


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
    """A manual assignment; `ad_campaign_id` null undoes it."""

    version: int | msgspec.UnsetType = msgspec.UNSET
    ad_campaign_id: Id | None | msgspec.UnsetType = msgspec.UNSET
    ad_set_id: Id | None = None
    ad_id: Id | None = None


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
