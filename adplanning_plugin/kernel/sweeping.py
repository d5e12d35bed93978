"""How a sweep reads: keys in order behind a watermark, batches in transactions of their own, bad rows set aside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Subquery, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.events import encode_json
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.queue import sentence
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.statistics import count_changes, refresh_statistics
from adplanning_plugin.kernel.sweep import LinkedEntities, Progress, Sweep, SweepContext, SweepResult

OVERLAP = timedelta(minutes=10)
"""Read again each time: a row carries the time of its writing, and becomes visible at its commit."""
KEYS_AT_ONCE = 100_000
"""Keys fetched by one ordered query of the host's table, so that a long backfill sorts it few times."""
FIRST_BATCHES = (100, 500)
MOST_BAD_ROWS = 20
"""More in one batch is no bad row but a broken sweep: it stops, and its job is retried."""
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)


class Mark(NamedTuple):
    """Where a sweep is: the time of the last row's writing, and its id."""

    at: datetime
    id: str


class _Busy(Exception):
    """Another process has moved this watermark."""


class Sweeping:
    """One run of one sweep for one tenant."""

    def __init__(
        self,
        runtime: Runtime,
        tenant_id: str,
        sweep: Sweep,
        *,
        batch: int,
        rows_per_second: float | None,
        is_backfill: bool,
    ) -> None:
        self._runtime = runtime
        self._tenant_id = tenant_id
        self._sweep = sweep
        self._batch = batch
        self._rate = rows_per_second
        self._is_backfill = is_backfill
        self._reader = f"{'backfill' if is_backfill else 'sweep'}:{sweep.id}"
        self._result = SweepResult(sweep=sweep.id)
        self._since: datetime | None = None

    async def run(self, since: datetime | None, progress: Progress | None) -> SweepResult:
        """Batch after batch until nothing newer is left."""
        links = self._runtime.get(LinkedEntities)
        if not _can_be_read(links, self._sweep):
            return self._result
        self._since = since
        known, mark = await self._begin(since)
        total = await count_rows(self._runtime, self._tenant_id, self._sweep, mark.at) if progress else 0
        started, batches = time.monotonic(), 0
        while keys := await self._keys(mark):
            for part in self._parts(keys, batches):
                try:
                    known = await self._process(part, known)
                except _Busy:
                    self._result.busy = True
                    return self._result
                self._result.seen += len(part)
                batches += 1
                if self._is_backfill and batches & (batches - 1) == 0:  # after 1, 2, 4, 8, …
                    await refresh_statistics(self._runtime.database, 0.0 if batches <= len(FIRST_BATCHES) else 0.02)
                if progress:
                    progress(self._sweep.id, self._result.seen, max(total, self._result.seen))
                if self._rate:
                    await asyncio.sleep(max(0.0, self._result.seen / self._rate - (time.monotonic() - started)))
            mark = keys[-1]
            if len(keys) < KEYS_AT_ONCE:
                break
        if self._is_backfill:
            await self._complete(known)
        return self._result

    def _parts(self, keys: Sequence[Mark], batches: int) -> Iterator[Sequence[Mark]]:
        """Batches of the keys; a backfill begins with small ones, until the planner has seen the tenant's rows."""
        growing = iter(FIRST_BATCHES[batches:] if self._is_backfill else ())
        first = 0
        while first < len(keys):
            size = min(next(growing, self._batch), self._batch)
            yield keys[first : first + size]
            first += size

    async def _begin(self, since: datetime | None) -> tuple[dict[str, Any], Mark]:
        """The stored position, and the mark to read from."""
        key = {"tenant": self._tenant_id, "reader": self._reader}
        async with self._runtime.database.transaction(self._tenant_id) as session:
            await session.execute(_ENSURE, key)
            known: dict[str, Any] = (await session.execute(_POSITION, key)).scalar_one()
        stored = Mark(datetime.fromisoformat(known["at"]), known["id"]) if "at" in known else None
        if self._is_backfill:
            same = stored is not None and known.get("since") == _stamp(since) and not known.get("complete")
            return known, stored if same and stored is not None else Mark(since or _EARLIEST, "")
        if since is not None:
            return known, Mark(since, "")
        return known, Mark(stored.at - OVERLAP, "") if stored is not None else Mark(_EARLIEST, "")

    async def _keys(self, mark: Mark) -> Sequence[Mark]:
        rows, written, identity = _source(self._runtime, self._tenant_id, self._sweep, mark.at)
        statement = (
            select(written, identity)
            .select_from(rows)
            .where(tuple_(written, identity) > tuple_(mark.at, mark.id))
            .order_by(written, identity)
            .limit(KEYS_AT_ONCE)
        )
        async with self._runtime.database.transaction(self._tenant_id) as session:
            return [Mark(row[0], row[1]) for row in (await session.execute(statement)).all()]

    async def _process(self, keys: Sequence[Mark], known: dict[str, Any]) -> dict[str, Any]:
        """One batch and its watermark in one transaction; one that fails is halved until its bad rows are alone."""
        ids = [key.id for key in keys]
        try:
            async with self._runtime.database.transaction(self._tenant_id) as session:
                moved = await self._move(session, keys[-1], known)
                changed = await self._sweep.process(self._context(session), ids)
                if self._is_backfill:
                    await count_changes(session)
        except _Busy:
            raise
        except Exception as problem:  # noqa: BLE001 - whatever a row provokes
            self._runtime.log.warning("sweep %s: a batch of %d failed: %s", self._sweep.id, len(ids), sentence(problem))
            async with self._runtime.database.transaction(self._tenant_id) as session:
                moved = await self._move(session, keys[-1], known)
                bad: list[tuple[str, Exception]] = []
                changed = await self._take_apart(session, ids, bad, problem)
                await self._set_aside(session, bad)
        self._result.changed += changed
        return moved

    async def _take_apart(
        self, session: AsyncSession, ids: Sequence[str], bad: list[tuple[str, Exception]], problem: Exception
    ) -> int:
        if len(ids) == 1:
            bad.append((ids[0], problem))
            if len(bad) > MOST_BAD_ROWS:
                raise problem
            return 0
        changed = 0
        middle = len(ids) // 2
        for part in (ids[:middle], ids[middle:]):
            try:
                async with session.begin_nested():
                    changed += await self._sweep.process(self._context(session), part)
            except Exception as inner:  # noqa: BLE001 - it is found by halving
                changed += await self._take_apart(session, part, bad, inner)
        return changed

    async def _set_aside(self, session: AsyncSession, bad: Sequence[tuple[str, Exception]]) -> None:
        """A dead letter for each row that cannot be processed: visible, with its sentence, and replayable."""
        for host_id, problem in bad:
            values = {
                "tenant": self._tenant_id,
                "id": new_id("work"),
                "kind": f"sweep:{self._sweep.id}",
                "key": host_id,
                "most": self._runtime.options.work.max_attempts,
                "error": sentence(problem),
            }
            await session.execute(_DEAD_ROW, values)
            self._result.failed.append(host_id)

    async def _move(self, session: AsyncSession, mark: Mark, known: dict[str, Any]) -> dict[str, Any]:
        """Advance the watermark under a lock; a position that is not the one we know means that we are not alone."""
        key = {"tenant": self._tenant_id, "reader": self._reader}
        current = (await session.execute(_LOCKED_POSITION, key)).scalar_one_or_none()
        if current != known:
            raise _Busy
        at = min(mark.at, datetime.now(UTC))  # a host clock that runs ahead must not carry the watermark with it
        if self._is_backfill:
            moved: dict[str, Any] = {"at": at.isoformat(), "id": mark.id, "since": _stamp(self._since)}
        elif "at" in known and datetime.fromisoformat(known["at"]) > at:
            moved = {**known, "turn": int(known.get("turn", 0)) + 1}
        else:
            moved = {"at": at.isoformat(), "id": mark.id, "turn": int(known.get("turn", 0)) + 1}
        await session.execute(_MOVE, {**key, "position": encode_json(moved)})
        return moved

    async def _complete(self, known: dict[str, Any]) -> None:
        """After a backfill: the next one starts afresh, and the sweep goes on from here."""
        key = {"tenant": self._tenant_id, "reader": self._reader}
        async with self._runtime.database.transaction(self._tenant_id) as session:
            if self._sweep.finish is not None:
                await self._sweep.finish(self._context(session))
                await count_changes(session)
            await session.execute(_MOVE, {**key, "position": encode_json({**known, "complete": True})})
            if "at" in known:
                sweep = {"tenant": self._tenant_id, "reader": f"sweep:{self._sweep.id}"}
                position = encode_json({"at": known["at"], "id": known["id"]})
                await session.execute(_FORWARD, {**sweep, "position": position})

    def _context(self, session: AsyncSession) -> SweepContext:
        return SweepContext(
            runtime=self._runtime, session=session, tenant_id=self._tenant_id, is_backfill=self._is_backfill
        )


