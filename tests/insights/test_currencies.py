"""Currencies: money is converted at a stated rate that the answer names, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from adplanning_plugin import hookimpl
from tests.insights.books import END, Shop, days, line

DAY = END - timedelta(days=10)
BOTH = days(DAY, DAY + timedelta(days=1))


def at(day: date) -> datetime:
    return datetime.combine(day, time(6, 30), UTC)


async def two_accounts(shop: Shop) -> None:
    """Alpha costs ₹100 on the first day and $10 of Gamma on the second; two orders, one a day."""
    await shop.campaign(8001, "Alpha")
    await shop.campaign(8003, "Gamma", currency="USD", zone="America/Los_Angeles")
    await shop.reported(8001, DAY, 10_000, clicks=5, impressions=50)
    await shop.reported(8003, DAY + timedelta(days=1), 1_000, clicks=5, impressions=50)
    for day, name in ((DAY, "Alpha"), (DAY + timedelta(days=1), "Gamma")):
        session = await shop.visit(at(day), name, f"utm_source=facebook&utm_medium=cpc&utm_campaign={name}")
        await shop.order(at(day) + timedelta(hours=1), "600", session=session)
    await shop.settle()


async def state(shop: Shop, day: date, base: str, quote: str, rate: str, source: str = "bank") -> None:
    row = {"day": day.isoformat(), "base": base, "quote": quote, "rate": rate, "source": source}
    answer = await shop.put("/exchange-rates", {"exchange_rates": [row]})
    assert answer.status_code == 200, answer.text


async def test_without_a_rate_exactly_the_figures_that_need_it_are_null_and_the_currency_is_named(fresh: Shop) -> None:
    await two_accounts(fresh)
    answer = await fresh.get("/roi", **BOTH)
    assert answer["missing_rates"] == ["USD"]
    assert answer["rates"] == []
    alpha, gamma = line(answer["roi"], id="8001"), line(answer["roi"], id="8003")
    assert (alpha["spend"], alpha["roas"], alpha["revenue"]) == ("100.00", 6.0, "600.00")
    unknown = ("spend", "spend_minor", "roas", "roi", "cac", "cpa", "cpc", "new_customer_roas")
    assert [gamma[name] for name in unknown] == [None] * len(unknown)
    assert (gamma["revenue"], gamma["clicks"], gamma["ctr"], gamma["margin"]) == ("600.00", 5, 0.1, None)
    total = answer["total"]
    assert [total[name] for name in ("spend", "roas", "mer", "cac", "cpa", "cpc")] == [None] * 6
    assert (total["revenue"], total["attributed_revenue"], total["ctr"]) == ("1200.00", "1200.00", 0.1)
    points = (await fresh.get("/trends", **BOTH))["trends"]
    assert [(point["spend"], point["roas"], point["revenue"]) for point in points] == [
        ("100.00", 6.0, "600.00"),
        (None, None, "600.00"),
    ]
    # On the first day alone nothing needs a rate.
    first = await fresh.get("/roi", **days(DAY))
    assert (first["missing_rates"], first["total"]["spend"], first["total"]["mer"]) == ([], "100.00", 6.0)
    board = (await fresh.get("/dashboard", **BOTH))["dashboard"]
    assert (board["kpis"]["spend"], board["kpis"]["missing_rates"]) == (None, ["USD"])


async def test_the_newest_rate_of_at_most_31_days_converts_and_is_named_with_day_and_source(fresh: Shop) -> None:
    await two_accounts(fresh)
    spent = DAY + timedelta(days=1)
    await state(fresh, spent - timedelta(days=31), "USD", "INR", "70")
    assert (await fresh.get("/roi", **BOTH))["missing_rates"] == ["USD"]
    await state(fresh, spent - timedelta(days=30), "USD", "INR", "75")
    await state(fresh, spent + timedelta(days=1), "USD", "INR", "99")
    answer = await fresh.get("/roi", **BOTH)
    assert (line(answer["roi"], id="8003")["spend"], answer["total"]["spend"]) == ("750.00", "850.00")
    await state(fresh, spent, "INR", "USD", "0.0125", "central bank")
    answer = await fresh.get("/roi", **BOTH)
    (used,) = answer["rates"]
    assert line(answer["roi"], id="8003")["spend"] == "800.00"
    assert (used["base"], used["quote"], used["rate"], used["day"], used["source"]) == (
        "USD", "INR", "80", spent.isoformat(), "central bank",
    )  # fmt: skip
    assert (used["used_from"], used["used_to"]) == (spent.isoformat(), spent.isoformat())
    await state(fresh, spent, "USD", "INR", "81.5")
    assert line((await fresh.get("/roi", **BOTH))["roi"], id="8003")["spend"] == "815.00"
    await state(fresh, spent, "USD", "INR", "82")
    assert line((await fresh.get("/roi", **BOTH))["roi"], id="8003")["spend"] == "820.00"


async def test_minor_units_of_each_currency_are_its_own(fresh: Shop) -> None:
    rows = [
        {"day": DAY.isoformat(), "platform": "google", "ad_campaign_id": "yen", "spend": "1000", "currency": "JPY"},
        {"day": DAY.isoformat(), "platform": "google", "ad_campaign_id": "dinar", "spend": "1.234", "currency": "KWD"},
    ]
    assert (await fresh.put("/ad-spend", {"ad_spend": rows})).json()["changed"] == 2
    await state(fresh, DAY, "JPY", "INR", "0.55")
    await state(fresh, DAY, "KWD", "INR", "270.5")
    found = (await fresh.get("/roi", **days(DAY)))["roi"]
    assert line(found, id="yen")["spend"] == "550.00"
    assert line(found, id="dinar")["spend"] == "333.80"


async def test_lines_and_buckets_of_converted_money_sum_to_the_rounded_whole(fresh: Shop) -> None:
    rows = [
        {"day": (DAY + timedelta(days=n)).isoformat(), "platform": "meta", "ad_campaign_id": f"c{n}", "spend": "0.01",
         "currency": "USD"}
        for n in range(3)
    ]  # fmt: skip
    assert (await fresh.put("/ad-spend", {"ad_spend": rows})).status_code == 200
    await state(fresh, DAY, "USD", "INR", "0.5")
    period = days(DAY, DAY + timedelta(days=2))
    answer = await fresh.get("/roi", **period)
    assert answer["total"]["spend_minor"] == 2
    assert sorted(row["spend_minor"] for row in answer["roi"]) == [0, 1, 1]
    points = (await fresh.get("/trends", **period))["trends"]
    assert sum(point["spend_minor"] for point in points) == 2


class Bank:
    """A source of rates, which remembers what it was asked."""

    name = "the bank"

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str], date, date]] = []
        self.rows: list[Mapping[str, Any]] = []

    async def rates(
        self, base: str, quotes: Sequence[str], first: datetime, last: datetime
    ) -> Sequence[Mapping[str, Any]]:
        self.asked.append((base, list(quotes), first.date(), last.date()))
        return self.rows

    @hookimpl
    def register_exchange_rates(self) -> Sequence[Any]:
        return (self,)


async def test_the_job_asks_registered_sources_for_what_the_money_needs(fresh: Shop) -> None:
    await two_accounts(fresh)
    bank, spent = Bank(), DAY + timedelta(days=1)
    bank.rows = [{"day": spent, "base": "INR", "quote": "USD", "rate": Decimal("0.0125"), "note": "not kept"}]
    fresh.store.runtime.hooks.register(bank)
    await run_job(fresh)
    ((base, quotes, first, last),) = bank.asked
    assert (base, quotes, first) == ("INR", ["USD"], spent)
    assert last >= END
    stored = (await fresh.get("/exchange-rates"))["exchange_rates"]
    assert [(row["rate"], row["source"], row["day"]) for row in stored] == [("0.0125", "the bank", spent.isoformat())]
    assert line((await fresh.get("/roi", **BOTH))["roi"], id="8003")["spend"] == "800.00"
    await run_job(fresh)
    assert bank.asked[1][2] == spent - timedelta(days=7), "what was told is asked again for a week only"


async def test_a_source_that_tells_nonsense_stores_nothing_and_is_named(fresh: Shop) -> None:
    await two_accounts(fresh)
    bank = Bank()
    good = {"day": DAY, "base": "USD", "quote": "INR", "rate": "80"}
    bank.rows = [good, {**good, "rate": "-1"}]
    fresh.store.runtime.hooks.register(bank)
    await run_job(fresh)
    assert (await fresh.get("/exchange-rates"))["count"] == 0
    errors = await fresh.sql(
        "SELECT last_error AS error FROM adplanning.work_item WHERE kind LIKE '%fetch-exchange-rates%'"
    )
    assert any(row.error and "the bank" in row.error for row in errors), errors


async def run_job(shop: Shop) -> None:
    asked = await shop.side.admin("POST", "/operations/jobs/fetch-exchange-rates/run", json={})
    assert asked.is_success, asked.text
    await shop.store.work(shop.side.tenant)
