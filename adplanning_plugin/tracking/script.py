"""Script: serves the built tracker.js, with an ETag and caching; the key it needs stands in its own script tag."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litestar import Request, Response, get
from litestar.params import FromQuery

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

    from adplanning_plugin.kernel.runtime import Runtime

_FOLDER = Path(__file__).parent


@cache
def script() -> tuple[bytes, str]:
    """The script, and its ETag."""
    content = (_FOLDER / "tracker.js").read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def script_route(runtime: Runtime, path: str) -> HTTPRouteHandler:
    """`GET` of the script. Its path is an option, because ad blockers know the usual places."""
    # Below the public path it is described with the other routes; elsewhere it would be among the host's.
    listed: dict[str, Any] = {} if path and runtime.options.paths.script != path else {"include_in_schema": False}

    @get(
        path,
        name="adplanning:script",
        operation_id="getTrackerScript",
        summary="The tracker script",
        tags=["storefront"],
        security=[{}],
        media_type="text/javascript",
        sync_to_thread=False,
        **listed,
    )
    def tracker(request: Request[Any, Any, Any], v: FromQuery[str | None] = None) -> Response[bytes]:
        """The tracker. `?v=<anything>` makes the address unique, and the copy good for a year."""
        content, tag = script()
        age = "public, max-age=31536000, immutable" if v else "public, max-age=3600, stale-while-revalidate=86400"
        headers = {
            "etag": tag,
            "cache-control": age,
            "cross-origin-resource-policy": "cross-origin",
            "access-control-allow-origin": "*",
            "x-content-type-options": "nosniff",
        }
        if tag in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        return Response(content, media_type="text/javascript", headers=headers)

    return tracker
