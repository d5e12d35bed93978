"""Kernel tables: tenants, keys, wake-ups, outbox, work, workflow runs, job slots, settings, audit, idempotency."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from adplanning_plugin.kernel.models import EXEMPT, Base, TenantRow


class TenantRecord(Base):
    """A store as last listed by the host; holds no personal data."""

    __tablename__ = "tenant"
    __table_args__ = ({"info": EXEMPT},)

    id: Mapped[str] = mapped_column(primary_key=True)
    zone: Mapped[str]
    currency: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PublicKey(Base):
    """A publishable key: only its hash is stored; bound to a tenant and to origins."""

    __tablename__ = "public_key"
    __table_args__ = ({"info": EXEMPT},)

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(index=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    hint: Mapped[str]
    """First characters of the key, so that people recognise it."""
    name: Mapped[str] = mapped_column(server_default="")
    origins: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    """Allowed origins; empty allows same-origin requests only."""
    website_id: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Wakeup(Base):
    """Some tenant has work due; written with the work, deleted by whoever looks after it. Losing one costs a beat."""

    __tablename__ = "wakeup"
    __table_args__ = (
        Index("ix_wakeup_due_at", "due_at"),
        Index("ix_wakeup_tenant_id_queue", "tenant_id", "queue", "due_at"),
        {"info": EXEMPT},
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant_id: Mapped[str]
    queue: Mapped[str]
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    xid: Mapped[int] = mapped_column(server_default=text("pg_current_xact_id()::text::bigint"))
    """The transaction that asks: a stream's wake-up counts once everything that old is readable."""


class OutboxEvent(TenantRow, Base):
    """An event, committed with the change that it tells of."""

    __tablename__ = "outbox_event"
    __table_args__ = (Index("ix_outbox_event_tenant_id_occurred_at", "tenant_id", "occurred_at"),)

    name: Mapped[str]
    occurred_at: Mapped[datetime]
    data: Mapped[dict[str, Any]]
    event_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WorkItem(TenantRow, Base):
    """One piece of due work, unique by (tenant, kind, key): an event for one subscriber, a run, a job's slot."""

    __tablename__ = "work_item"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", "key"),
        Index("ix_work_item_due", "tenant_id", "queue", "due_at", postgresql_where=text("status = 'pending'")),
        Index("ix_work_item_status", "tenant_id", "status", "created_at"),
    )

    queue: Mapped[str]
    kind: Mapped[str]
    """event:<subscriber id>, run:<workflow>, job:<name>, hook:<hook id>, sweep:<sweep id>."""
    key: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    status: Mapped[str] = mapped_column(server_default="pending")
    """pending, done or dead."""
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When to look at it next: for leased work, the end of the lease."""
    lease_until: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(server_default="0")
    """The fence: an outcome is written only under the attempt that produced it."""
    max_attempts: Mapped[int]
    progress: Mapped[dict[str, Any] | None]
    last_error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    done_at: Mapped[datetime | None]


class WorkflowRun(TenantRow, Base):
    """A run of a durable workflow (or the record of a database-only one)."""

    __tablename__ = "workflow_run"
    __table_args__ = (
        UniqueConstraint("tenant_id", "workflow", "key"),
        Index("ix_workflow_run_tenant_id_created_at", "tenant_id", "created_at"),
    )

    workflow: Mapped[str]
    key: Mapped[str]
    status: Mapped[str]
    """running, done, compensating, compensated or failed."""
    input: Mapped[dict[str, Any]]
    output: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class WorkflowStep(Base):
    """A step's recorded result, so that a resumed run does not do it again."""

    __tablename__ = "workflow_step"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    status: Mapped[str]
    """started, done or undone."""
    output: Mapped[dict[str, Any] | None]
    undo: Mapped[dict[str, Any] | None]
    attempt: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None]
    finished_at: Mapped[datetime | None]


class JobSlot(Base):
    """A job's slot in the tenant's zone; whoever inserts it runs it, however many schedulers there are."""

    __tablename__ = "job_slot"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    job: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Watermark(Base):
    """How far a reader or a sweep has come; `position` is the reader's own."""

    __tablename__ = "watermark"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    reader: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SettingRow(Base):
    """One section of a tenant's settings."""

    __tablename__ = "setting"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    section: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(server_default="1")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AuditEntry(TenantRow, Base):
    """Who changed what; commits with the change. Carries ids and field names, no personal values."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_tenant_id_at", "tenant_id", "at"),)

    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_id: Mapped[str]
    action: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    changes: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class IdempotencyKey(Base):
    """The stored answer of a create that carried an Idempotency-Key."""

    __tablename__ = "idempotency_key"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int]
    response: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
