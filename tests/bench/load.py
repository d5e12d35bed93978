"""Load: a second process that posts events over keep-alive connections, for so long or so many; prints JSON.

It drives `wrk` where that is installed, else an asyncio client of its own (`python -m tests.bench.load …`), whose own
CPU shares the machine with the server's: the answer names which it was.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.harness import ROOT, BenchError

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
KEY, ORIGIN = "pk_bench", "https://shop.example"


_DONE = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n{"requests":%d,"errors":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f}\\n', summary.requests,
    e.status + e.connect + e.read + e.write + e.timeout, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


class Load(NamedTuple):
    """What one run of the load saw."""

    requests: int
    errors: int
    seconds: float
    p50_ms: float
    p99_ms: float
    client: str

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def client() -> str:
    """`wrk`, or `own` where it is missing or ADPLANNING_BENCH_LOAD says so."""
    return os.environ.get("ADPLANNING_BENCH_LOAD") or ("wrk" if shutil.which("wrk") else "own")


def post(port: int, *, seconds: float, connections: int = 64, batch: int = 1, run: str) -> Load:
    """Post bodies of `batch` events each to /track; `run` makes the event ids of this run its own."""
    chosen = client()
    if chosen != "wrk":
        command = [sys.executable, "-m", "tests.bench.load", str(port), str(seconds), str(connections), str(batch), run]
        return _read(
            subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300), chosen
        )
    with tempfile.TemporaryDirectory(prefix="adplanning-bench-") as folder:
        script = Path(folder) / "load.lua"
        script.write_text(_lua(batch, run))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s"]
        command += ["-s", str(script), f"http://127.0.0.1:{port}/web/ad-planning/track"]
        return _read(_run(command), chosen)


def get(port: int, path: str, token: str, *, seconds: float, connections: int = 8) -> Load:
    """Fetch one address over and over with a bearer token; needs wrk."""
    with tempfile.TemporaryDirectory(prefix="adplanning-bench-") as folder:
        script = Path(folder) / "get.lua"
        script.write_text(_DONE)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(script)]
        command += ["-H", f"authorization: Bearer {token}", f"http://127.0.0.1:{port}{path}"]
        return _read(_run(command), "wrk")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def _read(done: subprocess.CompletedProcess[str], chosen: str) -> Load:
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
    try:
        found = json.loads(last)
    except ValueError:
        raise BenchError(f"the load ({chosen}) said: {(done.stderr or done.stdout).strip()[-300:]}") from None
    return Load(*(found[name] for name in ("requests", "errors", "seconds", "p50_ms", "p99_ms")), chosen)


def event(number: int, run: str, when: str) -> str:
    """One page view as the tracker sends it; numbers make ids, pages, visitors and campaigns differ."""
    page = f"https://shop.example/product/{number % 500}?utm_source=google&utm_medium=cpc&utm_campaign=c{number % 40}"
    return json.dumps(
        {
            "name": "page_view",
            "id": f"{run}-{number}",
            "occurred_at": when,
            "url": page,
            "referrer": "https://www.google.com/",
            "visitor_id": f"vis_{run}{number // 8}",
            "session_id": f"ses_{run}{number // 8}",
        }
    )


def body(first: int, batch: int, run: str, when: str) -> str:
    """A body of events from `first` on."""
    events = ",".join(event(number, run, when) for number in range(first, first + batch))
    return f'{{"key":"{KEY}","consent":{{"analytics":true,"ads":true}},"events":[{events}]}}'


def _lua(batch: int, run: str) -> str:
    """A script that fills numbers into a template of one event, which is as cheap as a client can be."""
    when = datetime.now(UTC).isoformat(timespec="milliseconds")
    one = event(0, "@RUN@", when)
    template = one.replace("@RUN@-0", "%s-%d").replace("product/0", "product/%d").replace("=c0", "=c%d")
    template = template.replace("vis_@RUN@0", "vis_%s%d").replace("ses_@RUN@0", "ses_%s%d")
    start = f'{{"key":"{KEY}","consent":{{"analytics":true,"ads":true}},"events":['
    return f"""
local n = 0
local f, floor = string.format, math.floor
local headers = {{["content-type"]="application/json", ["origin"]="{ORIGIN}", ["user-agent"]="{BROWSER}"}}
local function one()
  n = n + 1
  local v = floor(n / 8)
  return f([[{template}]], "{run}", n, n % 500, n % 40, "{run}", v, "{run}", v)
end
request = function()
  local parts = {{}}
  for i = 1, {batch} do parts[i] = one() end
  return wrk.format("POST", nil, headers, [[{start}]] .. table.concat(parts, ",") .. "]}}")
end
{_DONE}"""


class _Connection(asyncio.Protocol):
    """Sends the next body as soon as the answer to the last one is here."""

    def __init__(self, sender: _Sender) -> None:
        self._sender, self._buffer, self._sent = sender, b"", 0.0
        self._transport: Any = None
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        message = self._sender.message()
        if message is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(message)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        length = int(lower.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        self._sender.answered(time.perf_counter() - self._sent, ok=head[9:12] in {b"200", b"202"})
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


class _Sender:
    def __init__(self, seconds: float, batch: int, run: str) -> None:
        self._until, self._batch, self._run, self._number = time.perf_counter() + seconds, batch, run, 0
        self._when = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.latencies: list[float] = []
        self.errors = 0

    def message(self) -> bytes | None:
        if time.perf_counter() > self._until:
            return None
        content = body(self._number, self._batch, self._run, self._when).encode()
        self._number += self._batch
        head = (
            f"POST /web/ad-planning/track HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: {ORIGIN}\r\nuser-agent: {BROWSER}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content

    def answered(self, seconds: float, *, ok: bool) -> None:
        self.latencies.append(seconds)
        self.errors += not ok


async def _own(port: int, seconds: float, connections: int, batch: int, run: str) -> dict[str, Any]:
    sender, loop, began = _Sender(seconds, batch, run), asyncio.get_running_loop(), time.perf_counter()
    opened = [await loop.create_connection(lambda: _Connection(sender), "127.0.0.1", port) for _ in range(connections)]
    await asyncio.wait([protocol.closed for _, protocol in opened], timeout=seconds + 30)
    took, ordered = time.perf_counter() - began, sorted(sender.latencies)
    if not ordered:
        raise BenchError("no request was answered")
    at = [1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99)]
    return {
        "requests": len(ordered),
        "errors": sender.errors,
        "seconds": took,
        "p50_ms": at[0],
        "p99_ms": at[1],
    }


if __name__ == "__main__":
    _port, _seconds, _connections, _batch, _run = sys.argv[1:6]
    print(json.dumps(asyncio.run(_own(int(_port), float(_seconds), int(_connections), int(_batch), _run))))
