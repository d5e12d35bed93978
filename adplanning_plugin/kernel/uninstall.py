"""Uninstall: export every plugin table, then drop the plugin's schema; the host's schema is never touched."""

from __future__ import annotations

import csv
import json
import os
import zipfile
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path

from sqlalchemy import Connection, Table, select, text

from adplanning_plugin.kernel import migrate
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.errors import ConfigurationError, Conflict
from adplanning_plugin.kernel.models import SCHEMA, is_exempt

Progress = Callable[[int, int], None]
"""Called with (tables done, tables in all)."""

_STRANGERS = text(
    """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND c.relname <> ALL(:known)
    ORDER BY 1
    """
)


async def export_tables(
    database: Database, tables: Sequence[Table], tenants: Sequence[str], target: Path, progress: Progress | None = None
) -> int:
    """Write one CSV a table into the new zip file `target`, tenant by tenant, streaming; only its owner may read it.

    Returns:
        The number of rows written.
    Raises:
        FileExistsError: an export is never written over another.
    """
    total = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for done, table in enumerate(tables, 1):
            total += await _export_table(database, archive, table, tenants)
            if progress is not None:
                progress(done, len(tables))
    return total


async def _export_table(database: Database, archive: zipfile.ZipFile, table: Table, tenants: Sequence[str]) -> int:
    rows = 0
    with (
        archive.open(f"{table.name}.csv", "w", force_zip64=True) as raw,
        TextIOWrapper(raw, "utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(column.name for column in table.columns)
        scopes: Sequence[str | None] = [None] if is_exempt(table) else list(tenants)
        for tenant_id in scopes:
            context = database.system() if tenant_id is None else database.reading(tenant_id)
            query = select(table) if tenant_id is None else select(table).where(table.c.tenant_id == tenant_id)
            async with context as session:
                await session.execute(text("SET LOCAL statement_timeout = 0"))  # a long table is no runaway query
                result = await session.stream(query.execution_options(yield_per=2000))
                async for row in result:
                    writer.writerow([_text(value) for value in row])
                    rows += 1
    return rows


def _text(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    return str(value) if isinstance(value, Decimal) else value


def drop_schema(connection: Connection, known: Collection[str], extra: Sequence[str] = ()) -> str | None:
    """Drop the plugin's schema and all in it, and its revisions where the host's own Alembic keeps them.

    Args:
        connection: the schema's owner, in one transaction.
        known: the names of the plugin's tables, those of other plugins included.
        extra: folders of versions that other plugins register.
    Returns:
        The host's version table that no longer names our revisions, if it did.
    Raises:
        Conflict: a table of somebody else's lies in the schema.
        ConfigurationError: the role may not write to the host's version table.
    """
    known = [*known, migrate.VERSION_TABLE]
    strangers = connection.execute(_STRANGERS, {"schema": SCHEMA, "known": known}).scalars().all()
    if strangers:
        names = ", ".join(f"{SCHEMA}.{name}" for name in strangers)
        fix = "move it out with ALTER TABLE … SET SCHEMA public, or drop it, then uninstall again."
        raise Conflict(f"Not the plugin's own, and dropping the schema would drop it: {names}; {fix}")
    host_table: str | None = None
    for table, revision in migrate.recorded(connection, extra):
        if table == f"{SCHEMA}.{migrate.VERSION_TABLE}":
            continue
        host_table = table
        statement = f"DELETE FROM {table} WHERE version_num = '{revision}'"  # noqa: S608 - both from the catalogue
        if not connection.scalar(text("SELECT has_table_privilege(:table, 'DELETE')"), {"table": table}):
            message = f"The plugin's revision is recorded in {table}, which this role may not write: run {statement};"
            raise ConfigurationError(f"{message} as its owner, then uninstall again.")
        connection.execute(text(statement))
    connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
    return host_table
