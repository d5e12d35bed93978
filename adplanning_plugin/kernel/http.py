"""HTTP: the two routers of the plugin, and what each request to them passes. Handlers live in their domains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Request, Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler, Guard

from adplanning_plugin.kernel.access import AdminGuard, RequireScope, StrictQuery, call_of, csrf_token, scope
from adplanning_plugin.kernel.call import AdminCall
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.paging import list_params
from adplanning_plugin.kernel.problems import problem_handlers
from adplanning_plugin.kernel.runtime import MANAGE, PII, READ, WRITE, Runtime

__all__ = ["MANAGE", "PII", "READ", "WRITE", "AdminCall", "RequireScope", "admin_router", "csrf_token", "scope", "web_router"]

ADMIN_BODY_CAP = 1024 * 1024
"""Bytes; a handler that takes files sets its own `request_max_body_size`."""


def admin_router(
    runtime: Runtime, handlers: Sequence[ControllerRouterHandler], *, include_in_schema: bool = False
) -> Router:
    """The admin handlers at `options.paths.admin`, behind the host's guard and ours.

    Raises:
        ConfigurationError: no host guard, outside the demo.
    """
    guards: list[Guard] = [AdminGuard(runtime)]
    host_guard = runtime.hooks.hook.provide_admin_guard()
    if host_guard is not None:
        guards.insert(0, host_guard)
    elif not runtime.options.demo:
        message = (
            "The admin routes have no guard: implement the hook provide_admin_guard and return the Litestar guard "
            "that protects your own admin (Options.demo lifts this on a machine of your own)."
        )
        raise ConfigurationError(message)
    return Router(
        runtime.options.paths.admin,
        route_handlers=handlers,
        guards=guards,
        dependencies={"call": Provide(_call), "params": Provide(list_params)},
        exception_handlers=problem_handlers(),
        request_max_body_size=ADMIN_BODY_CAP,
        include_in_schema=include_in_schema,
    )


def web_router(
    runtime: Runtime, handlers: Sequence[ControllerRouterHandler], *, include_in_schema: bool = False
) -> Router:
    """The public handlers at `options.paths.web`; keys, origins and limits are tracking's own."""
    return Router(
        runtime.options.paths.web,
        route_handlers=handlers,
        guards=[StrictQuery()],
        exception_handlers=problem_handlers(),
        request_max_body_size=runtime.options.ingest.body_cap,
        include_in_schema=include_in_schema,
    )


async def _call(request: Request[Any, Any, Any]) -> AdminCall:
    return call_of(request)
