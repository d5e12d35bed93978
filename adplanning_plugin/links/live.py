"""Live checks: the links against the database as it is: tables, columns, rights, policies, values, indexes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Literal, cast

import msgspec
from sqlalchemy import Column, ColumnElement, Table, Text, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from adplanning_plugin.links.compile import Source
from adplanning_plugin.links.conversion import is_naive, plain
from adplanning_plugin.links.link import Link

_SAMPLE = 10_000
"""How many rows are looked at for values that the plugin does not know."""

_PATIENCE = "2s"
"""How long the sample may take; a slower one is left out, since a start must not wait for it."""
_CANCELLED = "57014"
_PATIENCE_SO_FAR = text("SELECT current_setting('statement_timeout')")
_SET_PATIENCE = text("SELECT set_config('statement_timeout', :value, true)")

_CATALOGUE = text(
    """
    SELECT has_schema_privilege(n.oid, 'USAGE') AS reachable, has_table_privilege(c.oid, 'SELECT') AS readable,
           row_security_active(c.oid) AS confined, current_user AS role, n.nspname AS schema,
           (SELECT jsonb_object_agg(a.attname, jsonb_build_array(
                format_type(a.atttypid, NULL), has_column_privilege(c.oid, a.attnum, 'SELECT'),
                has_column_privilege(c.oid, a.attnum, 'UPDATE')))
            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = :name AND n.nspname = :schema
    """
)
_INDEXED = text(
    """
    SELECT array(SELECT a.attname::text FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, at)
                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum ORDER BY k.at) AS columns,
           i.indkey[0:i.indnkeyatts - 1] @> ARRAY[0::smallint] AS computed
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = :name AND n.nspname = :schema AND i.indisvalid AND i.indpred IS NULL
    """
)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a link that the database says: an error keeps it from working, a warning does not."""

    entity: str
    level: Literal["error", "warning"]
    message: str


class IndexAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """An index on a host table that would help; the host decides."""

    entity: str
    table: str
    columns: tuple[str, ...]
    reason: str
    statement: str


async def check_links(connection: AsyncConnection, sources: Sequence[Source]) -> list[Finding]:
    """What stands in the way of reading and writing the linked tables, each with its fix."""
    found: list[Finding] = []
    for source in sources:
        if source.link is None:
            continue
        problems = [problem async for problem in _tables(connection, source)]
        if not any(problem.level == "error" for problem in problems):
            problems += [problem async for problem in _rows(connection, source)]
        found += problems
    return found


async def _tables(connection: AsyncConnection, source: Source) -> AsyncIterator[Finding]:
    link = source.link
    if link is None:
        return
    name = source.entity.name
    used = _columns(source)
    for table in link.tables:
        quoted = _quoted(connection, table)
        row = (await connection.execute(_CATALOGUE, await _place(connection, table))).one_or_none()
        if row is None:
            fix = "does not exist in this database: correct the link's source, or migrate the store's database."
            yield Finding(entity=name, level="error", message=f"Table {table.fullname} {fix}")
            continue
        if not row.reachable:
            fix = f"cannot be reached: run GRANT USAGE ON SCHEMA {row.schema} TO {row.role};"
            yield Finding(entity=name, level="error", message=f"Table {table.fullname} {fix}")
        live: dict[str, list[Any]] = row.columns or {}
        wanted = used.get(table.fullname, set())
        for column in sorted(wanted - set(live)):
            fix = f"has no column {column}: migrate the store's database, or correct the link."
            yield Finding(entity=name, level="error", message=f"Table {table.fullname} {fix}")
        if not row.readable and not all(live[column][1] for column in wanted & set(live)):
            fix = f"GRANT SELECT ON {quoted} TO {row.role};"
            yield Finding(entity=name, level="error", message=f"Table {table.fullname} cannot be read: run {fix}")
        if row.confined:
            problem = (
                f"has row-level security that applies to {row.role}: rows that its policies hide are missing here."
            )
            yield Finding(entity=name, level="warning", message=f"Table {table.fullname} {problem}")
        for problem in (*_unwritable(link, table, live, quoted, row.role), *_misread(link, table, live)):
            yield Finding(entity=name, level="error", message=problem)


def _unwritable(link: Link, table: Table, live: Mapping[str, list[Any]], quoted: str, role: str) -> Iterator[str]:
    for canonical, target in link.writeback.items():
        if target.table.fullname == table.fullname and target.name in live and not live[target.name][2]:
            fix = f"run GRANT UPDATE ({target.name}) ON {quoted} TO {role};"
            yield f"{canonical} cannot be written to {table.fullname}.{target.name}: {fix}"


def _misread(link: Link, table: Table, live: Mapping[str, list[Any]]) -> Iterator[str]:
    """Times whose declared type says another zone than the database's: they would be hours off."""
    for canonical, expression in link.raw.items():
        if link.entity.columns[canonical].type != "timestamp" or not isinstance(expression, Column):
            continue
        if getattr(expression.table, "fullname", None) != table.fullname or expression.name not in live:
            continue
        kind = str(live[expression.name][0])
        naive = is_naive(plain(expression.type))
        if kind == f"timestamp {'with' if naive else 'without'} time zone":
            declared = f"{'without' if naive else 'with'} a time zone"
            problem = f"{table.fullname}.{expression.name} is declared {declared}, but the database has {kind}"
            yield f"{problem}: correct the type of the column in the store's table."


