"""The rounds of chaos: which fault is next, when the store has recovered from it, and what was lost or doubled since.

Recovery is measured by probes: an event that is acknowledged, and an order that has its conversion, its credit and its
letter. A killed process is started again at once, and the next fault comes when it is back. The clock runs from the
fault; only where nobody else could do the work meanwhile (the one web process, or everything at once) it runs from when
the successor has imported everything, which is the machine's time and not the plugin's.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from adplanning_plugin.embedded import Postgres, Valkey
from tests.faults.fleet import STARTS_WITHIN, Fleet, Receiver, within
from tests.faults.ledger import judge, rows, unfinished_orders
from tests.faults.load import Load

RECOVERS_WITHIN = 15.0
JUDGED_EVERY = 10
WORKERS, SCHEDULERS = 2, 3


@dataclass
class Report:
    """What came of it."""

    rounds: Counter[str] = field(default_factory=Counter[str])
    recoveries: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    odd: list[str] = field(default_factory=list[str])
    late: list[str] = field(default_factory=list[str])
    said: str = ""

    @property
    def is_good(self) -> bool:
        """Nothing lost, nothing doubled, every recovery in time, no answer that a client should not see."""
        return not (self.lost or self.doubled or self.odd or self.late)

    def closing(self) -> str:
        """The last lines of the run."""
        times = [seconds for seconds, _ in self.recoveries]
        p50, most = (statistics.median(times), max(self.recoveries)) if times else (0.0, (0.0, "nothing"))
        lines = [
            f"faults     {sum(self.rounds.values())}: " + ", ".join(f"{name} {n}" for name, n in self.rounds.items()),
            f"load       {self.said}",
            f"lost       {len(self.lost)} {self.lost[:5] or ''}",
            f"doubled    {len(self.doubled)} {self.doubled[:5] or ''}",
            f"recovered  {len(times)} times, p50 {p50:.1f} s, max {most[0]:.1f} s ({most[1]}), allowed 15 s",
        ]
        lines += [f"too late   {each}" for each in self.late[:5]]
        lines += [f"odd answer {each}" for each in self.odd[:5]]
        return "\n".join(line.rstrip() for line in lines)


class Chaos:
    """One run."""

    def __init__(
        self, url: str, fleet: Fleet, postgres: Postgres, valkey: Valkey, receiver: Receiver, seed: int
    ) -> None:
        self._url, self._fleet, self._receiver = url, fleet, receiver
        self._postgres, self._valkey = postgres, valkey
        self._chance = random.Random(seed)
        self._processes: dict[str, list[subprocess.Popen[bytes]]] = {}
        self._report = Report()
        mix = {"event": 5, "batch": 2, "claim": 2, "order": 2}
        self._load = Load(fleet.base, seed, run="c", mix=mix, pause=0.7)
        self._faults: dict[str, tuple[int, Callable[[], Awaitable[None]]]] = {
            "web": (4, self._kill_web),
            "worker": (4, lambda: self._kill("worker")),
            "scheduler": (2, lambda: self._kill("scheduler")),
            "postgresql": (3, self._kill_postgres),
            "valkey flushed": (1, lambda: asyncio.to_thread(self._valkey.flush)),
            "valkey stopped": (2, self._stop_valkey),
            "all at once": (1, self._kill_everything),
        }

    async def run(self, rounds: int) -> Report:
        """Play, judge, report."""
        self._processes = {
            "web": [self._fleet.start("web")],
            "worker": [self._fleet.start("worker") for _ in range(WORKERS)],
            "scheduler": [self._fleet.start("scheduler") for _ in range(SCHEDULERS)],
        }
        await self._fleet.is_up(self._processes["web"][0])
        self._load.start(6)
        try:
            await self._all_are_back()
            await self._recovered(STARTS_WITHIN)
            for number in range(1, rounds + 1):
                await self._round(number, rounds)
                if number % JUDGED_EVERY == 0 and await self._judge(effects=False):
                    break
            await self._load.finish(seconds=120)
            await self._settle()
            await self._judge(effects=True)
        finally:
            self._load.cancel()
        counts = self._load.counts
        self._report.odd = self._load.odd
        self._report.said = (
            f"{len(self._load.events):,} events, {len(self._load.claims):,} claims, {len(self._load.orders):,} orders "
            f"acknowledged; {counts['cut off']:,} requests cut off, {counts['status 503']:,} refused, "
            f"{counts['repeated']:,} acknowledged after a repeat"
        )
        return self._report

    async def _round(self, number: int, rounds: int) -> None:
        name = self._chance.choices(list(self._faults), [weight for weight, _ in self._faults.values()])[0]
        await asyncio.sleep(self._chance.uniform(0.0, 1.0))
        await self._faults[name][1]()
        self._report.rounds[name] += 1
        try:
            took = await self._recovered(RECOVERS_WITHIN)
        except (AssertionError, TimeoutError) as problem:
            self._report.late.append(f"fault {number} ({name}): {problem}")
            took = await self._recovered(120.0) + RECOVERS_WITHIN
        self._report.recoveries.append((took, name))
        await self._all_are_back()
        print(f"{number:4}/{rounds} {name:15} recovered in {took:4.1f} s", flush=True)

    # --- faults ------------------------------------------------------------------------------------------------------

    async def _kill(self, kind: str) -> None:
        """`kill -9` one process of a kind; its successor is started at once, as a supervisor would."""
        processes = self._processes[kind]
        victim = self._chance.choice(processes)
        self._fleet.kill(victim)
        processes[processes.index(victim)] = self._fleet.start(kind)

    async def _all_are_back(self) -> None:
        for processes in self._processes.values():
            for process in processes:
                await self._fleet.has_started(process)

    async def _kill_web(self) -> None:
        await self._kill("web")
        await self._fleet.is_up(self._processes["web"][0])

    async def _kill_postgres(self) -> None:
        self._postgres.kill()
        await asyncio.sleep(self._chance.uniform(0.0, 2.0))
        await asyncio.to_thread(self._postgres.start)

    async def _stop_valkey(self) -> None:
        """Stopped, worked without for a while, started again, and empty."""
        self._valkey.kill()
        await asyncio.sleep(self._chance.uniform(0.0, 3.0))
        await asyncio.to_thread(self._valkey.start)

    async def _kill_everything(self) -> None:
        self._postgres.kill()
        self._valkey.kill()
        for processes in self._processes.values():
            for process in processes:
                self._fleet.kill(process)
        await asyncio.to_thread(self._postgres.start)
        await asyncio.to_thread(self._valkey.start)
        for kind, processes in self._processes.items():
            self._processes[kind] = [self._fleet.start(kind) for _ in processes]
        await self._fleet.is_up(self._processes["web"][0])
        await self._all_are_back()

    # --- recovery ----------------------------------------------------------------------------------------------------

    async def _recovered(self, seconds: float) -> float:
        """Until an event sent from now on is acknowledged, and every order placed until then has all its effects."""
        begun = time.monotonic()

        async def acknowledged() -> bool:
            return self._load.answered_at > begun

        await within(seconds, acknowledged, "no request was acknowledged")

        async def newest_order() -> bool:
            self._newest = (await rows(self._url, "SELECT coalesce(max(number), 0) FROM shop.orders"))[0][0]
            return True

        async def effects_are_there() -> bool:
            return await unfinished_orders(self._url, self._newest) == 0

        left = seconds - (time.monotonic() - begun)
        await within(max(left, 1.0), newest_order, "PostgreSQL did not answer")
        left = seconds - (time.monotonic() - begun)
        await within(max(left, 1.0), effects_are_there, f"orders up to {self._newest} without conversion and credit")
        return time.monotonic() - begun

    async def _settle(self) -> None:
        """Wait for the letters and whatever else is still on its way, however long it takes now."""
        pending = "SELECT 1 FROM adplanning.work_item WHERE status = 'pending' AND kind NOT LIKE 'job:%' LIMIT 1"

        async def nothing_is_open() -> bool:
            return not await rows(self._url, pending)

        await within(180.0, nothing_is_open, "work that never ends")

    async def _judge(self, *, effects: bool) -> bool:
        """Compare what is stored with what was acknowledged; True where something is wrong."""
        verdict = await judge(self._url, self._load, effects=effects)
        self._report.lost, self._report.doubled = verdict.lost, verdict.doubled
        if effects:
            dead = await rows(self._url, "SELECT kind, last_error FROM adplanning.work_item WHERE status = 'dead'")
            self._report.lost += [f"dead letter {kind}: {error}" for kind, error in dead]
            keys: dict[str, set[str]] = {}
            for path, key in self._receiver.calls:
                keys.setdefault(path, set()).add(key)
            twice = {path: len(each) for path, each in keys.items() if len(each) > 1}
            self._report.doubled += [f"letter {path} under {count} keys" for path, count in twice.items()]
            self._report.lost += [
                f"letter for order {each}" for each in self._load.orders.values() if f"/letter/{each}" not in keys
            ]
        return bool(verdict.lost or verdict.doubled)
