"""Path tables: how many journeys of each day took which path, and which days have to be counted anew."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from adplanning_plugin.kernel.models import Base


class JourneyPath(Base):
    """Journeys of one local day that took the same path; figures over all of them, of nobody in particular."""

    __tablename__ = "journey_path"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    window_days: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    """0 is lifetime."""
    level: Mapped[str] = mapped_column(primary_key=True)
    """channel or platform: what a path's steps are. length, hours: distributions, whose path is the one bucket."""
    conversion_type: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    """Of the conversion; of a journey without one, of its last touch."""
    is_converted: Mapped[bool] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    """Empty where nothing was bought."""
    path_key: Mapped[str] = mapped_column(primary_key=True)
    """A digest of the path, which may be too long for an index."""
    path: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    """Oldest touch first; empty where a conversion had none in the window."""
    journeys: Mapped[int]
    value: Mapped[int]
    """Minor units, less refunds."""
    seconds: Mapped[int]
    """From the first touch to the conversion, or to the last touch; the sum."""


class JourneyPathDay(Base):
    """A local day that is counted, under which rules and zone, or is to be counted anew."""

    __tablename__ = "journey_path_day"
    __table_args__ = (Index("ix_journey_path_day_stale", "tenant_id", "day", postgresql_where=text("is_stale")),)

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    is_stale: Mapped[bool] = mapped_column(server_default=text("true"))
    rule_version: Mapped[int] = mapped_column(server_default="0")
    zone: Mapped[str] = mapped_column(server_default="")
    counted_at: Mapped[datetime | None]
