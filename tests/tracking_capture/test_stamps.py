"""An order finds its visit through an off-site payment, a closed tab or another domain, or says why not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adplanning_plugin.identity import identifier_for_email, resolve_person, visitors_of
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.tracking import stamp_orders, stamp_request
from adplanning_plugin.tracking.capture import RequestVisit, current
from adplanning_plugin.tracking.tokens import write_visit
from tests.tracking_capture.conftest import ORIGIN, Shop, broken


async def stamp(shop: Shop, *order_ids: str) -> dict[str, Any]:
    async with shop.runtime.database.transaction("main") as session:
        await stamp_orders(session, shop.runtime, "main", order_ids)
    return {row.order_id: row for row in await shop.rows("SELECT * FROM adplanning.order_visit")}


async def test_an_order_after_an_off_site_payment_is_found_by_its_checkout_reference(shop: Shop) -> None:
    async with shop.browser(consent="analytics") as browser:
        await browser.get("/?utm_source=meta")
        assert (await browser.post("/checkout/cart-1")).json() == {"bound": True}
        visitor = browser.cookies["_adp_vid"]
    # The payment provider calls back; the shopper's tab is closed.
    async with shop.browser(agent="PaymentProvider/1.0") as provider:
        await provider.post("/checkout/cart-1")
    order = await shop.order(1, checkout="cart-1", mail=" Asha@Example.com", customer=7)

    row = (await stamp(shop, order))[order]
    assert (row.visitor_id, row.method, row.consent) == (visitor, "checkout_ref", "granted")
    assert row.session_id == browser.cookies["_adp_sid"]
    async with shop.runtime.database.transaction("main") as session:
        assert await resolve_person(session, "main", visitor) == "7"
        email = identifier_for_email(shop.runtime, "asha@example.com")
        assert (await session.execute(visitors_of("main", [str(email)]))).scalars().all() == [visitor]


@pytest.mark.parametrize(("cookie", "state"), [("none", "denied"), (None, "unknown")])
async def test_without_consent_the_order_knows_only_why_there_is_no_visit(
    shop: Shop, cookie: str | None, state: str
) -> None:
    async with shop.browser(consent=cookie) as browser:
        await browser.get("/?utm_source=meta")
        await browser.post("/checkout/cart-2")
    order = await shop.order(2, checkout="cart-2", mail="asha@example.com", customer=7)

    row = (await stamp(shop, order))[order]
    assert (row.visitor_id, row.session_id, row.method, row.consent) == (None, None, "none", state)
    assert await shop.rows("SELECT * FROM adplanning.identity_edge") == []


async def test_consent_given_just_before_checkout_still_keeps_the_landing(shop: Shop) -> None:
    async with shop.browser() as browser:
        await browser.get("/?utm_source=meta")
        browser.cookies.set("_adp_consent", "analytics")
        answer = await browser.post("/checkout/cart-3", headers={"referer": f"{ORIGIN}/?utm_source=meta"})
        visitor = browser.cookies["_adp_vid"]
    order = await shop.order(3, checkout="cart-3")

    assert "_adp_vid=vis_" in answer.headers["set-cookie"]
    assert (await stamp(shop, order))[order].visitor_id == visitor
    assert [(event.visitor_id, event.utm) for event in await shop.events()] == [(visitor, {"source": "meta"})]


async def test_a_token_is_believed_when_it_is_ours_and_was_fresh_at_the_order(shop: Shop) -> None:
    token = write_visit(shop.runtime, "main", "vis_a", "ses_a", "granted")
    denied = write_visit(shop.runtime, "main", None, None, "denied")
    foreign = write_visit(shop.runtime, "other", "vis_a", "ses_a", "granted")
    placed = datetime.now(UTC) + timedelta(days=29)
    orders = [
        await shop.order(1, token=token, placed=placed),
        await shop.order(2, token=token, placed=placed + timedelta(days=2)),
        await shop.order(3, token=token[:-2] + "xx"),
        await shop.order(4, token=foreign),
        await shop.order(5, token=denied),
        await shop.order(6, token="not a token"),
    ]

    rows = await stamp(shop, *orders)
    assert (rows["1"].visitor_id, rows["1"].session_id, rows["1"].method) == ("vis_a", "ses_a", "token")
    assert [rows[each].visitor_id for each in orders[1:]] == [None] * 5
    assert [rows[each].consent for each in orders[1:]] == ["unknown", "unknown", "unknown", "denied", "unknown"]


async def test_the_order_of_precedence_is_request_reference_token_session(shop: Shop) -> None:
    token = write_visit(shop.runtime, "main", "vis_token", None, "granted")
    async with shop.browser(consent="analytics") as browser:
        await browser.post("/checkout/cart-1")
        bound = browser.cookies["_adp_vid"]
    await shop.rows(
        "INSERT INTO adplanning.order_visit VALUES ('main', '1', 'vis_request', 's', 'request', 'granted', now()) "
        "RETURNING order_id"
    )
    orders = [
        await shop.order(1, checkout="cart-1", token=token),
        await shop.order(2, checkout="cart-1", token=token),
        await shop.order(3, checkout="cart-9", token=token),
        await shop.order(4, checkout="cart-9"),
        await shop.order(5, checkout="cart-1", token=token, cookies="denied"),
    ]

    rows = await stamp(shop, *orders)
    assert [(rows[each].visitor_id, rows[each].method) for each in orders] == [
        ("vis_request", "request"),
        (bound, "checkout_ref"),
        ("vis_token", "token"),
        (None, "none"),
        (None, "none"),
    ]
    assert rows["5"].consent == "denied"


async def test_stamping_again_changes_nothing(shop: Shop) -> None:
    order = await shop.order(1, token=write_visit(shop.runtime, "main", "vis_a", None, "granted"))
    first = (await stamp(shop, order))[order]

    async with shop.runtime.database.transaction("main") as session:
        assert await stamp_orders(session, shop.runtime, "main", [order, order, "404"]) == []
    assert (await stamp(shop, order))[order].stamped_at == first.stamped_at


class Undo(Exception):
    """The store's own transaction fails after the order was stamped."""


