"""Questions: the period and the query parameters that the analyses of journeys share. No SQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from litestar.params import QueryParameter

from adplanning_plugin.kernel.days import day_of, day_range, now, rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.tracking import CONVERSION_TYPES, read_period

DEFAULT_DAYS = 30
LONGEST_DAYS = 1100

Day = Annotated[
    str | None, QueryParameter(description="A local day such as 2026-02-07, in the store's zone, or an instant.")
]
Window = Annotated[str | None, QueryParameter(description="Lookback window: days such as 30, or lifetime.")]


class Bounded(msgspec.Struct, frozen=True, kw_only=True):
    """Half-open instants."""

    start: datetime
    end: datetime


def read_dates(call: AdminCall, from_date: str | None, to_date: str | None) -> Bounded:
    """The bounded period of an analysis; without dates the last 30 local days, today included.

    Raises:
        Invalid: a date that is none, an end before its start, or more than three years.
    """
    today = day_of(now(), call.tenant.zone)
    recent = day_range(today - timedelta(days=DEFAULT_DAYS - 1), today, call.tenant.zone)
    given = read_period(call, from_date, to_date)
    end = given.end or recent[1]
    start = given.start or (recent[0] if given.end is None else end - timedelta(days=DEFAULT_DAYS))
    if end <= start:
        raise Invalid(FieldError("from_date", "after_end", "from_date must not be after to_date."))
    if end - start > timedelta(days=LONGEST_DAYS):
        raise Invalid(FieldError("from_date", "too_long", f"The period must cover at most {LONGEST_DAYS} days."))
    return Bounded(start=start, end=end)


def wire(period: Bounded, zone: str) -> dict[str, str]:
    """How an answer names its period; `to` is the first instant that is not in it."""
    return {"from": rfc3339(period.start), "to": rfc3339(period.end), "zone": zone}


def check_type(conversion_type: str) -> str:
    """The type unchanged, or `Invalid` naming the known ones."""
    if conversion_type not in CONVERSION_TYPES:
        message = f"conversion_type must be one of {', '.join(CONVERSION_TYPES)}."
        raise Invalid(FieldError("conversion_type", "unknown_type", message))
    return conversion_type
