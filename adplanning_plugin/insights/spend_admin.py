"""Admin routes of what people type in or import: ad spend that no link provides, and exchange rates."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from io import StringIO
from typing import Annotated, Any, TypeVar, cast

import msgspec
from litestar import Controller, Request, Response, get, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from sqlalchemy import func, select

from adplanning_plugin.insights.models import AdSpend, ExchangeRate
from adplanning_plugin.insights.periods import read_period
from adplanning_plugin.insights.rates import upsert_rates
from adplanning_plugin.insights.spend import upsert_spend
from adplanning_plugin.kernel import days
from adplanning_plugin.kernel.errors import FieldError, Invalid, Unreadable
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.money import check_currency, to_major, to_minor
from adplanning_plugin.kernel.paging import ListParams, paginate

MAX_ROWS = 5000
FUTURE_DAYS = 1
S = TypeVar("S", bound=msgspec.Struct)
_COUNTS = ("impressions", "clicks", "leads")


class SpendIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A day's spend of a campaign, an ad set or an ad, in major units."""

    day: str
    platform: str
    ad_campaign_id: str
    ad_set_id: str = ""
    ad_id: str = ""
    campaign_name: str | None = None
    spend: str | int | float
    currency: str
    zone: str | None = None
    impressions: int | None = None
    clicks: int | None = None
    leads: int | None = None
    platform_conversions: float | None = None
    platform_value: str | int | float | None = None


class RateIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One unit of `base` is `rate` units of `quote` on `day`."""

    day: str
    base: str
    quote: str
    rate: str | int | float
    source: str = "manual"


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
        """`{"ad_spend": [...]}`, one object, or text/csv with the same column names; all rows or none."""
        given = await read_rows(request, SpendIn, "ad_spend")
        rows = _checked(given, _spend_row)
        last = {
            tuple(row[name] for name in ("day", "platform", "ad_campaign_id", "ad_set_id", "ad_id")): row
            for row in rows
        }
        async with call.transaction() as session:
            changed = await upsert_spend(session, call.tenant_id, list(last.values()), "manual")
            await call.audit(session, "ad_spend.upserted", "ad_spend", "", {"rows": len(last), "changed": changed})
        return {"received": len(given), "changed": changed}

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
        """Newest day first."""
        query = select(AdSpend.__table__).where(AdSpend.tenant_id == call.tenant_id)
        if from_date or to_date:
            period = read_period(from_date, to_date, call.tenant.zone)
            query = query.where(AdSpend.day.between(period.first, period.last))
        if platform:
            query = query.where(AdSpend.platform == platform)
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
        return list_response(call, "ad_spend", page, _spend_out)


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
        given = await read_rows(request, RateIn, "exchange_rates")
        rows = _checked(given, _rate_row)
        last = {(row["day"], row["base"], row["quote"]): row for row in rows}
        async with call.transaction() as session:
            await upsert_rates(session, call.tenant_id, list(last.values()))
            await call.audit(session, "exchange_rate.upserted", "exchange_rate", "", {"rows": len(last)})
        return {"received": len(given), "stored": len(last)}

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
        return list_response(call, "exchange_rates", page, _rate_out)


async def read_rows(request: Request[Any, Any, Any], kind: type[S], name: str) -> list[S]:
    """The body's rows: a JSON object, `{name: [...]}`, or CSV; what is wrong is named with its row."""
    body = await request.body()
    try:
        if (request.headers.get("content-type") or "").startswith("text/csv"):
            raw: Any = list(_csv_rows(body.decode("utf-8-sig")))
        else:
            raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"The body must be UTF-8 JSON with {name}, or text/csv: {error}.") from None
    found: Any = cast("dict[str, Any]", raw).get(name, raw) if isinstance(raw, dict) else raw
    rows = cast("list[Any]", found) if isinstance(found, list) else [found]
    if not rows or len(rows) > MAX_ROWS:
        raise Invalid(FieldError(name, "row_count", f"{name} must hold 1 to {MAX_ROWS} rows."))
    problems: list[FieldError] = []
    out: list[S] = []
    for index, row in enumerate(rows):
        try:
            out.append(msgspec.convert(row, kind, strict=False))
        except msgspec.ValidationError as error:
            problems.append(FieldError(f"{name}[{index}]", "invalid_row", f"{name}[{index}]: {error}."))
    if problems:
        raise Invalid(*problems[:50])
    return out


