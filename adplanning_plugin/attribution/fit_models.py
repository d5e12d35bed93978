"""The table of fits of data-driven models: what was asked, what the paths were, and what the model answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Double, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from adplanning_plugin.kernel.models import Base, TenantRow


class Fit(TenantRow, Base):
    """One fit; its inputs and its answer stay as they were, whether or not it is adopted."""

    __tablename__ = "data_driven_fit"
    __table_args__ = (
        Index("ix_data_driven_fit_created_at", "tenant_id", "created_at", "id"),
        Index("uq_data_driven_fit_work", "tenant_id", "work_id", unique=True, postgresql_where=text("work_id <> ''")),
    )

    status: Mapped[str] = mapped_column(server_default="pending")
    """pending, running, done, insufficient_data or failed."""
    algorithm: Mapped[str]
    """markov, shapley or leave_one_out."""
    chain_order: Mapped[int | None] = mapped_column(SmallInteger)
    """Of the Markov chain, 1 to 3."""
    level: Mapped[str]
    """What the players are: channel or platform."""
    window_days: Mapped[int] = mapped_column(SmallInteger)
    """0 is lifetime."""
    conversion_type: Mapped[str | None]
    """Which conversions end a path; null is any."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    zone: Mapped[str]
    minimum_conversions: Mapped[int]
    resamples: Mapped[int]
    confidence: Mapped[float] = mapped_column(Double)
    seed: Mapped[int]
    currency: Mapped[str]
    """Of the value; conversions in other currencies are counted without theirs."""
    rule_version: Mapped[int | None]
    """Whose credit told the touches of each conversion."""
    inputs_hash: Mapped[str | None]
    """SHA-256 of the distinct paths and their counts, in their own order."""
    paths: Mapped[int | None]
    journeys: Mapped[int | None]
    conversions: Mapped[int | None]
    non_conversions: Mapped[int | None]
    value: Mapped[int | None]
    other_currencies: Mapped[int | None]
    """Conversions whose value is left out, because it is in another currency."""
    answer: Mapped[dict[str, Any] | None]
    """The model's answer, or what the data lack."""
    libraries: Mapped[dict[str, Any] | None]
    problem: Mapped[str | None]
    """A sentence, where the fit failed."""
    work_id: Mapped[str] = mapped_column(server_default="")
    """The piece of work that makes it: shows the progress."""
    requested_by: Mapped[str | None]
    """Null: the schedule."""
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    adopted_at: Mapped[datetime | None]
    """When credit last began to be shared by this fit."""
    adopted_by: Mapped[str | None]
