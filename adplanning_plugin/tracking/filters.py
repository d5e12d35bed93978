"""Filters of conversions as query parameters, the same for the list and for its figures. What they mean is SQL's."""

from __future__ import annotations

from datetime import datetime

from litestar.di import NamedDependency
from litestar.params import FromQuery

from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.money import check_currency, to_minor
from adplanning_plugin.tracking.checks import read_bound
from adplanning_plugin.tracking.repository import ConversionFilter
from adplanning_plugin.tracking.stats import Period
from adplanning_plugin.tracking.vocabulary import (
    ConversionOrigin,
    ConversionStatus,
    ConversionType,
    Platform,
    SalesChannel,
)


async def conversion_filter(
    *,
    call: NamedDependency[AdminCall],
    conversion_type: FromQuery[ConversionType | None] = None,
    platform: FromQuery[Platform | None] = None,
    status: FromQuery[ConversionStatus | None] = None,
    origin: FromQuery[ConversionOrigin | None] = None,
    from_date: FromQuery[str | None] = None,
    to_date: FromQuery[str | None] = None,
    ad_campaign_id: FromQuery[str | None] = None,
    ad_set_id: FromQuery[str | None] = None,
    ad_id: FromQuery[str | None] = None,
    source: FromQuery[str | None] = None,
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
) -> ConversionFilter:
    """Dates are days of the store's zone, the last one included, or instants.

    `min_value` and `max_value` are in major units of `currency`, or of the store's where none is given, and find only
    conversions of that currency. `source` is the one that the list shows: of the last touch that was not direct.
    """
    bounds = min_value is not None or max_value is not None
    code = check_currency(currency or call.tenant.currency) if currency or bounds else None
    period = read_period(call, from_date, to_date)
    return ConversionFilter(
        conversion_type=conversion_type,
        platform=platform,
        status=status,
        origin=origin,
        start=period.start,
        end=period.end,
        ad_campaign_id=ad_campaign_id,
        ad_set_id=ad_set_id,
        ad_id=ad_id,
        source=source,
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


def read_period(call: AdminCall, from_date: str | None, to_date: str | None) -> Period:
    """The period of two filters, in the store's zone."""
    start = read_bound(from_date, "from_date", call.tenant.zone, end=False)
    end = read_bound(to_date, "to_date", call.tenant.zone, end=True)
    _refuse_reversed(start, end)
    return Period(start=start, end=end)


def _refuse_reversed(start: datetime | None, end: datetime | None) -> None:
    if start is not None and end is not None and end <= start:
        raise Invalid(FieldError("to_date", "before_from_date", "to_date must not be before from_date."))
