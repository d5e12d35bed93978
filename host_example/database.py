"""Where the store's tables live: the declarative base and the engine settings; no query is written here."""

from __future__ import annotations

import os
from typing import Any

from advanced_alchemy.extensions.litestar import AsyncSessionConfig, EngineConfig, SQLAlchemyAsyncConfig
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase

SCHEMA = "store"
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table of the store, in the schema `store`."""

    metadata = MetaData(schema=SCHEMA, naming_convention=NAMING)


def database_url() -> str:
    """The address of the store's database, from `STORE_DATABASE_URL`.

    Raises:
        RuntimeError: the variable is not set.
    """
    url = os.environ.get("STORE_DATABASE_URL")
    if not url:
        raise RuntimeError("STORE_DATABASE_URL is not set: give the store a postgresql+asyncpg:// address.")
    return with_driver(url)


def with_driver(url: str) -> str:
    """The same address, naming asyncpg as the driver."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+asyncpg://" + url.removeprefix(prefix)
    return url


def make_engine(url: str, **options: Any) -> AsyncEngine:
    """An engine of the store on `url`."""
    return create_async_engine(with_driver(url), **options)


def make_config(url: str) -> SQLAlchemyAsyncConfig:
    """Advanced Alchemy's configuration, under the store's own state keys."""
    return SQLAlchemyAsyncConfig(
        connection_string=with_driver(url),
        session_dependency_key="store_session",
        session_scope_key="_store_session",
        engine_dependency_key="store_engine",
        engine_app_state_key="store_engine",
        session_maker_app_state_key="store_session_maker",
        engine_config=EngineConfig(pool_size=8, max_overflow=8, pool_pre_ping=True),
        # Pages are rendered after the commit, from what was read before it.
        session_config=AsyncSessionConfig(expire_on_commit=False),
    )
