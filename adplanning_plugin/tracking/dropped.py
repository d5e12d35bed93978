"""Dropped: how much arrived and was not kept, by day and cause, as sums. It names nobody and keeps nothing else."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Literal

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from adplanning_plugin.kernel.days import day_of, now
from adplanning_plugin.tracking.models import DroppedTraffic

if TYPE_CHECKING:
    from adplanning_plugin.kernel.runtime import Runtime

Cause = Literal["bot", "limited", "rejected", "no_consent_page"]
"""bot: pages and events of robots; limited: events above the rate limit; rejected: events that say something
impossible; no_consent_page: landing pages of visitors without consent (their events are rows of their own)."""
WRITE_AFTER = 5.0
"""Seconds in which counts gather before they are written."""


class Dropped:
    """Counts in memory, written together; one for a process. A killed process loses the last seconds of them."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._sums: Counter[tuple[str, date, str]] = Counter()
        self._due: asyncio.TimerHandle | None = None
        self._writer: asyncio.Task[None] | None = None

    def count(self, tenant_id: str, cause: Cause, amount: int = 1) -> None:
        """So many more of the tenant's present day were not kept."""
        if amount <= 0:
            return
        self._sums[tenant_id, day_of(now(), self._runtime.tenant(tenant_id).zone), cause] += amount
        if self._due is None and self._writer is None:
            self._due = asyncio.get_running_loop().call_later(WRITE_AFTER, self._start)

    async def write(self) -> None:
        """Write what is counted; what cannot be written now is written with the next counts."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._writer is not None:
            await asyncio.wait({self._writer})
        await self._write()

    def _start(self) -> None:
        self._due = None
        self._writer = asyncio.get_running_loop().create_task(self._write(), name="adplanning-dropped")
        self._writer.add_done_callback(self._stopped)

    def _stopped(self, _: asyncio.Task[None]) -> None:
        self._writer = None

    async def _write(self) -> None:
        sums, self._sums = self._sums, Counter()
        for tenant_id in sorted({key[0] for key in sums}):
            mine = {key: amount for key, amount in sums.items() if key[0] == tenant_id}
            rows = [
                {"tenant_id": tenant_id, "day": day, "cause": cause, "amount": amount}
                for (_, day, cause), amount in sorted(mine.items())
            ]
            statement = insert(DroppedTraffic).values(rows)
            added = statement.on_conflict_do_update(
                index_elements=["tenant_id", "day", "cause"],
                set_={"amount": DroppedTraffic.amount + statement.excluded.amount, "updated_at": func.now()},
            )
            try:
                async with self._runtime.database.transaction(tenant_id) as session:
                    await session.execute(added)
            except Exception as error:  # noqa: BLE001 - a count is worth neither a failed page nor a stopped writer
                self._sums.update(mine)
                self._runtime.log.warning("dropped traffic not counted: %s", type(error).__name__)