async def undone(shop: Shop, order_id: str) -> None:
    async with shop.runtime.database.transaction("main") as session:
        await stamp_request(session, shop.runtime, "main", order_id)
        raise Undo


async def test_an_order_created_inside_a_storefront_request_is_stamped_in_the_hosts_transaction(shop: Shop) -> None:
    scope: dict[str, Any] = {
        "type": "http", "method": "POST", "path": "/buy", "query_string": b"", "scheme": "https",
        "headers": [(b"host", b"shop.example"), (b"cookie", b"_adp_consent=analytics")],
    }  # fmt: skip
    request = RequestVisit(scope, shop.runtime)  # type: ignore[arg-type]
    token = current.set(request)
    try:
        async with shop.runtime.database.transaction("main") as session:
            assert await stamp_request(session, shop.runtime, "main", "1")
        with pytest.raises(Undo):
            await undone(shop, "2")
    finally:
        current.reset(token)
    async with shop.runtime.database.transaction("main") as session:
        assert not await stamp_request(session, shop.runtime, "main", "3")

    rows = await shop.rows("SELECT order_id, visitor_id, method FROM adplanning.order_visit")
    assert request.visit is not None
    assert [tuple(row) for row in rows] == [("1", request.visit.visitor_id, "request")]


async def test_login_links_the_visitor_and_needs_consent(shop: Shop) -> None:
    async with shop.browser(consent="analytics") as browser:
        await browser.get("/")
        linked = await browser.post("/auth/login/7")
    async with shop.browser() as undecided:
        refused = await undecided.post("/auth/login/8")

    assert (linked.json(), refused.json()) == ({"linked": True}, {"linked": False})
    edges = await shop.rows("SELECT visitor_id, identifier, kind, strength FROM adplanning.identity_edge")
    assert [tuple(edge) for edge in edges] == [(browser.cookies["_adp_vid"], "person:7", "login", 2)]


async def test_checkout_and_login_go_on_when_the_database_is_gone(shop: Shop) -> None:
    real = shop.runtime.database
    shop.runtime.put(broken(shop.runtime).database, Database)
    async with shop.browser(consent="analytics") as browser:
        bound = await browser.post("/checkout/cart-1")
        linked = await browser.post("/auth/login/7")
    shop.runtime.put(real, Database)

    assert (bound.status_code, bound.json()) == (201, {"bound": False})
    assert (linked.status_code, linked.json()) == (201, {"linked": False})


async def test_thousands_of_orders_are_stamped_in_a_fixed_number_of_statements(shop: Shop) -> None:
    token = write_visit(shop.runtime, "main", "vis_a", None, "granted")
    await shop.rows(
        "INSERT INTO purchases (number, shop, cents, token, placed, mail) SELECT n, 'main', 100, :token, now(), "
        "'p' || n || '@example.com' FROM generate_series(1, 2000) n RETURNING number",
        token=token,
    )
    from sqlalchemy import event

    statements: list[str] = []
    engine = shop.runtime.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    rows = await stamp(shop, *(str(n) for n in range(1, 2001)))

    assert len(rows) == 2000
    assert all(row.visitor_id == "vis_a" for row in rows.values())
    assert len(statements) < 20
