"""A proxy between the store and its PostgreSQL that can be slow, silent or closed; it knows no protocol."""

from __future__ import annotations

import asyncio
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

Weather = Literal["fair", "slow", "silent", "closed"]
"""silent: connections are taken and stay open, and not a byte passes, as behind a firewall that lost its state."""


class Proxy:
    """`async with Proxy(url) as proxy` listens on 127.0.0.1; `proxy.url` is the same database through it."""

    def __init__(self, url: str, delay: float = 0.3) -> None:
        parts = urlsplit(url)
        self._to = (str(parts.hostname), parts.port or 5432)
        self._parts = parts
        self._delay = delay
        self._fair = asyncio.Event()
        self._fair.set()
        self._weather: Weather = "fair"
        self._writers: set[asyncio.StreamWriter] = set()
        self._upstreams: set[asyncio.StreamWriter] = set()
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = url

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        user = self._parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(self._parts._replace(netloc=f"{user}@127.0.0.1:{port}"))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._over.set()
        self.weather("closed")
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def weather(self, weather: Weather) -> None:
        """From now on, for old connections and new ones."""
        self._weather = weather
        if weather == "silent":
            self._fair.clear()
        else:
            self._fair.set()
        if weather == "closed":
            for writer in [*self._writers]:
                writer.transport.abort()

    def forget(self) -> None:
        """Whatever is connected now stays connected to nothing, for ever; its database has lost what it held."""
        self._fair = asyncio.Event()
        for upstream in [*self._upstreams]:
            upstream.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        upstream: asyncio.StreamWriter | None = None
        try:
            if self._weather == "closed":
                return
            back, upstream = await asyncio.open_connection(*self._to)
            self._writers.add(upstream)
            self._upstreams.add(upstream)
            fair = self._fair
            both = {asyncio.create_task(self._pass(*way)) for way in ((reader, upstream), (back, writer))}
            self._tasks |= both
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)  # one side is gone: so is the other
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            self._tasks -= both
            if fair is not self._fair:
                await self._over.wait()
        except OSError:
            """Nobody listens behind it."""
        finally:
            for each in (writer, upstream):
                if each is not None:
                    self._writers.discard(each)
                    self._upstreams.discard(each)
                    each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fair = self._fair
        while chunk := await reader.read(65_536):
            await fair.wait()
            if self._weather == "slow":
                await asyncio.sleep(self._delay)
            writer.write(chunk)
            await writer.drain()
