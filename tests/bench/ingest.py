"""Ingest: /track under load from a second process, against awaited INSERTs and against a bare echo, round by round."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec

from tests.bench import load
from tests.bench.harness import ROOT, ROUNDS, BenchError, Section, median, memory, process_cpu, ratios, scaled, spread
from tests.bench.server import BenchDatabase, database, version
from tests.databases import aside

SECONDS = 3.0
"""Of load a round."""
CONNECTIONS = 64
BATCH_CONNECTIONS = 8


@dataclass
class Web:
    """A web process, and what every round of load cost it."""

    kind: str
    port: int
    pid: int
    rates: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Requests per CPU second of the web process: what a neighbour on the machine cannot take away."""
    database_cpu: list[float] = field(default_factory=list)
    """Microseconds of PostgreSQL's CPU a row."""


def run() -> Section:
    """All rows of the section."""
    section = Section(name="ingest")
    with database("ingest") as made, ExitStack() as stack:
        webs = {kind: stack.enter_context(served(kind, made.url)) for kind in ("plugin", "inserts", "echo")}
        for web in webs.values():
            _round(web, made, "warm", keep=False)
        for number in range(ROUNDS):
            for web in webs.values():
                _round(web, made, f"r{number}")
        _compared(section, webs)
        _batches(section, webs["plugin"], made)
        _described(section, made)
    return section


def _round(web: Web, made: BenchDatabase, name: str, *, keep: bool = True) -> None:
    rows, used, served_cpu = _rows(made), made.cpu(), process_cpu(web.pid)
    seen = load.post(web.port, seconds=SECONDS, connections=CONNECTIONS, run=f"{web.kind[0]}{name}")
    served_cpu, used, rows = process_cpu(web.pid) - served_cpu, made.cpu() - used, _rows(made) - rows
    if seen.errors:
        raise BenchError(f"{seen.errors} of {seen.requests} requests to {web.kind} failed under load")
    if web.kind != "echo" and rows < seen.requests:
        raise BenchError(f"{web.kind} acknowledged {seen.requests} events and stored {rows}")
    if keep:
        web.rates.append(seen.rate)
        web.p99.append(seen.p99_ms)
        web.cpu.append(seen.requests / served_cpu)
        web.database_cpu.append(0.0 if web.kind == "echo" else used * 1e6 / rows)


def _compared(section: Section, webs: dict[str, Web]) -> None:
    ours, inserts, bare = webs["plugin"], webs["inserts"], webs["echo"]
    section.add("single events, requests/s", spread(ours.rates))
    section.add("a handler of ours that awaits one INSERT each, requests/s", spread(inserts.rates))
    section.add("bare ASGI + msgspec echo, no database, requests/s", spread(bare.rates))
    section.at_least("requests/s against awaited INSERTs", ratios(ours.rates, inserts.rates), 2)
    section.at_least("requests/s against the echo", ratios(ours.rates, bare.rates), 0.25)
    section.add("requests per CPU second of the web process, against the echo", f"{ratios(ours.cpu, bare.cpu):.3g}×")
    section.add(
        "CPU of the web process a request", f"{1e6 / median(ours.cpu):.0f} µs (echo {1e6 / median(bare.cpu):.0f})"
    )
    section.at_least("floor, one process (wall)", median(ours.rates), 5_000, "events/s")
    section.at_most(f"p99 at {CONNECTIONS} connections (wall)", median(ours.p99), 100, "ms")
    own, single = median(ours.database_cpu), median(inserts.database_cpu)
    detail = f" ({own:.1f} against {single:.1f} µs)"
    share = ratios(ours.database_cpu, inserts.database_cpu)
    section.at_most("PostgreSQL CPU a row against single INSERTs", share, 0.2, detail=detail)


def _batches(section: Section, web: Web, made: BenchDatabase) -> None:
    """Batches of 100, and what they leave in the memory of the web process."""
    wanted = scaled(1_000_000, 0.2)
    before = memory(web.pid)
    rates: list[float] = []
    events, number, began = 0, 0, time.monotonic()
    while (events < wanted or len(rates) < ROUNDS) and time.monotonic() - began < 120:
        rows = _rows(made)
        seen = load.post(web.port, seconds=SECONDS, connections=BATCH_CONNECTIONS, batch=100, run=f"b{number}")
        stored = _rows(made) - rows
        if seen.errors:
            raise BenchError(f"{seen.errors} of {seen.requests} batches failed under load")
        rates.append(stored / seen.seconds)
        events, number = events + stored, number + 1
    after = memory(web.pid)
    section.at_least("batches of 100 (wall)", median(rates), 30_000, "events/s", f" over {len(rates)} rounds")
    section.at_most("most memory of the web process", memory(web.pid, "VmHWM"), 150, "MB")
    growth = (after - before) * 1e6 / events
    section.at_most(
        "growth a million events", growth, 20, "MB", f" ({before:.0f} → {after:.0f} over {events:,} events)"
    )


def _described(section: Section, made: BenchDatabase) -> None:
    section.add("Umami's event endpoint (130–156 requests/s elsewhere)", "not reproduced", "≥ 20×")
    section.note("Umami has no registry package, so it was not run here; its figure is quoted, not measured.")
    parser = "httptools" if find_spec("httptools") else "h11"
    loop = "uvloop" if find_spec("uvloop") else "asyncio"
    section.note(
        f"{version(made)}, fsync and synchronous_commit on; uvicorn, one process, {loop} and {parser}; load by "
        f"{load.client()}, {SECONDS:g} s a round; web process, PostgreSQL and load share the machine's cores."
    )
    section.note(
        "All checks are on: key, origin, consent, limits (counted, set out of reach), bot filter, dedupe; background "
        "work is off. The awaited INSERT is one statement and one commit on a pooled connection that has entered its "
        "tenant once."
    )


def _rows(made: BenchDatabase) -> int:
    async def count() -> int:
        connection = await made.connect("t01")
        try:
            # Inserted rows by PostgreSQL's own statistics would lag behind; a count is exact.
            return int(await connection.fetchval("SELECT count(*) FROM adplanning.event"))
        finally:
            await connection.close()

    return aside(count)


@contextmanager
def served(kind: str, url: str) -> Iterator[Web]:
    """A web process of that kind, ready and ended afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "ADPLANNING_BENCH_URL": url, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.bench.serve", kind, str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    try:
        _wait(process, port)
        yield Web(kind, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = process.stderr.read().decode(errors="replace") if process.stderr else ""
            raise BenchError(f"the web process ended: {said.strip()[-600:]}")
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.05)
    raise BenchError("the web process did not listen within a minute")
