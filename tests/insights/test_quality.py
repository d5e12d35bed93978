"""How far credit can be trusted: coverage by day, and waterfalls whose steps sum to what arrived."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.insights.books import CSV, END, FIRST, Shop, days
from tests.insights.test_exact import WEEK, noon, two_touches

PATH = "/attribution/quality"
MEASURES = ("touches", "identity", "click_ids", "spend")


async def test_days_sum_to_the_total_and_steps_to_what_arrived(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        body = await shop.get(PATH, **days(FIRST, END))
        assert len(body["days"]) == (END - FIRST).days + 1
        for measure in MEASURES:
            assert body["total"][measure] == sum(day[measure] for day in body["days"])
            assert body["total"][f"{measure}_of"] == sum(day[f"{measure}_of"] for day in body["days"])
            assert 0 < body["total"][measure] <= body["total"][f"{measure}_of"], measure
        visits = body["visits"]
        assert visits["matched"] + sum(step["amount"] for step in visits["steps"]) == visits["visits"] > 0
        traffic = body["traffic"]
        assert traffic["kept"] + sum(step["amount"] for step in traffic["steps"]) == traffic["arrived"]


async def test_touches_cover_the_online_conversions_that_have_one(khadi: Shop) -> None:
    quality = (await khadi.get(PATH, window="lifetime", **days(FIRST, END)))["total"]
    (row,) = await khadi.sql(
        "SELECT count(*) AS whole, count(*) FILTER (WHERE EXISTS (SELECT 1 FROM adplanning.credit c"
        " WHERE c.tenant_id = v.tenant_id AND c.conversion_id = v.id AND c.window_days = 0 AND c.touch_id <> ''))"
        " AS touched FROM adplanning.conversion v WHERE tenant_id = :store AND deleted_at IS NULL"
        " AND status IN ('confirmed', 'unconfirmed') AND coalesce(sales_channel, 'online') = 'online'"
        " AND occurred_at >= (CAST(:first AS timestamp) AT TIME ZONE :zone)"
        " AND occurred_at < (CAST(:last AS timestamp) + interval '1 day') AT TIME ZONE :zone",
        store=khadi.side.tenant,
        first=FIRST,
        last=END,
        zone=khadi.tenant.zone,
    )
    assert (quality["touches_of"], quality["touches"]) == (row.whole, row.touched)


async def test_a_known_week_has_known_figures(fresh: Shop) -> None:
    await two_touches(fresh)
    await fresh.visit(noon(1), "v2", "utm_source=google&utm_medium=cpc&gclid=abc&utm_campaign=Nobody+knows")
    await fresh.visit(noon(1), "v3", "")
    await fresh.settle()
    body = await fresh.get(PATH, **WEEK)
    total = body["total"]
    assert (total["touches"], total["touches_of"]) == (1, 1)
    assert (total["click_ids"], total["click_ids_of"], total["click_ids_share"]) == (1, 3, 0.3333)
    assert (total["spend"], total["spend_of"]) == (2, 2)
    steps = {step["cause"]: step["amount"] for step in body["visits"]["steps"]}
    assert body["visits"]["matched"] == 2
    assert steps == {"bot": 0, "self_referral": 0, "direct": 1, "untagged": 0, "unresolved": 1}
    assert body["without_consent"] == {"events": None, "orders": None, "least": 20}, "too few to tell"
    exported = await fresh.side.admin("GET", PATH, params=WEEK, headers=CSV)
    assert exported.text.splitlines()[0].startswith("day,touches_of,touches,touches_share,identity_of")


async def test_what_was_dropped_stands_in_the_waterfall_of_its_days(fresh: Shop) -> None:
    for day, cause, amount in (
        (noon(0).date(), "bot", 30),
        (noon(0).date(), "no_consent_page", 50),
        (noon(0).date() - timedelta(days=40), "bot", 1_000),
    ):
        await fresh.execute(
            "INSERT INTO adplanning.dropped_traffic (tenant_id, day, cause, amount) VALUES (:tenant, :day, :cause, :n)",
            tenant=fresh.side.tenant, day=day, cause=cause, n=amount,
        )  # fmt: skip
    body = await fresh.get(PATH, **WEEK)
    steps = {step["cause"]: step["amount"] for step in body["traffic"]["steps"]}
    assert steps == {"bot": 30, "limited": 0, "rejected": 0, "no_consent": 50}
    assert (body["traffic"]["arrived"], body["traffic"]["kept"]) == (80, 0)
    assert body["without_consent"]["events"] == pytest.approx(1.0)
    assert (await fresh.ask(PATH, window="5")).status_code == 422
