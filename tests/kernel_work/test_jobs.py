"""Slots: computed in the job's zone, taken once by any number of schedulers, made up for by policy."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adplanning_plugin.kernel.errors import ConfigurationError, Invalid, NotFound
from adplanning_plugin.kernel.jobs import SYSTEM_TENANT, Cron, Every, Job, JobContext, run_job_now
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.scheduler import Scheduler

from .conftest import MakeRuntime, Registers, build_runtime, leave_effect, rows

NIGHT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


async def note_slot(context: JobContext) -> None:
    async with context.transaction() as session:
        await leave_effect(session, context.tenant_id, context.slot.astimezone(UTC).isoformat())


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("expression", "zone", "after", "until", "slots"),
    [
        # Berlin, 29 March 2026: 02:00 becomes 03:00, so 02:30 runs right after the gap, and once.
        ("30 2 * * *", "Europe/Berlin", utc(2026, 3, 28, 12), utc(2026, 3, 30, 12), [(29, 1, 0), (30, 0, 30)]),
        # Berlin, 25 October 2026: 03:00 becomes 02:00 again, so 02:30 exists twice, and runs once.
        ("30 2 * * *", "Europe/Berlin", utc(2026, 10, 24, 12), utc(2026, 10, 26, 12), [(25, 0, 30), (26, 1, 30)]),
        # Kolkata has no daylight saving and is half an hour off.
        ("0 2 * * *", "Asia/Kolkata", utc(2026, 3, 28, 12), utc(2026, 3, 30, 12), [(28, 20, 30), (29, 20, 30)]),
        # Every hour stays every hour of real time, also across the doubled one.
        ("0 * * * *", "Europe/Berlin", utc(2026, 10, 24, 23), utc(2026, 10, 25, 3), [(25, h, 0) for h in range(4)]),
    ],
)
def test_slots_follow_the_zone_across_daylight_saving(
    expression: str, zone: str, after: datetime, until: datetime, slots: list[tuple[int, int, int]]
) -> None:
    found = Cron(expression).between(after, until, zone, most=100)
    assert [(slot.day, slot.hour, slot.minute) for slot in found if slot > after] == [
        slot for slot in slots if slot != (after.day, after.hour, after.minute)
    ]
    assert Cron(expression).latest(until, zone) == found[-1]


def test_the_latest_slot_in_a_doubled_hour_is_its_first_pass() -> None:
    second_pass = utc(2026, 10, 25, 1, 45)  # 02:45 for the second time
    assert Cron("30 2 * * *").latest(second_pass, "Europe/Berlin") == utc(2026, 10, 25, 0, 30)


@pytest.mark.parametrize("wrong", ["61 * * * *", "* * * *", "every day", "* * * * * *"])
def test_a_schedule_that_cannot_be_read_is_refused_at_start(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="Cron"):
        Cron(wrong)


def test_an_interval_below_a_minute_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="60 or more"):
        Every(seconds=5)


async def test_three_schedulers_run_each_tenants_slot_once_in_its_own_zone(database_url: str, effects: None) -> None:
    plugin = Registers(jobs=[Job(name="nightly", schedule=Cron("0 2 * * *"), run=note_slot)])
    runtimes = [build_runtime(database_url, plugin) for _ in range(3)]
    schedulers = [Scheduler(runtime) for runtime in runtimes]
    for day in range(4):
        moment = NIGHT + timedelta(days=day)
        await asyncio.gather(*(scheduler.tick(moment) for scheduler in schedulers))
    await Runner(runtimes[0]).drain()
    found = await rows(runtimes[0], "SELECT tenant, name FROM public.effect ORDER BY 1, 2")
    berlin = [("main", f"2026-05-0{day}T00:00:00+00:00") for day in (5, 6, 7)]
    kolkata = [("second", f"2026-05-0{day}T20:30:00+00:00") for day in (4, 5, 6)]
    assert found == berlin + kolkata
    for runtime in runtimes:
        await runtime.database.close()


@pytest.mark.parametrize(("policy", "days"), [("once", [9]), ("skip", []), ("all", [5, 6, 7, 8, 9])])
async def test_missed_slots_follow_the_catch_up_policy(
    make_runtime: MakeRuntime, effects: None, policy: Any, days: list[int]
) -> None:
    job = Job(name="nightly", schedule=Cron("0 2 * * *"), run=note_slot, zone="UTC", catch_up=policy)
    runtime = make_runtime(jobs=[job])
    assert await Scheduler(runtime).tick(NIGHT) == 0  # a schedule begins: nothing has been missed
    later = Scheduler(runtime)  # the one before has been away for five days
    await later.tick(NIGHT + timedelta(days=5))
    await later.tick(NIGHT + timedelta(days=5, minutes=1))
    await Runner(runtime).drain("main")
    found = await rows(runtime, "SELECT name FROM public.effect ORDER BY 1")
    assert found == [(f"2026-05-0{day}T02:00:00+00:00",) for day in days]


async def test_an_intervals_runs_do_not_pile_up_behind_one_that_is_not_finished(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(jobs=[Job(name="often", schedule=Every(seconds=60), run=note_slot)])
    scheduler = Scheduler(runtime)
    for minute in range(5):
        await scheduler.tick(NIGHT + timedelta(minutes=minute))
    assert await rows(runtime, "SELECT count(*) FROM adplanning.work_item") == [(1,)]


async def test_a_job_asked_for_now_shows_its_progress(make_runtime: MakeRuntime) -> None:
    async def counts(context: JobContext) -> None:
        assert context.payload == {"since": "2026-01-01"}
        await context.progress(3, 3)

    runtime = make_runtime(jobs=[Job(name="resolve", schedule=Cron("0 2 * * *"), run=counts)])
    async with runtime.database.transaction("main") as session:
        item = await run_job_now(session, runtime, "main", "resolve", {"since": "2026-01-01"})
    await Runner(runtime).drain("main")
    found = await rows(runtime, "SELECT id, status, progress FROM adplanning.work_item")
    assert found == [(item, "done", {"done": 3, "total": 3})]


async def test_a_job_without_its_tenant_is_refused(make_runtime: MakeRuntime) -> None:
    system = Job(name="lists", schedule=Every(seconds=3600), run=note_slot, system=True)
    runtime = make_runtime(jobs=[Job(name="nightly", schedule=Cron("0 2 * * *"), run=note_slot), system])
    async with runtime.database.transaction("main") as session:
        for tenant, name in (("", "nightly"), (SYSTEM_TENANT, "nightly"), ("main", "lists")):
            with pytest.raises(Invalid):
                await run_job_now(session, runtime, tenant, name)
        with pytest.raises(NotFound, match="nightly"):
            await run_job_now(session, runtime, "main", "unknown")


async def test_a_system_job_runs_once_an_installation_and_sees_no_tenants_rows(make_runtime: MakeRuntime) -> None:
    seen: list[int] = []

    async def looks(context: JobContext) -> None:
        async with context.transaction() as session:
            from sqlalchemy import text

            statement = text("SELECT count(*) FROM adplanning.work_item WHERE tenant_id IN ('main', 'second')")
            seen.append((await session.execute(statement)).scalar_one())

    runtime = make_runtime(
        jobs=[
            Job(name="nightly", schedule=Every(seconds=3600), run=note_slot),
            Job(name="lists", schedule=Every(seconds=3600), run=looks, system=True),
        ]
    )
    assert await Scheduler(runtime).tick(NIGHT) == 3
    await Runner(runtime).drain(SYSTEM_TENANT)
    assert seen == [0]


async def test_a_run_whose_lease_was_lost_cannot_commit(make_runtime: MakeRuntime, effects: None) -> None:
    async def loses(context: JobContext) -> None:
        await rows(context.runtime, "UPDATE adplanning.work_item SET attempt = attempt + 1 RETURNING 1")
        await note_slot(context)

    runtime = make_runtime(jobs=[Job(name="loses", schedule=Every(seconds=3600), run=loses)])
    await Scheduler(runtime).tick(NIGHT)
    await Runner(runtime).drain("main")
    assert await rows(runtime, "SELECT count(*) FROM public.effect") == [(0,)]
