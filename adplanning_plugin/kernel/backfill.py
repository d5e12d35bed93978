"""Backfill: runs the sweeps, one after another over the past, or every few minutes behind the bus."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from adplanning_plugin.kernel.events import Retry
from adplanning_plugin.kernel.jobs import Every, Job, JobContext
from adplanning_plugin.kernel.queue import sentence
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.sweep import Progress, Sweep, SweepResult
from adplanning_plugin.kernel.sweeping import Sweeping, count_rows
from adplanning_plugin.kernel.work import Work

BATCH = 2_000
FIRST_SWEEP = timedelta(days=1)
SWEEP_JOB = "sweep-linked-entities"
_POSITION = text("SELECT position FROM adplanning.watermark WHERE tenant_id = :tenant AND reader = :reader")


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
    sweeping = Sweeping(
        runtime, tenant_id, sweep, batch=batch, rows_per_second=rows_per_second, is_backfill=is_backfill
    )
    return await sweeping.run(since, progress)


async def preview(runtime: Runtime, tenant_id: str, since: datetime | None = None) -> Mapping[str, int]:
    """How many rows each sweep of a backfill would look at; changes nothing."""
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


async def sweep_everything(context: JobContext) -> None:
    """The job behind the bus: every sweep in its order; one that fails stops those after it no more than it must.

    A sweep that has never run begins a day ago: the past is for `adplanning backfill`.
    """
    work = context.runtime.get(Work)
    failures: list[str] = []
    for sweep in work.ordered_sweeps():
        key = {"tenant": context.tenant_id, "reader": f"sweep:{sweep.id}"}
        async with context.runtime.database.transaction(context.tenant_id) as session:
            known: dict[str, Any] | None = (await session.execute(_POSITION, key)).scalar_one_or_none()
        since = None if known and "at" in known else context.slot - FIRST_SWEEP
        try:
            await run_sweep(context.runtime, context.tenant_id, sweep, since=since)
        except Exception as problem:  # noqa: BLE001 - the others are not to blame; the job fails at its end
            failures.append(f"{sweep.id}: {sentence(problem)}")
    if failures:
        raise Retry("Sweeps failed. " + " ".join(failures))


def sweep_job() -> Job:
    """Every few minutes, so that an event which was never emitted costs minutes."""
    return Job(name=SWEEP_JOB, schedule=Every(seconds=300), run=sweep_everything)
