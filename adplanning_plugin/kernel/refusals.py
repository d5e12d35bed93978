"""Refusals: what a database error means to the caller: try again, a value that cannot be stored, or a duplicate."""

from __future__ import annotations

import errno
import socket

import asyncpg
from sqlalchemy import exc

from adplanning_plugin.kernel.errors import AdPlanningError, Conflict, FieldError, Invalid, Unavailable

RETRY_AFTER = 5
_DOWN = frozenset(
    [
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.ENOSPC,
        errno.EMFILE,
        errno.ENFILE,
        errno.EDQUOT,
        errno.EPIPE,
    ]
)


def database_refusal(error: BaseException) -> AdPlanningError | None:  # noqa: PLR0911 - one return a kind
    """The error as 503, 422 or 409; None where it is no such thing but a mistake of the program."""
    if isinstance(error, exc.TimeoutError):
        return _busy("The database is busy")
    if isinstance(error, exc.DBAPIError):
        if isinstance(_cause(error), asyncpg.DataError):
            return _unstorable()
        if error.connection_invalidated:
            return _down()
        if _is_storage(_cause(error)):
            return _busy("The database has no room")
        return by_sqlstate(_sqlstate(error)) or (_down() if _lost(error) else None)
    if isinstance(error, asyncpg.PostgresError):
        return by_sqlstate(_state_of(error)) or _down()
    if isinstance(error, asyncpg.DataError):
        return _unstorable()
    if isinstance(error, (asyncpg.InterfaceError, ConnectionError, TimeoutError, socket.gaierror)):
        return _down()
    if isinstance(error, OSError):
        unreachable = "Multiple exceptions" in str(error) or ".s.PGSQL" in str(error)
        return _down() if error.errno in _DOWN or unreachable else None
    return None


def by_sqlstate(state: str | None) -> AdPlanningError | None:
    """By PostgreSQL's error class (postgresql.org/docs/current/errcodes-appendix.html)."""
    if state is None:
        return None
    if state.startswith("53"):
        return _busy("The database has no room")
    if state == "57014":
        return _busy("The database took too long")
    if state in {"40001", "40P01", "55P03"}:
        return Unavailable("Somebody changed the same rows; nothing was stored. Try again.", code="busy", retry_after=1)
    if state.startswith(("08", "57", "58")) or state == "25006":
        return _down()
    if state == "23505":
        return Conflict("There is one like it already.", code="duplicate")
    if state.startswith("22"):
        return _unstorable()
    return None


def _down() -> Unavailable:
    message = "The database cannot be reached; nothing was stored. Try again shortly."
    return Unavailable(message, code="database_unavailable", retry_after=RETRY_AFTER)


def _busy(what: str) -> Unavailable:
    message = f"{what}; nothing was stored. Try again shortly."
    return Unavailable(message, code="database_busy", retry_after=RETRY_AFTER)


def _unstorable() -> Invalid:
    message = "A value cannot be stored: a number too large, a NUL character, or a time out of range."
    return Invalid(FieldError("body", "unstorable", message))


def _sqlstate(error: exc.DBAPIError) -> str | None:
    return None if error.orig is None else _state_of(error.orig)


def _state_of(error: BaseException) -> str | None:
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else None


def _cause(error: exc.DBAPIError) -> BaseException | None:
    return error.orig.__cause__ if error.orig is not None else None


def _is_storage(cause: BaseException | None) -> bool:
    """Whether a file could not grow: past a file size limit PostgreSQL knows no state but "internal error"."""
    return isinstance(cause, asyncpg.InternalServerError) and getattr(cause, "server_source_filename", None) == "md.c"


def _lost(error: exc.DBAPIError) -> bool:
    """Whether the driver, not the server, gave up: a closed or broken connection has no SQLSTATE."""
    cause = _cause(error)
    return isinstance(cause, (OSError, asyncpg.InterfaceError)) or isinstance(error, exc.InterfaceError)
