"""Sweeps: what was linked but never told of. Reads host ids behind a watermark, in batches; knows no link itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Subquery
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.runtime import Runtime


class LinkedEntities(Protocol):
    """What a sweep needs of the links; the composition root puts them into the runtime under this type."""

    def selectable(self, entity: str, tenant_id: str) -> Subquery:
        """The entity's rows of one tenant under canonical column names."""
        ...

    def since(
        self, entity: str, tenant_id: str, column: str | Sequence[str], after: Any, *, inclusive: bool = False
    ) -> Subquery:
        """Those of them of which the first present of the columns lies after a bound."""
        ...

    def has(self, entity: str) -> bool:
        """Whether there can be rows of it."""
        ...

    def provides(self, entity: str, column: str) -> bool:
        """Whether that canonical column has values."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepContext:
    """One batch: the tenant transaction that also commits the watermark. A past one must send nothing outside."""

    runtime: Runtime
    session: AsyncSession
    tenant_id: str
    attempt: int = 1
    is_backfill: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """Set-wise, idempotent processing of a linked entity, newest watermark onwards."""

    id: str
    entity: str
    process: Callable[[SweepContext, Sequence[str]], Awaitable[int]]
    """Up to 2,000 host ids in; how many results changed out."""
    order_by: tuple[str, ...] = ("updated_at", "created_at", "id")
    """The columns that say when a row was last written (the first present value counts), and the id."""
    optional: bool = False
    """Whether a store whose link has none of those columns is passed over; otherwise it is told to add one."""
    after: tuple[str, ...] = ()
    """Ids of sweeps that must have seen their rows first."""
    finish: Callable[[SweepContext], Awaitable[None]] | None = None
    """Once, when a backfill is through with the entity: what costs less for all of the past than batch by batch."""


@dataclass(kw_only=True, slots=True)
class SweepResult:
    """What one sweep did."""

    sweep: str
    seen: int = 0
    changed: int = 0
    failed: list[str] = field(default_factory=list[str])
    """Host ids that could not be processed; each is a dead letter."""
    busy: bool = False
    """Another process is at this sweep; nothing was done here."""


Progress = Callable[[str, int, int], None]
"""`(sweep id, rows done, rows in all)`."""
