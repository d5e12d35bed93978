"""Workflows: steps in order, what undoing them needs, and named points where others may add a step of their own.

Database-only workflows run here, in the caller's transaction, whose rollback is their undoing. Durable ones are started
here and run by the worker.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.events import Delivery, encode_json, tenant_scope
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.jobs import enqueue
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.work import RUNS, Work

RUN_ATTEMPTS = 1_000_000
"""A run is resumed as long as it takes: the attempts that count are those of its steps."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a step returns when undoing it will need something: the output for the run, and the data for `undo`."""

    output: Any = None
    undo: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StepContext:
    """What a step may use; an outside step has no session, so that no transaction waits on the outside."""

    runtime: Runtime
    tenant_id: str
    run_id: str
    idempotency_key: str
    """The same at each attempt of this step of this run: hand it to whoever is called."""
    attempt: int = 1
    open_session: AsyncSession | None = None

    @property
    def session(self) -> AsyncSession:
        """The transaction that also records the step's result."""
        if self.open_session is None:
            raise ConfigurationError("An outside step has no session: read what it needs in a step before it.")
        return self.open_session


StepFunction = Callable[..., Awaitable[Any]]


@dataclass(eq=False, slots=True)
class Step:
    """One thing a workflow does; `outside` steps call other systems and are recorded one by one."""

    name: str
    run: StepFunction
    outside: bool = False
    retries: int = 5
    undo_function: StepFunction | None = None

    def undo(self, function: StepFunction) -> StepFunction:
        """Decorator: `async def function(ctx, data)` takes the step back, given the `undo` of its `Done`."""
        self.undo_function = function
        return function


def step(
    function: StepFunction | None = None, *, outside: bool = False, retries: int = 5
) -> Any:  # Step, or a decorator that makes one
    """Make a step of `async def function(ctx, ...)`, which returns a JSON value or `Done(output, undo)`."""

    def make(inner: StepFunction) -> Step:
        return Step(name=getattr(inner, "__name__", "step"), run=inner, outside=outside, retries=retries)

    return make if function is None else make(function)


class Run(ABC):
    """A run as its function sees it: `await run(step, argument)` and `await run.hook("recorded", {...})`."""

    def __init__(self, runtime: Runtime, tenant_id: str, workflow: Workflow, run_id: str) -> None:
        self.runtime = runtime
        self.tenant_id = tenant_id
        self.workflow = workflow
        self.id = run_id
        self.position = 0

    @abstractmethod
    async def __call__(self, step: Step, *arguments: Any) -> Any:
        """Do one step, or return what it returned when it was done before."""

    @abstractmethod
    async def hook(self, point: str, payload: Mapping[str, Any]) -> None:
        """Run what others have registered at this point: database-only hooks now, the rest after the commit."""

    def next_position(self) -> int:
        """Count the steps, in the order of the function."""
        self.position += 1
        return self.position

    async def run_hooks(self, session: AsyncSession, position: int, point: str, payload: Mapping[str, Any]) -> None:
        """Database-only hooks in this transaction; each other one as work of its own, delivered after the commit."""
        if point not in self.workflow.hooks:
            points = ", ".join(self.workflow.hooks) or "none"
            raise ConfigurationError(f"Workflow {self.workflow.name!r} has no hook point {point!r}; it has: {points}.")
        plain: dict[str, Any] = plain_json(payload)
        for hook in self.runtime.get(Work).workflow_hooks.get((self.workflow.name, point), ()):
            if hook.database_only:
                await hook.run(Delivery(runtime=self.runtime, session=session, tenant_id=self.tenant_id), plain)
            else:
                await enqueue(
                    session,
                    self.runtime,
                    self.tenant_id,
                    kind=f"hook:{hook.id}",
                    key=f"{self.id}:{position}",
                    queue=RUNS,
                    payload=plain,
                )


WorkflowFunction = Callable[[Run, Any], Awaitable[Any]]


@dataclass(eq=False, slots=True)
class Workflow:
    """A named workflow and its hook points."""

    name: str
    function: WorkflowFunction
    hooks: tuple[str, ...] = ()
    durable: bool = False
    input_type: Any = field(default=dict[str, Any])


