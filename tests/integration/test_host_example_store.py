"""The example store by itself: a purchase over HTTP, a payment confirmed twice, roles, and what its bus tells."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from litestar.testing import AsyncTestClient
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from host_example import payment
from host_example.app import create_app
from host_example.bus import EVENTS, Event
from host_example.context import Store
from host_example.database import make_engine
from host_example.models import Purchase, PurchaseLine
from host_example.models_marketing import Enquiry, Review, WebEvent, WebFormAnswer, WebSession
from host_example.settings import StoreSettings

Told = list[tuple[str, int, int]]


class Shopper:
    """A browser, a payment provider without webhooks of its own, and everything the bus told."""

    def __init__(self, client: AsyncTestClient, provider: AsyncTestClient, told: Told, engine: AsyncEngine) -> None:
        self.client = client
        self.provider = provider
        self.told = told
        self.engine = engine
        self.webhooks: list[dict[str, str]] = []

    async def leave_for_payment(self, **form: str) -> str:
        """Fill the cart, check out; the address at the provider."""
        await self.client.post("/cart", data={"slug": "linen-shirt"})
        answer = await self.client.post("/checkout", data={"email": "ann@x.example", **form}, follow_redirects=False)
        assert answer.status_code == 303
        return answer.headers["location"]

    async def pay(self, address: str, outcome: str) -> str | None:
        """Press a button at the provider; where it sends the browser (None: nowhere)."""
        parts = urlsplit(address)
        ticket = parse_qs(parts.query)["order"][0]
        data = {"order": ticket, "outcome": outcome}
        answer = await self.provider.post(parts.path, data=data, follow_redirects=False)
        return answer.headers.get("location")

    async def count(self, table: type) -> int:
        async with self.engine.connect() as connection:
            return (await connection.execute(select(func.count()).select_from(table))).scalar_one()

    async def purchase(self) -> Purchase:
        async with self.engine.connect() as connection:
            row = (await connection.execute(select(Purchase.__table__))).one()
        return Purchase(**row._mapping)


@pytest.fixture
async def shopper(empty_database_url: str) -> AsyncIterator[Shopper]:
    told: Told = []
    app = create_app(StoreSettings(database_url=empty_database_url, secret="s" * 32), plugin=False)
    store = app.state["store"]
    assert isinstance(store, Store)

    async def listen(event: Event) -> None:
        told.append((event.name, event.data["id"], event.shop))

    for name in EVENTS:
        store.bus.subscribe(name, listen)
    engine = make_engine(empty_database_url)
    webhooks: list[dict[str, str]] = []

    async def keep(_: str, body: dict[str, str]) -> None:
        webhooks.append(body)

    provider_app = payment.create_app(store.settings.payment_secret, deliver=keep)
    async with (
        AsyncTestClient(app, base_url="http://localhost.local") as client,
        AsyncTestClient(provider_app, base_url="http://pay.local") as provider,
    ):
        person = Shopper(client, provider, told, engine)
        person.webhooks = webhooks
        yield person
    await engine.dispose()


async def test_a_guest_buys_and_the_bus_tells_of_a_placed_and_paid_order(shopper: Shopper) -> None:
    landing = await shopper.client.get("/?utm_source=facebook&utm_campaign=Summer")
    assert "Khadi House" in landing.text
    back = await shopper.pay(await shopper.leave_for_payment(coupon="WELCOME10"), "pay")
    assert back is not None
    thanks = await shopper.client.get(back)

    order = await shopper.purchase()
    assert f'id="order-number">{order.purchase_no}<' in thanks.text
    assert (order.email, order.payment, order.channel, order.customer_no) == ("ann@x.example", "paid", "web", None)
    assert (order.items_total, order.discount_total) == (Decimal("1990.00"), Decimal("199.00"))
    assert order.grand_total == order.items_total - order.discount_total + order.tax_total + order.shipping_total
    assert shopper.told == [("order.placed", order.purchase_no, 101), ("order.paid", order.purchase_no, 101)]
    assert await shopper.count(PurchaseLine) == 1


@pytest.mark.parametrize("first", ["webhook", "return"])
async def test_a_payment_confirmed_by_webhook_and_by_return_makes_one_order(shopper: Shopper, first: str) -> None:
    back = await shopper.pay(await shopper.leave_for_payment(), "pay")
    assert back is not None
    (webhook,) = shopper.webhooks
    for way in (first, {"webhook": "return", "return": "webhook"}[first], first):
        if way == "webhook":
            answer = await shopper.client.post("/payments/webhook", json=webhook)
        else:
            answer = await shopper.client.get(back, follow_redirects=True)
        assert answer.status_code == 200
    assert await shopper.count(Purchase) == 1
    assert [name for name, *_ in shopper.told] == ["order.placed", "order.paid"]


async def test_a_shopper_who_closes_the_tab_still_gets_the_order_by_webhook(shopper: Shopper) -> None:
    assert await shopper.pay(await shopper.leave_for_payment(), "pay_and_close") is None
    shopper.client.cookies.clear()
    answer = await shopper.client.post("/payments/webhook", json=shopper.webhooks[0])
    assert answer.json()["status"] == "confirmed"
    assert (await shopper.purchase()).payment == "paid"


async def test_a_declined_or_forged_payment_makes_no_order(shopper: Shopper) -> None:
    address = await shopper.leave_for_payment()
    back = await shopper.pay(address, "decline")
    assert back is not None
    assert (await shopper.client.get(back, follow_redirects=False)).headers["location"] == "/cart?payment=declined"
    forged = await shopper.client.post("/payments/webhook", json={"receipt": "eyJyZWYiOiJ4In0.aaaa.bbbb"})
    assert forged.status_code == 404
    assert await shopper.count(Purchase) == 0


async def test_a_gift_card_pays_its_part_and_a_transfer_leaves_the_order_unpaid(shopper: Shopper) -> None:
    await shopper.client.post("/cart", data={"slug": "linen-shirt"})
    form = {"email": "b@x.example", "gift_card": "GIFT500", "pay": "transfer"}
    thanks = await shopper.client.post("/checkout", data=form, follow_redirects=True)
    assert "waiting for your transfer" in thanks.text
    order = await shopper.purchase()
    assert (order.giftcard_total, order.payment) == (Decimal(500), "pending")
    assert [name for name, *_ in shopper.told] == ["order.placed"]


async def test_visits_are_recorded_only_after_consent_and_stamped_on_the_order(shopper: Shopper) -> None:
    landing = "/?utm_source=google&utm_campaign=Brand"
    await shopper.client.get(landing)
    assert await shopper.count(WebSession) == 0
    await shopper.client.post("/consent", data={"choice": "granted", "next": landing}, follow_redirects=True)
    back = await shopper.pay(await shopper.leave_for_payment(), "pay")
    assert back is not None
    await shopper.client.get(back)
    order = await shopper.purchase()
    async with shopper.engine.connect() as connection:
        session_no, url = (await connection.execute(select(WebSession.session_no, WebSession.landing_url))).one()
    assert url.endswith(landing)
    assert (order.web_session_no, order.tracking_consent) == (session_no, "granted")
    assert await shopper.count(WebEvent) >= 3


async def test_declining_cookies_stores_nothing_about_the_visit(shopper: Shopper) -> None:
    await shopper.client.post("/consent", data={"choice": "denied", "next": "/"}, follow_redirects=True)
    back = await shopper.pay(await shopper.leave_for_payment(), "pay")
    assert back is not None
    await shopper.client.get(back)
    order = await shopper.purchase()
    assert (order.web_session_no, order.visitor_token, order.tracking_consent) == (None, None, "denied")
    assert (await shopper.count(WebSession), await shopper.count(WebEvent)) == (0, 0)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
async def test_the_cookie_choice_never_leads_off_the_site(shopper: Shopper, target: str) -> None:
    answer = await shopper.client.post("/consent", data={"choice": "denied", "next": target}, follow_redirects=False)
    assert answer.headers["location"] == "/"


async def test_contact_and_feedback_forms_are_stored_and_told(shopper: Shopper) -> None:
    message = {"email": "Cy@X.example", "message": "Do you deliver?"}
    assert (await shopper.client.post("/contact", data=message)).status_code == 200
    assert (await shopper.client.post("/feedback", data={"stars": "4", "body": "Lovely"})).status_code == 200
    assert (await shopper.client.post("/feedback", data={"stars": "9"})).status_code == 422
    assert (await shopper.client.post("/contact", data={"email": "nobody", "message": "x"})).status_code == 422
    counts = [await shopper.count(table) for table in (Enquiry, WebFormAnswer, Review)]
    assert counts == [1, 1, 1]
    assert [name for name, *_ in shopper.told] == ["lead.created", "form_response.created", "feedback.created"]


async def test_a_customer_opens_an_account_and_orders_with_it(shopper: Shopper) -> None:
    form = {"email": "dee@x.example", "password": "secret", "new": "1"}
    await shopper.client.post("/login", data=form)
    back = await shopper.pay(await shopper.leave_for_payment(email=""), "pay")
    assert back is not None
    await shopper.client.get(back)
    order = await shopper.purchase()
    assert order.email == "dee@x.example"
    assert order.customer_no is not None
    assert shopper.told[0] == ("person.created", order.customer_no, 101)
    account = await shopper.client.get("/account")
    assert str(order.purchase_no) in account.text
    wrong = await shopper.client.post("/login", data={"email": "dee@x.example", "password": "guess"})
    assert wrong.status_code == 422


async def test_the_second_shop_answers_under_its_own_name_and_currency(shopper: Shopper) -> None:
    page = await shopper.client.get("/", headers={"host": "second.localhost:9000"})
    assert "Spree Leinen" in page.text
    assert "€79.00" in page.text
    assert (await shopper.client.get("/products/leinen-hemd")).status_code == 404


async def test_staff_log_in_by_password_and_each_role_may_do_its_own(shopper: Shopper) -> None:
    back = await shopper.pay(await shopper.leave_for_payment(), "pay")
    assert back is not None
    await shopper.client.get(back)
    number = (await shopper.purchase()).purchase_no
    wrong = await shopper.client.post("/auth/login", json={"email": "admin@example.com", "password": "guess"})
    assert wrong.status_code == 401

    async def enter(email: str) -> str:
        answer = await shopper.client.post("/auth/login", json={"email": email, "password": "demo"})
        assert answer.status_code == 200
        return answer.json()["token"]

    await enter("viewer@example.com")
    shown = await shopper.client.get(f"/app/orders/{number}")
    assert "ann@x.example" not in shown.text
    refused = await shopper.client.post(f"/app/orders/{number}/refund", data={"amount": "10"})
    assert refused.status_code == 403

    token = await enter("admin@second.example.com")
    shopper.client.cookies.clear()
    other = await shopper.client.get(f"/app/orders/{number}", headers={"authorization": f"Bearer {token}"})
    assert other.status_code == 404

    await enter("admin@example.com")
    assert "ann@x.example" in (await shopper.client.get(f"/app/orders/{number}")).text


async def test_refunds_add_up_to_the_total_and_no_further(shopper: Shopper) -> None:
    back = await shopper.pay(await shopper.leave_for_payment(), "pay")
    assert back is not None
    await shopper.client.get(back)
    order = await shopper.purchase()
    path = f"/app/orders/{order.purchase_no}"
    await shopper.client.post("/auth/login", json={"email": "admin@example.com", "password": "demo"})
    await shopper.client.post(f"{path}/refund", data={"amount": "90.50", "reason": "too large"})
    assert (await shopper.purchase()).payment == "partly_refunded"
    too_much = await shopper.client.post(f"{path}/refund", data={"amount": str(order.grand_total)})
    assert too_much.status_code == 422
    assert re.search(r"must be between 0\.01 and", too_much.text)
    await shopper.client.post(f"{path}/cancel")
    done = await shopper.purchase()
    assert (done.status, done.payment) == ("cancelled", "refunded")
    async with shopper.engine.connect() as connection:
        given = await connection.scalar(text("SELECT sum(amount_minor) FROM store.purchase_refunds"))
    assert Decimal(given) / 100 == order.grand_total
    assert [name for name, *_ in shopper.told][2:] == ["order.refunded", "order.refunded", "order.cancelled"]


async def test_a_failing_subscriber_does_not_stop_the_sale(empty_database_url: str) -> None:
    app = create_app(StoreSettings(database_url=empty_database_url), plugin=False)

    async def fail(_: Event) -> None:
        raise RuntimeError("subscriber")

    app.state["store"].bus.subscribe("order.placed", fail)
    async with AsyncTestClient(app, base_url="http://localhost.local") as client:
        await client.post("/cart", data={"slug": "khadi-stole"})
        thanks = await client.post("/checkout", data={"email": "e@x.example", "pay": "transfer"}, follow_redirects=True)
    assert "Thank you" in thanks.text
