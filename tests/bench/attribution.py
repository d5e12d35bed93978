"""Attribution: CPU of the statements that compute credit and resolve campaigns, beside plain SQL that asks the same."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.credit_sql import credit_insert
from adplanning_plugin.attribution.crediting import BATCH, compute_credit
from adplanning_plugin.attribution.late import conversions_after, visits_of
from adplanning_plugin.attribution.resolution import START, load_catalogue, resolve_page
from adplanning_plugin.attribution.rules import WINDOWS, Rules
from adplanning_plugin.kernel.runtime import Runtime
from tests.bench import data
from tests.bench.harness import ROUNDS, Section, median, memory, process_cpu, ratios, scaled, spread
from tests.bench.server import BenchDatabase, backend_cpu, database, version
from tests.bench.store import MAIN, TENANTS, install
from tests.databases import aside

EACH = 4
"""Touches of a visitor; two visitors of five convert once."""
FEW_WINDOWS = (7, 14, 30, 90)
WARM = 12
"""Rounds that are not measured, until the connections have settled on their plans."""
CAMPAIGNS = 5_000
RESOLVED = TENANTS[1]
_OF_DAYS = "WHERE tenant_id = :tenant AND {} = ANY(:ids)"
_NAMES = {
    "conversion": "adplanning.conversion",
    "order_visit": "adplanning.order_visit",
    "component": "adplanning.identity_component",
}

PLAIN = """
WITH t AS (
  SELECT c.id, c.value, w.days, t.ad_campaign_id, t.is_direct, t.occurred_at AS at, t.id AS touch,
         extract(epoch FROM c.occurred_at - t.occurred_at)::float8 / 3600 AS age
  FROM adplanning.conversion c
  JOIN adplanning.touchpoint t ON t.tenant_id = c.tenant_id AND t.visitor_id = c.visitor_id
    AND t.occurred_at <= c.occurred_at
  JOIN unnest($2::int[]) AS w(days) ON w.days = 0 OR t.occurred_at > c.occurred_at - w.days * interval '1 day'
  WHERE c.tenant_id = $1 AND c.deleted_at IS NULL
), r AS (
  SELECT *, row_number() OVER newest AS r, count(*) OVER whole AS n, row_number() OVER named AS named_r,
         count(*) FILTER (WHERE NOT is_direct) OVER whole AS nd, power(2::float8, -age / 168) AS fade
  FROM t
  WINDOW whole AS (PARTITION BY id, days), newest AS (PARTITION BY id, days ORDER BY at DESC, touch DESC),
         named AS (PARTITION BY id, days ORDER BY is_direct, at DESC, touch DESC)
), e AS (
  SELECT *, NOT is_direct OR nd = 0 AS counts, CASE WHEN nd > 0 THEN nd ELSE n END AS k,
         sum(CASE WHEN NOT is_direct OR nd = 0 THEN fade END) OVER (PARTITION BY id, days) AS fades
  FROM r
)
SELECT days, ad_campaign_id, sum(value) FILTER (WHERE r = 1), sum(value) FILTER (WHERE r = n),
       sum(value / k) FILTER (WHERE counts), sum(value * fade / fades) FILTER (WHERE counts),
       sum(value * CASE WHEN k = 1 THEN 1 WHEN k = 2 THEN 0.5 WHEN named_r IN (1, k) THEN 0.4 ELSE 0.2 / (k - 2) END)
         FILTER (WHERE counts),
       sum(value) FILTER (WHERE NOT is_direct AND named_r = 1)
FROM e GROUP BY 1, 2
"""

BARE_JOIN = """
UPDATE adplanning.touchpoint t SET is_resolved = true, resolution_method = 'exact_utm_match', confidence = 0.95,
  ad_campaign_id = c.id, resolved_at = now(), version = t.version + 1, updated_at = now()
FROM adplanning.owned_ad_campaign c
WHERE t.tenant_id = $1 AND c.tenant_id = $1 AND lower(c.name) = t.campaign_key AND t.resolution_method = 'unresolved'
  AND t.occurred_at >= $2 AND t.occurred_at < $3
