"""What every storefront page shares: the template context, the cookies to set, and forms read as plain text."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from litestar import Response
from litestar.datastructures import Cookie
from litestar.response import Redirect, Template
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from host_example.context import CART_COOKIE, StoreRequest, store_of
from host_example.models import Product
from host_example.visits import store_cookie

SYMBOLS = {"INR": "₹", "EUR": "€", "USD": "$"}
MAX_FIELD = 4000


def money(amount: Decimal, currency: str) -> str:
    """`₹4,200.00`, as the pages show it."""
    return f"{SYMBOLS.get(currency, currency + ' ')}{amount:,.2f}"


def page(
    request: StoreRequest, name: str, cookies: Sequence[Cookie | None] = (), status: int = 200, **context: Any
) -> Template:
    """A storefront page with its shop, consent banner and tracker."""
    store = store_of(request)
    site = store.site_of(request)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    key = store.settings.publishable_key
    if site.shop.shop_no != min(store.shops):
        key = store.settings.second_publishable_key
    return Template(
        template_name=name,
        context={
            "site": site,
            "shop": site.shop,
            "money": money,
            "here": here if request.method == "GET" else "/",
            "consent": store.consent_of(request),
            "customer_no": store.customer_of(request),
            "cart_count": sum(read_cart(request).values()),
            "tracker_url": store.tracker_url,
            "publishable_key": key,
            **context,
        },
        cookies=[cookie for cookie in cookies if cookie is not None],
        status_code=status,
        headers={"cache-control": "no-store"},
    )


def go(path: str, cookies: Sequence[Cookie | None] = ()) -> Redirect:
    """After a form: see the other page."""
    return Redirect(path, status_code=303, cookies=[cookie for cookie in cookies if cookie is not None])


async def form_of(request: StoreRequest) -> dict[str, str]:
    """The fields of a posted form: text only, each cut at 4,000 characters."""
    data = await request.form()
    return {key: value.strip()[:MAX_FIELD] for key, value in data.items() if isinstance(value, str)}


def local_path(path: str | None) -> str:
    """A path of this site to go back to; anything that could lead elsewhere becomes `/`."""
    if not path or not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        return "/"
    return path


def read_cart(request: StoreRequest) -> dict[int, int]:
    """Product number to quantity."""
    value = store_of(request).cart_signer.read(request.cookies.get(CART_COOKIE))
    return {int(number): int(count) for number, count in value.items()} if isinstance(value, dict) else {}


def cart_cookie(request: StoreRequest, cart: dict[int, int]) -> Cookie:
    """The cart, signed. It is necessary for shopping, so it needs no consent."""
    store = store_of(request)
    return store_cookie(store, CART_COOKIE, store.cart_signer.sign({str(number): n for number, n in cart.items()}))


async def cart_items(request: StoreRequest, session: AsyncSession) -> list[dict[str, Any]]:
    """The cart's goods of this shop, with today's prices."""
    cart = read_cart(request)
    shop_no = store_of(request).site_of(request).shop.shop_no
    statement = select(Product).where(Product.shop_no == shop_no, Product.product_no.in_(cart))
    return [
        {
            "product_no": product.product_no,
            "sku": product.sku,
            "title": product.title,
            "price": str(product.price),
            "quantity": cart[product.product_no],
        }
        for product in (await session.scalars(statement.order_by(Product.product_no))).all()
    ]


def plausible_email(text: str) -> str | None:
    """The email in lower case, or None where it cannot be one."""
    email = text.strip().lower()
    name, _, domain = email.partition("@")
    good = name and "." in domain.strip(".") and not any(c.isspace() for c in email) and len(email) <= 254
    return email if good and email.count("@") == 1 else None


def new_reference() -> str:
    """An unguessable checkout reference."""
    return f"co_{secrets.token_urlsafe(12)}"


StorePage = Template | Redirect | Response[Any]
