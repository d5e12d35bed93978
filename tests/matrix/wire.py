"""HTTP/1.1 over plain sockets, a few kept connections a browser: what a client library costs would be half the run.

It speaks what uvicorn answers to GET and POST (a length or chunks), and nothing else of HTTP.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult

_PATIENCE = 120.0
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Answer:
    """A response, read to its end; header names are lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name), None)

    def all(self, name: str) -> list[str]:
        """Every header of that name."""
        return [value for key, value in self.headers if key == name]

    @property
    def text(self) -> str:
        return self.body.decode()


class Wire:
    """One browser's connections; a request takes a free one of its origin or opens another."""

    def __init__(self) -> None:
        self._free: dict[tuple[str, int], list[_Streams]] = defaultdict(list)

    async def send(self, method: str, url: SplitResult, headers: dict[str, str], body: bytes | None) -> Answer:
        """One request and its response."""
        target = url.path or "/"
        lines = [f"{method} {target}{'?' + url.query if url.query else ''} HTTP/1.1", f"host: {url.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"content-length: {len(body)}")
        message = "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")
        where = (url.hostname or "", url.port or 80)
        async with asyncio.timeout(_PATIENCE):
            while self._free[where]:
                # A kept connection may have been closed meanwhile; then the request was not read, and goes again.
                with suppress(ConnectionError, asyncio.IncompleteReadError):
                    streams = self._free[where].pop()
                    return await self._exchange(where, streams, message)
            # Both servers listen on the loopback address; the name is what the cookies are about.
            return await self._exchange(where, await asyncio.open_connection("127.0.0.1", where[1]), message)

    async def _exchange(self, where: tuple[str, int], streams: _Streams, message: bytes) -> Answer:
        reader, writer = streams
        writer.write(message)
        answer = await _read(reader)
        if (answer.header("connection") or "").lower() == "close":
            writer.close()
        else:
            self._free[where].append(streams)
        return answer

    async def close(self) -> None:
        """Close what is open."""
        for streams in self._free.values():
            for _, writer in streams:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
        self._free.clear()


async def _read(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = [(name.strip().lower(), value.strip()) for name, _, value in pairs]
    status = int(head[0].split(" ", 2)[1])
    known = dict(headers)
    if known.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(known.get("content-length", 0)))
    return Answer(status, headers, body)
