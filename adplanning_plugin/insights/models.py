"""Insights tables: spend that was typed in or imported, and exchange rates with their source."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, Numeric, func
from sqlalchemy.orm import Mapped, mapped_column

from adplanning_plugin.kernel.models import Base


class AdSpend(Base):
    """A day's spend of a campaign (or ad set, or ad) that no link provides; platforms restate, so it is upserted."""

    __tablename__ = "ad_spend"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    platform: Mapped[str] = mapped_column(primary_key=True)
    ad_campaign_id: Mapped[str] = mapped_column(primary_key=True)
    ad_set_id: Mapped[str] = mapped_column(primary_key=True, server_default="")
    ad_id: Mapped[str] = mapped_column(primary_key=True, server_default="")
    campaign_name: Mapped[str | None]
    spend: Mapped[int]
    currency: Mapped[str]
    zone: Mapped[str | None]
    """The account's zone, in which `day` is meant."""
    impressions: Mapped[int | None]
    clicks: Mapped[int | None]
    leads: Mapped[int | None]
    platform_conversions: Mapped[float | None] = mapped_column(Numeric(18, 4))
    platform_value: Mapped[int | None]
    source: Mapped[str] = mapped_column(server_default="manual")
    version: Mapped[int] = mapped_column(server_default="1")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ExchangeRate(Base):
    """One unit of `base` is `rate` units of `quote` on `day`."""

    __tablename__ = "exchange_rate"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    base: Mapped[str] = mapped_column(primary_key=True)
    quote: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    rate: Mapped[Decimal] = mapped_column(Numeric(24, 12))
    source: Mapped[str]
    version: Mapped[int] = mapped_column(server_default="1")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
