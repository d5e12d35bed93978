"""Money reconciles: every report's lines are the store's own ledger to the minor unit, spend is the platforms' own."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest

from tests.insights.books import CSV, DIMENSIONS, END, FIRST, MODELS, WINDOWS, Shop, days, line

QUARTER = (END - timedelta(days=89), END)
HALVES = ((FIRST, FIRST + timedelta(days=181)), (FIRST + timedelta(days=182), END))


async def test_the_ledger_has_what_the_figures_must_cope_with(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        revenue, refunds, orders = await shop.revenue(FIRST, END)
        assert revenue > 0
        assert refunds > 0
        assert orders > 20


@pytest.mark.parametrize("by", DIMENSIONS)
async def test_lines_of_every_dimension_sum_to_the_ledger(shops: tuple[Shop, Shop], by: str) -> None:
    for shop in shops:
        for period in (*HALVES, QUARTER):
            revenue, refunds, orders = await shop.revenue(*period)
            answer = await shop.get("/roi", by=by, **days(*period))
            assert sum(row["revenue_minor"] for row in answer["roi"]) == revenue
            assert sum(row["refunds_minor"] for row in answer["roi"]) == refunds
            assert answer["total"]["revenue_minor"] == answer["total"]["lines_revenue_minor"] == revenue
            assert answer["total"]["orders"] == orders
            assert sum(row["orders"] for row in answer["roi"]) == pytest.approx(orders, abs=0.01)
            assert not [row for row in answer["roi"] if row["kind"] == "pending"]


@pytest.mark.parametrize("model", MODELS)
async def test_lines_of_every_model_and_window_sum_to_the_ledger(shops: tuple[Shop, Shop], model: str) -> None:
    for shop in shops:
        revenue, _, orders = await shop.revenue(FIRST, END)
        for window in WINDOWS:
            answer = await shop.get("/roi", model=model, window=window, **days(FIRST, END))
            assert answer["model"] == model
            assert answer["window_days"] == (0 if window == "lifetime" else int(window))
            assert sum(row["revenue_minor"] for row in answer["roi"]) == revenue, (shop.number, window)
            assert sum(row["orders"] for row in answer["roi"]) == pytest.approx(orders, abs=0.01)


async def test_renewals_and_offline_orders_are_lines_of_their_own(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        answer = await shop.get("/roi", **days(FIRST, END))
        query = "SELECT coalesce(sum(gross - refunded), 0)::bigint AS net, count(*) AS orders FROM ledger WHERE "
        for kind, where in (
            ("renewal", "renewal_no > 1"),
            ("offline", "channel = 'pos' AND coalesce(renewal_no, 1) <= 1"),
        ):
            ((net, orders),) = await shop.ledger(query + where, FIRST, END)
            found = line(answer["roi"], kind=kind)
            assert orders > 0
            assert (found["revenue_minor"], found["orders"], found["spend_minor"]) == (net, orders, 0)
            assert (found["roas"], found["cac"], found["id"]) == (None, None, None)


async def test_spend_is_what_the_platforms_reported_at_the_stated_rates(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        for period in (*HALVES, QUARTER):
            own = await shop.spend(*period)
            whole = int(sum(own.values(), Decimal(0)).quantize(Decimal(1), ROUND_HALF_EVEN))
            for by in DIMENSIONS:
                answer = await shop.get("/roi", by=by, **days(*period))
                assert answer["total"]["spend_minor"] == whole, (shop.number, by)
                assert sum(row["spend_minor"] for row in answer["roi"]) == whole
            answer = await shop.get("/roi", **days(*period))
            for campaign, minor in own.items():
                assert abs(line(answer["roi"], id=campaign)["spend_minor"] - minor) < 1


async def test_the_answer_names_the_accounts_zones_and_the_rates_with_day_and_source(shops: tuple[Shop, Shop]) -> None:
    khadi, leinen = shops
    answer = await khadi.get("/roi", **days(*QUARTER))
    assert answer["account_zones"] == ["America/Los_Angeles", "Asia/Kolkata"]
    assert answer["period"]["zone"] == "Asia/Kolkata"
    assert answer["missing_rates"] == []
    (used,) = answer["rates"]
    assert (used["base"], used["quote"], used["source"], used["day"]) == ("USD", "INR", "test bank", END.isoformat())
    assert 82 < float(used["rate"]) < 85
    other = await leinen.get("/roi", **days(*QUARTER))
    assert (other["account_zones"], other["rates"], other["currency"]) == (["Europe/Berlin"], [], "EUR")


@pytest.mark.parametrize(
    "query", [{"by": "ad"}, {"by": "campaign", "compare": "previous"}, {"by": "channel", "basis": "click"}]
)
async def test_csv_says_what_json_says(khadi: Shop, query: dict[str, str]) -> None:
    rows = (await khadi.get("/roi", **days(*QUARTER), **query))["roi"]
    answer = await khadi.side.admin("GET", "/roi", params={**days(*QUARTER), **query}, headers=CSV)
    assert answer.headers["content-type"].startswith("text/csv")
    read = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(read) == len(rows)
    for given, row in zip(read, rows, strict=True):
        flat = {name: value for name, value in row.items() if not isinstance(value, dict)}
        flat |= {f"{name}_{field}": inner for name, value in row.items() if isinstance(value, dict)
                 for field, inner in value.items()}  # fmt: skip
        assert given == {name: "" if value is None else str(value) for name, value in flat.items()}


async def test_lines_are_chosen_and_ordered_as_asked_and_the_total_stays(khadi: Shop) -> None:
    everything = await khadi.get("/roi", **days(*QUARTER))
    found = await khadi.get("/roi", platform="meta", order="-roas", **days(*QUARTER))
    assert {row["platform"] for row in found["roi"]} == {"meta"}
    assert len(found["roi"]) == sum(row["platform"] == "meta" for row in everything["roi"])
    known = [row["roas"] for row in found["roi"] if row["roas"] is not None]
    assert known == sorted(known, reverse=True)
    assert [row["roas"] for row in found["roi"]][: len(known)] == known
    assert found["total"] == everything["total"]
    named = await khadi.get("/roi", q="SAREES", by="ad", order="cac", **days(*QUARTER))
    assert named["roi"]
    assert all("sarees" in f"{row['name']} {row['campaign_name']}".lower() for row in named["roi"])
    costs = [Decimal(row["cac"]) for row in named["roi"] if row["cac"] is not None]
    assert costs == sorted(costs)
    wrong = await khadi.side.admin("GET", "/roi", params={"order": "-luck"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "order")


async def test_trends_of_every_grain_sum_to_the_overview(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        period = days(*QUARTER)
        kpis = (await shop.get("/dashboard/overview", **period))["overview"]["kpis"]
        for grain in ("day", "week", "month"):
            points = (await shop.get("/trends", group_by=grain, **period))["trends"]
            for name in (
                "spend_minor",
                "revenue_minor",
                "attributed_revenue_minor",
                "orders",
                "conversions",
                "leads",
                "sessions",
            ):
                assert sum(point[name] for point in points) == kpis[name], (shop.number, grain, name)


async def test_every_day_week_and_month_has_a_point_even_an_empty_one(shops: tuple[Shop, Shop]) -> None:
    leinen = shops[1]
    points = (await leinen.get("/trends", group_by="day", **days(*QUARTER)))["trends"]
    assert [point["date"] for point in points] == [(QUARTER[0] + timedelta(days=n)).isoformat() for n in range(90)]
    empty = [point for point in points if not point["orders"]]
    assert empty
    assert {point["revenue"] for point in empty} == {"0.00"}
    by_day = await leinen.ledger("SELECT day, sum(gross - refunded)::bigint AS net FROM ledger GROUP BY day", *QUARTER)
    own = {row.day.isoformat(): row.net for row in by_day}
    assert {point["date"]: point["revenue_minor"] for point in points if point["orders"]} == own
    weeks = (await leinen.get("/trends", group_by="week", **days(*QUARTER)))["trends"]
    assert all(date.fromisoformat(point["date"]).weekday() == 0 for point in weeks)
    months = (await leinen.get("/trends", group_by="month", **days(FIRST, END)))["trends"]
    assert all(point["date"].endswith("-01") for point in months)
    assert len(months) in (12, 13)


async def test_the_dashboard_is_the_overview_the_best_campaigns_and_the_trend(khadi: Shop) -> None:
    period = days(*QUARTER)
    board = (await khadi.get("/dashboard", **period))["dashboard"]
    overview = (await khadi.get("/dashboard/overview", **period))["overview"]
    assert {name: board[name] for name in overview} == overview
    roi = await khadi.get("/roi", **period)
    assert board["top_campaigns"] == [row for row in roi["roi"] if row["id"]][:5]
    assert board["trend"] == (await khadi.get("/trends", **period))["trends"]
    assert next(iter(board)) != "kpis", "coverage comes before the figures that inherit it"
    assert list(board).index("coverage") < list(board).index("kpis")


async def test_the_period_before_is_the_equal_one_that_ends_the_day_before(khadi: Shop) -> None:
    first, last = QUARTER
    before = (first - timedelta(days=90), first - timedelta(days=1))
    now = await khadi.get("/roi", compare="previous", **days(first, last))
    was = await khadi.get("/roi", **days(*before))
    assert now["previous_period"] == was["period"]
    earlier = {row["id"]: row for row in was["roi"] if row["kind"] == "touch"}
    rows = [row for row in now["roi"] if row["kind"] == "touch"]
    assert {row["id"] for row in rows} >= set(earlier), "what ended stays in sight"
    for row in rows:
        had: dict[str, Any] = earlier.get(row["id"], {"revenue_minor": 0, "spend_minor": 0})
        assert row["previous"]["revenue_minor"] == had["revenue_minor"]
        assert row["previous"]["spend_minor"] == had["spend_minor"]
        moved = row["change"]["revenue"]
        if had["revenue_minor"]:
            assert moved == pytest.approx(row["revenue_minor"] / had["revenue_minor"] - 1, abs=1e-4)
        else:
            assert moved is None
    assert now["total"]["previous"]["revenue_minor"] == was["total"]["revenue_minor"]


async def test_ratios_are_those_of_their_definitions(khadi: Shop) -> None:
    answer = await khadi.get("/roi", **days(*QUARTER))
    rows, total = answer["roi"], answer["total"]
    paid = [row for row in rows if row["kind"] == "touch" and row["spend_minor"]]
    assert paid
    for row in paid:
        spend = row["spend_minor"]
        assert row["roas"] == pytest.approx(row["revenue_minor"] / spend, abs=1e-4)
        assert row["roi"] == pytest.approx((row["revenue_minor"] - spend) / spend, abs=1e-4)
        assert row["ctr"] == pytest.approx(row["clicks"] / row["impressions"], abs=1e-4)
        assert float(row["cpc"]) == pytest.approx(spend / row["clicks"] / 100, abs=0.006)
        for name, count in (("cpa", row["orders"]), ("cac", row["new_customers"]), ("cpl", row["leads"])):
            assert (row[name] is None) == (not count)
            if count:
                assert float(row[name]) == pytest.approx(spend / count / 100, abs=0.006)
    for row in rows:
        if not row["spend_minor"]:
            assert [row[name] for name in ("roas", "roi", "cpa", "cac", "cpc", "new_customer_roas")] == [None] * 6
    spend = total["spend_minor"]
    credited = sum(row["revenue_minor"] for row in paid)
    assert total["attributed_revenue_minor"] == credited
    assert total["roas"] == pytest.approx(credited / spend, abs=1e-4)
    assert total["mer"] == pytest.approx(total["revenue_minor"] / spend, abs=1e-4)
    assert float(total["cac"]) == pytest.approx(spend / total["new_customers"] / 100, abs=0.006)
    assert float(total["cpa"]) == pytest.approx(spend / sum(row["orders"] for row in paid) / 100, abs=0.006)


async def test_store_wide_ratios_do_not_depend_on_the_dimension(khadi: Shop) -> None:
    totals = [(await khadi.get("/roi", by=by, **days(*QUARTER)))["total"] for by in DIMENSIONS]
    for name in ("roas", "mer", "new_customer_roas", "cac", "cpa", "spend", "revenue", "attributed_revenue", "margin"):
        assert len({total[name] for total in totals}) == 1, name


async def test_top_performers_are_the_report_ranked(khadi: Shop) -> None:
    rows = [row for row in (await khadi.get("/roi", by="ad", **days(*QUARTER)))["roi"] if row["id"]]
    for metric in ("revenue", "roas", "orders", "spend", "margin", "clicks", "leads", "new_customers"):
        answer = await khadi.get("/top-performers", by="ad", metric=metric, limit=4, **days(*QUARTER))
        field = f"{metric}_minor" if metric in ("revenue", "spend", "margin") else metric
        best = sorted((row[field] for row in rows if row[field]), reverse=True)[:4]
        assert [row[field] for row in answer["top_performers"]] == best
        assert answer["metric"] == metric
