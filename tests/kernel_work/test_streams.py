"""Streams: no row is skipped, whatever order transactions commit in, and none is read twice."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.events import STREAM_QUEUE, wake
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.watermark import StreamReader, Streams

from .conftest import MakeRuntime, execute, rows, wait_for_rows

TABLES = (
    "CREATE TABLE public.tracked (n int, tenant text, xid bigint DEFAULT pg_current_xact_id()::text::bigint)",
    "CREATE TABLE public.taken (n int, tenant text)",
)


async def copy(runtime: Runtime, session: AsyncSession, tenant_id: str, low: int, high: int) -> int:
    statement = text(
        "INSERT INTO public.taken SELECT n, tenant FROM public.tracked"
        " WHERE tenant = :tenant AND xid >= :low AND xid < :high"
    )
    result: Any = await session.execute(statement, {"tenant": tenant_id, "low": low, "high": high})
    return int(result.rowcount)


@pytest.fixture
async def streaming(make_runtime: MakeRuntime, database_url: str) -> Runtime:
    for table in TABLES:
        await execute(database_url, table)
    runtime = make_runtime()
    streams = Streams()
    streams.add(StreamReader(id="copy", advance=copy))
    runtime.put(streams)
    return runtime


async def track(session: AsyncSession, n: int, tenant: str = "main") -> None:
    await session.execute(
        text("INSERT INTO public.tracked (n, tenant) VALUES (:n, :tenant)"), {"n": n, "tenant": tenant}
    )
    await wake(session, tenant, STREAM_QUEUE)


async def taken(runtime: Runtime) -> list[int]:
    return [n for (n,) in await rows(runtime, "SELECT n FROM public.taken ORDER BY n")]


async def read_all(runtime: Runtime) -> None:
    """Advance beyond all that is committed now; transactions of others on the same server may hold that up a little."""
    [(target,)] = await rows(runtime, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    async with asyncio.timeout(30):
        while True:
            await runtime.get(Streams).advance(runtime, "main")
            found = await rows(runtime, "SELECT (position->>'xid')::bigint FROM adplanning.watermark")
            if found and found[0][0] >= target:
                return
            await asyncio.sleep(0.02)


async def test_a_transaction_that_commits_late_is_not_skipped(streaming: Runtime) -> None:
    streams = streaming.get(Streams)
    async with streaming.database.transaction("main") as late:
        await track(late, 1)
        async with streaming.database.transaction("main") as early:
            await track(early, 2)
        await streams.advance(streaming, "main")
        assert await taken(streaming) == []  # 2 is committed, but 1 could still come before it
    await read_all(streaming)
    assert await taken(streaming) == [1, 2]
    await read_all(streaming)
    assert await taken(streaming) == [1, 2]


async def test_every_row_of_interleaved_transactions_is_read_once(streaming: Runtime) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # shown when the test fails
    chance = random.Random(seed)
    streams = streaming.get(Streams)
    opened: list[Any] = []
    committed: list[int] = []
    for n in range(60):
        transaction = streaming.database.transaction("main")
        session = await transaction.__aenter__()
        await track(session, n)
        opened.append((n, transaction))
        while opened and (len(opened) > 3 or chance.random() < 0.4):
            number, chosen = opened.pop(chance.randrange(len(opened)))
            await chosen.__aexit__(None, None, None)
            committed.append(number)
        if chance.random() < 0.5:
            await streams.advance(streaming, "main")
    for number, chosen in opened:
        await chosen.__aexit__(None, None, None)
        committed.append(number)
    await read_all(streaming)
    assert await taken(streaming) == sorted(committed)


@pytest.mark.parametrize("ahead", [0, 10**9], ids=["as_far_as_here", "further_than_here"])
async def test_a_changed_cluster_is_noticed_and_read_from_its_beginning(streaming: Runtime, ahead: int) -> None:
    streams = streaming.get(Streams)
    async with streaming.database.transaction("main") as session:
        await track(session, 1)
    [(read,)] = await rows(
        streaming,
        "INSERT INTO adplanning.watermark (tenant_id, reader, position)"
        " SELECT 'main', 'stream:copy', jsonb_build_object("
        f"'xid', pg_snapshot_xmax(pg_current_snapshot())::text::bigint + {ahead}, 'cluster', 'the old server')"
        " RETURNING (position->>'xid')::bigint",
    )
    await streams.advance(streaming, "main")
    await read_all(streaming)
    assert await taken(streaming) == [1]
    [(position,)] = await rows(streaming, "SELECT position FROM adplanning.watermark WHERE reader = 'stream:copy'")
    assert position["cluster"] != "the old server"
    assert position["xid"] < read + 10**9


async def test_a_reader_that_another_process_is_at_is_left_alone(streaming: Runtime) -> None:
    streams = streaming.get(Streams)
    await streams.advance(streaming, "main")
    async with streaming.database.transaction("main") as session:
        await track(session, 1)
    async with streaming.database.transaction("main") as holder:
        await holder.execute(text("SELECT 1 FROM adplanning.watermark WHERE tenant_id = 'main' FOR UPDATE"))
        assert await streams.advance(streaming, "main") is False
    assert await taken(streaming) == []
    assert await streams.advance(streaming, "main") is True
    await read_all(streaming)
    assert await taken(streaming) == [1]


async def test_the_worker_reads_after_a_wake_up_and_drops_it(streaming: Runtime) -> None:
    runner = Runner(streaming)
    await runner.start()
    for tenant in ("main", "second"):
        async with streaming.database.transaction(tenant) as session:
            await track(session, 1, tenant)
    await wait_for_rows(streaming, "SELECT 1 FROM adplanning.wakeup WHERE queue = 'stream' HAVING count(*) = 0")
    await runner.stop()
    assert await rows(streaming, "SELECT tenant, n FROM public.taken ORDER BY 1") == [("main", 1), ("second", 1)]


async def test_the_lag_is_shown_for_each_reader(streaming: Runtime) -> None:
    streams = streaming.get(Streams)
    await streams.advance(streaming, "main")
    for n in range(3):
        async with streaming.database.transaction("main") as session:
            await track(session, n)
    async with streaming.database.reading("main") as session:
        [lag] = await streams.lag(session, "main")
    assert lag.reader == "stream:copy"
    assert lag.transactions >= 3
