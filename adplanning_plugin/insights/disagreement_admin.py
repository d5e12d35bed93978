"""Admin route of the disagreement between attribution models: ranks, ROAS and the budget decision by each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from adplanning_plugin.attribution import current_rules
from adplanning_plugin.insights.admin import Day, Window
from adplanning_plugin.insights.disagreement import BAND, TARGET, disagreement, wire
from adplanning_plugin.insights.figures import money
from adplanning_plugin.insights.lines import Line
from adplanning_plugin.insights.names import names_of
from adplanning_plugin.insights.periods import read_period
from adplanning_plugin.insights.roi import ask
from adplanning_plugin.kernel.export import table_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.paging import wants_csv
from adplanning_plugin.links import Links

Group = Literal["campaign", "channel", "platform"]
HIGHEST_TARGET = 1_000
MEANING = (
    "ROAS is the revenue credited by the model, net of refunds, over spend. At {high} or more the budget would be"
    " increased, below {low} cut, between them kept: a fifth to either side of the target {target}. Credit says which"
    " visits came before, not what the ads added."
)


class DisagreementController(Controller):
    """Where the choice of a model matters."""

    path = "/attribution/disagreement"
    tags = ("Attribution",)

    @get("/", operation_id="getAttributionDisagreement", summary="Ranks and budget decisions under every model")
    async def disagreement(
        self,
        call: NamedDependency[AdminCall],
        from_date: Day = None,
        to_date: Day = None,
        window: Window = None,
        group_by: FromQuery[Group] = "campaign",
        target: Annotated[
            float, QueryParameter(gt=0, le=HIGHEST_TARGET, description="The ROAS that a budget is judged against.")
        ] = TARGET,
    ) -> Response[Any]:
        """By order date, most spend first. A decision that depends on the model rests on the model, not on the data."""
        period = read_period(from_date, to_date, call.tenant.zone)
        links, currency = call.runtime.get(Links), call.tenant.currency
        async with call.reading(heavy=True) as session:
            question = await ask(session, call.tenant, period, by=group_by, window=window)
            models = (await current_rules(session, call.tenant_id)).models
            found = await disagreement(session, links, question, models, target)
            lines = [Line(id=each.id) for each in found.lines]
            labels = await names_of(session, links, call.tenant_id, group_by, lines)
        flat = wants_csv(call.request.headers.get("accept", ""))
        rows = [wire(each, models, labels, currency, flat=flat) for each in found.lines]
        changing = [each for each in found.lines if len(each.decisions) > 1]
        high, low = round(target * (1 + BAND), 4), round(target * (1 - BAND), 4)
        extra = {
            "period": period.wire(),
            "group_by": group_by,
            "models": list(models),
            "default_model": question.model,
            "window_days": question.window_days,
            "currency": currency,
            "decision": {
                "target_roas": target,
                "increase_from": high,
                "cut_below": low,
                "meaning": MEANING.format(high=high, low=low, target=target),
            },
            "decided": sum(1 for each in found.lines if each.decisions),
            "changing": len(changing),
            **money("changing_spend", sum(each.spend or 0 for each in changing), currency),
            "agreement": [{"models": [one, other], "rank_correlation": rho} for one, other, rho in found.agreement],
            "unattributed": [
                {"model": model, **money("revenue", minor, currency)}
                for model, minor in zip(models, found.unattributed, strict=True)
            ],
            "rates": found.report.rates,
            "missing_rates": found.report.missing_rates,
        }
        return table_response(call, "disagreement", rows, extra)
