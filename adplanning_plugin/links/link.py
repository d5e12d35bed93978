"""Link: a host's declaration of where a canonical entity lies in its own tables, checked the moment it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, NoReturn, cast

from sqlalchemy import Column, ColumnElement, FromClause, Select, Table, inspect, select
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.selectable import CompoundSelect, SelectBase, Subquery
from sqlalchemy.sql.util import ClauseAdapter
from sqlalchemy.sql.visitors import ExternallyTraversible

from adplanning_plugin.kernel.days import zone as check_zone
from adplanning_plugin.kernel.errors import ConfigurationError, Invalid
from adplanning_plugin.links.conversion import Unfit, canonical
from adplanning_plugin.links.entities import ENTITIES, Entity

Unit = Literal["major", "minor"]


@dataclass(frozen=True, slots=True)
class Money:
    """A money column together with its unit: `Money(Purchase.total, unit="major")` for 49.90, "minor" for 4990."""

    column: Any
    unit: Unit

    def __post_init__(self) -> None:
        if self.unit not in ("major", "minor"):
            message = f'Money(..., unit={self.unit!r}): the unit is "major" (49.90) or "minor" (4990).'
            raise ConfigurationError(message)


class Link:
    """Where one canonical entity lies in the host's tables.

    Args:
        entity: the name of a built-in entity (`docs/links.md` lists them), or an `Entity` of a plugin.
        source: a Table, a mapped class, a join, or a Select over the host's tables.
        columns: canonical name → column, expression or column name of the source; a constant is `literal(...)`.
        where: conditions that every row fulfils.
        tenant: the column or expression that says whose row it is; needed where the host has tenants.
        money: the unit of money columns that are not wrapped in `Money`.
        zone: the IANA zone of host columns that are timestamps without a time zone.
        writeback: canonical name → column of the host's table that receives what the plugin computes.

    Raises:
        ConfigurationError: the declaration cannot work; the sentence says what to write instead.
    """

    def __init__(
        self,
        *,
        entity: str | Entity,
        source: Any,
        columns: Mapping[str, Any],
        where: Sequence[ColumnElement[bool]] = (),
        tenant: Any = None,
        money: Unit | None = None,
        zone: str | None = None,
        writeback: Mapping[str, Any] | None = None,
    ) -> None:
        self.entity = _entity(entity)
        self.where = tuple(where)
        self.zone = self._zone(zone)
        if money not in (None, "major", "minor"):
            self.fail(f'money={money!r} is no unit: write money="major" (49.90) or money="minor" (4990).')
        self.base, self._adapter = self._read_source(source)
        self._froms = frozenset(_tables(self.base))
        self._check_names(columns, "columns", [*self.entity.columns])
        self._check_names(writeback or {}, "writeback", [*self.entity.writeback])
        missing = [name for name in self.entity.required if name not in columns]
        if missing:
            shown = ", ".join(f'"{name}": …' for name in missing)
            self.fail(f"required columns are missing: add {shown} to columns (a constant is literal(...)).")
        given = {name: value for name, value in columns.items() if value is not None}
        units: dict[str, Unit] = {name: value.unit for name, value in given.items() if isinstance(value, Money)}
        self.raw: dict[str, ColumnElement[Any]] = {
            name: self._resolve(value.column if isinstance(value, Money) else value, name)
            for name, value in given.items()
        }
        self.tenant = None if tenant is None else self._resolve(tenant, "tenant")
        self.writeback: dict[str, Column[Any]] = {
            name: self._writeback(name, value) for name, value in (writeback or {}).items()
        }
        for name, target in self.writeback.items():
            self.raw.setdefault(name, target)
        for name in self.raw:
            self._check_money(name, units, money, given)
        currency = self.raw.get("currency")
        self.columns: dict[str, ColumnElement[Any]] = {}
        for name, expression in self.raw.items():
            try:
                self.columns[name] = canonical(
                    self.entity.columns[name],
                    expression,
                    unit=units.get(name, money),
                    currency=currency,
                    zone=self.zone,
                )
            except Unfit as problem:
                self.fail(str(problem))

    def __repr__(self) -> str:
        return f"Link(entity={self.entity.name!r}, source={self.source_name})"

    @property
    def source_name(self) -> str:
        """The host tables behind the link, for people."""
        return ", ".join(sorted({table.fullname for table in self.tables})) or "a select"

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every host table that the link reads, inside selects too."""
        found: dict[str, Table] = {}
        for part in self.parts():
            if isinstance(part, Table):
                table = cast("Table", part)
                found.setdefault(table.fullname, table)
        return tuple(found.values())

    def parts(self) -> Iterator[Any]:
        """Everything the link's SQL is made of: tables, columns and expressions, those of inner selects too."""
        joined = self.base.get_final_froms()
        written = self.writeback.values()
        tenant = () if self.tenant is None else (self.tenant,)
        for element in (self.base, *joined, *self.raw.values(), *self.where, *tenant, *written):
            yield from _walk(element, into_selects=True)

    def fail(self, problem: str) -> NoReturn:
        """Refuse the declaration, naming it."""
        message = f"Link for {self.entity.name!r}: {problem}"
        raise ConfigurationError(message)

    def _zone(self, zone: str | None) -> str | None:
        if zone is not None:
            try:
                check_zone(zone)
            except Invalid:
                self.fail(f"zone={zone!r} is no IANA zone: write one such as Asia/Kolkata or UTC.")
        return zone

    def _read_source(self, source: Any) -> tuple[Select[Any], ClauseAdapter | None]:
        if isinstance(source, CompoundSelect) or (
            isinstance(source, Select) and _is_closed(cast("Select[Any]", source))
        ):
            closed: Subquery = cast("SelectBase", source).subquery()
            return select().select_from(closed), ClauseAdapter(closed)
        if isinstance(source, Select):
            return cast("Select[Any]", source), None
        if isinstance(source, FromClause):
            return select().select_from(cast("FromClause", source)), None
        try:
            mapper: Any = inspect(source)
            return select().select_from(mapper.selectable), None
        except (NoInspectionAvailable, AttributeError):
            self.fail(
                f"source is a {type(source).__name__}: write a Table, a mapped class, a join, or select(...) over them."
            )

    def _check_names(self, given: Mapping[str, Any], where: str, known: list[str]) -> None:
        for name in given:
            if name in known:
                continue
            if where == "writeback" and not known:
                self.fail(f"writeback[{name!r}]: nothing is written back to {self.entity.name}; leave writeback out.")
            close = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f" Did you mean {close[0]!r}?" if close else f" Known: {', '.join(known)}."
            self.fail(f"{where}[{name!r}] is no {'written-back ' if where == 'writeback' else ''}column of it.{hint}")

    def _resolve(self, value: Any, name: str) -> ColumnElement[Any]:
        if isinstance(value, str):
            return self._by_name(value, name)
        element = value.__clause_element__() if hasattr(value, "__clause_element__") else value
        if isinstance(element, SelectBase):
            element = cast("Select[Any]", element).scalar_subquery()
        if not isinstance(element, ColumnElement):
            hint = f"for a constant write literal({value!r})" if isinstance(value, int | float) else "write a column"
            self.fail(f"{name} is a {type(value).__name__}: {hint}.")
        expression = cast("ColumnElement[Any]", element)
        if self._adapter is not None:
            expression = self._adapter.traverse(expression)
        for part in _walk(expression):
            table = getattr(part, "table", None)
            if isinstance(part, ColumnClause) and table is not None and table not in self._froms:
                there = ", ".join(sorted(str(getattr(each, "fullname", None) or each) for each in self._froms))
                self.fail(
                    f"{name} uses {getattr(table, 'name', table)}.{part.name}, but the source is {there}: "
                    "make the source a select(...) that joins both tables."
                )
        return expression

    def _by_name(self, text: str, name: str) -> ColumnElement[Any]:
        selected = {str(element.key): element for element in self.base.selected_columns}
        if text in selected:
            return selected[text]
        found = [column for table in _tables(self.base) for column in table.c if text in (column.name, column.key)]
        if len(found) > 1:
            homes = " and ".join(str(getattr(column.table, "name", column.table)) for column in found)
            self.fail(f'{name}="{text}" names a column of {homes}: write the column itself.')
        if not found:
            known = sorted({*selected, *(str(column.name) for table in _tables(self.base) for column in table.c)})
            close = get_close_matches(text, known, n=1, cutoff=0.5)
            hint = f" Did you mean {close[0]!r}?" if close else f" Its columns: {', '.join(known)}."
            self.fail(f'{name}="{text}" names no column of the source.{hint} (A constant is literal("{text}").)')
        return found[0]

    def _writeback(self, name: str, value: Any) -> Column[Any]:
        target: Any = self._resolve(value, f"writeback[{name!r}]")
        key: Any = self.raw.get("id")
        if not (isinstance(target, Column) and isinstance(cast("Any", target).table, Table)):
            self.fail(f"writeback[{name!r}] must be a plain column of a host table, since it is written to.")
        table: Any = target.table
        if not isinstance(key, Column) or key.table != table:
            self.fail(f"writeback[{name!r}] needs id to be a plain column of {table.name}, to find the row.")
        return cast("Column[Any]", target)

    def _check_money(
        self, name: str, units: Mapping[str, Unit], default: Unit | None, given: Mapping[str, Any]
    ) -> None:
        if self.entity.columns[name].type != "money":
            if name in units:
                self.fail(f"{name} is no money column: write the column without Money(...).")
            return
        unit = units.get(name, default)
        if unit is None:
            self.fail(f'{name} is money without a unit: write Money(column, unit="major"|"minor"), or money=… for all.')
        if unit == "major" and "currency" not in given:
            self.fail(
                f'{name} is in major units, so say in which currency: add "currency": a column or literal("EUR").'
            )


