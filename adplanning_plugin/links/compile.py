"""Compilation: a link or an owned table as a subquery of canonical columns with the tenant predicate inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    false,
    func,
    null,
    or_,
    select,
)

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.links.conversion import beyond, equals_text, plain
from adplanning_plugin.links.entities import Entity, EntityColumn
from adplanning_plugin.links.link import Link
from adplanning_plugin.links.owned import EXTENSIONS, OWNED, SQL_TYPES


def missing(column: EntityColumn) -> ColumnElement[Any]:
    """A typed NULL."""
    return cast(null(), SQL_TYPES[column.type])


def _is_tenant(column: ColumnElement[Any], tenant_id: str) -> ColumnElement[bool]:
    return column == bindparam("tenant", tenant_id, Text(), unique=True)


class Source:
    """One entity as it can be read: from the host's tables, from the plugin's own, or from nowhere."""

    def __init__(self, entity: Entity, link: Link | None) -> None:
        self.entity = entity
        self.link = link
        owned = OWNED.get(entity.name) if link is None else None
        self.owned: Table | None = owned
        self.extension: Table | None = None
        self._raw: dict[str, ColumnElement[Any]] = {}
        self._exact: dict[str, ColumnElement[Any]] = {}
        self._tenant: ColumnElement[Any] | None = None
        if link is not None:
            self._raw, self._exact, self._tenant = link.raw, link.columns, link.tenant
            self._base = link.base.where(*link.where)
            if any(name not in link.writeback for name in entity.writeback):
                self.extension = EXTENSIONS.get(entity.name)
        elif owned is not None:
            self._raw = self._exact = {name: owned.c[name] for name in entity.columns}
            self._tenant = owned.c.tenant_id
            self._base = select().select_from(owned)
        else:
            self._base = select().where(false())
        columns = [self._exact.get(name, missing(column)).label(name) for name, column in entity.columns.items()]
        self._select: Select[Any] = self._base.with_only_columns(*columns, maintain_column_froms=True)

    def provides(self, column: str) -> bool:
        """Whether the column may hold a value."""
        if column in self._exact:
            return True
        return self.extension is not None and column in self.entity.writeback

    def written_to(self, column: str) -> str:
        """Where a written-back column is kept, for people."""
        if self.link is not None and column in self.link.writeback:
            target = self.link.writeback[column]
            return f"{target.table.fullname}.{target.name}"
        kept = self.owned if self.owned is not None else self.extension
        return f"{kept.fullname}.{column}" if kept is not None else ""

    def subquery(self, tenant_id: str | None, *conditions: ColumnElement[bool]) -> Subquery:
        """Canonical columns of one tenant's rows (of every tenant's, for None: only what looks at no row asks that)."""
        chosen = self._select
        if self._tenant is not None and tenant_id is not None:
            chosen = chosen.where(equals_text(self._tenant, [tenant_id]))
        rows = chosen.where(*conditions).subquery()
        if self.extension is None or tenant_id is None:
            return rows
        return self._extended(rows, self.extension, tenant_id)

    def _extended(self, rows: Subquery, extension: Table, tenant_id: str) -> Subquery:
        """The rows with what the plugin wrote for the host; the planner drops the join where nobody reads it."""
        beside = extension.alias()
        held = {
            name: func.coalesce(beside.c[name], rows.c[name]).label(name) if name in self._exact else beside.c[name]
            for name in self.entity.writeback
            if self.link is None or name not in self.link.writeback
        }
        on = and_(_is_tenant(beside.c.tenant_id, tenant_id), beside.c.id == rows.c.id)
        columns = [held.get(name, rows.c[name]) for name in self.entity.columns]
        return select(*columns).select_from(rows.outerjoin(beside, on)).subquery()

    def matching(self, column: str, values: Sequence[str]) -> ColumnElement[bool]:
        """Condition: the canonical text column is one of the values; uses the host's index."""
        self._check(column)
        if column not in self._raw:
            return false()
        return equals_text(self._raw[column], values)

    def after(self, columns: Sequence[str], bound: Any, *, inclusive: bool) -> ColumnElement[bool]:
        """Condition: the first of the columns that is not null lies after the bound; uses the host's indexes."""
        zone = self.link.zone if self.link is not None else None
        arms: list[ColumnElement[bool]] = []
        passed: list[ColumnElement[bool]] = []
        for name in columns:
            self._check(name)
            if name not in self._raw:
                continue
            raw = self._raw[name]
            later = beyond(self.entity.columns[name], raw, self._exact[name], bound, inclusive=inclusive, zone=zone)
            arms.append(and_(*passed, later))
            if isinstance(raw, Column) and not raw.nullable:
                break
            passed.append(raw.is_(None))
        return or_(*arms) if arms else false()

    def unfit_money(self, sample: int) -> dict[str, Select[Any]]:
        """By money column that could hold what is no amount: ids (five at most) of rows in which it does."""
        found: dict[str, Select[Any]] = {}
        for name, column in self.entity.columns.items():
            raw = self._raw.get(name)
            if column.type != "money" or self.link is None or raw is None or isinstance(plain(raw.type), Integer):
                continue
            columns = (self._exact["id"].label("id"), raw.label("raw"), self._exact[name].label("fit"))
            rows = self._base.with_only_columns(*columns, maintain_column_froms=True).limit(sample).subquery()
            found[name] = select(rows.c.id).where(rows.c.raw.is_not(None), rows.c.fit.is_(None)).limit(5)
        return found

    @property
    def confined(self) -> bool:
        """Whether the source is more than one whole table, so that a write has to look which rows are its own."""
        froms = self._base.get_final_froms()
        return len(froms) != 1 or not isinstance(froms[0], Table) or self._base.whereclause is not None

    def host_rows(self, tenant_id: str, column: ColumnElement[Any]) -> Select[Any]:
        """One host column of the link's rows of a tenant, for a write to be confined to."""
        rows = self._base.with_only_columns(column, maintain_column_froms=True)
        return rows if self._tenant is None else rows.where(equals_text(self._tenant, [tenant_id]))

    def _check(self, column: str) -> None:
        if column not in self.entity.columns:
            message = f"{self.entity.name} has no column {column!r}; it has {', '.join(self.entity.columns)}."
            raise ConfigurationError(message)
