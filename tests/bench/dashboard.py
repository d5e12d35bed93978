"""Dashboard and lists: answers of the admin routes over a year of one tenant of twenty, through HTTP with auth on."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy import text

from adplanning_plugin.attribution.crediting import compute_credit
from tests.bench import data, load
from tests.bench.harness import ROUNDS, Section, median, memory, process_cpu, scaled
from tests.bench.ingest import Web, served
from tests.bench.server import BenchDatabase, database, version
from tests.bench.store import MAIN, TENANTS, TOKEN, install
from tests.databases import aside

ASKED = 20
"""Times that each address is asked, after a first that warms caches."""
ADMIN = "/admin/ad-planning"
TOUCHES = 4
EVENTS_A_VISIT = 8
LISTED = 12_000
"""Conversions that the list must have, for page 200 of 50."""


def run() -> Section:
    """All rows of the section."""
    section = Section(name="dashboard and lists")
    with database("dashboard") as made:
        aside(lambda: _fill(section, made))
        with served("plugin", made.url) as web:
            _reports(section, web, made)
            _lists(section, web, made)
        section.note(f"{version(made)}, durable; every answer asked {ASKED} times, one after the other.")
    return section


async def _fill(section: Section, made: BenchDatabase) -> None:
    """One tenant of the same shape twenty times over; ours has more orders, so that its list is long enough."""
    events = scaled(10_000_000, 0.05)
    visitors = max(50, events // len(TENANTS) // (TOUCHES * EVENTS_A_VISIT))
    orders = max(1, -(-LISTED // visitors))
    for tenant, count, each in ((MAIN, visitors, orders), (TENANTS[1], visitors * 2 // 5, 1)):
        connection = await made.connect(tenant)
        await data.touches(connection, tenant, visitors, TOUCHES)
        await data.conversions(connection, tenant, count, each=each)
        await data.visits(connection, tenant, visitors, TOUCHES)
        await data.campaigns(connection, tenant)
        await data.spend(connection, tenant, 365)
        await data.events(connection, tenant, events // len(TENANTS))
        await connection.close()
    await made.analyze()
    await _credit(made, (MAIN, TENANTS[1]))
    superuser: asyncpg.Connection[Any] = await asyncpg.connect(made.server.url(made.name, "postgres"))
    for tenant in TENANTS[2:]:
        await data.copy_tenant(superuser, TENANTS[1], tenant)
    await superuser.close()
    await made.analyze()
    section.note(
        f"Size: {events:,} events of {len(TENANTS)} tenants ({events / 10_000_000:g} of the target's); the tenant that "
        f"is asked has {visitors * TOUCHES:,} sessions and touches, {visitors * orders:,} orders, {data.CAMPAIGNS} "
        "campaigns with a year of daily spend. ADPLANNING_BENCH_SCALE=1 takes the full size."
    )


async def _credit(made: BenchDatabase, tenants: Sequence[str]) -> None:
    plugin = install(made.url)
    await plugin.start()
    try:
        for tenant in tenants:
            done = 1
            while done:
                async with plugin.runtime.database.transaction(tenant) as session:
                    await session.execute(text("SET LOCAL statement_timeout = '120s'"))
                    done = await compute_credit(session, plugin.runtime, tenant)
    finally:
        await plugin.stop()


def _reports(section: Section, web: Web, made: BenchDatabase) -> None:
    today = datetime.now(UTC).date()
    year = f"from_date={today - timedelta(days=364)}&to_date={today}"
    for what, path, limit in (
        ("trends of a year, p95", f"/trends?{year}", 300),
        ("attribution report: ROI of a year by campaign, p95", f"/roi?{year}", 500),
        ("ROI of a year by channel, p95", f"/roi?{year}&by=channel", None),
        ("dashboard, 30 days, p95", "/dashboard", None),
        ("dashboard, a year, p95", f"/dashboard?{year}", None),
    ):
        times, cpu, database_cpu = _ask(web, made, ADMIN + path)
        p95, middle = _p95(times), 1000 * median(times)
        detail = f" (median {middle:.0f} ms; CPU: database {1000 * database_cpu:.0f} ms, web {1000 * cpu:.0f} ms)"
        if limit is None:
            section.add(what, f"{p95:.0f} ms{detail}")
        else:
            section.at_most(what, p95, limit, "ms", detail)
    section.add("chart of a year from a roll-up", "there is none: the trends above read the rows", "≤ 50 ms", met=False)


def _lists(section: Section, web: Web, made: BenchDatabase) -> None:
    first, deep = f"{ADMIN}/conversions?limit=50", f"{ADMIN}/conversions?limit=50&offset=9950"
    rounds = [(_ask(web, made, first), _ask(web, made, deep)) for _ in range(ROUNDS)]
    ratios = [median(page_200[0]) / median(page_1[0]) for page_1, page_200 in rounds]
    cpu = [(page_200[1] + page_200[2]) / (page_1[1] + page_1[2]) for page_1, page_200 in rounds]
    page_1 = _p95([value for (times, _, _), _ in rounds for value in times])
    page_200 = _p95([value for _, (times, _, _) in rounds for value in times])
    section.add("list of 50 conversions, p95", f"page 1 {page_1:.1f} ms, page 200 {page_200:.1f} ms")
    section.at_most("page 200 against page 1 (wall)", median(ratios), 1.3)
    section.at_most("page 200 against page 1 (CPU of web and database)", median(cpu), 1.3)
    if load.client() == "wrk":
        seen = [load.get(web.port, first, TOKEN, seconds=2) for _ in range(ROUNDS)]
        section.add(
            "list of 50, auth on, 8 connections", f"{median(each.rate for each in seen):,.0f} requests/s (wall)"
        )
    section.add("memory of the web process", f"{memory(web.pid, 'VmHWM'):.0f} MB at most")
    section.add("Medusa's customer list (140–169 requests/s, 447 MB elsewhere)", "not reproduced", "≥ 2×, ≤ 1/3")
    section.note("Medusa was not run here; its figures are quoted, not measured.")


def _p95(seconds: Sequence[float]) -> float:
    return 1000 * statistics.quantiles(seconds, n=20)[-1]


def _ask(web: Web, made: BenchDatabase, path: str) -> tuple[list[float], float, float]:
    """(seconds of each answer, CPU seconds of the web process an answer, of the server)."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    headers = {"authorization": f"Bearer {TOKEN}"}
    times: list[float] = []
    used = served_cpu = 0.0
    for number in range(ASKED + 1):
        if number == 1:
            used, served_cpu = made.cpu(), process_cpu(web.pid)
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        if number:
            times.append(time.perf_counter() - began)
        assert answer.status == 200, content[:500]
    assert json.loads(content)
    connection.close()
    return times, (process_cpu(web.pid) - served_cpu) / ASKED, (made.cpu() - used) / ASKED
