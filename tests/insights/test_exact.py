"""Hand-made cases whose every figure is known: splits, refunds, margins, click dates, days and what is still due."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from adplanning_plugin.kernel.backfill import backfill
from tests.insights.books import END, Shop, days, line

ALPHA, BETA = (
    "utm_source=facebook&utm_medium=cpc&utm_campaign=Alpha",
    "utm_source=facebook&utm_medium=cpc&utm_campaign=Beta",
)
LAST = END - timedelta(days=3)
WEEK = days(LAST - timedelta(days=6), LAST)


def noon(back: int) -> datetime:
    return datetime.combine(LAST - timedelta(days=back), time(6, 30), UTC)  # midday in Kolkata


async def two_touches(shop: Shop) -> int:
    """Alpha's click, three days later Beta's, two days later an order of ₹1,000.01 whose goods cost ₹400."""
    await shop.campaign(8001, "Alpha")
    await shop.campaign(8002, "Beta")
    await shop.reported(8001, noon(5).date(), 10_000, clicks=4, impressions=100)
    await shop.reported(8002, noon(2).date(), 5_000, clicks=2, impressions=100)
    await shop.visit(noon(5), "v1", ALPHA)
    last = await shop.visit(noon(2), "v1", BETA)
    return await shop.order(noon(0), "1000.01", session=last, cost="400")


async def test_an_order_is_split_to_the_paisa_by_each_model(fresh: Shop) -> None:
    await two_touches(fresh)
    await fresh.settle()
    expected = {
        "last_click": (0, 100_001),
        "first_click": (100_001, 0),
        "linear": (50_001, 50_000),
        "position_based": (50_001, 50_000),
        "last_non_direct": (0, 100_001),
    }
    for model, (alpha, beta) in expected.items():
        rows = (await fresh.get("/roi", model=model, **WEEK))["roi"]
        assert (line(rows, id="8001")["revenue_minor"], line(rows, id="8002")["revenue_minor"]) == (alpha, beta), model
        assert sum(row["revenue_minor"] for row in rows) == 100_001
    row = line((await fresh.get("/roi", model="linear", **WEEK))["roi"], id="8001")
    assert (row["orders"], row["new_customers"], row["clicks"], row["ctr"]) == (0.5, 0.5, 4, 0.04)
    assert (row["cpc"], row["cpa"], row["cac"], row["roas"], row["roi"]) == (
        "25.00",
        "200.00",
        "200.00",
        5.0001,
        4.0001,
    )
    assert row["new_customer_roas"] == 5.0001
    assert row["name"] == "Alpha"


async def test_a_refund_takes_revenue_and_cost_by_the_original_weights(fresh: Shop) -> None:
    order = await two_touches(fresh)
    await fresh.settle()
    before = (await fresh.get("/roi", model="linear", **WEEK))["total"]
    assert (before["revenue_minor"], before["margin_minor"]) == (100_001, 60_001)
    await fresh.refund(order, 50_000, noon(0) + timedelta(hours=1))
    await fresh.settle()
    answer = await fresh.get("/roi", model="linear", **WEEK)
    alpha, beta = (line(answer["roi"], id=key) for key in ("8001", "8002"))
    assert (alpha["revenue_minor"], alpha["refunds_minor"]) == (25_001, 25_000)
    assert (beta["revenue_minor"], beta["refunds_minor"]) == (25_000, 25_000)
    assert (answer["total"]["revenue_minor"], answer["total"]["refunds_minor"]) == (50_001, 50_000)
    # Of ₹400.00, 50,001 / 100,001 stays with the goods that were kept.
    assert answer["total"]["margin_minor"] == 50_001 - 20_000
    assert alpha["margin_minor"] + beta["margin_minor"] == answer["total"]["margin_minor"]
    await fresh.refund(order, 50_001, noon(0) + timedelta(hours=2))
    await fresh.settle()
    answer = await fresh.get("/roi", model="linear", **WEEK)
    assert {row["revenue_minor"] for row in answer["roi"]} == {0}
    assert (answer["total"]["revenue"], answer["total"]["margin"]) == ("0.00", "0.00")


async def test_margin_is_of_orders_that_carry_a_cost_and_of_no_other(fresh: Shop) -> None:
    await fresh.order(noon(1), "300")
    await fresh.settle()
    answer = await fresh.get("/roi", **WEEK)
    assert answer["total"]["margin"] is None
    assert {row["margin"] for row in answer["roi"]} == {None}
    await fresh.order(noon(1), "500", cost="120.50")
    await fresh.settle()
    answer = await fresh.get("/roi", **WEEK)
    assert (answer["total"]["revenue"], answer["total"]["margin"]) == ("800.00", "379.50")


async def test_by_click_date_credit_lies_on_the_day_of_the_click(fresh: Shop) -> None:
    await two_touches(fresh)
    await fresh.settle()
    clicked = days(noon(5).date())
    answer = await fresh.get("/roi", model="linear", basis="click", **clicked)
    (row,) = answer["roi"]
    assert (row["id"], row["revenue_minor"], row["spend_minor"], row["roas"]) == ("8001", 50_001, 10_000, 5.0001)
    assert (answer["total"]["lines_revenue_minor"], answer["total"]["revenue_minor"]) == (50_001, 0)
    assert answer["basis"] == "click"
    by_order = await fresh.get("/roi", model="linear", **clicked)
    assert line(by_order["roi"], id="8001")["revenue_minor"] == 0
    # Within three days of the order there is Beta's click alone, so Alpha's earned nothing.
    short = await fresh.get("/roi", model="linear", basis="click", window="3", **clicked)
    assert line(short["roi"], id="8001")["revenue_minor"] == 0


async def test_orders_unpaid_cancelled_or_for_a_test_are_no_revenue_and_the_rest_is_unattributed(
    fresh: Shop,
) -> None:
    await fresh.order(noon(1), "100")
    await fresh.order(noon(1), "1000", payment="pending")
    await fresh.order(noon(1), "1000", is_test=True)
    await fresh.order(noon(1), "1000", status="cancelled", cancelled_at=noon(0))
    await fresh.order(
        noon(1), "100", discount_total=10, tax_total=18, shipping_total=5, giftcard_total=7, items_total=87
    )
    await fresh.settle()
    answer = await fresh.get("/roi", **WEEK)
    (row,) = answer["roi"]
    assert (row["kind"], row["name"], row["revenue"], row["orders"]) == ("unattributed", "Unattributed", "170.00", 2.0)
    assert [answer["total"][name] for name in ("roas", "mer", "cac", "cpa", "cpc", "ctr", "new_customer_roas")] == [
        None
    ] * 7
    assert answer["total"]["spend"] == "0.00"


async def test_orders_whose_credit_is_due_are_a_line_of_their_own(fresh: Shop) -> None:
    await fresh.order(noon(1), "250")
    await backfill(fresh.store.runtime, fresh.side.tenant)
    await fresh.execute("DELETE FROM adplanning.credit WHERE tenant_id = :tenant", tenant=fresh.side.tenant)
    answer = await fresh.get("/roi", **WEEK)
    row = line(answer["roi"], kind="pending")
    assert (row["revenue"], row["orders"], row["name"]) == ("250.00", 1.0, "Credit not computed yet")
    assert answer["total"]["lines_revenue"] == answer["total"]["revenue"] == "250.00"


async def test_a_day_is_the_shops_own_from_midnight_to_midnight(fresh: Shop) -> None:
    midnight = datetime.combine(LAST, time(), UTC) - timedelta(hours=5, minutes=30)
    await fresh.order(midnight - timedelta(seconds=1), "1")
    await fresh.order(midnight, "20")
    await fresh.order(midnight + timedelta(hours=24) - timedelta(seconds=1), "300")
    await fresh.order(midnight + timedelta(hours=24), "4000")
    await fresh.settle()
    assert (await fresh.get("/roi", **days(LAST)))["total"]["revenue"] == "320.00"
    points = (await fresh.get("/trends", **days(LAST - timedelta(days=2), LAST + timedelta(days=1))))["trends"]
    assert [point["revenue"] for point in points] == ["0.00", "1.00", "320.00", "4000.00"]


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25)], ids=["the short day", "the long day"]
)
async def test_days_on_which_clocks_change_hold_all_their_hours(fresh_berlin: Shop, day: date, hours: int) -> None:
    begins = datetime.combine(day, time(), UTC) - timedelta(hours=1 if hours == 23 else 2)
    for hour in range(-1, hours + 1):
        await fresh_berlin.order(begins + timedelta(hours=hour, minutes=30), "1" if 0 <= hour < hours else "100")
    await fresh_berlin.settle()
    points = (await fresh_berlin.get("/trends", **days(day - timedelta(days=1), day + timedelta(days=1))))["trends"]
    assert [point["revenue"] for point in points] == ["100.00", f"{hours}.00", "100.00"]
    (week,) = (await fresh_berlin.get("/trends", group_by="week", **days(day)))["trends"]
    assert (week["revenue"], week["date"]) == (f"{hours}.00", (day - timedelta(days=6)).isoformat())
    months = (await fresh_berlin.get("/trends", group_by="month", **days(day - timedelta(days=1), day)))["trends"]
    assert [(each["date"], each["orders"]) for each in months] == [(day.replace(day=1).isoformat(), hours + 1)]


async def test_total_value_is_the_sum_of_all_conversions_and_not_revenue(fresh: Shop) -> None:
    await fresh.order(noon(1), "250", tax_total=50)
    await fresh.settle()
    made = {
        "conversion_type": "custom", "value": "99.50", "currency": "INR", "visitor_id": "v9",
        "occurred_at": noon(1).isoformat(),
    }  # fmt: skip
    assert (await fresh.side.admin("POST", "/conversions", json=made)).status_code == 201
    kpis = (await fresh.get("/dashboard/overview", **WEEK))["overview"]["kpis"]
    assert (kpis["revenue"], kpis["total_value"], kpis["orders"], kpis["conversions"]) == ("200.00", "299.50", 1, 2)


async def test_each_period_has_its_own_paying_campaigns_whatever_was_asked_before(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha")
    await fresh.reported(8001, noon(0).date(), 10_000)
    for back, total in ((1, "300"), (0, "700")):
        visit = await fresh.visit(noon(back), f"v{back}", ALPHA)
        await fresh.order(noon(back) + timedelta(hours=1), total, session=visit)
    await fresh.settle()
    day, both = days(noon(0).date()), days(noon(1).date(), noon(0).date())
    for _ in range(2):
        found = (await fresh.get("/dashboard", **day))["dashboard"]
        assert (found["kpis"]["attributed_revenue"], found["previous"]["attributed_revenue"]) == ("700.00", "0.00")
        assert found["previous"]["revenue"] == "300.00", "an order of a campaign that cost nothing then"
        assert [each["attributed_revenue"] for each in found["trend"]] == ["700.00"]
        for by in ("campaign", "ad_set", "ad", "channel", "platform"):
            assert (await fresh.get("/roi", by=by, **both))["total"]["attributed_revenue"] == "1000.00", by
        trend = (await fresh.get("/trends", **both))["trends"]
        assert [each["attributed_revenue"] for each in trend] == ["300.00", "700.00"]
