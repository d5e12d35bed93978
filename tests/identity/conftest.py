"""Identity over a database of its own: tracking and attribution beside it, a worker, the admin's routes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Litestar

from adplanning_plugin.identity.hooks import IdentityHooks
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.http import admin_router
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.options import DatabaseOptions
from adplanning_plugin.tracking.hooks import TrackingHooks
from tests.attribution.conftest import Store, make_runtime


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Database]:
    database = Database.connect(DatabaseOptions(url=database_url))
    yield database
    await database.close()


@pytest.fixture
def whole(opened: Database) -> Runtime:
    """A runtime with identity, tracking and attribution."""
    return make_runtime(opened, IdentityHooks(), TrackingHooks())


@pytest.fixture
def store(whole: Runtime) -> Store:
    return Store(whole)


@pytest.fixture
async def admin(whole: Runtime) -> AsyncIterator[Any]:
    """`await admin.get("/identity/…")` and so on, by whoever the headers name."""
    handlers = [each for part in whole.hooks.hook.register_admin_routes(runtime=whole) for each in part]
    app = Litestar([admin_router(whole, handlers)])
    async with AsyncClient(transport=ASGITransport(app), base_url="http://store.test") as client:

        def at(method: str) -> Callable[..., Awaitable[Any]]:
            async def call(path: str, **more: Any) -> Any:
                return await client.request(method, whole.options.paths.admin + path, **more)

            return call

        yield SimpleNamespace(get=at("GET"), post=at("POST"), delete=at("DELETE"), put=at("PUT"))
