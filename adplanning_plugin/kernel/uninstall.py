"""Uninstall: export every plugin table, then drop the plugin's schema; the host's schema is never touched."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path

from sqlalchemy import Table, select, text

from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.models import SCHEMA, is_exempt

Progress = Callable[[str, int], None]


async def export_tables(
    database: Database, tables: Sequence[Table], tenants: Sequence[str], target: Path, progress: Progress | None = None
) -> int:
    """Write one CSV a table into the zip file `target`, tenant by tenant, streaming.

    Returns:
        The number of rows written.
    """
    total = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in tables:
            rows = await _export_table(database, archive, table, tenants)
            total += rows
            if progress is not None:
                progress(table.name, rows)
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


async def drop_schema(database: Database) -> None:
    """Drop the plugin's schema and all in it: one statement, as the plugin owns nothing elsewhere."""
    async with database.system() as session:
        await session.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
