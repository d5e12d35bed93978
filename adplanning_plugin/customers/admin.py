"""Customers over HTTP: the search, one person's profile, everything they did, and what is held about them as a file."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery

from adplanning_plugin.customers import exporting, listing
from adplanning_plugin.customers.people import check_known
from adplanning_plugin.customers.profile import profile, read_expand
from adplanning_plugin.journeys import CSV_COLUMNS, JourneyFilter, events_page, journey_filter, names_of, whose
from adplanning_plugin.kernel.errors import Forbidden
from adplanning_plugin.kernel.export import list_response, stream_response
from adplanning_plugin.kernel.http import PII, AdminCall, scope
from adplanning_plugin.kernel.paging import ListParams, paginate, wants_csv
from adplanning_plugin.links import Links


class CustomerController(Controller):
    """People."""

    path = "/customers"
    tags = ("customers",)

    @get("/", operation_id="listCustomers", summary="People")
    async def list_customers(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        person_id: FromQuery[str | None] = None,
        order_id: FromQuery[str | None] = None,
    ) -> Response[Any]:
        """`q` looks in names, addresses, phones and ids of people and orders, and needs `adplanning:pii`.

        Without that scope, people are found by `person_id` or `order_id`, and what says who they are is null.
        """
        personal = call.allows(PII)
        if params.q is not None and not personal:
            message = "Searching people by q needs the scope adplanning:pii; person_id and order_id do not."
            raise Forbidden(message, code="missing_scope")
        links = call.runtime.get(Links)
        async with call.reading() as session:
            statement, rows = listing.people(links, call.tenant_id, q=params.q, person_id=person_id, order_id=order_id)
            page = await paginate(
                session,
                statement,
                unsearched(params),
                sortable=listing.sortable(rows),
                default="-created_at",
                tiebreak=rows.c.id,
            )
            ids = [row.id for row in page.items]
            orders = await listing.ordered(session, call.tenant_id, ids)
            if page.csv:
                gone = await listing.ErasedByKey.load(session, call.runtime, call.tenant_id)
            else:
                gone = await listing.erased(session, call.runtime, call.tenant_id, ids)

        def encode(row: Any) -> dict[str, Any]:
            return listing.person_out(row, orders, gone, personal=personal)

        return list_response(call, "customers", page, encode, columns=listing.CSV_COLUMNS)

    @get("/{person_id:str}/profile", operation_id="getCustomerProfile", summary="One view of a person")
    async def get_profile(
        self, call: NamedDependency[AdminCall], person_id: FromPath[str], expand: FromQuery[str | None] = None
    ) -> dict[str, Any]:
        """Who it is and every registered section, in order; a section that fails says so and spoils no other.

        `expand=order,lead,feedback,form_response,session,social_interaction` adds the store's own newest rows.
        """
        names = read_expand(expand)
        found = await profile(call.runtime, call.tenant_id, person_id, scopes=call.actor.scopes, expand=names)
        return {"customer": found}

    @get(
        "/{person_id:str}/interactions",
        operation_id="listCustomerInteractions",
        summary="Everything a person did",
        dependencies={"wanted": Provide(journey_filter)},
    )
    async def interactions(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        person_id: FromPath[str],
        wanted: NamedDependency[JourneyFilter],
    ) -> Response[Any]:
        """Page views, events, touches, forms, leads, feedback, orders, refunds and social interactions, newest first.

        Those of visitors that only claim to be this person are marked `claimed`.
        """
        runtime, tenant_id = call.runtime, call.tenant_id
        async with call.reading() as session:
            await check_known(session, runtime, tenant_id, person_id)
            mine = await whose(session, runtime, tenant_id, person_id)
            filtered = msgspec.structs.replace(wanted, q=params.q, members=mine.members, claimed=mine.claimed)
            page = await events_page(session, runtime, tenant_id, filtered, params, mine.sessions)
            names = await names_of(session, runtime, tenant_id, page.items, personal=call.allows(PII))
        return list_response(call, "interactions", page, names.out, columns=CSV_COLUMNS)

    @get(
        "/{person_id:str}/export",
        operation_id="exportCustomer",
        summary="Everything held about a person",
        guards=[scope(PII)],
    )
    async def export(self, call: NamedDependency[AdminCall], person_id: FromPath[str]) -> Response[Any]:
        """Every row of every table that names them, and the store's own rows, as JSON or (`Accept: text/csv`) CSV."""
        as_csv = wants_csv(call.request.headers.get("accept", ""))
        async with call.transaction() as session:
            await check_known(session, call.runtime, call.tenant_id, person_id)
            await call.audit(session, "customer.exported", "customer", person_id)
        pieces = exporting.as_csv if as_csv else exporting.as_json
        kind = ("text/csv; charset=utf-8", "csv") if as_csv else ("application/json", "json")
        return stream_response(call, pieces(call, person_id), name="customer", media_type=kind[0], ending=kind[1])


def unsearched(params: ListParams) -> ListParams:
    """The page without its search, which the statement has already."""
    return ListParams(params.limit, params.offset, params.order, None, params.cursor, params.csv)
