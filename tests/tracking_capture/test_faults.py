"""Connections are cut in the middle of flushes: what was acknowledged is there."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import UTC, datetime

import asyncpg
import msgspec
import pytest

from adplanning_plugin.kernel.errors import Unavailable
from adplanning_plugin.tracking.flush import EventRow, Flusher, Unstorable
from tests.tracking_capture.conftest import Shop, make_runtime


def row(event_id: str, **fields: object) -> EventRow:
    at = datetime.now(UTC)
    return EventRow(at.replace(microsecond=at.microsecond // 1000 * 1000), event_id, at, "click", **fields)  # type: ignore[arg-type]


async def test_no_acknowledged_event_is_lost_when_connections_are_killed(shop: Shop, capture_database: str) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    flusher = shop.runtime.get(Flusher)
    killer = await asyncpg.connect(capture_database)
    database = capture_database.rpartition("/")[2].partition("?")[0]
    acknowledged: set[str] = set()
    refused = 0
    done = asyncio.Event()

    async def send(client: int) -> None:
        nonlocal refused
        for number in itertools.count():
            if done.is_set():
                return
            ids = [f"c{client}-{number}-{n}" for n in range(chance.randrange(1, 5))]
            try:
                # A commit whose answer was cut off is met again by the second attempt: stored, and told as a duplicate.
                await flusher.submit("main", [row(each) for each in ids])
                acknowledged.update(ids)
            except Unavailable:
                refused += 1

    async def kill() -> int:
        killed = 0
        while killed < 25 or len(acknowledged) < 200:
            await asyncio.sleep(0.02 + chance.random() * 0.1)
            killed += await killer.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1 "
                "AND pid <> pg_backend_pid() AND usename = current_user AND backend_type = 'client backend'",
                database,
            )
        done.set()
        return killed

    async with asyncio.timeout(120):
        killed, *_ = await asyncio.gather(kill(), *(send(client) for client in range(12)))
    await killer.close()

    stored = {event.id for event in await shop.events()}
    assert acknowledged <= stored
    print(f"{killed} connections killed, {len(acknowledged)} acknowledged, {refused} refused")


async def test_a_batch_refused_by_an_outage_may_be_sent_again_without_doubling(shop: Shop) -> None:
    flusher = shop.runtime.get(Flusher)
    rows = [row("again")]
    assert await flusher.submit("main", rows) == [True]
    assert await flusher.submit("main", rows) == [False]
    assert len(await shop.events()) == 1


async def test_a_row_that_postgresql_refuses_does_not_take_the_others_with_it(shop: Shop) -> None:
    flusher = shop.runtime.get(Flusher)
    good, bad, also = await asyncio.gather(
        flusher.submit("main", [row("good")]),
        flusher.submit("main", [row("bad", path="nul\x00")]),
        flusher.submit("main", [row("also")]),
        return_exceptions=True,
    )

    assert (good, also) == ([True], [True])
    assert isinstance(bad, Unstorable)
    assert {event.id for event in await shop.events()} == {"good", "also"}


async def test_a_slow_database_is_503_not_a_hanging_request(shop: Shop, capture_database: str) -> None:
    flusher = Flusher(shop.runtime, timeout=0.3)
    blocker = await asyncpg.connect(capture_database)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE adplanning.event IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Unavailable) as refused:
            await flusher.submit("main", [row("slow")])
    await blocker.close()

    assert refused.value.retry_after
    assert await flusher.submit("main", [row("slow")]) == [True]
    await flusher.drain()


async def test_two_stores_in_one_flush_keep_their_rows_apart(shop: Shop) -> None:
    flusher = shop.runtime.get(Flusher)
    same = row("same")
    assert await asyncio.gather(flusher.submit("main", [same]), flusher.submit("other", [same])) == [[True], [True]]
    assert len(await shop.events("main")) == len(await shop.events("other")) == 1


async def test_requests_that_gather_share_a_flush(shop: Shop) -> None:
    flusher = shop.runtime.get(Flusher)
    await asyncio.gather(*(flusher.submit("main", [row(f"e{n}")]) for n in range(500)))
    await flusher.drain()
    assert flusher.counts["flushes"] <= 5
    assert len(await shop.rows("SELECT id FROM adplanning.wakeup")) == 1


async def test_two_processes_store_a_replayed_id_once(shop: Shop, capture_database: str) -> None:
    other = await make_runtime(capture_database, shop.hooks)
    rows = [row(f"e{n}") for n in range(50)]
    untimed = [msgspec.structs.replace(each, occurred_at=each.received_at, id=f"u{each.id}") for each in rows]
    flushers = [shop.runtime.get(Flusher), other.get(Flusher)]
    results = await asyncio.gather(*(flushers[n % 2].submit("main", [*rows, *untimed]) for n in range(10)))
    await other.get(Flusher).drain()
    await other.database.close()

    assert sum(sum(flags) for flags in results) == 100
    assert len(await shop.events()) == 100
