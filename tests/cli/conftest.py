"""Commands as real processes, on databases of the example store: one with a short history, made once a worker."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from litestar import Litestar

from host_example.app import create_app
from host_example.history import connect, generate, load
from host_example.settings import StoreSettings
from tests.databases import ROOT, PostgresServer, aside

STORE = "host_example.app:create_app"
SECRET = "a secret that only the tests of the command line know"
PATIENCE = 120.0


@dataclass
class Terminal:
    """Runs `adplanning …` for the example store on one database; nothing of it outlives the test."""

    url: str
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def environment(self, **settings: str) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("ADPLANNING_", "STORE_"))}
        ours = {
            "STORE_DATABASE_URL": self.url,
            "STORE_SECRET": SECRET,
            "ADPLANNING_APP": STORE,
            "PYTHONPATH": str(ROOT),
        }
        return {**clean, **ours, "COLUMNS": "100", **self.settings, **settings}

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL, **settings: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "adplanning_plugin.cli", *arguments],
            cwd=self.folder,
            env=self.environment(**settings),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def run(self, *arguments: str, given: str = "", **settings: str) -> Said:
        process = self.start(*arguments, stdin=subprocess.PIPE, **settings)
        out, err = process.communicate(given, timeout=PATIENCE)
        return Said(process.returncode, out, err)

    def close(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate(timeout=10)


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str

    def ok(self) -> str:
        assert self.status == 0, self.err + self.out
        return self.out

    def refused(self) -> str:
        """The one sentence of a refusal."""
        assert (self.status, self.err.count("\n"), self.out) == (2, 1, ""), self
        assert self.err.startswith("adplanning: "), self.err
        assert self.err.rstrip().endswith("."), self.err
        return self.err.removeprefix("adplanning: ").strip()


def query(url: str, statement: str, tenant: str | None = None) -> list[tuple[Any, ...]]:
    """Rows, as the ordinary role and, where one is named, inside a tenant."""

    async def ask() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            async with connection.transaction():
                if tenant is not None:
                    await connection.execute(f"SET LOCAL app.tenant_id = '{tenant}'")
                return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return aside(ask)


def store_app(url: str, **options: Any) -> Litestar:
    return create_app(StoreSettings(database_url=url, secret=SECRET), **options)


@pytest.fixture(scope="session")
def history_template(postgres_server: PostgresServer, template_database: str, worker_name: str) -> Iterator[str]:
    """The name of a migrated database whose store has a short history that the plugin has not seen yet."""
    name = f"cli_history_{os.getpid()}_{worker_name}"
    url = postgres_server.create(name, template_database)

    async def fill() -> None:
        async with store_app(url, plugin=False).lifespan():
            connection = await connect(url)
            try:
                await load(connection, generate(7, date(2026, 10, 31), scale=0.012, password_hash="unused"))
            finally:
                await connection.close()

    aside(fill)
    yield name
    postgres_server.drop(name)


@pytest.fixture
def terminal_on(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Makes terminals for databases."""
    made: list[Terminal] = []

    def make(url: str, **settings: str) -> Terminal:
        made.append(Terminal(url, tmp_path, settings))
        return made[-1]

    yield make
    for terminal in made:
        terminal.close()


@pytest.fixture
def terminal(terminal_on: Callable[..., Terminal], database_url: str) -> Terminal:
    """A terminal of a store that is migrated and new."""
    return terminal_on(database_url)


@pytest.fixture
def history_url(make_database: Callable[..., str], history_template: str) -> str:
    """A store with a short history that the plugin has not seen yet."""
    return make_database(history_template)


async def until(condition: Callable[[], Any], why: str, seconds: float = PATIENCE) -> Any:
    """The condition's first true value."""
    async with asyncio.timeout(seconds):
        while not (found := condition()):  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.05)
    return found