"""


def run() -> Section:
    """All rows of the section."""
    section = Section(name="attribution")
    with database("attribution") as made:
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
        await data.campaigns(connection, MAIN)
        await connection.close()
        await made.analyze()
        share = converting / 100_000
        section.note(
            f"Size: {converting * 10:,} touches of {converting * 5 // 2:,} visitors, {converting:,} conversions: "
            f"{share:g} of the target's. CPU seconds are stated for 1,000,000 touches (measured ÷ {share:g}), what was "
            "measured in brackets. ADPLANNING_BENCH_SCALE=1 takes the full size."
        )
        await _computing(section, made, plugin.runtime, converting, share)
        await _increments(section, made, plugin.runtime, converting)
        await _resolving(section, made, plugin.runtime)
    finally:
        await plugin.stop()


async def _pid(session: AsyncSession) -> int:
    return int((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def _computing(section: Section, made: BenchDatabase, runtime: Runtime, converting: int, share: float) -> None:
    """The statement itself, its sums instead of its rows, batch by batch as the plugin runs it; then plain SQL."""
    ids = [f"conv_{number}_1" for number in range(1, converting + 1)]
    batches = [sorted(ids)[start : start + BATCH] for start in range(0, len(ids), BATCH)]
    all_windows: list[float] = []
    few: list[float] = []
    plain: list[float] = []
    plain_few: list[float] = []
    hand = await made.connect(MAIN)
    await hand.execute("SET work_mem = '256MB'")
    for number in range(ROUNDS + 1):
        taken = (
            await credit_cpu(runtime, batches, WINDOWS),
            await credit_cpu(runtime, batches, FEW_WINDOWS),
            await _plain_cpu(hand, WINDOWS),
            await _plain_cpu(hand, FEW_WINDOWS),
        )
        if number:
            for figures, value in zip((all_windows, few, plain, plain_few), taken, strict=True):
                figures.append(value)
    await hand.close()

    def whole(values: Sequence[float]) -> float:
        return median(values) / share

    section.at_most(
        "6 models × 4 windows, computed, for 1M touches", whole(few), 1.0, "CPU s", f" ({spread(few)} measured)"
    )
    section.add("6 models × 8 windows, computed", f"{whole(all_windows):.2f} CPU s ({spread(all_windows)} measured)")
    section.add("plain SQL, 6 × 8, summed by campaign", f"{whole(plain):.2f} CPU s ({spread(plain)} measured)")
    section.at_most("6 × 8 against plain SQL", ratios(all_windows, plain), 1.5)
    section.at_most("6 × 4 against plain SQL", ratios(few, plain_few), 1.5)
    section.note(
        "The code computes six models always; `computed` is the statement of the plugin with its rows summed rather "
        "than stored, in its batches of 2,000. The plain SQL has no identity edges, no exact cents, no refunds."
    )
    await _stored(section, runtime, batches, share)


async def credit_cpu(
    runtime: Runtime,
    batches: Sequence[Sequence[str]],
    windows: tuple[int, ...],
    *,
    effects: Mapping[str, float] | None = None,
) -> float:
    """CPU seconds of the credit statement over all batches, its rows summed; with effects, of all seven models."""
    rules = Rules()
    statement = credit_insert(
        **_NAMES,
        windows=windows,
        direct=rules.settings.direct,
        level=None if effects is None else "channel",
    )
    head, _, rows = statement.partition("INSERT INTO adplanning.credit")
    rows = rows.partition(")")[2]
    summed = text(f"{head} SELECT count(*), sum((o.a)[1]), sum((o.a)[4]) FROM ({_named(rows)}) o")
    values: dict[str, Any] = {
        "tenant": MAIN,
        "version": 1,
        "half_life": rules.settings.half_life_hours,
        "first": rules.settings.position_first,
        "last": rules.settings.position_last,
        **({} if effects is None else {"effect_keys": list(effects), "effects": list(effects.values())}),
    }
    async with runtime.database.reading(MAIN, heavy=True) as session:
        pid = await _pid(session)
        before = process_cpu(pid)
        for ids in batches:
            await session.execute(summed, {**values, "ids": "\n".join(ids)})
        return process_cpu(pid) - before


def _named(rows: str) -> str:
    """The rows with the array of amounts as a column `a`: the eighteen columns in the order of the table's INSERT."""
    columns = "c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, a, c16, c17, c18"
    return f"SELECT * FROM ({rows}) AS r({columns})"


