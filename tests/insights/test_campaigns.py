"""Campaigns: the list agrees with ROI, one campaign divides without remainder, and its touches and orders open up."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, time, timedelta
from typing import Any

from tests.insights.books import CSV, END, FIRST, Shop, days, line

ALPHA, BETA = (
    "utm_source=facebook&utm_medium=cpc&utm_campaign=Alpha",
    "utm_source=facebook&utm_medium=cpc&utm_campaign=Beta",
)
QUARTER = days(END - timedelta(days=89), END)
LAST = END - timedelta(days=3)
WEEK = days(LAST - timedelta(days=6), LAST)


def noon(back: int) -> datetime:
    return datetime.combine(LAST - timedelta(days=back), time(6, 30), UTC)  # midday in Kolkata


async def whole(shop: Shop, path: str, name: str, **query: Any) -> list[dict[str, Any]]:
    """Every row of a list, page by page."""
    rows: list[dict[str, Any]] = []
    while True:
        page = await shop.get(path, limit=200, offset=len(rows), **query)
        rows += page[name]
        if not page[name] or len(rows) >= page["count"]:
            return rows


async def test_the_list_has_every_campaign_and_the_figures_of_roi(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        rows = await whole(shop, "/ad-campaigns", "ad_campaigns", model="linear", **QUARTER)
        known = {row.id for row in await shop.sql(
            "SELECT campaign_no::text AS id FROM store.ad_campaigns WHERE shop_no = :shop", shop=shop.number
        )}  # fmt: skip
        assert {row["id"] for row in rows} >= known
        assert len(known) > 3
        roi = await shop.get("/roi", model="linear", **QUARTER)
        lines = [each for each in roi["roi"] if each["kind"] == "touch" and each["id"]]
        assert len(lines) > 1
        for each in lines:
            row = line(rows, id=each["id"])
            assert {name: row[name] for name in ("name", "spend", "revenue", "roas", "orders", "clicks")} == {
                name: each[name] for name in ("name", "spend", "revenue", "roas", "orders", "clicks")
            }
        quiet = [row for row in rows if row["id"] not in {each["id"] for each in lines}]
        assert {(row["spend_minor"], row["revenue_minor"], row["roas"]) for row in quiet} <= {(0, 0, None)}


async def test_the_list_sorts_filters_searches_pages_and_exports(khadi: Shop) -> None:
    rows = await whole(khadi, "/ad-campaigns", "ad_campaigns", **QUARTER)
    spends = [row["spend_minor"] for row in rows]
    assert spends == sorted(spends, reverse=True)
    by_roas = await whole(khadi, "/ad-campaigns", "ad_campaigns", order="roas", **QUARTER)
    values = [row["roas"] for row in by_roas]
    assert values == sorted(value for value in values if value is not None) + [None] * values.count(None)
    google = await whole(khadi, "/ad-campaigns", "ad_campaigns", platform="google", **QUARTER)
    assert {row["id"] for row in google} == {row["id"] for row in rows if row["platform"] == "google"} != set()
    status = rows[0]["status"]
    some = await whole(khadi, "/ad-campaigns", "ad_campaigns", status=status.lower(), **QUARTER)
    assert {row["id"] for row in some} == {row["id"] for row in rows if row["status"] == status}
    one = rows[1]
    found = await khadi.get("/ad-campaigns", q=one["name"].upper(), **QUARTER)
    assert one["id"] in {row["id"] for row in found["ad_campaigns"]}
    page = await khadi.get("/ad-campaigns", limit=2, offset=1, **QUARTER)
    assert [row["id"] for row in page["ad_campaigns"]] == [row["id"] for row in rows[1:3]]
    assert (page["count"], page["total"]["spend_minor"]) == (len(rows), sum(spends))
    answer = await khadi.side.admin("GET", "/ad-campaigns", params={"platform": "google", **QUARTER}, headers=CSV)
    assert [row["id"] for row in csv.DictReader(io.StringIO(answer.text))] == [row["id"] for row in google]
    active = await whole(
        khadi, "/ad-campaigns", "ad_campaigns", show="active", from_date="2001-01-01", to_date="2001-01-02"
    )
    assert active == []


async def test_an_unknown_order_or_a_cursor_is_refused_by_name(khadi: Shop) -> None:
    for query in ({"order": "colour"}, {"cursor": "abc"}):
        answer = await khadi.ask("/ad-campaigns", **query)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == next(iter(query))


async def test_a_campaign_divides_by_model_day_ad_set_and_ad_without_remainder(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        listed = (await shop.get("/ad-campaigns", model="time_decay", window="7", **QUARTER))["ad_campaigns"]
        for row in listed[:3]:
            query = {"model": "time_decay", "window": "7", **QUARTER}
            found = (await shop.get(f"/ad-campaigns/{row['id']}", **query))["ad_campaign"]
            assert {name: found[name] for name in row} == row
            for name in ("spend_minor", "revenue_minor", "refunds_minor"):
                assert sum(day[name] for day in found["days"]) == row[name], name
                assert sum(each[name] for each in found["ad_sets"]) == row[name], name
                for ad_set in found["ad_sets"]:
                    assert sum(ad[name] for ad in ad_set["ads"]) == ad_set[name], name
            assert len(found["days"]) == 90
            assert abs(sum(day["orders"] for day in found["days"]) - row["orders"]) < 0.02
            for model in found["models"]:
                roi = await shop.get("/roi", model=model["model"], window="7", **QUARTER)
                theirs = [each for each in roi["roi"] if each["id"] == row["id"]]
                revenue, orders = (sum(each[name] for each in theirs) for name in ("revenue_minor", "orders"))
                assert abs(model["revenue_minor"] - revenue) <= 1, model["model"]
                assert abs(model["orders"] - orders) < 0.001
            chosen = line(found["models"], is_chosen=True)
            assert (chosen["model"], chosen["revenue_minor"]) == ("time_decay", row["revenue_minor"])


async def test_a_campaigns_orders_sum_to_its_revenue_and_its_touches_to_what_they_earned(khadi: Shop) -> None:
    row = (await khadi.get("/ad-campaigns", model="linear", order="-revenue", **QUARTER))["ad_campaigns"][0]
    query = {"model": "linear", **QUARTER}
    orders = await whole(khadi, f"/ad-campaigns/{row['id']}/orders", "orders", **query)
    assert len(orders) > 5
    assert sum(order["credited_minor"] for order in orders) == row["revenue_minor"]
    assert abs(sum(order["weight"] for order in orders) - row["orders"]) < 0.001
    assert {order["currency"] for order in orders} == {"INR"}
    by_credit = await khadi.get(f"/ad-campaigns/{row['id']}/orders", order="-credited", limit=3, **query)
    best = sorted((order["credited_minor"] for order in orders), reverse=True)[:3]
    assert [order["credited_minor"] for order in by_credit["orders"]] == best
    assert by_credit["basis"]["model"] == "linear"
    answer = await khadi.side.admin("GET", f"/ad-campaigns/{row['id']}/orders", params=query, headers=CSV)
    exported = list(csv.DictReader(io.StringIO(answer.text)))
    assert [each["order_id"] for each in exported] == [order["order_id"] for order in orders]
    touches = await whole(khadi, f"/ad-campaigns/{row['id']}/touches", "touches", **query)
    theirs = await whole(khadi, "/attribution", "attributions", campaign=row["id"], model="linear", **QUARTER)
    assert {touch["id"] for touch in touches} <= {touch["id"] for touch in theirs}
    assert {touch["visitor_id"] is not None for touch in touches} == {True}
    by_click = await whole(khadi, f"/ad-campaigns/{row['id']}/orders", "orders", basis="click", **query)
    assert sum(touch["revenue_minor"] for touch in touches) == sum(order["credited_minor"] for order in by_click)


async def test_a_campaign_shows_the_period_before_and_its_change(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha")
    await fresh.campaign(8002, "Beta")
    for back, spend in ((8, 20_000), (1, 10_000)):
        await fresh.reported(8001, noon(back).date(), spend, clicks=4, impressions=100)
        session = await fresh.visit(noon(back), f"v{back}", ALPHA)
        await fresh.order(noon(back), "300" if back == 8 else "600.01", session=session)
    await fresh.settle()
    found = (await fresh.get("/ad-campaigns/8001", **WEEK))["ad_campaign"]
    assert (found["spend"], found["revenue"], found["roas"], found["platform"]) == ("100.00", "600.01", 6.0001, "meta")
    assert (found["previous"]["spend"], found["previous"]["revenue"]) == ("200.00", "300.00")
    assert found["change"] == {"spend": -0.5, "revenue": 1.0, "orders": 0.0, "roas": 3.0001}
    assert (found["account_zone"], found["account_currency"], found["source"]) == ("Asia/Kolkata", "INR", "linked")
    of_set, of_none = line(found["ad_sets"], id="8001"), line(found["ad_sets"], id=None)
    assert (of_set["name"], of_set["ads"][0]["name"], of_set["spend"], of_set["revenue"]) == (
        "Alpha", "Alpha", "100.00", "0.00",
    )  # fmt: skip
    assert (of_none["name"], of_none["spend"], of_none["revenue"]) == ("Alpha (no ad set)", "0.00", "600.01")
    (touch,) = (await fresh.get("/ad-campaigns/8001/touches", **WEEK))["touches"]
    assert (touch["visitor_id"], touch["revenue"], touch["orders"], touch["converted"]) == ("v1", "600.01", 1, True)
    quiet = (await fresh.get("/ad-campaigns/8002", **WEEK))["ad_campaign"]
    assert (quiet["spend"], quiet["revenue"], quiet["roas"], quiet["ad_sets"]) == ("0.00", "0.00", None, [])


async def test_a_campaign_known_by_its_spend_alone_is_there_and_an_unknown_one_is_not(fresh: Shop) -> None:
    spend = {
        "day": LAST.isoformat(), "platform": "tiktok", "ad_campaign_id": "tt-1", "campaign_name": "=1+1",
        "currency": "INR", "spend": "50", "clicks": 10, "impressions": 1000,
    }  # fmt: skip
    assert (await fresh.put("/ad-spend", {"ad_spend": [spend]})).status_code == 200
    (row,) = (await fresh.get("/ad-campaigns", **WEEK))["ad_campaigns"]
    assert (row["id"], row["name"], row["platform"], row["source"], row["spend"]) == (
        "tt-1", "=1+1", "tiktok", "typed", "50.00",
    )  # fmt: skip
    found = (await fresh.get("/ad-campaigns/tt-1", **WEEK))["ad_campaign"]
    assert (found["spend"], found["clicks"], found["roas"]) == ("50.00", 10, 0.0)
    text = (await fresh.side.admin("GET", "/ad-campaigns", params=WEEK, headers=CSV)).text
    assert "'=1+1" in text
    for path in ("/ad-campaigns/nope", "/ad-campaigns/nope/touches", "/ad-campaigns/nope/orders"):
        answer = await fresh.ask(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_spend_without_a_rate_is_unknown_and_stands_last(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha", currency="SEK")
    await fresh.campaign(8002, "Beta")
    await fresh.reported(8001, LAST, 99_999, clicks=1)
    await fresh.reported(8002, LAST, 100)
    rows = await fresh.get("/ad-campaigns", **WEEK)
    assert [(row["id"], row["spend"]) for row in rows["ad_campaigns"]] == [("8002", "1.00"), ("8001", None)]
    assert (rows["basis"]["missing_rates"], rows["total"]["spend"]) == (["SEK"], None)
    found = (await fresh.get("/ad-campaigns/8001", **WEEK))["ad_campaign"]
    assert (found["spend"], found["roas"], found["clicks"]) == (None, None, 1)
    assert {day["spend"] for day in found["days"]} == {"0.00", None}


async def test_one_shops_campaign_is_not_found_in_the_other(shops: tuple[Shop, Shop]) -> None:
    mine, theirs = shops
    row = (await mine.get("/ad-campaigns", **days(FIRST, END)))["ad_campaigns"][0]
    assert (await theirs.ask(f"/ad-campaigns/{row['id']}")).status_code == 404
