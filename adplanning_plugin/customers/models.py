"""Customer tables: receipts of erasures, and what an erasure in hand has still to look for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from adplanning_plugin.kernel.models import Base, TenantRow


class Erasure(TenantRow, Base):
    """The receipt of one erasure (`era_…`): who asked, when, how many rows where. It names nobody."""

    __tablename__ = "erasure"
    __table_args__ = (
        Index("ix_erasure_requested_at", "tenant_id", "requested_at", "id"),
        Index(
            "uq_erasure_running",
            "tenant_id",
            "person_hash",
            unique=True,
            postgresql_where=text("status = 'running'"),
        ),
    )

    status: Mapped[str] = mapped_column(server_default="running")
    """running or done."""
    person_hash: Mapped[str]
    """A keyed hash of the person's id: proves whom a receipt is for to whoever knows the id and the secret."""
    pseudonym: Mapped[str]
    """What stands in the rows that stayed."""
    requested_by: Mapped[str]
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    rows: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """Table → {deleted, pseudonymised, cleaned, kept}."""
    kept: Mapped[list[Any]] = mapped_column(server_default="[]")
    """{what, rows, why}: what stays, and for what reason."""


class ErasureSubject(Base):
    """What the running erasure looks for: the person's ids of each kind. Emptied by the erasure's last step."""

    __tablename__ = "erasure_subject"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    erasure_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
