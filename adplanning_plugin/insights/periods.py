"""Periods: which local days a report covers, in whose zone, and the equal period before it."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Date, DateTime, bindparam, case, cast, func

from adplanning_plugin.hookspecs import MetricsQuery
from adplanning_plugin.kernel import days
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.runtime import Tenant

DEFAULT_DAYS = 30
LONGEST_DAYS = 1100
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
_BOUNDS = ("start", "end")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Local days `first`…`last` (inclusive) of a zone, and the UTC instants that bound them."""

    first: date
    last: date
    zone: str
    start: datetime
    end: datetime

    def before(self) -> Period:
        """The period of equal length that ends the day before this one."""
        first, last = days.previous_period(self.first, self.last)
        return period_of(first, last, self.zone)

    def wire(self) -> dict[str, str]:
        """How an answer names it."""
        return {"from_date": self.first.isoformat(), "to_date": self.last.isoformat(), "zone": self.zone}

    def values(self) -> dict[str, Any]:
        """What a statement over `any_period` is executed with."""
        return {"period_first": self.first, "period_last": self.last, "period_start": self.start,
                "period_end": self.end}  # fmt: skip

    def query(self, tenant: Tenant) -> MetricsQuery:
        """The question put to registered sections."""
        return MetricsQuery(
            tenant_id=tenant.id,
            first=self.first,
            last=self.last,
            start=self.start,
            end=self.end,
            zone=self.zone,
            currency=tenant.currency,
        )


def period_of(first: date, last: date, zone: str) -> Period:
    """The period of those local days."""
    start, end = days.day_range(first, last, zone)
    return Period(first=first, last=last, zone=zone, start=start, end=end)


@lru_cache(maxsize=64)
def any_period(zone: str) -> Period:
    """A period of parameters: a statement over it is built once and executed with each period's `values`."""
    day: dict[str, Any] = {each: bindparam(f"period_{each}", type_=Date) for each in ("first", "last")}
    instant: dict[str, Any] = {each: bindparam(f"period_{each}", type_=DateTime(timezone=True)) for each in _BOUNDS}
    return Period(zone=zone, **day, **instant)


def read_period(from_date: str | None, to_date: str | None, zone: str, *, now: datetime | None = None) -> Period:
    """The period a caller asks for; without dates the last 30 local days, today included.

    Raises:
        Invalid: a date that is none, an end before its start, or more than three years.
    """
    today = days.day_of(now or days.now(), zone)
    given: dict[str, date] = {}
    wrong: list[FieldError] = []
    for field, value in (("from_date", from_date), ("to_date", to_date)):
        try:
            if value is not None:
                given[field] = read_day(value, field)
        except Invalid as error:
            wrong += error.errors
    if wrong:
        raise Invalid(*wrong)
    last = given.get("to_date", today)
    first = given.get("from_date", last - timedelta(days=DEFAULT_DAYS - 1))
    if first > last:
        raise Invalid(FieldError("from_date", "after_end", "from_date must not be after to_date."))
    if (last - first).days >= LONGEST_DAYS:
        message = f"from_date to to_date must cover at most {LONGEST_DAYS} days."
        raise Invalid(FieldError("from_date", "too_long", message))
    return period_of(first, last, zone)


def read_day(value: str, field: str) -> date:
    """A day as the wire writes it.

    Raises:
        Invalid: no such day, or one outside this century.
    """
    try:
        day = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None:
        raise Invalid(FieldError(field, "not_a_day", f"{field} must be a day such as 2026-02-07."))
    if not EARLIEST <= day <= LATEST:
        raise Invalid(FieldError(field, "out_of_range", f"{field} must lie between {EARLIEST} and {LATEST}."))
    return day


def local_day(instant: ColumnElement[datetime], zone: str) -> ColumnElement[date]:
    """SQL: the local calendar day of a timestamptz."""
    return cast(func.timezone(zone, instant), Date)


def rate_day(day: ColumnElement[date], currency: ColumnElement[str], quote: str) -> ColumnElement[date | None]:
    """SQL: the day whose rate turns `currency` into `quote`; NULL where none is needed, so that days group into one."""
    return case((currency != quote, day)).label("day")
