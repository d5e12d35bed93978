"""Mapping: the TOML file that says which column of a data file is which canonical column, and in what form."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import msgspec

from adplanning_plugin.kernel.days import zone as check_zone
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.money import check_currency
from adplanning_plugin.links.entities import Entity

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "whitespace": " "}


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one canonical column comes from: a column of the file, several joined, or a constant."""

    column: int | str | None = None
    """A header's name, or a position counted from 1."""
    columns: tuple[int | str, ...] = ()
    separator: str = " "
    value: str | None = None
    """A constant."""
    format: str | None = None
    """strptime format of a date or time, such as `%Y%m%d`."""
    zone: str | None = None
    unit: Literal["major", "minor"] | None = None
    map: dict[str, str] = {}
    """The file's words → canonical ones; other words are bad, unless `otherwise` says what they mean."""
    otherwise: str | None = None
    default: str | None = None
    """What an empty cell means."""

    @property
    def cells(self) -> tuple[int | str, ...]:
        """The columns of the file that it reads."""
        return self.columns or (() if self.column is None else (self.column,))


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """How to read one file as one entity."""

    columns: dict[str, Rule]
    entity: str | None = None
    encoding: str | None = None
    """Python's name of the encoding; without it UTF-8, and latin-1 where the file is not valid UTF-8."""
    delimiter: str | None = None
    """comma, semicolon, tab, pipe, whitespace or a character; without it, the one that the first line shows."""
    header: bool | None = None
    """Whether the first line names the columns; without it, whether the mapping uses names."""
    skip: int = 0
    """Lines before the header or the first row."""
    zone: str | None = None
    unit: Literal["major", "minor"] | None = None
    decimal: Literal[".", ","] = "."

    @property
    def has_header(self) -> bool:
        """Whether the first line names the columns."""
        if self.header is not None:
            return self.header
        return any(isinstance(cell, str) for rule in self.columns.values() for cell in rule.cells)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    columns: dict[str, int | str | dict[str, Any]]
    entity: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    skip: int = 0
    currency: str | None = None
    zone: str | None = None
    unit: Literal["major", "minor"] | None = None
    decimal: Literal[".", ","] = "."


def load_mapping(path: Path) -> Mapping:
    """The mapping in a TOML file.

    Raises:
        Invalid: it is no TOML, or a setting is unknown or of the wrong type.
    """
    try:
        return parse_mapping(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as problem:
        raise _invalid("mapping", f"The mapping file {path.name} is not UTF-8 text.") from problem


def parse_mapping(text: str) -> Mapping:
    """The mapping in TOML text; see `load_mapping`."""
    try:
        given = msgspec.convert(tomllib.loads(text), _File)
        rules = {name: _rule(name, rule) for name, rule in given.columns.items()}
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as problem:
        raise _invalid("mapping", f"The mapping file cannot be used: {problem}.") from problem
    if given.currency is not None:
        rules.setdefault("currency", Rule(value=check_currency(given.currency)))
    if given.delimiter is not None and given.delimiter not in DELIMITERS and len(given.delimiter) != 1:
        raise _invalid("delimiter", f"delimiter must be {', '.join(DELIMITERS)} or one character.")
    if given.encoding is not None:
        try:
            "".encode(given.encoding)
        except LookupError as problem:
            raise _invalid("encoding", f"encoding {given.encoding!r} is unknown; write utf-8 or latin-1.") from problem
    return Mapping(
        columns=rules,
        entity=given.entity,
        encoding=given.encoding,
        delimiter=DELIMITERS.get(given.delimiter or "", given.delimiter),
        header=given.header,
        skip=given.skip,
        zone=given.zone and str(check_zone(given.zone)),
        unit=given.unit,
        decimal=given.decimal,
    )


def _rule(name: str, given: int | str | dict[str, Any]) -> Rule:
    if not isinstance(given, dict):
        given = {"column": given}
    value: Any = given.get("value")
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, date | datetime | time):
        value = value.isoformat()
    elif value is not None:
        value = str(value)
    try:
        rule = msgspec.convert({**given, "value": value}, Rule)
    except msgspec.ValidationError as problem:
        raise _invalid(f"columns.{name}", f"columns.{name} cannot be used: {problem}.") from problem
    if sum((rule.column is not None, bool(rule.columns), rule.value is not None)) != 1:
        raise _invalid(f"columns.{name}", f"columns.{name} needs exactly one of column, columns and value.")
    if any(isinstance(cell, int) and cell < 1 for cell in rule.cells):
        raise _invalid(f"columns.{name}", f"columns.{name}: positions are counted from 1.")
    if rule.zone is not None:
        check_zone(rule.zone)
    return rule


def check_mapping(mapping: Mapping, entity: Entity) -> None:
    """Refuse a mapping that cannot produce rows of the entity.

    Raises:
        Invalid: with one error for each thing that is wrong.
    """
    problems: list[FieldError] = []
    if mapping.entity is not None and mapping.entity != entity.name:
        problems.append(
            FieldError("entity", "mismatch", f"The mapping is for {mapping.entity}, not for {entity.name}.")
        )
    for name, rule in mapping.columns.items():
        column = entity.columns.get(name)
        if column is None:
            close = get_close_matches(name, entity.columns, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(entity.columns)}."
            problems.append(
                FieldError(f"columns.{name}", "unknown_column", f"{entity.name} has no column {name}: {hint}")
            )
        elif column.type == "money" and (rule.unit or mapping.unit) is None:
            problem = f'{name} is money: say unit = "major" (49.90) or unit = "minor" (4990), for it or for the file.'
            problems.append(FieldError(f"columns.{name}", "no_unit", problem))
        elif column.type == "money" and "currency" not in mapping.columns:
            problem = f'{name} is money: say currency = "EUR" for the file, or map the column currency.'
            problems.append(FieldError(f"columns.{name}", "no_currency", problem))
    for name in entity.required:
        if name not in mapping.columns and name != "id":
            problem = f"{entity.name}.{name} is required: map it to a column, or give a constant."
            problems.append(FieldError(f"columns.{name}", "required", problem))
    if problems:
        raise Invalid(*problems)


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(FieldError(field, "invalid_mapping", message))
