"""Scheduler: turns schedules into slots and work. Any number may run; a slot belongs to whoever inserts its row."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.jobs import SYSTEM_TENANT, Every, Job, enqueue
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.work import JOBS, Work

GRACE = timedelta(seconds=60)
"""A slot found this late still runs where missed ones are skipped."""
MOST_MISSED = 1_000
"""How many missed slots are made up for at once where all of them are."""
LONGEST_SLEEP = 30.0

_LAST = text("SELECT max(slot) FROM adplanning.job_slot WHERE tenant_id = :tenant AND job = :job")
_TAKE = text(
    "INSERT INTO adplanning.job_slot (tenant_id, job, slot) VALUES (:tenant, :job, :slot)"
    " ON CONFLICT DO NOTHING RETURNING 1"
)
_UNFINISHED = text(
    "SELECT 1 FROM adplanning.work_item WHERE tenant_id = :tenant AND kind = :kind AND status = 'pending' LIMIT 1"
)


class Scheduler:
    """The loop of embedded mode and of `adplanning scheduler`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._next: dict[tuple[str, str], datetime] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; returns at once."""
        self._task = asyncio.create_task(self._run(), name="adplanning-scheduler")

    async def stop(self) -> None:
        """Stop between two slots, or roll back the one that was being inserted."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def tick(self, now: datetime | None = None) -> int:
        """Insert every slot that is due (by the database's clock, or at `now`) and return how many runs that made."""
        moment = now or await self._clock()
        made = 0
        for job in self._runtime.get(Work).jobs.values():
            for tenant_id in self._tenants_of(job):
                if self._next.get((tenant_id, job.name), moment) <= moment:
                    made += await self._due(job, tenant_id, moment)
        return made

    async def _run(self) -> None:
        away = False
        while True:
            wait = min(self._runtime.options.work.beat_seconds, LONGEST_SLEEP)
            try:
                now = await self._clock()
                await self.tick(now)
                upcoming = min(self._next.values(), default=None)
                until = LONGEST_SLEEP if upcoming is None else (upcoming - now).total_seconds()
                wait = min(LONGEST_SLEEP, until)
                away = False
            except Exception as problem:  # noqa: BLE001 - the loop goes on; a missed slot is found by query
                if not away:
                    self._runtime.log.warning("slots could not be made (%s); trying again", type(problem).__name__)
                away = True
            # A short random part spreads many schedulers; a slot is never looked for before its time.
            await asyncio.sleep(max(0.2, wait) + random.uniform(0.0, 0.2))  # noqa: S311

    async def _due(self, job: Job, tenant_id: str, moment: datetime) -> int:
        zone = job.zone_of(self._runtime, tenant_id)
        made = 0
        async with self._runtime.database.transaction(tenant_id) as session:
            last: datetime | None = (
                await session.execute(_LAST, {"tenant": tenant_id, "job": job.name})
            ).scalar_one_or_none()
            if last is None:
                # Where a schedule begins nothing has been missed; an interval's first run is now.
                first = job.schedule.latest(moment, zone)
                made += await self._take(session, job, tenant_id, first, runs=isinstance(job.schedule, Every))
            else:
                for slot, runs in self._missed(job, zone, last, moment):
                    made += await self._take(session, job, tenant_id, slot, runs=runs)
        self._next[tenant_id, job.name] = job.schedule.after(moment, zone)
        return made

    @staticmethod
    def _missed(job: Job, zone: str, last: datetime, moment: datetime) -> list[tuple[datetime, bool]]:
        """Slots since the last one, and whether each runs, by the job's catch-up policy."""
        if job.catch_up == "all":
            return [(slot, True) for slot in job.schedule.between(last, moment, zone, most=MOST_MISSED)]
        latest = job.schedule.latest(moment, zone)
        if latest <= last:
            return []
        return [(latest, job.catch_up == "once" or moment - latest <= GRACE)]

    async def _take(self, session: AsyncSession, job: Job, tenant_id: str, slot: datetime, *, runs: bool) -> int:
        """The slot's row and its work item in one transaction; 0 where another scheduler was first."""
        values: dict[str, Any] = {"tenant": tenant_id, "job": job.name, "slot": slot}
        if (await session.execute(_TAKE, values)).first() is None or not runs:
            return 0
        if isinstance(job.schedule, Every) and job.catch_up != "all":
            unfinished = await session.execute(_UNFINISHED, {"tenant": tenant_id, "kind": f"job:{job.name}"})
            if unfinished.first() is not None:
                return 0  # the run before this one is still at it: an interval's runs do not pile up
        await enqueue(
            session,
            self._runtime,
            tenant_id,
            kind=f"job:{job.name}",
            key=slot.isoformat(),
            queue=JOBS,
            payload={"slot": slot},
            max_attempts=job.max_attempts,
        )
        return 1

    def _tenants_of(self, job: Job) -> list[str]:
        return [SYSTEM_TENANT] if job.system else [tenant.id for tenant in self._runtime.tenants]

    async def _clock(self) -> datetime:
        async with self._runtime.database.system() as session:
            now: datetime = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
        return now.astimezone(UTC)
