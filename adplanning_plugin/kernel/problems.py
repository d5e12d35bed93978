"""Problems: every error under our paths as application/problem+json (RFC 9457); ours to fix show an incident only."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any, cast

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException
from litestar.utils.scope.state import ScopeState

from adplanning_plugin.kernel.errors import (
    AdPlanningError,
    ConfigurationError,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    TooMany,
    Unauthorized,
    Unavailable,
    Unreadable,
)
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.refusals import database_refusal
from adplanning_plugin.kernel.sentences import body_errors, field_error
from adplanning_plugin.kernel.telemetry import request_id

ErrorHandler = Callable[[Request[Any, Any, Any], Any], Response[Any]]
ErrorHandlers = dict[int | type[Exception], ErrorHandler]

log = logging.getLogger("adplanning.http")
MEDIA_TYPE = "application/problem+json"
_MISSING = re.compile(r"^Missing required (\w+) parameter '([^']+)'")
_PLAIN: dict[int, type[AdPlanningError]] = {
    400: Unreadable,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    413: TooLarge,
    429: TooMany,
    503: Unavailable,
}


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of an error."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldError] = []
    incident: str | None = None
    """What to quote to the operator, who finds it in the log."""


class MethodNotAllowed(AdPlanningError):
    """405: the path exists, this method of it does not."""

    status, code, title = 405, "method_not_allowed", "This path has no such method"


def problem(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer to any exception: a sentence where it is the caller's to act, an incident id where it is ours."""
    known = describe(request, error)
    if known is None:
        incident = new_id("inc")
        log.error(
            "unexpected error",
            exc_info=error,
            extra={"incident": incident, "method": request.method, "route": _scope(request).get("path_template", "")},
        )
        detail = "Something went wrong on our side; nothing was changed. Quote the incident to the operator."
        body = Problem(title="Internal error", status=500, code="internal", detail=detail, incident=incident)
        return respond(body)
    if known.status == 503:
        log.warning("unavailable", extra={"code": known.code, "cause": type(error).__name__})
    headers: dict[str, str] = {}
    if known.retry_after is not None or known.status in {429, 503}:
        headers["retry-after"] = str(known.retry_after or 5)
    if isinstance(error, HTTPException):
        headers.update({name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"})
    if known.status == 401:
        headers["www-authenticate"] = "Bearer"
    return respond(problem_of(known), headers)


def problem_of(error: AdPlanningError) -> Problem:
    """The body for an error of ours (the raw routes encode it themselves)."""
    return Problem(
        title=error.title, status=error.status, code=error.code, detail=error.detail, errors=list(error.errors)
    )


def respond(body: Problem, headers: dict[str, str] | None = None) -> Response[Any]:
    """A problem as a response."""
    content = {"type": "about:blank", **msgspec.to_builtins(body)}
    tagged = {"x-request-id": request_id.get(), **(headers or {})} if request_id.get() else headers or {}
    return Response(msgspec.json.encode(content), status_code=body.status, media_type=MEDIA_TYPE, headers=tagged)


def describe(request: Request[Any, Any, Any], error: Exception) -> AdPlanningError | None:
    """The error as one of ours, or None where it is a mistake of the program."""
    if isinstance(error, ConfigurationError):
        return None
    if isinstance(error, AdPlanningError):
        return error if error.status < 500 or error.status == 503 else None
    if isinstance(error, ValidationException):
        return _validation(request, error)
    if isinstance(error, HTTPException):
        return _http(error)
    if isinstance(error, (UnicodeDecodeError, RecursionError)) and not is_readable(_body(request)):
        return Unreadable("The body is not valid JSON in UTF-8, or is nested too deeply.")
    return database_refusal(error)


def problem_handlers() -> ErrorHandlers:
    """Handlers for a router of ours: by status too, since Litestar prefers those, and the host may have some."""
    handlers: ErrorHandlers = dict.fromkeys([*range(400, 512), 599], problem)
    handlers[HTTPException] = problem
    handlers[AdPlanningError] = problem
    handlers[Exception] = problem
    return handlers


def is_readable(raw: bytes) -> bool:
    """Whether the bytes can be read as JSON (for some bytes msgspec raises other errors than its own)."""
    try:
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _body(request: Request[Any, Any, Any]) -> bytes:
    """The body as far as it was read: an error handler cannot wait for it."""
    raw = ScopeState.from_scope(request.scope).body
    return raw if isinstance(raw, bytes) else b""


def _scope(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", request.scope)


def _http(error: HTTPException) -> AdPlanningError | None:
    status = error.status_code
    if status == 405:
        return MethodNotAllowed("This path exists, but not for this method: see the Allow header.")
    kind = _PLAIN.get(status)
    if kind is None:
        return None if status >= 500 else Unreadable(_detail(error, "The request could not be understood."))
    if kind is Unreadable:
        broken = isinstance(error.__cause__, SerializationException)
        return Unreadable("The body is not valid JSON." if broken else "The request could not be read.")
    if kind is NotFound:
        return NotFound("There is nothing at this path.")
    if kind is TooLarge:
        return TooLarge("The body is larger than this path takes.")
    return kind(_detail(error, kind.title))


def _detail(error: HTTPException, otherwise: str) -> str:
    detail = error.detail.strip()
    return otherwise if not detail else detail if detail.endswith((".", "!", "?")) else f"{detail}."


def _validation(request: Request[Any, Any, Any], error: ValidationException) -> AdPlanningError:
    if match := _MISSING.match(error.detail):
        return Invalid(FieldError(match[2], "required", f"The {match[1]} parameter {match[2]} is required."))
    handler: Any = _scope(request).get("route_handler")
    fields: dict[str, Any] = handler.parsed_fn_signature.parameters if handler is not None else {}
    found: list[FieldError] = []
    entries = cast("list[dict[str, Any]]", error.extra if isinstance(error.extra, list) else [])
    body = False
    for entry in entries:
        key = str(entry.get("key", "body"))
        name = re.split(r"[.\[]", key, maxsplit=1)[0]
        if entry.get("source") == "body" or key == "data":
            body = True
        else:
            kind = fields[name].annotation if name in fields else None
            found.append(field_error(key, str(entry.get("message", "")), kind))
    if body:
        raw = _body(request)
        if not raw:
            return Unreadable("The body is empty: send a JSON object.")
        kind = fields["data"].annotation if "data" in fields else Any
        found += body_errors(kind, msgspec.json.decode(raw))
    return Invalid(*(found or [FieldError("body", "invalid", "The request is not valid.")]))