async def _plain_cpu(connection: asyncpg.Connection[Any], windows: Sequence[int]) -> float:
    before = await backend_cpu(connection)
    rows = await connection.fetch(PLAIN, MAIN, list(windows))
    assert rows
    return await backend_cpu(connection) - before


async def _stored(section: Section, runtime: Runtime, batches: Sequence[Sequence[str]], share: float) -> None:
    """The same with everything that follows: rows written, conversions told, events published; once, at this size."""
    own, began = time.process_time(), time.perf_counter()
    used, done = 0.0, 0
    for ids in batches:
        async with runtime.database.transaction(MAIN) as session:
            pid = await _pid(session)
            before = process_cpu(pid)
            done += await compute_credit(session, runtime, MAIN, ids)
        used += process_cpu(pid) - before
    own, took = time.process_time() - own, time.perf_counter() - began
    async with runtime.database.reading(MAIN) as session:
        rows = int((await session.execute(text("SELECT count(*) FROM adplanning.credit"))).scalar_one())
    section.add(
        "6 × 8 computed, stored and published (one pass)",
        f"{used / share:.1f} CPU s ({used:.2f} measured, {rows:,} rows, {used * 1e6 / rows:.0f} µs a row)",
    )
    section.add("the same, in Python", f"{own / share:.1f} CPU s; {done / took:,.0f} conversions/s (wall)")
    section.at_most("memory of the Python process", memory(os.getpid(), "VmHWM"), 300, "MB")


