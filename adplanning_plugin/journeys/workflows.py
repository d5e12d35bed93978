"""Workflow: something was done that belongs on somebody's timeline; others add steps at `recorded`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from adplanning_plugin.journeys.recording import record
from adplanning_plugin.kernel.events import Retry
from adplanning_plugin.kernel.workflows import Run, StepContext, step, workflow

SourceKind = Literal["conversion", "feedback", "form_response", "social_interaction", "person"]
_CALLED = {"form_response": "form response", "social_interaction": "social interaction"}


class TrackJourney(msgspec.Struct, kw_only=True):
    """Rows whose journey events are to be what the rows are now. Orders and leads are known by their conversions."""

    source_kind: SourceKind
    ids: list[str]


@step
async def record_events(ctx: StepContext, source_kind: SourceKind, ids: Sequence[str]) -> dict[str, Any]:
    """Upsert the events, and compute the stages of whoever they concern."""
    done = await record(ctx.session, ctx.runtime, ctx.tenant_id, source_kind, ids)
    if done.missing:
        called = _CALLED.get(source_kind, source_kind)
        raise Retry(f"There is no {called} {', '.join(done.missing[:5])} in the store (yet).")
    return {"changed": done.changed}


@workflow("track-customer-journey-event", hooks=("recorded",), input_type=TrackJourney)
async def track_customer_journey_event(run: Run, given: TrackJourney) -> Any:
    """Somebody bought, asked, answered, rated, reacted or signed up: their timeline has it, and their stage follows."""
    done = await run(record_events, given.source_kind, given.ids)
    await run.hook("recorded", {"source_kind": given.source_kind, "ids": given.ids, **done})
    return done


WORKFLOWS = (track_customer_journey_event,)
