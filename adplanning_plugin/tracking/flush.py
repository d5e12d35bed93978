"""Flush: requests share one INSERT; what gathers while it runs is written next, and answered after its commit.

It knows rows, not requests: validation and consent come before it, sessions and credit read what it wrote.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import asyncpg
import msgspec

from adplanning_plugin.kernel.database import check_tenant_id
from adplanning_plugin.kernel.errors import Unavailable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from adplanning_plugin.kernel.runtime import Runtime

ROWS_PER_INSERT = 5_000
KEEP_SECONDS = 600.0
"""How long a landing that could not be stored is tried again: nobody was told that it is stored."""
_WAKE_EVERY = 0.5


class EventRow(msgspec.Struct, omit_defaults=True, gc=False):
    """One row of `adplanning.event`; the columns of JSON are encoded already."""

    occurred_at: datetime
    id: str
    received_at: datetime
    name: str
    visitor_id: str | None = None
    session_id: str | None = None
    website_id: str | None = None
    url: str | None = None
    path: str | None = None
    referrer: str | None = None
    utm: msgspec.Raw | None = None
    click_ids: msgspec.Raw | None = None
    value: int | None = None
    currency: str | None = None
    seconds: int | None = None
    scroll: int | None = None
    properties: msgspec.Raw | None = None
    consent: int = 0
    source: str = "tracker"
    device: str | None = None
    browser: str | None = None

    @property
    def is_untimed(self) -> bool:
        """Whether the client named no time, which equal times say: the id alone decides what a replay is."""
        return self.occurred_at == self.received_at


# Stores rows that are JSON, in a transaction of its own; the function is made by the migrations.
_STORE = "SELECT stored, times, ids FROM adplanning.store_events($1, $2, $3, $4, $5, $6)"
_encoder = msgspec.json.Encoder()


class _Submission(NamedTuple):
    tenant_id: str
    rows: Sequence[EventRow]
    answer: asyncio.Future[list[bool]] | None
    """Which rows are new; None for a landing, whose page waits for nobody."""
    since: float


class _Raw(Protocol):
    """What is used of asyncpg's own connection."""

    async def fetchrow(self, query: str, *args: object) -> Any: ...
    def terminate(self) -> None: ...


class Unstorable(Exception):
    """PostgreSQL refuses these rows whatever the weather; the others of the flush are stored."""


