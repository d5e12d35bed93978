"""Days: what a local day holds, also where clocks change, and what is no time at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from adplanning_plugin.kernel import days
from adplanning_plugin.kernel.errors import Invalid


def test_a_local_day_in_kolkata_begins_at_1830_utc_the_day_before():
    start, end = days.day_range(date(2026, 2, 7), date(2026, 2, 7), "Asia/Kolkata")
    assert (start, end) == (datetime(2026, 2, 6, 18, 30, tzinfo=UTC), datetime(2026, 2, 7, 18, 30, tzinfo=UTC))
    assert days.day_of(start, "Asia/Kolkata") == date(2026, 2, 7)
    assert days.day_of(start - timedelta(microseconds=1), "Asia/Kolkata") == date(2026, 2, 6)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_a_day_is_as_long_as_its_clocks_say(day, hours):
    start, end = days.day_range(day, day, "Europe/Berlin")
    assert end - start == timedelta(hours=hours)


def test_the_period_before_is_as_long_and_ends_the_day_before():
    assert days.previous_period(date(2026, 3, 1), date(2026, 3, 30)) == (date(2026, 1, 30), date(2026, 2, 28))


@pytest.mark.parametrize("value", ["yesterday", "2026-02-07", "2026-02-07T10:00:00", "2026-13-01T00:00:00Z", ""])
def test_a_time_without_an_offset_is_no_instant(value):
    with pytest.raises(Invalid, match="from_date must be an RFC 3339 time"):
        days.parse_instant(value, "from_date")


@pytest.mark.parametrize("name", ["Kolkata", "../etc/passwd", "", "Europe/Atlantis", "/etc/localtime"])
def test_an_unknown_zone_is_refused_with_an_example(name):
    with pytest.raises(Invalid, match="IANA name"):
        days.zone(name)


def test_an_instant_goes_out_as_utc_with_a_z():
    assert days.rfc3339(days.parse_instant("2026-02-07T10:00:00+05:30", "at")) == "2026-02-07T04:30:00Z"
