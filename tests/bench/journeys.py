"""Journeys: the funnel from the table of stages, and paths from touches and from counted days, beside plain SQL."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import Rules, compute_credit, current_rules
from adplanning_plugin.journeys.funnel import funnel
from adplanning_plugin.journeys.funnel_sql import FunnelQuestion
from adplanning_plugin.journeys.funnel_steps import read_steps
from adplanning_plugin.journeys.path_summary import (
    count_days,
    count_open,
    prepare,
    summarised,
    summary_for,
)
from adplanning_plugin.journeys.paths import PathQuestion, first_of, ranked_paths
from adplanning_plugin.journeys.progress import rebuild
from adplanning_plugin.kernel.days import day_of, day_range
from adplanning_plugin.kernel.runtime import Runtime
from tests.bench import data
from tests.bench.harness import ROUNDS, BenchError, Section, median, process_cpu, ratios, scaled, spread
from tests.bench.server import BenchDatabase, database, version
from tests.bench.store import MAIN, TENANTS, install
from tests.databases import aside

PEOPLE_OF = TENANTS[1]
EACH = 4
STEPS = "awareness,interest,consideration,intent,conversion"
WINDOW = timedelta(days=30)
_ZONE, _CURRENCY = "Asia/Kolkata", "INR"
_SHARES = (("search", 70, 1), ("product_view", 60, 2), ("add_to_cart", 30, 3))
"""Tracked events beside a page view: name, percent of the visitors, hours after the page view at most × 100."""

REPLAY = """
WITH seen AS (
  SELECT visitor_id, min(occurred_at) FILTER (WHERE name = 'page_view') AS t1,
         min(occurred_at) FILTER (WHERE name = 'search') AS t2,
         min(occurred_at) FILTER (WHERE name = 'product_view') AS t3,
         min(occurred_at) FILTER (WHERE name = 'add_to_cart') AS t4
  FROM adplanning.event WHERE tenant_id = :tenant AND name IN ('page_view', 'search', 'product_view', 'add_to_cart')
  GROUP BY visitor_id
), bought AS (
  SELECT visitor_id, min(occurred_at) AS t5 FROM adplanning.journey_event
  WHERE tenant_id = :tenant AND event_type = 'purchase' GROUP BY visitor_id
), far AS (
  SELECT t2 >= t1 AND t2 <= t1 + interval '30 days' AS s2, t3 >= t2 AND t3 <= t1 + interval '30 days' AS s3,
         t4 >= t3 AND t4 <= t1 + interval '30 days' AS s4, t5 >= t4 AND t5 <= t1 + interval '30 days' AS s5
  FROM seen LEFT JOIN bought USING (visitor_id) WHERE t1 >= :start AND t1 < :end
)
SELECT count(*), count(*) FILTER (WHERE s2), count(*) FILTER (WHERE s2 AND s3),
       count(*) FILTER (WHERE s2 AND s3 AND s4), count(*) FILTER (WHERE s2 AND s3 AND s4 AND s5)
FROM far
"""
PLAIN_FUNNEL = """
SELECT count(*), count(*) FILTER (WHERE s2), count(*) FILTER (WHERE s2 AND s3),
       count(*) FILTER (WHERE s2 AND s3 AND s4), count(*) FILTER (WHERE s2 AND s3 AND s4 AND s5)
