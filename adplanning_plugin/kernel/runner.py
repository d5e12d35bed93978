"""Runner: looks after wake-ups, claims due work and delivers it; in the web process or in a worker. It decides nothing.

It polls PostgreSQL by itself; nudges and broker messages only make it look sooner.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import text

from adplanning_plugin.kernel.deliver import deliver, deliver_together
from adplanning_plugin.kernel.events import STREAM_QUEUE
from adplanning_plugin.kernel.jobs import SYSTEM_TENANT
from adplanning_plugin.kernel.lanes import PREFETCH, Lane
from adplanning_plugin.kernel.leases import Leases
from adplanning_plugin.kernel.queue import Claimed, claim, release
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.watermark import Streams
from adplanning_plugin.kernel.work import JOBS, RUNS, Work

GATHER_SECONDS = 0.01
"""Between two looks, so that a burst of nudges is claimed in a few batches."""
TENANTS_PER_BEAT = 50
MOST_STREAMS = 2
"""Tenants whose streams this process reads at once."""
DRAIN_SECONDS = 10.0
STREAM_GAP_SECONDS = 1.0
"""Between two readings of one tenant, so that each is set-wise over many rows."""
STREAM_SECONDS = 60.0
"""How often a tenant's streams are looked at although nothing asked for it."""

_DUE = text(
    """
    SELECT tenant_id, queue, min(due_at) AS due_at FROM (
        SELECT tenant_id, queue, due_at FROM adplanning.wakeup
        WHERE due_at <= statement_timestamp() AND queue = ANY(CAST(:queues AS text[])) ORDER BY due_at LIMIT 1000
    ) AS due GROUP BY tenant_id, queue ORDER BY 3
    """
)
# Those whose transactions a reader can see whole: the others would only make it look in vain.
_DUE_STREAMS = text(
    """
    SELECT tenant_id FROM adplanning.wakeup
    WHERE queue = :queue AND due_at <= statement_timestamp()
      AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    GROUP BY tenant_id ORDER BY min(due_at)
    """
)
_UNTIL_NEXT = text(
    "SELECT extract(epoch FROM min(due_at) - statement_timestamp())::float8 FROM adplanning.wakeup"
    " WHERE due_at > statement_timestamp() AND queue = ANY(CAST(:queues AS text[]))"
)
_LOST = text(
    """
    INSERT INTO adplanning.wakeup (tenant_id, queue)
    SELECT :tenant, q FROM unnest(CAST(:queues AS text[])) AS q
    WHERE EXISTS (SELECT 1 FROM adplanning.work_item w WHERE w.tenant_id = :tenant AND w.queue = q
                  AND w.status = 'pending' AND w.due_at <= statement_timestamp() - make_interval(secs => :late))
      AND NOT EXISTS (SELECT 1 FROM adplanning.wakeup k WHERE k.tenant_id = :tenant AND k.queue = q
                      AND k.due_at <= statement_timestamp())
    """
)
_STREAM_WAKEUPS = text(
    """
    SELECT id FROM adplanning.wakeup
    WHERE tenant_id = :tenant AND queue = :queue AND due_at <= statement_timestamp()
      AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    ORDER BY due_at LIMIT 5000
    """
)
_UNREADABLE = text(
    "SELECT 1 FROM adplanning.wakeup WHERE tenant_id = :tenant AND queue = :queue"
    " AND xid >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint LIMIT 1"
)
_DROP_WAKEUPS = text("DELETE FROM adplanning.wakeup WHERE tenant_id = :tenant AND id = ANY(CAST(:ids AS bigint[]))")


