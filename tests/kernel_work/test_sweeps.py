"""Sweeps over a host's table: what no event told of is found, a run cut off goes on, a bad row stops nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, DateTime, MetaData, String, Subquery, Table, cast, func, select, text

from adplanning_plugin.kernel.backfill import backfill, preview, run_sweep
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.queue import dead_letters, replay
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.scheduler import Scheduler
from adplanning_plugin.kernel.sweep import LinkedEntities, Sweep, SweepContext
from adplanning_plugin.kernel.work import Work

from .conftest import MakeRuntime, execute, leave_effect, rows

PURCHASES = Table(
    "purchases",
    MetaData(),
    Column("nr", String),
    Column("tenant", String),
    Column("bought", DateTime(timezone=True)),
    Column("changed", DateTime(timezone=True)),
)


class PurchaseLinks:
    """The purchases of a host under canonical names; stands in for the links, which the kernel does not know."""

    def selectable(self, entity: str, tenant_id: str) -> Subquery:
        columns = (
            cast(PURCHASES.c.nr, String).label("id"),
            PURCHASES.c.bought.label("placed_at"),
            PURCHASES.c.changed.label("updated_at"),
        )
        return select(*columns).where(PURCHASES.c.tenant == tenant_id).subquery()

    def since(
        self, entity: str, tenant_id: str, column: str | Sequence[str], after: Any, *, inclusive: bool = False
    ) -> Subquery:
        rows = self.selectable(entity, tenant_id)
        written = func.coalesce(*(rows.c[name] for name in ((column,) if isinstance(column, str) else column)))
        return select(rows).where(written >= after if inclusive else written > after).subquery()

    def has(self, entity: str) -> bool:
        return entity == "order"

    def provides(self, entity: str, column: str) -> bool:
        return column in {"id", "placed_at", "updated_at"}


class Records:
    """Processes by leaving one effect for each id, whatever it is called with twice."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.fails_on: set[str] = set()
        self.dies_after: int | None = None

    async def process(self, context: SweepContext, ids: Sequence[str]) -> int:
        if self.dies_after is not None and len(self.batches) >= self.dies_after:
            raise KeyboardInterrupt
        for each in ids:
            await leave_effect(context.session, context.tenant_id, each)
        if self.fails_on & set(ids):
            raise ValueError(f"row {min(self.fails_on & set(ids))} cannot be read")
        self.batches.append(list(ids))
        return len(ids)


@pytest.fixture
async def purchases(database_url: str, effects: None) -> None:
    await execute(
        database_url, "CREATE TABLE public.purchases (nr text, tenant text, bought timestamptz, changed timestamptz)"
    )
    await execute(
        database_url,
        "INSERT INTO public.purchases SELECT lpad(n::text, 4, '0'), CASE WHEN n > 50 THEN 'second' ELSE 'main' END,"
        " timestamptz '2026-01-01 00:00Z' + n * interval '1 hour', NULL FROM generate_series(1, 60) n",
    )


@pytest.fixture
def records() -> Records:
    return Records()


def order_sweep(records: Records, **changes: Any) -> Sweep:
    given: dict[str, Any] = {"id": "orders", "entity": "order", "process": records.process}
    return Sweep(**{**given, "order_by": ("updated_at", "placed_at", "id"), **changes})


def sweeping(make_runtime: MakeRuntime, *sweeps: Sweep) -> Runtime:
    runtime = make_runtime(sweeps=sweeps)
    runtime.put(PurchaseLinks(), LinkedEntities)
    return runtime


async def seen(runtime: Runtime, tenant: str = "main") -> list[str]:
    found = await rows(runtime, "SELECT DISTINCT name FROM public.effect WHERE tenant = :t ORDER BY 1", t=tenant)
    return [name for (name,) in found]


def ids(first: int, last: int) -> list[str]:
    return [f"{n:04}" for n in range(first, last + 1)]


