"""Alembic's entry to the plugin's revisions, over a connection that is handed in or an address given as `-x url=…`."""

import asyncio
import importlib
from collections.abc import Iterable
from typing import Any

from alembic import context
from alembic.operations import ops
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from adplanning_plugin.kernel import migrate
from adplanning_plugin.kernel.models import SCHEMA, Base, is_exempt, row_security

config = context.config


def declared_tables() -> MetaData:
    """The plugin's tables: the composition root knows every domain, and each declares its own."""
    importlib.import_module("adplanning_plugin.plugin")
    return Base.metadata


def complete(_context: object, current: object, directives: list[ops.MigrationScript]) -> None:
    """Autogenerate knows tables only: add the row-level security, default partition and schema they stand on."""
    for script in directives:
        upgrades, downgrades = script.upgrade_ops, script.downgrade_ops
        if upgrades is None or downgrades is None:
            continue
        made = [op for op in upgrades.ops if isinstance(op, ops.CreateTableOp)]
        upgrades.ops.extend(ops.ExecuteSQLOp(statement) for op in made for statement in _beside(op))
        if not current:
            upgrades.ops.insert(0, ops.ExecuteSQLOp(_SCHEMA_IF_MISSING))


_SCHEMA_IF_MISSING = (
    f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '{SCHEMA}') "
    f"THEN CREATE SCHEMA {SCHEMA}; END IF; END $$"
)


def _beside(made: ops.CreateTableOp) -> Iterable[str]:
    table = made.to_table()
    if table.schema != SCHEMA:
        return
    name = f"{SCHEMA}.{table.name}"
    if not is_exempt(table):
        yield from row_security(name)
    if made.kw.get("postgresql_partition_by"):
        yield f"CREATE TABLE {name}_default PARTITION OF {name} DEFAULT"
        if not is_exempt(table):
            yield from row_security(f"{name}_default")


def migrate_on(connection: Connection) -> None:
    """Run inside the caller's transaction; the schema comes before the version table that lives in it."""
    migrate.make_schema(connection)
    arguments: dict[str, Any] = {"target_metadata": declared_tables(), "process_revision_directives": complete}
    context.configure(connection=connection, **arguments, **migrate.options(connection))
    with context.begin_transaction():
        context.run_migrations()


async def migrate_online(url: str) -> None:
    """Connect to the address and migrate in one transaction."""
    engine = create_async_engine(migrate.asyncpg_url(url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate_on)
    finally:
        await engine.dispose()


def address() -> str:
    """The address from `-x url=…` or the configuration."""
    url = context.get_x_argument(as_dictionary=True).get("url") or config.get_main_option("sqlalchemy.url")
    if not url:
        raise SystemExit("No database address: give it as `alembic -x url=postgresql://… upgrade heads`.")
    return url


handed_in = config.attributes.get("connection")
if context.is_offline_mode():
    context.configure(dialect_name="postgresql", literal_binds=True, **migrate.options(None))
    with context.begin_transaction():
        context.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        context.run_migrations()
elif handed_in is not None:
    migrate_on(handed_in)
else:
    asyncio.run(migrate_online(address()))
