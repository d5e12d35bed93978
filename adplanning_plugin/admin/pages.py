"""The admin pages: their shell at any address below `options.paths.app`, and the files that the build made.

The shell holds no data and needs no session: whoever opens it asks the admin API, which is guarded.
"""

from __future__ import annotations

import gzip
import html
import mimetypes
import os
import re
import secrets
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from adplanning_plugin.admin.manifest import frame_sources, pages
from adplanning_plugin.admin.page_files import page_files
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.options import Options

STATIC = Path(os.environ.get("ADPLANNING_UI_STATIC") or Path(__file__).parent / "static")
"""What the build made; the variable names another build, for work on the pages."""
MISSING = (
    "The admin pages are not built: run `python hatch_build.py` in the checkout (it needs the npm registry), "
    "or install a released wheel, which carries them."
)
_YEAR = "public, max-age=31536000, immutable"
_COMPRESSIBLE = {".js", ".css", ".html", ".json", ".svg"}
_SMALLEST_COMPRESSED = 1024
_SCRIPT = re.compile(r"<script(?=[ >])")
_PRELOAD = '<link rel="modulepreload"'

Answer = Response[Any]
AnyRequest = Request[Any, Any, Any]


def page_routes(runtime: Runtime, static: Path = STATIC) -> Sequence[ControllerRouterHandler]:
    """The pages at `options.paths.app`; the files of the build below `assets/` and `widgets/`."""
    options = runtime.options
    app = options.paths.app.rstrip("/")

    @get([app or "/", f"{app}/{{page:path}}"], include_in_schema=False, sync_to_thread=False)
    def shell(request: AnyRequest) -> Answer:
        code = page_files(static, request.path_params.get("page", ""))
        return shell_response(options, static, _root_path(request), frame_sources(pages(runtime)), code)

    @get(f"{app}/assets/{{name:str}}", include_in_schema=False, sync_to_thread=True)
    def asset(request: AnyRequest, name: FromPath[str]) -> Answer:
        # Vite puts a hash of the content into the name.
        return file_response(request, static / "assets", name, _YEAR)

    @get(f"{app}/widgets/{{name:str}}", include_in_schema=False, sync_to_thread=True)
    def widget(request: AnyRequest, name: FromPath[str]) -> Answer:
        return file_response(request, static / "widgets", name, "public, max-age=300")

    return (shell, asset, widget)


def shell_response(
    options: Options, static: Path, root_path: str, frames: Sequence[str] = (), code: Sequence[str] = ()
) -> Answer:
    """The document of every page, with where it is mounted, a nonce that no other response has, and the page's code."""
    nonce = secrets.token_urlsafe(18)
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "same-origin"}
    try:
        document = (static / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        return Response(MISSING, status_code=503, media_type="text/plain", headers=headers)
    headers["content-security-policy"] = content_security_policy(nonce, options.pages.frame_ancestors, frames)
    root = root_path.rstrip("/")
    head = [
        f'<base href="{html.escape(root + options.paths.app.rstrip("/"))}/">',
        f'<meta property="csp-nonce" nonce="{nonce}">',
        _meta("api", root + options.paths.admin),
        *(_meta(name, value) for name in ("login", "home") if (value := _url(options, name, root))),
    ]
    if options.pages.host_script:
        head.append(f'<script src="{html.escape(_mounted(options.pages.host_script, root))}"></script>')
    ahead = "".join(f'{_PRELOAD} crossorigin href="./{html.escape(file)}">' for file in code)
    document = document.replace("<head>", "<head>" + "".join(head), 1).replace("</head>", f"{ahead}</head>", 1)
    # The policy asks for the nonce of what is fetched ahead, too.
    document = _SCRIPT.sub(f'<script nonce="{nonce}"', document).replace(_PRELOAD, f'{_PRELOAD} nonce="{nonce}"')
    return Response(document, media_type="text/html", headers=headers)


def content_security_policy(nonce: str, frame_ancestors: Sequence[str], frames: Sequence[str] = ()) -> str:
    """Scripts and styles by nonce, and what those load; nothing inline, nothing from elsewhere."""
    rules = {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}' 'strict-dynamic'",
        "style-src": f"'self' 'nonce-{nonce}'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "frame-src": " ".join(("'self'", *frames)),
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(frame_ancestors) or "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def file_response(request: AnyRequest, folder: Path, name: str, cache: str) -> Answer:
    """A file of the build, compressed where the browser takes it; a name is one name, never a way out of the folder."""
    path = folder / name
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if name in {".", ".."} or "/" in name or "\\" in name or "\0" in name or not path.is_file():
        return Response("There is no such file.", status_code=404, media_type="text/plain", headers=headers)
    content, packed = _read(path, path.stat().st_mtime_ns)
    headers |= {"cache-control": cache, "vary": "accept-encoding"}
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if path.suffix == ".js":
        media_type = "text/javascript"
    if packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, media_type=media_type, headers=headers | {"content-encoding": "gzip"})
    return Response(content, media_type=media_type, headers=headers)


@lru_cache(maxsize=128)
def _read(path: Path, _modified: int) -> tuple[bytes, bytes | None]:
    content = path.read_bytes()
    if path.suffix not in _COMPRESSIBLE or len(content) < _SMALLEST_COMPRESSED:
        return content, None
    return content, gzip.compress(content, 9, mtime=0)


def _root_path(request: AnyRequest) -> str:
    return str(cast("dict[str, Any]", request.scope).get("root_path", ""))


def _meta(name: str, value: str) -> str:
    return f'<meta name="adplanning-{name}" content="{html.escape(value)}">'


def _url(options: Options, name: str, root: str) -> str | None:
    value = options.pages.login_url if name == "login" else options.pages.home_url
    return None if not value else _mounted(value, root)


def _mounted(address: str, root: str) -> str:
    """A path of the host's below the root path it is served at; a whole address as it is."""
    return address if urlsplit(address).scheme or address.startswith("//") else root + address
