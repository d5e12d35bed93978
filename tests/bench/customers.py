"""Customers: a profile and the interactions of a person with a thousand of them, among a store's other people."""

from __future__ import annotations

import http.client
import statistics
import time
from typing import Any

from sqlalchemy import text

from adplanning_plugin.identity import Edge, link, person_identifier
from adplanning_plugin.kernel.days import now
from tests.bench import data
from tests.bench.harness import ROUNDS, Section, median, process_cpu, scaled
from tests.bench.ingest import Web, served
from tests.bench.server import BenchDatabase, database, version
from tests.bench.store import MAIN, TOKEN, install
from tests.databases import aside

ASKED = 100
PERSON, BROWSERS = "bench-person-1", ("vis_bench_person_laptop", "vis_bench_person_phone")
ADMIN = "/admin/ad-planning"
_PERSON = (
    """INSERT INTO adplanning.owned_person (tenant_id, id, email, name, created_at, source_key)
       SELECT :tenant, CASE n WHEN 1 THEN :person ELSE 'other-' || n END, 'p' || n || '@mail.example', 'Person ' || n,
              now() - interval '1 hour' * n, 'bench' FROM generate_series(1, :people) n""",
    """INSERT INTO adplanning.event (tenant_id, occurred_at, id, received_at, name, visitor_id, session_id, url, path,
         consent)
       SELECT :tenant, at, 'bench_evt_' || n, at, 'page_view', (CAST(:browsers AS text[]))[1 + n % 2],
              'bench_ses_' || n / 8, 'https://shop.example/p', '/p', 15
       FROM generate_series(1, 780) n, LATERAL (SELECT now() - interval '11 hours' * n AS at) t""",
    """INSERT INTO adplanning.touchpoint (tenant_id, id, origin, session_id, visitor_id, occurred_at, source, medium,
         campaign, channel, platform, is_direct)
       SELECT :tenant, 'bench_touch_' || n, 'own', 'bench_ses_' || n, (CAST(:browsers AS text[]))[1 + n % 2],
              now() - interval '88 hours' * n, 'google', 'cpc', 'spring', 'Paid Search', 'google', false
       FROM generate_series(1, 97) n""",
    """INSERT INTO adplanning.conversion (tenant_id, id, conversion_type, status, origin, occurred_at, value, currency,
         order_id, person_id, visitor_id, is_revenue)
       SELECT :tenant, 'bench_conv_' || n, 'purchase', 'confirmed', 'order', now() - interval '7 days' * n, 100000,
              'INR', 'bench_order_' || n, :person, (CAST(:browsers AS text[]))[1 + n % 2], true
       FROM generate_series(1, 50) n""",
    """INSERT INTO adplanning.order_visit (tenant_id, order_id, visitor_id, method, consent, stamped_at)
       SELECT :tenant, 'bench_order_' || n, (CAST(:browsers AS text[]))[1 + n % 2], 'request', 'granted', now()
       FROM generate_series(1, 50) n""",
    """INSERT INTO adplanning.journey_event (tenant_id, id, source_kind, source_id, event_type, channel, stage,
         occurred_at, person_id, visitor_id, order_id, value_minor, currency)
       SELECT :tenant, 'bench_jrn_' || n, 'conversion', 'bench_conv_' || n, 'purchase', 'web', 'retention',
              now() - interval '3 days' * n, :person, (CAST(:browsers AS text[]))[1 + n % 2], 'bench_order_' || n,
              100000, 'INR' FROM generate_series(1, 123) n""",
)


def run() -> Section:
    """All rows of the section."""
    section = Section(name="customers")
    with database("customers") as made:
        aside(lambda: _fill(section, made))
        with served("plugin", made.url) as web:
            for what, path, limit in (
                ("profile, p95", f"/customers/{PERSON}/profile", 50),
                ("interactions, first 50, p95", f"/customers/{PERSON}/interactions", None),
                ("interactions, page of 50 at 900, p95", f"/customers/{PERSON}/interactions?offset=900", None),
                ("list of 50, p95", "/customers?limit=50", None),
                ("search by name, p95", "/customers?q=person+42", None),
                ("export of everything held, p95", f"/customers/{PERSON}/export", None),
            ):
                _ask(section, web, made, what, ADMIN + path, limit)
        section.note(f"{version(made)}; each answer asked {ASKED} times in each round, one after the other.")
    return section


async def _fill(section: Section, made: BenchDatabase) -> None:
    visitors, people = scaled(250_000, 0.1), scaled(300_000, 0.1)
    connection = await made.connect(MAIN)
    await data.touches(connection, MAIN, visitors, 4)
    await data.conversions(connection, MAIN, visitors // 2)
    await data.visits(connection, MAIN, visitors, 4)
    await data.events(connection, MAIN, visitors * 8)
    await connection.close()
    plugin = install(made.url)
    await plugin.start()
    try:
        async with plugin.runtime.database.transaction(MAIN) as session:
            values = {"tenant": MAIN, "person": PERSON, "people": people, "browsers": list(BROWSERS)}
            for statement in _PERSON:
                clause = text(statement)
                named = clause._bindparams  # pyright: ignore[reportPrivateUsage]
                await session.execute(clause, {name: values[name] for name in named})
            edges = [Edge(each, person_identifier(PERSON), "login", "login", now()) for each in BROWSERS]
            await link(session, plugin.runtime, MAIN, edges)
    finally:
        await plugin.stop()
    await made.analyze()
    section.note(
        f"The person has 1,000 interactions (780 page views, 97 touches, 123 orders and the like) on two browsers, "
        f"beside {people:,} people, {visitors * 8:,} events and {visitors * 4:,} touches of others."
    )


def _ask(section: Section, web: Web, made: BenchDatabase, what: str, path: str, limit: float | None) -> None:
    rounds = [_times(web, made, path) for _ in range(ROUNDS)]
    p95s = [1000 * statistics.quantiles(times, n=20)[-1] for times, _, _ in rounds]
    middle = median(1000 * median(times) for times, _, _ in rounds)
    cpu, database_cpu = 1000 * median(each[1] for each in rounds), 1000 * median(each[2] for each in rounds)
    detail = f" (median {middle:.1f} ms; CPU: web {cpu:.1f} ms, database {database_cpu:.1f} ms)"
    if limit is None:
        section.add(what, f"{median(p95s):.1f} ms{detail}")
    else:
        section.at_most(what, median(p95s), limit, "ms", detail)


def _times(web: Web, made: BenchDatabase, path: str) -> tuple[list[float], float, float]:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    headers = {"authorization": f"Bearer {TOKEN}"}
    times: list[float] = []
    used = served_cpu = 0.0
    for number in range(ASKED + 3):
        if number == 3:
            used, served_cpu = made.cpu(), process_cpu(web.pid)
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer: Any = connection.getresponse()
        content = answer.read()
        if number >= 3:
            times.append(time.perf_counter() - began)
        assert answer.status == 200, content[:500]
        assert b"could not be read" not in content, "a section of the profile failed"
    connection.close()
    return times, (process_cpu(web.pid) - served_cpu) / ASKED, (made.cpu() - used) / ASKED
