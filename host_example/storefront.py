"""The shop's pages: landing, product, cart, forms, login and the cookie choice; checkout has a module of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Template
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from host_example.context import CONSENT_COOKIE, CUSTOMER_COOKIE, VISIT_COOKIE, StoreRequest, store_of
from host_example.models import Customer, Product, Purchase
from host_example.models_marketing import Enquiry, Review, WebForm, WebFormAnswer
from host_example.orders import totals
from host_example.pages import cart_cookie, cart_items, form_of, go, local_path, page, plausible_email, read_cart
from host_example.security import hash_password, verify_password
from host_example.visits import current_session, record_page, store_cookie

StoreSession = NamedDependency[AsyncSession]


@get("/")
async def landing(request: StoreRequest, store_session: StoreSession) -> Template:
    """The landing page with the shop's goods."""
    shop = store_of(request).site_of(request).shop
    goods = await store_session.scalars(
        select(Product).where(Product.shop_no == shop.shop_no).order_by(Product.product_no)
    )
    visit = await record_page(request, store_session)
    await store_session.commit()
    return page(request, "landing.html", [visit], products=goods.all())


@get("/products/{slug:str}")
async def product(request: StoreRequest, store_session: StoreSession, slug: FromPath[str]) -> Template:
    """One product."""
    found = await _product(request, store_session, slug)
    visit = await record_page(request, store_session, "product_view", {"sku": found.sku})
    await store_session.commit()
    return page(request, "product.html", [visit], product=found)


@post("/cart", status_code=303)
async def add_to_cart(request: StoreRequest, store_session: StoreSession) -> Redirect:
    """Put something into the cart."""
    form = await form_of(request)
    found = await _product(request, store_session, form.get("slug", ""))
    cart = read_cart(request)
    cart[found.product_no] = min(20, cart.get(found.product_no, 0) + 1)
    payload = {"sku": found.sku, "value": str(found.price)}
    visit = await record_page(request, store_session, "add_to_cart", payload)
    await store_session.commit()
    return go("/cart", [cart_cookie(request, cart), visit])


@post("/cart/remove", status_code=303)
async def remove_from_cart(request: StoreRequest) -> Redirect:
    """Take something out of the cart."""
    form = await form_of(request)
    number = form.get("product_no", "")
    cart = {key: count for key, count in read_cart(request).items() if str(key) != number}
    return go("/cart", [cart_cookie(request, cart)])


@get("/cart")
async def show_cart(request: StoreRequest, store_session: StoreSession) -> Template:
    """The cart and what it costs."""
    shop = store_of(request).site_of(request).shop
    items = await cart_items(request, store_session)
    visit = await record_page(request, store_session)
    await store_session.commit()
    return page(request, "cart.html", [visit], items=items, sums=totals(items, shop.currency, None, None))


@post("/consent", status_code=303)
async def choose_cookies(request: StoreRequest) -> Redirect:
    """Accept or decline, then back to the same page. Declining removes what an earlier yes had stored."""
    form = await form_of(request)
    back = local_path(form.get("next"))
    store = store_of(request)
    if form.get("choice") == "granted":
        return go(back, [store_cookie(store, CONSENT_COOKIE, "granted", 180, httponly=False)])
    forgotten = Cookie(key=VISIT_COOKIE, value="", path="/", max_age=0)
    return go(back, [store_cookie(store, CONSENT_COOKIE, "denied", 180, httponly=False), forgotten])


@get("/contact")
async def contact(request: StoreRequest, store_session: StoreSession) -> Template:
    """The contact form."""
    visit = await record_page(request, store_session)
    await store_session.commit()
    return page(request, "contact.html", [visit], error=None, form={})


@post("/contact", status_code=303)
async def send_contact(request: StoreRequest, store_session: StoreSession) -> Template | Redirect:
    """An enquiry: a lead and a filled-in form."""
    form = await form_of(request)
    email = plausible_email(form.get("email", ""))
    if email is None or not form.get("message"):
        return page(request, "contact.html", status=422, error="We need your email and a message.", form=form)
    store = store_of(request)
    shop_no = store.site_of(request).shop.shop_no
    now = datetime.now(UTC)
    visit = await record_page(request, store_session, "form_submit", {"form": "contact"})
    enquiry = Enquiry(
        shop_no=shop_no,
        customer_no=store.customer_of(request),
        full_name=form.get("name") or email.partition("@")[0],
        email=email,
        message=form["message"],
        origin="contact form",
        stage="new",
        web_session_no=current_session(request),
        visitor_token=store.visitors.token(request),
        created_at=now,
        updated_at=now,
    )
    form_no = await store_session.scalar(
        select(WebForm.form_no).where(WebForm.shop_no == shop_no, WebForm.slug == "contact")
    )
    answer = WebFormAnswer(
        shop_no=shop_no,
        form_no=form_no,
        customer_no=enquiry.customer_no,
        web_session_no=enquiry.web_session_no,
        visitor_token=enquiry.visitor_token,
        email=email,
        answers={"message": form["message"]},
        submitted_at=now,
    )
    store_session.add_all([enquiry, answer])
    await store_session.flush()
    for name, number in (("lead.created", enquiry.enquiry_no), ("form_response.created", answer.answer_no)):
        await store.bus.emit(name, {"id": number}, shop=shop_no, session=store_session, request=request)
    await store_session.commit()
    return go("/thanks?for=contact", [visit])


