"""Funnel and drop-off over HTTP. What a step and an end are, `funnel_sql` and `dropoff` say."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from adplanning_plugin.journeys.dropoff import BEFORE_PURCHASE, DropoffQuestion, dropoff, quiet_before
from adplanning_plugin.journeys.funnel import funnel
from adplanning_plugin.journeys.funnel_sql import FunnelQuestion
from adplanning_plugin.journeys.funnel_steps import read_steps
from adplanning_plugin.journeys.questions import Day, read_dates, wire
from adplanning_plugin.kernel.days import now, rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.export import table_response
from adplanning_plugin.kernel.http import AdminCall

Breakdown = Annotated[
    Literal["channel", "platform", "campaign", "device", "website"] | None,
    QueryParameter(description="Divides people by where their first touch came from."),
]
COLUMNS = ("step", "label", "kind", "people", "identified", "share_of_first", "share_of_previous", "dropped",
           "drop_rate", "median_seconds")  # fmt: skip


class FunnelController(Controller):
    """How far people come, and where they leave."""

    path = ""
    tags = ("Journeys",)

    @get(["/journeys/funnel", "/journey/funnel"], operation_id="getJourneyFunnel", summary="People by step of a funnel")
    async def funnel(
        self,
        call: NamedDependency[AdminCall],
        from_date: Day = None,
        to_date: Day = None,
        steps: Annotated[
            str | None,
            QueryParameter(
                description="2 to 10 steps with commas between them: stages, kinds of events, event:<name>, "
                "page:</path/*> or goal:<id>.",
                max_length=2000,
            ),
        ] = None,
        window: Annotated[int, QueryParameter(ge=1, le=365, description="Days from the first step to the last.")] = 30,
        breakdown: Breakdown = None,
    ) -> Response[Any]:
        """Whoever took the first step in the period; a step counts at or after the one before, within the window."""
        period = read_dates(call, from_date, to_date)
        asked = read_steps(steps)
        question = FunnelQuestion(
            tenant_id=call.tenant_id,
            steps=asked,
            start=period.start,
            end=period.end,
            window=timedelta(days=window),
        )
        async with call.reading(heavy=True) as session:
            found = await funnel(session, call.runtime, question, breakdown)
        first, last = found["steps"][0], found["steps"][-1]
        extra = {
            "people": first["people"],
            "completed": last["people"],
            "conversion_rate": last["share_of_first"],
            "breakdown": found["breakdown"],
            "groups": found["groups"],
            "source": found["source"],
            "basis": {
                "period": wire(period, call.tenant.zone),
                "steps": [step.key for step in asked],
                "window_days": window,
                "breakdown": breakdown,
            },
        }
        return table_response(call, "steps", found["steps"], extra, columns=COLUMNS)

    @get(
        ["/journeys/dropoff", "/journey/dropoff"],
        operation_id="getJourneyDropoff",
        summary="Where journeys end without a purchase",
    )
    async def dropoff(
        self,
        call: NamedDependency[AdminCall],
        from_date: Day = None,
        to_date: Day = None,
        stage: Annotated[
            str | None, QueryParameter(description="Only journeys that came no further than this stage.")
        ] = None,
        quiet_days: Annotated[
            int, QueryParameter(ge=1, le=365, description="Days without anything after which a journey has ended.")
        ] = 7,
        events: Annotated[int, QueryParameter(ge=1, le=5, description="How many of the last things done.")] = 3,
        limit: Annotated[int, QueryParameter(ge=1, le=50, description="Sequences of last things to answer.")] = 10,
        breakdown: Breakdown = None,
    ) -> dict[str, Any]:
        """Journeys that began in the period: how many ended, at which stage, after how long, after doing what."""
        if stage is not None and stage not in BEFORE_PURCHASE:
            message = f"stage must be one of {', '.join(BEFORE_PURCHASE)}."
            raise Invalid(FieldError("stage", "unknown_stage", message))
        period = read_dates(call, from_date, to_date)
        moment = now()
        question = DropoffQuestion(
            tenant_id=call.tenant_id,
            start=period.start,
            end=period.end,
            quiet_since=quiet_before(moment, quiet_days),
            stage=stage,
            steps=events,
            most=limit,
        )
        async with call.reading(heavy=True) as session:
            found = await dropoff(session, call.runtime, question, breakdown)
        basis = {
            "period": wire(period, call.tenant.zone),
            "quiet_days": quiet_days,
            "stage": stage,
            "breakdown": breakdown,
            "as_of": rfc3339(moment),
        }
        return {"dropoff": {**found, "basis": basis}}
