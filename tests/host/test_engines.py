"""What a host may give as its database besides an address: an engine, or what Advanced Alchemy is configured with."""

from __future__ import annotations

from typing import Any

import pytest
from advanced_alchemy.extensions.litestar import EngineConfig, SQLAlchemyAsyncConfig
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from adplanning_plugin import AdPlanning, Options, hookimpl
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.options import DatabaseOptions
from tests.host.minimal import guard

SECRET = "a secret of a host with an engine, long enough"


def on_asyncpg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


def install(engine: object, **database: Any) -> AdPlanning:
    class Hooks:
        provide_engine = hookimpl(lambda _: engine)
        provide_admin_guard = hookimpl(lambda _: guard)

    return AdPlanning(Options(secret=SECRET, currency="EUR", database=DatabaseOptions(**database)), Hooks())


async def says(plugin: AdPlanning, *names: str) -> tuple[str, ...]:
    async with plugin.runtime.database.system() as session:
        return tuple([(await session.execute(text(f"SHOW {name}"))).scalar_one() for name in names])


async def test_an_advanced_alchemy_configuration_is_address_enough_and_keeps_its_pool_to_itself(
    database_url: str,
) -> None:
    theirs = {"server_settings": {"application_name": "the store", "lock_timeout": "777"}}
    config = SQLAlchemyAsyncConfig(
        connection_string=on_asyncpg(database_url), engine_config=EngineConfig(pool_size=1, connect_args=theirs)
    )
    plugin = install(config, statement_timeout_ms=4321, pool_size=3)
    await plugin.start()
    try:
        assert [tenant.id for tenant in plugin.runtime.tenants] == ["default"]
        assert await says(plugin, "application_name", "statement_timeout", "lock_timeout") == (
            "adplanning",
            "4321ms",
            "777ms",
        )
        assert plugin.runtime.database.engine.pool is not config.get_engine().pool
        assert plugin.runtime.database.engine.pool.size() == 3  # type: ignore[attr-defined]
    finally:
        await plugin.stop()
        await config.get_engine().dispose()


async def test_a_configuration_around_an_engine_lends_how_to_connect(database_url: str) -> None:
    engine = create_async_engine(
        on_asyncpg(database_url), connect_args={"server_settings": {"application_name": "the store"}}
    )
    plugin = install(SQLAlchemyAsyncConfig(engine_instance=engine, session_scope_key="_around"))
    try:
        assert await says(plugin, "application_name") == ("the store",)
        assert plugin.runtime.database.engine.pool is not engine.pool
        assert engine.pool.checkedin() == 0  # type: ignore[attr-defined]
    finally:
        await plugin.runtime.database.close()
        await engine.dispose()


async def test_a_pair_is_a_primary_and_a_replica(database_url: str) -> None:
    primary = create_async_engine(on_asyncpg(database_url))
    config = SQLAlchemyAsyncConfig(connection_string=on_asyncpg(database_url), session_scope_key="_replica")
    database = install((primary, config)).runtime.database
    assert database.engine is primary
    assert database.replica is not primary
    async with database.reading("default") as session:
        assert (await session.execute(text("SHOW transaction_read_only"))).scalar_one() == "on"
    await database.close()


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("postgresql://here", "returned str: give an AsyncEngine or an Advanced Alchemy SQLAlchemyAsyncConfig"),
        ((1, 2, 3), "no pair: give (primary, replica)"),
    ],
)
def test_anything_else_is_refused_with_what_to_give(engine: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match="provide_engine") as refused:
        install(engine)
    assert said in str(refused.value)
