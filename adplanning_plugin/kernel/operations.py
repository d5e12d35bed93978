"""Operations: routes that show jobs, work, dead letters and runs, replay what failed, and start a job now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy import ColumnElement, func, select

from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid, NotFound
from adplanning_plugin.kernel.export import list_response, table_response
from adplanning_plugin.kernel.health import report
from adplanning_plugin.kernel.http import MANAGE, AdminCall, scope
from adplanning_plugin.kernel.jobs import Cron, Job, run_job_now
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.kernel.queue import replay, replay_all
from adplanning_plugin.kernel.tables import JobSlot, WorkflowRun, WorkflowStep, WorkItem
from adplanning_plugin.kernel.work import Work

RunStatus = Literal["running", "done", "compensating", "compensated", "failed"]


class JobRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a job may be told when it is started by hand."""

    payload: dict[str, Any] = {}


class ReplayRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which dead letters are tried again."""

    ids: Annotated[list[Annotated[str, msgspec.Meta(max_length=200)]], msgspec.Meta(max_length=1_000)] | None = None
    kind: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    """Exact, or a prefix such as `job:`, as in the list."""
    queue: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class OperationsController(Controller):
    """What runs in the background, for whoever looks after it."""

    path = "/operations"
    tags = ("operations",)

    @get("/health", operation_id="getOperationsHealth", summary="Every health check")
    async def health(self, call: NamedDependency[AdminCall]) -> dict[str, Any]:
        """The process, its database and its workers, and what this store's own rows lack."""
        return await report(call.runtime, call.tenant_id)

    @get("/jobs", operation_id="listJobs", summary="Jobs with their last and next slot")
    async def jobs(self, call: NamedDependency[AdminCall]) -> Response[Any]:
        """All jobs of the store, by name."""
        last = (
            select(JobSlot.job, func.max(JobSlot.slot).label("slot"))
            .where(JobSlot.tenant_id == call.tenant_id)
            .group_by(JobSlot.job)
        )
        async with call.reading() as session:
            slots = {row.job: row.slot for row in await session.execute(last)}
        jobs = [_job(call, job, slots.get(job.name)) for job in _tenant_jobs(call)]
        return table_response(call, "jobs", jobs, {"count": len(jobs), "offset": 0, "limit": len(jobs)})

    @post(
        "/jobs/{name:str}/run",
        operation_id="runJob",
        summary="Start a job now",
        guards=[scope(MANAGE)],
        status_code=202,
    )
    async def run_job(
        self, call: NamedDependency[AdminCall], name: FromPath[str], data: JSONBody[JobRequest | None] = None
    ) -> Response[Any]:
        """The work item shows its progress; with an Idempotency-Key a repeated call starts it once."""
        known = {job.name for job in _tenant_jobs(call)}
        if name not in known:
            raise NotFound(f"There is no job {name!r}; there are {', '.join(sorted(known)) or 'none'}.")
        request = data or JobRequest()

        async def work(session: Any) -> dict[str, Any]:
            item = await run_job_now(session, call.runtime, call.tenant_id, name, request.payload)
            await call.audit(session, "job.started", "job", name, {"work_item": item})
            return {"work_item": {"id": item, "kind": f"job:{name}", "status": "pending"}}

        return await call.create(work, {"job": name, "payload": request.payload}, status=202)

    @get("/work", operation_id="listWork", summary="Background work")
    async def work(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        status: FromQuery[Literal["pending", "done", "dead"] | None] = None,
        kind: FromQuery[str | None] = None,
        queue: FromQuery[str | None] = None,
    ) -> Response[Any]:
        """Events being delivered, steps of runs, jobs; `kind` is exact, or a prefix such as `job:`."""
        return await _work_list(call, params, "work", status=status, kind=kind, queue=queue)

    @get("/work/{item_id:str}", operation_id="getWork", summary="One piece of work")
    async def work_item(self, call: NamedDependency[AdminCall], item_id: FromPath[str]) -> dict[str, Any]:
        """With its progress."""
        async with call.reading() as session:
            found = select(WorkItem).where(WorkItem.tenant_id == call.tenant_id, WorkItem.id == item_id)
            item = (await session.execute(found)).scalar_one_or_none()
        if item is None:
            raise NotFound(f"There is no work item {item_id!r}.")
        return {"work_item": _work(item)}

    @get("/dead-letters", operation_id="listDeadLetters", summary="Work that kept failing")
    async def dead_letters(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        kind: FromQuery[str | None] = None,
        queue: FromQuery[str | None] = None,
    ) -> Response[Any]:
        """Each with the sentence of its last failure."""
        return await _work_list(call, params, "dead_letters", status="dead", kind=kind, queue=queue)

    @post(
        "/dead-letters/{item_id:str}/replay",
        operation_id="replayDeadLetter",
        summary="Try a dead letter again",
        guards=[scope(MANAGE)],
        status_code=202,
    )
    async def replay_dead_letter(self, call: NamedDependency[AdminCall], item_id: FromPath[str]) -> dict[str, Any]:
        """It gets all its attempts again."""
        async with call.transaction() as session:
            await replay(session, call.tenant_id, item_id, runtime=call.runtime)
            await call.audit(session, "dead_letter.replayed", "work_item", item_id)
        return {"work_item": {"id": item_id, "status": "pending"}}

    @post(
        "/dead-letters/replay",
        operation_id="replayDeadLetters",
        summary="Try many dead letters again",
        guards=[scope(MANAGE)],
        status_code=202,
    )
    async def replay_dead_letters(
        self, call: NamedDependency[AdminCall], data: JSONBody[ReplayRequest]
    ) -> dict[str, Any]:
        """Those named, or those of a kind and queue; what is not dead any more is passed over."""
        which = _of(data.kind, data.queue)
        if data.ids is not None:
            which.append(WorkItem.id.in_(data.ids))
        elif not which:
            raise Invalid(FieldError("ids", "required", "ids names the dead letters; or give a kind or a queue."))
        async with call.transaction() as session:
            replayed = await replay_all(session, call.tenant_id, which, runtime=call.runtime)
            asked = {"replayed": replayed, "kind": data.kind, "queue": data.queue}
            await call.audit(session, "dead_letter.replayed", "work_item", "", asked)
        return {"replayed": replayed}

    @get("/runs", operation_id="listRuns", summary="Workflow runs")
    async def runs(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        workflow: FromQuery[str | None] = None,
        status: FromQuery[RunStatus | None] = None,
    ) -> Response[Any]:
        """Newest first."""
        wanted = select(*_columns(WorkflowRun, _RUN_FIELDS)).where(WorkflowRun.tenant_id == call.tenant_id)
        if workflow is not None:
            wanted = wanted.where(WorkflowRun.workflow == workflow)
        if status is not None:
            wanted = wanted.where(WorkflowRun.status == status)
        async with call.reading() as session:
            page = await paginate(
                session,
                wanted,
                params,
                sortable={"created_at": WorkflowRun.created_at, "workflow": WorkflowRun.workflow},
                default="-created_at",
                tiebreak=WorkflowRun.id,
                search=[WorkflowRun.workflow, WorkflowRun.key],
            )
        return list_response(call, "runs", page, _run, columns=_RUN_FIELDS)

    @get("/runs/{run_id:str}", operation_id="getRun", summary="One run with its steps")
    async def run(self, call: NamedDependency[AdminCall], run_id: FromPath[str]) -> dict[str, Any]:
        """Steps in order; what they returned is not shown, since it may hold personal data."""
        async with call.reading() as session:
            found = select(WorkflowRun).where(WorkflowRun.tenant_id == call.tenant_id, WorkflowRun.id == run_id)
            run = (await session.execute(found)).scalar_one_or_none()
            if run is None:
                raise NotFound(f"There is no run {run_id!r}.")
            steps = (
                select(WorkflowStep)
                .where(WorkflowStep.tenant_id == call.tenant_id, WorkflowStep.run_id == run_id)
                .order_by(WorkflowStep.position)
            )
            rows = (await session.execute(steps)).scalars().all()
        return {"run": {**_run(run), "steps": [_step(row) for row in rows]}}


