"""Workflows: one transaction where the database is all they touch, recorded and undone step by step where it is not."""

from __future__ import annotations

from typing import Any

import pytest

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.events import Delivery
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.workflows import Done, Run, StepContext, WorkflowHook, start, step, workflow

from .conftest import MakeRuntime, leave_effect, rows

RUNS = "SELECT status, output, error FROM adplanning.workflow_run"
EFFECTS = "SELECT name FROM public.effect ORDER BY n"


@step
async def write(ctx: StepContext, name: str) -> dict[str, str]:
    await leave_effect(ctx.session, ctx.tenant_id, name)
    return {"written": name}


@step
async def reserve(ctx: StepContext, name: str) -> Done:
    await leave_effect(ctx.session, ctx.tenant_id, f"reserve {name}")
    return Done(output=name.upper(), undo={"name": name})


@reserve.undo
async def unreserve(ctx: StepContext, data: dict[str, str]) -> None:
    await leave_effect(ctx.session, ctx.tenant_id, f"release {data['name']}")


async def begin(runtime: Runtime, name: str, given: Any, key: str | None = None) -> str:
    async with runtime.database.transaction("main") as session:
        return await start(runtime, session, "main", name, given, key)


async def make_due(runtime: Runtime) -> None:
    await rows(runtime, "UPDATE adplanning.work_item SET due_at = now() WHERE status = 'pending' RETURNING 1")


@workflow("record", hooks=("recorded",))
async def record(run: Run, given: dict[str, Any]) -> dict[str, Any]:
    first = await run(write, given["name"])
    await run.hook("recorded", {"name": given["name"]})
    if given.get("fails"):
        raise ValueError("the last step fails")
    return first


async def test_a_database_only_workflow_is_recorded_and_runs_once_a_key(
    make_runtime: MakeRuntime, effects: None
) -> None:
    runtime = make_runtime(workflows=[record])
    first = await begin(runtime, "record", {"name": "a"}, "order-1")
    assert await begin(runtime, "record", {"name": "a"}, "order-1") == first
    assert await rows(runtime, EFFECTS) == [("a",)]
    assert await rows(runtime, RUNS) == [("done", {"value": {"written": "a"}}, None)]


async def test_the_undoing_of_a_database_only_workflow_is_the_rollback(
    make_runtime: MakeRuntime, effects: None
) -> None:
    runtime = make_runtime(workflows=[record])
    with pytest.raises(ValueError, match="last step"):
        await begin(runtime, "record", {"name": "a", "fails": True})
    assert await rows(runtime, EFFECTS) == []
    assert await rows(runtime, RUNS) == []


async def test_hooks_run_after_the_commit_unless_they_touch_the_database_only(
    make_runtime: MakeRuntime, effects: None
) -> None:
    async def within(delivery: Delivery, payload: dict[str, Any]) -> None:
        await leave_effect(delivery.session, delivery.tenant_id, f"within {payload['name']}")

    async def after(delivery: Delivery, payload: dict[str, Any]) -> None:
        await leave_effect(delivery.session, delivery.tenant_id, f"after {payload['name']}")

    hooks = [
        WorkflowHook(id="within", workflow="record", point="recorded", run=within, database_only=True),
        WorkflowHook(id="after", workflow="record", point="recorded", run=after),
    ]
    runtime = make_runtime(workflows=[record], workflow_hooks=hooks)
    await begin(runtime, "record", {"name": "a"})
    assert await rows(runtime, EFFECTS) == [("a",), ("within a",)]
    await Runner(runtime).drain("main")
    assert await rows(runtime, EFFECTS) == [("a",), ("within a",), ("after a",)]


def test_a_hook_at_a_point_that_does_not_exist_names_those_that_do(make_runtime: MakeRuntime) -> None:
    async def never(delivery: Delivery, payload: dict[str, Any]) -> None:
        """Is not reached."""

    hook = WorkflowHook(id="typo", workflow="record", point="recordd", run=never)
    with pytest.raises(ConfigurationError, match=r"'recordd' of 'record', which has: recorded"):
        make_runtime(workflows=[record], workflow_hooks=[hook])


async def test_an_outside_step_in_a_workflow_that_is_not_durable_is_refused(make_runtime: MakeRuntime) -> None:
    @step(outside=True)
    async def call(ctx: StepContext) -> None:
        """Is not reached."""

    @workflow("careless")
    async def careless(run: Run, given: dict[str, Any]) -> None:
        await run(call)

    runtime = make_runtime(workflows=[careless])
    with pytest.raises(ConfigurationError, match="durable=True"):
        await begin(runtime, "careless", {})


