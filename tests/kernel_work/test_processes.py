"""Real processes, killed and cut off at the worst moment: nothing is lost or done twice, and work goes on in time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from adplanning_plugin.embedded import Postgres, Valkey
from adplanning_plugin.kernel.background import Background
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.workflows import start
from tests.databases import TEST_SETTINGS, PostgresServer, make_template, prepare

from .conftest import EFFECTS, build_runtime, execute, rows
from .worker_process import PLUGIN

ROOT = Path(__file__).parents[2]
RESUMES_WITHIN = 15.0
pytestmark = pytest.mark.processes


class Receiver:
    """The world outside: notes each call and its idempotency key, and holds answers back while told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.called = threading.Event()
        self.answers = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.calls.append((self.path, self.headers["Idempotency-Key"]))
                outer.called.set()
                outer.answers.wait(60)
                try:
                    self.send_response(200)
                    self.end_headers()
                except OSError:
                    """Whoever asked was killed."""

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.answers.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()


StartWorker = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start_worker(database_url: str, receiver: Receiver) -> Iterator[StartWorker]:
    """Workers as processes; whatever still runs at the end is killed."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.kernel_work.worker_process", database_url, receiver.url, *more]
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait(10)


@pytest.fixture
async def runtime(database_url: str, effects: None) -> AsyncIterator[Runtime]:
    """The web process: it publishes, and works on nothing."""
    made = build_runtime(database_url, PLUGIN, mode="off")
    yield made
    await made.database.close()


async def tell(runtime: Runtime, order_id: str) -> None:
    async with runtime.database.transaction("main") as session:
        await publish(session, runtime, "main", "order.placed", {"order_id": order_id})


async def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> float:
    """How long it took until the condition held."""
    begun = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - a killed process tells nobody
            await asyncio.sleep(0.05)
    return time.monotonic() - begun


def effects_of(runtime: Runtime) -> Callable[[], Any]:
    async def find() -> list[tuple[Any, ...]]:
        return await rows(runtime, "SELECT name FROM public.effect ORDER BY n")

    return find


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(10)


async def test_a_worker_killed_in_a_handler_loses_nothing_and_doubles_nothing(
    runtime: Runtime, receiver: Receiver, start_worker: StartWorker
) -> None:
    first = start_worker()
    await tell(runtime, "77")
    assert await asyncio.to_thread(receiver.called.wait, 20)
    kill(first)
    killed = time.monotonic()
    receiver.answers.set()
    assert await effects_of(runtime)() == []
    start_worker()
    await wait_for(effects_of(runtime))
    assert time.monotonic() - killed < RESUMES_WITHIN
    assert await effects_of(runtime)() == [("77",)]
    [(status, attempt)] = await rows(runtime, "SELECT status, attempt FROM adplanning.work_item")
    assert (status, attempt) == ("done", 2)


async def test_a_worker_killed_between_an_outside_effect_and_its_record_repeats_it_under_one_key(
    runtime: Runtime, receiver: Receiver, start_worker: StartWorker
) -> None:
    first = start_worker()
    async with runtime.database.transaction("main") as session:
        run_id = await start(runtime, session, "main", "post", {})
    assert await asyncio.to_thread(receiver.called.wait, 20)
    kill(first)  # the letter is out, and nobody has written that down
    killed = time.monotonic()
    receiver.answers.set()
    start_worker()

    async def is_done() -> bool:
        return await rows(runtime, "SELECT status, output FROM adplanning.workflow_run") == [
            ("done", {"value": "sent"})
        ]

    await wait_for(is_done)
    assert time.monotonic() - killed < RESUMES_WITHIN
    assert receiver.calls == [("/send/letter", f"{run_id}:2")] * 2
    assert await effects_of(runtime)() == [("prepared",), ("closed",)]


async def test_a_worker_told_to_stop_finishes_what_it_holds(
    runtime: Runtime, receiver: Receiver, start_worker: StartWorker
) -> None:
    worker = start_worker()
    await tell(runtime, "78")
    assert await asyncio.to_thread(receiver.called.wait, 20)
    worker.send_signal(signal.SIGTERM)
    receiver.answers.set()
    assert await asyncio.to_thread(worker.wait, 15) == 0
    assert await effects_of(runtime)() == [("78",)]


async def test_wake_ups_travel_over_valkey_and_a_flush_or_an_outage_costs_only_the_beat(
    database_url: str, effects: None, receiver: Receiver
) -> None:
    receiver.answers.set()
    import tests.kernel_work.worker_process as handlers

    handlers.RECEIVER = receiver.url
    with Valkey() as valkey:
        redis = {"redis_url": valkey.url(), "mode": "external"}
        web, worker = build_runtime(database_url, PLUGIN, **redis), build_runtime(database_url, PLUGIN, **redis)
        sides = [Background(web), Background(worker, works=True)]
        for side in sides:
            await side.start()

        async def delivered_within(order_id: str) -> float:
            await tell(web, order_id)

            async def is_there() -> bool:
                return (order_id,) in await rows(web, "SELECT name FROM public.effect")

            return await wait_for(is_there)

        await delivered_within("before")
        await asyncio.to_thread(valkey.flush)
        assert await delivered_within("flushed") < RESUMES_WITHIN
        await asyncio.to_thread(valkey.stop)
        assert await delivered_within("stopped") < RESUMES_WITHIN
        for side in sides:
            await side.stop()
        for runtime in (web, worker):
            await runtime.database.close()


@pytest.mark.slow
async def test_work_goes_on_after_postgresql_was_restarted(receiver: Receiver) -> None:
    receiver.answers.set()
    import tests.kernel_work.worker_process as handlers

    handlers.RECEIVER = receiver.url
    with Postgres(settings=TEST_SETTINGS) as postgres:
        server = PostgresServer.of(postgres)
        prepare(server)
        make_template(server, "restarted")
        url = server.url("restarted")
        await execute(url, EFFECTS)
        runtime = build_runtime(url, PLUGIN)
        runner = Runner(runtime)
        await runner.start()
        await tell(runtime, "before")
        await wait_for(effects_of(runtime))
        await tell(runtime, "across")
        await asyncio.to_thread(postgres.restart)
        restarted = time.monotonic()

        async def is_there() -> bool:
            try:
                return ("across",) in await effects_of(runtime)()
            except Exception:  # noqa: BLE001 - the pool has yet to notice
                return False

        await wait_for(is_there)
        assert time.monotonic() - restarted < RESUMES_WITHIN
        await runner.stop()
        await runtime.database.close()
