"""Checkout: the shopper leaves for payment and comes back or does not; a confirmed payment creates the order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Template
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from host_example.context import Store, StoreRequest, store_of
from host_example.models import Checkout, Customer, Purchase
from host_example.orders import OrderProblem, confirm_payment, totals
from host_example.pages import cart_cookie, cart_items, form_of, go, new_reference, page, plausible_email
from host_example.visits import current_session, record_page

StoreSession = NamedDependency[AsyncSession]


@get("/checkout")
async def show_checkout(request: StoreRequest, store_session: StoreSession) -> Template | Redirect:
    """Who buys, and how they pay."""
    items = await cart_items(request, store_session)
    if not items:
        return go("/cart")
    visit = await record_page(request, store_session, "begin_checkout")
    email = await _account_email(request, store_session)
    await store_session.commit()
    currency = store_of(request).site_of(request).shop.currency
    sums = totals(items, currency, None, None)
    return page(request, "checkout.html", [visit], items=items, sums=sums, email=email, error=None)


@post("/checkout", status_code=303)
async def leave_for_payment(request: StoreRequest, store_session: StoreSession) -> Template | Redirect:
    """Keep the basket under a reference, bind the visitor to it, and send the shopper to the payment provider."""
    store = store_of(request)
    site = store.site_of(request)
    form = await form_of(request)
    items = await cart_items(request, store_session)
    if not items:
        return go("/cart")
    email = await _account_email(request, store_session) or plausible_email(form.get("email", ""))
    coupon = form.get("coupon") or None
    sums = totals(items, site.shop.currency, coupon, form.get("gift_card"))
    if email is None:
        error = "We need an email to send the receipt to."
        return page(request, "checkout.html", status=422, items=items, sums=sums, email=None, error=error)
    customer_no = await _account_number(request, store_session)
    reference = new_reference()
    store_session.add(
        Checkout(
            checkout_ref=reference,
            shop_no=site.shop.shop_no,
            site_no=site.site_no,
            customer_no=customer_no,
            email=email,
            items=items,
            discount=sums["discount"],
            coupon_code=coupon,
            giftcard=sums["giftcard"],
            visitor_token=store.visitors.token(request),
            web_session_no=current_session(request),
            tracking_consent=store.consent_of(request),
        )
    )
    await store_session.flush()
    await store.visitors.bind(request, reference)
    empty = cart_cookie(request, {})
    if form.get("pay") == "transfer" or not sums["due"]:
        await confirm_payment(store, store_session, reference, request, paid=not sums["due"])
        await store_session.commit()
        return go(f"/thank-you/{reference}", [empty])
    await store_session.commit()
    base = str(request.base_url).rstrip("/")
    ticket = store.payment_signer.sign(
        {
            "ref": reference,
            "amount": str(sums["due"]),
            "currency": site.shop.currency,
            "shop": site.title,
            "return_url": f"{base}/checkout/return",
            "webhook_url": f"{base}/payments/webhook",
        }
    )
    return go(f"{store.settings.payment_url}/pay/{reference}?{urlencode({'order': ticket})}", [empty])


@get("/checkout/return")
async def come_back(request: StoreRequest, store_session: StoreSession) -> Redirect:
    """The shopper is back from the provider, with its signed receipt."""
    reference = await _confirm(store_of(request), store_session, request.query_params.get("receipt"), request)
    if reference is None:
        return go("/cart?payment=declined")
    return go(f"/thank-you/{reference}")


@post("/payments/webhook", status_code=200)
async def payment_webhook(request: StoreRequest, store_session: StoreSession) -> dict[str, str]:
    """The provider tells the store itself; no shopper's cookies come with this request."""
    data = await request.json()
    receipt = data.get("receipt") if isinstance(data, dict) else None
    reference = await _confirm(store_of(request), store_session, receipt, None)
    if reference is None:
        raise NotFoundException("The receipt is not one of ours.")
    return {"checkout": reference, "status": "confirmed"}


@get("/thank-you/{reference:str}")
async def thank_you(request: StoreRequest, store_session: StoreSession, reference: FromPath[str]) -> Template:
    """The receipt page."""
    shop_no = store_of(request).site_of(request).shop.shop_no
    purchase = await store_session.scalar(
        select(Purchase).where(Purchase.checkout_ref == reference, Purchase.shop_no == shop_no)
    )
    if purchase is None:
        raise NotFoundException("There is no such order.")
    visit = await record_page(request, store_session)
    await store_session.commit()
    return page(request, "thank_you.html", [visit], purchase=purchase)


async def _confirm(
    store: Store, session: AsyncSession, receipt: str | None, request: StoreRequest | None
) -> str | None:
    """Believe a receipt only when the provider signed it and it pays what was due."""
    payment = store.payment_signer.read(receipt)
    if not isinstance(payment, dict) or payment.get("status") != "paid":
        return None
    reference = str(payment.get("ref"))
    checkout = await session.get(Checkout, reference)
    if checkout is None:
        return None
    currency = store.shops[checkout.shop_no].currency
    due = totals(checkout.items, currency, checkout.coupon_code, None)["grand"] - checkout.giftcard
    if Decimal(str(payment.get("amount"))) != due or payment.get("currency") != currency:
        return None
    try:
        await confirm_payment(store, session, reference, request)
    except OrderProblem:
        return None
    await session.commit()
    return reference


async def _account(request: StoreRequest, session: AsyncSession) -> Customer | None:
    store = store_of(request)
    number = store.customer_of(request)
    if number is None:
        return None
    shop_no = store.site_of(request).shop.shop_no
    return await session.scalar(select(Customer).where(Customer.customer_no == number, Customer.shop_no == shop_no))


async def _account_email(request: StoreRequest, session: AsyncSession) -> str | None:
    customer = await _account(request, session)
    return customer.email if customer else None


async def _account_number(request: StoreRequest, session: AsyncSession) -> int | None:
    customer = await _account(request, session)
    return customer.customer_no if customer else None


ROUTES: list[Any] = [show_checkout, leave_for_payment, come_back, payment_webhook, thank_you]
