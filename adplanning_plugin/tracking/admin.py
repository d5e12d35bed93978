"""Conversions over HTTP: thin routes; what they mean is decided in `service`, `stats` and `funnel`."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.money import check_currency, to_major, to_minor
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.tracking import repository, service
from adplanning_plugin.tracking.checks import read_bound
from adplanning_plugin.tracking.expansion import expanded, read_expand, sections_of
from adplanning_plugin.tracking.funnel import conversion_funnel
from adplanning_plugin.tracking.models import Conversion
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
from adplanning_plugin.tracking.vocabulary import (
    ConversionOrigin,
    ConversionStatus,
    ConversionType,
    Platform,
    SalesChannel,
)


class ConversionController(Controller):
    """Everything worth counting: purchases, leads, and what goals count."""

    path = "/conversions"
    tags = ("conversions",)

    @get("/", operation_id="listConversions", summary="Conversions")
    async def list_conversions(
        self,
        *,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        conversion_type: FromQuery[ConversionType | None] = None,
        platform: FromQuery[Platform | None] = None,
        status: FromQuery[ConversionStatus | None] = None,
        origin: FromQuery[ConversionOrigin | None] = None,
        from_date: FromQuery[str | None] = None,
        to_date: FromQuery[str | None] = None,
        ad_campaign_id: FromQuery[str | None] = None,
        ad_set_id: FromQuery[str | None] = None,
        ad_id: FromQuery[str | None] = None,
        utm_source: FromQuery[str | None] = None,
        utm_medium: FromQuery[str | None] = None,
        utm_campaign: FromQuery[str | None] = None,
        visitor_id: FromQuery[str | None] = None,
        session_id: FromQuery[str | None] = None,
        person_id: FromQuery[str | None] = None,
        order_id: FromQuery[str | None] = None,
        lead_id: FromQuery[str | None] = None,
        goal_id: FromQuery[str | None] = None,
        currency: FromQuery[str | None] = None,
        min_value: FromQuery[str | None] = None,
        max_value: FromQuery[str | None] = None,
        website_id: FromQuery[str | None] = None,
        sales_channel: FromQuery[SalesChannel | None] = None,
        is_revenue: FromQuery[bool | None] = None,
    ) -> Response[Any]:
        """Newest first. Dates are days of the store's zone, the last one included, or instants.

        `min_value` and `max_value` are in major units of `currency`, or of the store's where none is given, and find
        only conversions of that currency.
        """
        bounds = min_value is not None or max_value is not None
        code = check_currency(currency or call.tenant.currency) if currency or bounds else None
        period = read_period(call, from_date, to_date)
        given = ConversionFilter(
            conversion_type=conversion_type,
            platform=platform,
            status=status,
            origin=origin,
            start=period.start,
            end=period.end,
            ad_campaign_id=ad_campaign_id,
            ad_set_id=ad_set_id,
            ad_id=ad_id,
            utm_source=utm_source,
            utm_medium=utm_medium,
            utm_campaign=utm_campaign,
            visitor_id=visitor_id,
            session_id=session_id,
            person_id=person_id,
            order_id=order_id,
            lead_id=lead_id,
            goal_id=goal_id,
            currency=code,
            min_value=None if min_value is None else to_minor(min_value, str(code), "min_value"),
            max_value=None if max_value is None else to_minor(max_value, str(code), "max_value"),
            website_id=website_id,
            sales_channel=sales_channel,
            is_revenue=is_revenue,
        )
        async with call.reading() as session:
            page = await paginate(
                session,
                repository.listing(call.tenant_id, given),
                params,
                sortable=repository.SORTABLE,
                default="-occurred_at",
                tiebreak=Conversion.id.expression,
                search=repository.searched(),
            )
        return list_response(call, "conversions", page, _encode, columns=CSV_COLUMNS)

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

    @get("/stats", operation_id="getConversionStats", summary="Totals, rates and groups")
    async def stats(
        self,
        *,
        call: NamedDependency[AdminCall],
        group_by: FromQuery[GroupBy | None] = None,
        from_date: FromQuery[str | None] = None,
        to_date: FromQuery[str | None] = None,
        conversion_type: FromQuery[ConversionType | None] = None,
        platform: FromQuery[Platform | None] = None,
        ad_campaign_id: FromQuery[str | None] = None,
        website_id: FromQuery[str | None] = None,
        sales_channel: FromQuery[SalesChannel | None] = None,
        currency: FromQuery[str | None] = None,
    ) -> dict[str, Any]:
        """Confirmed and unconfirmed conversions; amounts per currency, never added; days in the store's zone."""
        period = read_period(call, from_date, to_date)
        given = ConversionFilter(
            conversion_type=conversion_type,
            platform=platform,
            start=period.start,
            end=period.end,
            ad_campaign_id=ad_campaign_id,
            website_id=website_id,
            sales_channel=sales_channel,
            currency=None if currency is None else check_currency(currency),
        )
        matching = repository.matching(call.tenant_id, given)
        async with call.reading(heavy=True) as session:
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
        """With refunds, and what other domains know of it; `expand=order,session,person,campaign,lead`."""
        names = read_expand(expand)
        scopes = call.actor.scopes
        async with call.reading() as session:
            row = await service.get_conversion(session, call.tenant_id, conversion_id)
            body: dict[str, Any] = msgspec.structs.asdict(conversion_out(row))
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


def read_period(call: AdminCall, from_date: str | None, to_date: str | None) -> Period:
    """The period of two filters, in the store's zone."""
    start = read_bound(from_date, "from_date", call.tenant.zone, end=False)
    end = read_bound(to_date, "to_date", call.tenant.zone, end=True)
    if start is not None and end is not None and end <= start:
        raise Invalid(FieldError("to_date", "before_from_date", "to_date must not be before from_date."))
    return Period(start=start, end=end)


def _encode(row: Row[Any]) -> ConversionOut:
    return conversion_out(row[0])
