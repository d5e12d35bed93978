"""Admin routes of what people type in or import: ad spend that no link provides, and exchange rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from sqlalchemy import func, select

from adplanning_plugin.insights.figures import money
from adplanning_plugin.insights.intake import COUNTS, RateIn, SpendIn, last_of_each, rate_row, read_rows, spend_row
from adplanning_plugin.insights.models import AdSpend, ExchangeRate
from adplanning_plugin.insights.periods import read_day
from adplanning_plugin.insights.rates import delete_rate, upsert_rates
from adplanning_plugin.insights.spend import delete_spend, superseded, upsert_spend
from adplanning_plugin.kernel import days
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.links import Links

SPEND_KEY = ("day", "platform", "ad_campaign_id", "ad_set_id", "ad_id")
SPEND_COLUMNS = (
    *SPEND_KEY, "campaign_name", "spend", "spend_minor", "currency", "zone", *COUNTS, "platform_conversions",
    "platform_value", "platform_value_minor", "source", "version", "updated_at",
)  # fmt: skip
RATE_COLUMNS = ("day", "base", "quote", "rate", "source", "version", "updated_at")
Currency = Annotated[str, QueryParameter(min_length=3, max_length=3)]
Part = Annotated[str, QueryParameter(min_length=1, max_length=200)]


class SpendController(Controller):
    """Spend that no link provides."""

    path = "/ad-spend"
    tags = ("Spend",)

    @put(
        operation_id="putAdSpend",
        summary="Upsert daily spend (JSON or CSV)",
        status_code=200,
        openapi_rows=("ad_spend", SpendIn),
    )
    async def put_spend(self, call: NamedDependency[AdminCall], request: Request[Any, Any, Any]) -> dict[str, Any]:
        """`{"ad_spend": [...]}`, one object, or text/csv with the same column names; all rows or none.

        A later statement of the same day, platform, campaign, ad set and ad replaces the earlier one. Of a campaign's
        day what a link provides counts instead of it, and rows of ads instead of a row of their campaign: `superseded`
        says how many of the rows given count nowhere for either reason.
        """
        given = await read_rows(request, SpendIn, "ad_spend", spend_row)
        rows = last_of_each(given, *SPEND_KEY)
        async with call.transaction() as session:
            changed = await upsert_spend(session, call.tenant_id, rows, "manual")
            keys = [tuple(row[name] for name in SPEND_KEY) for row in rows]
            counts = {"linked": 0, "finer": 0}
            for first in range(0, len(keys), 1000):
                query = superseded(call.runtime.get(Links), call.tenant_id, keys[first : first + 1000])
                found = (await session.execute(query)).mappings().one()
                counts = {name: counts[name] + found[name] for name in counts}
            await call.audit(session, "ad_spend.upserted", "ad_spend", "", {"rows": len(rows), "changed": changed})
        return {"received": len(given), "changed": changed, "superseded": counts}

    @get(operation_id="listAdSpend", summary="Spend that was typed in or imported")
    async def list_spend(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        from_date: FromQuery[str | None] = None,
        to_date: FromQuery[str | None] = None,
        platform: FromQuery[str | None] = None,
        ad_campaign_id: FromQuery[str | None] = None,
    ) -> Response[Any]:
        """Newest day first; either end of the period may be left open."""
        query = select(AdSpend.__table__).where(AdSpend.tenant_id == call.tenant_id)
        if from_date is not None:
            query = query.where(AdSpend.day >= read_day(from_date, "from_date"))
        if to_date is not None:
            query = query.where(AdSpend.day <= read_day(to_date, "to_date"))
        if platform:
            query = query.where(AdSpend.platform == platform.strip().lower())
        if ad_campaign_id:
            query = query.where(AdSpend.ad_campaign_id == ad_campaign_id)
        tiebreak = func.concat_ws(
            "|", AdSpend.day, AdSpend.platform, AdSpend.ad_campaign_id, AdSpend.ad_set_id, AdSpend.ad_id
        )
        async with call.reading() as session:
            page = await paginate(
                session,
                query,
                params,
                sortable={"day": AdSpend.day, "spend": AdSpend.spend, "updated_at": AdSpend.updated_at},
                default="-day",
                tiebreak=tiebreak,
                search=[AdSpend.campaign_name, AdSpend.ad_campaign_id],
            )
        return list_response(call, "ad_spend", page, _spend_out, columns=SPEND_COLUMNS)

    @delete(operation_id="deleteAdSpend", summary="Delete a day's spend that was typed in", status_code=200)
    async def delete_spend(
        self,
        call: NamedDependency[AdminCall],
        day: Annotated[str, QueryParameter(description="The row's day, such as 2026-02-07.")],
        platform: Part,
        ad_campaign_id: Part,
        ad_set_id: Annotated[str, QueryParameter(max_length=200)] = "",
        ad_id: Annotated[str, QueryParameter(max_length=200)] = "",
        version: Annotated[int | None, QueryParameter(ge=1, description="As read: 409 if it was restated.")] = None,
    ) -> dict[str, Any]:
        """One row, named as the list names it; what a link provides for the day counts again."""
        parts = {"platform": platform.strip().lower(), "ad_campaign_id": ad_campaign_id.strip()}
        parts |= {"ad_set_id": ad_set_id.strip(), "ad_id": ad_id.strip()}
        on = read_day(day, "day")
        async with call.transaction() as session:
            await delete_spend(session, call.tenant_id, {"day": on, **parts}, version)
            named = {"day": on.isoformat(), **{name: part for name, part in parts.items() if part}}
            await call.audit(session, "ad_spend.deleted", "ad_spend", parts["ad_campaign_id"], named)
        return {"day": on.isoformat(), **parts, "object": "ad_spend", "deleted": True}


class RateController(Controller):
    """Exchange rates, each with its day and source."""

    path = "/exchange-rates"
    tags = ("Exchange rates",)

    @put(
        operation_id="putExchangeRates",
        summary="Upsert exchange rates (JSON or CSV)",
        status_code=200,
        openapi_rows=("exchange_rates", RateIn),
    )
    async def put_rates(self, call: NamedDependency[AdminCall], request: Request[Any, Any, Any]) -> dict[str, Any]:
        """`{"exchange_rates": [...]}`, one object, or text/csv; all rows or none."""
        given = await read_rows(request, RateIn, "exchange_rates", rate_row)
        rows = last_of_each(given, "day", "base", "quote")
        async with call.transaction() as session:
            changed = await upsert_rates(session, call.tenant_id, rows)
            counts = {"rows": len(rows), "changed": changed}
            await call.audit(session, "exchange_rate.upserted", "exchange_rate", "", counts)
        return {"received": len(given), "changed": changed}

    @get(operation_id="listExchangeRates", summary="Exchange rates")
    async def list_rates(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        base: Annotated[str | None, QueryParameter(min_length=3, max_length=3)] = None,
        quote: Annotated[str | None, QueryParameter(min_length=3, max_length=3)] = None,
    ) -> Response[Any]:
        """Newest day first."""
        query = select(ExchangeRate.__table__).where(ExchangeRate.tenant_id == call.tenant_id)
        if base:
            query = query.where(ExchangeRate.base == base.upper())
        if quote:
            query = query.where(ExchangeRate.quote == quote.upper())
        tiebreak = func.concat_ws("|", ExchangeRate.day, ExchangeRate.base, ExchangeRate.quote)
        async with call.reading() as session:
            page = await paginate(
                session, query, params, sortable={"day": ExchangeRate.day}, default="-day", tiebreak=tiebreak
            )
        return list_response(call, "exchange_rates", page, _rate_out, columns=RATE_COLUMNS)

    @delete(operation_id="deleteExchangeRate", summary="Delete a day's exchange rate", status_code=200)
    async def delete_rate(
        self,
        call: NamedDependency[AdminCall],
        day: Annotated[str, QueryParameter(description="The rate's day, such as 2026-02-07.")],
        base: Currency,
        quote: Currency,
        version: Annotated[int | None, QueryParameter(ge=1, description="As read: 409 if it was restated.")] = None,
    ) -> dict[str, Any]:
        """Its figures take the latest rate of the 31 days before it; where there is none they are null."""
        named = {"base": base.upper(), "quote": quote.upper()}
        on = read_day(day, "day")
        async with call.transaction() as session:
            await delete_rate(session, call.tenant_id, day=on, version=version, **named)
            gone = {"day": on.isoformat(), **named}
            await call.audit(session, "exchange_rate.deleted", "exchange_rate", "", gone)
        return {**gone, "object": "exchange_rate", "deleted": True}


def _spend_out(row: Any) -> Mapping[str, Any]:
    conversions = row.platform_conversions
    return {
        "day": row.day.isoformat(),
        "platform": row.platform,
        "ad_campaign_id": row.ad_campaign_id,
        "ad_set_id": row.ad_set_id or None,
        "ad_id": row.ad_id or None,
        "campaign_name": row.campaign_name,
        **money("spend", row.spend, row.currency),
        "currency": row.currency,
        "zone": row.zone,
        **{name: getattr(row, name) for name in COUNTS},
        "platform_conversions": None if conversions is None else float(conversions),
        **money("platform_value", row.platform_value, row.currency),
        "source": row.source,
        "version": row.version,
        "updated_at": days.rfc3339(row.updated_at),
    }


def _rate_out(row: Any) -> Mapping[str, Any]:
    return {
        "day": row.day.isoformat(),
        "base": row.base,
        "quote": row.quote,
        "rate": format(row.rate.normalize(), "f"),
        "source": row.source,
        "version": row.version,
        "updated_at": days.rfc3339(row.updated_at),
    }
