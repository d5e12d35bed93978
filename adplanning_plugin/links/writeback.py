"""Write-back: what the plugin found out about a row goes where the host wants it, else into a table of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    func,
    literal,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import sqltypes
from sqlalchemy.types import TypeEngine

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.links.compile import Source
from adplanning_plugin.links.conversion import is_naive, is_text, plain
from adplanning_plugin.links.link import Link
from adplanning_plugin.links.owned import SQL_TYPES
from adplanning_plugin.links.registry import Links

_WHOLE_NUMBER = "^(0|-?[1-9][0-9]{0,17})$"
_UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


async def write_back(
    session: AsyncSession,
    links: Links,
    tenant_id: str,
    entity: str,
    column: str,
    rows: Iterable[tuple[str, Any]] | Select[Any, Any],
) -> int:
    """Set one written-back column of many rows in one statement; rows that already hold the value are not touched.

    Args:
        rows: pairs of (id, value), or a select of these two columns (ids are text; value in the canonical type).
    Returns:
        How many rows changed.
    Raises:
        ConfigurationError: the column is not one that the plugin writes.
    """
    source = links.source(entity)
    declared = source.entity.columns.get(column)
    if declared is None or not declared.writeback:
        known = ", ".join(source.entity.writeback) or "nothing"
        message = f"{entity}.{column} is not written back; of {entity} the plugin writes {known}."
        raise ConfigurationError(message)
    values = _values(rows, SQL_TYPES[declared.type])
    if values is None:
        return 0
    link = source.link
    if link is not None and column in link.writeback:
        statement: Any = _to_host(source, link, tenant_id, link.writeback[column], values)
    elif source.owned is not None:
        table = source.owned
        statement = (
            update(table)
            .values({column: values.c.value})
            .where(table.c.tenant_id == tenant_id, table.c.id == values.c.id)
            .where(table.c[column].is_distinct_from(values.c.value))
        )
    elif source.extension is not None:
        kept = source.extension
        chosen = select(literal(tenant_id, Text()), values.c.id, values.c.value).order_by(values.c.id)
        fresh = insert(kept).from_select(["tenant_id", "id", column], chosen, include_defaults=False)
        statement = fresh.on_conflict_do_update(
            index_elements=[kept.c.tenant_id, kept.c.id],
            set_={column: fresh.excluded[column], "updated_at": func.now()},
            where=kept.c[column].is_distinct_from(fresh.excluded[column]),
        )
    else:
        message = f"{entity} is not linked, so there is no row to write {column} to."
        raise ConfigurationError(message)
    result: Any = await session.execute(statement)
    return int(result.rowcount)


def _values(rows: Iterable[tuple[str, Any]] | Select[Any, Any], kind: TypeEngine[Any]) -> FromClause | None:
    if isinstance(rows, Select):
        given = rows.subquery()
        key: ColumnElement[Any] = given.c[0]
        value: ColumnElement[Any] = given.c[1]
        one: ColumnElement[Any] = func.array_agg(value, type_=ARRAY(kind))[1]
        return select(key.label("id"), type_coerce(one, kind).label("value")).group_by(key).subquery("found")
    pairs = dict(rows)
    if not pairs:
        return None
    ids = bindparam("ids", list(pairs), ARRAY(Text()), unique=True)
    values = bindparam("found", list(pairs.values()), ARRAY(kind), unique=True)
    shape = (sql_column("id", Text()), sql_column("value", kind))
    return func.unnest(ids, values).table_valued(*shape, name="found").render_derived()


def _to_host(source: Source, link: Link, tenant_id: str, target: Column[Any], values: FromClause) -> Any:
    """An update of one column, which locks the rows that change in the order of their keys.

    The host's own `onupdate` defaults stay out of it, since nothing of the host changed.
    """
    key: Any = link.raw["id"]
    home: Any = target.table
    bare: Any = sql_table(home.name, sql_column(key.name), sql_column(target.name), schema=home.schema)
    mine: ColumnElement[Any] = type_coerce(bare.c[key.name], plain(key.type))
    stored: ColumnElement[Any] = type_coerce(bare.c[target.name], plain(target.type))
    value: ColumnElement[Any] = values.c.value
    fresh = _as_host(value, plain(target.type), link.zone)
    changing = (
        select(mine.label("key"), fresh.label("value"))
        .select_from(bare.join(values, mine == _as_host(values.c.id, plain(key.type), None)))
        .where(stored.is_distinct_from(fresh), fresh.is_(None) == value.is_(None))
        .order_by(mine)
        .with_for_update(key_share=True, of=bare)
    )
    if link.tenant is not None or source.confined:
        changing = changing.where(mine.in_(source.host_rows(tenant_id, key)))
    due = changing.subquery("due")
    return update(bare).values({target.name: due.c.value}).where(mine == due.c.key)


def _as_host(value: ColumnElement[Any], kind: TypeEngine[Any], zone: str | None) -> ColumnElement[Any]:
    """A canonical value as the host's type; text that cannot be a key of that type becomes NULL."""
    if isinstance(value.type, Text):
        if isinstance(kind, Integer):
            return case((value.regexp_match(_WHOLE_NUMBER), sql_cast(value, BigInteger())), else_=text("NULL::bigint"))
        if isinstance(kind, sqltypes.Uuid):
            return case((value.regexp_match(_UUID), sql_cast(value, sqltypes.Uuid())), else_=text("NULL::uuid"))
        return value if is_text(kind) else sql_cast(value, kind)
    if isinstance(kind, sqltypes.DateTime):
        return func.timezone(zone, value, type_=sqltypes.DateTime()) if is_naive(kind) else value
    return sql_cast(value, kind)
