"""Customers over a real database: every domain below, a stranger's plugin with personal data, a worker, the admin."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from litestar import Litestar
from sqlalchemy import Column, Table, Text, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin import hookimpl
from adplanning_plugin.customers.hooks import CustomersHooks
from adplanning_plugin.hookspecs import PersonalData
from adplanning_plugin.identity import identifier_for_email
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.http import admin_router
from adplanning_plugin.kernel.models import SCHEMA, Base
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.options import DatabaseOptions
from tests.journeys.conftest import Store, make_runtime

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ASHA, BELA = "person-asha-4711", "person-bela-4712"
EMAIL = "Asha@Mail.example"

NOTES = Table(
    "customers_test_note",
    Base.metadata.__class__(schema=SCHEMA),
    Column("tenant_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("about", Text),
    Column("words", Text, nullable=False),
)
_MAKE_NOTES = f"""
CREATE TABLE {NOTES.fullname} (tenant_id text, id text, about text, words text NOT NULL, PRIMARY KEY (tenant_id, id))
"""


class Stranger:
    """A plugin of somebody else, which keeps notes about people."""

    @hookimpl
    def register_models(self) -> Sequence[Table]:
        return [NOTES]

    @hookimpl
    def register_personal_data(self) -> Sequence[PersonalData]:
        return [
            PersonalData(
                table=NOTES.fullname, columns=("about", "words"), erase="delete", found_by=(("about", "person"),)
            )
        ]


def customers_runtime(database: Database, *plugins: object, links: Links | None = None, **options: Any) -> Runtime:
    return make_runtime(database, CustomersHooks(), Stranger(), *plugins, links=links, **options)


class Shop(Store):
    """A store in which Asha and Bela have been for a while."""

    async def execute(self, statement: str, **values: Any) -> Any:
        async with self.runtime.database.transaction(self.tenant_id) as session:
            return await session.execute(text(statement), {"tenant": self.tenant_id, **values})

    async def session(self, work: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
        async with self.runtime.database.transaction(self.tenant_id) as session:
            return await work(session)

    def email_identifier(self, email: str) -> str:
        return cast("str", identifier_for_email(self.runtime, email))

    async def people(self) -> None:
        """Two people; Asha has two browsers, two orders (one as a guest), a refund, a lead, a review and a form."""
        for person, name, email in ((ASHA, "Asha Rao", EMAIL), (BELA, "Bela Sen", "bela@mail.example")):
            await self.put(
                "person",
                {"id": person, "name": name, "email": email, "phone": f"+91 98{person[-4:]}", "city": "Pune",
                 "created_at": NOON - 60 * DAY},
            )  # fmt: skip
        await self.visit("vis_asha_laptop", NOON - 9 * DAY, "spring", gclid="asha-click-1")
        await self.visit("vis_asha_phone", NOON - 5 * DAY, "brand")
        await self.visit("vis_bela", NOON - 4 * DAY, "spring")
        await self.link("vis_asha_laptop", f"person:{ASHA}", NOON - 8 * DAY)
        await self.link("vis_asha_laptop", self.email_identifier(EMAIL), NOON - 8 * DAY, kind="order")
        await self.link("vis_asha_phone", self.email_identifier(EMAIL), NOON - 5 * DAY, kind="order")
        await self.link("vis_asha_phone", f"person:{ASHA}", NOON - 5 * DAY)
        await self.link("vis_bela", f"person:{BELA}", NOON - 4 * DAY)
        await self.order("order-1", NOON - 3 * DAY, person_id=ASHA, email=EMAIL, total=120_000)
        await self.order("order-2", NOON - 1 * DAY, email=EMAIL.lower(), total=30_050)
        await self.order("order-3", NOON - 2 * DAY, person_id=BELA, email="bela@mail.example", total=77_700)
        await self.put("refund", {"id": "refund-1", "order_id": "order-1", "amount": 20_001, "created_at": NOON})
        await self.put(
            "lead",
            {"id": "lead-1", "person_id": ASHA, "email": EMAIL, "name": "Asha", "created_at": NOON - 6 * DAY},
        )
        await self.put(
            "feedback",
            {"id": "feedback-1", "person_id": ASHA, "rating": 5, "comment": "Asha likes it", "created_at": NOON},
        )
        await self.put(
            "form_response",
            {"id": "form-1", "email": EMAIL, "form_name": "Contact", "text": "Call Asha", "created_at": NOON - 7 * DAY},
        )
        await self.put("social_interaction", {"id": "social-1", "person_id": ASHA, "kind": "like", "at": NOON - HOUR})
        await self.read_stream()
        await self.backfill()
        await self.execute(
            f"INSERT INTO {NOTES.fullname} VALUES (:tenant, 'n1', :asha, 'Asha came in'),"
            " (:tenant, 'n2', :bela, 'Bela called')",
            asha=ASHA,
            bela=BELA,
        )

    async def visit(self, visitor_id: str, at: datetime, campaign: str, **click_ids: str) -> None:
        utm = {"source": "google", "medium": "cpc", "campaign": campaign}
        for number, path in enumerate(("/", "/shirts", "/cart")):
            first = {"utm": utm, "click_ids": click_ids or None} if number == 0 else {}
            await self.track("page_view", at + number * timedelta(minutes=1), visitor_id, path=path, **first)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def peopled(postgres_server: Any, template_database: str, worker_name: str) -> AsyncIterator[str]:
    """The name of a database in which Asha and Bela have been for a while; each test has a copy of its own."""
    name = f"test_customers_{os.getpid()}_{worker_name}"
    url = postgres_server.create(name, template_database)
    database = Database.connect(DatabaseOptions(url=url))
    async with database.engine.begin() as connection:
        await connection.execute(text(_MAKE_NOTES))
    await Shop(customers_runtime(database)).people()
    await database.close()
    yield name
    postgres_server.drop(name)


@pytest_asyncio.fixture(loop_scope="session")
async def runtime(peopled: str, make_database: Callable[..., str]) -> AsyncIterator[Runtime]:
    """A runtime over a store with two people."""
    database = Database.connect(DatabaseOptions(url=make_database(peopled)))
    yield customers_runtime(database)
    await database.close()


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return Shop(runtime)


@pytest_asyncio.fixture(loop_scope="session")
async def admin(runtime: Runtime) -> AsyncIterator[Any]:
    """The admin API: `await admin.get("/customers")` and so on."""
    async with admin_of(runtime) as calls:
        yield calls


class admin_of:  # noqa: N801 - used as a function
    """The admin API of a runtime, for a block."""

    def __init__(self, runtime: Runtime) -> None:
        handlers = [each for part in runtime.hooks.hook.register_admin_routes(runtime=runtime) for each in part]
        app = cast("Any", Litestar([admin_router(runtime, handlers)]))
        self._client = AsyncClient(transport=ASGITransport(app), base_url="http://store.test")
        self._base = runtime.options.paths.admin

    async def __aenter__(self) -> Any:
        await self._client.__aenter__()

        def at(method: str) -> Callable[..., Awaitable[Any]]:
            async def call(path: str, **more: Any) -> Any:
                return await self._client.request(method, self._base + path, **more)

            return call

        return SimpleNamespace(get=at("GET"), post=at("POST"), put=at("PUT"), delete=at("DELETE"))

    async def __aexit__(self, *problem: object) -> None:
        await self._client.aclose()
