"""A second host, as small as can be: UUID keys, one shop, no advertising, no feedback, no sessions and no event bus.

It proves that the plugin needs nothing of the example store. Its times have no zone and its money is in cents.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from litestar import Litestar, MediaType, Request, get, post
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, JSONBody
from sqlalchemy import BigInteger, Column, DateTime, MetaData, Table, Text, Uuid, func, insert, literal, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

ADMIN_TOKEN = "let-me-in"
CURRENCY = "EUR"
metadata = MetaData(schema="mini")
members = Table(
    "members",
    metadata,
    Column("uid", Uuid, primary_key=True),
    Column("mail", Text, nullable=False),
    Column("joined", DateTime, nullable=False, server_default=func.now()),
)
sales = Table(
    "sales",
    metadata,
    Column("uid", Uuid, primary_key=True),
    Column("member_uid", Uuid),
    Column("mail", Text),
    Column("cents", BigInteger, nullable=False),
    Column("standing", Text, nullable=False),
    Column("basket", Text),
    Column("sold", DateTime, nullable=False),
)
baskets = Table(
    "baskets", metadata, Column("code", Text, primary_key=True), Column("cents", BigInteger, nullable=False)
)
requests = Table(
    "contact_requests",
    metadata,
    Column("uid", Uuid, primary_key=True),
    Column("mail", Text, nullable=False),
    Column("words", Text),
    Column("asked", DateTime, nullable=False),
)


def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Whoever has the token comes in."""
    if connection.headers.get("authorization") != f"Bearer {ADMIN_TOKEN}":
        raise NotAuthorizedException("Send the token as a bearer token.")


async def create_tables(engine: AsyncEngine) -> None:
    """The host's own schema."""
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA IF NOT EXISTS mini"))
        await connection.run_sync(metadata.create_all)


def links() -> Sequence[Any]:
    """Three things this host has; everything else the plugin keeps itself."""
    from adplanning_plugin import Link

    return (
        Link(
            entity="person",
            source=members,
            zone="UTC",
            columns={"id": members.c.uid, "email": members.c.mail, "created_at": members.c.joined},
        ),
        Link(
            entity="order",
            source=sales,
            money="minor",
            zone="UTC",
            columns={
                "id": sales.c.uid,
                "person_id": sales.c.member_uid,
                "email": sales.c.mail,
                "currency": literal(CURRENCY),
                "total": sales.c.cents,
                "payment_state": sales.c.standing,
                "checkout_reference": sales.c.basket,
                "placed_at": sales.c.sold,
            },
        ),
        Link(
            entity="lead",
            source=requests,
            zone="UTC",
            columns={"id": requests.c.uid, "email": requests.c.mail, "created_at": requests.c.asked},
        ),
    )


def install(database_url: str, **options: Any) -> Any:
    """The plugin, with what this host can tell it."""
    from adplanning_plugin import Actor, AdPlanning, Options, hookimpl
    from adplanning_plugin.options import CookieOptions, DatabaseOptions

    class Hooks:
        provide_links = hookimpl(lambda _: links())
        provide_admin_guard = hookimpl(lambda _: guard)

        @hookimpl
        def resolve_actor(self, connection):
            scopes = {f"adplanning:{name}" for name in ("read", "write", "manage", "pii")}
            return Actor(id="admin", tenant_id="default", scopes=frozenset(scopes))

    given = {
        "database": DatabaseOptions(url=database_url),
        "cookie": CookieOptions(secure=False),
        "secret": "a secret of the second host, long enough",
        "zone": "Europe/Lisbon",
        "currency": CURRENCY,
        **options,
    }
    return AdPlanning(Options(**given), Hooks())


def create_app(database_url: str, *, plugin: bool = True, **options: Any) -> Litestar:
    """The host; `options` go to the plugin's `Options`."""
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://", 1))

    @get("/", media_type=MediaType.HTML)
    async def landing() -> str:
        return "<!doctype html><title>Mini</title><h1>Mini</h1>"

    @post("/baskets")
    async def make_basket(request: Request[Any, Any, Any], data: JSONBody[dict[str, int]]) -> dict[str, str]:
        code = uuid.uuid4().hex
        async with engine.begin() as connection:
            await connection.execute(insert(baskets).values(code=code, cents=data["cents"]))
        if plugin:
            from adplanning_plugin import bind_visitor

            await bind_visitor(request, code)
        return {"basket": code}

    @post("/baskets/{code:str}/settle")
    async def settle(code: FromPath[str], data: JSONBody[dict[str, str]]) -> dict[str, str]:
        """What a payment provider calls: it has none of the shopper's cookies."""
        uid = uuid.uuid4()
        async with engine.begin() as connection:
            cents = await connection.scalar(select(baskets.c.cents).where(baskets.c.code == code))
            sold = datetime.now(UTC).replace(tzinfo=None)
            row = {"uid": uid, "mail": data.get("mail"), "cents": cents, "standing": "paid", "basket": code}
            await connection.execute(insert(sales).values(sold=sold, **row))
        return {"sale": str(uid)}

    @post("/contact-requests")
    async def ask(data: JSONBody[dict[str, str]]) -> dict[str, str]:
        uid, asked = uuid.uuid4(), datetime.now(UTC).replace(tzinfo=None)
        async with engine.begin() as connection:
            await connection.execute(insert(requests).values(uid=uid, mail=data["mail"], words="Hello", asked=asked))
        return {"request": str(uid)}

    async def open_host() -> None:
        await create_tables(engine)

    return Litestar(
        route_handlers=[landing, make_basket, settle, ask],
        plugins=[install(database_url, **options)] if plugin else [],
        on_startup=[open_host],
        on_shutdown=[engine.dispose],
    )
