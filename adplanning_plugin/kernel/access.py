"""Access: who is calling, for which tenant, with which scopes, and whether a browser was tricked into it (CSRF)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from adplanning_plugin.kernel.call import AdminCall
from adplanning_plugin.kernel.errors import ConfigurationError, FieldError, Forbidden, Invalid, NotFound, Unauthorized
from adplanning_plugin.kernel.runtime import READ, WRITE, Actor, Runtime, Scope, Tenant
from adplanning_plugin.kernel.telemetry import begin_request

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
_CALL = "adplanning_call"

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


class RequireScope:
    """The guard that `scope(...)` makes; it replaces the default scope of the method."""

    def __init__(self, required: Scope) -> None:
        self.required: Scope = required

    async def __call__(self, connection: Connection, _handler: BaseRouteHandler) -> None:
        """Refuse an actor without the scope."""
        call_of(connection).require(self.required)


def scope(required: Scope) -> RequireScope:
    """`guards=[scope(MANAGE)]`: what a handler needs, where GET reads and others write does not fit."""
    return RequireScope(required)


def call_of(connection: Connection) -> AdminCall:
    """The call that the guard has let in."""
    return cast("AdminCall", connection.scope["state"][_CALL])


def admin_guard(runtime: Runtime) -> Guard:
    """The guard behind the host's: actor, tenant, CSRF, the method's scope, and query parameters nobody asked for.

    A function, because Litestar deep-copies the layers of a route, and a runtime must not be.
    """
    strict = StrictQuery()

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        begin_request(connection.headers.get("x-request-id"))
        actor = cast("Actor | None", runtime.hooks.hook.resolve_actor(connection=connection))
        if actor is None:
            raise Unauthorized("Sign in to the admin first.")
        call = AdminCall(runtime, _tenant_of(runtime, actor), actor, cast("Request[Any, Any, Any]", connection))
        connection.scope["state"][_CALL] = call
        method = _method(connection)
        if actor.via == "session" and method not in SAFE_METHODS:
            check_csrf(runtime, actor, connection.headers.get(CSRF_HEADER))
        guards = cast("list[object]", cast("Any", handler).resolve_guards())
        if not any(isinstance(each, RequireScope) for each in guards):
            call.require(READ if method in SAFE_METHODS else WRITE)
        await strict(connection, handler)

    return guard


def _tenant_of(runtime: Runtime, actor: Actor) -> Tenant:
    try:
        return runtime.tenant(actor.tenant_id or runtime.options.default_tenant)
    except NotFound:
        raise Forbidden("Your account belongs to no store that is known here.", code="unknown_tenant") from None


class StrictQuery:
    """Refuses a query parameter that the handler lacks, or that is given twice: an ignored one makes a wrong answer."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], frozenset[str]] = {}

    async def __call__(self, connection: Connection, handler: BaseRouteHandler) -> None:
        """Name every unknown parameter, and those that exist."""
        given = connection.query_params
        if not given:
            return
        key = (str(cast("dict[str, Any]", connection.scope).get("path_template", "")), _method(connection))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = query_names(handler)
        unknown = [name for name in dict.fromkeys(given.keys()) if name not in known]
        if unknown:
            fix = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
            raise _each(unknown, "unknown_parameter", "There is no parameter {} here: " + fix.replace("{", "") + ".")
        unreadable = [name for name, value in given.multi_items() if "\x00" in str(value)]
        if unreadable:
            raise _each(unreadable, "invalid_text", "{} must not contain a NUL character.")
        repeated = [name for name in dict.fromkeys(given.keys()) if len(given.getall(name)) > 1]
        if repeated:
            raise _each(repeated, "repeated_parameter", "{} is given more than once: it takes one value.")


def _method(connection: Connection) -> str:
    return str(cast("dict[str, Any]", connection.scope).get("method", "GET"))


def _each(names: Sequence[str], code: str, sentence: str) -> Invalid:
    shown = [name.replace("\x00", "")[:100] for name in names[:20]]
    return Invalid(*(FieldError(name, code, sentence.format(name)) for name in shown))


def query_names(handler: BaseRouteHandler) -> frozenset[str]:
    """The names of the query parameters of a handler and of the dependencies that it uses."""
    names: set[str] = set()
    if not isinstance(handler, HTTPRouteHandler):
        return frozenset()
    dependencies = handler.resolve_dependencies()
    pending = [handler.parsed_fn_signature]
    while pending:
        for name, field in pending.pop().parameters.items():
            if isinstance(field.kwarg_definition, QueryParameter):
                names.add(field.kwarg_definition.name or name)
            elif name in dependencies:
                pending.append(dependencies[name].parsed_fn_signature)
    return frozenset(names)


def csrf_token(runtime: Runtime, actor: Actor) -> str:
    """The token that `GET /me` hands to the pages: bound to the actor and to the installation's secret."""
    about = f"csrf\0{actor.tenant_id or ''}\0{actor.id}"
    return hmac.new(secret_of(runtime), about.encode(), hashlib.sha256).hexdigest()


def check_csrf(runtime: Runtime, actor: Actor, given: str | None) -> None:
    """Refuse an unsafe request of a session without its token."""
    expected = csrf_token(runtime, actor).encode()
    if given is None or not hmac.compare_digest(given.encode("utf-8", "replace"), expected):
        message = "This session needs the header x-csrf-token, with the csrf_token that GET /me answers."
        raise Forbidden(message, code="csrf_token")


def secret_of(runtime: Runtime) -> bytes:
    """The installation's secret; the demo may do without one."""
    secret = runtime.options.secret
    if secret:
        return secret.encode()
    if runtime.options.demo:
        return b"adplanning demo"
    raise ConfigurationError("Options.secret is missing: set it or ADPLANNING_SECRET to 32 random characters or more.")
