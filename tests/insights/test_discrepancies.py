"""Discrepancies: the parts sum to the difference, each cause alone has its figure, and what is missing is named."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tests.insights.books import CSV, END, FIRST, Shop, days, line

ALPHA, BETA = (
    "utm_source=facebook&utm_medium=cpc&utm_campaign=Alpha",
    "utm_source=google&utm_medium=cpc&utm_campaign=Beta",
)
LAST = END - timedelta(days=3)
WEEK = days(LAST - timedelta(days=6), LAST)
CAUSES = [
    "refunds", "not_counted", "shared_credit", "window", "date_basis", "zone", "currency", "view_through",
    "not_consented", "not_explained",
]  # fmt: skip


def noon(back: int) -> datetime:
    return datetime.combine(LAST - timedelta(days=back), time(6, 30), UTC)  # midday in Kolkata


def assert_sums(row: dict[str, Any]) -> None:
    """The parts that have a figure sum to the difference, exactly."""
    assert [part["cause"] for part in row["parts"]] == CAUSES
    if row["difference"]["value_minor"] is not None:
        known = [part["value_minor"] for part in row["parts"] if part["value_minor"] is not None]
        assert (
            sum(known) == row["difference"]["value_minor"] == row["claimed"]["value_minor"] - row["ours"]["value_minor"]
        )
    if row["difference"]["conversions"] is not None:
        counts = [Decimal(str(part["conversions"])) for part in row["parts"] if part["conversions"] is not None]
        assert sum(counts) == Decimal(str(row["difference"]["conversions"]))


def parts(row: dict[str, Any]) -> dict[str, tuple[float, int]]:
    """The causes that have a figure other than nothing."""
    return {
        part["cause"]: (part["conversions"], part["value_minor"])
        for part in row["parts"]
        if part["conversions"] or part["value_minor"]
    }


async def claim(shop: Shop, campaign: int, day: date, conversions: int, value_minor: int) -> None:
    """What the platform says of a day."""
    await shop.reported(campaign, day, 1_000, clicks=1)
    await shop.execute(
        "UPDATE store.ad_daily SET claimed_conversions = :n, claimed_value_minor = :v"
        " WHERE shop_no = :shop AND ad_no = :ad AND day = :day",
        n=conversions, v=value_minor, shop=shop.number, ad=campaign, day=day,
    )  # fmt: skip


async def the_line(shop: Shop, **query: Any) -> dict[str, Any]:
    (row,) = (await shop.get("/discrepancies", **{"ad_campaign_id": "8001", "model": "last_click", **WEEK, **query}))[
        "discrepancies"
    ]
    assert_sums(row)
    return row


async def test_every_line_of_a_year_sums_by_campaign_by_platform_and_in_all(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        for model, window in (("last_click", "30"), ("linear", "7"), ("position_based", "lifetime")):
            totals = []
            for by in ("campaign", "platform"):
                found = await shop.get("/discrepancies", by=by, model=model, window=window, **days(FIRST, END))
                assert len(found["discrepancies"]) > 1
                for row in (*found["discrepancies"], found["total"]):
                    assert_sums(row)
                for side in ("claimed", "ours", "difference"):
                    values = [row[side]["value_minor"] for row in found["discrepancies"] if row["state"] == "ok"]
                    assert sum(values) == found["total"][side]["value_minor"]
                totals.append(found["total"]["difference"]["conversions"])
            assert abs(totals[0] - totals[1]) < 0.01


async def test_ours_is_the_revenue_of_roi(khadi: Shop) -> None:
    query = {"model": "linear", "window": "30", **days(END - timedelta(days=59), END)}
    roi = {row["id"]: row for row in (await khadi.get("/roi", **query))["roi"]}
    rows = (await khadi.get("/discrepancies", **query))["discrepancies"]
    assert len(rows) > 3
    for row in rows:
        if row["id"] in roi:
            assert row["ours"]["value_minor"] == roi[row["id"]]["revenue_minor"]
            assert abs(row["ours"]["conversions"] - roi[row["id"]]["orders"]) < 0.001
            # Of a campaign that ran before the period the report has no figure; its platform then claims nothing.
            assert (row["claimed"]["value_minor"] or 0) == (roi[row["id"]]["platform_value_minor"] or 0)
    assert sum(row["claimed"]["value_minor"] or 0 for row in rows if row["id"] in roi) > 0


async def test_where_both_count_the_same_there_is_nothing_to_explain(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha")
    await claim(fresh, 8001, noon(1).date(), 1, 30_000)
    session = await fresh.visit(noon(1), "v1", ALPHA)
    await fresh.order(noon(1) + timedelta(hours=1), "300", session=session)
    await fresh.settle()
    row = await the_line(fresh)
    assert (row["state"], row["missing"], parts(row)) == ("ok", [], {})
    assert row["difference"] == {"conversions": 0.0, "value": "0.00", "value_minor": 0}


async def test_a_refund_and_a_cancelled_order_are_what_the_platform_keeps(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha")
    await claim(fresh, 8001, noon(1).date(), 3, 100_000)
    orders = []
    for visitor, total in (("v1", "300"), ("v2", "500")):
        session = await fresh.visit(noon(1), visitor, ALPHA)
        orders.append(await fresh.order(noon(1) + timedelta(hours=1), total, session=session))
    session = await fresh.visit(noon(1), "v3", ALPHA)
    gone = {"status": "cancelled", "cancelled_at": noon(0)}
    await fresh.order(noon(1) + timedelta(hours=1), "200", session=session, **gone)
    await fresh.refund(orders[0], 10_000, noon(0))
    await fresh.settle()
    row = await the_line(fresh)
    assert (row["ours"]["value"], row["claimed"]["value"]) == ("700.00", "1000.00")
    assert parts(row) == {"refunds": (0.0, 10_000), "not_counted": (1.0, 20_000)}


async def test_credit_that_is_shared_is_claimed_whole(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha")
    await claim(fresh, 8001, noon(3).date(), 1, 100_000)
    await fresh.visit(noon(3), "v1", ALPHA)
    last = await fresh.visit(noon(3) + timedelta(hours=1), "v1", "utm_source=news&utm_medium=email")
    await fresh.order(noon(3) + timedelta(hours=2), "1000", session=last)
    await fresh.settle()
    assert parts(await the_line(fresh, model="linear")) == {"shared_credit": (0.5, 50_000)}
    row = await the_line(fresh, model="last_click")
    assert parts(row) == {"shared_credit": (1.0, 100_000)}
    assert line(row["parts"], cause="shared_credit")["sentence"].endswith("or all, by last click.")
    assert parts(await the_line(fresh, model="first_click")) == {}


async def test_an_order_beyond_the_platforms_window_is_not_claimed(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha")
    await claim(fresh, 8001, noon(0).date(), 0, 0)
    await fresh.visit(noon(10), "v1", ALPHA)
    await fresh.order(noon(0), "400", session=await fresh.visit(noon(0) - timedelta(hours=1), "v1", ""))
    await fresh.settle()
    row = await the_line(fresh, model="first_click")
    assert parts(row) == {"window": (-1.0, -40_000)}
    window = line(row["parts"], cause="window")
    assert "within 7 days of a click (its default); here they count within 30 days of one." in window["sentence"]
    # With a claim window as long as ours the platform puts the order on the click's day, which is not of the period.
    assert parts(await the_line(fresh, model="first_click", platform_window="30")) == {"date_basis": (-1.0, -40_000)}


async def test_orders_count_on_the_day_of_the_click_and_in_the_accounts_zone(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha", zone="America/Los_Angeles")
    await claim(fresh, 8001, LAST, 1, 30_000)
    # 20:30 in Los Angeles of the period's last day, when it is the next morning in Kolkata.
    click = datetime.combine(LAST + timedelta(days=1), time(4, 30), UTC)
    session = await fresh.visit(click, "v1", ALPHA)
    await fresh.order(click + timedelta(hours=1), "300", session=session)
    await fresh.settle()
    row = await the_line(fresh)
    assert row["ours"]["value"] == "0.00"
    assert parts(row) == {"zone": (1.0, 30_000)}
    assert "America/Los_Angeles" in line(row["parts"], cause="zone")["sentence"]
    # The order's day is the next; the click's day is of a period that ends on it.
    early = await fresh.visit(noon(0), "v2", ALPHA)
    await fresh.order(noon(-1), "50", session=early)
    await fresh.settle()
    assert parts(await the_line(fresh)) == {
        "date_basis": (1.0, 5_000),
        "zone": (1.0, 30_000),
        "not_explained": (-1.0, -5_000),
    }


async def test_what_nobody_can_know_has_no_figure_and_what_is_left_is_named(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha")
    await claim(fresh, 8001, noon(1).date(), 4, 99_900)
    await fresh.order(noon(1), "120", tracking_consent="denied")
    await fresh.settle()
    row = await the_line(fresh)
    assert parts(row) == {"not_explained": (4.0, 99_900)}
    for cause in ("view_through", "not_consented"):
        part = line(row["parts"], cause=cause)
        assert (part["state"], part["conversions"], part["value"]) == ("not_known", None, None)
    assert line(row["parts"], cause="not_consented")["up_to"] == {
        "conversions": 1.0, "value": "120.00", "value_minor": 12_000,
    }  # fmt: skip


async def test_claims_in_another_currency_are_converted_and_need_a_rate(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha", currency="USD")
    await claim(fresh, 8001, LAST, 1, 1_000)
    session = await fresh.visit(noon(0), "v1", ALPHA)
    await fresh.order(noon(0) + timedelta(minutes=5), "800", session=session)
    await fresh.settle()
    row = await the_line(fresh)
    assert row["state"] == "insufficient_data"
    assert row["missing"] == ["A rate from USD to INR is missing: add it under exchange rates."]
    assert (row["claimed"]["value"], row["difference"]["value"], row["difference"]["conversions"]) == (None, None, 0.0)
    rate = {"day": LAST.isoformat(), "base": "USD", "quote": "INR", "rate": "83", "source": "test"}
    assert (await fresh.put("/exchange-rates", {"exchange_rates": [rate]})).status_code == 200
    row = await the_line(fresh)
    assert (row["state"], row["claimed"]["value"], parts(row)) == ("ok", "830.00", {"not_explained": (0.0, 3_000)})


async def test_a_platform_that_gives_no_claims_is_insufficient_data(fresh: Shop) -> None:
    spend = {
        "day": LAST.isoformat(), "platform": "tiktok", "ad_campaign_id": "8001", "campaign_name": "Alpha",
        "currency": "INR", "spend": "50",
    }  # fmt: skip
    assert (await fresh.put("/ad-spend", {"ad_spend": [spend]})).status_code == 200
    row = await the_line(fresh)
    assert row["state"] == "insufficient_data"
    assert "link ad_insight.platform_conversions" in row["missing"][0]
    assert {part["value"] for part in row["parts"]} == {None}
    found = await fresh.get("/discrepancies", by="platform", **WEEK)
    assert [(each["platform"], each["state"]) for each in found["discrepancies"]] == [("tiktok", "insufficient_data")]
    assert found["total"]["state"] == "insufficient_data"


async def test_an_unknown_window_of_the_platform_is_refused_by_its_own_name(khadi: Shop) -> None:
    answer = await khadi.ask("/discrepancies", platform_window="8")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, "platform_window")
    assert error["message"].startswith("platform_window must be one of 1, 3, 7")


async def test_the_table_is_exported_with_a_column_for_each_cause(khadi: Shop) -> None:
    query = {"by": "platform", **days(FIRST, END)}
    rows = (await khadi.get("/discrepancies", **query))["discrepancies"]
    answer = await khadi.side.admin("GET", "/discrepancies", params=query, headers=CSV)
    exported = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["platform"] for row in exported] == [row["platform"] for row in rows]
    assert exported[0]["refunds_value"] == line(rows[0]["parts"], cause="refunds")["value"]
    assert {f"{cause}_conversions" for cause in CAUSES} <= set(exported[0])
