"""What the tests of the main job share: a running store, and browsers that shop in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path

import pytest

from tests.matrix.browser import Browser
from tests.matrix.running import RunningStore, running_store

_addresses = count(1)
OpenBrowser = Callable[..., Browser]


@pytest.fixture
async def store(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> AsyncIterator[RunningStore]:
    """The example store with the plugin and no orders; `@pytest.mark.parametrize("store", ["host"], indirect=True)`
    makes its own analytics' sessions count instead of the tracker's."""
    async with running_store(database_url, tmp_path, getattr(request, "param", "own")) as running:
        yield running


@pytest.fixture
def browser() -> OpenBrowser:
    """A function that opens a fresh browser, to be used in `async with`; each has an address of its own."""

    def make(*, blocks_script: bool = False) -> Browser:
        number = next(_addresses)
        return Browser(f"10.1.{number // 250}.{number % 250 + 1}", blocks_script=blocks_script)

    return make
