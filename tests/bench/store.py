"""The store that is measured: nothing of its own but tenants and an admin token; all entities are the plugin's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler

from adplanning_plugin import Actor, AdPlanning, Options, Tenant, hookimpl
from adplanning_plugin.kernel.keys import register_key
from adplanning_plugin.options import CookieOptions, DatabaseOptions, IngestOptions, WorkOptions

TOKEN, KEY, ORIGIN = "bench-token", "pk_bench", "https://shop.example"
TENANTS = tuple(f"t{number:02d}" for number in range(1, 21))
MAIN = TENANTS[0]


class StoreHooks:
    """Twenty tenants; whoever has the token administers the one that the header names."""

    @hookimpl
    def list_tenants(self) -> Callable[[], Awaitable[Sequence[Tenant]]]:
        async def tenants() -> Sequence[Tenant]:
            return [Tenant(id=name, zone="Asia/Kolkata", currency="INR") for name in TENANTS]

        return tenants

    @hookimpl
    def resolve_tenant(self, connection: ASGIConnection[Any, Any, Any, Any]) -> str:
        return MAIN

    @hookimpl
    def provide_admin_guard(self) -> Callable[..., None]:
        def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
            if connection.headers.get("authorization") != f"Bearer {TOKEN}":
                raise NotAuthorizedException("Send the token as a bearer token.")

        return guard

    @hookimpl
    def resolve_actor(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Actor:
        scopes = frozenset(f"adplanning:{name}" for name in ("read", "write", "manage", "pii"))
        return Actor(id="bench", tenant_id=MAIN, scopes=scopes, via="bearer")


def install(url: str) -> AdPlanning:
    """The plugin; background work is off, so that what is measured is what was asked for."""
    options = Options(
        database=DatabaseOptions(url=url, statement_timeout_ms=300_000),  # whole tables at once, on a busy machine
        cookie=CookieOptions(secure=False),
        ingest=IngestOptions(rate_per_minute=1_000_000_000),  # one client stands for all; the limit is still counted
        work=WorkOptions(mode="off"),
        secret="a secret of the benchmarks, long enough",
    )
    return AdPlanning(options, StoreHooks())


async def make_key(plugin: AdPlanning) -> None:
    """The publishable key that the load is sent with."""
    async with plugin.runtime.database.system() as session:
        await register_key(session, MAIN, KEY, [ORIGIN])
