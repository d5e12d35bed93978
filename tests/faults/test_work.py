"""Workers, schedulers and Valkey are killed, flushed and stopped while orders come in: each has its effects once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adplanning_plugin.embedded import Valkey
from tests.faults.conftest import Place
from tests.faults.fleet import Fleet, Receiver, within
from tests.faults.ledger import caught_up, judge, open_work, rows, unfinished_orders
from tests.faults.load import Load
from tests.faults.store import SLOT_JOBS

RESUMES_WITHIN = 15.0
STARTING = 30.0
"""What a process may take to import everything beside other tests; it is not part of what is measured."""
pytestmark = [pytest.mark.processes, pytest.mark.slow]


@pytest.fixture
def load(fleet: Fleet, seed: int) -> Iterator[Load]:
    made = Load(fleet.base, seed, mix={"order": 6, "event": 2, "claim": 1}, pause=0.5)
    yield made
    made.cancel()


@pytest.fixture
def external(mortal_valkey: Valkey, receiver: Receiver) -> dict[str, str]:
    mortal_valkey.start()
    return {
        "ADPLANNING_WORK_MODE": "external",
        "ADPLANNING_WORK_REDIS_URL": mortal_valkey.url(),
        "FAULTS_RECEIVER": receiver.url,
    }


async def test_a_worker_killed_mid_work_leaves_one_conversion_one_set_of_credit_and_one_idempotency_key(
    place: Place, fleet: Fleet, load: Load, receiver: Receiver, external: dict[str, str]
) -> None:
    workers = [fleet.start("worker", **external) for _ in range(2)]
    await fleet.web(**external)
    load.start(12)
    await load.at_least(20)
    receiver.answers.clear()  # letters go out, and nobody can write down that they did
    receiver.called.clear()
    assert await asyncio.to_thread(receiver.called.wait, STARTING)
    for worker in workers:
        fleet.kill(worker)
    out_and_unrecorded = len(receiver.calls)
    receiver.answers.set()
    await load.at_least(20)
    await load.finish()
    assert await open_work(place.url) > 0
    fleet.start("worker", **external)

    async def begins() -> bool:
        return len(receiver.calls) > out_and_unrecorded

    await within(STARTING, begins, "the new worker's first letter")
    await caught_up(place.url, RESUMES_WITHIN)

    verdict = await judge(place.url, load)
    assert not verdict.lost, verdict
    assert not verdict.doubled, verdict
    assert len(load.orders) > 20
    keys: dict[str, set[str]] = {}
    for path, key in receiver.calls:
        keys.setdefault(path, set()).add(key)
    assert keys.keys() == {f"/letter/{number}" for number in load.orders.values()}
    assert all(len(each) == 1 for each in keys.values())
    assert max(Counter(path for path, _ in receiver.calls).values()) == 2  # those cut off were sent again


async def test_three_schedulers_of_which_one_is_killed_run_each_slot_once(
    place: Place, fleet: Fleet, external: dict[str, str]
) -> None:
    missed = 40
    first = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=missed)
    plant = "INSERT INTO adplanning.job_slot (tenant_id, job, slot) VALUES ('main', $1, $2)"
    for job in range(SLOT_JOBS):
        await rows(place.url, plant, f"stranger.slot-{job}", first)
    schedulers = [fleet.start("scheduler", **external) for _ in range(3)]
    fleet.start("worker", **external)

    async def some_ran() -> bool:
        return bool(await rows(place.url, "SELECT 1 FROM adplanning.job_slot WHERE slot > $1 LIMIT 1", first))

    await within(STARTING, some_ran, "the first slot")
    fleet.kill(schedulers[0])
    killed = time.monotonic()
    expected = SLOT_JOBS * missed

    async def all_ran() -> bool:
        found = await rows(place.url, "SELECT count(DISTINCT (job, slot)) FROM shop.slots_run")
        return found[0][0] >= expected

    await within(STARTING + RESUMES_WITHIN, all_ran, "every missed slot")
    print("slots made up for within", round(time.monotonic() - killed, 1), "s of the kill")
    ran = Counter((job, slot) for job, slot in await rows(place.url, "SELECT job, slot FROM shop.slots_run"))
    assert set(ran.values()) == {1}
    slots = {slot for _, slot in ran}
    assert {first + timedelta(minutes=n) for n in range(1, missed + 1)} <= slots
    # Nobody is left to make the next slot: a scheduler that starts now finds it, and runs it once.
    for scheduler in schedulers[1:]:
        fleet.kill(scheduler)
    back = "UPDATE adplanning.job_slot SET slot = slot - interval '1 day' WHERE slot >= $1 AND job LIKE 'stranger.%'"
    latest = max(slots)
    await rows(place.url, back, latest)
    await rows(
        place.url, "DELETE FROM adplanning.work_item WHERE kind LIKE 'job:stranger.%' AND key >= $1", latest.isoformat()
    )
    await rows(place.url, "DELETE FROM shop.slots_run WHERE slot >= $1", latest)
    fleet.start("scheduler", **external)

    async def ran_again() -> bool:
        found = await rows(place.url, "SELECT count(*) FROM shop.slots_run WHERE slot >= $1", latest)
        return found[0][0] >= SLOT_JOBS

    await within(STARTING, ran_again, "the slot that no scheduler was there for")
    again = Counter(map(tuple, await rows(place.url, "SELECT job, slot FROM shop.slots_run WHERE slot >= $1", latest)))
    assert set(again.values()) == {1}


async def test_work_goes_on_when_valkey_is_flushed_stopped_and_started(
    place: Place, fleet: Fleet, load: Load, external: dict[str, str], mortal_valkey: Valkey
) -> None:
    fleet.start("worker", **external)
    fleet.start("scheduler", **external)
    await fleet.web(**external)
    load.start(4)
    await load.at_least(10)
    await caught_up_under_load(place, STARTING)
    for fault in (mortal_valkey.flush, mortal_valkey.kill, mortal_valkey.start):
        await asyncio.to_thread(fault)
        await load.at_least(10)
        took = await caught_up_under_load(place, RESUMES_WITHIN)
        print(fault.__name__, round(took, 2), "s")
    await load.finish()
    await caught_up(place.url, RESUMES_WITHIN)
    verdict = await judge(place.url, load)
    assert not verdict.lost, verdict
    assert not verdict.doubled, verdict
    assert not load.odd


async def caught_up_under_load(place: Place, seconds: float) -> float:
    """Every order that was placed before now has its conversion and its credit."""
    [newest] = [row[0] for row in await rows(place.url, "SELECT coalesce(max(number), 0) FROM shop.orders")]

    async def none_of_them_waits() -> bool:
        return await unfinished_orders(place.url, newest) == 0

    return await within(seconds, none_of_them_waits, f"orders up to {newest} without conversion and credit")
