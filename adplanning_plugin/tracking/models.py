"""Tracking tables: events (by month), sums of what was dropped, sessions, orders' visits, conversions, goals."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from adplanning_plugin.kernel.models import Base, TenantRow, Versioned


class Event(Base):
    """A tracked event. The client's time picks the month's partition, so that a replayed id meets its own row."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_visitor", "tenant_id", "visitor_id", "occurred_at"),
        Index("ix_event_session", "tenant_id", "session_id", "occurred_at"),
        Index("ix_event_name", "tenant_id", "name", "occurred_at"),
        Index("ix_event_xid", "tenant_id", "xid"),
        # A client id without a client time carries the server's: how its replay is found (received_at equals it).
        Index("ix_event_untimed", "tenant_id", "id", postgresql_where=text("occurred_at = received_at")),
        {"postgresql_partition_by": "RANGE (occurred_at)"},
    )

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    """The client's event id, or ours where it sent none."""
    received_at: Mapped[datetime]
    name: Mapped[str]
    visitor_id: Mapped[str | None]
    """Null where consent was not given: the event counts in aggregate only."""
    session_id: Mapped[str | None]
    website_id: Mapped[str | None]
    url: Mapped[str | None]
    """Scheme, host, path and query without click ids or personal parameters."""
    path: Mapped[str | None]
    referrer: Mapped[str | None]
    utm: Mapped[dict[str, Any] | None]
    """{source, medium, campaign, term, content, id} as normalised by `attribution`'s parser, only those present."""
    click_ids: Mapped[dict[str, Any] | None]
    """{gclid: …} raw, only under ads consent."""
    value: Mapped[int | None]
    """Minor units; never trusted as money."""
    currency: Mapped[str | None]
    seconds: Mapped[int | None]
    scroll: Mapped[int | None] = mapped_column(SmallInteger)
    properties: Mapped[dict[str, Any] | None]
    consent: Mapped[int] = mapped_column(SmallInteger)
    """Bits: 1 analytics, 2 ads, 4 personalisation, 8 profiling."""
    source: Mapped[str] = mapped_column(server_default="tracker")
    """tracker, server (the middleware), host (a linked event), import."""
    device: Mapped[str | None]
    """mobile, tablet or desktop; null where the sender did not say, and without consent."""
    browser: Mapped[str | None]
    """The browser's name; its whole header is not kept."""
    xid: Mapped[int] = mapped_column(server_default=text("pg_current_xact_id()::text::bigint"))
    """The writing transaction: readers take what is below the oldest running one."""


