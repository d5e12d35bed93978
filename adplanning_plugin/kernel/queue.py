"""The queue in PostgreSQL: claim, settle, release, replay. Statements carry the tenant and the attempt (the fence).

While a tenant has pending work in a queue there is a wake-up row for it, due no later than the work: whoever deletes
one inserts the next in the same transaction. So a killed worker costs a lease, and a lost broker message nothing.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Select, TextClause, func, null, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.errors import AdPlanningError, Conflict, NotFound
from adplanning_plugin.kernel.events import Event, Retry, nudge_after_commit, wake
from adplanning_plugin.kernel.jobs import LeaseLost
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.tables import WorkItem
from adplanning_plugin.kernel.telemetry import Redactor
from adplanning_plugin.kernel.work import Work

LONGEST_BACKOFF = 900.0
PURGE_AT_ONCE = 20_000
_EMAIL = re.compile(r"(?<![^\s@<>()\"'])[^\s@<>()\"']+@[^\s@<>()\"']+\.[A-Za-z]{2,}")
_REDACTOR = Redactor()


@dataclass(kw_only=True, slots=True)
class Claimed:
    """One leased piece of work, with its event where it is a delivery."""

    tenant_id: str
    id: str
    queue: str
    kind: str
    key: str
    payload: dict[str, Any]
    attempt: int
    max_attempts: int
    event: Event | None = None
    since: float = field(default_factory=time.monotonic)

    @property
    def subject(self) -> str:
        """What the kind names: the subscriber, the job, the workflow."""
        return self.kind.partition(":")[2]

    def key_values(self) -> dict[str, Any]:
        """Tenant, id and attempt, as every settling statement needs them."""
        return {"tenant": self.tenant_id, "id": self.id, "attempt": self.attempt}


# Materialised, so that the limit holds whatever join the planner picks. clock_timestamp() would not do as a condition:
# it is volatile, so that the index could not stop at what is due, and a claim would read all that is not.
_CLAIM = text(
    """
    WITH due AS MATERIALIZED (
        SELECT id FROM adplanning.work_item
        WHERE tenant_id = :tenant AND queue = :queue AND status = 'pending' AND due_at <= statement_timestamp()
        ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE adplanning.work_item w
        SET attempt = w.attempt + 1,
            lease_until = clock_timestamp() + make_interval(secs => :lease),
            due_at = clock_timestamp() + make_interval(secs => :lease)
        FROM due WHERE w.tenant_id = :tenant AND w.id = due.id
        RETURNING w.id, w.kind, w.key, w.payload, w.attempt, w.max_attempts
    )
    SELECT c.*, o.id AS event_id, o.name, o.occurred_at, o.data, o.metadata AS event_metadata
    FROM claimed c
    LEFT JOIN adplanning.outbox_event o ON o.tenant_id = :tenant AND o.id = c.key AND c.kind LIKE 'event:%'
    """
)
_DELETE_WAKEUPS = text(
    """
    DELETE FROM adplanning.wakeup WHERE id IN (
        SELECT id FROM adplanning.wakeup
        WHERE tenant_id = :tenant AND queue = :queue AND due_at <= statement_timestamp()
        ORDER BY due_at LIMIT 5000 FOR UPDATE SKIP LOCKED
    )
    """
)
# A later one that comes before the work is due will do: whoever deletes it sees this work, and inserts the next.
_NEXT_WAKEUP = text(
    """
    INSERT INTO adplanning.wakeup (tenant_id, queue, due_at)
    SELECT :tenant, :queue, next.due_at FROM (
        SELECT CASE WHEN :full THEN clock_timestamp()
                    ELSE greatest(due_at, clock_timestamp() + interval '250 milliseconds') END AS due_at
        FROM adplanning.work_item
        WHERE tenant_id = :tenant AND queue = :queue AND status = 'pending' ORDER BY work_item.due_at LIMIT 1
    ) AS next
    WHERE NOT EXISTS (SELECT 1 FROM adplanning.wakeup k
                      WHERE k.tenant_id = :tenant AND k.queue = :queue
                        AND k.due_at > statement_timestamp() AND k.due_at <= next.due_at)
    """
)
_FINISH = text(
    "UPDATE adplanning.work_item"
    " SET status = 'done', done_at = clock_timestamp(), lease_until = NULL, last_error = NULL"
    " WHERE tenant_id = :tenant AND id = :id AND attempt = :attempt AND status = 'pending'"
)
_FINISH_TOGETHER = text(
    """
    UPDATE adplanning.work_item w
    SET status = 'done', done_at = clock_timestamp(), lease_until = NULL, last_error = NULL
    FROM unnest(CAST(:ids AS text[]), CAST(:attempts AS bigint[])) AS held (id, attempt)
    WHERE w.tenant_id = :tenant AND w.id = held.id AND w.attempt = held.attempt AND w.status = 'pending'
    """
)
_FAIL = text(
    """
    UPDATE adplanning.work_item
    SET status = CASE WHEN :dead THEN 'dead' ELSE 'pending' END, last_error = :error, lease_until = NULL,
        due_at = clock_timestamp() + make_interval(secs => :delay)
    WHERE tenant_id = :tenant AND id = :id AND attempt = :attempt AND status = 'pending'
    """
)
_RELEASE = text(
    """
    UPDATE adplanning.work_item w SET attempt = w.attempt - 1, lease_until = NULL, due_at = clock_timestamp()
    FROM unnest(CAST(:ids AS text[]), CAST(:attempts AS bigint[])) AS held (id, attempt)
    WHERE w.tenant_id = :tenant AND w.id = held.id AND w.attempt = held.attempt AND w.status = 'pending'
    RETURNING w.queue
    """
)


async def claim(session: AsyncSession, tenant_id: str, queue: str, most: int, lease: float) -> list[Claimed]:
    """Lease due work of one tenant's queue, oldest first, and leave the wake-up that what remains will need."""
    where: dict[str, Any] = {"tenant": tenant_id, "queue": queue}
    # First the wake-ups, then the work: what is committed between the two is claimed now and looked at once more later.
    deleted = cast("CursorResult[Any]", await session.execute(_DELETE_WAKEUPS, where)).rowcount
    rows = (await session.execute(_CLAIM, {**where, "most": most, "lease": float(lease)})).all()
    if deleted:
        await session.execute(_NEXT_WAKEUP, {**where, "full": len(rows) >= most})
    return [
        Claimed(
            tenant_id=tenant_id,
            id=row.id,
            queue=queue,
            kind=row.kind,
            key=row.key,
            payload=row.payload,
            attempt=row.attempt,
            max_attempts=row.max_attempts,
            event=None
            if row.event_id is None
            else Event(
                id=row.event_id,
                name=row.name,
                occurred_at=row.occurred_at,
                tenant_id=tenant_id,
                data=row.data,
                metadata=row.event_metadata,
            ),
        )
        for row in rows
    ]