async def buy(runtime: Runtime, nr: str, bought: datetime, changed: datetime | None = None) -> None:
    async with runtime.database.transaction("main") as session:
        values = {"nr": nr, "bought": bought, "changed": changed}
        await session.execute(text("DELETE FROM public.purchases WHERE nr = :nr"), {"nr": nr})
        await session.execute(text("INSERT INTO public.purchases VALUES (:nr, 'main', :bought, :changed)"), values)


async def test_a_backfill_processes_every_row_of_its_tenant_and_no_other(
    make_runtime: MakeRuntime, purchases: None, records: Records
) -> None:
    runtime = sweeping(make_runtime, order_sweep(records))
    assert await preview(runtime, "main") == {"orders": 50}
    assert await preview(runtime, "main", datetime(2026, 1, 2, tzinfo=UTC)) == {"orders": 27}
    told: list[tuple[str, int, int]] = []
    [result] = await backfill(runtime, "main", batch=20, progress=lambda *step: told.append(step))
    assert (result.seen, result.changed, result.failed) == (50, 50, [])
    assert [len(batch) for batch in records.batches] == [20, 20, 10]
    assert told == [("orders", 20, 50), ("orders", 40, 50), ("orders", 50, 50)]
    assert await seen(runtime) == ids(1, 50)
    assert await seen(runtime, "second") == []


async def test_a_run_that_was_cut_off_goes_on_where_it_was(
    make_runtime: MakeRuntime, purchases: None, records: Records
) -> None:
    runtime = sweeping(make_runtime, order_sweep(records))
    records.dies_after = 2
    with pytest.raises(KeyboardInterrupt):
        await backfill(runtime, "main", batch=10)
    assert await seen(runtime) == ids(1, 20)
    records.dies_after = None
    await backfill(runtime, "main", batch=10)
    assert [batch[0] for batch in records.batches] == ["0001", "0011", "0021", "0031", "0041"]
    assert await rows(runtime, "SELECT count(*) FROM public.effect") == [(50,)]


async def test_after_a_backfill_the_sweep_looks_only_at_what_is_newer(
    make_runtime: MakeRuntime, purchases: None, records: Records
) -> None:
    sweep = order_sweep(records)
    runtime = sweeping(make_runtime, sweep)
    await backfill(runtime, "main")
    records.batches.clear()
    await buy(runtime, "new", datetime(2026, 2, 1, tzinfo=UTC))
    await buy(runtime, "0003", datetime(2026, 1, 1, tzinfo=UTC), changed=datetime(2026, 2, 2, tzinfo=UTC))
    result = await run_sweep(runtime, "main", sweep)
    assert records.batches == [["0050", "new", "0003"]]  # 0050 lies in the overlap
    assert result.seen == 3


