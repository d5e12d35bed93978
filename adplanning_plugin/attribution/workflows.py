"""Workflows: resolve one session's attribution; start the bulk resolution. The doing is the service's and the job's."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from adplanning_plugin.attribution.jobs import start_bulk_resolution
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.attribution.resolution import resolve_touches
from adplanning_plugin.attribution.service import read_host_sessions
from adplanning_plugin.kernel.workflows import Run, StepContext, step, workflow


@step
async def read_touches(ctx: StepContext, session_ids: list[str]) -> list[str]:
    """Make sure the sessions have their touches; returns those that may be resolved."""
    await read_host_sessions(ctx.session, ctx.runtime, ctx.tenant_id, session_ids)
    statement = (
        select(Touchpoint.id)
        .where(Touchpoint.tenant_id == ctx.tenant_id, Touchpoint.session_id.in_(session_ids))
        .order_by(Touchpoint.occurred_at, Touchpoint.id)
    )
    return list((await ctx.session.execute(statement)).scalars())


@step
async def match_campaigns(ctx: StepContext, touch_ids: list[str]) -> dict[str, int]:
    """Match what the touches name to campaigns."""
    done = await resolve_touches(ctx.session, ctx.runtime, ctx.tenant_id, touch_ids)
    return {"seen": done.seen, "resolved": done.resolved, "ambiguous": done.ambiguous}


@step
async def start_bulk(ctx: StepContext, include_resolved: bool) -> str:
    """Ask for the run that resolves all that is pending."""
    return await start_bulk_resolution(ctx.session, ctx.runtime, ctx.tenant_id, include_resolved=include_resolved)


@workflow("resolve-session-attribution", hooks=("resolved",))
async def resolve_session_attribution(run: Run, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - the field's word
    """`{"session_ids": [...]}` (or `session_id`): touches, then campaigns."""
    session_ids = [str(each) for each in input.get("session_ids") or [input["session_id"]]]
    touch_ids = await run(read_touches, session_ids)
    outcome = await run(match_campaigns, touch_ids)
    await run.hook("resolved", {"session_ids": session_ids, "touch_ids": touch_ids, **outcome})
    return {"touch_ids": touch_ids, **outcome}


@workflow("bulk-resolve-attributions")
async def bulk_resolve_attributions(run: Run, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - the field's word
    """`{"include_resolved": false}`: starts the job; its piece of work shows the progress."""
    return {"work_id": await run(start_bulk, bool(input.get("include_resolved")))}


WORKFLOWS = (resolve_session_attribution, bulk_resolve_attributions)
