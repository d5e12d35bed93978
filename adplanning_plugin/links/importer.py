"""Import: rows of a file into the plugin's table of an entity that the host lacks; never into what the host has."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table, Text, bindparam, column, func, literal, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.errors import Conflict
from adplanning_plugin.links.entities import Entity
from adplanning_plugin.links.lines import DataFile, Row
from adplanning_plugin.links.mapping import Mapping, check_mapping, load_mapping
from adplanning_plugin.links.owned import SQL_TYPES
from adplanning_plugin.links.registry import Links
from adplanning_plugin.links.values import BadValue, converter

BATCH = 5_000
Progress = Callable[[int, int], None]
"""Called with (lines read, lines in all) after each batch."""


class ImportReport(msgspec.Struct, kw_only=True):
    """What became of a file's rows: `read` = `loaded` + `already` + the number of bad ones."""

    read: int = 0
    loaded: int = 0
    already: int = 0
    """Rows whose identity was there before: by an earlier import, or earlier in the same file."""
    bad: list[tuple[int, str]] = []
    """(line number, reason) of each row that could not be loaded."""


async def import_file(
    database: Database,
    links: Links,
    tenant_id: str,
    entity: str,
    path: Path | str,
    mapping: Mapping | Path | str,
    *,
    progress: Progress | None = None,
    report: Path | str | None = None,
    batch: int = BATCH,
) -> ImportReport:
    """Load a delimited text file into the plugin's own table of an entity.

    A row is the same row when its mapped id is the same, else when file content and line number are: the import can be
    stopped and run again at any time. Each batch is a transaction of its own.

    Args:
        mapping: a `Mapping`, or the path of its TOML file.
        report: where the bad lines are written as CSV (line, reason); without bad lines no file is written.
    Raises:
        Conflict: the host has the entity; the sentence names its link.
        Invalid: the file or the mapping cannot be used.
    """
    table = _table(links, entity)
    rules = mapping if isinstance(mapping, Mapping) else load_mapping(Path(mapping))
    declared = links.entity(entity)
    check_mapping(rules, declared)
    file = DataFile(Path(path), rules)
    reader = _Reader(declared, rules, file)
    statement = _statement(table, reader.names, tenant_id)
    done = ImportReport()
    for rows in _batches(file, batch):
        done.read += len(rows)
        good = [values for row in rows if (values := reader.read(row, done.bad)) is not None]
        if good:
            arrays = dict(zip((f"v_{name}" for name in reader.names), map(list, zip(*good, strict=True)), strict=True))
            async with database.transaction(tenant_id) as session:
                result: Any = await session.execute(statement, arrays)
            loaded = int(result.rowcount)
            done.loaded += loaded
            done.already += len(good) - loaded
        if progress is not None:
            progress(rows[-1].line, file.lines)
    if progress is not None:
        progress(file.lines, file.lines)
    if report is not None and done.bad:
        _write_report(Path(report), done)
    return done


def _table(links: Links, entity: str) -> Table:
    source = links.source(entity)
    if source.link is not None:
        message = (
            f"{entity} is linked to {source.link.source_name} ({source.link!r}): its rows are the store's own. "
            "adplanning import only fills entities that the store lacks; to import anyway, remove that link."
        )
        raise Conflict(message, code="entity_is_linked")
    if source.owned is None:
        message = f"{entity} is neither linked nor kept by the plugin, so nothing can be imported into it."
        raise Conflict(message, code="entity_is_absent")
    return source.owned


class _Reader:
    """Turns rows into tuples of canonical values, in the order of `names`."""

    def __init__(self, entity: Entity, mapping: Mapping, file: DataFile) -> None:
        self._file = file
        self._has_id = "id" in mapping.columns
        mapped = ["currency", *mapping.columns] if "currency" in mapping.columns else list(mapping.columns)
        self._mapped = list(dict.fromkeys(mapped))
        self.names = ["id", "source_key", *(name for name in self._mapped if name != "id")]
        self._plan = [
            (
                name,
                [file.position(cell) for cell in mapping.columns[name].cells],
                mapping.columns[name],
                converter(entity, entity.columns[name], mapping.columns[name], mapping),
                entity.columns[name].required or name == "id",
            )
            for name in self._mapped
        ]
        self._width = max((position + 1 for _, positions, *_ in self._plan for position in positions), default=0)

    def read(self, row: Row, bad: list[tuple[int, str]]) -> tuple[Any, ...] | None:
        """The row's values, or None and an entry in `bad`."""
        problem = row.problem
        if problem is None and len(row.cells) < self._width:
            problem = f"it has {len(row.cells)} columns, {self._width} are needed"
        if problem is not None:
            bad.append((row.line, problem))
            return None
        found: dict[str, Any] = {}
        problems: list[str] = []
        for name, positions, rule, convert, required in self._plan:
            text = (
                rule.value if rule.value is not None else rule.separator.join(row.cells[at].strip() for at in positions)
            )
            text = text.strip() or rule.default or ""
            if rule.map:
                mapped = rule.map.get(text, rule.otherwise)
                if mapped is None and text:
                    problems.append(f"{name} {text!r} is not in its map")
                    continue
                text = mapped or ""
            if not text:
                if required:
                    problems.append(f"{name} is empty")
                found[name] = None
                continue
            try:
                found[name] = convert(text, found.get("currency"))
            except BadValue as problem:
                problems.append(str(problem))
        if problems:
            bad.append((row.line, "; ".join(problems)))
            return None
        if self._has_id:
            key = found["id"]
            source = f"id:{key}"
        else:
            key = f"{self._file.digest[:20]}-{row.line}"
            source = f"{self._file.digest}:{row.line}"
        return (key, source, *(found[name] for name in self.names[2:]))


def _batches(file: DataFile, size: int) -> Iterator[list[Row]]:
    rows: list[Row] = []
    for row in file.rows():
        rows.append(row)
        if len(rows) >= size:
            yield rows
            rows = []
    if rows:
        yield rows


def _statement(table: Table, names: list[str], tenant_id: str) -> Any:
    """One statement a batch: an array a column, unnested side by side; rows that are there already are left alone."""
    kinds = {name: Text() if isinstance(table.c[name].type, JSONB) else table.c[name].type for name in names}
    arrays = [bindparam(f"v_{name}", type_=ARRAY(kinds[name])) for name in names]
    shape = [column(name, kinds[name]) for name in names]
    rows = func.unnest(*arrays).table_valued(*shape, name="row").render_derived()
    values: list[ColumnElement[Any]] = [
        sql_cast(rows.c[name], SQL_TYPES["json"]) if isinstance(table.c[name].type, JSONB) else rows.c[name]
        for name in names
    ]
    chosen = select(literal(tenant_id, Text()), *values)
    return insert(table).from_select(["tenant_id", *names], chosen, include_defaults=False).on_conflict_do_nothing()


def _write_report(path: Path, done: ImportReport) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "reason"])
        writer.writerows(done.bad)
