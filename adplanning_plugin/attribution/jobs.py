"""Jobs: the nightly resolution (also the bulk run on demand), and the catch-up of whatever credit is due."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.crediting import compute_credit
from adplanning_plugin.attribution.fits import ask_for_first_fit
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.attribution.rebuild import advance_rebuild
from adplanning_plugin.attribution.resolution import START, load_catalogue, resolve_page
from adplanning_plugin.attribution.rules import CREDIT_JOB
from adplanning_plugin.kernel.jobs import Cron, Every, Job, JobContext, run_job_now
from adplanning_plugin.kernel.runtime import Runtime

RESOLVE_JOB = "resolve-attributions"
CATCH_UP_SECONDS = 300

# Where a bulk run is, so that the worker which takes it over goes on there.
_READ = text("SELECT position FROM adplanning.watermark WHERE tenant_id = :tenant AND reader = :reader")
_SAVE = text(
    "INSERT INTO adplanning.watermark (tenant_id, reader, position) VALUES (:tenant, :reader,"
    " jsonb_build_object('at', CAST(:at AS text), 'id', CAST(:id AS text), 'done', CAST(:done AS bigint),"
    " 'resolved', CAST(:resolved AS bigint)))"
    " ON CONFLICT (tenant_id, reader) DO UPDATE SET position = excluded.position, updated_at = now()"
)
_FORGET = text("DELETE FROM adplanning.watermark WHERE tenant_id = :tenant AND reader = :reader")


async def start_bulk_resolution(
    session: AsyncSession, runtime: Runtime, tenant_id: str, *, include_resolved: bool = False
) -> str:
    """Ask for a bulk run; the id of its piece of work shows the progress."""
    return await run_job_now(session, runtime, tenant_id, RESOLVE_JOB, {"include_resolved": include_resolved})


async def resolve_attributions(context: JobContext) -> None:
    """Resolve all that is pending, page by page; a run that was cut off goes on where it was."""
    runtime, tenant_id = context.runtime, context.tenant_id
    reader = {"tenant": tenant_id, "reader": f"resolve:{context.item_id}"}
    async with context.transaction() as session:
        saved: dict[str, Any] | None = (await session.execute(_READ, reader)).scalar_one_or_none()
        if saved is None and context.payload.get("include_resolved"):
            await _reopen(session, tenant_id)
        total = await _count_pending(session, tenant_id)
        catalogue = await load_catalogue(session, runtime, tenant_id)
        position = (datetime.fromisoformat(saved["at"]), saved["id"]) if saved else START
        done, resolved = (int(saved["done"]), int(saved["resolved"])) if saved else (0, 0)
        total += resolved
        await session.execute(_SAVE, {**reader, **_place(position, done, resolved)})
    await context.progress(done, total)
    while True:
        async with context.transaction() as session:
            page = await resolve_page(session, runtime, tenant_id, position, catalogue)
            if page.position is None:
                await session.execute(_FORGET, reader)
                break
            position, done, resolved = page.position, done + page.seen, resolved + page.resolved
            await session.execute(_SAVE, {**reader, **_place(position, done, resolved)})
        await context.progress(done, max(total, done))
    await context.progress(done, done)


async def compute_due_credit(context: JobContext) -> None:
    """Credit for every conversion that is due: never computed, or under an older rule version; then the swap to it."""
    done = 0
    while True:
        async with context.transaction() as session:
            computed = await compute_credit(session, context.runtime, context.tenant_id)
        done += computed
        await context.progress(done)
        if computed == 0:
            async with context.transaction() as session:
                if await advance_rebuild(session, context.runtime, context.tenant_id) == "nothing":
                    break
    async with context.transaction() as session:
        await ask_for_first_fit(session, context.runtime, context.tenant_id)
    await context.progress(done, done)


def _place(position: tuple[datetime, str], done: int, resolved: int) -> dict[str, Any]:
    return {"at": position[0].astimezone(UTC).isoformat(), "id": position[1], "done": done, "resolved": resolved}


async def _count_pending(session: AsyncSession, tenant_id: str) -> int:
    statement = (
        select(func.count())
        .select_from(Touchpoint)
        .where(Touchpoint.tenant_id == tenant_id, Touchpoint.resolution_method == "unresolved")
    )
    return (await session.execute(statement)).scalar_one()


async def _reopen(session: AsyncSession, tenant_id: str) -> None:
    """Put what was matched back among the pending; what a touch resolved to stays until it is resolved anew."""
    await session.execute(
        update(Touchpoint)
        .where(
            Touchpoint.tenant_id == tenant_id, Touchpoint.resolution_method.in_(("exact_utm_match", "fuzzy_name_match"))
        )
        .values(resolution_method="unresolved")
        .execution_options(synchronize_session=False)
    )


JOBS = (
    Job(name=RESOLVE_JOB, schedule=Cron("0 2 * * *"), run=resolve_attributions),
    Job(name=CREDIT_JOB, schedule=Every(seconds=CATCH_UP_SECONDS), run=compute_due_credit, catch_up="skip"),
)
