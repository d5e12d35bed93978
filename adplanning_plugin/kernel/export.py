"""Export: a list as JSON envelope, or every filtered row as CSV, streamed, that no spreadsheet runs as a formula."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

import msgspec
from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send

from adplanning_plugin.kernel.call import AdminCall
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import Unavailable
from adplanning_plugin.kernel.paging import Page, wants_csv

Encode = Callable[[Any], "msgspec.Struct | Mapping[str, Any]"]
BATCH = 1_000
MAX_EXPORTS = 2
"""Exports at a time in one process: each holds a connection for as long as its reader takes."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def list_response(
    call: AdminCall, name: str, page: Page, encode: Encode, *, columns: Sequence[str] | None = None
) -> Response[Any]:
    """`{name: [...], count, offset, limit}`, or every filtered row as CSV where the caller asked for text/csv.

    Args:
        encode: a row as the struct or mapping of the answer.
        columns: the CSV's columns; without them, the keys of the first row. A nested value is written as JSON.
    """
    if page.csv:
        return csv_response(call, name, page, encode, columns)
    body: dict[str, Any] = {name: [encode(row) for row in page.items]}
    if page.streams:
        body |= {"next_cursor": page.next_cursor, "limit": page.limit}
    else:
        body |= {"count": page.count, "offset": page.offset, "limit": page.limit}
        if page.count_estimated:
            body["count_estimated"] = True
    return Response(body, headers={"vary": "accept"})


def csv_response(
    call: AdminCall, name: str, page: Page, encode: Encode, columns: Sequence[str] | None = None
) -> Response[Any]:
    """All rows of the page's statement as an attachment, read through a database cursor."""
    return _CsvResponse(_lines(call, page, encode, columns), _attachment(name))


def stream_response(
    call: AdminCall, pieces: AsyncGenerator[str], *, name: str, media_type: str, ending: str
) -> Response[Any]:
    """A file that is written while it is read: pieces of text, each as soon as it is there.

    Args:
        pieces: made by a generator that has not begun; it ends where the reader goes away.
        ending: of the file's name, without the dot.
    """
    headers = {
        "content-type": media_type,
        "content-disposition": f'attachment; filename="{name}.{ending}"',
        "vary": "accept",
    }
    return _CsvResponse(_in_place(call, pieces), headers)


async def _in_place(call: AdminCall, pieces: AsyncGenerator[str]) -> AsyncGenerator[str]:
    async with _place(call):
        async for piece in pieces:
            yield piece


def table_response(
    call: AdminCall,
    name: str,
    rows: Sequence[msgspec.Struct | Mapping[str, Any]],
    extra: Mapping[str, Any],
    *,
    columns: Sequence[str] = (),
) -> Response[Any]:
    """A computed table, whole in memory: `{name: rows, **extra}`, or the rows alone as CSV.

    Args:
        columns: what the CSV's header names where there are no rows; columns that rows have beside them follow. An
            object is a column for each of its fields: `previous` of `{"spend": …}` is `previous_spend`.
    """
    if not wants_csv(call.request.headers.get("accept", "")):
        return Response({name: rows, **extra}, headers={"vary": "accept"})
    whole = [_cells(row) for row in rows]
    objects = {key for row in whole for key, value in row.items() if isinstance(value, Mapping)}
    cells = [_flat(row) for row in whole]
    names = [key for key in dict.fromkeys([*columns, *(key for row in cells for key in row)]) if key not in objects]
    content = "".join([csv_line(names), *_body(cells, names)]) if names else ""
    return Response(content.encode(), media_type="text/csv", headers=_attachment(name))


def _attachment(name: str) -> dict[str, str]:
    return {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": f'attachment; filename="{name}.csv"',
        "vary": "accept",
    }


def csv_line(cells: Sequence[object]) -> str:
    """One RFC 4180 line; a text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP)."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([_cell(cell) for cell in cells])
    return buffer.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (Mapping, list, tuple, set, frozenset, msgspec.Struct)):
        return _safe(msgspec.json.encode(value).decode())
    return _safe(str(value))


def _safe(text: str) -> str:
    """A number is no formula: `-12.50` stays one."""
    if not text.startswith(_FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text if text[0] in "+-" and text[1:2].isdigit() else f"'{text}"


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            fields = cast("Mapping[str, Any]", value)
            cells |= {f"{name}_{field}": inner for field, inner in fields.items()}
        else:
            cells[name] = value
    return cells


def _cells(encoded: msgspec.Struct | Mapping[str, Any]) -> Mapping[str, Any]:
    return msgspec.structs.asdict(encoded) if isinstance(encoded, msgspec.Struct) else encoded


async def _lines(call: AdminCall, page: Page, encode: Encode, columns: Sequence[str] | None) -> AsyncGenerator[str]:
    async with _place(call), call.reading() as session:
        result = await session.stream(page.statement.execution_options(yield_per=BATCH))
        names = list(columns) if columns is not None else None
        if names is not None:
            yield csv_line(names)
        async for rows in result.partitions(BATCH):
            encoded = [_cells(encode(row)) for row in rows]
            if names is None:
                names = list(encoded[0])
                yield csv_line(names)
            yield "".join(_body(encoded, names))


def _body(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Iterator[str]:
    for row in rows:
        yield csv_line([row.get(name) for name in names])


class Exports:
    """How many exports run at a time."""

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(MAX_EXPORTS)


@asynccontextmanager
async def _place(call: AdminCall) -> AsyncGenerator[None]:
    runtime = call.runtime
    if not runtime.has(Exports):
        runtime.put(Exports())
    places = runtime.get(Exports).places
    if places.locked():
        raise Unavailable("Other exports are running; try again shortly.", code="exports_busy", retry_after=10)
    async with places:
        yield


class _CsvResponse(Response[Any]):
    """Streams pieces of text; they are taken one after the other in the request's own task."""

    def __init__(self, pieces: AsyncGenerator[str], headers: dict[str, str]) -> None:
        super().__init__(content=b"", media_type="text/csv", headers=headers)
        self._pieces = pieces

    def to_asgi_response(
        self, app: Any, request: Request[Any, Any, Any], *, headers: dict[str, str] | None = None, **_: Any
    ) -> ASGIResponse:
        """The response that sends them."""
        del app, request
        return _CsvStream(self._pieces, {**(headers or {}), **self.headers})


class _CsvStream(ASGIResponse):
    """Takes the first piece before the status is sent, so that a database that is down is a 503, not a torn file."""

    _should_set_content_length = False

    def __init__(self, pieces: AsyncGenerator[str], headers: dict[str, str]) -> None:
        super().__init__(headers=headers, media_type="text/csv")
        self._pieces = pieces
        self._first = ""

    async def start_response(self, send: Send) -> None:
        """Wait for the first piece, then send status and headers."""
        self._first = await anext(self._pieces, "")
        await super().start_response(send)

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Send piece by piece; a reader that has gone ends the query."""
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            await send({"type": "http.response.body", "body": self._first.encode(), "more_body": True})
            async for piece in self._pieces:
                if gone.done():
                    return
                await send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            await self._pieces.aclose()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
