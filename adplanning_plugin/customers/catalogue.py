"""Catalogue: every place at which personal data lies, from all plugins' registrations, as SQL that finds one person."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy import Column, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from adplanning_plugin.customers.subject import KINDS
from adplanning_plugin.hookspecs import PersonalData
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.models import Base
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.work import registered

ERASE = ("delete", "pseudonymise", "keep")
LEAST_TELLING = 8
"""Letters of an id from which on it is looked for by itself; a shorter one, or a number, may be an order's as well."""


@dataclass(frozen=True, slots=True)
class Place:
    """One registration, with the table that it speaks of."""

    data: PersonalData
    table: Table
    owner: str
    by_column: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Column → the kinds by which it finds a person's rows."""

    @property
    def name(self) -> str:
        """The table without its schema, as receipts and exports call it."""
        return self.table.name

    @property
    def key(self) -> list[str]:
        """The primary key, without the tenant."""
        return [column.name for column in self.table.primary_key.columns if column.name != "tenant_id"]

    @property
    def is_document(self) -> bool:
        """Whether rows are only cleaned of names, and never a person's as a whole."""
        return any(kind == "named" for _, kind in self.data.found_by)

    def condition(self) -> str:
        """SQL over `row`; each kind is a parameter of that name, an array of text (`named`: a regular expression)."""
        return " OR ".join(self.matches(column, kind) for column, kind in self.data.found_by)

    def matches(self, column: str, kind: str) -> str:
        """SQL: the column of a row holds one of the person's ids of that kind."""
        value = f'row."{column}"' if column in self.table.c else f"({column})"
        if kind == "named":
            return f"CAST({value} AS text) ~ :named"
        if kind == "email":
            value = f"lower(btrim({value}))"
        return f"{value} = ANY(CAST(:{kind} AS text[]))"

    def is_unique(self, column: str) -> bool:
        """Whether the column is part of a key, so that two rows must not come to hold the same."""
        table = self.table
        unique = [each.columns for each in table.constraints if isinstance(each, UniqueConstraint)]
        unique += [each.columns for each in table.indexes if each.unique]
        return any(column in columns for columns in (table.primary_key.columns, *unique))

    def is_json(self, column: str) -> bool:
        """Whether the column is a JSON document."""
        return isinstance(self.table.c[column].type, JSONB)


class Catalogue:
    """The places, in the order of their registration; put into the runtime at start-up."""

    def __init__(self, places: Sequence[Place]) -> None:
        self.places = tuple(places)

    @classmethod
    def collect(cls, runtime: Runtime) -> Catalogue:
        """Ask every plugin.

        Raises:
            ConfigurationError: a registration names a table, a column or a kind that does not exist.
        """
        tables = {table.fullname: table for table in Base.metadata.tables.values()}
        for _, table in registered(runtime, "register_models"):
            tables[cast("Table", table).fullname] = table
        return cls([_place(owner, data, tables) for owner, data in registered(runtime, "register_personal_data")])


def _place(owner: str, data: PersonalData, tables: Mapping[str, Table]) -> Place:
    for problem in _problems(data, tables):
        raise ConfigurationError(f"register_personal_data of {owner}: {problem}")
    by_column: dict[str, frozenset[str]] = {}
    for column, kind in data.found_by:
        by_column[column] = by_column.get(column, frozenset()) | {kind}
    return Place(data, tables[data.table], owner, by_column)


def _problems(data: PersonalData, tables: Mapping[str, Table]) -> Iterator[str]:
    table = tables.get(data.table)
    if table is None:
        yield f"there is no table {data.table!r}: name one of register_models, with its schema."
        return
    for column in data.columns:
        if column not in table.c:
            yield f"{data.table} has no column {column!r}: correct its columns."
    if data.erase not in ERASE:
        yield f"{data.table} says erase={data.erase!r}: write one of {', '.join(ERASE)}."
    if not data.found_by:
        yield f"{data.table} says not how a person's rows are found: write found_by=((column, kind), …)."
    for column, kind in data.found_by:
        if kind not in KINDS:
            yield f"{data.table} is found by {kind!r}: write one of {', '.join(KINDS)}."
        if column.isidentifier() and column not in table.c:
            yield f"{data.table} has no column {column!r}: correct its found_by."
    if data.unless and data.erase != "delete":
        yield f"{data.table} has an `unless`, which goes with erase='delete' alone."


def empty_of(column: Column[object]) -> str:
    """SQL of the value that says nothing."""
    if column.nullable:
        return "NULL"
    return "'{}'::jsonb" if isinstance(column.type, JSONB) else ":pseudonym"


def names_pattern(values: Mapping[str, Sequence[str]]) -> str:
    """A regular expression of PostgreSQL for the person's ids inside a text or a JSON document.

    A short id, or a number, may be an order's as well: it counts only where the document says that it is a person's.
    """
    person_ids = values["person"]
    whole = [each for kind in ("identifier", "email") for each in values[kind]]
    ids = [each for kind in ("person", "visitor", "session") for each in values[kind]]
    whole += [each for each in ids if len(each) >= LEAST_TELLING and not each.isdigit()]
    parts = [rf"(?<![\w@.-])(?:{'|'.join(map(_literal, sorted(set(whole), key=len, reverse=True)))})(?![\w@-])"]
    for each in map(_literal, person_ids):
        parts.append(rf'(?<="person_id": "){each}(?=")')
        parts.append(rf"(?<=/(?:people|person|customers)/){each}(?![\w-])")
    return "|".join(parts)


def people_pattern(values: Mapping[str, Sequence[str]]) -> str:
    """One for the person's id in a document's list of people; what stands before and after it are its groups."""
    ids = "|".join(map(_literal, values["person"]))
    return rf'("(?:people|person_ids)": \[[^]]*?")(?:{ids})(")'


def _literal(value: str) -> str:
    return re.sub(r"([^\w])", r"\\\1", value)
