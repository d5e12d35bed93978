"""Sweeps: what was linked but never told of. Reads host ids behind a watermark, in batches; knows no link itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Subquery
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.runtime import Runtime

BATCH = 2_000


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
    after: tuple[str, ...] = ()
    """Ids of sweeps that must have seen their rows first."""


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


async def run_sweep(
    runtime: Runtime,
    tenant_id: str,
    sweep: Sweep,
    *,
    since: datetime | None = None,
    progress: Progress | None = None,
    batch: int = BATCH,
    rows_per_second: float | None = None,
    is_backfill: bool = False,
) -> SweepResult:
    """Process what is newer than the sweep's watermark (or than `since`), committing the watermark with each batch."""
    from adplanning_plugin.kernel.sweeping import Sweeping

    sweeping = Sweeping(
        runtime, tenant_id, sweep, batch=batch, rows_per_second=rows_per_second, is_backfill=is_backfill
    )
    return await sweeping.run(since, progress)


async def preview(runtime: Runtime, tenant_id: str, since: datetime | None = None) -> Mapping[str, int]:
    """How many rows each sweep of a backfill would look at; changes nothing."""
    from adplanning_plugin.kernel.sweeping import count_rows
    from adplanning_plugin.kernel.work import Work

    sweeps = runtime.get(Work).ordered_sweeps()
    return {sweep.id: await count_rows(runtime, tenant_id, sweep, since) for sweep in sweeps}


async def backfill(
    runtime: Runtime,
    tenant_id: str,
    since: datetime | None = None,
    *,
    progress: Progress | None = None,
    batch: int = BATCH,
    rows_per_second: float | None = None,
) -> list[SweepResult]:
    """Every sweep over the past in dependency order; a run that was cut off goes on where it was."""
    from adplanning_plugin.kernel.work import Work

    return [
        await run_sweep(
            runtime,
            tenant_id,
            sweep,
            since=since,
            progress=progress,
            batch=batch,
            rows_per_second=rows_per_second,
            is_backfill=True,
        )
        for sweep in runtime.get(Work).ordered_sweeps()
    ]