async def test_a_failed_outside_step_is_tried_again_without_repeating_the_steps_before_it(
    make_runtime: MakeRuntime, effects: None
) -> None:
    calls: list[tuple[int, str]] = []

    @step(outside=True, retries=3)
    async def call(ctx: StepContext, what: str) -> str:
        calls.append((ctx.attempt, ctx.idempotency_key))
        if ctx.attempt < 3:
            raise ConnectionError("the other side is down")
        return f"sent {what}"

    @workflow("send", durable=True)
    async def send(run: Run, given: dict[str, Any]) -> str:
        reserved = await run(reserve, given["name"])
        sent = await run(call, reserved)
        await run(write, sent)
        return sent

    runtime = make_runtime(workflows=[send])
    run_id = await begin(runtime, "send", {"name": "a"})
    assert await rows(runtime, RUNS) == [("running", None, None)]
    for _ in range(4):
        await Runner(runtime).drain("main")
        await make_due(runtime)
    assert calls == [(attempt, f"{run_id}:2") for attempt in (1, 2, 3)]
    assert await rows(runtime, EFFECTS) == [("reserve a",), ("sent A",)]
    assert await rows(runtime, RUNS) == [("done", {"value": "sent A"}, None)]


async def test_a_step_that_fails_for_good_undoes_what_was_done_backwards(
    make_runtime: MakeRuntime, effects: None
) -> None:
    undo_fails = [True]

    @step(outside=True)
    async def book(ctx: StepContext) -> Done:
        return Done(output="booked", undo="booking 1")

    @book.undo
    async def unbook(ctx: StepContext, data: str) -> None:
        if undo_fails.pop() if undo_fails else False:
            raise ConnectionError("try again")
        async with ctx.runtime.database.transaction(ctx.tenant_id) as session:
            await leave_effect(session, ctx.tenant_id, f"cancel {data}")

    @step(outside=True, retries=2)
    async def never(ctx: StepContext) -> None:
        raise ConnectionError("the other side is down for good")

    @workflow("trip", durable=True)
    async def trip(run: Run, given: dict[str, Any]) -> None:
        await run(reserve, "first")
        await run(book)
        await run(reserve, "second")
        try:
            await run(never)
        except Exception:  # noqa: BLE001 - a workflow that swallows everything cannot stop the undoing
            await run(write, "swallowed")

    runtime = make_runtime(workflows=[trip])
    await begin(runtime, "trip", {})
    for _ in range(5):
        await Runner(runtime).drain("main")
        await make_due(runtime)
    assert await rows(runtime, EFFECTS) == [
        ("reserve first",),
        ("reserve second",),
        ("release second",),
        ("cancel booking 1",),
        ("release first",),
    ]
    [(status, _, error)] = await rows(runtime, RUNS)
    assert status == "compensated"
    assert error == "Step 'never': ConnectionError: the other side is down for good"


async def test_a_run_that_finds_another_step_than_it_recorded_says_so(make_runtime: MakeRuntime, effects: None) -> None:
    @step(outside=True, retries=1)
    async def stops(ctx: StepContext) -> None:
        raise ConnectionError("down")

    order = ["reserve", "stops"]

    @workflow("changed", durable=True)
    async def changed(run: Run, given: dict[str, Any]) -> None:
        for name in order:
            await run({"reserve": lambda: reserve, "write": lambda: write, "stops": lambda: stops}[name](), "x") if (
                name != "stops"
            ) else await run(flaky)

    attempts: list[int] = []

    @step(outside=True, retries=5)
    async def flaky(ctx: StepContext) -> None:
        attempts.append(ctx.attempt)
        raise ConnectionError("down")

    runtime = make_runtime(workflows=[changed])
    await begin(runtime, "changed", {})
    await Runner(runtime).drain("main")
    assert attempts == [1]
    order[0] = "write"
    await make_due(runtime)
    await Runner(runtime).drain("main")
    [(_, _, error)] = await rows(runtime, RUNS)
    assert "recorded step 'reserve' at position 1, where the workflow now has 'write'" in error


async def test_durable_hooks_are_told_once_however_often_the_run_is_replayed(
    make_runtime: MakeRuntime, effects: None
) -> None:
    async def after(delivery: Delivery, payload: dict[str, Any]) -> None:
        await leave_effect(delivery.session, delivery.tenant_id, f"after {payload['name']}")

    @step(outside=True)
    async def flaky(ctx: StepContext) -> str:
        if ctx.attempt < 3:
            raise ConnectionError("down")
        return "up"

    @workflow("told", durable=True, hooks=("begun",))
    async def told(run: Run, given: dict[str, Any]) -> str:
        await run.hook("begun", {"name": "a"})
        return await run(flaky)

    hook = WorkflowHook(id="after", workflow="told", point="begun", run=after)
    runtime = make_runtime(workflows=[told], workflow_hooks=[hook])
    await begin(runtime, "told", {})
    for _ in range(4):
        await Runner(runtime).drain("main")
        await make_due(runtime)
    assert await rows(runtime, EFFECTS) == [("after a",)]
    assert await rows(runtime, RUNS) == [("done", {"value": "up"}, None)]
