"""Servers and databases for every test: one PostgreSQL a run, one template database and one Valkey a worker.

`ADPLANNING_TEST_PG=postgresql://postgres@127.0.0.1:5432` uses a running server instead of an embedded one.
"""

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from adplanning_plugin.embedded import Postgres, Valkey
from tests.chromium import chromium_path
from tests.databases import TEST_SETTINGS, PostgresServer, make_template, prepare, template_name

_SERVERS = pytest.StashKey[ExitStack]()
_POSTGRES = pytest.StashKey[PostgresServer]()
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """What this process starts ends with it, and can be interrupted: a shell's background job ignores SIGINT."""
    config.stash[_SERVERS] = ExitStack()
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # what is started would inherit the other


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_SERVERS].close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """The controller of a parallel run starts the one server and hands its address to each worker."""
    node.workerinput["postgres"] = _postgres(node.config).as_dict()


def _postgres(config: pytest.Config) -> PostgresServer:
    if _POSTGRES not in config.stash:
        handed_down = getattr(config, "workerinput", {}).get("postgres")
        if handed_down:
            config.stash[_POSTGRES] = PostgresServer(**handed_down)
        else:
            kept_elsewhere = os.environ.get("ADPLANNING_TEST_PG")
            if kept_elsewhere:
                server = PostgresServer.at(kept_elsewhere)
            else:
                server = PostgresServer.of(config.stash[_SERVERS].enter_context(Postgres(settings=TEST_SETTINGS)))
            prepare(server)
            config.stash[_POSTGRES] = server
    return config.stash[_POSTGRES]


@pytest.fixture(scope="session")
def worker_name() -> str:
    """`gw0`, `gw1`, … in a parallel run, otherwise `main`: part of every name that two workers could fight over."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> PostgresServer:
    """The run's PostgreSQL. A test that stops or kills a server starts one of its own."""
    return _postgres(pytestconfig)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    """A Valkey of this worker's own; a test that needs it empty flushes it."""
    with Valkey() as server:
        yield server


@pytest.fixture(scope="session")
def template_database(postgres_server: PostgresServer, worker_name: str) -> str:
    """The name of a database with the plugin migrated and the example store's tables, all empty."""
    name = template_name(worker_name)
    make_template(postgres_server, name)
    return name


@pytest.fixture
def make_database(postgres_server: PostgresServer, worker_name: str) -> Iterator[Callable[..., str]]:
    """A function that makes a database owned by the ordinary role and returns its address; all are dropped after."""
    made: list[str] = []

    def make(template: str | None = None) -> str:
        name = f"test_{os.getpid()}_{worker_name}_{next(_numbers)}"
        url = postgres_server.create(name, template)
        made.append(name)
        return url

    yield make
    for name in made:
        postgres_server.drop(name)


@pytest.fixture
def database_url(make_database: Callable[..., str], template_database: str) -> str:
    """A fresh database, migrated and with the store's tables, for the ordinary role."""
    return make_database(template_database)


@pytest.fixture
def empty_database_url(make_database: Callable[..., str]) -> str:
    """A fresh database with nothing in it."""
    return make_database()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; without one the test is skipped, and the end of the report says so."""
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium on this machine: install it, or name one in ADPLANNING_CHROMIUM")
    return path


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if chromium_path() is None:
        terminalreporter.write_line("Notice: no Chromium on this machine, so the tests in a real browser did not run.")
