"""Erasing: what is done to one person's rows in one place of the catalogue. It decides nothing, and may be repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.customers.catalogue import Place, empty_of, names_pattern, people_pattern

AT_ONCE = 20_000
"""Rows of a working table that one statement looks through for names."""
Counts = dict[str, int]


async def erase_in(
    session: AsyncSession, tenant_id: str, place: Place, values: Mapping[str, Sequence[str]], pseudonym: str
) -> Counts:
    """Do to the person's rows what the place says: how many were deleted, pseudonymised, cleaned of names or kept."""
    given: dict[str, Any] = {"tenant": tenant_id, **values, "pseudonym": pseudonym}
    if place.is_document:
        return {"cleaned": await _clean(session, place, given, values)}
    mine = f"row.tenant_id = :tenant AND ({place.condition()})"
    table, erase, unless = place.table.fullname, place.data.erase, place.data.unless
    if erase == "keep":
        counted = await session.execute(_said(f"SELECT count(*) FROM {table} row WHERE {mine}", given))  # noqa: S608
        return {"kept": counted.scalar_one()}
    if erase == "pseudonymise":
        return {"pseudonymised": await _pseudonymise(session, place, mine, given)}
    counts = Counter[str]()
    if unless:
        counts["pseudonymised"] = await _pseudonymise(session, place, f"{mine} AND ({unless})", given)
    # What was pseudonymised is found by none of the person's ids any more.
    deleted = await session.execute(_said(f"DELETE FROM {table} row WHERE {mine}", given))  # noqa: S608
    counts["deleted"] = cast("CursorResult[Any]", deleted).rowcount
    return dict(counts)


async def _pseudonymise(session: AsyncSession, place: Place, mine: str, given: dict[str, Any]) -> int:
    changes = {column: _without(place, column) for column in place.data.columns}
    setting = ", ".join(f'"{column}" = {value}' for column, value in changes.items())
    differs = " OR ".join(f'row."{column}" IS DISTINCT FROM {value}' for column, value in changes.items())
    statement = f"UPDATE {place.table.fullname} row SET {setting} WHERE {mine} AND ({differs})"  # noqa: S608
    return cast("CursorResult[Any]", await session.execute(_said(statement, given))).rowcount


def _without(place: Place, column: str) -> str:
    """SQL of what a column holds afterwards.

    An id of the person's gives way to the pseudonym or to nothing; an id in it that is not the person's stays. Who
    was known by their id alone is known by the pseudonym's address, so that what is one person's stays together.
    """
    kinds = place.by_column.get(column, frozenset[str]())
    empty, value = empty_of(place.table.c[column]), f'row."{column}"'
    if not kinds:
        return empty
    mine = " OR ".join(place.matches(column, kind) for kind in sorted(kinds))
    if "visitor" in kinds:
        return f"CASE WHEN {mine}{_or_by(place, value, 'session')} THEN :pseudonym ELSE {value} END"
    if "identifier" in kinds:
        return f"CASE WHEN {mine}{_or_by(place, value, 'person')} THEN 'email:' || :pseudonym ELSE {value} END"
    if "email" in kinds:
        # On a row that names the person their address goes too, whoever else has it.
        named = [place.matches(each, "person") for each, has in place.by_column.items() if "person" in has]
        mine = " OR ".join((mine, *named))
    return f"CASE WHEN {mine} THEN {empty} ELSE {value} END"


def _or_by(place: Place, value: str, kind: str) -> str:
    """SQL: … or the column says nothing, while another column names the person."""
    others = [place.matches(column, kind) for column, kinds in place.by_column.items() if kind in kinds]
    return f" OR ({value} IS NULL AND ({' OR '.join(others)}))" if others else ""


async def _clean(
    session: AsyncSession, place: Place, given: dict[str, Any], values: Mapping[str, Sequence[str]]
) -> int:
    """Replace the person's names in documents, part by part of the table: such a table may be long."""
    key = ", ".join(f'row."{column}"' for column in place.key)
    table, columns = place.table.fullname, place.data.columns
    pattern, people = names_pattern(values), people_pattern(values)
    given = {**given, "named": f"{pattern}|{people}", "ids": pattern, "people": people}
    found = " OR ".join(f'CAST(row."{column}" AS text) ~ :named' for column in columns)
    setting = ", ".join(f'"{column}" = {_cleaned(place, column)}' for column in columns)
    changed, after = 0, cast("Sequence[Any] | None", None)
    while True:
        behind = f"({key}) > ({_marks('a', place.key)})" if after is not None else "true"
        edge = f"SELECT {key} FROM {table} row WHERE row.tenant_id = :tenant AND {behind} ORDER BY {key}"  # noqa: S608
        last = await session.execute(
            _said(f"{edge} LIMIT 1 OFFSET {AT_ONCE - 1}", {**given, **_bound("a", place.key, after)})
        )
        until = last.one_or_none()
        within = f"{behind} AND ({key}) <= ({_marks('z', place.key)})" if until is not None else behind
        statement = f"UPDATE {table} row SET {setting} WHERE row.tenant_id = :tenant AND {within} AND ({found})"  # noqa: S608
        bound = {**given, **_bound("a", place.key, after), **_bound("z", place.key, until)}
        changed += cast("CursorResult[Any]", await session.execute(_said(statement, bound))).rowcount
        if until is None:
            return changed
        after = until


def _cleaned(place: Place, column: str) -> str:
    cleaned = f"""regexp_replace(regexp_replace(CAST(row."{column}" AS text), :ids, :pseudonym, 'g'),
        :people, '\\1' || :pseudonym || '\\2', 'g')"""
    if place.is_json(column):
        return f"CAST({cleaned} AS jsonb)"
    if not place.is_unique(column):
        return cleaned
    apart = f"{cleaned} || ':' || substr(md5(random()::text), 1, 12)"
    return f'CASE WHEN CAST(row."{column}" AS text) ~ :named THEN {apart} ELSE row."{column}" END'


def _marks(prefix: str, key: Sequence[str]) -> str:
    return ", ".join(f":{prefix}{number}" for number in range(len(key)))


def _bound(prefix: str, key: Sequence[str], row: Sequence[Any] | None) -> dict[str, Any]:
    return {} if row is None else {f"{prefix}{number}": row[number] for number in range(len(key))}


def _said(statement: str, given: Mapping[str, Any]) -> Any:
    """The statement with those of the values that it names; a name has no colon before it, nor a word behind."""
    clause = text(statement.replace(":pseudonym", "CAST(:pseudonym AS text)"))
    names = set(clause._bindparams)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return clause.bindparams(**{name: given[name] for name in names})
