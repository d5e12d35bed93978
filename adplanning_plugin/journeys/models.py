"""Journey tables: what somebody did beside tracked events and touches, and when each subject first reached each stage.

Page views and other tracked events stay where tracking keeps them, ad clicks where attribution does; a journey is read
from all of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from adplanning_plugin.kernel.models import Base, TenantRow


class JourneyEvent(TenantRow, Base):
    """One thing that the store, the plugin or a person in the admin says somebody did (`jrn_…`); each source once."""

    __tablename__ = "journey_event"
    __table_args__ = (
        Index("uq_journey_event_source", "tenant_id", "source_kind", "source_id", unique=True),
        Index("ix_journey_event_occurred_at", "tenant_id", "occurred_at", "id"),
        Index("ix_journey_event_type", "tenant_id", "event_type", "occurred_at", "id"),
        Index(
            "ix_journey_event_person",
            "tenant_id",
            "person_id",
            "occurred_at",
            postgresql_where=text("person_id IS NOT NULL"),
        ),
        Index(
            "ix_journey_event_visitor",
            "tenant_id",
            "visitor_id",
            "occurred_at",
            postgresql_where=text("visitor_id IS NOT NULL"),
        ),
        Index("ix_journey_event_session", "tenant_id", "session_id", postgresql_where=text("session_id IS NOT NULL")),
        Index(
            "ix_journey_event_identifier", "tenant_id", "identifier", postgresql_where=text("identifier IS NOT NULL")
        ),
        Index("ix_journey_event_order", "tenant_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    )

    source_kind: Mapped[str]
    """conversion (orders and leads too), refund, feedback, form_response, social_interaction, person or manual."""
    source_id: Mapped[str]
    """The id of the row that says so; of a manual event its own id."""
    event_type: Mapped[str]
    """One of `stages.EVENT_TYPES`."""
    channel: Mapped[str]
    """web, social, email, sms or store; a manual event may name any channel of attribution."""
    stage: Mapped[str | None]
    """One of `stages.STAGES`; null where the event is no step of a journey, as a refund. Of a purchase: conversion for
    a subject's first confirmed one, retention for those after it."""
    occurred_at: Mapped[datetime]
    person_id: Mapped[str | None]
    """The host's person, where the source names one. Where tracking was denied nothing says who it was, and the
    event counts in aggregate only."""
    visitor_id: Mapped[str | None]
    session_id: Mapped[str | None]
    identifier: Mapped[str | None]
    """`email:<keyed hash>` of an order's address: how guests are joined. Addresses in forms and reviews are claims, and
    are not kept here."""
    order_id: Mapped[str | None]
    conversion_id: Mapped[str | None]
    ad_campaign_id: Mapped[str | None]
    value_minor: Mapped[int | None]
    """Minor units: of an order in the store's revenue basis, of a refund what was given back."""
    currency: Mapped[str | None]
    event_name: Mapped[str | None]
    """What it is called where its type does not say: a form's name, the kind of an interaction."""
    event_data: Mapped[dict[str, Any] | None]
    """rating, scale, nps and nps_class of feedback; whatever a manual event brought."""
    created_by: Mapped[str | None]
    """The actor of a manual event."""
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class JourneyProgress(Base):
    """When a subject was first seen at each stage; recomputed from its events where these change hands or go away."""

    __tablename__ = "journey_progress"
    __table_args__ = (
        Index("ix_journey_progress_first_at", "tenant_id", "first_at"),
        Index(
            "ix_journey_progress_conversion",
            "tenant_id",
            "conversion_at",
            postgresql_where=text("conversion_at IS NOT NULL"),
        ),
    )

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    """`person:<id>` where something strong says who it is, else `visitor:<id>`, else a guest's `email:<hash>`."""
    person_id: Mapped[str | None]
    """The id in `person:<id>`; null for whoever is anonymous."""
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    awareness_at: Mapped[datetime | None]
    interest_at: Mapped[datetime | None]
    consideration_at: Mapped[datetime | None]
    intent_at: Mapped[datetime | None]
    conversion_at: Mapped[datetime | None]
    """The first confirmed purchase."""
    retention_at: Mapped[datetime | None]
    """The second one."""
    advocacy_at: Mapped[datetime | None]
    touch_at: Mapped[datetime | None]
    """The subject's first touch, direct ones included; null, with the columns below, where it has none."""
    channel: Mapped[str | None]
    platform: Mapped[str | None]
    ad_campaign_id: Mapped[str | None]
    website_id: Mapped[str | None]
    device: Mapped[str | None]
    """desktop, mobile or tablet, where the store's sessions say so."""