@get("/feedback")
async def feedback(request: StoreRequest, store_session: StoreSession) -> Template:
    """The feedback form."""
    visit = await record_page(request, store_session)
    await store_session.commit()
    return page(request, "feedback.html", [visit], error=None)


@post("/feedback", status_code=303)
async def send_feedback(request: StoreRequest, store_session: StoreSession) -> Template | Redirect:
    """Stars and a sentence."""
    form = await form_of(request)
    stars = form.get("stars", "")
    email = plausible_email(form.get("email", "")) if form.get("email") else None
    if stars not in {"1", "2", "3", "4", "5"} or (form.get("email") and email is None):
        return page(request, "feedback.html", status=422, error="Choose 1 to 5 stars, and check your email.")
    store = store_of(request)
    shop_no = store.site_of(request).shop.shop_no
    review = Review(
        shop_no=shop_no,
        customer_no=store.customer_of(request),
        email=email,
        stars=int(stars),
        scale=5,
        body=form.get("body") or None,
        written_at=datetime.now(UTC),
    )
    store_session.add(review)
    await store_session.flush()
    data = {"id": review.review_no}
    await store.bus.emit("feedback.created", data, shop=shop_no, session=store_session, request=request)
    await store_session.commit()
    return go("/thanks?for=feedback")


@get("/thanks")
async def thanks(request: StoreRequest) -> Template:
    """After a form."""
    return page(request, "thanks.html", what=request.query_params.get("for", ""))


@get("/account")
async def account(request: StoreRequest, store_session: StoreSession) -> Template | Redirect:
    """The customer's orders."""
    store = store_of(request)
    number = store.customer_of(request)
    shop_no = store.site_of(request).shop.shop_no
    customer = await store_session.scalar(
        select(Customer).where(Customer.customer_no == number, Customer.shop_no == shop_no)
    )
    if customer is None:
        return go("/login")
    orders = await store_session.scalars(
        select(Purchase)
        .where(Purchase.customer_no == number, Purchase.shop_no == shop_no)
        .order_by(Purchase.placed_at.desc())
        .limit(50)
    )
    visit = await record_page(request, store_session)
    await store_session.commit()
    return page(request, "account.html", [visit], customer=customer, orders=orders.all())


@get("/login")
async def login(request: StoreRequest) -> Template:
    """Log in, or open an account."""
    return page(request, "login.html", error=None, back=local_path(request.query_params.get("next", "/account")))


@post("/login", status_code=303)
async def send_login(request: StoreRequest, store_session: StoreSession) -> Template | Redirect:
    """Check the password; with `new` ticked, open an account."""
    form = await form_of(request)
    back = local_path(form.get("next", "/account"))
    store = store_of(request)
    shop_no = store.site_of(request).shop.shop_no
    email = plausible_email(form.get("email", ""))
    password = form.get("password", "")
    customer = await store_session.scalar(
        select(Customer).where(Customer.shop_no == shop_no, func.lower(Customer.email) == email)
    )
    error = None
    if form.get("new"):
        if email is None or len(password) < 4:
            error = "An account needs an email and a password of four characters or more."
        elif customer is not None:
            error = "There is an account with this email: log in instead."
        else:
            customer = await _open_account(request, store_session, email, password, form.get("name", ""))
    elif not verify_password(password, customer.password_hash if customer else None):
        error = "Email or password is wrong."
    if error is not None or customer is None:
        return page(request, "login.html", status=422, error=error, back=back)
    cookie = store_cookie(store, CUSTOMER_COOKIE, store.customer_signer.sign(customer.customer_no))
    await store_session.commit()
    await store.visitors.identify(request, str(customer.customer_no))
    return go(back, [cookie])


@post("/logout", status_code=303)
async def logout() -> Redirect:
    """Forget the customer."""
    return go("/", [Cookie(key=CUSTOMER_COOKIE, value="", path="/", max_age=0)])


async def _open_account(request: StoreRequest, session: AsyncSession, email: str, password: str, name: str) -> Customer:
    store = store_of(request)
    shop_no = store.site_of(request).shop.shop_no
    now = datetime.now(UTC)
    customer = Customer(
        shop_no=shop_no,
        email=email,
        full_name=name or email.partition("@")[0],
        password_hash=hash_password(password),
        registered_at=now,
        updated_at=now,
    )
    session.add(customer)
    await session.flush()
    data = {"id": customer.customer_no}
    await store.bus.emit("person.created", data, shop=shop_no, session=session, request=request)
    return customer


async def _product(request: StoreRequest, session: AsyncSession, slug: str) -> Product:
    shop_no = store_of(request).site_of(request).shop.shop_no
    found = await session.scalar(select(Product).where(Product.shop_no == shop_no, Product.slug == slug))
    if found is None:
        raise NotFoundException("We do not sell this.")
    return found


ROUTES: list[Any] = [
    landing, product, add_to_cart, remove_from_cart, show_cart, choose_cookies, contact, send_contact, feedback,
    send_feedback, thanks, account, login, send_login, logout,
]  # fmt: skip