_WORK_FIELDS = (
    "id",
    "queue",
    "kind",
    "key",
    "status",
    "due_at",
    "attempt",
    "max_attempts",
    "progress",
    "last_error",
    "created_at",
    "done_at",
)
_RUN_FIELDS = ("id", "workflow", "key", "status", "error", "created_at", "finished_at")
_STEP_FIELDS = ("position", "name", "status", "attempt", "error", "finished_at")


async def _work_list(
    call: AdminCall, params: ListParams, name: str, *, status: str | None, kind: str | None, queue: str | None
) -> Response[Any]:
    wanted = select(*_columns(WorkItem, _WORK_FIELDS)).where(WorkItem.tenant_id == call.tenant_id)
    if status is not None:
        wanted = wanted.where(WorkItem.status == status)
    wanted = wanted.where(*_of(kind, queue))
    async with call.reading() as session:
        page = await paginate(
            session,
            wanted,
            params,
            sortable={"created_at": WorkItem.created_at, "due_at": WorkItem.due_at, "attempt": WorkItem.attempt},
            default="-created_at",
            tiebreak=WorkItem.id,
            search=[WorkItem.kind, WorkItem.key, WorkItem.last_error],
        )
    return list_response(call, name, page, _work, columns=_WORK_FIELDS)


def _of(kind: str | None, queue: str | None) -> list[ColumnElement[bool]]:
    """Work of that kind (exact, or a prefix that ends in a colon) and queue."""
    found: list[ColumnElement[bool]] = []
    if queue is not None:
        found.append(WorkItem.queue == queue)
    if kind is not None:
        whole = not kind.endswith(":")
        found.append(WorkItem.kind == kind if whole else WorkItem.kind.startswith(kind, autoescape=True))
    return found


def _columns(table: Any, names: Sequence[str]) -> list[Any]:
    return [getattr(table, name) for name in names]


def _plain(row: Any, names: Sequence[str]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in values.items()}


def _work(row: Any) -> dict[str, Any]:
    return _plain(row, _WORK_FIELDS)


def _run(row: Any) -> dict[str, Any]:
    return _plain(row, _RUN_FIELDS)


def _step(row: Any) -> dict[str, Any]:
    return _plain(row, _STEP_FIELDS)


def _tenant_jobs(call: AdminCall) -> list[Job]:
    """System jobs belong to the installation, not to a store."""
    if not call.runtime.has(Work):
        return []
    return sorted((job for job in call.runtime.get(Work).jobs.values() if not job.system), key=lambda job: job.name)


def _job(call: AdminCall, job: Job, last: datetime | None) -> dict[str, Any]:
    zone = job.zone_of(call.runtime, call.tenant_id)
    schedule = job.schedule.expression if isinstance(job.schedule, Cron) else f"every {job.schedule.seconds} seconds"
    return {
        "name": job.name,
        "schedule": schedule,
        "zone": zone,
        "catch_up": job.catch_up,
        "last_slot": rfc3339(last) if last else None,
        "next_slot": rfc3339(job.schedule.after(datetime.now(UTC), zone)),
    }
