"""Attributed and unattributed are the order ledger, by day and currency; an order that stands apart has a line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.insights.books import CSV, END, FIRST, MODELS, Shop, days
from tests.insights.test_exact import WEEK, noon, two_touches

PATH = "/attribution/reconciliation"


async def apart(shop: Shop, **query: Any) -> dict[str, str]:
    """Order and cause of each line."""
    found = (await shop.get(f"{PATH}/orders", **{**WEEK, **query}))["orders"]
    return {row["order_id"]: row["cause"] for row in found}


@pytest.mark.parametrize(("model", "window"), [("last_non_direct", "30"), ("linear", "7"), ("first_click", "lifetime")])
async def test_a_year_of_two_shops_reconciles_with_their_books_to_the_cent(
    shops: tuple[Shop, Shop], model: str, window: str
) -> None:
    for shop in shops:
        body = await shop.get(PATH, model=model, window=window, **days(FIRST, END))
        net, refunds, orders = await shop.revenue(FIRST, END)
        (total,) = body["totals"]
        assert (total["ledger_net_minor"], total["ledger_refunds_minor"], total["orders"]) == (net, refunds, orders)
        assert total["attributed_net_minor"] + total["unattributed_net_minor"] == net
        assert (total["difference_net_minor"], total["days_apart"], total["reconciles"]) == (0, 0, True)
        assert all(line["reconciles"] for line in body["reconciliation"])
        by_day = await shop.ledger(
            "SELECT day, sum(gross)::bigint AS gross, sum(refunded)::bigint AS refunds FROM ledger GROUP BY 1",
            FIRST,
            END,
        )
        assert {
            line["day"]: (line["ledger_gross_minor"], line["ledger_refunds_minor"]) for line in body["reconciliation"]
        } == {row.day.isoformat(): (row.gross, row.refunds) for row in by_day}
        assert (await shop.get(f"{PATH}/orders", **days(FIRST, END)))["count"] == 0


async def test_sums_of_each_measure_are_the_parts(khadi: Shop) -> None:
    for line in (await khadi.get(PATH, **days(FIRST, END)))["reconciliation"][:50]:
        for measure in ("gross", "refunds", "net"):
            parts = sum(line[f"{side}_{measure}_minor"] for side in ("attributed", "unattributed", "difference"))
            assert parts == line[f"ledger_{measure}_minor"]
        for side in ("ledger", "attributed", "unattributed", "difference", "renewal", "offline"):
            assert line[f"{side}_gross_minor"] - line[f"{side}_refunds_minor"] == line[f"{side}_net_minor"]
    exported = await khadi.side.admin("GET", PATH, params=days(FIRST, END), headers=CSV)
    assert exported.text.splitlines()[0].startswith("day,currency,reconciles,orders,credited_orders,ledger_gross")


async def test_an_order_that_stands_apart_says_why_until_it_is_read(fresh: Shop) -> None:
    order = await two_touches(fresh)
    assert await apart(fresh) == {str(order): "no_conversion"}
    (line,) = (await fresh.get(PATH, **WEEK))["reconciliation"]
    assert (line["orders"], line["credited_orders"], line["difference_net_minor"]) == (1, 0, 100_001)
    await fresh.settle()
    assert await apart(fresh) == {}

    await fresh.refund(order, 40_000, noon(0) + timedelta(hours=1))
    assert await apart(fresh) == {str(order): "value_changed"}
    (line,) = (await fresh.get(PATH, **WEEK))["reconciliation"]
    assert (line["difference_refunds_minor"], line["reconciles"]) == (40_000, False)
    await fresh.settle()
    assert await apart(fresh) == {}
    for model in MODELS:
        (line,) = (await fresh.get(PATH, model=model, **WEEK))["reconciliation"]
        assert (line["attributed_net_minor"], line["reconciles"]) == (60_001, True), model


async def test_every_cause_is_told_from_the_others(fresh: Shop) -> None:
    names = ("deleted", "gone", "cancelled", "moved", "away", "currency", "uncredited", "behind", "fine")
    orders = {name: await fresh.order(noon(index % 5), "100.00") for index, name in enumerate(names)}
    await fresh.settle()
    assert await apart(fresh) == {}

    change = "UPDATE store.purchases SET {} WHERE purchase_no = :order"
    await fresh.execute("DELETE FROM store.purchase_lines WHERE purchase_no = :order", order=orders["gone"])
    await fresh.execute("DELETE FROM store.purchases WHERE purchase_no = :order", order=orders["gone"])
    await fresh.execute(change.format("status = 'cancelled', cancelled_at = placed_at"), order=orders["cancelled"])
    await fresh.execute(change.format("placed_at = placed_at - interval '1 day'"), order=orders["moved"])
    await fresh.execute(change.format("placed_at = placed_at - interval '90 days'"), order=orders["away"])
    await fresh.execute(change.format("currency = 'USD'"), order=orders["currency"])
    conversion = "UPDATE adplanning.conversion SET {} WHERE order_id = :order"
    await fresh.execute(conversion.format("deleted_at = now()"), order=str(orders["deleted"]))
    await fresh.execute(conversion.format("attribution_version = NULL"), order=str(orders["behind"]))
    await fresh.execute(
        "DELETE FROM adplanning.credit c USING adplanning.conversion v WHERE v.id = c.conversion_id"
        " AND v.order_id = :order",
        order=str(orders["uncredited"]),
    )
    expected = {
        "deleted": "conversion_deleted",
        "gone": "order_gone",
        "cancelled": "not_revenue",
        "moved": "day_differs",
        "away": "day_differs",
        "currency": "currency_differs",
        "uncredited": "not_credited",
        "behind": "credit_due",
    }
    assert await apart(fresh) == {str(orders[name]): cause for name, cause in expected.items()}
    only = await apart(fresh, cause="day_differs", limit=1)
    assert set(only.values()) == {"day_differs"}
    exported = await fresh.side.admin("GET", f"{PATH}/orders", params=WEEK, headers=CSV)
    assert len(exported.text.splitlines()) == 1 + len(expected)


async def test_a_question_that_makes_no_sense_is_refused(fresh: Shop) -> None:
    for query, field in (({"model": "tarot"}, "model"), ({"window": "5"}, "window"), ({"from_date": "x"}, "from_date")):
        answer = await fresh.ask(PATH, **query)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert (await fresh.ask(f"{PATH}/orders", cause="moon")).status_code == 422
