"""Attribution tables: touchpoints, credit, rule versions, manual assignments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Double, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, DOUBLE_PRECISION, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from adplanning_plugin.kernel.models import Base, TenantRow, Versioned

ACTIVE = "activated_at IS NOT NULL AND superseded_at IS NULL"
BUILDING = "activated_at IS NULL AND superseded_at IS NULL"


class Touchpoint(TenantRow, Versioned, Base):
    """One per session and (source, medium, campaign) change; resolved to a campaign where it can be."""

    __tablename__ = "touchpoint"
    __table_args__ = (
        Index("ix_touchpoint_visitor", "tenant_id", "visitor_id", "occurred_at", "id"),
        Index("ix_touchpoint_session", "tenant_id", "session_id"),
        Index(
            "ix_touchpoint_person",
            "tenant_id",
            "person_id",
            "occurred_at",
            postgresql_where=text("person_id IS NOT NULL"),
        ),
        Index("ix_touchpoint_occurred_at", "tenant_id", "occurred_at"),
        Index("ix_touchpoint_campaign", "tenant_id", "ad_campaign_id", "occurred_at"),
        Index(
            "ix_touchpoint_unresolved",
            "tenant_id",
            "occurred_at",
            postgresql_where=text("resolution_method = 'unresolved'"),
        ),
        Index(
            "ix_touchpoint_alike",
            "tenant_id",
            "occurred_at",
            postgresql_where=text("resolution_method = 'fuzzy_name_match'"),
        ),
    )

    origin: Mapped[str]
    """own (tracker and middleware), host (AnalyticsSession) or manual."""
    session_id: Mapped[str | None]
    visitor_id: Mapped[str]
    """A visitor's id; for a host session without one `session:<id>`."""
    person_id: Mapped[str | None]
    """The host's person, where the host session names one."""
    occurred_at: Mapped[datetime]
    website_id: Mapped[str | None]
    source: Mapped[str]
    """Normalised source; `(direct)` for direct."""
    medium: Mapped[str]
    campaign: Mapped[str | None]
    term: Mapped[str | None]
    content: Mapped[str | None]
    campaign_key: Mapped[str | None]
    """utm_id, or else the normalised campaign name: what resolution matches."""
    click_ids: Mapped[dict[str, Any] | None]
    referrer_host: Mapped[str | None]
    landing_path: Mapped[str | None]
    device: Mapped[str | None]
    """mobile, tablet or desktop."""
    browser: Mapped[str | None]
    channel: Mapped[str]
    platform: Mapped[str]
    """meta, google, generic or direct."""
    is_direct: Mapped[bool]
    is_resolved: Mapped[bool] = mapped_column(server_default=text("false"))
    resolution_method: Mapped[str] = mapped_column(server_default="unresolved")
    """exact_utm_match, fuzzy_name_match, manual or unresolved (also: not_applicable, for direct and organic)."""
    resolution_reason: Mapped[str | None]
    """Why it is unresolved: unknown_campaign, ambiguous or, by somebody's decision, ignored; of a fuzzy_name_match
    similar or alias. Null where it was matched exactly, assigned by hand or not tried yet."""
    confidence: Mapped[float | None] = mapped_column(Double)
    ad_campaign_id: Mapped[str | None]
    ad_set_id: Mapped[str | None]
    ad_id: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    rule_version: Mapped[int] = mapped_column(server_default="1")
    is_excluded: Mapped[bool] = mapped_column(server_default=text("false"))
    """It came from a host that the store excludes: credit passes over it, and the way it was read stays."""


class TouchpointClass(Base):
    """How a rule version reads a touch where that differs from the touch itself; gone once the touch says the same."""

    __tablename__ = "touchpoint_class"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    rule_version: Mapped[int] = mapped_column(primary_key=True)
    touch_id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    platform: Mapped[str]
    is_direct: Mapped[bool]
    is_excluded: Mapped[bool]


class RuleVersion(Base):
    """What produced a set of credit rows: models in array order, windows and parameters.

    A store has at most one version that is active (its reports read it) and one that is building beside it.
    """

    __tablename__ = "rule_version"
    __table_args__ = (
        Index("uq_rule_version_active", "tenant_id", unique=True, postgresql_where=text(ACTIVE)),
        Index("uq_rule_version_building", "tenant_id", unique=True, postgresql_where=text(BUILDING)),
    )

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    models: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    windows: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    """Days; 0 is lifetime."""
    settings: Mapped[dict[str, Any]]
    fit_id: Mapped[str | None]
    """The fit by whose effects data_driven shares conversions; null where none is adopted."""
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    created_by: Mapped[str | None]
    """The id of whoever saved the settings; null where the plugin made it (the first, or other models)."""
    restored_from: Mapped[int | None]
    """The version whose settings were taken again."""
    classified_at: Mapped[datetime | None]
    """When every touch had been read by its channel rules; credit of a building version waits for that."""
    activated_at: Mapped[datetime | None]
    """When its credit was complete and reports went over to it; null: it is building, or was never finished."""
    superseded_at: Mapped[datetime | None]
    """When another took its place."""


class Credit(Base):
    """One row per conversion, window and touch, with all models' weights and money in the rule version's order.

    A conversion that nothing qualifies for has one row with an empty `touch_id`: unattributed, the whole amount. Rows
    of a version that is building stand beside those of the active one; `versions.of_active` selects what counts.
    """

    __tablename__ = "credit"
    __table_args__ = (
        Index("ix_credit_touch", "tenant_id", "touch_id"),
        Index("ix_credit_campaign", "tenant_id", "rule_version", "window_days", "occurred_at", "ad_campaign_id"),
    )

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    conversion_id: Mapped[str] = mapped_column(primary_key=True)
    window_days: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    """0 is lifetime."""
    touch_id: Mapped[str] = mapped_column(primary_key=True, server_default="")
    position: Mapped[int] = mapped_column(SmallInteger)
    """1-based in time order; 0 for the unattributed row."""
    touches: Mapped[int] = mapped_column(SmallInteger)
    touched_at: Mapped[datetime | None]
    occurred_at: Mapped[datetime]
    """The conversion's time: reports by order date; `touched_at` serves reports by click date."""
    channel: Mapped[str | None]
    platform: Mapped[str | None]
    ad_campaign_id: Mapped[str | None]
    ad_set_id: Mapped[str | None]
    ad_id: Mapped[str | None]
    weights: Mapped[list[float]] = mapped_column(ARRAY(DOUBLE_PRECISION))
    amounts: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    """Gross minor units per model; each model's parts sum exactly to the conversion's value."""
    refunds: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    """The cumulative refund split by the same weights; each model's parts sum exactly to it."""
    currency: Mapped[str]
    rule_version: Mapped[int] = mapped_column(primary_key=True)
