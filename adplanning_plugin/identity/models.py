"""Identity tables: visitors, the edges that link a visitor to a person, and who is one with whom because of them."""

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
    """order, login, signed_link, confirmed (by an operator) or form."""
    strength: Mapped[int] = mapped_column(SmallInteger)
    """2 strong (order, login, signed link, confirmed), 1 weak (form): only strong edges carry credit."""
    source: Mapped[str]
    """What showed it: `order:<id>`, `login`, `link`, `operator`, `form:<id>`, `lead:<id>`."""
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    """Null while the edge is live; a revoked one stays, links nobody, and can be restored."""
    revoked_by: Mapped[str | None]
    """The operator's id."""
    revoked_reason: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")


class IdentityDenylist(Base):
    """Identifiers that link nobody: shared mailboxes, test addresses, whatever exceeded the cap of visitors."""

    __tablename__ = "identity_denylist"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    identifier: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str | None]
    """The operator's id; null where a cap put it there."""
    allowed_at: Mapped[datetime | None]
    """Set where an operator took it off: from then on it links again, and the caps of its kind pass it over."""
    allowed_by: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")


class IdentityComponent(Base):
    """Who is one with whom: a visitor or an identifier, and the component of live strong edges that it belongs to.

    It follows from the edges and the denylist alone, and is kept beside them so that reading it is one look-up.
    """

    __tablename__ = "identity_component"
    __table_args__ = (Index("ix_identity_component_members", "tenant_id", "component_id", "is_visitor", "node"),)

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    node: Mapped[str] = mapped_column(primary_key=True)
    """A visitor's id, or an identifier."""
    is_visitor: Mapped[bool] = mapped_column(primary_key=True)
    component_id: Mapped[str]
    """Its person's identifier (`person:<host id>`); of guests, its least address (`email:<keyed hash>`)."""
