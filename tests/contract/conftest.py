"""One running store with two filled tenants for all tests here; tests that change the world make their own."""

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.contract.store import Contract, fill, running


@pytest.fixture(scope="session")
def contract_url(postgres_server: Any, template_database: str, worker_name: str) -> Iterator[str]:
    name = f"test_contract_{os.getpid()}_{worker_name}"
    yield postgres_server.create(name, template_database)
    postgres_server.drop(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def contract(contract_url: str) -> AsyncIterator[Contract]:
    """The example store and the plugin, with data of both tenants from every public face."""
    async with running(contract_url) as store:
        await fill(store, contract_url)
        yield store