class Flusher:
    """The one writer of `adplanning.event` in a process."""

    def __init__(self, runtime: Runtime, *, timeout: float = 5.0) -> None:
        self._runtime = runtime
        self._limit = runtime.options.ingest.queue_limit
        self._untimed_window = timedelta(days=runtime.options.ingest.max_age_days)
        self._timeout = timeout
        self._queue: list[_Submission] = []
        self._queued = 0
        self._writer: asyncio.Task[None] | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._woken: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        """stored, duplicate, failed, landings_dropped, flushes."""

    @property
    def waiting(self) -> int:
        """Events that are in no committed transaction yet."""
        return self._queued

    async def submit(self, tenant_id: str, rows: Sequence[EventRow]) -> list[bool]:
        """Store the rows and return after the commit.

        Returns:
            For each row whether it is new; False is a replay of one already stored.
        Raises:
            Unavailable: the queue is full, or the database did not commit them; nothing is acknowledged.
            Unstorable: PostgreSQL refuses one of the rows.
        """
        if not rows:
            return []
        if self._queued + len(rows) > self._limit:
            self.counts["failed"] += len(rows)
            raise Unavailable("Too many events are waiting to be stored; send this batch again shortly.", retry_after=2)
        answer: asyncio.Future[list[bool]] = asyncio.get_running_loop().create_future()
        self._enqueue(_Submission(tenant_id, rows, answer, time.monotonic()))
        return await answer

    def offer(self, tenant_id: str, rows: Sequence[EventRow]) -> bool:
        """Take rows that no answer waits for; False (and a count) when the queue is full."""
        if self._queued + len(rows) > self._limit:
            self.counts["landings_dropped"] += len(rows)
            return False
        self._enqueue(_Submission(tenant_id, rows, None, time.monotonic()))
        return True

    async def drain(self) -> None:
        """Wait until everything that is queued has been written or refused (shutdown).

        Landings that a last attempt could not store are dropped and counted: nothing tries again after this.
        """
        self._end_pause()
        self._start()
        while self._writer is not None:
            await asyncio.wait({self._writer})
            await asyncio.sleep(0)
        self._end_pause()
        self.counts["landings_dropped"] += self._queued
        self._queue, self._queued = [], 0

    def _enqueue(self, submission: _Submission) -> None:
        self._queue.append(submission)
        self._queued += len(submission.rows)
        if self._retry is None:
            self._start()
        elif submission.answer is not None:  # do not keep a waiting client for the sake of the landings' pause
            self._retry.cancel()
            self._retry = None
            self._start()

    def _start(self) -> None:
        if self._writer is None and self._queue:
            self._writer = asyncio.get_running_loop().create_task(self._run(), name="adplanning-flush")
            self._writer.add_done_callback(self._stopped)

    def _stopped(self, _: asyncio.Task[None]) -> None:
        self._writer = None
        if self._retry is None:
            self._start()

    async def _run(self) -> None:
        link = _Link(self._runtime.database.engine)
        try:
            while self._queue and self._retry is None:
                batch = self._take()
                for tenant_id, submissions in _by_tenant(batch).items():
                    await self._store(link, tenant_id, submissions)
                self._queued -= sum(len(submission.rows) for submission in batch)
                self.counts["flushes"] += 1
                await asyncio.sleep(0)  # lets what was just answered gather into the next flush
        finally:
            await link.close()

    def _take(self) -> list[_Submission]:
        rows = taken = 0
        for submission in self._queue:
            rows += len(submission.rows)
            taken += 1
            if rows >= ROWS_PER_INSERT:
                break
        batch, self._queue = self._queue[:taken], self._queue[taken:]
        return batch

    async def _store(self, link: _Link, tenant_id: str, submissions: list[_Submission]) -> None:
        fresh, index = _first_seen(submissions)
        try:
            stored = await self._write(link, tenant_id, fresh)
        except Unstorable as refused:
            if len(submissions) > 1:
                for submission in submissions:
                    await self._store(link, tenant_id, [submission])
            else:
                self._refuse(submissions[0], refused)
            return
        except Exception as error:  # noqa: BLE001 - whatever went wrong, nothing is acknowledged without a row
            self._runtime.log.warning("events not stored: %s", type(error).__name__)
            for submission in submissions:
                self._unavailable(submission)
            return
        answers = _all_new(submissions) if len(stored) == len(index) == _rows(submissions) else None
        for submission, flags in zip(submissions, answers or _answers(submissions, index, stored), strict=True):
            new = sum(flags)
            self.counts["stored"] += new
            self.counts["duplicate"] += len(flags) - new
            if submission.answer is not None and not submission.answer.done():
                submission.answer.set_result(flags)

    async def _write(self, link: _Link, tenant_id: str, rows: list[EventRow]) -> set[tuple[datetime, str]]:
        for attempt in (1, 2):
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._insert(await link.open(), tenant_id, rows)
            except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError) as error:
                await link.drop()
                raise Unstorable(type(error).__name__) from error
            except (
                asyncpg.PostgresConnectionError,
                asyncpg.OperatorInterventionError,
                asyncpg.InterfaceError,
                OSError,
            ) as error:
                await link.drop()
                # A commit whose answer got lost is met again as duplicates, which is why once more is safe.
                if attempt == 2 or isinstance(error, TimeoutError):
                    raise
            except BaseException:
                await link.drop()
                raise
        raise AssertionError("unreachable: the second attempt returns or raises")

    async def _insert(self, connection: _Raw, tenant_id: str, rows: list[EventRow]) -> set[tuple[datetime, str]]:
        since = min((row.received_at for row in rows if row.is_untimed), default=None)
        now = time.monotonic()
        wakes = now - self._woken.get(tenant_id, -_WAKE_EVERY) >= _WAKE_EVERY
        made = await connection.fetchrow(
            _STORE,
            check_tenant_id(tenant_id),
            _encoder.encode(rows).decode(),
            len(rows),
            since and since - self._untimed_window,
            wakes,
            int(self._timeout * 1000),
        )
        stored = _stored(rows, *made)
        if stored and wakes:
            self._woken[tenant_id] = now
        return stored

    def _unavailable(self, submission: _Submission) -> None:
        if submission.answer is None:
            if time.monotonic() - submission.since > KEEP_SECONDS or self._queued > self._limit:
                self.counts["landings_dropped"] += len(submission.rows)
                return
            self._queue.append(submission)
            self._queued += len(submission.rows)
            if self._retry is None:
                self._retry = asyncio.get_running_loop().call_later(1.0, self._try_again)
            return
        self.counts["failed"] += len(submission.rows)
        if not submission.answer.done():
            detail = "The events could not be stored just now; nothing was kept, send them again shortly."
            submission.answer.set_exception(Unavailable(detail, retry_after=2))

    def _refuse(self, submission: _Submission, refused: Unstorable) -> None:
        self.counts["failed"] += len(submission.rows)
        self._runtime.log.warning("events refused by PostgreSQL: %s", refused)
        if submission.answer is not None and not submission.answer.done():
            submission.answer.set_exception(refused)

    def _end_pause(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _try_again(self) -> None:
        self._retry = None
        self._start()


class _Link:
    """A connection of the plugin's pool, held while flushes follow one another."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._held: AsyncConnection | None = None
        self._raw: _Raw | None = None

    async def open(self) -> _Raw:
        if self._held is None or self._raw is None:
            self._held = await self._engine.connect()
            pooled = await self._held.get_raw_connection()
            self._raw = cast("_Raw", pooled.driver_connection)
        return self._raw

    async def drop(self) -> None:
        """Throw the connection away: it may be dead, or inside a transaction of unknown outcome."""
        held, raw, self._held, self._raw = self._held, self._raw, None, None
        if raw is not None:
            raw.terminate()
        if held is not None:
            await held.invalidate()
            await held.close()

    async def close(self) -> None:
        held, self._held, self._raw = self._held, None, None
        if held is not None:
            await held.close()


def _by_tenant(batch: list[_Submission]) -> dict[str, list[_Submission]]:
    grouped: dict[str, list[_Submission]] = {}
    for submission in batch:
        grouped.setdefault(submission.tenant_id, []).append(submission)
    return grouped


def _first_seen(submissions: list[_Submission]) -> tuple[list[EventRow], dict[Any, int]]:
    """The rows without repeats inside the flush, and which position each (time, id) was first met at."""
    index: dict[Any, int] = {}
    fresh: list[EventRow] = []
    position = 0
    for submission in submissions:
        for row in submission.rows:
            key = _key(row)
            if key not in index:
                index[key] = position
                fresh.append(row)
            position += 1
    return fresh, index


def _stored(
    rows: list[EventRow], count: int, times: list[datetime] | None, ids: list[str] | None
) -> set[tuple[datetime, str]]:
    """The (time, id) of the rows that are new."""
    if count == len(rows):
        return {(row.occurred_at, row.id) for row in rows}
    return set(zip(times or (), ids or (), strict=True))


def _rows(submissions: list[_Submission]) -> int:
    return sum(len(submission.rows) for submission in submissions)


def _all_new(submissions: list[_Submission]) -> list[list[bool]]:
    return [[True] * len(submission.rows) for submission in submissions]


def _answers(
    submissions: list[_Submission], index: dict[Any, int], stored: set[tuple[datetime, str]]
) -> list[list[bool]]:
    position = 0
    answers: list[list[bool]] = []
    for submission in submissions:
        flags: list[bool] = []
        for row in submission.rows:
            flags.append(index[_key(row)] == position and (row.occurred_at, row.id) in stored)
            position += 1
        answers.append(flags)
    return answers


def _key(row: EventRow) -> Any:
    """What makes two rows of a flush the same event: the id alone where the client named no time."""
    return row.id if row.is_untimed else (row.occurred_at, row.id)
