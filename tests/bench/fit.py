"""Data-driven fits: CPU of reading a store's paths from the database, beside plain SQL, and of the fit's process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy import text

from adplanning_plugin.attribution.crediting import BATCH, compute_credit
from adplanning_plugin.attribution.fit_paths import Asked, Paths, read_paths
from adplanning_plugin.attribution.fit_run import run_fit
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.stats.fit_process import Question
from tests.bench import data
from tests.bench.attribution import EACH, FEW_WINDOWS, credit_cpu
from tests.bench.harness import ROUNDS, Section, median, memory, process_cpu, ratios, scaled, spread
from tests.bench.server import BenchDatabase, backend_cpu, database, version
from tests.bench.store import MAIN, install
from tests.databases import aside

WINDOW = 30
EFFECTS = {"Paid Search": 0.4, "Paid Social": 0.3}
# The same question, and the same answer where nobody has two devices: without identity, rule versions and currencies.
PLAIN = """
WITH bought AS (
  SELECT c.id, c.value - c.refunded AS net,
         string_agg(t.channel, chr(31) ORDER BY t.occurred_at, t.id) FILTER (WHERE NOT t.is_direct) AS path
  FROM adplanning.conversion c
  LEFT JOIN adplanning.touchpoint t ON t.tenant_id = c.tenant_id AND t.visitor_id = c.visitor_id
    AND t.occurred_at <= c.occurred_at AND t.occurred_at > c.occurred_at - interval '30 days'
  WHERE c.tenant_id = $1 AND c.deleted_at IS NULL AND c.conversion_type = 'purchase'
  GROUP BY c.id, c.value, c.refunded
), free AS (
  SELECT t.*, lag(t.occurred_at) OVER newest - t.occurred_at < interval '30 days' AS goes_on
  FROM adplanning.touchpoint t
  WHERE t.tenant_id = $1 AND NOT EXISTS (
    SELECT FROM adplanning.conversion c WHERE c.tenant_id = t.tenant_id AND c.visitor_id = t.visitor_id
      AND c.occurred_at >= t.occurred_at AND c.occurred_at < t.occurred_at + interval '30 days')
  WINDOW newest AS (PARTITION BY t.visitor_id ORDER BY t.occurred_at DESC, t.id DESC)
), numbered AS (
  SELECT *, count(*) FILTER (WHERE goes_on IS NOT TRUE) OVER newest AS journey
  FROM free WINDOW newest AS (PARTITION BY visitor_id ORDER BY occurred_at DESC, id DESC ROWS UNBOUNDED PRECEDING)
), ended AS (
  SELECT *, max(occurred_at) OVER (PARTITION BY visitor_id, journey) AS last FROM numbered
), left_over AS (
  SELECT string_agg(channel, chr(31) ORDER BY occurred_at, id)
           FILTER (WHERE NOT is_direct AND occurred_at > last - interval '30 days') AS path
  FROM ended GROUP BY visitor_id, journey
)
SELECT coalesce(path, ''), count(net), coalesce(sum(net), 0)::bigint, count(*) - count(net)
FROM (SELECT path, net FROM bought UNION ALL SELECT path, NULL FROM left_over) p GROUP BY 1
"""


def run() -> Section:
    """All rows of the section."""
    section = Section(name="data-driven fits")
    with database("fit") as made:
        aside(lambda: _run(section, made))
        section.note(f"{version(made)}, durable, no parallel workers; CPU is the backend's own, read from /proc.")
    return section


async def _run(section: Section, made: BenchDatabase) -> None:
    plugin = install(made.url)
    await plugin.start()
    converting = scaled(100_000, 0.1)
    try:
        connection = await made.connect(MAIN)
        await data.touches(connection, MAIN, converting * 5 // 2, EACH)
        await data.conversions(connection, MAIN, converting)
        await connection.close()
        await made.analyze()
        ids = sorted(f"conv_{number}_1" for number in range(1, converting + 1))
        batches = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
        for some in batches:
            async with plugin.runtime.database.transaction(MAIN) as session:
                await compute_credit(session, plugin.runtime, MAIN, some)
        await made.analyze()
        share = converting / 100_000
        section.note(
            f"Size: {converting * 10:,} touches of {converting * 5 // 2:,} visitors, {converting:,} conversions:"
            f" {share:g} of a million touches. CPU seconds are stated for 1,000,000 touches (measured ÷ {share:g})."
        )
        paths = await _reading(section, made, plugin.runtime, share)
        await _fitting(section, paths)
        await _sharing(section, plugin.runtime, batches)
    finally:
        await plugin.stop()


async def _reading(section: Section, made: BenchDatabase, runtime: Runtime, share: float) -> Paths:
    now = datetime.now(UTC)
    asked = Asked(
        tenant_id=MAIN,
        level="channel",
        window_days=WINDOW,
        start=now - timedelta(days=800),
        end=now + timedelta(days=1),
        currency="INR",
        conversion_type="purchase",
    )
    hand = await made.connect(MAIN)
    await hand.execute("SET work_mem = '256MB'")
    ours: list[float] = []
    own: list[float] = []
    walls: list[float] = []
    plain: list[float] = []
    found: list[Paths] = []
    agreed = True
    for number in range(ROUNDS + 1):
        async with runtime.database.reading(MAIN, heavy=True) as session:
            pid = int((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())
            before = process_cpu(pid)
            python, began = time.process_time(), time.perf_counter()
            found.append(await read_paths(session, asked))
            took = time.process_time() - python, time.perf_counter() - began
            used = process_cpu(pid) - before
        by_hand, same = await _plain(hand)
        agreed = agreed and same == {path: row for path, *row in _rows(found[-1])}
        if number:
            ours.append(used)
            own.append(took[0])
            walls.append(took[1])
            plain.append(by_hand)
    await hand.close()
    paths = found[0]
    section.add("distinct paths read, in the database", f"{median(ours) / share:.2f} CPU s ({spread(ours)} measured)")
    section.add("plain SQL that asks the same", f"{median(plain) / share:.2f} CPU s ({spread(plain)} measured)")
    section.at_most("paths against plain SQL", ratios(ours, plain), 1.5)
    section.add("the same, in Python", f"{median(own):.3f} CPU s for {len(paths.paths):,} distinct paths")
    section.add("wall", f"{median(walls):.2f} s measured")
    section.at_most("memory of the Python process", memory(os.getpid(), "VmHWM"), 300, "MB")
    section.add("paths and counts against plain SQL's", "equal" if agreed else "different", "equal", met=agreed)
    digests = {each.digest for each in found}
    section.add(
        "paths of every round", "the same" if len(digests) == 1 else "different", "the same", met=len(digests) == 1
    )
    return paths


def _rows(paths: Paths) -> Iterator[tuple[Any, ...]]:
    return zip(paths.paths, paths.conversions, paths.value, paths.non_conversions, strict=True)


async def _plain(connection: asyncpg.Connection[Any]) -> tuple[float, dict[str, list[int]]]:
    before = await backend_cpu(connection)
    rows = await connection.fetch(PLAIN, MAIN)
    return await backend_cpu(connection) - before, {row[0]: list(row)[1:] for row in rows}


async def _fitting(section: Section, paths: Paths) -> None:
    """The process as the job starts it: from the question to the answer, start and end included."""

    async def ignore(_: int) -> None:
        return None

    answers: set[bytes] = set()
    for order, resamples in ((1, 0), (1, 200), (3, 200)):
        walls: list[float] = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            fitted = await run_fit(
                Question(
                    paths=paths.paths,
                    conversions=paths.conversions,
                    value=paths.value,
                    non_conversions=paths.non_conversions,
                    model="markov",
                    order=order,
                    resamples=resamples,
                    seed=1,
                ),
                ignore,
            )
            walls.append(time.perf_counter() - began)
            if resamples:
                answers.add(repr((order, fitted.answer)).encode())
        draws = f", {resamples} resamples" if resamples else ""
        section.add(f"markov of order {order}{draws}, a process from start to end", f"{spread(walls)} s wall")
    section.add(
        "answers of every round, each in a process of its own",
        "bit-equal" if len(answers) == 2 else f"{len(answers)} different",
        "bit-equal",
        met=len(answers) == 2,
    )


async def _sharing(section: Section, runtime: Runtime, batches: list[list[str]]) -> None:
    """What a store with a fit pays for its seventh model; one without pays nothing, for the statement is another."""
    with_fit: list[float] = []
    without: list[float] = []
    for number in range(ROUNDS + 1):
        taken = (
            await credit_cpu(runtime, batches, FEW_WINDOWS),
            await credit_cpu(runtime, batches, FEW_WINDOWS, effects=EFFECTS),
        )
        if number:
            without.append(taken[0])
            with_fit.append(taken[1])
    section.add("6 models × 4 windows, computed, without a fit", f"{spread(without)} CPU s measured")
    section.add("7 models × 4 windows, computed, with one", f"{spread(with_fit)} CPU s measured")
    section.at_most("with a fit against without", ratios(with_fit, without), 1.5)
