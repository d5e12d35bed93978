"""HTTP: the two routers of the plugin, and what each request to them passes. Handlers live in their domains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from litestar import Request, Response, Router
from litestar.config.app import AppConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.exceptions import responses as litestar_responses
from litestar.handlers.base import BaseRouteHandler
from litestar.types import ControllerRouterHandler

from adplanning_plugin.kernel.access import (
    Connection,
    RequireScope,
    StrictQuery,
    admin_guard,
    call_of,
    csrf_token,
    scope,
)
from adplanning_plugin.kernel.bodies import check_body
from adplanning_plugin.kernel.call import AdminCall
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.paging import list_params
from adplanning_plugin.kernel.problems import ErrorHandler, ErrorHandlers, problem, problem_handlers
from adplanning_plugin.kernel.runtime import MANAGE, PII, READ, WRITE, Runtime
from adplanning_plugin.kernel.telemetry import begin_request, tag_response

__all__ = [
    "MANAGE",
    "PII",
    "READ",
    "WRITE",
    "AdminCall",
    "RequireScope",
    "admin_router",
    "csrf_token",
    "mount",
    "scope",
    "web_router",
]

ADMIN_BODY_CAP = 1024 * 1024
"""Bytes; a handler that takes files sets its own `request_max_body_size`."""


def mount(app_config: AppConfig, runtime: Runtime) -> None:
    """Add both routers, with the handlers of every plugin, to the host's app; unknown paths below them are problems.

    The host's own routes keep the handlers of errors that they have, and get none of ours.
    """
    hooks = runtime.hooks.hook
    admin = [handler for group in hooks.register_admin_routes(runtime=runtime) for handler in group or ()]
    web = [handler for group in hooks.register_web_routes(runtime=runtime) for handler in group or ()]
    config: Any = app_config
    host_handlers: ErrorHandlers = dict(config.exception_handlers)
    routers = [admin_router(runtime, admin), web_router(runtime, web)]
    for router in routers:
        # A handler of the host for a more special exception would be preferred to ours.
        handlers: ErrorHandlers = {**dict.fromkeys(host_handlers, problem), **problem_handlers()}
        cast("Any", router).exception_handlers = handlers
    app_config.route_handlers.extend(routers)
    paths = tuple(f"{path.rstrip('/')}/" for path in (runtime.options.paths.admin, runtime.options.paths.web))
    config.exception_handlers = {**host_handlers, **_routing_failures(paths, host_handlers)}


def admin_router(
    runtime: Runtime, handlers: Sequence[ControllerRouterHandler], *, include_in_schema: bool = False
) -> Router:
    """The admin handlers at `options.paths.admin`, behind the host's guard and ours.

    Raises:
        ConfigurationError: no host guard, outside the demo.
    """
    guards: list[Callable[..., Any]] = [admin_guard(runtime)]
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
        before_request=check_body,
        after_request=tag_response,
        dependencies={"call": Provide(_call), "params": Provide(list_params)},
        exception_handlers=problem_handlers(),
        request_max_body_size=ADMIN_BODY_CAP,
        include_in_schema=include_in_schema,
        response_headers={"cache-control": "no-store"},
    )


def web_router(
    runtime: Runtime, handlers: Sequence[ControllerRouterHandler], *, include_in_schema: bool = False
) -> Router:
    """The public handlers at `options.paths.web`; keys, origins and limits are tracking's own."""
    return Router(
        runtime.options.paths.web,
        route_handlers=handlers,
        guards=[_begin, StrictQuery()],
        before_request=check_body,
        after_request=tag_response,
        exception_handlers=problem_handlers(),
        request_max_body_size=runtime.options.ingest.body_cap,
        include_in_schema=include_in_schema,
    )


async def _begin(connection: Connection, _handler: BaseRouteHandler) -> None:
    begin_request(connection.headers.get("x-request-id"))


async def _call(request: Request[Any, Any, Any]) -> AdminCall:
    return call_of(request)


def _routing_failures(paths: tuple[str, ...], host_handlers: ErrorHandlers) -> ErrorHandlers:
    """Handlers for 404 and 405: ours where no route was found below our paths, the host's everywhere else.

    Litestar routes before any layer runs, so these two have to be handled by the app itself.
    """

    def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        if "route_handler" not in request.scope and f"{request.scope['path'].rstrip('/')}/".startswith(paths):
            return problem(request, error)
        handler: Any = cast("dict[str, Any]", request.scope).get("route_handler")
        layers: ErrorHandlers = host_handlers if handler is None else handler.resolve_exception_handlers()
        theirs = {key: value for key, value in layers.items() if value is not answer}
        for key, value in host_handlers.items():
            theirs.setdefault(key, value)
        chosen = _choose(theirs, error)
        if chosen is None:
            return _litestars_own(request, error)
        return chosen(request, error)

    # By status too: Litestar prefers a status to every class, and the host may have handlers of either kind.
    return dict.fromkeys((404, 405, NotFoundException, MethodNotAllowedException), answer)


_litestars_own: ErrorHandler = cast("Any", litestar_responses).create_exception_response


def _choose(handlers: ErrorHandlers, error: Exception) -> ErrorHandler | None:
    """The handler that Litestar would choose: by status first, then by the nearest class."""
    if isinstance(error, HTTPException) and error.status_code in handlers:
        return handlers[error.status_code]
    return next((handlers[kind] for kind in type(error).__mro__ if kind in handlers), None)
