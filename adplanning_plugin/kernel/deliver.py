"""Delivery: one attempt at one claimed item, whatever its kind, and the record of how it went."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from adplanning_plugin.kernel.durable import StepRetry, resume
from adplanning_plugin.kernel.events import Delivery, Retry
from adplanning_plugin.kernel.jobs import JobContext, LeaseLost
from adplanning_plugin.kernel.queue import Claimed, fail, finish, finish_together, sentence
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.sweep import SweepContext
from adplanning_plugin.kernel.work import Work

HANDLER_SECONDS = 300.0
"""An event's handler that takes longer is stopped; long work is a job."""


async def deliver(runtime: Runtime, item: Claimed) -> bool:
    """One attempt; its failure is written down, never raised. True where it succeeded.

    Raises:
        CancelledError: the worker stops; the item is released by whoever cancelled.
    """
    try:
        await _attempt(runtime, item)
    except LeaseLost:
        runtime.log.info("work %s was taken over by another worker", item.id)
        return False
    except Exception as problem:  # noqa: BLE001 - whatever a handler raises becomes the item's last error
        await _record(runtime, item, problem)
        return False
    return True


async def deliver_together(runtime: Runtime, items: Sequence[Claimed]) -> bool:
    """First attempts of one subscriber in one transaction, which costs a fraction of one each.

    False where anything went wrong: nothing has happened then, and each is delivered alone.
    """
    first = items[0]
    subscription = runtime.get(Work).subscriptions.get(first.subject)
    events = [item.event for item in items if item.event is not None]
    if subscription is None or len(events) != len(items):
        return False
    try:
        async with asyncio.timeout(HANDLER_SECONDS), runtime.database.transaction(first.tenant_id) as session:
            delivery = Delivery(runtime=runtime, session=session, tenant_id=first.tenant_id, attempt=first.attempt)
            if subscription.together is not None:
                await subscription.together(delivery, events)
            else:
                for event in events:
                    await subscription.handle(delivery, event)
            await finish_together(session, items)
    except Exception as problem:  # noqa: BLE001 - which one it was shows when each is alone
        runtime.log.debug("%d deliveries of %s go one by one: %s", len(items), first.kind, type(problem).__name__)
        return False
    return True


async def _record(runtime: Runtime, item: Claimed, problem: Exception) -> None:
    delay = problem.delay if isinstance(problem, Retry | StepRetry) else None
    async with runtime.database.transaction(item.tenant_id) as session:
        dead = await fail(session, item, problem, delay=delay)
    said = sentence(problem)
    if dead:
        runtime.log.error("%s %s is a dead letter after %d attempts: %s", item.kind, item.id, item.attempt, said)
    elif isinstance(problem, Retry | StepRetry):
        runtime.log.info("%s %s will be tried again: %s", item.kind, item.id, said)
    else:
        runtime.log.warning("%s %s failed (attempt %d): %s", item.kind, item.id, item.attempt, said)


async def _attempt(runtime: Runtime, item: Claimed) -> None:
    if item.attempt > item.max_attempts:
        raise Retry(f"It was started {item.max_attempts} times and never came to an end.")
    work = runtime.get(Work)
    family = item.kind.partition(":")[0]
    if family == "job":
        await _job(runtime, work, item)
        return
    if family == "run":
        workflow = work.workflows.get(item.subject)
        if workflow is None:
            raise _missing("workflow", item)
        await resume(runtime, workflow, item)
        return
    async with asyncio.timeout(HANDLER_SECONDS), runtime.database.transaction(item.tenant_id) as session:
        delivery = Delivery(runtime=runtime, session=session, tenant_id=item.tenant_id, attempt=item.attempt)
        if family == "event":
            subscription = work.subscriptions.get(item.subject)
            if subscription is None:
                raise _missing("subscriber", item)
            if item.event is None:
                raise Retry(f"The event {item.key} of this delivery is no longer in the outbox.")
            await subscription.handle(delivery, item.event)
        elif family == "hook":
            hooks = [hook for group in work.workflow_hooks.values() for hook in group if hook.id == item.subject]
            if not hooks:
                raise _missing("workflow hook", item)
            await hooks[0].run(delivery, item.payload)
        elif family == "sweep":
            sweep = work.sweeps.get(item.subject)
            if sweep is None:
                raise _missing("sweep", item)
            context = SweepContext(runtime=runtime, session=session, tenant_id=item.tenant_id, attempt=item.attempt)
            await sweep.process(context, [item.key])
        else:
            raise _missing("kind of work", item)
        await finish(session, item)


async def _job(runtime: Runtime, work: Work, item: Claimed) -> None:
    job = work.jobs.get(item.subject)
    if job is None:
        raise _missing("job", item)
    payload: dict[str, Any] = item.payload.get("payload") or {}
    slot = item.payload.get("slot")
    context = JobContext(
        runtime=runtime,
        tenant_id=item.tenant_id,
        slot=datetime.fromisoformat(slot) if isinstance(slot, str) else datetime.now(UTC),
        payload=payload,
        item_id=item.id,
        attempt=item.attempt,
    )
    await job.run(context)
    async with runtime.database.transaction(item.tenant_id) as session:
        await finish(session, item)


def _missing(what: str, item: Claimed) -> Retry:
    return Retry(f"No {what} {item.subject!r} is installed in this worker: put it back, or leave this work dead.")
