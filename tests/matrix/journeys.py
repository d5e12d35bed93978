"""Journeys: from an advertisement to an order, once for each way to consent and each way to pay."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from tests.matrix.browser import Browser, Page
from tests.matrix.running import RunningStore

Consent = Literal["granted before landing", "granted after landing", "denied", "unknown"]
Payment = Literal["same tab", "off-site return", "tab closed", "guest"]
CONSENTS: tuple[Consent, ...] = ("granted before landing", "granted after landing", "denied", "unknown")
PAYMENTS: tuple[Payment, ...] = ("same tab", "off-site return", "tab closed", "guest")
PRODUCTS = ("linen-shirt", "khadi-stole", "block-print-kurta", "table-runner")


@dataclass(frozen=True)
class Ad:
    """A campaign of the store, and how its advertisements lead there."""

    campaign_id: str
    source: str
    medium: str
    name: str
    referrer: str

    @property
    def landing(self) -> str:
        return "/?" + urlencode({"utm_source": self.source, "utm_medium": self.medium, "utm_campaign": self.name})


BRAND = Ad("7011", "google", "cpc", "Brand", "https://www.google.com/")
RETARGETING = Ad("7002", "facebook", "paid_social", "Retargeting 30d", "https://l.facebook.com/")
SHOPPING = Ad("7012", "google", "cpc", "Shopping | All products", "https://www.google.com/")
GIFTS = Ad("7016", "google", "cpc", "PMax Diwali & Gifts", "")
ADS = (BRAND, RETARGETING, SHOPPING, GIFTS)


@dataclass(frozen=True)
class Order:
    """A purchase that a journey ended with; `email` is what finds it in the store's books."""

    consent: Consent
    blocked: bool
    payment: Payment
    email: str
    ad: Ad

    @property
    def cell(self) -> tuple[Consent, bool, Payment]:
        return self.consent, self.blocked, self.payment


async def journey(browser: Browser, store: RunningStore, order: Order, number: int) -> None:
    """Land from the order's advertisement, answer the banner as its cell says, and buy."""
    if order.consent == "granted before landing":
        await _came_before(browser, store, number)
    await browser.open(store.origin + order.ad.landing, referrer=order.ad.referrer)
    await browser.read()
    await _answer(browser, order, number)
    await fill_cart(browser, PRODUCTS[number % len(PRODUCTS)])
    await check_out(browser, store, order.payment, order.email)


async def _came_before(browser: Browser, store: RunningStore, number: int) -> None:
    """An earlier visit accepted cookies; of every second one the browser kept only the answer."""
    await browser.open(store.origin + "/")
    await accept(browser)
    await browser.close()  # that visit is over: its last beacon does not race the next one's landing
    if number % 2:
        browser.jar.forget("_adp_vid", "_adp_sid", "store_visit")


async def _answer(browser: Browser, order: Order, number: int) -> None:
    """Three kinds of banner: a form that reloads, a script that does not, and one answered a page later."""
    if order.consent == "denied":
        if number % 2:
            await browser.submit("/consent", choice="denied", next=order.ad.landing)
        else:
            await browser.consent(False)
    if order.consent != "granted after landing":
        return
    if number % 3 == 0:
        await accept(browser)
    elif number % 3 == 1 or browser.blocks_script:
        await browser.consent(True)
    else:
        await browser.click("/products/indigo-saree")
        await browser.consent(True)


async def accept(browser: Browser) -> Page:
    """Press the banner's button, which leads back to the same page."""
    page = browser.page
    assert page is not None
    field = re.search(r'name="next" value="([^"]*)"', page.text)
    assert field, "the page has no banner"
    return await browser.submit("/consent", choice="granted", next=html.unescape(field[1]))


async def fill_cart(browser: Browser, slug: str) -> None:
    """Look at a product and put it into the cart."""
    page = await browser.click(f"/products/{slug}")
    assert page.status == 200
    await browser.submit("/cart", slug=slug)


async def check_out(browser: Browser, store: RunningStore, payment: Payment, email: str) -> None:
    """Buy what is in the cart; all but guests open an account on the way."""
    await browser.click("/checkout")
    if payment != "guest":
        await browser.click("/login?next=/checkout")
        await browser.submit("/login", email=email, password="secret", new="1", next="/checkout")
    if payment == "same tab":
        # Nothing leaves the shop: the order is made in the shopper's own request, and paid by transfer later.
        thanks = await browser.submit("/checkout", email=email, pay="transfer")
        await browser.close()
        await store.mark_paid(order_number(thanks))
        return
    await browser.submit("/checkout", email=email, pay="card")
    paying = browser.page
    assert paying is not None
    assert paying.url.startswith(store.running.payment_origin), paying.text
    ticket = re.search(r'name="order" value="([^"]+)"', paying.text)
    assert ticket
    outcome = "pay_and_close" if payment == "tab closed" else "pay"
    last = await browser.submit(paying.url, order=html.unescape(ticket[1]), outcome=outcome)
    if payment != "tab closed":
        order_number(last)
    await browser.close()


def order_number(page: Page) -> int:
    """The number that the thank-you page shows."""
    found = re.search(r'id="order-number">(\d+)<', page.text)
    assert found, f"{page.url} is no thank-you page but {page.status}: {page.text[:400]}"
    return int(found[1])