async def _increments(section: Section, made: BenchDatabase, runtime: Runtime, converting: int) -> None:
    """A day's conversions of a store with 100,000 a year, new and then anew, and one touch that comes late."""
    rounds = WARM + ROUNDS
    each = min(274, converting // rounds)
    days = [[f"conv_{day * each + number}_1" for number in range(1, each + 1)] for day in range(rounds)]
    async with runtime.database.transaction(MAIN) as session:
        values = {"tenant": MAIN, "ids": [name for day in days for name in day]}
        await session.execute(text(f"DELETE FROM adplanning.credit {_OF_DAYS.format('conversion_id')}"), values)
        await session.execute(
            text(f"UPDATE adplanning.conversion SET attribution_version = NULL {_OF_DAYS.format('id')}"), values
        )
    await made.analyze()  # as autovacuum does soon after so many new rows
    cpu, wall = await _timed(runtime, lambda session, day: compute_credit(session, runtime, MAIN, days[day]))
    detail = f" (database and Python; {median(wall) * 1000:.0f} ms wall)"
    section.at_most(f"one day's increment, {each} new conversions", median(cpu) * 1000, 100, "ms of CPU", detail)
    cpu, wall = await _timed(runtime, lambda session, day: compute_credit(session, runtime, MAIN, days[day]))
    detail = f" (database and Python; {median(wall) * 1000:.0f} ms wall)"
    section.add(f"{each} conversions that have credit, computed anew", f"{median(cpu) * 1000:.0f} ms of CPU{detail}")

    async def late(session: AsyncSession, number: int) -> None:
        touch = f"touch_late_{number}"
        await session.execute(
            text(
                "INSERT INTO adplanning.touchpoint (tenant_id, id, origin, session_id, visitor_id, occurred_at, source,"
                " medium, channel, platform, is_direct) SELECT tenant_id, :id, origin, :id, visitor_id,"
                " occurred_at - interval '1 minute', source, medium, channel, platform, is_direct"
                " FROM adplanning.touchpoint WHERE tenant_id = :tenant AND id = :near"
            ),
            {"id": touch, "tenant": MAIN, "near": f"touch_{number + 1}_{EACH}"},
        )
        visits = await visits_of(session, MAIN, [touch])
        due = await conversions_after(session, MAIN, visits)
        assert await compute_credit(session, runtime, MAIN, due) == 1

    cpu, wall = await _timed(runtime, late)
    detail = f" (database and Python; {median(wall) * 1000:.0f} ms wall)"
    section.at_most("one late touch", median(cpu) * 1000, 20, "ms of CPU", detail)


async def _timed(runtime: Runtime, work: Any) -> tuple[list[float], list[float]]:
    """(CPU of backend and Python, wall) of each round, each in a transaction of its own.

    Of a worker that has been at work for a while: PostgreSQL plans the first five runs of a statement anew on each of
    the pool's connections, and keeps the plan from then on.
    """
    cpu: list[float] = []
    wall: list[float] = []
    for number in range(WARM + ROUNDS):
        began, own = time.perf_counter(), time.process_time()
        async with runtime.database.transaction(MAIN) as session:
            pid = await _pid(session)
            before = process_cpu(pid)
            await work(session, number)
        if number >= WARM:
            cpu.append(process_cpu(pid) - before + time.process_time() - own)
            wall.append(time.perf_counter() - began)
    return cpu, wall


async def _resolving(section: Section, made: BenchDatabase, runtime: Runtime) -> None:
    """Slices of pending touches, in turn by the plugin's bulk run and by one UPDATE that joins on the name."""
    count = scaled(1_000_000, 0.1)
    connection = await made.connect(RESOLVED)
    await data.campaigns(connection, RESOLVED, CAMPAIGNS)
    await connection.execute(
        f"""
        INSERT INTO adplanning.touchpoint (tenant_id, id, origin, session_id, visitor_id, occurred_at, source, medium,
          campaign, campaign_key, channel, platform, is_direct, ad_campaign_id)
        SELECT '{RESOLVED}', 'touch_' || n, 'own', 'ses_' || n, 'vis_' || n,
          timestamptz '2026-01-01' + n * interval '1 second', CASE WHEN c % 2 = 0 THEN 'google' ELSE 'facebook' END,
          'cpc', 'campaign ' || c, 'campaign ' || c, 'Paid Search', CASE WHEN c % 2 = 0 THEN 'google' ELSE 'meta' END,
          false, NULL
        FROM (SELECT n, abs(hashint8(n)) % {CAMPAIGNS} AS c FROM generate_series(0, {count - 1}) n) t
        """
    )
    await made.analyze()
    catalogue = None
    slices = 2 * ROUNDS
    edges = await connection.fetch(
        "SELECT timestamptz '2026-01-01' + n * interval '1 second' AS at FROM unnest($1::bigint[]) n ORDER BY 1",
        [count * part // slices for part in range(slices + 1)],
    )
    ours: list[float] = []
    bare: list[float] = []
    cpu: list[float] = []
    bare_cpu: list[float] = []
    position = START
    each = count // slices
    for number in range(ROUNDS):
        # Ours takes the oldest pending; the bare join the slice behind it, so that both find as much.
        began, done, used, own = time.perf_counter(), 0, 0.0, time.process_time()
        while done < each:
            async with runtime.database.transaction(RESOLVED) as session:
                pid = await _pid(session)
                before = process_cpu(pid)
                catalogue = catalogue or await load_catalogue(session, runtime, RESOLVED)
                page = await resolve_page(session, runtime, RESOLVED, position, catalogue, min(10_000, each - done))
            used += process_cpu(pid) - before
            assert page.position is not None
            assert page.resolved == page.seen
            position, done = page.position, done + page.seen
        ours.append(done / (time.perf_counter() - began))
        cpu.append(done / (used + time.process_time() - own))
        began, before = time.perf_counter(), await backend_cpu(connection)
        low, high = edges[2 * number + 1]["at"], edges[2 * number + 2]["at"]
        answer = await connection.execute(BARE_JOIN, RESOLVED, low, high)
        joined = int(answer.split()[-1])
        bare.append(joined / (time.perf_counter() - began))
        bare_cpu.append(joined / (await backend_cpu(connection) - before))
    await connection.close()
    section.at_least("bulk resolve (wall)", median(ours), 50_000, "sessions/s", f", {CAMPAIGNS:,} campaigns")
    section.add("bulk resolve per CPU second, database and Python", f"{median(cpu):,.0f} sessions")
    section.add("bare SQL join that updates the same columns (wall)", f"{median(bare):,.0f} sessions/s")
    section.at_least("bulk resolve against the bare join (wall)", ratios(ours, bare), 0.3)
    section.at_least("bulk resolve against the bare join (CPU)", ratios(cpu, bare_cpu), 0.3)
    section.note(f"Bulk resolve ran over {count:,} pending touches, half of them by each way, in {ROUNDS} turns each.")
    memory_used = memory(os.getpid(), "VmHWM")
    section.at_most("memory of the Python process after it", memory_used, 300, "MB")
