"""Load: shoppers who send events, claims and orders, repeat what was not acknowledged, and keep a list of what was."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.faults.store import KEY

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
CONSENT = {"analytics": True, "ads": True}
WEB = "/web/ad-planning"
LONGEST_PAUSE = 1.0
"""A client may ask again sooner than Retry-After says; these do, so that a test sees the recovery when it happens."""


@dataclass
class Load:
    """What was sent and what came back.

    Args:
        base: the web process.
        seed: makes every choice of the shoppers again.
        run: makes the ids of this load its own.
        mix: how often each kind of request is made.
    """

    base: str
    seed: int
    run: str = "r"
    mix: dict[str, int] = field(default_factory=lambda: {"event": 5, "batch": 3, "claim": 2, "order": 0})
    pause: float = 0.01
    timeout: float = 20.0
    events: set[str] = field(default_factory=set[str])
    claims: set[str] = field(default_factory=set[str])
    orders: dict[str, str] = field(default_factory=dict[str, str])
    """Acknowledged: reference → number."""
    counts: Counter[str] = field(default_factory=Counter[str])
    odd: list[str] = field(default_factory=list[str])
    """Answers that no client should ever see."""
    answered_at: float = 0.0
    slowest: float = 0.0
    slowest_refusal: float = 0.0

    def __post_init__(self) -> None:
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._number = 0

    def start(self, shoppers: int = 12) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._shop(random.Random(f"{self.seed}-{n}"), n)) for n in range(shoppers)]

    async def finish(self, seconds: float = 40.0) -> None:
        """No new requests; each that is not acknowledged yet is repeated until it is."""
        self._stopping.set()
        async with asyncio.timeout(seconds):
            await asyncio.gather(*self._tasks)

    def cancel(self) -> None:
        """Drop everything, for a test that failed."""
        for task in self._tasks:
            task.cancel()

    async def at_least(self, acknowledged: int, seconds: float = 30.0) -> None:
        """Wait until so many more requests were acknowledged than were when this was called."""
        wanted = self.counts["acknowledged"] + acknowledged
        async with asyncio.timeout(seconds):
            while self.counts["acknowledged"] < wanted:
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.02)

    async def _shop(self, chance: random.Random, shopper: int) -> None:
        kinds = [kind for kind, weight in self.mix.items() for _ in range(weight)]
        limits = httpx.Limits(max_keepalive_connections=1)
        async with httpx.AsyncClient(
            base_url=self.base, headers={"user-agent": BROWSER}, timeout=self.timeout, limits=limits
        ) as client:
            while not self._stopping.is_set():
                self._number += 1
                await self._until_acknowledged(client, chance, chance.choice(kinds), self._number)
                await asyncio.sleep(self.pause * chance.uniform(0.5, 1.5))

    async def _until_acknowledged(
        self, client: httpx.AsyncClient, chance: random.Random, kind: str, number: int
    ) -> None:
        path, body, ids = self._request(chance, kind, number)
        attempt = 0
        while True:
            attempt += 1
            begun = time.monotonic()
            try:
                answer = await client.post(path, json=body)
            except httpx.TransportError:
                self.counts["cut off"] += 1
                await asyncio.sleep(min(LONGEST_PAUSE, 0.05 * 2**attempt) * chance.uniform(0.5, 1.0))
                continue
            took = time.monotonic() - begun
            if answer.status_code in {201, 202}:
                self.slowest = max(self.slowest, took)
                self.answered_at = time.monotonic()
                self._acknowledge(kind, ids, answer)
                self.counts["repeated"] += attempt > 1
                return
            self.slowest_refusal = max(self.slowest_refusal, took)
            self.counts[f"status {answer.status_code}"] += 1
            if answer.status_code != 503 or not answer.headers.get("retry-after", "").isdigit():
                self.odd.append(f"{path} {answer.status_code} {answer.text[:300]}")
            await asyncio.sleep(LONGEST_PAUSE * chance.uniform(0.3, 1.0))

    def _request(self, chance: random.Random, kind: str, number: int) -> tuple[str, dict[str, Any], list[str]]:
        name = f"{self.run}-{number}"
        if kind == "order":
            return "/orders", {"ref": name, "cents": chance.randrange(100, 100_000)}, [name]
        if kind == "claim":
            claim = {"conversion_type": "add_to_cart", "event_id": name, "url": "https://shop.example/cart"}
            return f"{WEB}/track-conversion", {"key": KEY, "consent": CONSENT, **claim}, [name]
        ids = [f"{name}-{n}" for n in range(1 if kind == "event" else chance.randrange(2, 100))]
        # Half of the clients say when it happened; for the others the server's clock counts.
        when = {"occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds")} if number % 2 else {}
        url = f"https://shop.example/product/{number % 50}?utm_source=google&utm_medium=cpc&utm_campaign=c{number % 5}"
        events = [{"name": "page_view", "id": each, "url": url, **when} for each in ids]
        return f"{WEB}/track", {"key": KEY, "consent": CONSENT, "events": events}, ids

    def _acknowledge(self, kind: str, ids: list[str], answer: httpx.Response) -> None:
        self.counts["acknowledged"] += 1
        said = answer.json()
        if kind == "order":
            self.orders[ids[0]] = str(said["number"])
        elif kind == "claim":
            self.claims.update(ids)
        else:
            if said["accepted"] + said["duplicate"] != len(ids) or said["rejected"]:
                self.odd.append(f"{kind} of {len(ids)}: {said}")
            self.events.update(ids)
            self.counts["told as duplicate"] += said["duplicate"]
