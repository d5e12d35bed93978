"""Lines: the rows of a delimited text file with their line numbers, whatever its encoding, delimiter and line ends."""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.links.mapping import DELIMITERS, Mapping

_CHUNK = 1 << 20


class Row(NamedTuple):
    """One row: the number of the line it begins on (from 1), its cells, and what is wrong with it as a whole."""

    line: int
    cells: list[str]
    problem: str | None = None


class DataFile:
    """A delimited text file, read as often as asked; `digest` identifies its content.

    Raises:
        Invalid: there is no such file, or a mapped header is not in it.
    """

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self.path = path
        self._mapping = mapping
        self.digest, self.lines, is_utf8 = _survey(path)
        self.encoding = mapping.encoding or ("utf-8-sig" if is_utf8 else "latin-1")
        if codecs.lookup(self.encoding).name == "utf-8":
            self.encoding = "utf-8-sig"
        self.delimiter = mapping.delimiter or self._shown_delimiter()
        self.header: list[str] | None = None
        if mapping.has_header:
            first = next(self._records(), None)
            self.header = [] if first is None else [cell.strip() for cell in first.cells]

    def rows(self) -> Iterator[Row]:
        """Every row after the header; empty lines are no rows."""
        records = self._records()
        if self.header is None:
            yield from records
            return
        next(records, None)
        width = len(self.header)
        for row in records:
            if row.problem is None and len(row.cells) != width:
                yield Row(row.line, row.cells, f"it has {len(row.cells)} columns, the header has {width}")
            else:
                yield row

    def position(self, cell: int | str) -> int:
        """Where a mapped column stands, from 0."""
        if isinstance(cell, int):
            return cell - 1
        header = self.header or []
        if header.count(cell) != 1:
            found = "several times" if cell in header else "not"
            message = f"{self.path.name} has the column {cell!r} {found} in its header: {', '.join(header)}."
            raise Invalid(FieldError("columns", "unknown_header", message))
        return header.index(cell)

    def _shown_delimiter(self) -> str:
        with self.path.open(encoding=self.encoding, errors="replace", newline=None) as file:
            for _ in range(self._mapping.skip):
                next(file, None)
            first = next((line for line in file if line.strip()), "")
        shown = Counter(character for character in first if character in DELIMITERS.values() and character != " ")
        return shown.most_common(1)[0][0] if shown else " "

    def _records(self) -> Iterator[Row]:
        with self.path.open(encoding=self.encoding, errors="surrogateescape", newline="") as file:
            for _ in range(self._mapping.skip):
                next(file, None)
            if self.delimiter == " ":
                for number, line in enumerate(file, self._mapping.skip + 1):
                    cells = line.split()
                    if cells:
                        yield _checked(number, cells)
                return
            reader = csv.reader(file, delimiter=self.delimiter)
            while True:
                number = self._mapping.skip + reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as problem:
                    yield Row(number, [], f"it is no valid CSV: {problem}")
                    continue
                if any(cell.strip() for cell in cells):
                    yield _checked(number, cells)


def _checked(number: int, cells: list[str]) -> Row:
    text = "".join(cells)
    if "\x00" in text:
        return Row(number, cells, "it contains a NUL character")
    if not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text):
        return Row(number, cells, "it contains bytes that are not in the file's encoding")
    return Row(number, cells)


def _survey(path: Path) -> tuple[str, int, bool]:
    """SHA-256 of the content, the number of lines, and whether it is valid UTF-8; one pass, in pieces."""
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, is_utf8, last = 0, True, b"\n"
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                lines += chunk.count(b"\n")
                last = chunk[-1:]
                if is_utf8:
                    try:
                        decoder.decode(chunk)
                    except UnicodeDecodeError:
                        is_utf8 = False
    except OSError as problem:
        raise Invalid(FieldError("path", "unreadable", f"{path} cannot be read: {problem.strerror}.")) from problem
    if is_utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            is_utf8 = False
    return digest.hexdigest(), lines + (last != b"\n"), is_utf8