def _csv_rows(text: str) -> Iterable[dict[str, str]]:
    for row in csv.DictReader(StringIO(text), strict=True):
        yield {str(key).strip(): value.strip() for key, value in row.items() if value not in (None, "")}


def _checked(rows: Sequence[S], check: Callable[[S], dict[str, Any]]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    problems: list[FieldError] = []
    for index, row in enumerate(rows):
        try:
            out.append(check(row))
        except Invalid as error:
            problems += [
                FieldError(f"[{index}].{one.field}", one.code, f"Row {index}: {one.message}") for one in error.errors
            ]
    if problems:
        raise Invalid(*problems[:50])
    return out


def _spend_row(row: SpendIn) -> dict[str, Any]:
    currency = check_currency(row.currency)
    for name in ("platform", "ad_campaign_id"):
        if not getattr(row, name).strip():
            raise Invalid(FieldError(name, "missing", f"{name} must not be empty."))
    for name in (*_COUNTS, "platform_conversions"):
        value = getattr(row, name)
        if value is not None and not 0 <= value < 2**63:
            raise Invalid(FieldError(name, "out_of_range", f"{name} must be 0 or more."))
    return {
        "day": _day(row.day),
        "platform": row.platform.strip().lower(),
        "ad_campaign_id": row.ad_campaign_id.strip(),
        "ad_set_id": row.ad_set_id.strip(),
        "ad_id": row.ad_id.strip(),
        "campaign_name": row.campaign_name,
        "spend": to_minor(row.spend, currency, "spend"),
        "currency": currency,
        "zone": days.zone(row.zone).key if row.zone else None,
        **{name: getattr(row, name) for name in _COUNTS},
        "platform_conversions": None if row.platform_conversions is None else Decimal(str(row.platform_conversions)),
        "platform_value": None
        if row.platform_value is None
        else to_minor(row.platform_value, currency, "platform_value"),
    }


def _rate_row(row: RateIn) -> dict[str, Any]:
    base, quote = check_currency(row.base, "base"), check_currency(row.quote, "quote")
    if base == quote:
        raise Invalid(FieldError("quote", "same_currency", "quote must be another currency than base."))
    try:
        rate = Decimal(str(row.rate))
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or not Decimal("1e-9") <= rate < Decimal("1e9"):
        raise Invalid(FieldError("rate", "out_of_range", "rate must be a number between 0.000000001 and 999999999."))
    if not row.source.strip():
        raise Invalid(FieldError("source", "missing", "source must say where the rate comes from."))
    return {"day": _day(row.day), "base": base, "quote": quote, "rate": rate, "source": row.source.strip()}


def _day(value: str) -> date:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise Invalid(FieldError("day", "not_a_day", "day must be a day such as 2026-02-07.")) from None
    if not date(2000, 1, 1) <= day <= days.now().date() + timedelta(days=FUTURE_DAYS):
        raise Invalid(FieldError("day", "out_of_range", "day must lie between 2000-01-01 and today."))
    return day


def _spend_out(row: Any) -> Mapping[str, Any]:
    return {
        "day": row.day.isoformat(),
        "platform": row.platform,
        "ad_campaign_id": row.ad_campaign_id,
        "ad_set_id": row.ad_set_id or None,
        "ad_id": row.ad_id or None,
        "campaign_name": row.campaign_name,
        "spend": to_major(row.spend, row.currency),
        "spend_minor": row.spend,
        "currency": row.currency,
        "zone": row.zone,
        **{name: getattr(row, name) for name in _COUNTS},
        "platform_conversions": None if row.platform_conversions is None else float(row.platform_conversions),
        "platform_value": None if row.platform_value is None else to_major(row.platform_value, row.currency),
        "source": row.source,
        "updated_at": days.rfc3339(row.updated_at),
    }


def _rate_out(row: Any) -> Mapping[str, Any]:
    return {
        "day": row.day.isoformat(),
        "base": row.base,
        "quote": row.quote,
        "rate": format(row.rate.normalize(), "f"),
        "source": row.source,
        "updated_at": days.rfc3339(row.updated_at),
    }
