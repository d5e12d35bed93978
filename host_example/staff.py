"""The store's own admin: logging in, orders, refunds and cancellations, each by role."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import msgspec
from litestar import get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, NotFoundException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect, Response, Template
from sqlalchemy import Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from host_example.context import STAFF_COOKIE, Connection, StoreRequest, store_of
from host_example.models import Customer, Purchase, PurchaseLine, PurchaseRefund, Staff
from host_example.orders import OrderProblem, cancel, mark_paid, refund
from host_example.pages import form_of, go, local_path, money
from host_example.security import verify_password
from host_example.visits import store_cookie

StoreSession = NamedDependency[AsyncSession]
PAGE = 50
_READ, _WRITE = "adplanning:read", "adplanning:write"
SCOPES = {
    "owner": frozenset({_READ, _WRITE, "adplanning:manage", "adplanning:pii"}),
    "marketer": frozenset({_READ, _WRITE}),
    "viewer": frozenset({_READ}),
}


class StaffMember(msgspec.Struct, frozen=True):
    """Who is logged in to the admin, and how they said so."""

    staff_no: int
    shop_no: int
    email: str
    role: str
    via: Literal["session", "bearer"] = "session"

    @property
    def may_change(self) -> bool:
        """Refunds and cancellations are the owner's."""
        return self.role == "owner"

    @property
    def may_see_people(self) -> bool:
        """A marketer sees numbers, not people."""
        return self.role == "owner"


class Credentials(msgspec.Struct):
    """Body of `POST /auth/login`."""

    email: str
    password: str


def staff_of(connection: Connection) -> StaffMember | None:
    """Who is calling: a bearer token before the session cookie; None where neither is good."""
    signer = store_of(connection).staff_signer
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    bearer = scheme.lower() == "bearer"
    value = signer.read(token.strip() if bearer else connection.cookies.get(STAFF_COOKIE))
    if not isinstance(value, dict):
        return None
    return msgspec.convert({**value, "via": "bearer" if bearer else "session"}, StaffMember)


def staff_guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Only staff come in."""
    if staff_of(connection) is None:
        raise NotAuthorizedException("Log in with POST /auth/login, or send its token as a bearer token.")


async def names_of(session: AsyncSession, shop: str, numbers: Sequence[str]) -> dict[str, str]:
    """What those of the shop's staff are called who have these numbers."""
    number = cast(Staff.staff_no, Text)
    mine = select(number, Staff.full_name).where(cast(Staff.shop_no, Text) == shop, number.in_(numbers))
    return {row[0]: row[1] for row in (await session.execute(mine)).all()}


@post("/auth/login", status_code=200)
async def log_in(
    request: StoreRequest, store_session: StoreSession, data: JSONBody[Credentials]
) -> Response[dict[str, Any]]:
    """A session cookie and the same token for a bearer header."""
    member = await _check(store_session, data.email, data.password)
    if member is None:
        raise NotAuthorizedException("Email or password is wrong.")
    token, cookie = _open_session(request, member)
    body = {"token": token, "role": member.role, "shop": member.shop_no}
    return Response(body, cookies=[cookie], status_code=200)


@post("/auth/logout", status_code=303)
async def log_out() -> Redirect:
    """Forget the session."""
    return go("/app/login", [Cookie(key=STAFF_COOKIE, value="", path="/", max_age=0)])


@get("/app/login")
async def login_page(request: StoreRequest) -> Template:
    """The admin's login page; `?next=` is where it leads to."""
    return Template("staff_login.html", context={"error": None, "next": _next(request.query_params.get("next"))})


@post("/app/login", status_code=303)
async def send_login_page(request: StoreRequest, store_session: StoreSession) -> Template | Redirect:
    """Log in by the page."""
    form = await form_of(request)
    member = await _check(store_session, form.get("email", ""), form.get("password", ""))
    if member is None:
        context = {"error": "Email or password is wrong.", "next": _next(form.get("next"))}
        return Template("staff_login.html", context=context, status_code=422)
    return go(_next(form.get("next")), [_open_session(request, member)[1]])


def _next(asked: str | None) -> str:
    """Where to go after the login: a page of the admin, and nowhere else."""
    path = local_path(asked)
    return path if path.startswith("/app/") else "/app"


