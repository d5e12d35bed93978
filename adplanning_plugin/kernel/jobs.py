"""Jobs: what runs at which times in whose zone, and asking for a run now. The scheduler makes the slots."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.database import check_tenant_id
from adplanning_plugin.kernel.errors import ConfigurationError, FieldError, Invalid
from adplanning_plugin.kernel.events import encode_json, nudge_after_commit, tenant_scope, wake
from adplanning_plugin.kernel.ids import new_id, new_ulid
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.work import JOBS, Work

SYSTEM_TENANT = "adplanning:system"
"""Holds the slots and work items of system jobs, which touch no tenant's rows."""
PROGRESS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Cron:
    """Five cron fields in the job's zone: `Cron("0 2 * * *")` is 02:00 there.

    A local time that daylight saving skips runs right after the gap, a doubled one runs once (as Debian's cron).
    """

    expression: str

    def __post_init__(self) -> None:
        if len(self.expression.split()) != 5:
            raise ConfigurationError(f"Cron({self.expression!r}) needs five fields: minute hour day month weekday.")
        try:
            CronSim(self.expression, datetime(2024, 1, 1, tzinfo=UTC))
        except CronSimError as problem:
            raise ConfigurationError(f"Cron({self.expression!r}) is not valid: {problem}.") from problem

    def after(self, moment: datetime, zone: str) -> datetime:
        """The first slot after `moment`, in UTC."""
        return next(CronSim(self.expression, moment.astimezone(ZoneInfo(zone)))).astimezone(UTC)

    def latest(self, moment: datetime, zone: str) -> datetime:
        """The last slot at or before `moment`, in UTC.

        Walked forwards from earlier times, because backwards a doubled local hour would answer with its second pass.
        """
        for days in (0.1, 2, 40, 400, 3000):
            found = self.between(moment - timedelta(days=days), moment, zone, most=100_000)
            if found:
                return found[-1]
        raise ConfigurationError(f"Cron({self.expression!r}) has had no slot in eight years.")

    def between(self, after: datetime, until: datetime, zone: str, *, most: int) -> list[datetime]:
        """Slots with `after < slot <= until`, oldest first, at most `most`."""
        slots: list[datetime] = []
        for local in CronSim(self.expression, after.astimezone(ZoneInfo(zone))):
            slot = local.astimezone(UTC)
            if slot > until or len(slots) >= most:
                break
            if slot > after and (not slots or slot > slots[-1]):
                slots.append(slot)
        return slots


