"""Conversions' journeys over HTTP: the list and one of them. What they hold is decided in `conversions`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from sqlalchemy import Row

from adplanning_plugin.attribution import current_rules, parse_window
from adplanning_plugin.identity import identifier_for_email
from adplanning_plugin.journeys.conversion_rows import JourneyFilter, conversion, journey_rows
from adplanning_plugin.journeys.conversions import CSV_COLUMNS, Listed, conversion_journey, listed
from adplanning_plugin.journeys.questions import Day, Window, check_type
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import PII, AdminCall
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import read_period

Customers = Annotated[
    Literal["new", "returning"] | None,
    QueryParameter(description="new: a first order. returning: a later one. Both where it is left out."),
]


class ConversionJourneyController(Controller):
    """The way to each conversion."""

    path = ""
    tags = ("Journeys",)

    @get(
        ["/journeys/conversions", "/journey/conversions"],
        operation_id="listConversionJourneys",
        summary="Conversions with the touches before them",
    )
    async def conversions(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        from_date: Day = None,
        to_date: Day = None,
        window: Window = None,
        conversion_type: FromQuery[str | None] = None,
        customers: Customers = None,
        channel: Annotated[str | None, QueryParameter(description="Met anywhere on the way.")] = None,
    ) -> Response[Any]:
        """Newest first. `q` is part of an order's or conversion's id, or a whole email address (`adplanning:pii`)."""
        period = read_period(call, from_date, to_date)
        if conversion_type is not None:
            check_type(conversion_type)
        text, identifier = params.q, None
        if text is not None and "@" in text:
            call.require(PII)
            text, identifier = None, identifier_for_email(call.runtime, text)
        async with call.reading() as session:
            rules = await current_rules(session, call.tenant_id)
            wanted = JourneyFilter(
                window_days=parse_window(rules, window),
                start=period.start,
                end=period.end,
                conversion_type=conversion_type,
                is_new_customer=None if customers is None else customers == "new",
                channel=channel,
                identifier=identifier,
                text=text,
            )
            statement = journey_rows(call.runtime.get(Links), call.tenant_id, wanted)
            columns = statement.selected_columns
            page = await paginate(
                session,
                statement,
                ListParams(params.limit, params.offset, params.order, None, params.cursor, params.csv),
                sortable={
                    "occurred_at": conversion.c.occurred_at,
                    "value": conversion.c.value,
                    "touches": columns["touches"],
                    "hours_to_conversion": columns["hours"],
                },
                default="-occurred_at",
                tiebreak=conversion.c.id,
            )
        personal = call.allows(PII)

        def encode(row: Row[Any]) -> Listed:
            return listed(row, personal=personal)

        answer = list_response(call, "journeys", page, encode, columns=CSV_COLUMNS)
        body: Any = answer.content
        if isinstance(body, dict):
            body["window_days"] = wanted.window_days
        return answer

    @get(
        ["/journeys/conversions/{conversion_id:str}", "/journey/conversions/{conversion_id:str}"],
        operation_id="getConversionJourney",
        summary="One conversion: touches, credit by every model, order, customer",
    )
    async def conversion(
        self, call: NamedDependency[AdminCall], conversion_id: FromPath[str], window: Window = None
    ) -> dict[str, Any]:
        """Touches oldest first, each with its share in percent and money; personal data needs `adplanning:pii`."""
        async with call.reading() as session:
            rules = await current_rules(session, call.tenant_id)
            found = await conversion_journey(
                session,
                call.runtime.get(Links),
                call.tenant_id,
                rules,
                conversion_id,
                parse_window(rules, window),
                personal=call.allows(PII),
            )
        return {"journey": found}
