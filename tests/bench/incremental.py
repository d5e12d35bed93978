"""Incremental credit: a thousand histories, each with events in an order of its own, beside a rebuild."""

from __future__ import annotations

import os
import random
import time

from sqlalchemy import text

from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.models import Base
from adplanning_plugin.options import DatabaseOptions
from adplanning_plugin.tracking.hooks import TrackingHooks
from tests.attribution.conftest import Store, make_runtime
from tests.attribution.worlds import differences, held, live, rebuilt
from tests.bench.harness import Section, scaled
from tests.bench.server import BenchDatabase, database
from tests.databases import aside

BATCH = 100
EVENTS = 6
RULE_CHANGES = 2


def run() -> Section:
    """All rows of the section."""
    section = Section(name="incremental credit")
    orders = scaled(1_000, 1.0)
    seed = int(os.environ.get("ADPLANNING_BENCH_SEED", random.randrange(10**9)))
    section.note(
        f"Seed {seed} (ADPLANNING_BENCH_SEED repeats it). Each order is {EVENTS} events of a small history: touches,"
        " late and taken back, orders, refunds, logins, revoked and restored links, denied identifiers, campaigns made"
        " and renamed, aliases, assignments by hand; a change of rules for each half of a batch of histories."
    )
    batches = max(1, orders // BATCH)
    began = time.monotonic()
    apart: list[str] = []
    credited = [0]
    with database("incremental") as made:
        aside(lambda: _worked_through(made, seed, batches, apart, credited))
    done = batches * BATCH
    section.add("random orders of events worked through", f"{done:,}", "≥ 1,000", met=done >= 1_000)
    differ = f"{len(apart):,} of {credited[0]:,}"
    section.add("conversions whose credit differs from a rebuild from nothing", differ, "0", met=not apart)
    section.add("time for an order of events", f"{(time.monotonic() - began) / done * 1000:.0f} ms (wall)")
    return section


async def _worked_through(made: BenchDatabase, seed: int, batches: int, apart: list[str], credited: list[int]) -> None:
    connected = Database.connect(DatabaseOptions(url=made.url))
    names = ", ".join(table.fullname for table in Base.metadata.sorted_tables)
    try:
        for number in range(batches):
            async with connected.engine.begin() as connection:
                await connection.execute(text(f"TRUNCATE {names}"))
            runtime = make_runtime(connected, TrackingHooks())
            worlds = await live(Store(runtime), random.Random(seed + number), BATCH, EVENTS, RULE_CHANGES)
            grown = await held(runtime)
            found = differences(grown, await rebuilt(runtime))
            credited[0] += len(grown[1])
            apart += found
            if found:
                orders = [(world.number, world.happened) for world in worlds]
                print(f"   seed {seed + number}: {found} differ; {orders}", flush=True)
    finally:
        await connected.close()
