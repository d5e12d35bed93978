"""The shop's own books: figures by independent SQL over the host's tables, and hand-made rows for exact cases."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import httpx
from sqlalchemy import text

from adplanning_plugin.kernel.backfill import backfill
from adplanning_plugin.maintenance import settle
from tests.contract.store import Contract, Side

END = datetime.now(UTC).date() - timedelta(days=1)
FIRST = END - timedelta(days=364)
MODELS = ("last_click", "first_click", "linear", "time_decay", "position_based", "last_non_direct")
WINDOWS = ("1", "3", "7", "14", "28", "30", "90", "lifetime")
DIMENSIONS = ("campaign", "ad_set", "ad", "channel", "platform")
CSV = {"accept": "text/csv"}

# Net of discount (the total has it off), tax, shipping and gift cards; refunds in proportion to the total, all once all
# was given back; paid, not cancelled, no test. Written from the words, not from the plugin's code.
LEDGER = """
WITH given_back AS (
  SELECT purchase_no, sum(amount_minor) AS minor FROM store.purchase_refunds GROUP BY purchase_no
), kept AS (
  SELECT p.*, greatest(round(100 * (grand_total - tax_total - shipping_total - giftcard_total)), 0)::bigint AS gross,
         round(100 * grand_total)::bigint AS whole, coalesce(g.minor, 0) AS back
  FROM store.purchases p LEFT JOIN given_back g USING (purchase_no)
  WHERE shop_no = :shop AND payment IN ('paid', 'partly_refunded', 'refunded') AND status <> 'cancelled'
    AND cancelled_at IS NULL AND NOT is_test
    AND placed_at >= (CAST(:first AS timestamp) AT TIME ZONE :zone)
    AND placed_at < (CAST(:last AS timestamp) + interval '1 day') AT TIME ZONE :zone
), ledger AS (
  SELECT purchase_no, channel, renewal_no, (placed_at AT TIME ZONE :zone)::date AS day, gross,
         CASE WHEN back >= whole THEN gross
              ELSE least(gross, round(gross::numeric * back / nullif(whole, 0)))::bigint END AS refunded
  FROM kept
)
"""


@dataclass
class Shop:
    """One shop, asked over HTTP, and its books."""

    store: Contract
    side: Side
    numbers: ClassVar[itertools.count[int]] = itertools.count(9_000_000)

    @property
    def tenant(self) -> Any:
        return self.store.runtime.tenant(self.side.tenant)

    @property
    def number(self) -> int:
        return int(self.side.tenant)

    @property
    def site(self) -> int:
        """A website of the shop."""
        return {101: 11, 202: 21}[self.number]

    async def ask(self, path: str, **query: Any) -> httpx.Response:
        """A GET of the owner."""
        return await self.side.admin("GET", path, params={key: str(value) for key, value in query.items()})

    async def get(self, path: str, **query: Any) -> Any:
        """Its JSON."""
        answer = await self.ask(path, **query)
        assert answer.status_code == 200, f"{path} {query}: {answer.status_code} {answer.text}"
        return answer.json()

    async def put(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """A PUT of the owner."""
        return await self.side.admin("PUT", path, **({"json": body} if body is not None else {}), **more)

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        """Rows of a statement over the host's tables."""
        return await self.store.rows(statement, self.side.tenant, **values)

    async def revenue(self, first: date, last: date) -> tuple[int, int, int]:
        """(net revenue, refunds, orders) of the host's own ledger."""
        sums = "coalesce(sum(gross - refunded), 0)::bigint, coalesce(sum(refunded), 0)::bigint, count(*)"
        query = f"SELECT {sums} FROM ledger"
        return tuple((await self.ledger(query, first, last))[0])

    async def ledger(self, query: str, first: date, last: date) -> list[Any]:
        """A query over the ledger (purchase_no, channel, renewal_no, day, gross, refunded)."""
        return await self.sql(LEDGER + query, shop=self.number, first=first, last=last, zone=self.tenant.zone)

    async def spend(self, first: date, last: date) -> dict[str, Decimal]:
        """Minor units of the shop's currency by campaign, at the rates of `rate`."""
        rows = await self.sql(
            """SELECT c.campaign_no::text AS campaign, d.day, a.currency, sum(d.spend_minor)::bigint AS minor
            FROM store.ad_daily d JOIN store.ads USING (ad_no) JOIN store.ad_sets s USING (ad_set_no)
            JOIN store.ad_campaigns c ON c.campaign_no = s.campaign_no
            JOIN store.ad_accounts a ON a.account_no = c.account_no
            WHERE d.shop_no = :shop AND d.day BETWEEN :first AND :last GROUP BY 1, 2, 3""",
            shop=self.number,
            first=first,
            last=last,
        )
        found: dict[str, Decimal] = {}
        for row in rows:
            factor = Decimal(1) if row.currency == self.tenant.currency else Decimal(rate(row.day, 83.4))
            found[row.campaign] = found.get(row.campaign, Decimal(0)) + row.minor * factor
        return found

    async def settle(self) -> None:
        """Take in what the store has, and deliver all work."""
        await backfill(self.store.runtime, self.side.tenant)
        await settle(self.store.plugin, self.side.tenant)

    async def insert(self, table: str, **values: Any) -> None:
        """One row of a host table."""
        given = ", ".join(f":{name}" for name in values)
        await self.execute(f"INSERT INTO store.{table} ({', '.join(values)}) VALUES ({given})", **values)

    async def execute(self, statement: str, **values: Any) -> None:
        """A statement without rows."""
        async with self.store.runtime.database.transaction(self.side.tenant) as session:
            await session.execute(text(statement), values)

    async def campaign(self, number: int, title: str, *, currency: str = "INR", zone: str = "Asia/Kolkata") -> None:
        """A campaign with one ad set and one ad, in an account of its own; all have the same number."""
        then = datetime(2025, 1, 1, tzinfo=UTC)
        mine = {"shop_no": self.number, "title": title, "status": "ACTIVE", "external_id": f"x{number}"}
        await self.insert("ad_accounts", account_no=number, network="meta", timezone=zone, currency=currency, **mine)
        await self.insert(
            "ad_campaigns", campaign_no=number, account_no=number, site_no=self.site, objective="SALES",
            daily_budget_minor=100, starts_on=then.date(), created_at=then, updated_at=then, **mine,
        )  # fmt: skip
        await self.insert("ad_sets", ad_set_no=number, campaign_no=number, **mine)
        await self.insert("ads", ad_no=number, ad_set_no=number, **mine)

    async def reported(self, campaign: int, day: date, spend_minor: int, clicks: int = 0, impressions: int = 0) -> None:
        """What the platform reports of the campaign's ad."""
        await self.insert(
            "ad_daily", daily_no=next(self.numbers), shop_no=self.number, ad_no=campaign, day=day,
            spend_minor=spend_minor, impressions=impressions, clicks=clicks, leads=0, claimed_conversions=0,
            claimed_value_minor=0,
        )  # fmt: skip

    async def visit(self, at: datetime, visitor: str, query: str) -> int:
        """A session of the host's own analytics; returns its number."""
        number = next(self.numbers)
        await self.insert(
            "web_sessions", session_no=number, shop_no=self.number, site_no=self.site, visitor_uid=visitor,
            started_at=at, ended_at=at + timedelta(minutes=5), landing_url=f"https://shop.example/?{query}",
            device="desktop", country="IN", consent="granted", page_count=1,
        )  # fmt: skip
        return number

    async def order(
        self, at: datetime, total: str, *, session: int | None = None, cost: str | None = None, **more: Any
    ) -> int:
        """A paid online order of one line without tax or shipping."""
        number = next(self.numbers)
        amount, nothing = Decimal(total), Decimal(0)
        given: dict[str, Any] = {
            "purchase_no": number, "shop_no": self.number, "site_no": self.site, "email": f"p{number}@x.example",
            "channel": "web", "status": "completed", "payment": "paid", "is_test": False,
            "currency": self.tenant.currency, "items_total": amount, "discount_total": nothing, "tax_total": nothing,
            "shipping_total": nothing, "grand_total": amount, "giftcard_total": nothing, "web_session_no": session,
            "tracking_consent": "granted", "placed_at": at, "updated_at": at, **more,
        }  # fmt: skip
        await self.insert("purchases", **given)
        await self.insert(
            "purchase_lines", line_no=next(self.numbers), shop_no=self.number, purchase_no=number, sku="x",
            title="Thing", quantity=1, unit_price=amount, line_total=amount,
            unit_cost=None if cost is None else Decimal(cost),
        )  # fmt: skip
        return number

    async def refund(self, order: int, minor: int, at: datetime) -> None:
        """Money given back."""
        await self.insert(
            "purchase_refunds", refund_no=next(self.numbers), shop_no=self.number, purchase_no=order,
            amount_minor=minor, reason="returned", refunded_at=at,
        )  # fmt: skip
        await self.execute(
            "UPDATE store.purchases SET payment = 'partly_refunded', updated_at = :at WHERE purchase_no = :order",
            order=order, at=at,
        )  # fmt: skip


def rate(day: date, level: float) -> str:
    """The rate that tests state for a day."""
    return f"{level * (1 + 0.01 * math.sin(day.toordinal() / 23)):.4f}"


def rate_rows(level: float, base: str = "USD", quote: str = "INR") -> list[dict[str, str]]:
    """A rate for each day of the year and the week before."""
    days = [FIRST - timedelta(days=7) + timedelta(days=index) for index in range(374)]
    return [
        {"day": day.isoformat(), "base": base, "quote": quote, "rate": rate(day, level), "source": "test bank"}
        for day in days
    ]


def days(first: date, last: date | None = None) -> dict[str, str]:
    """The query of a period; of one day without `last`."""
    return {"from_date": first.isoformat(), "to_date": (last or first).isoformat()}


def line(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    """The one row with these values."""
    found = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    assert len(found) == 1, f"{len(found)} rows with {wanted}"
    return found[0]