async def finish(session: AsyncSession, item: Claimed) -> None:
    """Mark done in the transaction of the effect.

    Raises:
        LeaseLost: another worker has it; the caller's transaction must not commit.
    """
    if cast("CursorResult[Any]", await session.execute(_FINISH, item.key_values())).rowcount != 1:
        raise LeaseLost


async def finish_together(session: AsyncSession, items: Sequence[Claimed]) -> None:
    """Mark items of one tenant done in the transaction of their effects.

    Raises:
        LeaseLost: another worker has one of them; the caller's transaction must not commit.
    """
    values = {
        "tenant": items[0].tenant_id,
        "ids": [item.id for item in items],
        "attempts": [item.attempt for item in items],
    }
    if cast("CursorResult[Any]", await session.execute(_FINISH_TOGETHER, values)).rowcount != len(items):
        raise LeaseLost


async def fail(session: AsyncSession, item: Claimed, problem: BaseException, *, delay: float | None = None) -> bool:
    """Write down what went wrong and when to try again; True where that was the last attempt (a dead letter)."""
    dead = item.attempt >= item.max_attempts
    wait = delay if delay is not None else backoff(item.attempt)
    values = {**item.key_values(), "dead": dead, "error": sentence(problem), "delay": float(wait)}
    failed = cast("CursorResult[Any]", await session.execute(_FAIL, values)).rowcount == 1
    if failed and not dead:
        await wake(session, item.tenant_id, item.queue, delay=wait)
    return failed and dead


async def release(session: AsyncSession, items: Sequence[Claimed]) -> None:
    """Give back one tenant's work that was not begun, or was rolled back, without counting the attempt."""
    values = {
        "tenant": items[0].tenant_id,
        "ids": [item.id for item in items],
        "attempts": [item.attempt for item in items],
    }
    for queue in sorted(set((await session.execute(_RELEASE, values)).scalars())):
        await wake(session, items[0].tenant_id, queue)


def dead_letters(tenant_id: str) -> Select[WorkItem]:
    """The tenant's work that kept failing, newest first."""
    return (
        select(WorkItem)
        .where(WorkItem.tenant_id == tenant_id, WorkItem.status == "dead")
        .order_by(WorkItem.created_at.desc(), WorkItem.id.desc())
    )


