"""Errors: sentences for the person who can act on them, each with its HTTP status and code (RFC 9457)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field: where, a stable code, and a sentence that names the fix."""

    field: str
    code: str
    message: str


class AdPlanningError(Exception):
    """Base of every error the plugin raises on purpose."""

    status: ClassVar[int] = 500
    code: str = "internal"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        errors: tuple[FieldError, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.code = code or type(self).code
        self.errors = errors
        self.retry_after = retry_after


class Unreadable(AdPlanningError):
    """400: the request could not be parsed at all."""

    status, code, title = 400, "unreadable", "The request could not be read"


class Unauthorized(AdPlanningError):
    """401: nobody is signed in, or the key is unknown."""

    status, code, title = 401, "unauthorized", "Sign in first"


class Forbidden(AdPlanningError):
    """403: signed in, but a scope, an origin or a CSRF token is missing."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(AdPlanningError):
    """404: no such object for this tenant (another tenant's object is no object)."""

    status, code, title = 404, "not_found", "Not found"


class Conflict(AdPlanningError):
    """409: wrong state, a stale version, or a duplicate."""

    status, code, title = 409, "conflict", "Conflict"


class TooLarge(AdPlanningError):
    """413: the body exceeds the cap."""

    status, code, title = 413, "too_large", "The body is too large"


class Invalid(AdPlanningError):
    """422: understood, but one or more fields are invalid; nothing was changed."""

    status, code, title = 422, "invalid", "Some fields are invalid"

    def __init__(self, *errors: FieldError, detail: str = "", code: str | None = None) -> None:
        super().__init__(detail or " ".join(error.message for error in errors), code=code, errors=errors)


class TooMany(AdPlanningError):
    """429: over the rate limit; `retry_after` says when to come back (seconds)."""

    status, code, title = 429, "rate_limited", "Too many requests"


class Unavailable(AdPlanningError):
    """503: the database is down, slow or full; nothing was stored; `retry_after` in seconds."""

    status, code, title = 503, "unavailable", "Try again shortly"


class ConfigurationError(AdPlanningError):
    """Raised at boot: the sentence names the setting, link or hook and what to write instead."""

    code, title = "configuration", "The plugin is not configured"
