"""Problems: every error under our paths as application/problem+json (RFC 9457), a sentence for each field."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.types import ExceptionHandlersMap


def problem(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer to an exception."""
    raise error


def problem_handlers() -> ExceptionHandlersMap:
    """The exception handlers of our routers."""
    return {Exception: problem}
