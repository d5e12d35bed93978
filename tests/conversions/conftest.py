"""The plugin's conversion domain over a small store: database, runtime, worker, admin and public HTTP."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import create_async_engine

from adplanning_plugin import hookimpl
from adplanning_plugin.hookspecs import Section
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.options import DatabaseOptions
from adplanning_plugin.tracking.hooks import TrackingHooks
from adplanning_plugin.tracking.models import Conversion
from tests.conversions import shop
from tests.plugged import admin_of, emptied, plugged


class CreditSection:
    """Another domain's part of a conversion's detail."""

    @hookimpl
    def register_sections(self) -> list[Section]:
        async def credit(runtime: Runtime, session: Any, tenant_id: str, object_id: str) -> dict[str, Any]:
            return {"rows": [{"conversion_id": object_id, "tenant": tenant_id}]}

        return [Section(key="credit", title="Credit", compute=credit, place="conversion")]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def store_database(postgres_server: Any, template_database: str, worker_name: str) -> AsyncIterator[Database]:
    name = f"test_conversions_{os.getpid()}_{worker_name}"
    url = postgres_server.create(name, template_database)
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA till"))
        await connection.run_sync(shop.metadata.create_all)
    await engine.dispose()
    database = Database.connect(DatabaseOptions(url=url, pool_size=16))
    yield database
    await database.close()
    postgres_server.drop(name)


@pytest_asyncio.fixture(loop_scope="session")
async def runtime(store_database: Database) -> Runtime:
    """A runtime over empty tables: two stores, India and Japan."""
    links = Links(shop.LINKS, tenants_known=True)
    runtime = plugged(await emptied(store_database), CreditSection(), TrackingHooks(), links=links)
    runtime.hooks.hook.on_startup(runtime=runtime)
    return runtime


@pytest.fixture
def put(runtime: Runtime) -> Callable[..., Awaitable[None]]:
    """Insert rows into a table of the store."""

    async def insert_rows(table: Any, *rows: dict[str, Any]) -> None:
        async with runtime.database.engine.begin() as connection:
            for row in rows:
                await connection.execute(table.insert(), row)

    return insert_rows


@pytest.fixture
def alter(runtime: Runtime) -> Callable[..., Awaitable[None]]:
    """Change a sale of the store."""

    async def change(no: int, **values: Any) -> None:
        async with runtime.database.engine.begin() as connection:
            await connection.execute(shop.sales.update().where(shop.sales.c.no == no).values(**values))

    return change


@pytest.fixture
def emit(runtime: Runtime) -> Callable[..., Awaitable[None]]:
    """The store's bus: publish an event and let the worker deliver what is due."""

    async def tell(name: str, *ids: Any, tenant_id: str = "main") -> None:
        async with runtime.database.transaction(tenant_id) as session:
            for each in ids:
                await publish(session, runtime, tenant_id, name, {"id": each})
        await Runner(runtime).drain(tenant_id)

    return tell


@pytest.fixture
def stored(runtime: Runtime) -> Callable[..., Awaitable[list[Any]]]:
    """The conversions of a store, oldest first."""

    async def read(tenant_id: str = "main", **filters: Any) -> list[Any]:
        async with runtime.database.reading(tenant_id) as session:
            statement = select(Conversion).filter_by(tenant_id=tenant_id, **filters)
            return list(await session.scalars(statement.order_by(Conversion.occurred_at, Conversion.id)))

    return read


@pytest_asyncio.fixture(loop_scope="session")
async def admin(runtime: Runtime) -> AsyncIterator[Any]:
    """The admin API: `await admin.get("/conversions")` and so on, with JSON in and out."""
    async with admin_of(runtime) as client:
        yield client