def workflow(
    name: str, *, hooks: tuple[str, ...] = (), durable: bool = False, input_type: Any = dict[str, Any]
) -> Callable[[WorkflowFunction], Workflow]:
    """Make a workflow of `async def function(run, input)`; one with an outside step is `durable=True`.

    A durable function is replayed after a crash, so it does nothing but call steps and decide by what they returned.
    """

    def make(function: WorkflowFunction) -> Workflow:
        return Workflow(name=name, function=function, hooks=hooks, durable=durable, input_type=input_type)

    return make


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowHook:
    """A step that someone else adds at a workflow's hook point; after the commit unless it is database-only."""

    id: str
    workflow: str
    point: str
    run: Callable[[Delivery, dict[str, Any]], Awaitable[None]]
    database_only: bool = False


class InlineRun(Run):
    """A database-only run inside the caller's transaction."""

    def __init__(
        self, runtime: Runtime, session: AsyncSession, tenant_id: str, workflow: Workflow, run_id: str
    ) -> None:
        super().__init__(runtime, tenant_id, workflow, run_id)
        self._session = session

    async def __call__(self, step: Step, *arguments: Any) -> Any:
        """Do one step now."""
        position = self.next_position()
        if step.outside:
            raise ConfigurationError(
                f"Step {step.name!r} of workflow {self.workflow.name!r} calls the outside: "
                "declare the workflow with durable=True, so that its results are recorded."
            )
        context = StepContext(
            runtime=self.runtime,
            tenant_id=self.tenant_id,
            run_id=self.id,
            idempotency_key=f"{self.id}:{position}",
            open_session=self._session,
        )
        result = await step.run(context, *arguments)
        return result.output if isinstance(result, Done) else result

    async def hook(self, point: str, payload: Mapping[str, Any]) -> None:
        """Run or enqueue what is registered at this point."""
        await self.run_hooks(self._session, self.next_position(), point, payload)


_BEGIN = text(
    """
    INSERT INTO adplanning.workflow_run (tenant_id, id, workflow, key, status, input)
    VALUES (:tenant, :id, :workflow, :key, 'running', CAST(:input AS jsonb))
    ON CONFLICT (tenant_id, workflow, key) DO NOTHING RETURNING id
    """
)
_EXISTING = text(
    "SELECT id FROM adplanning.workflow_run WHERE tenant_id = :tenant AND workflow = :workflow AND key = :key"
)
_END = text(
    "UPDATE adplanning.workflow_run"
    " SET status = 'done', output = CAST(:output AS jsonb), finished_at = clock_timestamp()"
    " WHERE tenant_id = :tenant AND id = :id"
)


async def start(
    runtime: Runtime,
    session: AsyncSession,
    tenant_id: str,
    workflow: str | Workflow,
    input: Any,  # noqa: A002 - the word of the field
    key: str | None = None,
) -> str:
    """Start a run in the caller's transaction; a key that has been used returns that run's id and does nothing.

    A database-only workflow is finished when this returns, and an error of it is the caller's. A durable one is run by
    the worker after the commit.
    """
    definition = runtime.get(Work).workflow(workflow if isinstance(workflow, str) else workflow.name)
    plain = plain_json(input)
    run_id = new_id("run")
    name = {"tenant": tenant_id, "workflow": definition.name, "key": key or run_id}
    async with tenant_scope(session, tenant_id):
        connection = await session.connection()
        begun = await connection.execute(_BEGIN, {**name, "id": run_id, "input": encode_json({"value": plain})})
        if begun.first() is None:
            return cast("str", (await connection.execute(_EXISTING, name)).scalar_one())
        if definition.durable:
            await enqueue(
                session,
                runtime,
                tenant_id,
                kind=f"run:{definition.name}",
                key=run_id,
                queue=RUNS,
                payload={},
                max_attempts=RUN_ATTEMPTS,
            )
            return run_id
        run = InlineRun(runtime, session, tenant_id, definition, run_id)
        output = await definition.function(run, msgspec.convert(plain, definition.input_type))
        values = {"tenant": tenant_id, "id": run_id, "output": encode_json({"value": plain_json(output)})}
        await connection.execute(_END, values)
    return run_id


def plain_json(value: Any) -> Any:
    """The value as it will be read back from a jsonb column, so that a replay sees what the first pass saw."""
    return msgspec.json.decode(msgspec.json.encode(value))
