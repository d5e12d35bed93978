"""Conversions over HTTP: thin routes; what they mean is decided in `service`, `stats` and `funnel`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy import Row, String, and_, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.links import Links, names_by_id
from adplanning_plugin.tracking import repository, service
from adplanning_plugin.tracking.expansion import expanded, read_expand, sections_of
from adplanning_plugin.tracking.filters import conversion_filter, read_period
from adplanning_plugin.tracking.funnel import conversion_funnel
from adplanning_plugin.tracking.models import Conversion
from adplanning_plugin.tracking.origins import origin_column, source_is
from adplanning_plugin.tracking.repository import ConversionFilter
from adplanning_plugin.tracking.schemas import (
    CSV_COLUMNS,
    ConversionIn,
    ConversionOut,
    ConversionUpdate,
    conversion_out,
    when,
)
from adplanning_plugin.tracking.stats import GroupBy, Period, conversion_stats

_FILTERED = {"wanted": Provide(conversion_filter)}


class ConversionController(Controller):
    """Everything worth counting: purchases, leads, and what goals count."""

    path = "/conversions"
    tags = ("conversions",)

    @get("/", operation_id="listConversions", summary="Conversions", dependencies=_FILTERED)
    async def list_conversions(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        wanted: NamedDependency[ConversionFilter],
    ) -> Response[Any]:
        """Newest first, with the campaign's name and the source of the last touch that was not direct."""
        async with call.reading() as session:
            touch = await origin_column(session, call.runtime, call.tenant_id)
            statement = repository.listing(call.tenant_id, wanted).add_columns(touch.label("touch"))
            if wanted.source is not None:
                statement = statement.where(source_is(touch, wanted.source))
            page = await paginate(
                session,
                statement,
                params,
                sortable=repository.SORTABLE,
                default="-occurred_at",
                tiebreak=Conversion.id.expression,
                search=repository.searched(),
            )
            ids = None if page.csv else [row[0].ad_campaign_id for row in page.items]
            names = await names_by_id(session, call.runtime.get(Links), call.tenant_id, "ad_campaign", ids)

        def encode(row: Row[Any]) -> ConversionOut:
            return conversion_out(row[0], row.touch, names)

        return list_response(call, "conversions", page, encode, columns=CSV_COLUMNS)

    @post("/", operation_id="createConversion", summary="Enter a conversion by hand")
    async def create_conversion(self, call: NamedDependency[AdminCall], data: JSONBody[ConversionIn]) -> Response[Any]:
        """`unconfirmed` unless it names an order of the store; never revenue; 409 where the order is counted."""

        async def work(session: AsyncSession) -> dict[str, Any]:
            row = await service.create_conversion(session, call.runtime, call.tenant_id, data)
            await call.audit(
                session, "conversion.created", "conversion", row.id, {"conversion_type": row.conversion_type}
            )
            return {"conversion": conversion_out(row)}

        return await call.create(work, data)

    @get("/stats", operation_id="getConversionStats", summary="Totals, rates and groups", dependencies=_FILTERED)
    async def stats(
        self,
        call: NamedDependency[AdminCall],
        wanted: NamedDependency[ConversionFilter],
        group_by: FromQuery[GroupBy | None] = None,
        q: Annotated[str | None, QueryParameter(description="Free text.", min_length=1, max_length=200)] = None,
    ) -> dict[str, Any]:
        """Of what the list shows under the same filters, but pending and cancelled ones; amounts per currency."""
        matching = repository.matching(call.tenant_id, wanted)
        if q is not None:
            found = (sql_cast(each, String).icontains(q, autoescape=True) for each in repository.searched())
            matching = and_(matching, or_(*found))
        period = Period(start=wanted.start, end=wanted.end)
        async with call.reading(heavy=True) as session:
            if wanted.source is not None:
                touch = await origin_column(session, call.runtime, call.tenant_id)
                matching = and_(matching, source_is(touch, wanted.source))
            return await conversion_stats(session, call.runtime, call.tenant_id, period, matching, group_by)

    @get("/funnel", operation_id="getConversionFunnel", summary="From visit to purchase")
    async def funnel(
        self,
        call: NamedDependency[AdminCall],
        from_date: FromQuery[str | None] = None,
        to_date: FromQuery[str | None] = None,
    ) -> dict[str, Any]:
        """Distinct visitors by the furthest stage they reached, and how many dropped off before it."""
        period = read_period(call, from_date, to_date)
        async with call.reading(heavy=True) as session:
            return {"funnel": await conversion_funnel(session, call.runtime, call.tenant_id, period)}

    @get("/{conversion_id:str}", operation_id="getConversion", summary="One conversion with its credit")
    async def get_conversion(
        self, call: NamedDependency[AdminCall], conversion_id: FromPath[str], expand: FromQuery[str | None] = None
    ) -> dict[str, Any]:
        """With refunds, and what other domains know of it.

        `expand=order,session,person,campaign,lead,feedback,form_response`.
        """
        names = read_expand(expand)
        scopes = call.actor.scopes
        async with call.reading() as session:
            row = await service.get_conversion(session, call.tenant_id, conversion_id)
            touch = await session.scalar(
                select(await origin_column(session, call.runtime, call.tenant_id)).where(
                    Conversion.tenant_id == call.tenant_id, Conversion.id == conversion_id
                )
            )
            links, ids = call.runtime.get(Links), [row.ad_campaign_id]
            campaigns = await names_by_id(session, links, call.tenant_id, "ad_campaign", ids)
            body: dict[str, Any] = msgspec.structs.asdict(conversion_out(row, touch, campaigns))
            body["adjustments"] = [
                {
                    "id": each.id,
                    "kind": each.kind,
                    "amount": to_major(each.amount, row.currency),
                    "amount_minor": each.amount,
                    "occurred_at": when(each.occurred_at),
                }
                for each in await repository.adjustments_of(session, call.tenant_id, conversion_id)
            ]
            body |= await sections_of(session, call.runtime, call.tenant_id, conversion_id, scopes=scopes)
            body |= await expanded(session, call.runtime, call.tenant_id, row, names, scopes=scopes)
        return {"conversion": body}

    @put("/{conversion_id:str}", operation_id="updateConversion", summary="Change a conversion")
    async def update_conversion(
        self, call: NamedDependency[AdminCall], conversion_id: FromPath[str], data: JSONBody[ConversionUpdate]
    ) -> dict[str, Any]:
        """A partial body with the version that was read; of orders and leads only `properties` are ours to change."""
        async with call.transaction() as session:
            row, changed = await service.update_conversion(session, call.runtime, call.tenant_id, conversion_id, data)
            await call.audit(session, "conversion.updated", "conversion", conversion_id, {"fields": changed})
            return {"conversion": conversion_out(row)}

    @delete("/{conversion_id:str}", operation_id="deleteConversion", summary="Delete a conversion", status_code=200)
    async def delete_conversion(self, call: NamedDependency[AdminCall], conversion_id: FromPath[str]) -> dict[str, Any]:
        """It counts nowhere any more; one that mirrors an order or a lead is refused."""
        async with call.transaction() as session:
            await service.delete_conversion(session, call.runtime, call.tenant_id, conversion_id)
            await call.audit(session, "conversion.deleted", "conversion", conversion_id)
        return {"id": conversion_id, "object": "conversion", "deleted": True}
