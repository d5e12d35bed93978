"""Host engine: makes what `provide_engine` returns into the plugin's database. It opens no connection.

An engine is used as it is. A configuration of Advanced Alchemy lends its address and how to connect, never its pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sqlalchemy.engine import Engine, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from adplanning_plugin.kernel.database import Database, make_engine
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.options import DatabaseOptions

if TYPE_CHECKING:
    from advanced_alchemy.config import SQLAlchemyAsyncConfig


def database_of(provided: object, options: DatabaseOptions) -> Database:
    """The database behind one engine or configuration, or behind a pair of them (primary, replica).

    Raises:
        ConfigurationError: it is something else.
    """
    if not isinstance(provided, tuple):
        return Database(_engine(provided, options), options)
    several = cast("tuple[object, ...]", provided)
    if len(several) != 2:
        raise ConfigurationError("provide_engine returned a tuple that is no pair: give (primary, replica).")
    primary, replica = several
    return Database(_engine(primary, options), options, _engine(replica, options))


def _engine(provided: object, options: DatabaseOptions) -> AsyncEngine:
    if isinstance(provided, AsyncEngine):
        return provided
    from advanced_alchemy.config import SQLAlchemyAsyncConfig

    if isinstance(provided, SQLAlchemyAsyncConfig):
        return _beside(provided, options)
    raise ConfigurationError(
        f"provide_engine returned {type(provided).__name__}: give an AsyncEngine or an Advanced Alchemy"
        " SQLAlchemyAsyncConfig, or a pair of them (primary, replica)."
    )


def _beside(config: SQLAlchemyAsyncConfig, options: DatabaseOptions) -> AsyncEngine:
    """An engine on the same database with a pool of the plugin's own: a busy report takes no connection of a page."""
    engine_config = config.engine_config_dict
    if config.connection_string is None or engine_config.keys() & {"creator", "async_creator"}:
        # How to connect is known to the host's engine alone; limits are then those that it sets.
        source = config.get_engine().sync_engine
        return AsyncEngine(Engine(source.pool.recreate(), source.dialect, source.url, hide_parameters=True))
    driver = make_url(config.connection_string).drivername
    # What another driver takes means nothing to asyncpg.
    fitting = engine_config.get("connect_args") if driver == "postgresql+asyncpg" else None
    return make_engine(config.connection_string, options, fitting)
