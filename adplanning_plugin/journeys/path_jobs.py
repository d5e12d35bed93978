"""Path jobs: what keeps the counted paths up to date: a subscriber that marks days, and the jobs that count them."""

from __future__ import annotations

from collections.abc import Sequence

from adplanning_plugin.attribution import current_rules
from adplanning_plugin.journeys.path_summary import count_days, count_open, mark_days, prepare
from adplanning_plugin.kernel.days import day_of, now
from adplanning_plugin.kernel.events import Delivery, Event, Subscription
from adplanning_plugin.kernel.jobs import Cron, Every, Job, JobContext

COUNT_JOB, RECOUNT_JOB = "count-journey-paths", "recount-journey-paths"


async def on_conversions(delivery: Delivery, events: Sequence[Event]) -> None:
    """The credit of conversions was computed, or they were changed: their days are to be counted anew."""
    ids = {str(each) for event in events for each in event.data.get("ids") or [event.data.get("id")] if each}
    zone = delivery.runtime.tenant(delivery.tenant_id).zone
    await mark_days(delivery.session, delivery.tenant_id, zone, sorted(ids))


async def on_conversion(delivery: Delivery, event: Event) -> None:
    """One event's conversions."""
    await on_conversions(delivery, [event])


async def count_paths(context: JobContext) -> None:
    """Count what waits for it."""
    await _count(context, anew=False)


async def recount_paths(context: JobContext) -> None:
    """Count everything: also what nobody told of, such as a visitor who turned out to be somebody known."""
    await _count(context, anew=True)


async def _count(context: JobContext, *, anew: bool) -> None:
    tenant_id, zone, moment = context.tenant_id, context.runtime.tenant(context.tenant_id).zone, now()
    async with context.transaction() as session:
        rules = await current_rules(session, tenant_id)
        await prepare(session, tenant_id, rules, zone, day_of(moment, zone), anew=anew)
    done = 0
    while True:
        async with context.transaction() as session:
            counted = await count_days(session, tenant_id, rules, zone)
        if not counted:
            break
        done += counted
        await context.progress(done)
    async with context.transaction() as session:
        await count_open(session, tenant_id, rules, zone, moment, anew=anew)
    await context.progress(done, done)


PATH_SUBSCRIPTIONS = (
    Subscription(
        id="journeys.paths",
        events=("attribution.updated", "conversion.updated", "conversion.deleted"),
        handle=on_conversion,
        together=on_conversions,
    ),
)
PATH_JOBS = (
    Job(name=COUNT_JOB, schedule=Every(seconds=3600), run=count_paths, catch_up="skip"),
    Job(name=RECOUNT_JOB, schedule=Cron("40 3 * * *"), run=recount_paths),
)
