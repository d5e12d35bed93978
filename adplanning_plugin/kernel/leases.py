"""Leases: keeps held work leased, from a thread with a loop and a connection of its own.

A handler that blocks the event loop therefore loses neither its own lease nor that of its neighbours.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict

from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.queue import Claimed
from adplanning_plugin.kernel.runtime import Runtime

# What is locked is being settled this moment; to wait for it in another order than its settler would be a deadlock.
_EXTEND = text(
    """
    WITH ours AS MATERIALIZED (
        SELECT w.id, w.attempt FROM adplanning.work_item w
        JOIN unnest(CAST(:ids AS text[]), CAST(:attempts AS bigint[])) AS held (id, attempt)
            ON w.id = held.id AND w.attempt = held.attempt
        WHERE w.tenant_id = :tenant AND w.status = 'pending'
    ), free AS MATERIALIZED (
        SELECT w.id FROM adplanning.work_item w JOIN ours ON w.id = ours.id AND w.attempt = ours.attempt
        WHERE w.tenant_id = :tenant AND w.status = 'pending' FOR UPDATE OF w SKIP LOCKED
    ), extended AS (
        UPDATE adplanning.work_item w
        SET lease_until = clock_timestamp() + make_interval(secs => :lease),
            due_at = clock_timestamp() + make_interval(secs => :lease)
        FROM free WHERE w.tenant_id = :tenant AND w.id = free.id
    )
    SELECT id FROM ours
    """
)


class Leases:
    """What this process holds; extended every `heartbeat_seconds` while started."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._held: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, item: Claimed) -> None:
        """Extend this item's lease from now on."""
        with self._lock:
            self._held[item.tenant_id, item.id] = item.attempt

    def drop(self, item: Claimed) -> None:
        """Its outcome is written, or it was given back."""
        with self._lock:
            if self._held.get((item.tenant_id, item.id)) == item.attempt:
                del self._held[item.tenant_id, item.id]

    def is_held(self, item: Claimed) -> bool:
        """Whether the item has been extended since it was claimed and not lost."""
        with self._lock:
            return self._held.get((item.tenant_id, item.id)) == item.attempt

    def start(self) -> None:
        """Begin to beat."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="adplanning-leases", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Beat no more; what is still held runs out by itself."""
        self._stopping.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 5.0)
            self._thread = None

    def _run(self) -> None:
        options = self._runtime.options
        source = self._runtime.database.engine.sync_engine
        # The same connections in every respect, in a pool that belongs to this thread's loop.
        engine = AsyncEngine(Engine(source.pool.recreate(), source.dialect, source.url))
        database = Database(engine, options.database)
        with asyncio.Runner() as loop:
            while not self._stopping.wait(options.work.heartbeat_seconds):
                try:
                    loop.run(self._extend(database))
                except Exception as problem:  # noqa: BLE001 - the database is away: leases run out, and that is right
                    self._runtime.log.warning("leases could not be extended: %s", type(problem).__name__)
            loop.run(database.close())

    async def _extend(self, database: Database) -> None:
        by_tenant: dict[str, list[tuple[str, int]]] = defaultdict(list)
        with self._lock:
            for (tenant_id, item_id), attempt in self._held.items():
                by_tenant[tenant_id].append((item_id, attempt))
        for tenant_id, held in by_tenant.items():
            values = {
                "tenant": tenant_id,
                "lease": float(self._runtime.options.work.lease_seconds),
                "ids": [item_id for item_id, _ in held],
                "attempts": [attempt for _, attempt in held],
            }
            async with database.transaction(tenant_id) as session:
                ours = set((await session.execute(_EXTEND, values)).scalars())
            with self._lock:
                for item_id, attempt in held:
                    if item_id not in ours and self._held.get((tenant_id, item_id)) == attempt:
                        del self._held[tenant_id, item_id]  # settled, or taken over by another worker
