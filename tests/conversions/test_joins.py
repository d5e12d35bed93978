"""Orders, forms and leads find their visitors: by login, by address, weakly; a broken amount breaks no other row."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text

from adplanning_plugin.identity import IDENTITY_SECTION, Edge, identifier_for_email, link, visitors_of
from adplanning_plugin.kernel.settings import save
from adplanning_plugin.kernel.tables import WorkItem
from adplanning_plugin.kernel.work import Work
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import order_visit_table
from tests.conversions import shop
from tests.conversions.shop import DAY, sale

HOUR = timedelta(hours=1)


async def edges(runtime: Any) -> set[tuple[str, str, str, int, str]]:
    async with runtime.database.reading("main") as session:
        rows = await session.execute(
            text("SELECT visitor_id, identifier, kind, strength, source FROM adplanning.identity_edge")
        )
        return {tuple(row) for row in rows}  # type: ignore[misc]


async def stamps(runtime: Any) -> dict[str, tuple[Any, ...]]:
    c = order_visit_table.c
    async with runtime.database.reading("main") as session:
        rows = await session.execute(select(c.order_id, c.method, c.visitor_id, c.session_id))
        return {row[0]: tuple(row[1:]) for row in rows}


async def answer(runtime: Any, id: str, **values: Any) -> None:  # noqa: A002
    table = runtime.get(Links).source("form_response").owned
    async with runtime.database.transaction("main") as session:
        row = {"tenant_id": "main", "id": id, "source_key": id, "created_at": DAY, **values}
        await session.execute(table.insert().values(row))


def visit(key: str, browser: str | None, hours: float) -> dict[str, Any]:
    return {"key": key, "store": "main", "browser": browser, "at": DAY + hours * HOUR}


@pytest.mark.parametrize("way", ["event", "sweep"])
async def test_an_address_in_a_form_is_a_weak_edge_and_is_not_kept(runtime: Any, put: Any, emit: Any, way: str) -> None:
    from adplanning_plugin.kernel.backfill import run_sweep

    await put(shop.visits, visit("s1", "b1", 0))
    await answer(runtime, "f1", email=" Asha@Example.com", session_id="s1")
    await answer(runtime, "f2", email="bina@example.com")
    if way == "event":
        await emit("form_response.created", "f1", "f2")
    else:
        sweep = next(each for each in runtime.get(Work).ordered_sweeps() if each.id == "tracking.forms")
        assert (await run_sweep(runtime, "main", sweep)).changed == 1

    identifier = identifier_for_email(runtime, "asha@example.com")
    assert await edges(runtime) == {("b1", identifier, "form", 1, "form:f1")}
    async with runtime.database.reading("main") as session:
        assert (await session.scalars(visitors_of("main", [str(identifier)]))).all() == []


async def test_a_form_that_the_store_does_not_have_is_named(runtime: Any, emit: Any) -> None:
    await emit("form_response.created", "f404")
    async with runtime.database.reading("main") as session:
        (error,) = await session.scalars(select(WorkItem.last_error).where(WorkItem.last_error.is_not(None)))
    assert "form response f404" in error


async def test_a_lead_links_its_visit_weakly(runtime: Any, put: Any, emit: Any) -> None:
    await put(shop.visits, visit("s1", "b1", 0))
    await put(shop.enquiries, {"no": 1, "store": "main", "mail": "asha@example.com", "visit": "s1", "at": DAY})
    await emit("lead.created", 1)
    identifier = identifier_for_email(runtime, "asha@example.com")
    assert await edges(runtime) == {("b1", identifier, "form", 1, "lead:1")}


async def test_an_order_without_a_visit_has_that_of_its_known_buyer(runtime: Any, put: Any, emit: Any) -> None:
    await put(shop.visits, visit("s1", "b1", 0), visit("s2", "b1", 40), visit("s3", "b1", 41), visit("s4", "b1", 400))
    await put(
        shop.sales,
        sale(1, buyer=5, mail="asha@example.com", visit="s1"),
        sale(50, buyer=5),
        sale(51, mail="Asha@example.com"),
        sale(52, buyer=5, consent="denied"),
        sale(53, buyer=5, till=True),
        sale(54, buyer=5, nth=2),
        sale(55, buyer=6),
        sale(100, buyer=5),
    )
    await emit("order.placed", 1, 50, 51, 52, 53, 54, 55, 100)
    none = ("none", None, None)
    assert await stamps(runtime) == {
        "1": ("session", "b1", "s1"),
        "50": ("login", "b1", "s3"),
        "51": ("email", "b1", "s3"),
        **dict.fromkeys(("52", "53", "54", "55", "100"), none),
    }


async def test_a_visit_found_by_an_edge_makes_no_further_edge(runtime: Any, put: Any, emit: Any) -> None:
    await put(shop.visits, visit("s1", "b1", 0))
    await put(shop.sales, sale(1, buyer=5, visit="s1"), sale(2, buyer=5, mail="someone.else@example.com"))
    await emit("order.placed", 1, 2)
    assert (await stamps(runtime))["2"] == ("login", "b1", "s1")
    assert await edges(runtime) == {("b1", "person:5", "order", 2, "order:1")}


async def test_a_login_after_the_order_gives_it_its_visit(runtime: Any, put: Any, emit: Any, stored: Any) -> None:
    await put(shop.visits, visit("s1", "b1", 0))
    await put(shop.sales, sale(1, buyer=5))
    await emit("order.placed", 1)
    assert (await stamps(runtime))["1"] == ("none", None, None)

    async with runtime.database.transaction("main") as session:
        await link(session, runtime, "main", [Edge("b1", "person:5", "login", "login", DAY + 3 * HOUR)])
    await emit("nothing.happened")
    assert (await stamps(runtime))["1"] == ("login", "b1", "s1")
    [conversion] = await stored()
    assert (conversion.visitor_id, conversion.session_id) == ("b1", "s1")


async def test_how_long_before_the_order_is_a_setting(runtime: Any, put: Any, emit: Any) -> None:
    async with runtime.database.transaction("main") as session:
        await save(session, runtime, "main", IDENTITY_SECTION, {"visit_hours_before_order": 0}, 0)
    await put(shop.visits, visit("s1", "b1", 0))
    await put(shop.sales, sale(1, buyer=5, visit="s1"), sale(2, buyer=5))
    await emit("order.placed", 1, 2)
    assert (await stamps(runtime))["2"] == ("none", None, None)


async def test_a_broken_amount_is_set_aside_and_named(runtime: Any, put: Any, emit: Any, stored: Any) -> None:
    await put(shop.sales, sale(1, "10"), sale(2, Decimal("NaN")), sale(3, "20", tax=Decimal("NaN")))
    await put(shop.sales, sale(4, Decimal("NaN")))
    async with runtime.database.transaction("main") as session:
        from adplanning_plugin.tracking import record_purchases

        done = await record_purchases(session, runtime, "main", ["1", "2", "3", "4"])
        assert set(done.missing) == {"2", "4"}
    assert [each.order_id for each in await stored()] == ["1", "3"]

    await emit("order.placed", 2)
    async with runtime.database.reading("main") as session:
        (error,) = await session.scalars(select(WorkItem.last_error).where(WorkItem.last_error.is_not(None)))
    assert "Order 2 has no usable total" in error
    async with runtime.database.engine.connect() as connection:
        found = [each.message for each in await runtime.get(Links).check(connection) if each.entity == "order"]
    assert any("order.total of" in message and "2" in message and "4" in message for message in found)
    assert any("order.tax of 3" in message for message in found)
