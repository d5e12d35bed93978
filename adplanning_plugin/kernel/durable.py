"""Durable runs: a workflow's function is replayed over its steps' recorded results, and goes on where it was cut off.

Each step's result is a row. A step with an outside call is announced before and recorded after, and carries the same
idempotency key at each attempt. When a step has failed for good, what is done is undone backwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.events import encode_json
from adplanning_plugin.kernel.jobs import LeaseLost
from adplanning_plugin.kernel.queue import Claimed, backoff, finish, sentence
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.workflows import Done, Run, Step, StepContext, Workflow, plain_json

UNDO_RETRIES = 8


class StepRetry(Exception):
    """A step failed and has attempts left: the run comes back after `delay` seconds."""

    def __init__(self, said: str, delay: float) -> None:
        super().__init__(said)
        self.delay = delay


class _Left(BaseException):
    """Leaves the workflow's function; no `except Exception` of it may stop that."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class _Failed(_Left):
    """A step has failed for good."""


class _Again(_Left):
    """A step is to be tried later."""

    def __init__(self, said: str, delay: float) -> None:
        super().__init__(said)
        self.delay = delay


async def resume(runtime: Runtime, workflow: Workflow, item: Claimed) -> None:
    """Take a run as far as it goes now, and mark its item done when the run has ended.

    Raises:
        StepRetry: a step is to be tried again later.
        LeaseLost: another worker has the run.
    """
    run = DurableRun(runtime, workflow, item)
    record = await run.load()
    if record is None or record.status in {"done", "compensated", "failed"}:
        await run.close(None, None)
        return
    try:
        given = msgspec.convert(record.input["value"], workflow.input_type)
        output = await workflow.function(run, given)
    except _Failed as failed:
        await run.compensate(failed.said)
        return
    except _Again as again:
        raise StepRetry(again.said, again.delay) from again
    except LeaseLost:
        raise
    except Exception as problem:  # noqa: BLE001 - an error of the function itself: nothing of it would differ next time
        await run.compensate(sentence(problem))
        return
    await run.close("done", None, plain_json(output))