async def count_rows(runtime: Runtime, tenant_id: str, sweep: Sweep, since: datetime | None) -> int:
    """How many linked rows were written since."""
    links = runtime.get(LinkedEntities)
    if not _can_be_read(links, sweep):
        return 0
    rows, _, _ = _source(runtime, tenant_id, sweep, since)
    statement = select(func.count()).select_from(rows)
    async with runtime.database.reading(tenant_id, heavy=True) as session:
        return (await session.execute(statement)).scalar_one()


def _can_be_read(links: LinkedEntities, sweep: Sweep) -> bool:
    timed = any(links.provides(sweep.entity, column) for column in sweep.order_by[:-1])
    return links.has(sweep.entity) and (timed or not sweep.optional)


def _source(
    runtime: Runtime, tenant_id: str, sweep: Sweep, after: datetime | None
) -> tuple[Subquery, ColumnElement[Any], ColumnElement[str]]:
    """The entity's rows written at or after a time (through the host's own index), that time, and their id."""
    links = runtime.get(LinkedEntities)
    names = tuple(column for column in sweep.order_by[:-1] if links.provides(sweep.entity, column))
    if not names:
        wanted = " or ".join(sweep.order_by[:-1])
        raise ConfigurationError(f"Sweep {sweep.id!r} needs {wanted} of entity {sweep.entity!r}: add it to its link.")
    if after is None or after == _EARLIEST:
        rows = links.selectable(sweep.entity, tenant_id)
    else:
        rows = links.since(sweep.entity, tenant_id, names, after, inclusive=True)
    times = [rows.c[name] for name in names]
    written: ColumnElement[Any] = times[0] if len(times) == 1 else func.coalesce(*times)
    return rows, written, rows.c[sweep.order_by[-1]]


