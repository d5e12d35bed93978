"""Lanes: what one queue has claimed in this process, and what of it may be worked on together. It touches no row."""

from __future__ import annotations

from collections import deque
from collections.abc import Container

from adplanning_plugin.kernel.queue import Claimed

PREFETCH = 8
"""Short work claimed ahead, per worker of a lane, so that a claim is paid once for many."""
TOGETHER = 16
"""How many deliveries to one subscriber may share a transaction."""


class Lane:
    """One queue in this process: what is claimed and waiting, and how many are worked on at once."""

    def __init__(self, queue: str, size: int, ahead: int) -> None:
        self.queue = queue
        self.size = size
        self.most = size + ahead
        self.waiting: deque[Claimed] = deque()
        self.running = 0
        self.paused = False
        """Full of slow work: what it claimed ahead was given back, and it would only claim it again."""

    @property
    def free(self) -> int:
        """How many more may be claimed; short work only once half of what was claimed ahead is gone."""
        if self.paused:
            return 0
        held = self.running + len(self.waiting)
        return self.most - held if held <= self.most // 2 else 0

    def take(self, alone: Container[str] = (), busy: Container[tuple[str, str]] = ()) -> list[Claimed]:
        """The next piece of work, with what may share its transaction: first attempts of the same subscriber.

        Args:
            alone: kinds that have one delivery at a time for a tenant, and take along as many as they may.
            busy: (tenant, kind) of those that are being delivered.
        """
        index = next((n for n, item in enumerate(self.waiting) if (item.tenant_id, item.kind) not in busy), None)
        if index is None:
            return []
        first = self.waiting[index]
        del self.waiting[index]
        items = [first]
        if first.kind in alone and first.attempt == 1:
            same = [w for w in self.waiting if (w.tenant_id, w.kind, w.attempt) == (first.tenant_id, first.kind, 1)]
            items += same[: TOGETHER - 1]
            taken = {item.id for item in items}
            self.waiting = deque(item for item in self.waiting if item.id not in taken)
            return items
        if not first.kind.startswith("event:") or first.attempt > 1:
            return items
        most = min(TOGETHER, -(-(len(self.waiting) + 1) // self.size))
        while self.waiting and len(items) < most:
            other = self.waiting[0]
            if (other.tenant_id, other.kind, other.attempt) != (first.tenant_id, first.kind, 1):
                break
            items.append(self.waiting.popleft())
        return items
