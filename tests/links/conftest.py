"""A database with the tables of three stores and of the plugin's links, emptied before each test."""

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.models import Base as PluginBase
from adplanning_plugin.kernel.models import security_statements
from adplanning_plugin.links.owned import EXTENSIONS, OWNED
from adplanning_plugin.options import DatabaseOptions
from tests.links import stores
from tests.plugged import emptied

PLUGIN_TABLES = [*OWNED.values(), *EXTENSIONS.values()]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def links_database(postgres_server: Any, worker_name: str) -> AsyncIterator[Database]:
    """Connected as an ordinary role that owns the stores' tables and the plugin's."""
    name = f"test_links_{os.getpid()}_{worker_name}"
    postgres_server.drop(name)
    url = postgres_server.create(name).replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for schema in ("adplanning", "shop", "boutique"):
            await connection.execute(text(f"CREATE SCHEMA {schema}"))
        await connection.run_sync(stores.metadata.create_all)
        await connection.run_sync(stores.Base.metadata.create_all)
        await connection.run_sync(lambda sync: PluginBase.metadata.create_all(sync, tables=PLUGIN_TABLES))
        for statement in security_statements(PLUGIN_TABLES):
            await connection.execute(text(statement))
    await engine.dispose()
    database = Database.connect(DatabaseOptions(url=url))
    yield database
    await database.close()
    postgres_server.drop(name)


@pytest_asyncio.fixture(loop_scope="session")
async def database(links_database: Database) -> Database:
    """The database, emptied."""
    return await emptied(links_database)


@pytest.fixture
def put(database: Database) -> Any:
    """Insert rows into a store's table."""

    async def insert_rows(table: Any, *rows: dict[str, Any]) -> None:
        async with database.engine.begin() as connection:
            await connection.execute(getattr(table, "__table__", table).insert(), list(rows))

    return insert_rows


@pytest.fixture
def read(database: Database) -> Any:
    """All rows of a subquery inside a tenant, as dictionaries."""
    from sqlalchemy import select

    async def rows(subquery: Any, tenant_id: str, *columns: str, order: str = "id") -> list[dict[str, Any]]:
        wanted = [subquery.c[name] for name in columns] if columns else list(subquery.c)
        async with database.reading(tenant_id) as session:
            found = await session.execute(select(*wanted).order_by(subquery.c[order]))
            return [dict(row) for row in found.mappings()]

    return rows