class DurableRun(Run):
    """A run whose steps are rows."""

    def __init__(self, runtime: Runtime, workflow: Workflow, item: Claimed) -> None:
        super().__init__(runtime, item.tenant_id, workflow, item.key)
        self._item = item
        self._rows: dict[int, Any] = {}
        self._path: list[tuple[int, Step]] = []
        self._failing: str | None = None
        self._is_compensating = False

    async def load(self) -> Any:
        """The run's row, and its steps' into memory."""
        key = {"tenant": self.tenant_id, "run": self.id}
        async with self.runtime.database.transaction(self.tenant_id) as session:
            record = (await session.execute(_RUN, key)).first()
            self._rows = {row.position: row for row in (await session.execute(_STEPS, key)).all()}
        if record is not None and record.status == "compensating":
            self._is_compensating = True
            self._failing = record.error
        return record

    async def __call__(self, step: Step, *arguments: Any) -> Any:
        """What the step returned when it was done, or its result now."""
        position = self.next_position()
        row = self._recorded(position, step.name)
        if row is not None and row.status in {"done", "undone"}:
            self._path.append((position, step))
            return row.output["value"]
        if self._is_compensating:
            raise _Failed(self._failing or "")
        attempt = (row.attempt if row is not None else 0) + 1
        if attempt > step.retries:  # the process died in its last attempt
            raise _Failed(f"Step {step.name!r} was started {step.retries} times and never came to an end.")
        try:
            output = await (self._outside if step.outside else self._inside)(step, position, attempt, arguments)
        except LeaseLost:
            raise
        except Exception as problem:
            said = f"Step {step.name!r}: {sentence(problem)}"
            await self._note_failure(step, position, attempt, said)
            if attempt >= step.retries:
                raise _Failed(said) from problem
            raise _Again(said, backoff(attempt)) from problem
        self._path.append((position, step))
        return output

    async def hook(self, point: str, payload: Mapping[str, Any]) -> None:
        """Run or enqueue what is registered at this point, once."""
        position = self.next_position()
        name = f"hook:{point}"
        row = self._recorded(position, name)
        if row is not None:
            return
        if self._is_compensating:
            raise _Failed(self._failing or "")
        async with self.runtime.database.transaction(self.tenant_id) as session:
            await self.run_hooks(session, position, point, payload)
            await self._write(session, position, name, 1, Done())

    async def compensate(self, said: str) -> None:
        """Undo backwards what is done; each undoing is recorded, and tried again when it fails."""
        if not self._is_compensating:
            async with self.runtime.database.transaction(self.tenant_id) as session:
                await self._check_lease(session)
                await session.execute(_COMPENSATING, {"tenant": self.tenant_id, "run": self.id, "error": said})
                await session.execute(_RECOUNT, {"tenant": self.tenant_id, "run": self.id})
            await self.load()
        for position, step in reversed(self._path):
            row = self._rows.get(position)
            if row is None or row.status == "undone":
                continue
            try:
                await self._undo(step, position, row)
            except LeaseLost:
                raise
            except Exception as problem:
                failure = f"Undoing step {step.name!r}: {sentence(problem)}"
                attempt = row.attempt + 1
                if attempt >= UNDO_RETRIES:
                    await self.close("failed", f"{self._failing or said} {failure}")
                    return
                await self._note_failure(step, position, attempt, failure)
                raise StepRetry(failure, backoff(attempt)) from problem
        await self.close("compensated", self._failing or said)

    async def close(self, status: str | None, error: str | None, output: Any = None) -> None:
        """End the run and its item in one transaction."""
        async with self.runtime.database.transaction(self.tenant_id) as session:
            if status is not None:
                values = {"tenant": self.tenant_id, "run": self.id, "status": status, "error": error}
                await session.execute(_CLOSE, {**values, "output": encode_json({"value": output})})
            await finish(session, self._item)

    async def _inside(self, step: Step, position: int, attempt: int, arguments: tuple[Any, ...]) -> Any:
        async with self.runtime.database.transaction(self.tenant_id) as session:
            result = await step.run(self._context(position, attempt, session), *arguments)
            return await self._write(session, position, step.name, attempt, result)

    async def _outside(self, step: Step, position: int, attempt: int, arguments: tuple[Any, ...]) -> Any:
        key = {"tenant": self.tenant_id, "run": self.id, "position": position, "name": step.name, "attempt": attempt}
        async with self.runtime.database.transaction(self.tenant_id) as session:
            await self._check_lease(session)
            await session.execute(_STARTED, key)
        result = await step.run(self._context(position, attempt, None), *arguments)
        async with self.runtime.database.transaction(self.tenant_id) as session:
            return await self._write(session, position, step.name, attempt, result)

    async def _undo(self, step: Step, position: int, row: Any) -> None:
        done = {"tenant": self.tenant_id, "run": self.id, "position": position}
        data: Any = row.undo["value"] if row.undo else None
        if step.undo_function is not None and step.outside:
            await step.undo_function(self._context(position, 1, None, "undo"), data)
        async with self.runtime.database.transaction(self.tenant_id) as session:
            if step.undo_function is not None and not step.outside:
                await step.undo_function(self._context(position, 1, session, "undo"), data)
            await self._check_lease(session)
            await session.execute(_UNDONE, done)

    async def _write(self, session: AsyncSession, position: int, name: str, attempt: int, result: Any) -> Any:
        """Record a result in the transaction of its effect, if the lease is still ours."""
        done = result if isinstance(result, Done) else Done(result)
        output = plain_json(done.output)
        values: dict[str, Any] = {"tenant": self.tenant_id, "run": self.id, "position": position, "name": name}
        values |= {"attempt": attempt, "output": encode_json({"value": output})}
        values["undo"] = None if done.undo is None else encode_json({"value": done.undo})
        await session.execute(_DONE, values)
        await self._check_lease(session)
        return output

    async def _note_failure(self, step: Step, position: int, attempt: int, said: str) -> None:
        values = {"tenant": self.tenant_id, "run": self.id, "position": position, "name": step.name}
        async with self.runtime.database.transaction(self.tenant_id) as session:
            await self._check_lease(session)
            await session.execute(_STEP_FAILED, {**values, "attempt": attempt, "error": said})

    async def _check_lease(self, session: AsyncSession) -> None:
        if (await session.execute(_STILL_OURS, self._item.key_values())).first() is None:
            raise LeaseLost

    def _recorded(self, position: int, name: str) -> Any:
        row = self._rows.get(position)
        if row is not None and row.name != name:
            raise _Failed(
                f"Run {self.id} recorded step {row.name!r} at position {position}, where the workflow now has "
                f"{name!r}: give a changed workflow a new name, and let the old runs end first."
            )
        return row

    def _context(self, position: int, attempt: int, session: AsyncSession | None, suffix: str = "") -> StepContext:
        key = f"{self.id}:{position}" + (f":{suffix}" if suffix else "")
        return StepContext(
            runtime=self.runtime,
            tenant_id=self.tenant_id,
            run_id=self.id,
            idempotency_key=key,
            attempt=attempt,
            open_session=session,
        )


