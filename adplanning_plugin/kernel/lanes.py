"""Lanes: what one queue has claimed in this process, and what of it may be worked on together. It touches no row."""

from __future__ import annotations

from collections import deque

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

    @property
    def free(self) -> int:
        """How many more may be claimed; short work only once half of what was claimed ahead is gone."""
        held = self.running + len(self.waiting)
        return self.most - held if held <= self.most // 2 else 0

    def take(self) -> list[Claimed]:
        """The next piece of work, with what may share its transaction: first attempts of the same subscriber."""
        items = [self.waiting.popleft()]
        first = items[0]
        if not first.kind.startswith("event:") or first.attempt > 1:
            return items
        most = min(TOGETHER, -(-(len(self.waiting) + 1) // self.size))
        while self.waiting and len(items) < most:
            other = self.waiting[0]
            if (other.tenant_id, other.kind, other.attempt) != (first.tenant_id, first.kind, 1):
                break
            items.append(self.waiting.popleft())
        return items
