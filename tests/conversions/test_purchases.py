"""Orders become conversions: once, at what the basis says, whatever happens to them afterwards."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from adplanning_plugin.kernel.backfill import backfill, run_sweep
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.health import report
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.tables import OutboxEvent, WorkItem
from adplanning_plugin.kernel.work import Work
from adplanning_plugin.tracking.claims import track_conversion
from adplanning_plugin.tracking.models import ConversionAdjustment
from adplanning_plugin.tracking.purchases import record_purchases
from adplanning_plugin.tracking.schemas import ClaimIn, Seen
from tests.conversions import shop
from tests.conversions.shop import sale


async def adjustments(runtime: Any, tenant_id: str = "main") -> list[Any]:
    async with runtime.database.reading(tenant_id) as session:
        rows = await session.scalars(select(ConversionAdjustment).order_by(ConversionAdjustment.id))
        return list(rows)


async def test_a_placed_order_is_one_confirmed_purchase_net_of_discount_tax_shipping_and_gift_card(
    put: Any, emit: Any, stored: Any
) -> None:
    await put(
        shop.sales,
        sale(1, "118.50", discount="10", tax="18", shipping="5.50", voucher="20", mail="Asha@Example.com", buyer=9),
    )
    await put(shop.sale_lines, {"no": 1, "sale": 1, "store": "main", "cost_minor": 3000})
    await emit("order.placed", 1)
    [conversion] = await stored()
    assert conversion.conversion_type == "purchase"
    assert (conversion.status, conversion.origin, conversion.is_revenue) == ("confirmed", "order", True)
    assert (conversion.value, conversion.refunded, conversion.currency, conversion.cost) == (7500, 0, "INR", 3000)
    assert (conversion.order_id, conversion.person_id, conversion.sales_channel) == ("1", "9", "online")
    assert conversion.identifier.startswith("email:")
    assert conversion.is_new_customer is True
    assert conversion.occurred_at == shop.DAY + timedelta(hours=1)


async def test_browser_bus_and_sweep_at_once_make_one_purchase(runtime: Any, put: Any, stored: Any) -> None:
    await put(shop.sales, *(sale(no) for no in range(1, 9)))
    ids = [str(no) for no in range(1, 9)]

    async def browser(order_id: str) -> None:
        async with runtime.database.transaction("main") as session:
            claim = ClaimIn(conversion_type="purchase", order_id=order_id, conversion_value=999, currency="INR")
            await track_conversion(session, runtime, "main", claim, Seen(visitor_id="vis_x"))

    async def bus(order_id: str) -> None:
        async with runtime.database.transaction("main") as session:
            await record_purchases(session, runtime, "main", [order_id])

    sweep = runtime.get(Work).sweeps["tracking.purchases"]
    await asyncio.gather(
        *(browser(each) for each in ids),
        *(bus(each) for each in ids),
        run_sweep(runtime, "main", sweep),
        *(bus(i) for i in ids),
    )
    conversions = await stored()
    assert sorted(each.order_id for each in conversions) == ids
    assert {(each.status, each.value, each.is_revenue) for each in conversions} == {("confirmed", 10000, True)}


async def test_a_claim_is_pending_and_worth_nothing_until_the_order_confirms_it(
    runtime: Any, put: Any, emit: Any, stored: Any
) -> None:
    async with runtime.database.transaction("main") as session:
        claim = ClaimIn(conversion_type="purchase", order_id="1", conversion_value="99999", currency="INR")
        tracked = await track_conversion(session, runtime, "main", claim, Seen())
    assert (tracked.status, tracked.created) == ("pending", True)
    [pending] = await stored()
    assert (pending.value, pending.is_revenue, pending.properties["claimed_value"]) == (0, False, "99999.00")
    await put(shop.sales, sale(1, "40"))
    await emit("order.placed", 1)
    [confirmed] = await stored()
    assert confirmed.id == pending.id
    assert (confirmed.status, confirmed.value, confirmed.origin, confirmed.is_revenue) == (
        "confirmed",
        4000,
        "order",
        True,
    )


async def test_a_partial_refund_takes_its_share_and_a_full_one_everything(
    runtime: Any, put: Any, alter: Any, emit: Any, stored: Any
) -> None:
    await put(shop.sales, sale(1, "118", tax="18"))
    await emit("order.placed", 1)
    await put(shop.paybacks, {"no": 5, "sale": 1, "store": "main", "amount": 5900, "at": shop.DAY})
    await alter(1, state="partially_refunded")
    await emit("order.refunded", 1)
    [half] = await stored()
    assert (half.value, half.refunded, half.is_revenue) == (10000, 5000, True)
    await put(shop.paybacks, {"no": 6, "sale": 1, "store": "main", "amount": 5900, "at": shop.DAY + timedelta(days=1)})
    await alter(1, state="refunded")
    await emit("order.refunded", 1, 1)
    [whole] = await stored()
    assert (whole.value, whole.refunded, whole.is_revenue) == (10000, 10000, True)
    rows = await adjustments(runtime)
    assert [(row.id, row.kind, row.amount) for row in rows] == [("5", "refund", 5000), ("6", "refund", 5000)]


async def test_refunds_beyond_the_total_take_no_more_than_the_value(
    runtime: Any, put: Any, emit: Any, stored: Any
) -> None:
    await put(shop.sales, sale(1, "10", state="partially_refunded"))
    for no, amount in ((1, 333), (2, 334), (3, 900)):
        await put(shop.paybacks, {"no": no, "sale": 1, "store": "main", "amount": amount, "at": shop.DAY})
    await emit("order.refunded", 1)
    [conversion] = await stored()
    assert conversion.refunded == conversion.value == 1000
    assert [row.amount for row in await adjustments(runtime)] == [333, 334, 333]


async def test_uneven_shares_of_a_refund_sum_to_the_cumulative_one(
    runtime: Any, put: Any, emit: Any, stored: Any
) -> None:
    await put(shop.sales, sale(1, "9.99", tax="1.98", state="partially_refunded"))
    await put(
        shop.paybacks, *({"no": n, "sale": 1, "store": "main", "amount": 111, "at": shop.DAY} for n in range(1, 8))
    )
    await emit("order.refunded", 1)
    [conversion] = await stored()
    assert conversion.refunded == round(801 * 777 / 999)
    assert sum(row.amount for row in await adjustments(runtime)) == conversion.refunded


async def test_a_refund_that_is_taken_back_gives_the_value_back(runtime: Any, put: Any, emit: Any, stored: Any) -> None:
    await put(shop.sales, sale(1, "10", state="partially_refunded"))
    await put(shop.paybacks, {"no": 1, "sale": 1, "store": "main", "amount": 500, "at": shop.DAY})
    await emit("order.refunded", 1)
    async with runtime.database.engine.begin() as connection:
        await connection.execute(shop.paybacks.delete())
    await emit("order.updated", 1)
    [conversion] = await stored()
    assert (conversion.refunded, await adjustments(runtime)) == (0, [])


async def test_a_cancelled_order_is_no_revenue_and_leaves_an_adjustment(
    runtime: Any, put: Any, alter: Any, emit: Any, stored: Any
) -> None:
    await put(shop.sales, sale(1, "10"))
    await emit("order.placed", 1)
    await alter(1, cancelled_at=shop.DAY + timedelta(days=2))
    await emit("order.cancelled", 1)
    [conversion] = await stored()
    assert (conversion.status, conversion.is_revenue, conversion.refunded) == ("cancelled", False, 1000)
    [row] = await adjustments(runtime)
    assert (row.id, row.kind, row.amount) == ("cancel:1", "cancellation", 1000)


async def test_an_unpaid_order_is_pending_and_becomes_revenue_when_it_is_paid(
    put: Any, alter: Any, emit: Any, stored: Any
) -> None:
    await put(shop.sales, sale(1, "10", state="pending"))
    await emit("order.placed", 1)
    [pending] = await stored()
    assert (pending.status, pending.is_revenue, pending.is_new_customer) == ("pending", False, None)
    await alter(1, state="paid")
    await emit("order.paid", 1)
    [paid] = await stored()
    assert (paid.id, paid.status, paid.is_revenue) == (pending.id, "confirmed", True)


async def test_a_test_order_never_counts(put: Any, emit: Any, stored: Any) -> None:
    await put(shop.sales, sale(1, "10", test=True))
    await emit("order.placed", 1)
    [conversion] = await stored()
    assert (conversion.is_test, conversion.is_revenue, conversion.status) == (True, False, "cancelled")


async def test_offline_orders_and_renewals_have_channels_of_their_own(put: Any, emit: Any, stored: Any) -> None:
    await put(shop.sales, sale(1, till=True), sale(2, nth=1), sale(3, nth=2))
    await emit("order.placed", 1, 2, 3)
    assert [each.sales_channel for each in await stored()] == ["offline", "online", "renewal"]


async def test_a_currency_without_minor_units_is_stored_as_it_is(put: Any, emit: Any, stored: Any) -> None:
    await put(shop.sales, sale(1, "1200", store="other", currency="JPY"), sale(2, "1.234", currency="KWD"))
    await emit("order.placed", 1, tenant_id="other")
    await emit("order.placed", 2)
    [yen] = await stored("other")
    [dinar] = await stored("main")
    assert (yen.value, yen.currency, dinar.value, dinar.currency) == (1200, "JPY", 1234, "KWD")


async def test_a_guest_order_has_the_host_session_of_its_visit_and_its_campaign(
    put: Any, emit: Any, stored: Any
) -> None:
    visit = {
        "key": "s-1",
        "store": "main",
        "browser": "b-1",
        "source": "facebook",
        "campaign": "summer_sale",
        "at": shop.DAY,
    }
    await put(shop.visits, visit)
    await put(shop.sales, sale(1, visit="s-1", consent="granted", mail="guest@example.com"))
    await emit("order.placed", 1)
    [conversion] = await stored()
    assert (conversion.session_id, conversion.visitor_id, conversion.person_id) == ("s-1", "b-1", None)
    assert conversion.utm == {"source": "facebook", "campaign": "summer_sale"}


async def test_the_landing_address_of_the_visit_tells_the_tags_that_no_column_has(
    put: Any, emit: Any, stored: Any
) -> None:
    landed_on = "https://shop.example/?utm_source=google&utm_medium=cpc&utm_campaign=Summer+Sale#utm_term=shoes"
    whole = {"key": "s-1", "store": "main", "browser": "b-1", "landed_on": landed_on, "at": shop.DAY}
    await put(shop.visits, whole)
    await put(shop.visits, whole | {"key": "s-2", "source": "Facebook"})
    await put(shop.visits, whole | {"key": "s-3", "landed_on": "https://shop.example/?size=m"})
    await put(shop.sales, *(sale(n, visit=f"s-{n}", consent="granted") for n in (1, 2, 3)))
    await emit("order.placed", 1, 2, 3)
    said = {"source": "google", "medium": "cpc", "campaign": "summer sale", "term": "shoes"}
    assert [each.utm for each in await stored()] == [said, said | {"source": "Facebook"}, None]


async def test_the_first_order_of_a_person_or_an_address_is_the_new_customer_in_whatever_order_they_arrive(
    put: Any, alter: Any, emit: Any, stored: Any
) -> None:
    await put(
        shop.sales,
        sale(1, mail="a@example.com"),
        sale(2, mail="A@example.com ", buyer=4),
        sale(3, buyer=4),
        sale(4, mail="b@example.com"),
        sale(5),
    )
    await emit("order.placed", 3)
    assert [each.is_new_customer for each in await stored()] == [True]
    await emit("order.placed", 5, 4, 2)
    assert [each.is_new_customer for each in await stored()] == [True, False, True, None]
    await emit("order.placed", 1)
    assert [each.is_new_customer for each in await stored()] == [True, False, False, True, None]
    await alter(1, cancelled_at=shop.DAY)
    await emit("order.cancelled", 1)
    assert [each.is_new_customer for each in await stored()] == [None, True, False, True, None]


async def test_an_event_for_an_order_that_does_not_exist_ends_as_a_dead_letter_that_names_it(
    runtime: Any, emit: Any, stored: Any
) -> None:
    async with runtime.database.transaction("main") as session:
        await publish(session, runtime, "main", "order.placed", {"id": 404})
    for _ in range(runtime.options.work.max_attempts):
        async with runtime.database.transaction("main") as session:
            items = await session.scalars(select(WorkItem))
            for item in items:
                item.due_at = shop.DAY
        await Runner(runtime).drain("main")
    async with runtime.database.reading("main") as session:
        [item] = await session.scalars(select(WorkItem))
    assert item.status == "dead"
    assert "404" in item.last_error
    assert await stored() == []


async def test_nothing_changed_is_neither_written_nor_told(runtime: Any, put: Any, emit: Any, stored: Any) -> None:
    await put(shop.sales, sale(1, mail="a@example.com"))
    await emit("order.placed", 1)
    await emit("order.updated", 1, 1)
    [conversion] = await stored()
    assert conversion.version == 2  # the insert, and the mark of the new customer
    async with runtime.database.reading("main") as session:
        told = list(await session.scalars(select(OutboxEvent.name).where(OutboxEvent.name.like("conversion.%"))))
    assert told == ["conversion.created"]


async def test_another_stores_order_is_no_order_here(put: Any, runtime: Any, stored: Any) -> None:
    await put(shop.sales, sale(1, store="other"))
    async with runtime.database.transaction("main") as session:
        done = await record_purchases(session, runtime, "main", ["1", "x; drop table", "99999999999999999999"])
    assert done.missing == ("1", "x; drop table", "99999999999999999999")
    assert await stored() == []


COMPARED = (
    "conversion_type", "status", "origin", "occurred_at", "value", "refunded", "currency", "cost", "is_revenue",
    "is_test", "is_new_customer", "sales_channel", "order_id", "lead_id", "goal_id", "event_id", "visitor_id",
    "session_id", "person_id", "identifier", "utm", "platform", "ad_campaign_id",
)  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
async def test_events_and_backfill_reach_the_same_rows(
    runtime: Any, put: Any, emit: Any, stored: Any, turned: bool
) -> None:
    await fill_store(put)
    numbers = list(range(1, 31))
    await emit("order.placed", *(reversed(numbers) if turned else numbers))
    await emit("lead.created", 1, 2)
    await emit("analytics_event.created", 1, 2)
    by_events = [tuple(getattr(each, name) for name in COMPARED) for each in await stored()]
    refunds = [(each.id, each.kind, each.amount) for each in await adjustments(runtime)]
    async with runtime.database.transaction("main") as session:
        for table in ("conversion_adjustment", "conversion", "order_visit", "watermark"):
            await session.execute(text(f"DELETE FROM adplanning.{table} WHERE tenant_id = 'main'"))
        await session.execute(text("DELETE FROM adplanning.goal"))
    results = await backfill(runtime, "main")
    by_sweep = [tuple(getattr(each, name) for name in COMPARED) for each in await stored()]
    goal = COMPARED.index("goal_id")  # the default goals were made anew
    rows, again = (
        sorted(((*row[:goal], row[goal] is not None, *row[goal + 1 :]) for row in each), key=repr)
        for each in (by_events, by_sweep)
    )
    assert again == rows
    assert len(by_events) == 33
    assert [(each.id, each.kind, each.amount) for each in await adjustments(runtime)] == refunds
    assert all(not result.failed for result in results)


async def fill_store(put: Any) -> None:
    states = ("paid", "pending", "refunded", "partially_refunded", "failed")
    for no in range(1, 31):
        more: dict[str, Any] = {"tax": no % 4, "discount": no % 3, "state": states[no % 5], "test": no % 11 == 0}
        more |= {"mail": f"p{no % 6}@example.com" if no % 2 else None, "buyer": no % 4 if no % 3 else None}
        await put(shop.sales, sale(no, 50 + no, **more))
        if no % 5 == 3:
            await put(shop.paybacks, {"no": no, "sale": no, "store": "main", "amount": no * 37, "at": shop.DAY})
    await put(shop.enquiries, *({"no": no, "store": "main", "at": shop.DAY, "worth": no} for no in (1, 2)))
    for no, what in ((1, "add_to_cart"), (2, "page_view")):
        await put(shop.hits, {"no": no, "store": "main", "what": what, "at": shop.DAY, "browser": "b"})


async def test_orders_without_a_usable_total_are_named_by_the_health_report_until_the_store_corrects_them(
    runtime: Any, put: Any, alter: Any, stored: Any
) -> None:
    sweep = next(each for each in runtime.get(Work).ordered_sweeps() if each.id == "tracking.purchases")
    assert (await report(runtime, "main"))["checks"]["orders"]["status"] == "ok"
    await put(shop.sales, sale(1), sale(2, "NaN"), sale(3, "NaN"))
    await run_sweep(runtime, "main", sweep, since=shop.DAY)
    assert [each.order_id for each in await stored()] == ["1"]
    found = (await report(runtime, "main"))["checks"]["orders"]
    assert (found["status"], found["orders"], found["lacking"]["total"]) == ("warn", 2, 2)
    assert "total (2)" in found["detail"]
    assert "2, 3" in found["detail"]
    assert (await report(runtime, "other"))["checks"]["orders"]["status"] == "ok"  # whose orders are its own
    for no in (2, 3):
        await alter(no, total=5)
    await run_sweep(runtime, "main", sweep, since=shop.DAY)
    assert len(await stored()) == 3
    assert (await report(runtime, "main"))["checks"]["orders"]["status"] == "ok"


async def test_a_burst_of_leads_is_taken_in_one_run(runtime: Any, put: Any, emit: Any, stored: Any) -> None:
    await put(shop.enquiries, *({"no": no, "store": "main", "at": shop.DAY} for no in range(1, 21)))
    await emit("lead.created", *range(1, 21))
    assert sorted(int(each.lead_id) for each in await stored()) == list(range(1, 21))
    async with runtime.database.reading("main") as session:
        runs = text("SELECT count(*) FROM adplanning.workflow_run WHERE workflow = 'track-lead-conversion'")
        assert (await session.execute(runs)).scalar_one() < 20
