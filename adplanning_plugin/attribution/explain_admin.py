"""Explanations over HTTP: a conversion's credit, touch by touch, and the conversions behind a figure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from adplanning_plugin.attribution.explain import explain_conversion
from adplanning_plugin.attribution.figures import (
    PART_COLUMNS,
    Figure,
    Kind,
    conversions_of_figure,
    part_line,
    total_of_figure,
)
from adplanning_plugin.attribution.lines import asked_period
from adplanning_plugin.attribution.repository import StatsFilter, conversion
from adplanning_plugin.attribution.rules import canonical_model, current_rules, model_position, parse_window
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import PII, AdminCall
from adplanning_plugin.kernel.money import check_currency
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.tracking import ConversionType

Model = Annotated[str | None, QueryParameter(description="Attribution model; the store's default without it.")]
Window = Annotated[str | None, QueryParameter(description="Lookback window: days such as 30, or lifetime.")]
Day = Annotated[str | None, QueryParameter(description="A local day such as 2026-02-07, or an RFC 3339 time.")]
Group = Literal["campaign", "source", "medium", "channel", "platform"]


class ExplainController(Controller):
    """Why a figure is what it is."""

    path = "/attribution"
    tags = ("Attribution",)

    @get(
        "/explain/{conversion_id:str}",
        operation_id="explainConversionCredit",
        summary="Every touch considered for a conversion's credit, in or out and why",
    )
    async def explain(
        self, call: NamedDependency[AdminCall], conversion_id: FromPath[str], window: Window = None
    ) -> dict[str, Any]:
        """With the rules, the links, the weights and the money: enough to compute the stored credit once more."""
        async with call.reading() as session:
            return {
                "explanation": await explain_conversion(
                    session, call.runtime, call.tenant_id, conversion_id, window, personal=call.allows(PII)
                )
            }

    @get(
        "/conversions",
        operation_id="listAttributedConversions",
        summary="The conversions behind a line of the statistics, each with its part",
    )
    async def conversions(  # noqa: PLR0917 - Litestar passes filters by name
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        group_by: FromQuery[Group] = "campaign",
        key: Annotated[str | None, QueryParameter(description="The line's key: one campaign, one channel.")] = None,
        no_key: Annotated[bool, QueryParameter(description="The line of touches without a key.")] = False,
        kind: FromQuery[Kind | None] = None,
        currency: FromQuery[str | None] = None,
        model: Model = None,
        window: Window = None,
        from_date: Day = None,
        to_date: Day = None,
        conversion_type: FromQuery[ConversionType | None] = None,
        website_id: FromQuery[str | None] = None,
        is_revenue: Annotated[bool | None, QueryParameter(description="Only what counts as revenue.")] = None,
        basis: Annotated[Literal["order", "click"], QueryParameter(description="Whose date counts.")] = "order",
    ) -> Response[Any]:
        """Largest part first. The parts of all pages sum to the line of `/attribution/stats` for the same question."""
        start, end = asked_period(from_date, to_date, call.tenant.zone)
        if key is not None and no_key:
            raise Invalid(FieldError("no_key", "contradiction", "Give a key or no_key, not both."))
        figure = Figure(
            group_by=group_by,
            key=key,
            no_key=no_key,
            kind=kind,
            currency=None if currency is None else check_currency(currency),
        )
        asked = StatsFilter(
            start=start,
            end=end,
            conversion_type=conversion_type,
            website_id=website_id,
            is_revenue=is_revenue,
            by_click=basis == "click",
        )
        async with call.reading(heavy=True) as session:
            rules = await current_rules(session, call.tenant_id)
            name = canonical_model(model or rules.default_model)
            days = parse_window(rules, window)
            statement = conversions_of_figure(call.tenant_id, asked, figure, model_position(rules, name), days)
            columns = statement.selected_columns
            page = await paginate(
                session,
                statement,
                params,
                sortable={
                    "value": columns.value,
                    "weight": columns.weight,
                    "occurred_at": conversion.c.occurred_at,
                },
                default="-value",
                tiebreak=conversion.c.id,
                search=[conversion.c.id, conversion.c.order_id],
            )
            total = {} if page.csv else await total_of_figure(session, statement)
        answer = list_response(call, "conversions", page, part_line, columns=PART_COLUMNS)
        if not page.csv:
            answer.content |= {"model": name, "window_days": days, "zone": call.tenant.zone, "total": total}
        return answer