async def _rows(connection: AsyncConnection, source: Source) -> AsyncIterator[Finding]:
    """Read through the link as any query would: what the database refuses, it refuses here; and look at some values."""
    name = source.entity.name
    rows = source.subquery(None)
    sample = select(rows).limit(_SAMPLE).subquery()
    listed = [column for column in source.entity.columns.values() if column.choices and source.provides(column.name)]
    seen: list[ColumnElement[Any]] = [func.count().label("n")]
    for column in listed:
        values = func.array_agg(sample.c[column.name].distinct(), type_=ARRAY(Text()))
        known = sample.c[column.name].not_in(column.choices)
        seen.append(values.filter(known).label(column.name))
    if "id" in source.entity.columns and source.provides("id"):
        seen.append((func.count(sample.c.id) - func.count(sample.c.id.distinct())).label("repeated"))
    broken = source.unfit_money(_SAMPLE) if "id" in source.entity.columns else {}
    try:
        async with connection.begin_nested():
            await connection.execute(select(rows).limit(0))
        async with connection.begin_nested():
            before = (await connection.execute(_PATIENCE_SO_FAR)).scalar()
            await connection.execute(_SET_PATIENCE, {"value": _PATIENCE})
            row = (await connection.execute(select(*seen).select_from(sample))).one()
            unfit = {name: (await connection.scalars(ids)).all() for name, ids in broken.items()}
            await connection.execute(_SET_PATIENCE, {"value": before})
    except DBAPIError as problem:
        if getattr(problem.orig, "sqlstate", "") == _CANCELLED:
            return
        reason = str(problem.orig).partition("\n")[0].rpartition("Error'>: ")[2]
        yield Finding(entity=name, level="error", message=f"{name} cannot be read through its link: {reason}.")
        return
    for column in listed:
        for value in getattr(row, column.name) or ():
            problem = f"{name}.{column.name} has the value {value!r}, which means nothing here"
            fix = f"map it with a CASE expression to one of {', '.join(column.choices)}."
            yield Finding(entity=name, level="error", message=f"{problem}: {fix}")
    for money, ids in unfit.items():
        if ids:
            problem = f"{name}.{money} of {', '.join(map(str, ids))} is no amount (NaN, infinite or past 64 bits)"
            yield Finding(
                entity=name, level="warning", message=f"{problem}: it is left out until the store corrects it."
            )
    if getattr(row, "repeated", 0):
        problem = (
            f"{name}.id is not unique: the link's source yields a row more than once, or several tenants share ids."
        )
        yield Finding(entity=name, level="warning", message=problem)


async def advise_indexes(connection: AsyncConnection, sources: Sequence[Source]) -> list[IndexAdvice]:
    """For each way in which a linked table is looked up: the index that serves it, where there is none."""
    advice: dict[str, IndexAdvice] = {}
    for source in sources:
        link = source.link
        if link is None:
            continue
        for lookup in (("id",), *source.entity.lookups):
            columns = [link.raw.get(name) for name in lookup]
            named = [column for column in columns if isinstance(column, Column)]
            if len(named) != len(lookup):
                continue
            table: Any = named[0].table
            if not isinstance(table, Table) or any(column.table is not table for column in named):
                continue
            names = tuple(column.name for column in named)
            tenant: Any = link.tenant
            leader = (tenant.name,) if isinstance(tenant, Column) and tenant.table is table else ()
            quoted = _quoted(connection, cast("Any", table))
            present = (await connection.execute(_INDEXED, await _place(connection, cast("Any", table)))).all()
            if any(_serves(tuple(row.columns), leader, names) for row in present if not row.computed):
                continue
            wanted = (*leader, *names)
            statement = f"CREATE INDEX CONCURRENTLY ON {quoted} ({', '.join(wanted)});"
            advice.setdefault(
                statement,
                IndexAdvice(
                    entity=source.entity.name,
                    table=table.fullname,
                    columns=wanted,
                    reason=f"{source.entity.name} is looked up by {', '.join(lookup)}.",
                    statement=statement,
                ),
            )
    return list(advice.values())


def _serves(index: tuple[str, ...], leader: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether the index begins with the looked-up column (the tenant may stand before it); the rest is a short sort."""
    first = names[:1]
    return index[:1] == first or (bool(leader) and index[: len(leader) + 1] == (*leader, *first))


def _columns(source: Source) -> dict[str, set[str]]:
    used: dict[str, set[str]] = {}
    for column in _parts(source):
        table: Any = column.table
        if isinstance(table, Table):
            used.setdefault(str(table.fullname), set()).add(str(column.name))
    return used


def _parts(source: Source) -> Iterator[Any]:
    link = source.link
    if link is None:
        return
    for part in link.parts():
        if isinstance(part, Column):
            yield part


def _quoted(connection: AsyncConnection, table: Table) -> str:
    return connection.dialect.identifier_preparer.format_table(table)


async def _place(connection: AsyncConnection, table: Table) -> dict[str, str]:
    """The table's name and schema; one without a schema is looked for where this connection's queries find it."""
    schema = table.schema
    if schema is None:
        seen = text(
            "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relname = :name AND pg_table_is_visible(c.oid)"
        )
        schema = (await connection.execute(seen, {"name": table.name})).scalar() or ""
    return {"name": table.name, "schema": str(schema)}
