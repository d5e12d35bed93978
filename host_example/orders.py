"""How purchases come to be and change: confirmed once per checkout, paid, refunded, cancelled; no pages here."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from host_example.context import Store, StoreRequest
from host_example.models import Checkout, Product, Purchase, PurchaseLine, PurchaseRefund

TAX = Decimal("0.12")
COUPONS = {"WELCOME10": Decimal("0.10")}
GIFT_CARDS = {"GIFT500": Decimal(500)}
CENT = Decimal("0.01")
SHIPPING = {"INR": (Decimal(99), Decimal(2500)), "EUR": (Decimal("4.90"), Decimal(75))}


class OrderProblem(Exception):
    """What cannot be done with an order, as a sentence for the person who asked."""


def totals(items: list[dict[str, Any]], currency: str, coupon: str | None, gift_card: str | None) -> dict[str, Decimal]:
    """What a basket costs: items, discount, tax, shipping, grand total, and how much a gift card pays of it."""
    goods = sum((Decimal(item["price"]) * item["quantity"] for item in items), Decimal(0))
    discount = (goods * COUPONS.get((coupon or "").strip().upper(), Decimal(0))).quantize(CENT, ROUND_HALF_UP)
    fee, free_from = SHIPPING[currency]
    shipping = Decimal(0) if goods - discount >= free_from else fee
    tax = ((goods - discount) * TAX).quantize(CENT, ROUND_HALF_UP)
    grand = goods - discount + tax + shipping
    paid_by_card = min(grand, GIFT_CARDS.get((gift_card or "").strip().upper(), Decimal(0)))
    return {
        "items": goods,
        "discount": discount,
        "tax": tax,
        "shipping": shipping,
        "grand": grand,
        "giftcard": paid_by_card,
        "due": grand - paid_by_card,
    }


async def confirm_payment(
    store: Store, session: AsyncSession, checkout_ref: str, request: StoreRequest | None = None, *, paid: bool = True
) -> Purchase:
    """Turn a checkout into a purchase, once, however often the provider and the shopper's return say so.

    Raises:
        OrderProblem: there is no such checkout.
    """
    checkout = await session.get(Checkout, checkout_ref, with_for_update=True, populate_existing=True)
    if checkout is None:
        raise OrderProblem(f"There is no checkout {checkout_ref}: start again from the cart.")
    if checkout.purchase_no is not None:
        return await session.get_one(Purchase, checkout.purchase_no)
    shop = store.shops[checkout.shop_no]
    now = datetime.now(UTC)
    sums = totals(checkout.items, shop.currency, checkout.coupon_code, None)
    purchase = Purchase(
        shop_no=shop.shop_no,
        site_no=checkout.site_no,
        customer_no=checkout.customer_no,
        email=checkout.email,
        channel="web",
        status="open",
        payment="paid" if paid else "pending",
        is_test=checkout.email.endswith("@test.example.com"),
        currency=shop.currency,
        items_total=sums["items"],
        discount_total=sums["discount"],
        tax_total=sums["tax"],
        shipping_total=sums["shipping"],
        grand_total=sums["grand"],
        giftcard_total=checkout.giftcard,
        coupon_code=checkout.coupon_code,
        checkout_ref=checkout_ref,
        visitor_token=checkout.visitor_token,
        web_session_no=checkout.web_session_no,
        tracking_consent=checkout.tracking_consent,
        placed_at=now,
        paid_at=now if paid else None,
        updated_at=now,
    )
    session.add(purchase)
    await session.flush()
    goods = [item["product_no"] for item in checkout.items]
    known = select(Product.product_no, Product.cost).where(
        Product.shop_no == shop.shop_no, Product.product_no.in_(goods)
    )
    costs = {row.product_no: row.cost for row in await session.execute(known)}
    session.add_all(
        PurchaseLine(
            shop_no=shop.shop_no,
            purchase_no=purchase.purchase_no,
            product_no=item["product_no"],
            sku=item["sku"],
            title=item["title"],
            quantity=item["quantity"],
            unit_price=Decimal(item["price"]),
            unit_cost=costs.get(item["product_no"]),
            line_total=Decimal(item["price"]) * item["quantity"],
        )
        for item in checkout.items
    )
    checkout.purchase_no = purchase.purchase_no
    await session.flush()
    await _tell(store, session, purchase, "order.placed", request)
    if paid:
        await _tell(store, session, purchase, "order.paid", request)
    return purchase


async def mark_paid(store: Store, session: AsyncSession, shop_no: int, purchase_no: int) -> Purchase:
    """Money for an unpaid purchase has arrived."""
    purchase = await _locked(session, shop_no, purchase_no)
    if purchase.payment != "pending" or purchase.status == "cancelled":
        raise OrderProblem(f"Order {purchase_no} is {purchase.status} and {purchase.payment}: nothing is to be paid.")
    purchase.payment = "paid"
    purchase.paid_at = purchase.updated_at = datetime.now(UTC)
    await session.flush()
    await _tell(store, session, purchase, "order.paid")
    return purchase


async def refund(
    store: Store, session: AsyncSession, shop_no: int, purchase_no: int, amount: Decimal, reason: str | None
) -> Purchase:
    """Give money back; everything back makes the purchase `refunded`."""
    purchase = await _locked(session, shop_no, purchase_no)
    if purchase.payment not in ("paid", "partly_refunded"):
        raise OrderProblem(f"Order {purchase_no} is {purchase.payment}: only a paid order can be refunded.")
    already = await session.scalar(
        select(func.coalesce(func.sum(PurchaseRefund.amount_minor), 0)).where(
            PurchaseRefund.purchase_no == purchase_no, PurchaseRefund.shop_no == shop_no
        )
    )
    left = purchase.grand_total - Decimal(already or 0) / 100
    if amount <= 0 or amount > left or amount != amount.quantize(CENT):
        raise OrderProblem(f"The refund must be between 0.01 and {left}, what is left of order {purchase_no}.")
    now = datetime.now(UTC)
    session.add(
        PurchaseRefund(
            shop_no=shop_no,
            purchase_no=purchase_no,
            amount_minor=int(amount * 100),
            reason=reason,
            refunded_at=now,
        )
    )
    purchase.payment = "refunded" if amount == left else "partly_refunded"
    purchase.updated_at = now
    await session.flush()
    await _tell(store, session, purchase, "order.refunded")
    return purchase


async def cancel(store: Store, session: AsyncSession, shop_no: int, purchase_no: int) -> Purchase:
    """Cancel a purchase; what was paid is given back."""
    purchase = await _locked(session, shop_no, purchase_no)
    if purchase.status == "cancelled":
        raise OrderProblem(f"Order {purchase_no} is cancelled already.")
    if purchase.payment in ("paid", "partly_refunded"):
        given = await session.scalar(
            select(func.coalesce(func.sum(PurchaseRefund.amount_minor), 0)).where(
                PurchaseRefund.purchase_no == purchase_no, PurchaseRefund.shop_no == shop_no
            )
        )
        await refund(
            store, session, shop_no, purchase_no, purchase.grand_total - Decimal(given or 0) / 100, "cancelled"
        )
    now = datetime.now(UTC)
    purchase.status = "cancelled"
    purchase.cancelled_at = purchase.updated_at = now
    await session.flush()
    await _tell(store, session, purchase, "order.cancelled")
    return purchase


async def _locked(session: AsyncSession, shop_no: int, purchase_no: int) -> Purchase:
    purchase = await session.scalar(
        select(Purchase).where(Purchase.purchase_no == purchase_no, Purchase.shop_no == shop_no).with_for_update()
    )
    if purchase is None:
        raise OrderProblem(f"There is no order {purchase_no} in this shop.")
    return purchase


async def _tell(
    store: Store, session: AsyncSession, purchase: Purchase, name: str, request: StoreRequest | None = None
) -> None:
    data = {"id": purchase.purchase_no}
    await store.bus.emit(name, data, shop=purchase.shop_no, session=session, request=request)