class Session(TenantRow, Base):
    """A visit of our own: ended by 30 minutes of inactivity; a campaign change starts a touch, not a session."""

    __tablename__ = "session"
    __table_args__ = (
        Index("ix_session_visitor", "tenant_id", "visitor_id", "started_at"),
        Index("ix_session_started_at", "tenant_id", "started_at"),
    )

    visitor_id: Mapped[str]
    website_id: Mapped[str | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    landing_url: Mapped[str | None]
    referrer: Mapped[str | None]
    utm: Mapped[dict[str, Any] | None]
    click_ids: Mapped[dict[str, Any] | None]
    events: Mapped[int] = mapped_column(server_default="0")
    page_views: Mapped[int] = mapped_column(server_default="0")


class DroppedTraffic(Base):
    """How much arrived on a day and was not kept, by cause: sums alone, of which none can be led back to anybody."""

    __tablename__ = "dropped_traffic"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """The tenant's local day."""
    cause: Mapped[str] = mapped_column(primary_key=True)
    """bot, limited, rejected or no_consent_page."""
    amount: Mapped[int] = mapped_column(server_default="0")
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class CheckoutBinding(Base):
    """A checkout reference bound to the visitor before the shopper left for payment."""

    __tablename__ = "checkout_binding"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    checkout_ref: Mapped[str] = mapped_column(primary_key=True)
    visitor_id: Mapped[str | None]
    session_id: Mapped[str | None]
    consent: Mapped[str]
    """granted, denied or unknown."""
    bound_at: Mapped[datetime]


class OrderVisit(Base):
    """The visitor an order was stamped with, or why there is none."""

    __tablename__ = "order_visit"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    visitor_id: Mapped[str | None]
    session_id: Mapped[str | None]
    method: Mapped[str]
    """request, checkout_ref, token, session (the host's own), login, email, or none."""
    consent: Mapped[str]
    """granted, denied or unknown."""
    stamped_at: Mapped[datetime]


ONE_OF_ORDER = "conversion_type = 'purchase' AND order_id IS NOT NULL AND deleted_at IS NULL"
ONE_OF_LEAD = "conversion_type = 'lead_form_submission' AND lead_id IS NOT NULL AND deleted_at IS NULL"
"""Which conversions are unique per order and per lead; an upsert names the same words, without parameters, since
PostgreSQL cannot match a partial index to a parameter in a generic plan."""
DUE_FOR_CREDIT = "attribution_version IS NULL AND deleted_at IS NULL"


class Conversion(TenantRow, Versioned, Base):
    """Something worth counting; a purchase exists once per (tenant, order), whatever browser and bus each say."""

    __tablename__ = "conversion"
    __table_args__ = (
        Index(
            "uq_conversion_order",
            "tenant_id",
            "order_id",
            unique=True,
            postgresql_where=text(ONE_OF_ORDER),
        ),
        Index(
            "uq_conversion_lead",
            "tenant_id",
            "lead_id",
            unique=True,
            postgresql_where=text(ONE_OF_LEAD),
        ),
        UniqueConstraint("tenant_id", "dedupe_key"),
        # With deleted_at, so that deep pages skip what they skip without reading the rows.
        Index("ix_conversion_occurred_at", "tenant_id", "occurred_at", "id", postgresql_include=["deleted_at"]),
        Index("ix_conversion_type", "tenant_id", "conversion_type", "occurred_at"),
        Index("ix_conversion_visitor", "tenant_id", "visitor_id"),
        Index("ix_conversion_person", "tenant_id", "person_id"),
        Index("ix_conversion_identifier", "tenant_id", "identifier", postgresql_where=text("identifier IS NOT NULL")),
        Index("ix_conversion_order", "tenant_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("ix_conversion_lead", "tenant_id", "lead_id", postgresql_where=text("lead_id IS NOT NULL")),
        Index("ix_conversion_session", "tenant_id", "session_id"),
        Index("ix_conversion_campaign", "tenant_id", "ad_campaign_id", "occurred_at"),
        Index("ix_conversion_due", "tenant_id", "id", postgresql_where=text(DUE_FOR_CREDIT)),
        # What was credited under older rules, of which there is mostly nothing: asked every few minutes.
        Index(
            "ix_conversion_credited",
            "tenant_id",
            "attribution_version",
            "id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
        CheckConstraint("value >= 0", name="value_not_negative"),
    )

    conversion_type: Mapped[str]
    status: Mapped[str]
    """pending (a browser said so, or the order is not paid), confirmed, unconfirmed (manual, names no known order),
    cancelled (also a test order, see `is_test`). Only confirmed and unconfirmed ones count."""
    origin: Mapped[str]
    """order, lead, tracker, goal, manual or import."""
    occurred_at: Mapped[datetime]
    value: Mapped[int] = mapped_column(server_default="0")
    """Minor units by the tenant's revenue basis (purchases), or the goal's value; before refunds."""
    refunded: Mapped[int] = mapped_column(server_default="0")
    """Cumulative minor units given back, in the same basis as `value`: a full refund or a cancellation equals it."""
    currency: Mapped[str]
    cost: Mapped[int | None]
    """Minor units of goods sold, where orders carry costs."""
    is_revenue: Mapped[bool] = mapped_column(server_default=text("false"))
    """Counts as revenue: a confirmed, paid order that is no test."""
    is_test: Mapped[bool] = mapped_column(server_default=text("false"))
    """A test order: kept so that a corrected flag counts it, and counted nowhere until then."""
    is_new_customer: Mapped[bool | None]
    """The first revenue order of that person or address; null where neither is known, or it is no revenue."""
    sales_channel: Mapped[str | None]
    """online, offline or renewal (orders only)."""
    order_id: Mapped[str | None]
    lead_id: Mapped[str | None]
    goal_id: Mapped[str | None]
    event_id: Mapped[str | None]
    visitor_id: Mapped[str | None]
    session_id: Mapped[str | None]
    person_id: Mapped[str | None]
    """The host's person id where the order or lead names one."""
    identifier: Mapped[str | None]
    """`email:<keyed hash>` of the order's or lead's address: how guests are joined."""
    website_id: Mapped[str | None]
    utm: Mapped[dict[str, Any] | None]
    click_ids: Mapped[dict[str, Any] | None]
    platform: Mapped[str | None]
    """meta, google, generic or direct: written by attribution from the last non-direct touch; null until then."""
    ad_campaign_id: Mapped[str | None]
    ad_set_id: Mapped[str | None]
    ad_id: Mapped[str | None]
    campaign_assigned: Mapped[bool] = mapped_column(server_default=text("false"))
    """Somebody named platform or campaign by hand: attribution leaves them."""
    attribution_version: Mapped[int | None]
    """Rule version under which the credit was last computed; null: credit is due."""
    properties: Mapped[dict[str, Any] | None]
    dedupe_key: Mapped[str | None]
    deleted_at: Mapped[datetime | None]


class ConversionAdjustment(TenantRow, Base):
    """A refund or cancellation of a conversion; `id` is the refund's own id, so it is taken once."""

    __tablename__ = "conversion_adjustment"
    __table_args__ = (Index("ix_conversion_adjustment_conversion", "tenant_id", "conversion_id"),)

    conversion_id: Mapped[str]
    kind: Mapped[str]
    """refund or cancellation."""
    amount: Mapped[int]
    occurred_at: Mapped[datetime]


class Goal(TenantRow, Versioned, Base):
    """What qualifies as a conversion, and what it is worth."""

    __tablename__ = "goal"

    name: Mapped[str]
    description: Mapped[str | None]
    goal_type: Mapped[str]
    conditions: Mapped[dict[str, Any]]
    default_value: Mapped[int | None]
    currency: Mapped[str | None]
    value_from_event: Mapped[bool] = mapped_column(server_default=text("false"))
    priority: Mapped[int] = mapped_column(server_default="0")
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