class Runner:
    """Background work of this process: `start()` and `stop()`, or `drain()` for what is due now."""

    def __init__(self, runtime: Runtime, *, concurrency: int | None = None) -> None:
        self._runtime = runtime
        self._options = runtime.options.work
        self._work = runtime.get(Work)
        size = concurrency or self._options.concurrency
        few = max(1, size // 2)
        self._lanes = {
            queue: Lane(queue, few, 0) if queue in {JOBS, RUNS} else Lane(queue, size, size * PREFETCH)
            for queue in self._work.queues
        }
        # One more than all slow lanes together can fill, so that events never wait for jobs and runs.
        self._slots = max(size, 2 * few + 1)
        self._leases = Leases(runtime)
        self._look = asyncio.Event()
        self._running: dict[asyncio.Task[None], list[Claimed]] = {}
        self._streaming: set[str] = set()
        self._streamed: dict[str, float] = {}
        self._stream_again: dict[str, float] = {}
        self._loop_task: asyncio.Task[None] | None = None
        self._unsubscribe = self._nothing
        self._stopping = False
        self._next_beat = 0.0
        self._beat_from = 0
        self.delivered = 0

    async def start(self) -> None:
        """Begin to work; returns at once, whether or not the database is there."""
        self._stopping = False
        self._leases.start()
        self._unsubscribe = self._work.on_nudge(self.nudge)
        self._loop_task = asyncio.create_task(self._run(), name="adplanning-runner")

    async def stop(self, grace: float = 8.0) -> None:
        """Claim nothing more, let what runs come to its end for `grace` seconds, and give the rest back."""
        self._stopping = True
        self._unsubscribe()
        self.nudge()
        if self._loop_task is not None:
            _, stuck = await asyncio.wait([self._loop_task], timeout=grace)
            for task in stuck:
                task.cancel()
            self._loop_task = None
        given_back = [item for lane in self._lanes.values() for item in lane.waiting]
        for lane in self._lanes.values():
            lane.waiting.clear()
        if self._running:
            _, late = await asyncio.wait(tuple(self._running), timeout=grace)
            given_back += [item for task in late for item in self._running.get(task, ()) if self._leases.is_held(item)]
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._leases.stop()
        await self._release(given_back)

    def nudge(self) -> None:
        """Look for due work now."""
        self._look.set()

    async def drain(self, tenant_id: str | None = None) -> int:
        """Deliver everything that is due now, streams included, and return how many items were attempted."""
        before = self.delivered
        tenants = [tenant_id] if tenant_id else [tenant.id for tenant in self._runtime.tenants]
        self._leases.start()
        try:
            while True:
                count = self.delivered
                for each in tenants:
                    await self._find_lost(each, late=0.0)
                while await self._pick(tenant_id) or self._running:
                    if self._running:
                        await asyncio.wait(tuple(self._running), return_when=asyncio.FIRST_COMPLETED)
                if self._has_streams:
                    for each in tenants:
                        await self._drain_streams(each)
                if self.delivered == count:
                    return self.delivered - before
        finally:
            await self._leases.stop()

    # --- the loop ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        away = 0.0
        while not self._stopping:
            self._look.clear()
            try:
                picked = await self._pick()
                if time.monotonic() >= self._next_beat:
                    await self._beat()
                wait = 0.0 if picked else await self._until_next()
                away = 0.0
            except Exception as problem:  # noqa: BLE001 - the driver raises its own while a server starts or stops
                if not away:
                    self._runtime.log.warning("no work could be claimed (%s); trying again", type(problem).__name__)
                away = wait = min(2.0, away * 2 or 0.25)
                self._look.clear()
            with suppress(TimeoutError):
                if wait:
                    await asyncio.wait_for(self._look.wait(), wait)
                await asyncio.sleep(GATHER_SECONDS)

    async def _until_next(self) -> float:
        """Seconds to sleep: until the next known wake-up, at most half a beat, jittered so that workers spread."""
        most = self._options.beat_seconds / 2 * random.uniform(0.8, 1.0)  # noqa: S311
        async with self._runtime.database.system() as session:
            until: float | None = (await session.execute(_UNTIL_NEXT, {"queues": self._open_queues()})).scalar_one()
        return most if until is None else min(most, max(0.01, until))

    def _open_queues(self) -> list[str]:
        return [lane.queue for lane in self._lanes.values() if lane.free > 0]

    async def _pick(self, only: str | None = None) -> bool:
        """Claim for each waiting tenant in turn, oldest wake-up first; True where anything was claimed."""
        await self._give_up_stuck()
        async with self._runtime.database.system() as session:
            due = (await session.execute(_DUE, {"queues": self._open_queues()})).all()
            if self._has_streams and only is None:
                for tenant_id in (await session.execute(_DUE_STREAMS, {"queue": STREAM_QUEUE})).scalars():
                    self._start_stream(tenant_id)
        waiting = [row for row in due if only in (None, row.tenant_id)]
        found = False
        for index, row in enumerate(waiting):
            lane = self._lanes[row.queue]
            if lane.free <= 0 or self._stopping:
                continue
            same = sum(1 for later in waiting[index:] if later.queue == row.queue)
            share = max(1, lane.free // min(same, 4))  # so that one busy tenant leaves room for the next
            async with self._runtime.database.transaction(row.tenant_id) as session:
                items = await claim(session, row.tenant_id, row.queue, share, self._options.lease_seconds)
            for item in items:
                self._leases.hold(item)
                lane.waiting.append(item)
            found = found or bool(items)
            self._fill(lane)
        return found

    def _fill(self, lane: Lane) -> None:
        while lane.waiting and lane.running < lane.size and len(self._running) < self._slots and not self._stopping:
            items = lane.take(self._alone, self._busy())
            if not items:
                return
            lane.running += 1
            self._running[asyncio.create_task(self._deliver(lane, items))] = items

    @property
    def _alone(self) -> set[str]:
        """Kinds of work whose deliveries take turns, and share one transaction instead of waiting in several."""
        return {f"event:{each.id}" for each in self._work.subscriptions.values() if each.together is not None}

    def _busy(self) -> set[tuple[str, str]]:
        """Whose turn it is among the kinds that take turns."""
        firsts = (items[0] for items in self._running.values() if items)
        return {(item.tenant_id, item.kind) for item in firsts if item.kind in self._alone}

    async def _deliver(self, lane: Lane, items: list[Claimed]) -> None:
        try:
            if len(items) > 1 and await deliver_together(self._runtime, items):
                self.delivered += len(items)
                return
            for item in items:
                if self._leases.is_held(item):
                    await deliver(self._runtime, item)
                    self._leases.drop(item)
                    self.delivered += 1
        except Exception as problem:  # noqa: BLE001 - the lease runs out, and the work comes back
            self._runtime.log.warning("an outcome could not be written: %s", type(problem).__name__)
        finally:
            for item in items:
                self._leases.drop(item)
            lane.running -= 1
            task = asyncio.current_task()
            if task is not None:
                self._running.pop(task, None)
            self._go_on()
            if lane.free > 0:
                self.nudge()

    def _go_on(self) -> None:
        """Something ended: whatever lane has been waiting for a place may go on."""
        for lane in self._lanes.values():
            if lane.paused:
                lane.paused = False
                self.nudge()
            self._fill(lane)

    async def _give_up_stuck(self) -> None:
        """What was claimed ahead and has to wait behind slow work goes back, so that another worker may take it."""
        stuck: list[Claimed] = []
        for lane in self._lanes.values():
            late = time.monotonic() - self._options.heartbeat_seconds
            while lane.waiting and lane.waiting[0].since < late:
                stuck.append(lane.waiting.popleft())
                lane.paused = lane.running >= lane.size or len(self._running) >= self._slots
        await self._release(stuck)

    async def _release(self, items: Sequence[Claimed]) -> None:
        """One statement a tenant: given back one by one, a long queue would keep the loop from claiming anything."""
        for tenant_id in sorted({item.tenant_id for item in items}):
            mine = [item for item in items if item.tenant_id == tenant_id]
            for item in mine:
                self._leases.drop(item)
            with suppress(Exception):  # the lease runs out by itself
                async with self._runtime.database.transaction(tenant_id) as session:
                    await release(session, mine)

    # --- streams -------------------------------------------------------------------------------------------------

    @property
    def _has_streams(self) -> bool:
        return self._runtime.has(Streams) and bool(self._runtime.get(Streams).readers)

    def _start_stream(self, tenant_id: str) -> None:
        if tenant_id in self._streaming or len(self._streaming) >= MOST_STREAMS or self._stopping:
            return
        if time.monotonic() < self._stream_again.get(tenant_id, 0.0):
            return
        self._streaming.add(tenant_id)
        self._running[asyncio.create_task(self._stream(tenant_id))] = []

    async def _stream(self, tenant_id: str) -> None:
        again = STREAM_GAP_SECONDS
        try:
            await self._advance_streams(tenant_id)
        except Exception as problem:
            self._runtime.log.warning("a stream reader failed: %s", type(problem).__name__, exc_info=True)
            again = 5.0
        finally:
            self._stream_again[tenant_id] = time.monotonic() + again
            self._streaming.discard(tenant_id)
            task = asyncio.current_task()
            if task is not None:
                self._running.pop(task, None)
            self._go_on()

    async def _drain_streams(self, tenant_id: str) -> None:
        """Read until all that asked has been read; a transaction of someone else may hold that up for a moment."""
        where = {"tenant": tenant_id, "queue": STREAM_QUEUE}
        deadline = time.monotonic() + DRAIN_SECONDS
        while True:
            async with self._runtime.database.transaction(tenant_id) as session:
                waiting = (await session.execute(_UNREADABLE, where)).first()
            await self._advance_streams(tenant_id)
            if waiting is None or time.monotonic() > deadline:
                return
            await asyncio.sleep(0.05)

    async def _advance_streams(self, tenant_id: str) -> None:
        """Read, then drop the wake-ups that were readable before; while another process reads, they stay."""
        where = {"tenant": tenant_id, "queue": STREAM_QUEUE}
        async with self._runtime.database.transaction(tenant_id) as session:
            ids: Sequence[int] = (await session.execute(_STREAM_WAKEUPS, where)).scalars().all()
        self._streamed[tenant_id] = time.monotonic()
        if await self._runtime.get(Streams).advance(self._runtime, tenant_id) and ids:
            async with self._runtime.database.transaction(tenant_id) as session:
                await session.execute(_DROP_WAKEUPS, {"tenant": tenant_id, "ids": list(ids)})

    # --- the beat ------------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        """The second net: due work without a wake-up, some tenants at a time."""
        self._next_beat = time.monotonic() + self._options.beat_seconds
        tenants = [tenant.id for tenant in self._runtime.tenants] + [SYSTEM_TENANT]
        start = self._beat_from % len(tenants)
        chosen = (tenants[start:] + tenants[:start])[:TENANTS_PER_BEAT]
        self._beat_from = start + len(chosen)
        for tenant_id in chosen:
            await self._find_lost(tenant_id, late=1.0)
            idle = time.monotonic() - self._streamed.get(tenant_id, 0.0)
            if self._has_streams and tenant_id != SYSTEM_TENANT and idle > STREAM_SECONDS:
                self._start_stream(tenant_id)

    async def _find_lost(self, tenant_id: str, late: float) -> None:
        async with self._runtime.database.transaction(tenant_id) as session:
            await session.execute(_LOST, {"tenant": tenant_id, "queues": list(self._lanes), "late": late})

    @staticmethod
    def _nothing() -> None:
        """Before the start there is nobody to unsubscribe."""
