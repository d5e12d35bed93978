"""Exporting: everything that is held about one person, table by table, written while it is read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Table, column, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.customers.catalogue import Catalogue, Place, names_pattern, people_pattern
from adplanning_plugin.customers.subject import Values, find_subject
from adplanning_plugin.kernel.call import AdminCall
from adplanning_plugin.kernel.days import now, rfc3339
from adplanning_plugin.kernel.export import csv_line
from adplanning_plugin.links import Links

BATCH = 500
CSV_HEADER = ("source", "table", "row", "column", "value")
_MINE: Mapping[str, tuple[str, str]] = {
    "person": ("id", "person"),
    "order": ("id", "order"),
    "order_line": ("order_id", "order"),
    "refund": ("order_id", "order"),
    "lead": ("id", "lead"),
    "feedback": ("id", "feedback"),
    "form_response": ("id", "form_response"),
    "analytics_session": ("id", "session"),
    "analytics_event": ("session_id", "session"),
    "social_interaction": ("person_id", "person"),
}
"""Entities of the store: the column that finds a person's rows, and the kind of id in it."""
_INNER = {"tenant_id", "xid"}

Row = Mapping[str, Any]


async def as_json(call: AdminCall, person_id: str) -> AsyncGenerator[str]:
    """One document: `{person_id, exported_at, zone, plugin: {table: [row, …]}, store: {entity: [row, …]}}`."""
    head = {"person_id": person_id, "exported_at": rfc3339(now()), "zone": call.tenant.zone}
    yield msgspec.json.encode(head).decode()[:-1]
    part, table = "", ""
    async for source, name, row in _rows(call, person_id):
        if source != part:
            yield f'{"]}" if part else ""}, "{source}": {{"{name}": ['
        elif name != table:
            yield f'], "{name}": ['
        else:
            yield ", "
        part, table = source, name
        yield msgspec.json.encode(dict(row)).decode()
    yield "]}}" if part else "}"


async def as_csv(call: AdminCall, person_id: str) -> AsyncGenerator[str]:
    """A line for each value: tables of any shape fit into one file."""
    yield csv_line(CSV_HEADER)
    table, number = "", 0
    async for source, name, row in _rows(call, person_id):
        number = number + 1 if name == table else 1
        table = name
        yield "".join(csv_line((source, name, number, each, value)) for each, value in row.items())


async def _rows(call: AdminCall, person_id: str) -> AsyncGenerator[tuple[str, str, Row]]:
    """(plugin or store, table or entity, row), each table's rows together."""
    async with call.reading() as session:
        values = await find_subject(session, call.runtime, call.tenant_id, person_id)
        seen: dict[str, list[Place]] = {}
        for place in call.runtime.get(Catalogue).places:
            seen.setdefault(place.name, []).append(place)
        for name, places in seen.items():
            async for row in _held(session, call.tenant_id, places, values):
                yield "plugin", name, row
        links = call.runtime.get(Links)
        for entity, (key, kind) in _MINE.items():
            if values[kind] and _is_read(links, entity, key):
                rows = links.by_ids(entity, call.tenant_id, values[kind], column=key)
                async for row in _streamed(session, select(rows)):
                    yield "store", entity, row


def _is_read(links: Links, entity: str, key: str) -> bool:
    """What the store keeps itself; and lines and refunds, which name nobody, wherever they are."""
    kept_here = entity not in ("order_line", "refund") and not links.linked(entity)
    return links.has(entity) and not kept_here and links.provides(entity, key)


async def _held(session: AsyncSession, tenant_id: str, places: Sequence[Place], values: Values) -> AsyncGenerator[Row]:
    """A table's rows; of documents that name somebody among others, where they are, not what else they say."""
    table = places[0].table
    found = " OR ".join(f"({place.condition()})" for place in places)
    named = f"{names_pattern(values)}|{people_pattern(values)}"
    given: dict[str, Any] = {"tenant": tenant_id, **values, "named": named}
    documents = {each for place in places if place.is_document for each in place.data.columns}
    shown = [each.name for each in table.columns if each.name not in _INNER | documents]
    columns = ", ".join(f'row."{name}"' for name in shown)
    order = ", ".join(f'row."{name}"' for name in places[0].key)
    clause = text(
        f"SELECT {columns} FROM {table.fullname} row WHERE row.tenant_id = :tenant AND ({found}) ORDER BY {order}"  # noqa: S608
    )
    wanted = set(clause._bindparams)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    bound = clause.bindparams(**{name: given[name] for name in wanted})
    async for row in _streamed(session, bound.columns(*(_typed(table, name) for name in shown))):
        yield row


def _typed(table: Table, name: str) -> Any:
    """The column by itself, so that a document comes back as one."""
    return column(name, table.c[name].type)


async def _streamed(session: AsyncSession, statement: Any) -> AsyncGenerator[Row]:
    result = await session.stream(statement.execution_options(yield_per=BATCH))
    async for row in result.mappings():
        yield {str(key): value for key, value in row.items()}
