"""Rows of customers, purchases, lines, refunds, visits and events from a drawn year; it decides sums, not journeys."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from host_example.catalogue import PRODUCTS
from host_example.history.rows import History, Order, Row
from host_example.history.year import ShopYear

GOODS = {product[0]: product for product in PRODUCTS}
CENTS = Decimal(100)
CUSTOMER = ("customer_no", "shop_no", "email", "full_name", "phone", "city", "country", "birth_year", "newsletter",
            "password_hash", "registered_at", "updated_at")  # fmt: skip
VISIT = ("session_no", "shop_no", "site_no", "visitor_uid", "customer_no", "started_at", "ended_at", "landing_url",
         "referrer", "device", "country", "consent", "page_count")  # fmt: skip
EVENT = ("event_no", "shop_no", "session_no", "visitor_uid", "kind", "path", "happened_at", "payload")
PURCHASE = ("purchase_no", "shop_no", "site_no", "customer_no", "email", "channel", "status", "payment", "is_test",
            "renewal_no", "currency", "items_total", "discount_total", "tax_total", "shipping_total", "grand_total",
            "giftcard_total", "coupon_code", "checkout_ref", "visitor_token", "web_session_no", "tracking_consent",
            "placed_at", "paid_at", "cancelled_at", "updated_at")  # fmt: skip
LINE = ("line_no", "shop_no", "purchase_no", "product_no", "sku", "title", "quantity", "unit_price", "unit_cost",
        "line_total")  # fmt: skip
REFUND = ("refund_no", "shop_no", "purchase_no", "amount_minor", "reason", "refunded_at")
REASONS = ("too large", "colour differs", "arrived late", "changed my mind", None)
Sign = Callable[[int, str], str]


def write_shop(history: History, year: ShopYear, password_hash: str, sign: Sign) -> None:
    """Everything of one shop that people caused, numbered after what the history holds already."""
    _customers(history, year, password_hash)
    _visits(history, year)
    for order in year.orders:
        order.number = _next(history, "purchases", 50_001)
        _purchase(history, year, order, sign)
    history.truth_orders += [(o.number, year.plan.shop, o.campaign, o.lost) for o in year.orders]


def _next(history: History, table: str, first: int) -> int:
    return first + len(history.rows.get(table, ()))


def _customers(history: History, year: ShopYear, password_hash: str) -> None:
    plan, rng = year.plan, year.rng
    rows: list[Row] = []
    number = _next(history, "customers", 20_001)
    for person in sorted((p for p in year.people if p.has_account), key=lambda p: (p.since, p.email)):
        person.number = number
        phone = f"+{rng.randrange(10**11, 10**12 - 1)}" if rng.random() < 0.6 else None
        born = rng.randrange(1955, 2006) if rng.random() < 0.4 else None
        rows.append((number, plan.shop, person.email, person.name, phone, person.city, plan.country, born,
                     rng.random() < 0.35, password_hash, person.since, person.since))  # fmt: skip
        number += 1
    history.add("customers", CUSTOMER, rows)


def _visits(history: History, year: ShopYear) -> None:
    plan, rng = year.plan, year.rng
    checkouts = {id(order.visit): order for order in year.orders if order.visit is not None}
    number = _next(history, "web_sessions", 300_001)
    event = _next(history, "web_events", 5_000_001)
    rows: list[Row] = []
    events: list[Row] = []
    for visit in year.visits:
        visit.number = number
        customer = visit.person.number if visit.person is not None and visit.logged_in else None
        ended = min(visit.ended, year.closing - timedelta(seconds=1))
        rows.append((number, plan.shop, visit.site, visit.visitor, customer, visit.started, ended, visit.url,
                     visit.referrer, visit.device, plan.country, "granted", visit.pages))  # fmt: skip
        order = checkouts.get(id(visit))
        for kind, path, at, payload in _happenings(rng, visit.started, ended, visit.url, order):
            events.append((event, plan.shop, number, visit.visitor, kind, path, at, payload))
            event += 1
        number += 1
    history.add("web_sessions", VISIT, rows)
    history.add("web_events", EVENT, events)


def _happenings(
    rng: Random, started: datetime, ended: datetime, url: str, order: Order | None
) -> list[tuple[str, str, datetime, str | None]]:
    path = "/" + url.split("://", 1)[1].partition("/")[2].partition("?")[0].partition("#")[0]
    found: list[tuple[str, str, datetime, str | None]] = [("page_view", path, started, None)]
    length = max(1.0, (ended - started).total_seconds())

    def after(share: float) -> datetime:
        return started + timedelta(seconds=int(length * share))

    if order is not None:
        product = GOODS[order.items[0][0]]
        payload = json.dumps({"sku": str(product[0]), "value": product[5]})
        found.append(("product_view", f"/products/{product[2]}", after(0.2), None))
        found.append(("add_to_cart", "/cart", after(0.4), payload))
        found.append(("begin_checkout", "/checkout", after(0.6), None))
        return found
    chance = rng.random()
    if chance < 0.45:
        product = GOODS[rng.choice(tuple(GOODS))]
        found.append(("product_view", f"/products/{product[2]}", after(0.3), None))
        if chance < 0.09:
            payload = json.dumps({"sku": str(product[0]), "value": product[5]})
            found.append(("add_to_cart", "/cart", after(0.6), payload))
            if chance < 0.03:
                found.append(("begin_checkout", "/checkout", after(0.8), None))
    elif chance < 0.65:
        found.append(("scroll", path, after(0.5), json.dumps({"percent": rng.choice((25, 50, 75, 90))})))
    return found


def _purchase(history: History, year: ShopYear, order: Order, sign: Sign) -> None:
    plan, rng = year.plan, year.rng
    lines = [(GOODS[number], quantity) for number, quantity in order.items]
    items = sum(_minor(product[5]) * quantity for product, quantity in lines)
    coupon = "WELCOME10" if rng.random() < 0.14 and order.channel == "web" else None
    discount = items // 10 if coupon else 0
    tax = ((items - discount) * 12 + 50) // 100
    shipped = order.channel != "pos" and items - discount < plan.shipping_free_minor
    shipping = plan.shipping_minor if shipped else 0
    total = items - discount + tax + shipping
    giftcard = min(total, 50_000 if plan.currency == "INR" else 2_500) if rng.random() < 0.03 else 0
    order.total_minor = total
    status, payment, cancelled, updated = _fate(history, year, order)
    unpaid = payment == "pending"
    person = order.person
    session = token = consent = reference = None
    if order.channel == "web":
        reference = f"co_{rng.getrandbits(80):020x}"
        consent = {"no_consent": "denied", "unknown": None}.get(order.lost or "", "granted")
    if order.visit is not None and order.join == "session":
        session = order.visit.number
    elif order.visit is not None and order.join == "token":
        token = sign(plan.shop, order.visit.visitor)
    is_test = rng.random() < 0.005
    money = [Decimal(amount) / CENTS for amount in (items, discount, tax, shipping, total, giftcard)]
    row = (order.number, plan.shop, order.site, person.number if person else None, order.email, order.channel, status,
           payment, is_test, order.renewal, plan.currency, *money, coupon, reference, token, session, consent,
           order.placed, None if unpaid else order.placed, cancelled, updated)  # fmt: skip
    history.add("purchases", PURCHASE, [row])
    first = _next(history, "purchase_lines", 400_001)
    history.add(
        "purchase_lines",
        LINE,
        [
            (first + index, plan.shop, order.number, product[0], f"{product[3][:3].upper()}-{product[0]}", product[4],
             quantity, Decimal(product[5]), None if product[6] is None else Decimal(product[6]),
             Decimal(product[5]) * quantity)
            for index, (product, quantity) in enumerate(lines)
        ],
    )  # fmt: skip
    order.values = {"paid": payment in ("paid", "partly_refunded") and status != "cancelled" and not is_test}


def _fate(history: History, year: ShopYear, order: Order) -> tuple[str, str, datetime | None, datetime]:
    """Whether it was paid, refunded or cancelled; what would happen after the history ends has not happened."""
    rng = year.rng
    chance = rng.random()
    later = order.placed + timedelta(days=1 + rng.random() * 14)
    if later >= year.closing or chance >= 0.105:
        return "open" if later >= year.closing else "completed", "paid", None, order.placed
    if chance < 0.02:
        return "open", "pending", None, order.placed
    if chance < 0.03:
        return "cancelled", "pending", later, later
    full = chance < 0.07
    share = 1.0 if full else rng.choice((0.2, 0.25, 0.5))
    amount = order.total_minor if full else max(1, int(order.total_minor * share))
    row = (_next(history, "purchase_refunds", 9_001), year.plan.shop, order.number, amount, rng.choice(REASONS), later)
    history.add("purchase_refunds", REFUND, [row])
    if chance < 0.045:
        return "cancelled", "refunded", later, later
    return "completed", "refunded" if full else "partly_refunded", None, later


def _minor(price: str) -> int:
    return int(Decimal(price) * 100)