def _stamp(since: datetime | None) -> str | None:
    return None if since is None else since.isoformat()


_ENSURE = text(
    "INSERT INTO adplanning.watermark (tenant_id, reader, position) VALUES (:tenant, :reader, '{}')"
    " ON CONFLICT (tenant_id, reader) DO NOTHING"
)
_POSITION = text("SELECT position FROM adplanning.watermark WHERE tenant_id = :tenant AND reader = :reader")
_LOCKED_POSITION = text(
    "SELECT position FROM adplanning.watermark WHERE tenant_id = :tenant AND reader = :reader FOR UPDATE SKIP LOCKED"
)
_MOVE = text(
    "UPDATE adplanning.watermark SET position = CAST(:position AS jsonb), updated_at = now()"
    " WHERE tenant_id = :tenant AND reader = :reader"
)
_FORWARD = text(
    """
    INSERT INTO adplanning.watermark (tenant_id, reader, position)
    VALUES (:tenant, :reader, CAST(:position AS jsonb))
    ON CONFLICT (tenant_id, reader) DO UPDATE SET position = excluded.position, updated_at = now()
    WHERE coalesce((adplanning.watermark.position->>'at')::timestamptz, '-infinity')
          < (excluded.position->>'at')::timestamptz
    """
)
_DEAD_ROW = text(
    """
    INSERT INTO adplanning.work_item (tenant_id, id, queue, kind, key, status, max_attempts, last_error)
    VALUES (:tenant, :id, 'events', :kind, :key, 'dead', :most, :error)
    ON CONFLICT (tenant_id, kind, key) DO UPDATE SET status = 'dead', last_error = excluded.last_error
    """
)
