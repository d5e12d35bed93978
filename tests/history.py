"""The example store's year for tests that need it to end yesterday."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from host_example.history import plan, year

FIRST_DAY = date(2025, 11, 21)


@contextmanager
def same_every_day() -> Iterator[None]:
    """Inside, a year has the same weekdays and seasons whichever day it ends on.

    What a test looks for in a small year is there on every day of the calendar, or on none.
    """
    drawn = year.demand

    def demand(shop: plan.ShopPlan, _: date, index: int) -> float:
        return drawn(shop, FIRST_DAY + timedelta(days=index), index)

    year.demand = demand
    try:
        yield
    finally:
        year.demand = drawn