async def test_a_row_that_was_committed_late_is_found_within_the_overlap(
    make_runtime: MakeRuntime, purchases: None, records: Records
) -> None:
    sweep = order_sweep(records)
    runtime = sweeping(make_runtime, sweep)
    await buy(runtime, "on time", datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    await run_sweep(runtime, "main", sweep)
    await buy(runtime, "late", datetime(2026, 3, 1, 11, 55, tzinfo=UTC))
    await run_sweep(runtime, "main", sweep)
    assert "late" in await seen(runtime)


async def test_a_row_from_the_future_does_not_carry_the_watermark_with_it(
    make_runtime: MakeRuntime, purchases: None, records: Records
) -> None:
    sweep = order_sweep(records)
    runtime = sweeping(make_runtime, sweep)
    now = datetime.now(UTC)
    await buy(runtime, "future", now + timedelta(days=400))
    await run_sweep(runtime, "main", sweep)
    await buy(runtime, "today", now + timedelta(seconds=1))
    await run_sweep(runtime, "main", sweep)
    assert "today" in await seen(runtime)


async def test_a_row_that_cannot_be_processed_is_set_aside_and_replayable(
    make_runtime: MakeRuntime, purchases: None, records: Records
) -> None:
    runtime = sweeping(make_runtime, order_sweep(records))
    records.fails_on = {"0007", "0033"}
    [result] = await backfill(runtime, "main", batch=25)
    assert result.failed == ["0007", "0033"]
    assert await seen(runtime) == [nr for nr in ids(1, 50) if nr not in records.fails_on]
    records.fails_on = set()
    async with runtime.database.transaction("main") as session:
        letters = (await session.execute(dead_letters("main"))).scalars().all()
        assert {letter.last_error for letter in letters} == {
            "ValueError: row 0007 cannot be read",
            "ValueError: row 0033 cannot be read",
        }
        for letter in letters:
            await replay(session, "main", letter.id)
    await Runner(runtime).drain("main")
    assert await seen(runtime) == ids(1, 50)


async def test_a_sweep_that_fails_throughout_stops_and_keeps_its_place(
    make_runtime: MakeRuntime, purchases: None, records: Records
) -> None:
    runtime = sweeping(make_runtime, order_sweep(records))
    records.fails_on = set(ids(1, 50))
    with pytest.raises(ValueError, match="cannot be read"):
        await backfill(runtime, "main", batch=50)
    assert await rows(runtime, "SELECT count(*) FROM adplanning.work_item") == [(0,)]
    records.fails_on = set()
    await backfill(runtime, "main", batch=50)
    assert await seen(runtime) == ids(1, 50)


async def test_sweeps_run_after_those_they_wait_for(make_runtime: MakeRuntime, purchases: None) -> None:
    order: list[str] = []

    def named(name: str, *after: str) -> Sweep:
        async def process(context: SweepContext, found: Sequence[str]) -> int:
            assert context.is_backfill
            order.append(name)
            return 0

        return Sweep(id=name, entity="order", process=process, order_by=("placed_at", "id"), after=after)

    runtime = sweeping(make_runtime, named("credit", "conversions"), named("conversions", "visits"), named("visits"))
    await backfill(runtime, "main")
    assert order == ["visits", "conversions", "credit"]
    with pytest.raises(ConfigurationError, match="a → b → a"):
        make_runtime(sweeps=[named("a", "b"), named("b", "a")])


async def test_a_sweep_finishes_a_backfill_once_and_nothing_else(make_runtime: MakeRuntime, purchases: None) -> None:
    done: list[str] = []

    async def process(context: SweepContext, found: Sequence[str]) -> int:
        done.append("batch")
        return len(found)

    async def finish(context: SweepContext) -> None:
        assert context.is_backfill
        done.append("finished")

    runtime = sweeping(make_runtime, Sweep(id="orders", entity="order", process=process, finish=finish))
    await backfill(runtime, "main", batch=20)
    assert done[-1] == "finished"
    assert done.count("finished") == 1
    done.clear()
    await run_sweep(runtime, "main", runtime.get(Work).sweeps["orders"])
    assert "finished" not in done


async def test_a_sweep_without_a_time_column_names_what_the_link_needs(
    make_runtime: MakeRuntime, purchases: None, records: Records
) -> None:
    sweep = order_sweep(records, order_by=("created_at", "id"))
    with pytest.raises(ConfigurationError, match="'orders' needs created_at of entity 'order'"):
        await run_sweep(sweeping(make_runtime, sweep), "main", sweep)


async def test_the_scheduled_sweep_finds_an_order_that_no_event_told_of(
    make_runtime: MakeRuntime, purchases: None, records: Records
) -> None:
    runtime = sweeping(make_runtime, order_sweep(records))
    await buy(runtime, "untold", datetime.now(UTC) - timedelta(minutes=2))
    await Scheduler(runtime).tick()
    await Runner(runtime).drain("main")
    assert await seen(runtime) == ["untold"]  # the past before yesterday is for the backfill
