"""Servers of the faults' own: the shared ones of the run must not be killed under other tests."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from adplanning_plugin.embedded import Postgres, Valkey
from tests.databases import TEST_SETTINGS, PostgresServer, make_template, prepare
from tests.faults.fleet import Fleet, Receiver
from tests.faults.load import Load
from tests.faults.store import make_store


@pytest.fixture(scope="session")
def mortal_postgres() -> Iterator[Postgres]:
    """A PostgreSQL that tests may kill; each leaves it running."""
    with Postgres(settings=TEST_SETTINGS) as server:
        prepare(PostgresServer.of(server))
        make_template(PostgresServer.of(server), "template_faults")
        yield server


@pytest.fixture(scope="session")
def mortal_valkey() -> Iterator[Valkey]:
    with Valkey() as server:
        yield server


@dataclass
class Place:
    """A database of the store's, with the key and tables in it."""

    url: str
    server: Postgres


@pytest.fixture
async def place(mortal_postgres: Postgres, request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    server = PostgresServer.of(mortal_postgres.start())
    name = f"faults_{random.randrange(2**40):x}"
    url = server.create(name, "template_faults")
    await make_store(url)
    yield Place(url, mortal_postgres)
    mortal_postgres.start()
    server.drop(name)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()


@pytest.fixture
def fleet(place: Place, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The store's processes; what they said is shown when a test fails."""
    path = tmp_path_factory.mktemp("fleet") / "log"
    with path.open("wb") as log:
        made = Fleet(place.url, log, ADPLANNING_WORK_MODE="off")
        yield made
        made.close()
    print(path.read_text(errors="replace")[-6000:])


@pytest.fixture
def seed() -> int:
    chosen = random.SystemRandom().randrange(2**32)
    print("seed", chosen)
    return chosen


@pytest.fixture
def load(fleet: Fleet, seed: int) -> Iterator[Load]:
    made = Load(fleet.base, seed)
    yield made
    made.cancel()
