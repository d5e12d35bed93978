"""Jobs: every night all progress is computed from all that is held, so that nothing that went wrong stays wrong."""

from __future__ import annotations

from sqlalchemy import text

from adplanning_plugin.journeys.progress import rebuild
from adplanning_plugin.kernel.jobs import Cron, Job, JobContext

REBUILD_JOB = "rebuild-journeys"


async def rebuild_journeys(context: JobContext) -> None:
    """One statement over everything: it may take longer than what answers a request."""
    async with context.transaction() as session:
        await session.execute(text("SET LOCAL statement_timeout = 0"))
        await rebuild(session, context.runtime, context.tenant_id)
    await context.progress(1, 1)


JOBS = (Job(name=REBUILD_JOB, schedule=Cron("30 3 * * *"), run=rebuild_journeys),)