FROM (
  SELECT interest_at >= awareness_at AND interest_at <= awareness_at + interval '30 days' AS s2,
         consideration_at >= interest_at AND consideration_at <= awareness_at + interval '30 days' AS s3,
         intent_at >= consideration_at AND intent_at <= awareness_at + interval '30 days' AS s4,
         conversion_at >= intent_at AND conversion_at <= awareness_at + interval '30 days' AS s5
  FROM adplanning.journey_progress
  WHERE tenant_id = :tenant AND awareness_at >= :start AND awareness_at < :end
) f
"""
PLAIN_PATHS = """
SELECT path, count(*), sum(value) FROM (
  SELECT c.id, min(c.value - c.refunded) AS value,
         string_agg(x.channel, ' > ' ORDER BY x.position) AS path
  FROM adplanning.conversion c JOIN adplanning.credit x
    ON x.tenant_id = c.tenant_id AND x.conversion_id = c.id AND x.window_days = 30 AND x.touch_id <> ''
  WHERE c.tenant_id = :tenant AND c.deleted_at IS NULL AND c.conversion_type = 'purchase'
    AND c.occurred_at >= :start AND c.occurred_at < :end
  GROUP BY c.id
) p GROUP BY path ORDER BY 2 DESC LIMIT 10
"""


def run() -> Section:
    """All rows of the section."""
    section = Section(name="journeys")
    with database("journeys") as made:
        aside(lambda: _run(section, made))
        section.note(f"{version(made)}, durable, no parallel workers; CPU is the backend's own, read from /proc.")
    return section


async def _run(section: Section, made: BenchDatabase) -> None:
    plugin = install(made.url)
    await plugin.start()
    try:
        await _funnels(section, made, plugin.runtime)
        await _paths(section, made, plugin.runtime)
    finally:
        await plugin.stop()


async def _timed(
    runtime: Runtime, tenant: str, work: Callable[[AsyncSession], Awaitable[Any]]
) -> tuple[float, float, Any]:
    """(wall seconds, CPU seconds of the backend, the answer)."""
    async with runtime.database.reading(tenant, heavy=True) as session:
        await session.execute(text("SET LOCAL statement_timeout = '300s'"))
        pid = int((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())
        used, began = process_cpu(pid), time.perf_counter()
        answer = await work(session)
        return time.perf_counter() - began, process_cpu(pid) - used, answer


async def _rounds(
    runtime: Runtime, tenant: str, *works: Callable[[AsyncSession], Awaitable[Any]]
) -> list[tuple[list[float], list[float], Any]]:
    """Each work in turn, round by round; the first, unmeasured round warms caches and plans."""
    taken: list[tuple[list[float], list[float], Any]] = [([], [], None) for _ in works]
    for number in range(ROUNDS + 1):
        for index, work in enumerate(works):
            wall, cpu, answer = await _timed(runtime, tenant, work)
            walls, cpus, _ = taken[index]
            if number:
                walls.append(wall)
                cpus.append(cpu)
            taken[index] = (walls, cpus, answer)
    return taken


def _wall(walls: list[float]) -> str:
    return f" ({spread([1000 * each for each in walls])} ms wall)"


# --- funnel ---


async def _funnels(section: Section, made: BenchDatabase, runtime: Runtime) -> None:
    people = scaled(300_000, 1)
    await _fill_people(made, people)
    await made.analyze()
    began = time.perf_counter()
    async with runtime.database.transaction(PEOPLE_OF) as session:
        await session.execute(text("SET LOCAL statement_timeout = '600s'"))
        pid = int((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())
        used = process_cpu(pid)
        await rebuild(session, runtime, PEOPLE_OF)
        used = process_cpu(pid) - used
    section.add(
        f"table of stages of {people:,} people, rebuilt from raw events (set-wise)",
        f"{used:.1f} CPU s of the database, {time.perf_counter() - began:.1f} s wall",
    )
    await made.analyze()
    now = datetime.now(UTC)
    question = FunnelQuestion(
        tenant_id=PEOPLE_OF, steps=read_steps(STEPS), start=now - timedelta(days=400), end=now, window=WINDOW
    )
    values = {"tenant": PEOPLE_OF, "start": question.start, "end": question.end}

    async def ours(session: AsyncSession) -> list[int]:
        found = await funnel(session, runtime, question, None)
        return [step["people"] for step in found["steps"]]

    async def plain(session: AsyncSession) -> list[int]:
        return list((await session.execute(text(PLAIN_FUNNEL), values)).one())

    stages, by_hand = await _rounds(runtime, PEOPLE_OF, ours, plain)
    wall, cpu, replayed = await _timed(runtime, PEOPLE_OF, _replay(values))
    what = f"funnel of 5 stages over {people:,} people"
    share = people / 300_000
    section.at_most(f"{what}, CPU of the database", 1000 * median(stages[1]), 150 * share, "ms", _wall(stages[0]))
    section.add(
        f"{what} against plain SQL over the table of stages, which counts and tells no median times",
        f"{ratios(stages[1], by_hand[1]):.2f}× its CPU",
    )
    section.add(
        f"{what} against a replay of raw events ({wall:.1f} s wall, {cpu:.1f} CPU s)",
        f"1/{cpu / median(stages[1]):.0f} of its CPU",
    )
    equal = stages[2] == by_hand[2] == replayed
    said = "equal" if equal else f"{stages[2]}, not {replayed}; plain SQL {by_hand[2]}"
    section.add("people at each stage, against the replay and plain SQL", said, "equal", met=equal)
    asked = FunnelQuestion(
        tenant_id=PEOPLE_OF,
        steps=read_steps("event:page_view,event:product_view,event:add_to_cart"),
        start=question.start,
        end=question.end,
        window=WINDOW,
    )

    async def events(session: AsyncSession) -> Any:
        return (await funnel(session, runtime, asked, None))["steps"]

    wall, cpu, _ = await _timed(runtime, PEOPLE_OF, events)
    section.add(f"funnel of 3 events over {people:,} people, from raw events", f"{wall:.1f} s wall, {cpu:.1f} CPU s")


def _replay(values: dict[str, Any]) -> Callable[[AsyncSession], Awaitable[list[int]]]:
    async def work(session: AsyncSession) -> list[int]:
        return list((await session.execute(text(REPLAY), values)).one())

    return work


async def _fill_people(made: BenchDatabase, people: int) -> None:
    connection = await made.connect(PEOPLE_OF)
    insert = """
    INSERT INTO adplanning.event (tenant_id, occurred_at, id, received_at, name, visitor_id, session_id, path, consent,
      xid) SELECT '{tenant}', at, '{name}_' || v, at, '{name}', 'vis_' || v, 'ses_' || v, '/', 15, 0
    FROM (SELECT v, now() - interval '1 day' * (abs(hashint8extended(v, 1)) % 35000 / 100.0 + 10) {later} AS at
          FROM generate_series(1, {people}) v WHERE abs(hashint8extended(v, {salt})) % 100 < {percent}) e
    """
    await connection.execute(
        insert.format(tenant=PEOPLE_OF, name="page_view", later="", people=people, salt=9, percent=100)
    )
    for name, percent, hours in _SHARES:
        later = f"+ interval '1 hour' * (abs(hashint8extended(v, {10 + hours})) % 100 * {hours} - 5)"
        await connection.execute(
            insert.format(tenant=PEOPLE_OF, name=name, later=later, people=people, salt=20 + hours, percent=percent)
        )
    await connection.execute(
        f"""
        INSERT INTO adplanning.journey_event (tenant_id, id, source_kind, source_id, event_type, channel, stage,
          occurred_at, visitor_id, order_id)
        SELECT '{PEOPLE_OF}', 'jrn_' || v, 'order', 'o' || v, 'purchase', 'web', NULL,
          now() - interval '1 day' * (abs(hashint8extended(v, 1)) % 35000 / 100.0 + 10)
            + interval '1 hour' * (abs(hashint8extended(v, 31)) % 1000), 'vis_' || v, 'o' || v
        FROM generate_series(1, {people}) v WHERE abs(hashint8extended(v, 32)) % 100 < 12
        """
    )
    await connection.close()


# --- paths ---


async def _paths(section: Section, made: BenchDatabase, runtime: Runtime) -> None:
    visitors = scaled(250_000, 1)
    rules = await _fill_touches(made, runtime, visitors)
    today = day_of(datetime.now(UTC), _ZONE)
    start, end = day_range(today - timedelta(days=365), today, _ZONE)
    question = PathQuestion(
        tenant_id=MAIN, zone=_ZONE, currency=_CURRENCY, start=start, end=end, window_days=30, collapse="exposure"
    )
    values = {"tenant": MAIN, "start": start, "end": end}

    async def touches(session: AsyncSession) -> Any:
        return await ranked_paths(session, question, "conversions", 10)

    async def plain(session: AsyncSession) -> Any:
        return (await session.execute(text(PLAIN_PATHS), values)).all()

    first, by_hand = await _rounds(runtime, MAIN, touches, plain)
    what = f"paths over {visitors * EACH:,} touches, with journeys that did not convert, averages and distributions"
    share = visitors / 250_000
    section.at_most(
        f"{what}, from touches, CPU of the database", 1000 * median(first[1]), 2000 * share, "ms", _wall(first[0])
    )
    section.add(
        "paths against plain SQL of the converting paths alone, uncollapsed", f"{ratios(first[1], by_hand[1]):.1f}× CPU"
    )
    await _count(section, runtime, rules)
    await made.analyze()

    async def summary(session: AsyncSession) -> Any:
        known = await summary_for(session, rules, question)
        if known is None:
            raise BenchError("the summary does not answer: its days are not counted.")
        lines, spread_of = await summarised(session, question, known)
        return first_of(lines, "conversions", _CURRENCY, 10), spread_of

    (counted,) = await _rounds(runtime, MAIN, summary)
    if counted[2] != first[2]:
        raise BenchError("the summary's paths differ from those of the touches.")
    section.at_most(
        "the same from the summary, CPU of the database", 1000 * median(counted[1]), 100, "ms", _wall(counted[0])
    )
    section.note(
        f"Targets are for 300,000 people and 1,000,000 touches; these are {share:g} of them, and so are the first two. "
        "What a summary has to read grows with days and different paths, not with touches. ADPLANNING_BENCH_SCALE=1 "
        "takes the full size."
    )


async def _fill_touches(made: BenchDatabase, runtime: Runtime, visitors: int) -> Rules:
    """Touches, three visitors of four with an order, and credit as the plugin writes it, weights aside."""
    connection = await made.connect(MAIN)
    await data.touches(connection, MAIN, visitors, EACH)
    await data.conversions(connection, MAIN, visitors * 3 // 4)
    async with runtime.database.transaction(MAIN) as session:
        await compute_credit(session, runtime, MAIN, ["conv_1_1"])
        rules = await current_rules(session, MAIN)
    await connection.execute(
        f"""
        INSERT INTO adplanning.credit (tenant_id, conversion_id, window_days, touch_id, position, touches, touched_at,
          occurred_at, channel, platform, ad_campaign_id, weights, amounts, refunds, currency, rule_version)
        SELECT t.tenant_id, c.id, w.days, t.id,
          row_number() OVER (PARTITION BY c.id, w.days ORDER BY t.occurred_at, t.id), count(*) OVER (PARTITION BY c.id,
          w.days), t.occurred_at, c.occurred_at, t.channel, t.platform, t.ad_campaign_id, '{{0,0,0,0,0,1}}',
          '{{0,0,0,0,0,1}}', '{{0,0,0,0,0,0}}', c.currency, {rules.version}
        FROM adplanning.conversion c
        JOIN adplanning.touchpoint t ON t.tenant_id = c.tenant_id AND t.visitor_id = c.visitor_id
          AND t.occurred_at <= c.occurred_at
        JOIN unnest(ARRAY[7, 14, 28, 30]) AS w(days) ON t.occurred_at > c.occurred_at - w.days * interval '1 day'
        WHERE c.tenant_id = '{MAIN}'
        ON CONFLICT DO NOTHING
        """
    )
    await connection.close()
    await made.analyze()
    return rules


async def _count(section: Section, runtime: Runtime, rules: Rules) -> None:
    """What the jobs do in a night, and what an order of today costs."""
    now = datetime.now(UTC)
    today = day_of(now, _ZONE)
    began = time.perf_counter()
    async with runtime.database.transaction(MAIN) as session:
        await prepare(session, MAIN, rules, _ZONE, today, anew=True)
    counted = 1
    while counted:
        async with runtime.database.transaction(MAIN) as session:
            await session.execute(text("SET LOCAL statement_timeout = '300s'"))
            counted = await count_days(session, MAIN, rules, _ZONE)
    async with runtime.database.transaction(MAIN) as session:
        await session.execute(text("SET LOCAL statement_timeout = '300s'"))
        await count_open(session, MAIN, rules, _ZONE, now, anew=True)
    section.add("summary counted whole: a year, four windows, two levels", f"{time.perf_counter() - began:.1f} s")
    async with runtime.database.transaction(MAIN) as session:
        await session.execute(
            text("UPDATE adplanning.journey_path_day SET is_stale = true WHERE tenant_id = :tenant AND day = :day"),
            {"tenant": MAIN, "day": today - timedelta(days=1)},
        )
    began = time.perf_counter()
    async with runtime.database.transaction(MAIN) as session:
        await count_days(session, MAIN, rules, _ZONE)
    section.add("one day counted anew", f"{1000 * (time.perf_counter() - began):.0f} ms")
