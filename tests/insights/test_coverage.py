"""Coverage: the waterfall sums to all orders, agrees with the history's truth, and every figure opens up."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import date
from itertools import pairwise

from tests.insights.books import CSV, END, FIRST, Shop, days

YEAR = days(FIRST, END)
CAUSES = ("no_consent", "blocked", "offline", "renewal", "unknown")
TOLERANCE = 0.02
"""Of all orders: somebody without consent may be joined by a login, and a lost visit by an email seen before."""


async def test_the_waterfall_sums_to_all_orders_and_all_revenue(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        found = (await shop.get("/coverage", **YEAR))["coverage"]
        revenue, _, orders = await shop.revenue(FIRST, END)
        assert found["orders"] == orders == found["joined"] + sum(each["orders"] for each in found["lost"])
        parts = found["joined_revenue_minor"] + sum(each["revenue_minor"] for each in found["lost"])
        assert found["revenue_minor"] == revenue == parts
        assert [each["cause"] for each in found["lost"]] == list(CAUSES)
        assert found["joined_share"] == round(found["joined"] / orders, 4)
        assert abs(sum(each["share"] for each in found["lost"]) + found["joined_share"] - 1) < 0.001


async def test_causes_agree_with_the_truth_of_the_history(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        truth = await shop.ledger(
            "SELECT coalesce(t.lost_cause, 'joined') AS cause FROM ledger JOIN demo.truth_orders t USING (purchase_no)",
            FIRST,
            END,
        )
        known = Counter(row.cause for row in truth)
        found = (await shop.get("/coverage", **YEAR))["coverage"]
        figures = {"joined": found["joined"]} | {each["cause"]: each["orders"] for each in found["lost"]}
        assert sum(known.values()) == found["orders"]
        for cause in ("joined", *CAUSES):
            assert abs(figures[cause] - known[cause]) <= max(1, TOLERANCE * found["orders"]), (shop.number, cause)
        assert found["joined_share_online"] > 0.9


async def test_each_figure_opens_to_exactly_its_orders(khadi: Shop) -> None:
    found = (await khadi.get("/coverage", **YEAR))["coverage"]
    figures = {"joined": found["joined"]} | {each["cause"]: each["orders"] for each in found["lost"]}
    for cause, orders in figures.items():
        page = await khadi.get("/coverage/orders", cause=cause, limit=200, **YEAR)
        assert page["count"] == orders
        assert {row["cause"] for row in page["orders"]} <= {cause}
        if cause == "joined":
            assert {row["joined_by"] is not None for row in page["orders"]} == {True}
    lost = await khadi.get("/coverage/orders", cause="not_joined", limit=200, **YEAR)
    assert lost["count"] == found["orders"] - found["joined"]
    assert "joined" not in {row["cause"] for row in lost["orders"]}
    everything = await khadi.get("/coverage/orders", limit=1, **YEAR)
    assert everything["count"] == found["orders"]


async def test_the_course_sums_to_the_waterfall_by_day_week_and_month(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        found = (await shop.get("/coverage", **YEAR))["coverage"]
        figures = {"joined": found["joined"]} | {each["cause"]: each["orders"] for each in found["lost"]}
        for grain in ("day", "week", "month"):
            points = (await shop.get("/coverage/trend", group_by=grain, **YEAR))["coverage_trend"]
            dates = [date.fromisoformat(point["date"]) for point in points]
            assert dates == sorted(set(dates))
            for name, orders in figures.items():
                assert sum(point[name] for point in points) == orders, (shop.number, grain, name)
            for point in points:
                assert point["orders"] == sum(point[name] for name in figures)
                assert point["joined_share"] == (
                    round(point["joined"] / point["orders"], 4) if point["orders"] else None
                )
        assert {(later - day).days for day, later in pairwise(dates)} <= {28, 29, 30, 31}


async def test_the_days_of_the_course_are_those_of_the_orders_behind_them(khadi: Shop) -> None:
    points = (await khadi.get("/coverage/trend", **YEAR))["coverage_trend"]
    most = max(points, key=lambda point: point["orders"])
    page = await khadi.get("/coverage/orders", limit=200, from_date=most["date"], to_date=most["date"])
    assert page["count"] == most["orders"]
    answer = await khadi.side.admin("GET", "/coverage/trend", params=YEAR, headers=CSV)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["date"], row["joined"]) for row in rows] == [(each["date"], str(each["joined"])) for each in points]


async def test_orders_of_a_cause_are_sorted_searched_and_exported(khadi: Shop) -> None:
    page = await khadi.get("/coverage/orders", cause="offline", order="-value", limit=200, **YEAR)
    values = [int(row["revenue_minor"]) for row in page["orders"]]
    assert len(values) == page["count"] > 1
    one = page["orders"][0]
    searched = await khadi.get("/coverage/orders", q=one["order_id"], **YEAR)
    assert one in searched["orders"]
    answer = await khadi.side.admin(
        "GET", "/coverage/orders", params={"cause": "offline", "order": "-value", **YEAR}, headers=CSV
    )
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["order_id"] for row in rows] == [row["order_id"] for row in page["orders"]]


async def test_coverage_of_one_shop_knows_nothing_of_the_other(shops: tuple[Shop, Shop]) -> None:
    pages = [await shop.get("/coverage/orders", limit=200, **YEAR) for shop in shops]
    ids = [{row["conversion_id"] for row in page["orders"]} for page in pages]
    assert not ids[0] & ids[1]


async def test_a_period_without_orders_has_no_shares(khadi: Shop) -> None:
    found = (await khadi.get("/coverage", from_date="2001-01-01", to_date="2001-01-31"))["coverage"]
    assert (found["orders"], found["joined"], found["revenue"]) == (0, 0, "0.00")
    assert (found["joined_share"], found["joined_share_online"]) == (None, None)
    assert {each["share"] for each in found["lost"]} == {None}


async def test_an_order_of_a_cause_says_its_local_day_and_why_in_a_sentence(khadi: Shop) -> None:
    page = await khadi.get("/coverage/orders", order="cause", limit=200, **YEAR)
    causes = [row["cause"] for row in page["orders"]]
    assert causes == sorted(causes)
    rows = await khadi.ledger("SELECT purchase_no::text AS id, day FROM ledger", FIRST, END)
    days_of = {row.id: row.day.isoformat() for row in rows}
    assert {row["order_id"]: row["day"] for row in page["orders"]}.items() <= days_of.items()
    sentences = {row["cause"]: row["sentence"] for row in page["orders"]}
    assert sentences["blocked"].startswith("Consent was given, but no visit arrived")
