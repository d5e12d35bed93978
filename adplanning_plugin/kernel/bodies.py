"""Bodies: what no JSON body may carry, refused before a handler sees it. Fields are checked by their structs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import msgspec
from litestar import Request

from adplanning_plugin.kernel.errors import FieldError, Invalid, Unreadable

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


async def check_body(request: Request[Any, Any, Any]) -> None:
    """Refuse text with NUL characters, which PostgreSQL cannot store, naming the fields."""
    if request.method not in _UNSAFE:
        return
    raw = await request.body()
    if b"\\u0000" not in raw or "json" not in request.headers.get("content-type", "json"):
        return
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("The body is not valid JSON.") from error
    fields = list(dict.fromkeys(_with_nul(value, "")))[:20]
    if fields:
        raise Invalid(*(FieldError(f, "invalid_text", f"{f} must not contain a NUL character.") for f in fields))


def _with_nul(value: object, path: str) -> Iterator[str]:
    if isinstance(value, str):
        if "\x00" in value:
            yield path or "body"
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            if "\x00" in key:
                yield path or "body"
            else:
                yield from _with_nul(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for position, inner in enumerate(cast("list[object]", value)):
            yield from _with_nul(inner, f"{path}[{position}]")