def _entity(entity: str | Entity) -> Entity:
    if isinstance(entity, Entity):
        return entity
    if entity in ENTITIES:
        return ENTITIES[entity]
    close = get_close_matches(entity, ENTITIES, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else f" Known: {', '.join(ENTITIES)}."
    message = f"Link(entity={entity!r}): there is no such entity.{hint}"
    raise ConfigurationError(message)


def _is_closed(source: Select[Any]) -> bool:
    """Whether adding columns to the select would change its rows; such a select is read as a table."""
    parts: Any = source
    return bool(
        getattr(parts, "_distinct", False)
        or getattr(parts, "_group_by_clauses", ())
        or getattr(parts, "_having_criteria", ())
        or getattr(parts, "_limit_clause", None) is not None
        or getattr(parts, "_offset_clause", None) is not None
    )


def _tables(base: Select[Any]) -> Iterator[FromClause]:
    for each in base.get_final_froms():
        stack: list[Any] = [each]
        while stack:
            part = stack.pop()
            if part.__visit_name__ == "join":
                stack += [part.right, part.left]
            else:
                yield part


def _walk(element: ExternallyTraversible, *, into_selects: bool = False) -> Iterator[Any]:
    """The parts of an expression; those of an inner select are its own affair unless asked for."""
    yield element
    if isinstance(element, SelectBase) and not into_selects:
        return
    for child in element.get_children():
        yield from _walk(child, into_selects=into_selects)
