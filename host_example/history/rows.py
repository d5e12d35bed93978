"""The things of the made-up year while it is being drawn: people, visits, orders; `History` is what comes out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

Row = tuple[Any, ...]


@dataclass(slots=True, eq=False)
class Person:
    """Somebody who buys or might. Lost people are those whose visits leave no trace."""

    email: str
    name: str
    city: str
    visitors: list[str]
    has_account: bool
    since: datetime
    number: int | None = None
    orders: int = 0


@dataclass(slots=True, eq=False)
class Visit:
    """One session. `touch`: it came from somewhere (not direct, not our own pages, not a payment page)."""

    site: int
    visitor: str
    person: Person | None
    started: datetime
    ended: datetime
    url: str
    referrer: str | None
    campaign: int | None
    touch: bool
    device: str
    pages: int
    plain_url: str = ""
    """`url` with tags that name the campaign."""
    logged_in: bool = False
    number: int = 0


@dataclass(slots=True, eq=False)
class Order:
    """One purchase with what the generator knows about where it came from."""

    placed: datetime
    channel: str
    person: Person | None
    email: str | None
    items: list[tuple[int, int]]
    visit: Visit | None = None
    join: str | None = None
    lost: str | None = None
    campaign: int | None = None
    renewal: int | None = None
    site: int | None = None
    number: int = 0
    total_minor: int = 0
    values: dict[str, Any] = field(default_factory=dict)


@dataclass
class History:
    """Rows by table, in the column order of `columns`, and the truth about them."""

    seed: int
    end_day: date
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    truth_orders: list[Row] = field(default_factory=list)
    """(order number, shop, campaign number or None, lost cause or None)"""
    truth_spend: list[Row] = field(default_factory=list)
    """(shop, campaign number, day, minor units, currency)"""

    def add(self, table: str, columns: tuple[str, ...], rows: list[Row]) -> None:
        """More rows of a table."""
        self.columns.setdefault(table, columns)
        self.rows.setdefault(table, []).extend(rows)

    def digest(self) -> str:
        """Equal for equal histories; of what depends on a secret (signatures, salts), whether it is there."""
        found = hashlib.sha256()
        for table in sorted(self.rows):
            secret = {i for i, name in enumerate(self.columns[table]) if name in ("visitor_token", "password_hash")}
            for row in self.rows[table]:
                kept = [value is not None if i in secret else value for i, value in enumerate(row)] if secret else row
                found.update(repr((table, kept)).encode())
        for row in (*self.truth_orders, *self.truth_spend):
            found.update(repr(row).encode())
        return found.hexdigest()