@dataclass(frozen=True, slots=True)
class Every:
    """A fixed interval counted from the epoch; at least a minute (what is faster is a stream or the beat)."""

    seconds: int

    def __post_init__(self) -> None:
        if self.seconds < 60:
            raise ConfigurationError(f"Every(seconds={self.seconds}) is too often for a job's slots: use 60 or more.")

    def after(self, moment: datetime, zone: str) -> datetime:  # noqa: ARG002 - same face as Cron
        """The first slot after `moment`, in UTC."""
        return datetime.fromtimestamp((int(moment.timestamp()) // self.seconds + 1) * self.seconds, UTC)

    def latest(self, moment: datetime, zone: str) -> datetime:  # noqa: ARG002 - same face as Cron
        """The last slot at or before `moment`, in UTC."""
        return datetime.fromtimestamp(int(moment.timestamp()) // self.seconds * self.seconds, UTC)

    def between(self, after: datetime, until: datetime, zone: str, *, most: int) -> list[datetime]:
        """Slots with `after < slot <= until`, oldest first, at most `most`."""
        slots: list[datetime] = []
        slot = self.after(after, zone)
        while slot <= until and len(slots) < most:
            slots.append(slot)
            slot += timedelta(seconds=self.seconds)
        return slots


@dataclass(kw_only=True, slots=True)
class JobContext:
    """One run of a job; its work may take long, so it opens transactions of its own, each fenced by the attempt."""

    runtime: Runtime
    tenant_id: str
    slot: datetime
    payload: dict[str, Any] = field(default_factory=dict[str, Any])
    item_id: str
    attempt: int
    _reported: float = 0.0

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """A tenant transaction that commits only while this run still holds its lease."""
        async with self.runtime.database.transaction(self.tenant_id) as session:
            yield session
            await self._still_ours(session)

    async def progress(self, done: int, total: int | None = None) -> None:
        """Store how far the run is; at most once a second, and always when it is complete."""
        now = time.monotonic()
        if now - self._reported < PROGRESS_SECONDS and done != total:
            return
        self._reported = now
        statement = text(
            "UPDATE adplanning.work_item SET progress = CAST(:progress AS jsonb)"
            " WHERE tenant_id = :tenant AND id = :id AND attempt = :attempt AND status = 'pending'"
        )
        values = {"progress": encode_json({"done": done, "total": total}), **self._key()}
        async with self.runtime.database.transaction(self.tenant_id) as session:
            await session.execute(statement, values)

    async def _still_ours(self, session: AsyncSession) -> None:
        statement = text(
            "SELECT 1 FROM adplanning.work_item WHERE tenant_id = :tenant AND id = :id AND attempt = :attempt"
            " AND status = 'pending' FOR SHARE"
        )
        if (await session.execute(statement, self._key())).first() is None:
            raise LeaseLost

    def _key(self) -> dict[str, Any]:
        return {"tenant": self.tenant_id, "id": self.item_id, "attempt": self.attempt}


class LeaseLost(Exception):
    """Another worker has taken this work over; whatever was done in the open transaction is rolled back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A scheduled job of each tenant; `system` jobs run once an installation and touch no tenant's rows."""

    name: str
    schedule: Cron | Every
    run: Callable[[JobContext], Awaitable[None]]
    zone: str = "tenant"
    """`tenant`, or the name of a zone."""
    catch_up: Literal["once", "skip", "all"] = "once"
    """What happens to slots missed while no scheduler ran: the last one, none, or each of them."""
    max_attempts: int | None = None
    system: bool = False

    def zone_of(self, runtime: Runtime, tenant_id: str) -> str:
        """The zone that this job's slots are computed in."""
        if self.zone != "tenant":
            return self.zone
        return "UTC" if self.system else runtime.tenant(tenant_id).zone


_ENQUEUE = text(
    """
    INSERT INTO adplanning.work_item (tenant_id, id, queue, kind, key, payload, max_attempts)
    VALUES (:tenant, :id, :queue, :kind, :key, CAST(:payload AS jsonb), :most)
    ON CONFLICT (tenant_id, kind, key) DO NOTHING RETURNING id
    """
)


async def enqueue(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    *,
    kind: str,
    key: str,
    queue: str,
    payload: Mapping[str, Any],
    max_attempts: int | None = None,
) -> str | None:
    """One work item and its wake-up in the caller's transaction; None where (kind, key) is there already."""
    async with tenant_scope(session, tenant_id):
        connection = await session.connection()
        values: dict[str, Any] = {
            "tenant": tenant_id,
            "id": new_id("work"),
            "queue": queue,
            "kind": kind,
            "key": key,
            "payload": encode_json(payload),
            "most": max_attempts or runtime.options.work.max_attempts,
        }
        inserted: str | None = (await connection.execute(_ENQUEUE, values)).scalar_one_or_none()
        if inserted is not None:
            await wake(session, tenant_id, queue)
            nudge_after_commit(session, runtime.get(Work))
    return inserted


async def run_job_now(
    session: AsyncSession, runtime: Runtime, tenant_id: str, name: str, payload: Mapping[str, Any] | None = None
) -> str:
    """Ask for one run of a job outside its schedule; the work item's id shows its progress.

    Raises:
        NotFound: no such job.
        Invalid: a tenant's job without a tenant, or a system job with one.
    """
    job = runtime.get(Work).job(name)
    if not tenant_id or job.system != (tenant_id == SYSTEM_TENANT):
        needs = f"belongs to the installation: use {SYSTEM_TENANT!r}" if job.system else "needs a tenant"
        raise Invalid(FieldError("tenant_id", "wrong_tenant", f"Job {name!r} {needs}."))
    check_tenant_id(tenant_id)
    inserted = await enqueue(
        session,
        runtime,
        tenant_id,
        kind=f"job:{name}",
        key=f"now:{new_ulid()}",
        queue=JOBS,
        payload={"slot": datetime.now(UTC), "payload": dict(payload or {})},
        max_attempts=job.max_attempts,
    )
    if inserted is None:
        raise LookupError("a fresh key was already taken")
    return inserted
