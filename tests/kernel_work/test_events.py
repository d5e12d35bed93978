"""Telling of a change and delivering it: all or nothing, effectively once, retried, dead, replayed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from taskiq import InMemoryBroker

from adplanning_plugin.hookspecs import hookimpl
from adplanning_plugin.kernel import queue as queue_statements
from adplanning_plugin.kernel.broker import Waker
from adplanning_plugin.kernel.errors import ConfigurationError, Conflict, NotFound
from adplanning_plugin.kernel.events import Delivery, Event, Retry, Subscription, publish
from adplanning_plugin.kernel.queue import claim, dead_letters, fail, finish, purge, release, replay
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.work import Work

from .conftest import MakeRuntime, Registers, build_runtime, leave_effect, rows, wait_for_rows

COUNTS = (
    "SELECT (SELECT count(*) FROM adplanning.outbox_event), (SELECT count(*) FROM adplanning.work_item),"
    " (SELECT count(*) FROM adplanning.wakeup)"
)


async def note(delivery: Delivery, event: Event) -> None:
    await leave_effect(delivery.session, delivery.tenant_id, str(event.data["order_id"]))


async def tell(
    runtime: Runtime, order_id: str, tenant: str = "main", name: str = "order.placed", **more: str
) -> str | None:
    async with runtime.database.transaction(tenant) as session:
        return await publish(session, runtime, tenant, name, {"order_id": order_id}, **more)  # type: ignore[arg-type]


async def make_due(runtime: Runtime) -> None:
    """Move every retry to now, as if its backoff had passed."""
    await rows(runtime, "UPDATE adplanning.work_item SET due_at = now() WHERE status = 'pending' RETURNING 1")


async def test_an_event_of_a_rolled_back_transaction_was_never_told(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(subscribers=[Subscription(id="note", events=("order.*",), handle=note)])

    async def fail_after_telling() -> None:
        async with runtime.database.transaction("main") as session:
            await publish(session, runtime, "main", "order.placed", {"order_id": "1"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_telling()
    assert await rows(runtime, COUNTS) == [(0, 0, 0)]


async def test_each_matching_subscriber_gets_the_event_and_the_others_nothing(
    make_runtime: MakeRuntime, effects: None
) -> None:
    seen: list[tuple[str, str]] = []

    def listener(name: str) -> Subscription:
        async def handle(delivery: Delivery, event: Event) -> None:
            seen.append((name, event.name))

        patterns = {"exact": ("order.placed",), "family": ("order.*",), "other": ("lead.created",), "all": ("*",)}
        return Subscription(id=name, events=patterns[name], handle=handle)

    runtime = make_runtime(subscribers=[listener(name) for name in ("exact", "family", "other", "all")])
    await tell(runtime, "1")
    await tell(runtime, "1", name="order.paid")
    await tell(runtime, "1", name="orders.placed")
    await Runner(runtime).drain("main")
    assert sorted(seen) == [
        ("all", "order.paid"),
        ("all", "order.placed"),
        ("all", "orders.placed"),
        ("exact", "order.placed"),
        ("family", "order.paid"),
        ("family", "order.placed"),
    ]


async def test_an_event_id_that_was_told_before_is_a_no_op(make_runtime: MakeRuntime, effects: None) -> None:
    runtime = make_runtime(subscribers=[Subscription(id="note", events=("order.*",), handle=note)])
    assert await tell(runtime, "1", event_id="host-77") == "host-77"
    assert await tell(runtime, "1", event_id="host-77") is None
    assert await tell(runtime, "2", tenant="second", event_id="host-77") == "host-77"
    await Runner(runtime).drain()
    assert await rows(runtime, "SELECT tenant, name FROM public.effect ORDER BY 1") == [("main", "1"), ("second", "2")]


async def test_publishing_on_the_hosts_session_puts_its_own_tenant_setting_back(
    make_runtime: MakeRuntime, database_url: str
) -> None:
    runtime = make_runtime(subscribers=[Subscription(id="note", events=("order.*",), handle=note)])
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with AsyncSession(engine) as session, session.begin():
        await session.execute(text("SET LOCAL app.tenant_id = 'host''s own'"))
        told = await publish(session, runtime, "main", "order.placed", {"order_id": "1"})
        assert (await session.execute(text("SELECT current_setting('app.tenant_id')"))).scalar_one() == "host's own"
    await engine.dispose()
    assert await rows(runtime, "SELECT id FROM adplanning.outbox_event") == [(told,)]


async def test_two_workers_on_the_same_events_have_each_effect_once(database_url: str, effects: None) -> None:
    both_at_work = [asyncio.Event(), asyncio.Event()]

    def plugin(worker: int) -> Registers:
        async def handle(delivery: Delivery, event: Event) -> None:
            both_at_work[worker].set()
            await both_at_work[1 - worker].wait()  # neither has done it all before the other has begun
            await note(delivery, event)

        return Registers(subscribers=[Subscription(id="note", events=("order.*",), handle=handle)])

    runtimes = [build_runtime(database_url, plugin(worker)) for worker in range(2)]
    runners = [Runner(runtime) for runtime in runtimes]
    for runner in runners:
        await runner.start()

    async def some(first: int, tenant: str) -> None:
        for order in range(first, first + 100):
            await tell(runtimes[0], str(order), tenant=tenant)

    await asyncio.gather(some(0, "main"), some(100, "main"), some(200, "second"))
    await wait_for_rows(runtimes[0], "SELECT 1 FROM public.effect HAVING count(*) = 300")
    for runner in runners:
        await runner.stop()
    assert await rows(runtimes[0], "SELECT count(*), count(DISTINCT name) FROM public.effect") == [(300, 300)]
    assert all(runner.delivered for runner in runners)
    for runtime in runtimes:
        await runtime.database.close()


async def test_a_lease_that_was_lost_commits_nothing(make_runtime: MakeRuntime, effects: None) -> None:
    entered, may_end = asyncio.Event(), asyncio.Event()

    async def slow_once(delivery: Delivery, event: Event) -> None:
        await note(delivery, event)
        if delivery.attempt == 1:
            entered.set()
            await may_end.wait()

    runtime = make_runtime(subscribers=[Subscription(id="slow", events=("order.*",), handle=slow_once)])
    first = Runner(runtime)
    await first.start()
    await tell(runtime, "1")
    await asyncio.wait_for(entered.wait(), 10)
    await make_due(runtime)  # as if the lease had run out while this process was frozen
    async with runtime.database.transaction("main") as session:
        [taken] = await claim(session, "main", "events", 10, 10)
    async with runtime.database.transaction("main") as session:
        await leave_effect(session, "main", "by the second worker")
        await finish(session, taken)
    may_end.set()
    await first.stop()
    assert await rows(runtime, "SELECT name FROM public.effect") == [("by the second worker",)]


async def test_only_the_subscriber_that_failed_is_tried_again_and_what_keeps_failing_is_a_dead_letter(
    make_runtime: MakeRuntime, effects: None
) -> None:
    async def lacking(delivery: Delivery, event: Event) -> None:
        await leave_effect(delivery.session, delivery.tenant_id, "half done")
        raise Retry(f"Order {event.data['order_id']} is not there yet.")

    runtime = make_runtime(
        subscribers=[
            Subscription(id="note", events=("order.*",), handle=note),
            Subscription(id="lacking", events=("order.*",), handle=lacking, max_attempts=3),
        ]
    )
    await tell(runtime, "1234567890123")
    for _ in range(5):
        await Runner(runtime).drain("main")
        await make_due(runtime)
    assert await rows(runtime, "SELECT name FROM public.effect") == [("1234567890123",)]
    found = await rows(
        runtime, "SELECT kind, status, attempt, last_error FROM adplanning.work_item WHERE status <> 'done'"
    )
    assert found == [("event:lacking", "dead", 3, "Order 1234567890123 is not there yet.")]


async def test_a_replayed_dead_letter_is_delivered_and_another_tenants_is_not_found(
    make_runtime: MakeRuntime, effects: None
) -> None:
    is_there = False

    async def waits(delivery: Delivery, event: Event) -> None:
        if not is_there:
            raise Retry("Order 1 is not there yet.")
        await note(delivery, event)

    runtime = make_runtime(subscribers=[Subscription(id="waits", events=("order.*",), handle=waits, max_attempts=1)])
    await tell(runtime, "1")
    await Runner(runtime).drain("main")
    async with runtime.database.transaction("main") as session:
        letter = (await session.execute(dead_letters("main"))).scalar_one()
    async with runtime.database.transaction("second") as session:
        with pytest.raises(NotFound):
            await replay(session, "second", letter.id)
    is_there = True
    async with runtime.database.transaction("main") as session:
        await replay(session, "main", letter.id, runtime=runtime)
    await Runner(runtime).drain("main")
    assert await rows(runtime, "SELECT name FROM public.effect") == [("1",)]
    async with runtime.database.transaction("main") as session:
        with pytest.raises(Conflict):
            await replay(session, "main", letter.id)


async def test_one_failing_event_of_a_burst_holds_up_none_of_the_others(
    make_runtime: MakeRuntime, effects: None
) -> None:
    async def picky(delivery: Delivery, event: Event) -> None:
        await note(delivery, event)
        if event.data["order_id"] == "7":
            raise ValueError("seven, of jane.doe@example.com, +49 170 1234567")

    runtime = make_runtime(subscribers=[Subscription(id="picky", events=("order.*",), handle=picky)])
    for order in range(20):
        await tell(runtime, str(order))
    await Runner(runtime).drain("main")
    done = await rows(runtime, "SELECT name FROM public.effect")
    assert sorted(int(name) for (name,) in done) == [order for order in range(20) if order != 7]
    [(error,)] = await rows(runtime, "SELECT last_error FROM adplanning.work_item WHERE last_error IS NOT NULL")
    assert error.startswith("ValueError: seven")
    assert "jane" not in error
    assert "1234567" not in error


async def test_a_set_wise_subscriber_gets_a_burst_in_few_calls_one_at_a_time(
    make_runtime: MakeRuntime, effects: None
) -> None:
    calls: list[int] = []
    under_way = 0

    async def together(delivery: Delivery, events: Sequence[Event]) -> None:
        nonlocal under_way
        under_way += 1
        assert under_way == 1, "two deliveries to one subscriber of one store"
        calls.append(len(events))
        for event in events:
            await note(delivery, event)
        under_way -= 1

    runtime = make_runtime(subscribers=[Subscription(id="note", events=("order.*",), handle=note, together=together)])
    for number in range(24):
        await tell(runtime, str(number))
    await Runner(runtime, concurrency=4).drain("main")
    found = await rows(runtime, "SELECT name FROM public.effect")
    assert sorted(int(row[0]) for row in found) == list(range(24))
    assert len(calls) <= 4


async def test_a_statement_that_fails_leaves_its_parameters_out_of_the_error(make_runtime: MakeRuntime) -> None:
    async def breaks(delivery: Delivery, event: Event) -> None:
        await delivery.session.execute(text("SELECT CAST(:x AS integer) / 0, :y"), {"x": 1, "y": "secret value"})

    runtime = make_runtime(subscribers=[Subscription(id="breaks", events=("order.*",), handle=breaks)])
    await tell(runtime, "1")
    await Runner(runtime).drain("main")
    [(error,)] = await rows(runtime, "SELECT last_error FROM adplanning.work_item")
    assert "division by zero" in error
    assert "secret value" not in error


async def test_work_given_back_at_the_end_counts_no_attempt_and_is_due_at_once(
    make_runtime: MakeRuntime, effects: None
) -> None:
    entered = asyncio.Event()

    async def endless(delivery: Delivery, event: Event) -> None:
        await note(delivery, event)
        entered.set()
        await asyncio.sleep(3600)

    runtime = make_runtime(subscribers=[Subscription(id="endless", events=("order.*",), handle=endless)])
    runner = Runner(runtime)
    await runner.start()
    await tell(runtime, "1")
    await asyncio.wait_for(entered.wait(), 10)
    await runner.stop(grace=0.1)
    state = "SELECT attempt, status, due_at <= now() FROM adplanning.work_item"
    assert await rows(runtime, state) == [(0, "pending", True)]
    assert await rows(runtime, "SELECT count(*) FROM public.effect") == [(0,)]
    assert (await rows(runtime, "SELECT count(*) FROM adplanning.wakeup WHERE due_at <= now()"))[0][0] >= 1


async def test_several_pieces_given_back_are_due_at_once_but_for_those_that_another_worker_has(
    make_runtime: MakeRuntime,
) -> None:
    runtime = make_runtime(
        subscribers=[
            Subscription(id="note", events=("order.*",), handle=note),
            Subscription(id="apart", events=("order.*",), handle=note, queue="apart"),
        ]
    )
    for order in range(3):
        await tell(runtime, str(order))
    async with runtime.database.transaction("main") as session:
        mine = [item for queue in ("events", "apart") for item in await claim(session, "main", queue, 9, 60.0)]
    assert len(mine) == 6
    lost = mine[0]
    again = "UPDATE adplanning.work_item SET attempt = 2 WHERE id = :id RETURNING 1"
    assert await rows(runtime, again, id=lost.id) == [(1,)]
    async with runtime.database.transaction("main") as session:
        await release(session, mine)
    state = "SELECT attempt, lease_until IS NULL, due_at <= now() FROM adplanning.work_item WHERE id = :id"
    assert await rows(runtime, state, id=lost.id) == [(2, False, False)]
    for item in mine[1:]:
        assert await rows(runtime, state, id=item.id) == [(0, True, True)]
    due = "SELECT DISTINCT queue FROM adplanning.wakeup WHERE due_at <= now() ORDER BY queue"
    assert await rows(runtime, due) == [("apart",), ("events",)]


async def test_what_was_claimed_ahead_of_slow_work_goes_to_another_worker(database_url: str, effects: None) -> None:
    """The first worker has leased everything, and is held up by the first piece."""
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(delivery: Delivery, event: Event) -> None:
        await note(delivery, event)
        entered.set()
        await go_on.wait()

    def worker() -> Runtime:
        subscribers = [
            Subscription(id="slow", events=("order.*",), handle=slow),
            Subscription(id="note", events=("lead.*",), handle=note),
        ]
        often = {"heartbeat_seconds": 0.3, "beat_seconds": 0.3}
        return build_runtime(database_url, Registers(subscribers=subscribers), concurrency=1, **often)

    held_up, free = worker(), worker()
    await tell(held_up, "slow")
    for lead in ("a", "b"):
        await tell(held_up, lead, name="lead.created")
    leased = "SELECT count(*) FROM adplanning.work_item WHERE lease_until IS NOT NULL"
    first, second = Runner(held_up), Runner(free)
    await first.start()
    await asyncio.wait_for(entered.wait(), 10)
    assert await rows(held_up, leased) == [(3,)]
    await second.start()
    sooner_than_a_lease = free.options.work.lease_seconds / 2
    await wait_for_rows(free, "SELECT 1 FROM public.effect HAVING count(*) = 2", sooner_than_a_lease)
    go_on.set()
    await wait_for_rows(free, "SELECT 1 FROM public.effect HAVING count(*) = 3")
    assert await rows(free, "SELECT DISTINCT attempt FROM adplanning.work_item") == [(1,)]
    for runner in (first, second):
        await runner.stop()
    for runtime in (held_up, free):
        await runtime.database.close()


async def test_work_whose_wake_up_was_lost_is_found_by_the_beat(make_runtime: MakeRuntime, effects: None) -> None:
    runtime = make_runtime(
        work={"beat_seconds": 0.2}, subscribers=[Subscription(id="note", events=("order.*",), handle=note)]
    )
    await tell(runtime, "1", tenant="second")
    await rows(runtime, "DELETE FROM adplanning.wakeup RETURNING 1")
    runner = Runner(runtime)
    await runner.start()
    await wait_for_rows(runtime, "SELECT 1 FROM public.effect")
    await runner.stop()


async def test_pending_work_always_has_a_wake_up_no_later_than_itself(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(subscribers=[Subscription(id="note", events=("order.*",), handle=note)])
    covered = (
        "SELECT (SELECT min(due_at) FROM adplanning.wakeup) <= min(due_at) + interval '1 second'"
        " FROM adplanning.work_item WHERE status = 'pending'"
    )
    for order in range(5):
        await tell(runtime, str(order))
    assert await rows(runtime, covered) == [(True,)]
    async with runtime.database.transaction("main") as session:
        taken = await claim(session, "main", "events", 2, 10)
    assert await rows(runtime, covered) == [(True,)]
    async with runtime.database.transaction("main") as session:
        taken += await claim(session, "main", "events", 10, 10)
    assert len(taken) == 5
    assert await rows(runtime, covered) == [(True,)]
    for item in taken[:4]:
        async with runtime.database.transaction("main") as session:
            await finish(session, item)
    assert await rows(runtime, covered) == [(True,)]
    async with runtime.database.transaction("main") as session:
        await fail(session, taken[4], Retry("Not yet."))
    assert await rows(runtime, covered) == [(True,)]


async def test_a_blocking_handler_keeps_its_lease(make_runtime: MakeRuntime, effects: None) -> None:
    import time

    async def blocks(delivery: Delivery, event: Event) -> None:
        await note(delivery, event)
        time.sleep(1.5)  # noqa: ASYNC251 - the mistake that this test is about

    work = {"lease_seconds": 0.8, "heartbeat_seconds": 0.2}
    runtime = make_runtime(work=work, subscribers=[Subscription(id="blocks", events=("order.*",), handle=blocks)])
    await tell(runtime, "1")
    await Runner(runtime).drain("main")
    assert await rows(runtime, "SELECT attempt, status FROM adplanning.work_item") == [(1, "done")]


async def test_claiming_is_quick_beside_many_rows_that_are_not_due(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(subscribers=[Subscription(id="note", events=("order.*",), handle=note)])
    await rows(
        runtime,
        "INSERT INTO adplanning.work_item (tenant_id, id, queue, kind, key, max_attempts, due_at)"
        " SELECT 'main', 'later' || n, 'events', 'event:note', n::text, 8, now() + interval '1 hour'"
        " FROM generate_series(1, 20000) n RETURNING 1",
    )
    await rows(runtime, "SELECT 1")
    await tell(runtime, "1")
    claiming = text(f"EXPLAIN {queue_statements._CLAIM.text}")
    given = {"tenant": "main", "queue": "events", "most": 10, "lease": 10.0}
    async with runtime.database.transaction("main") as session:
        plan = [line.strip() for (line,) in (await session.execute(claiming, given)).all()]
    index_scan = next(number for number, line in enumerate(plan) if "ix_work_item_due" in line)
    assert "due_at <= statement_timestamp()" in plan[index_scan + 1]  # what stops the scan, not a filter over all of it


async def test_purging_keeps_dead_letters_and_their_events(make_runtime: MakeRuntime, effects: None) -> None:
    async def half(delivery: Delivery, event: Event) -> None:
        if event.data["order_id"] == "2":
            raise Retry("Order 2 is not there yet.")

    runtime = make_runtime(subscribers=[Subscription(id="half", events=("order.*",), handle=half, max_attempts=1)])
    await tell(runtime, "1")
    await tell(runtime, "2")
    await Runner(runtime).drain("main")
    await rows(runtime, "UPDATE adplanning.work_item SET done_at = now() - interval '90 days' RETURNING 1")
    await rows(runtime, "UPDATE adplanning.outbox_event SET created_at = now() - interval '90 days' RETURNING 1")
    async with runtime.database.transaction("main") as session:
        assert await purge(session, "main", 30) == 2
    left = (
        "SELECT w.status, o.data->>'order_id' FROM adplanning.work_item w"
        " JOIN adplanning.outbox_event o ON o.id = w.key"
    )
    assert await rows(runtime, left) == [("dead", "2")]


def test_a_subscriber_id_that_is_taken_names_both_owners(database_url: str) -> None:
    plugins = [Registers(subscribers=[Subscription(id="note", events=("a.b",), handle=note)]) for _ in range(2)]
    with pytest.raises(ConfigurationError, match=r"'note' is registered by plugin-0 and by plugin-1"):
        build_runtime(database_url, *plugins)


async def test_a_wake_up_leaves_no_line_in_the_hosts_log_and_the_hosts_own_tasks_keep_theirs(
    make_runtime: MakeRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "taskiq")
    broker = InMemoryBroker(await_inplace=True)

    async def theirs() -> None:
        return None

    host = broker.register_task(theirs, task_name="their.task")

    class Host:
        @hookimpl
        def provide_broker(self) -> InMemoryBroker:
            return broker

    arrived = asyncio.Event()
    runtime = make_runtime()
    runtime.hooks.register(Host())
    waker = Waker(runtime, arrived.set)
    await waker.start()
    runtime.get(Work).nudge()
    await asyncio.wait_for(arrived.wait(), 10)
    await host.kiq()
    await waker.stop()
    told = [record.getMessage() for record in caplog.records if record.name.startswith("taskiq")]
    assert len(told) == 1
    assert "their.task" in told[0]
