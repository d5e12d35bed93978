"""An order's attribution by the host's order id: credit that sums to the order, and a reason where there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adplanning_plugin.kernel.backfill import backfill
from tests.insights.books import END, FIRST, Shop, days

ALPHA = "utm_source=facebook&utm_medium=cpc&utm_campaign=Alpha"
THEN = datetime.combine(END - timedelta(days=3), datetime.min.time(), UTC) + timedelta(hours=6)


async def test_every_models_credit_sums_to_the_order_and_names_the_campaigns(khadi: Shop) -> None:
    page = await khadi.get("/coverage/orders", cause="joined", limit=20, **days(FIRST, END))
    states: set[str] = set()
    for order in page["orders"]:
        found = (await khadi.get(f"/orders/{order['order_id']}/attribution"))["order_attribution"]
        states.add(found["state"])
        assert found["conversion"]["id"] == order["conversion_id"]
        assert found["conversion"]["net_minor"] == order["revenue_minor"]
        assert (found["coverage"]["cause"], found["coverage"]["joined_by"]) == ("joined", order["joined_by"])
        for model in found["attribution"]["models"]:
            parts = sum(credit["value_minor"] - credit["refunded_minor"] for credit in model["credit"])
            assert parts == order["revenue_minor"], model["model"]
        for touch in found["attribution"]["touches"]:
            assert touch["ad_campaign_id"] is None or not touch["campaign_name"].isdigit()
    assert "attributed" in states


@pytest.mark.parametrize("cause", ["offline", "no_consent", "blocked", "renewal", "unknown"])
async def test_an_order_without_a_visit_says_why(khadi: Shop, cause: str) -> None:
    page = await khadi.get("/coverage/orders", cause=cause, limit=1, **days(FIRST, END))
    found = (await khadi.get(f"/orders/{page['orders'][0]['order_id']}/attribution"))["order_attribution"]
    assert found["coverage"]["cause"] == cause
    assert found["coverage"]["sentence"] == page["orders"][0]["sentence"]
    assert found["coverage"]["joined_by"] is None


async def test_an_order_says_how_far_it_has_come(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha")
    session = await fresh.visit(THEN, "v1", ALPHA)
    order = await fresh.order(THEN + timedelta(hours=1), "300", session=session)
    unpaid = await fresh.order(THEN + timedelta(hours=2), "50", payment="pending")

    async def state(number: int) -> str:
        return (await fresh.get(f"/orders/{number}/attribution"))["order_attribution"]["state"]

    assert await state(order) == "not_recorded"
    await fresh.settle()
    assert (await state(order), await state(unpaid)) == ("attributed", "not_counted")
    found = (await fresh.get(f"/orders/{order}/attribution"))["order_attribution"]
    assert [touch["campaign_name"] for touch in found["attribution"]["touches"]] == ["Alpha"]
    later = await fresh.order(THEN + timedelta(hours=3), "70")
    await backfill(fresh.store.runtime, fresh.side.tenant)
    await fresh.execute("DELETE FROM adplanning.credit WHERE tenant_id = :tenant", tenant=fresh.side.tenant)
    assert await state(later) == "pending"
    await fresh.execute(
        "UPDATE adplanning.conversion SET attribution_version = NULL WHERE tenant_id = :tenant",
        tenant=fresh.side.tenant,
    )
    await fresh.settle()
    assert await state(later) == "unattributed"


async def test_an_order_of_another_shop_or_of_none_is_not_found(shops: tuple[Shop, Shop]) -> None:
    mine, theirs = shops
    page = await mine.get("/coverage/orders", limit=1, **days(FIRST, END))
    for order_id in (page["orders"][0]["order_id"], "no-such-order"):
        answer = await theirs.ask(f"/orders/{order_id}/attribution")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
