"""Events: what is told of a change, in the same transaction as the change; who listens; nothing is delivered here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import event as orm_event
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

from adplanning_plugin.kernel.database import ENTERED_TENANT, check_tenant_id, enter_tenant
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.work import Work

STREAM_QUEUE = "stream"
_NUDGES = "adplanning_nudges"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an object: `order.placed` and the ids that lead to it."""

    id: str
    name: str
    occurred_at: datetime
    tenant_id: str
    data: dict[str, Any] = {}
    metadata: dict[str, Any] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One attempt at one piece of work, inside the transaction that will also mark it done."""

    runtime: Runtime
    session: AsyncSession
    tenant_id: str
    attempt: int = 1


Handler = Callable[[Delivery, Event], Awaitable[None]]
HandlerOfMany = Callable[[Delivery, Sequence[Event]], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """Who listens: a stable id (a row per event and id makes the effect once), names (`order.*` too), a handler.

    `together` handles several events in one transaction, for work that is set-wise. Such a subscriber has one delivery
    at a time for a store and process: two of them would mostly wait for each other, each holding a connection.
    """

    id: str
    events: tuple[str, ...]
    handle: Handler
    queue: str = "events"
    max_attempts: int | None = None
    together: HandlerOfMany | None = None

    def matches(self, name: str) -> bool:
        """Whether an event of that name is for this subscriber."""
        return any(
            pattern in (name, "*") or (pattern.endswith(".*") and name.startswith(pattern[:-1]))
            for pattern in self.events
        )


class Retry(Exception):
    """Raised by a handler whose object is not there yet; the sentence names it, and becomes the dead letter's."""

    def __init__(self, sentence: str, *, delay: float | None = None) -> None:
        super().__init__(sentence)
        self.delay = delay


_PUBLISH = text(
    """
    WITH told AS (
        INSERT INTO adplanning.outbox_event (tenant_id, id, name, occurred_at, data, metadata)
        VALUES (:tenant, :id, :name, :at, CAST(:data AS jsonb), CAST(:metadata AS jsonb))
        ON CONFLICT (tenant_id, id) DO NOTHING RETURNING id
    ), due AS (
        INSERT INTO adplanning.work_item (tenant_id, id, queue, kind, key, max_attempts)
        SELECT :tenant, w.id, w.queue, w.kind, told.id, w.most
        FROM told, unnest(CAST(:ids AS text[]), CAST(:queues AS text[]), CAST(:kinds AS text[]),
                          CAST(:most AS bigint[])) AS w (id, queue, kind, most)
        ON CONFLICT (tenant_id, kind, key) DO NOTHING
    ), woken AS (
        INSERT INTO adplanning.wakeup (tenant_id, queue)
        SELECT :tenant, q FROM told, (SELECT DISTINCT unnest(CAST(:queues AS text[])) AS q) AS queues
    )
    SELECT id FROM told
    """
)
_WAKE = text(
    "INSERT INTO adplanning.wakeup (tenant_id, queue, due_at)"
    " VALUES (:tenant, :queue, now() + make_interval(secs => :delay))"
)


async def publish(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    name: str,
    data: Mapping[str, Any],
    *,
    event_id: str | None = None,
    occurred_at: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> str | None:
    """Tell of a change in the caller's transaction: the outbox row, one work item per subscriber, one wake-up a queue.

    The session may be the host's own, bound to the same database: its `app.tenant_id` is put back afterwards.

    Returns:
        The event's id, or None where an event of that id has been told before.
    """
    work = runtime.get(Work)
    subscriptions = work.subscribers_of(name)
    most = runtime.options.work.max_attempts
    queues = [subscription.queue for subscription in subscriptions]
    async with tenant_scope(session, tenant_id):
        connection = await session.connection()
        result = await connection.execute(
            _PUBLISH,
            {
                "tenant": tenant_id,
                "id": event_id or new_id("evt"),
                "name": name,
                "at": occurred_at or datetime.now(UTC),
                "data": encode_json(data),
                "metadata": encode_json(metadata or {}),
                "ids": [new_id("work") for _ in subscriptions],
                "queues": queues,
                "kinds": [f"event:{subscription.id}" for subscription in subscriptions],
                "most": [subscription.max_attempts or most for subscription in subscriptions],
            },
        )
        told: str | None = result.scalar_one_or_none()
    if told is not None and queues:
        nudge_after_commit(session, work)
    return told


async def wake(
    session: AsyncSession, tenant_id: str, queue: str, *, runtime: Runtime | None = None, delay: float = 0.0
) -> None:
    """One insert-only wake-up row in the caller's transaction (the table carries no tenant policy)."""
    connection = await session.connection()
    values = {"tenant": check_tenant_id(tenant_id), "queue": queue, "delay": float(delay)}
    await connection.execute(_WAKE, values)
    if runtime is not None and delay == 0:
        nudge_after_commit(session, runtime.get(Work))


@asynccontextmanager
async def tenant_scope(session: AsyncSession, tenant_id: str) -> AsyncGenerator[None]:
    """Enter a tenant on any session, and put back whatever `app.tenant_id` its owner had set there before."""
    if session.info.get(ENTERED_TENANT) == tenant_id:
        yield
        return
    connection = await session.connection()
    previous = (await connection.execute(text("SELECT current_setting('app.tenant_id', true)"))).scalar_one() or ""
    if previous == tenant_id:
        yield
        return
    await enter_tenant(session, tenant_id)
    restore = text("SELECT set_config('app.tenant_id', :previous, true)")
    try:
        yield
    except BaseException:
        with suppress(DBAPIError):  # an aborted transaction takes the setting with it
            await connection.execute(restore, {"previous": previous})
        raise
    await connection.execute(restore, {"previous": previous})


def encode_json(value: object) -> str:
    """JSON text for a jsonb column; times and structs as msgspec writes them."""
    return msgspec.json.encode(value).decode()


def nudge_after_commit(session: AsyncSession, work: Work) -> None:
    """Wake the workers once the caller's transaction has ended; a lost nudge costs a beat, a spare one nothing."""
    sync_session = session.sync_session
    if _NUDGES not in sync_session.info:
        orm_event.listen(sync_session, "after_transaction_end", _nudge)
    sync_session.info[_NUDGES] = work


def _nudge(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        work: Work | None = session.info.get(_NUDGES)
        session.info[_NUDGES] = None
        if work is not None:
            work.nudge()
