"""The alias table: what people decided about tags that name no campaign, and what each decision moved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Double, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from adplanning_plugin.kernel.models import Base, TenantRow

CAMPAIGN, IGNORED = "campaign", "ignored"


class CampaignAlias(TenantRow, Base):
    """One decision: these names mean that campaign, or none. Never edited; taken back at most once.

    A name's latest decision that was not taken back holds.
    """

    __tablename__ = "campaign_alias"
    __table_args__ = (Index("ix_campaign_alias_decided_at", "tenant_id", "decided_at", "id"),)

    kind: Mapped[str]
    """campaign or ignored."""
    names: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    """Names as touches carry them, normalised as for an exact match."""
    platform: Mapped[str]
    """The platform of the touches that it holds for."""
    website_id: Mapped[str | None]
    """Their website; null: of touches that name none."""
    ad_campaign_id: Mapped[str | None]
    score: Mapped[float | None] = mapped_column(Double)
    """How like the campaign's name the group's chief name was, 0 to 1, when it was decided."""
    margin: Mapped[float | None] = mapped_column(Double)
    decided_by: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    work_id: Mapped[str | None]
    """The piece of work that resolves history anew."""
    outcome: Mapped[dict[str, Any] | None]
    """What it moved: see `realias`; null until it is done."""
    reverted_by: Mapped[str | None]
    reverted_at: Mapped[datetime | None]
    revert_work_id: Mapped[str | None]
    revert_outcome: Mapped[dict[str, Any] | None]
