"""Identity tables: visitors, and the edges that link a visitor to a person. Decisions are made on read, not stored."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from adplanning_plugin.kernel.models import Base, TenantRow


class Visitor(TenantRow, Base):
    """A browser that consented to a first-party cookie (`vis_…`)."""

    __tablename__ = "visitor"

    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class IdentityEdge(Base):
    """One visitor seen with one identifier: `person:<host id>` or `email:<keyed hash>`, never an address."""

    __tablename__ = "identity_edge"
    __table_args__ = (Index("ix_identity_edge_identifier", "tenant_id", "identifier", "strength"),)

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    visitor_id: Mapped[str] = mapped_column(primary_key=True)
    identifier: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    """order, login, signed_link or form."""
    strength: Mapped[int] = mapped_column(SmallInteger)
    """2 strong (order, login, signed link), 1 weak (form email): only strong edges carry credit."""
    source: Mapped[str]
    """What showed it: `order:<id>`, `login`, `link`, `form:<id>`."""
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class IdentityDenylist(Base):
    """Identifiers that link nobody: shared mailboxes, test addresses, whatever exceeded the cap of visitors."""

    __tablename__ = "identity_denylist"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    identifier: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    created_at: Mapped[datetime]
