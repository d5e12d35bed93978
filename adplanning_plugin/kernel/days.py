"""Days: which instants a local day or month holds in a named zone. Instants are UTC everywhere else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adplanning_plugin.kernel.errors import FieldError, Invalid

_GRACE = timedelta(minutes=10)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """The IANA zone, or `Invalid` naming what a zone looks like."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = "zone must be an IANA name such as Asia/Kolkata or Europe/Berlin."
        raise Invalid(FieldError("zone", "unknown_zone", message)) from error


def day_of(instant: datetime, zone_name: str) -> date:
    """The local calendar day of an aware instant."""
    return instant.astimezone(zone(zone_name)).date()


def day_start(day: date, zone_name: str) -> datetime:
    """The UTC instant at which the local day begins (the first valid one where midnight is skipped)."""
    return datetime(day.year, day.month, day.day, tzinfo=zone(zone_name)).astimezone(UTC)


def day_range(first: date, last: date, zone_name: str) -> tuple[datetime, datetime]:
    """Half-open UTC range `[start, end)` that holds the local days first…last inclusive."""
    return day_start(first, zone_name), day_start(last + timedelta(days=1), zone_name)


def previous_period(first: date, last: date) -> tuple[date, date]:
    """The period of equal length that ends the day before `first`."""
    length = (last - first).days + 1
    return first - timedelta(days=length), first - timedelta(days=1)


def parse_instant(value: str, field: str) -> datetime:
    """An aware UTC instant from RFC 3339, or `Invalid`; a zone offset is required."""
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        message = f"{field} must be an RFC 3339 time with an offset, such as 2026-02-07T10:00:00Z."
        raise Invalid(FieldError(field, "not_a_time", message))
    return instant.astimezone(UTC)


def parse_past(value: str, field: str) -> datetime:
    """An instant of what has happened: not in the future (ten minutes' grace for clocks), nor before 1990."""
    instant = parse_instant(value, field)
    if instant > now() + _GRACE:
        raise Invalid(FieldError(field, "in_the_future", f"{field} must not be in the future."))
    if instant < _EARLIEST:
        raise Invalid(FieldError(field, "too_early", f"{field} must not be before 1990."))
    return instant


def rfc3339(instant: datetime) -> str:
    """The wire form of an instant: UTC, `Z`."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