@get("/app")
async def orders_page(request: StoreRequest, store_session: StoreSession) -> Template | Redirect:
    """The newest orders."""
    member = staff_of(request)
    if member is None:
        return go("/app/login")
    try:
        number = max(1, min(int(request.query_params.get("page", "1")), 10_000))
    except ValueError:
        number = 1
    mine = select(Purchase).where(Purchase.shop_no == member.shop_no)
    count = await store_session.scalar(
        select(func.count()).select_from(Purchase).where(Purchase.shop_no == member.shop_no)
    )
    orders = await store_session.scalars(
        mine.order_by(Purchase.placed_at.desc(), Purchase.purchase_no.desc()).limit(PAGE).offset((number - 1) * PAGE)
    )
    pages = -(-(count or 0) // PAGE) or 1
    found = orders.all()
    return _admin_page(request, member, "staff_orders.html", orders=found, count=count, page=number, pages=pages)


@get("/app/advertising")
async def advertising_page(request: StoreRequest) -> Template | Redirect:
    """The plugin's pages inside one of the store's own, without their sidebar."""
    member = staff_of(request)
    return (
        go("/app/login?next=/app/advertising") if member is None else _admin_page(request, member, "staff_frame.html")
    )


@get("/app/orders/{number:int}")
async def order_page(request: StoreRequest, store_session: StoreSession, number: FromPath[int]) -> Template | Redirect:
    """One order."""
    member = staff_of(request)
    if member is None:
        return go("/app/login")
    return await _order_page(request, store_session, member, number, None)


@get("/app/customers/{number:int}")
async def person_page(request: StoreRequest, store_session: StoreSession, number: FromPath[int]) -> Template | Redirect:
    """One customer, with what the plugin knows of them."""
    member = staff_of(request)
    if member is None:
        return go("/app/login")
    customer = await store_session.scalar(
        select(Customer).where(Customer.customer_no == number, Customer.shop_no == member.shop_no)
    )
    if customer is None:
        raise NotFoundException("There is no such customer.")
    return _admin_page(request, member, "staff_person.html", customer=customer)


@post("/app/orders/{number:int}/{action:str}", status_code=303)
async def change_order(
    request: StoreRequest, store_session: StoreSession, number: FromPath[int], action: FromPath[str]
) -> Template | Redirect:
    """Refund, cancel or mark as paid; the owner's alone."""
    member = staff_of(request)
    if member is None:
        raise NotAuthorizedException("Log in first.")
    if not member.may_change:
        raise PermissionDeniedException("Only the owner changes orders.")
    store = store_of(request)
    form = await form_of(request)
    try:
        if action == "refund":
            amount = Decimal(form.get("amount", ""))
            await refund(store, store_session, member.shop_no, number, amount, form.get("reason") or None)
        elif action == "cancel":
            await cancel(store, store_session, member.shop_no, number)
        elif action == "paid":
            await mark_paid(store, store_session, member.shop_no, number)
        else:
            raise NotFoundException("An order can be refunded, cancelled or marked as paid.")
    except (OrderProblem, InvalidOperation) as problem:
        await store_session.rollback()
        text = str(problem) if isinstance(problem, OrderProblem) else "The amount must be a number such as 12.50."
        return await _order_page(request, store_session, member, number, text, status=422)
    await store_session.commit()
    return go(f"/app/orders/{number}")


async def _order_page(
    request: StoreRequest, session: AsyncSession, member: StaffMember, number: int, error: str | None, status: int = 200
) -> Template:
    purchase = await session.scalar(
        select(Purchase).where(Purchase.purchase_no == number, Purchase.shop_no == member.shop_no)
    )
    if purchase is None:
        raise NotFoundException("There is no such order.")
    lines = await session.scalars(select(PurchaseLine).where(PurchaseLine.purchase_no == number))
    refunds = await session.scalars(select(PurchaseRefund).where(PurchaseRefund.purchase_no == number))
    context = {"order": purchase, "lines": lines.all(), "refunds": refunds.all(), "error": error}
    return _admin_page(request, member, "staff_order.html", status, **context)


def _admin_page(request: StoreRequest, member: StaffMember, name: str, status: int = 200, **context: Any) -> Template:
    shop = store_of(request).shops[member.shop_no]
    tracked = store_of(request).tracker_url is not None
    shared = {"member": member, "shop": shop, "money": money, "plugin": tracked}
    return Template(name, context={**shared, **context}, status_code=status, headers={"cache-control": "no-store"})


async def _check(session: AsyncSession, email: str, password: str) -> StaffMember | None:
    row = await session.scalar(select(Staff).where(Staff.email == email.strip().lower()))
    if not verify_password(password, row.password_hash if row else None) or row is None:
        return None
    return StaffMember(row.staff_no, row.shop_no, row.email, row.role)


def _open_session(request: StoreRequest, member: StaffMember) -> tuple[str, Cookie]:
    store = store_of(request)
    value = {"staff_no": member.staff_no, "shop_no": member.shop_no, "email": member.email, "role": member.role}
    token = store.staff_signer.sign(value)
    return token, store_cookie(store, STAFF_COOKIE, token, 1)


ROUTES: list[Any] = [
    *(log_in, log_out, login_page, send_login_page),
    *(orders_page, advertising_page, order_page, change_order, person_page),
]