async def replay(session: AsyncSession, tenant_id: str, item_id: str, *, runtime: Runtime | None = None) -> None:
    """Give a dead letter all its attempts again; its event, key and history stay.

    Raises:
        NotFound: the tenant has no such work.
        Conflict: it is no dead letter.
    """
    if not await replay_all(session, tenant_id, [WorkItem.id == item_id], runtime=runtime):
        known = select(WorkItem.status).where(WorkItem.tenant_id == tenant_id, WorkItem.id == item_id)
        status = (await session.execute(known)).scalar_one_or_none()
        if status is None:
            raise NotFound(f"There is no work item {item_id!r}.")
        raise Conflict(f"Work item {item_id!r} is {status}, not dead: only dead letters are replayed.")


async def replay_all(
    session: AsyncSession, tenant_id: str, which: Sequence[ColumnElement[bool]], *, runtime: Runtime | None = None
) -> int:
    """Give the dead letters that fulfil all of these all their attempts again.

    Returns:
        How many these are; work that is not dead stays as it is.
    """
    again = (
        update(WorkItem)
        .where(WorkItem.tenant_id == tenant_id, WorkItem.status == "dead", *which)
        .values(status="pending", attempt=0, due_at=func.clock_timestamp(), lease_until=null(), progress=null())
        .returning(WorkItem.queue)
    )
    queues = (await session.scalars(again.execution_options(synchronize_session=False))).all()
    for queue in sorted(set(queues)):
        await wake(session, tenant_id, queue)
    if queues and runtime is not None:
        nudge_after_commit(session, runtime.get(Work))
    return len(queues)


def sentence(problem: BaseException) -> str:
    """What a person needs to read: the error's own sentence, without addresses, phone numbers or statements."""
    if isinstance(problem, AdPlanningError | Retry):
        # Our own words name objects by their ids, which may be long numbers; an address would still be a mistake.
        return _EMAIL.sub("[email]", str(problem))[:1000]
    if isinstance(problem, DBAPIError):
        # SQLAlchemy's text carries the statement and its parameters; the first line of the driver's does not.
        said = f"{type(problem.orig).__name__}: {str(problem.orig).partition(chr(10))[0]}"
    elif isinstance(problem, TimeoutError):
        said = "The handler took too long and was stopped."
    else:
        said = f"{type(problem).__name__}: {problem}"
    return _REDACTOR.text(said)[:1000]


async def purge(session: AsyncSession, tenant_id: str, days: int) -> int:
    """Delete what was done more than `days` ago: work, events nobody waits for, runs, slots but the last of each job.

    Dead letters stay, with their events, until they are replayed.
    """
    deleted = 0
    for statement in _PURGES:
        while True:
            values = {"tenant": tenant_id, "days": days, "most": PURGE_AT_ONCE}
            rows = cast("CursorResult[Any]", await session.execute(statement, values)).rowcount
            deleted += rows
            if rows < PURGE_AT_ONCE:
                break
    return deleted


def _purge(table: str, key: str, where: str) -> TextClause:
    return text(
        f"DELETE FROM adplanning.{table} WHERE tenant_id = :tenant AND ({key}) IN ("  # noqa: S608 - constants of this file
        f" SELECT {key} FROM adplanning.{table} AS old WHERE tenant_id = :tenant AND {where} LIMIT :most)"
    )


_PURGES = (
    _purge("work_item", "id", "status = 'done' AND done_at < now() - make_interval(days => :days)"),
    _purge(
        "outbox_event",
        "id",
        "created_at < now() - make_interval(days => :days) AND NOT EXISTS (SELECT 1 FROM adplanning.work_item w"
        " WHERE w.tenant_id = :tenant AND w.key = old.id AND w.kind LIKE 'event:%')",
    ),
    _purge(
        "workflow_step",
        "run_id, position",
        "EXISTS (SELECT 1 FROM adplanning.workflow_run r WHERE r.tenant_id = :tenant AND r.id = old.run_id"
        " AND r.finished_at < now() - make_interval(days => :days))",
    ),
    _purge("workflow_run", "id", "finished_at < now() - make_interval(days => :days)"),
    _purge(
        "job_slot",
        "job, slot",
        "slot < now() - make_interval(days => :days) AND EXISTS (SELECT 1 FROM adplanning.job_slot later"
        " WHERE later.tenant_id = :tenant AND later.job = old.job AND later.slot > old.slot)",
    ),
    # Nobody here reads that queue any more; the beat finds whatever still waits in one that is read.
    _purge("wakeup", "id", "due_at < now() - interval '1 day'"),
)


def backoff(attempt: int, base: float = 1.0) -> float:
    """Seconds until the next attempt: doubling, at most 15 minutes, ± 25 % so that failures do not return in step."""
    return min(LONGEST_BACKOFF, base * 2.0 ** min(attempt - 1, 20)) * random.uniform(0.75, 1.25)  # noqa: S311