_RUN = text("SELECT status, input, error FROM adplanning.workflow_run WHERE tenant_id = :tenant AND id = :run")
_STEPS = text(
    "SELECT position, name, status, output, undo, attempt FROM adplanning.workflow_step"
    " WHERE tenant_id = :tenant AND run_id = :run ORDER BY position"
)
_STARTED = text(
    """
    INSERT INTO adplanning.workflow_step (tenant_id, run_id, position, name, status, attempt)
    VALUES (:tenant, :run, :position, :name, 'started', :attempt)
    ON CONFLICT (tenant_id, run_id, position) DO UPDATE SET status = 'started', attempt = excluded.attempt
    """
)
_DONE = text(
    """
    INSERT INTO adplanning.workflow_step
        (tenant_id, run_id, position, name, status, attempt, output, undo, finished_at)
    VALUES (:tenant, :run, :position, :name, 'done', :attempt, CAST(:output AS jsonb), CAST(:undo AS jsonb),
            clock_timestamp())
    ON CONFLICT (tenant_id, run_id, position) DO UPDATE
    SET status = 'done', attempt = excluded.attempt, output = excluded.output, undo = excluded.undo, error = NULL,
        finished_at = excluded.finished_at
    """
)
_STEP_FAILED = text(
    """
    INSERT INTO adplanning.workflow_step (tenant_id, run_id, position, name, status, attempt, error)
    VALUES (:tenant, :run, :position, :name, 'started', :attempt, :error)
    ON CONFLICT (tenant_id, run_id, position) DO UPDATE SET attempt = excluded.attempt, error = excluded.error
    """
)
_UNDONE = text(
    "UPDATE adplanning.workflow_step SET status = 'undone'"
    " WHERE tenant_id = :tenant AND run_id = :run AND position = :position"
)
_COMPENSATING = text(
    "UPDATE adplanning.workflow_run SET status = 'compensating', error = :error WHERE tenant_id = :tenant AND id = :run"
)
_RECOUNT = text(
    "UPDATE adplanning.workflow_step SET attempt = 0 WHERE tenant_id = :tenant AND run_id = :run AND status = 'done'"
)
_CLOSE = text(
    """
    UPDATE adplanning.workflow_run
    SET status = :status, error = :error, output = CAST(:output AS jsonb), finished_at = clock_timestamp()
    WHERE tenant_id = :tenant AND id = :run
    """
)
_STILL_OURS = text(
    "SELECT 1 FROM adplanning.work_item WHERE tenant_id = :tenant AND id = :id AND attempt = :attempt"
    " AND status = 'pending' FOR SHARE"
)
