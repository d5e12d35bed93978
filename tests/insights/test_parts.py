"""The orders behind every figure of the reports sum to it: by line, model and basis, of new customers, of paid ads."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tests.insights.books import CSV, DIMENSIONS, END, MODELS, Shop, days

QUARTER = days(END - timedelta(days=89), END)


async def parts(shop: Shop, **asked: Any) -> dict[str, Any]:
    """All pages of the orders, and what the last one says besides."""
    rows: list[dict[str, Any]] = []
    while True:
        body = await shop.get("/roi/conversions", limit=200, offset=len(rows), **asked)
        rows += body["conversions"]
        if len(rows) >= body["count"]:
            assert len({row["conversion_id"] for row in rows}) == len(rows)
            return {**body, "conversions": rows}


def which(line: dict[str, Any], by: str) -> dict[str, Any]:
    """The line as a question for its orders."""
    if line["kind"] != "touch":
        return {"by": by, "kind": line["kind"]}
    depth = {"campaign": 1, "ad_set": 2, "ad": 3}.get(by, 0)
    ids = (("key", "ad_campaign_id"), ("ad_set_id", "ad_set_id"), ("ad_id", "ad_id"))
    named = {name: line[field] for name, field in ids[:depth]} if depth else {"key": line["id"]}
    return {"by": by, "kind": "touch", **{name: value for name, value in named.items() if value is not None}}


def summed(rows: list[dict[str, Any]], name: str) -> float:
    return sum(row[name] for row in rows)


@pytest.mark.parametrize(("by", "basis"), [*((by, "order") for by in DIMENSIONS), ("campaign", "click")])
async def test_the_orders_behind_every_line_sum_to_it(shops: tuple[Shop, Shop], by: str, basis: str) -> None:
    model = random.choice(MODELS)
    print("model", model)
    for shop in shops:
        asked = {**QUARTER, "model": model, "basis": basis}
        report = await shop.get("/roi", by=by, **asked)
        lines = sorted(report["roi"], key=lambda line: -line["revenue_minor"])
        for line in lines[:3] + [each for each in lines[3:] if each["kind"] != "touch" or not each["id"]]:
            found = await parts(shop, **asked, **which(line, by))
            assert found["line"]["revenue_minor"] == line["revenue_minor"]
            assert found["total"]["converted_minor"] == pytest.approx(line["revenue_minor"], abs=1), line
            assert found["total"]["conversions"] == pytest.approx(line["orders"], abs=1e-3)
            assert summed(found["conversions"], "weight") == pytest.approx(line["orders"], abs=1e-3)
            assert summed(found["conversions"], "refunded_minor") == line["refunds_minor"]
            new = await parts(shop, **asked, **which(line, by), new_customers=True)
            assert new["total"]["conversions"] == pytest.approx(line["new_customers"], abs=1e-3)


async def test_headline_figures_open_the_orders_that_they_are_of(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        total = (await shop.get("/roi", **QUARTER))["total"]
        store = await parts(shop, **QUARTER, kind="store")
        assert store["total"]["converted_minor"] == total["revenue_minor"]
        assert store["count"] == total["orders"]
        assert (await parts(shop, **QUARTER, kind="store", new_customers=True))["count"] == total["new_customers"]
        paid = await parts(shop, **QUARTER, paying=True)
        assert paid["total"]["converted_minor"] == pytest.approx(total["attributed_revenue_minor"], abs=1)
        assert paid["line"] == total
        campaigns = (await shop.get("/ad-campaigns", **QUARTER))["total"]
        of_campaigns = (await parts(shop, **QUARTER, kind="campaigns"))["total"]
        assert of_campaigns["converted_minor"] == pytest.approx(campaigns["revenue_minor"], abs=1)
        assert of_campaigns["conversions"] == pytest.approx(campaigns["orders"], abs=1e-2)
        (ledger,) = (await shop.get("/attribution/reconciliation", **QUARTER))["totals"]
        for kind, side in (("attributed", "attributed"), ("not_attributed", "unattributed")):
            found = await parts(shop, **QUARTER, kind=kind, currency=ledger["currency"])
            assert summed(found["conversions"], "net_minor") == ledger[f"{side}_net_minor"]
        cost = sum(row["cost_minor"] or 0 for row in store["conversions"])
        costed = sum(row["net_minor"] for row in store["conversions"] if row["cost_minor"] is not None)
        assert costed - cost == pytest.approx(total["margin_minor"], abs=store["count"])


async def test_an_order_without_credit_stands_behind_what_is_pending(fresh: Shop) -> None:
    order = await fresh.order(datetime.combine(END, time(6), UTC), "500.00")
    await fresh.settle()
    assert (await parts(fresh, **days(END, END), kind="pending"))["count"] == 0
    await fresh.execute("DELETE FROM adplanning.credit")
    found = await parts(fresh, **days(END, END), kind="pending")
    assert [row["order_id"] for row in found["conversions"]] == [str(order)]


async def test_the_orders_are_a_file_and_no_other_stores(khadi: Shop, shops: tuple[Shop, Shop]) -> None:
    asked = {**QUARTER, "kind": "store"}
    count = (await khadi.get("/roi/conversions", limit=1, **asked))["count"]
    answer = await khadi.side.admin("GET", "/roi/conversions", params=asked, headers=CSV)
    assert answer.status_code == 200, answer.text
    assert len(answer.text.splitlines()) == count + 1
    mine, theirs = [{row["order_id"] for row in (await parts(shop, **asked))["conversions"]} for shop in shops]
    assert not mine & theirs


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"key": "7001"}, "key"),
        ({"kind": "store", "key": "7001"}, "key"),
        ({"kind": "touch", "by": "campaign", "ad_set_id": "1"}, "ad_set_id"),
        ({"kind": "touch", "by": "channel", "ad_id": "1"}, "ad_id"),
        ({"kind": "banana"}, "kind"),
    ],
)
async def test_what_names_no_line_is_refused(khadi: Shop, asked: dict[str, str], field: str) -> None:
    answer = await khadi.ask("/roi/conversions", **asked)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
