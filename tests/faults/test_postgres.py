"""PostgreSQL is killed, slow, silent or full: 503 meanwhile, no acknowledgement without a row, no restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.faults.conftest import Place
from tests.faults.fleet import Fleet, memory_of, within
from tests.faults.ledger import caught_up, judge
from tests.faults.load import Load
from tests.faults.proxy import Proxy

RECOVERS_WITHIN = 15.0
ANSWERS_WITHIN = 15.0
"""How long a client may wait for a 503 of a public route, whatever the database does."""
pytestmark = [pytest.mark.processes, pytest.mark.slow]


@pytest.fixture
async def proxy(place: Place) -> AsyncIterator[Proxy]:
    async with Proxy(place.url) as made:
        yield made


async def recovered(load: Load, since: float, most: float = RECOVERS_WITHIN) -> float:
    """Seconds from `since` to the next acknowledgement."""

    async def acknowledged() -> bool:
        return load.answered_at > since

    await within(most, acknowledged, "an acknowledgement")
    return load.answered_at - since


async def test_postgresql_killed_under_load_loses_nothing_doubles_nothing_and_needs_no_restart_of_the_web(
    place: Place, fleet: Fleet, load: Load
) -> None:
    embedded = {"ADPLANNING_WORK_MODE": "embedded"}
    web = await fleet.web(**embedded)
    load.mix |= {"order": 1}
    load.pause = 0.1
    load.start(12)
    for _ in range(2):
        await load.at_least(40)
        place.server.kill()  # no orderly shutdown: recovery from the log, as after a crash
        refused = load.counts["status 503"]
        await asyncio.sleep(2.5)
        assert load.counts["status 503"] > refused
        await asyncio.to_thread(place.server.start)
        print("acknowledged again after", round(await recovered(load, time.monotonic()), 2), "s")
    await load.at_least(20)
    await load.finish()
    assert web.poll() is None
    await caught_up(place.url, RECOVERS_WITHIN)
    verdict = await judge(place.url, load)
    print(dict(load.counts), verdict)
    assert not verdict.lost, verdict
    assert not verdict.doubled, verdict
    assert not load.odd


async def test_a_silent_database_is_503_within_seconds_with_bounded_memory_and_heals_by_itself(
    place: Place, fleet: Fleet, load: Load, proxy: Proxy
) -> None:
    limit = {"ADPLANNING_INGEST_QUEUE_LIMIT": "1000"}
    web = await fleet.web(ADPLANNING_DATABASE_URL=proxy.url, **limit)
    load.pause, load.timeout = 0.1, 60.0
    load.start(8)
    await load.at_least(40)
    before = memory_of(web)
    proxy.weather("silent")
    flood = Load(fleet.base, load.seed, run="f", mix={"batch": 1}, pause=0.0, timeout=60.0)
    flood.start(120)  # some 6,000 events at once, for a queue of 1,000
    try:
        async with asyncio.timeout(45):  # each is refused within seconds; a busy machine takes longer over 120 of them
            while flood.counts["status 503"] <= 120:  # noqa: ASYNC110 - the counts are plain numbers
                await asyncio.sleep(0.2)
        assert flood.counts["acknowledged"] == 0
        assert memory_of(web) - before < 64 * 2**20
        silent_until = time.monotonic()
        proxy.weather("fair")
        print("acknowledged again after", round(await recovered(load, silent_until), 2), "s")
        await asyncio.gather(load.finish(), flood.finish())
    finally:
        flood.cancel()
    for each in (load, flood):
        print(dict(each.counts), "slowest refusal", round(each.slowest_refusal, 2), "s")
        assert not each.odd
        assert each.slowest_refusal < ANSWERS_WITHIN
        verdict = await judge(place.url, each, effects=False)
        assert not verdict.lost, verdict
        assert not verdict.doubled, verdict
    assert web.poll() is None


async def test_connections_that_died_in_silence_are_replaced(
    place: Place, fleet: Fleet, load: Load, proxy: Proxy
) -> None:
    """The database's host is gone without a word, and another one stands in its place."""
    await fleet.web(ADPLANNING_DATABASE_URL=proxy.url)
    load.pause, load.timeout = 0.1, 60.0
    load.start(16)
    await load.at_least(40)
    proxy.weather("silent")
    await asyncio.sleep(1)
    proxy.forget()
    proxy.weather("fair")
    print("acknowledged again after", round(await recovered(load, time.monotonic()), 2), "s")
    await load.finish()
    assert not load.odd
    assert load.slowest_refusal < ANSWERS_WITHIN
    verdict = await judge(place.url, load, effects=False)
    assert not verdict.lost, verdict
    assert not verdict.doubled, verdict


async def test_a_database_that_hangs_up_on_everyone_is_503(
    place: Place, fleet: Fleet, load: Load, proxy: Proxy
) -> None:
    await fleet.web(ADPLANNING_DATABASE_URL=proxy.url)
    load.mix, load.pause = {"event": 1, "claim": 1}, 0.05
    load.start(12)
    await load.at_least(40)
    proxy.weather("closed")
    await asyncio.sleep(3)
    assert load.counts["status 503"] > 20
    proxy.weather("fair")
    await recovered(load, time.monotonic())
    await load.finish()
    assert not load.odd
    verdict = await judge(place.url, load, effects=False)
    assert not verdict.lost, verdict
    assert not verdict.doubled, verdict


async def test_a_slow_database_slows_answers_and_loses_nothing(
    place: Place, fleet: Fleet, load: Load, proxy: Proxy
) -> None:
    await fleet.web(ADPLANNING_DATABASE_URL=proxy.url)
    load.pause = 0.1
    load.start(12)
    await load.at_least(20)
    proxy.weather("slow")
    await load.at_least(20)
    proxy.weather("fair")
    await load.finish()
    verdict = await judge(place.url, load, effects=False)
    assert not verdict.lost, verdict
    assert not verdict.doubled, verdict
    assert not load.odd


async def test_locked_tables_are_503_and_recover(place: Place, fleet: Fleet, load: Load) -> None:
    await fleet.web()
    load.timeout = 60.0
    load.start(12)
    await load.at_least(20)
    locker = await asyncpg.connect(place.url)
    async with locker.transaction():
        await locker.execute("LOCK TABLE adplanning.event, adplanning.conversion IN ACCESS EXCLUSIVE MODE")
        locked = time.monotonic()
        async with asyncio.timeout(ANSWERS_WITHIN + 5):
            while load.counts["status 503"] < 12:  # noqa: ASYNC110 - the load counts, and tells nobody
                await asyncio.sleep(0.1)
        assert load.answered_at < locked + 1
    released = time.monotonic()
    await locker.close()
    await recovered(load, released)
    await load.finish()
    verdict = await judge(place.url, load, effects=False)
    assert not verdict.lost, verdict
    assert not verdict.doubled, verdict
    assert not load.odd
    assert load.slowest_refusal < ANSWERS_WITHIN
