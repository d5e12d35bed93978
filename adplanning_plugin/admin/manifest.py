"""The manifest: which pages and widgets there are, in their groups, and those that the caller may open. Draws none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from litestar import Controller, get
from litestar.di import NamedDependency

from adplanning_plugin.hookspecs import AdminPage
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.runtime import MANAGE, PII, READ, WRITE, Runtime

GROUPS = {
    "overview": "Overview",
    "performance": "Performance",
    "conversions": "Conversions",
    "setup": "Setup",
}
"""Groups of the built-in pages, in order; a plugin's own group stands before the set-up under the name it has."""
LAST_GROUP = "setup"
KINDS = ("page", "widget")
SCOPES = (READ, WRITE, MANAGE, PII)
PLACES = ("order", "person", "conversion", "campaign")


class ManifestController(Controller):
    """What the frame asks first: where it can go."""

    path = "/ui"
    tags = ("admin",)

    @get("/manifest", operation_id="getManifest", summary="Pages and widgets that the actor may open")
    async def manifest(self, call: NamedDependency[AdminCall]) -> dict[str, Any]:
        """Ordered by group, order and key; what needs a scope that the actor lacks is left out."""
        allowed = [page for page in pages(call.runtime) if page.scope in call.actor.scopes]
        shown = [page for page in allowed if page.kind == "page"]
        return {
            "groups": [
                {"key": key, "title": GROUPS.get(key, key), "pages": [page.key for page in shown if page.group == key]}
                for key in dict.fromkeys(page.group for page in shown)
            ],
            "pages": shown,
            "widgets": [page for page in allowed if page.kind == "widget"],
            "scopes": sorted(call.actor.scopes),
        }


def pages(runtime: Runtime) -> list[AdminPage]:
    """Every registered page and widget, in order.

    Raises:
        ConfigurationError: two plugins register the same key, or a page cannot be opened as it is declared.
    """
    from adplanning_plugin.kernel.work import registered

    found: dict[str, AdminPage] = {}
    owners: dict[str, str] = {}
    for owner, page in registered(runtime, "register_admin_pages"):
        if page.key in found:
            raise ConfigurationError(f"Admin page {page.key!r} is registered by {owners[page.key]} and by {owner}.")
        _check(owner, page)
        found[page.key], owners[page.key] = page, owner
    return sorted(found.values(), key=lambda page: (_place(page.group), page.order, page.key))


def frame_sources(found: Sequence[AdminPage]) -> list[str]:
    """Origins other than the app's own that pages show in an iframe: what a content security policy has to name."""
    addresses = [urlsplit(page.frame) for page in found if not page.frame.startswith("/")]
    return sorted({f"{address.scheme}://{address.netloc}" for address in addresses if address.netloc})


def _place(group: str) -> tuple[int, str]:
    known = list(GROUPS)
    if group == LAST_GROUP:
        return len(known), ""
    return (known.index(group), "") if group in known else (len(known) - 1, group)


def _check(owner: str, page: AdminPage) -> None:
    wrong = ""
    if page.kind not in KINDS:
        wrong = f"kind must be page or widget, not {page.kind!r}"
    elif page.kind == "page" and not page.path.startswith("/"):
        wrong = "path must start with /, and is taken below the app's own path"
    elif page.kind == "widget" and ("-" not in page.element or page.place not in PLACES):
        wrong = f"a widget needs element, a name with a hyphen, and place, one of {', '.join(PLACES)}"
    elif page.scope not in SCOPES:
        wrong = f"scope must be one of {', '.join(SCOPES)}"
    elif page.module and page.frame:
        wrong = "module and frame are two ways to draw it: give one"
    elif page.module and not _is_path(page.module):
        wrong = "module must be a path on the app's own origin, such as /my-plugin/page.js: serve the file yourself"
    elif page.frame and not (_is_path(page.frame) or page.frame.startswith("https://")):
        wrong = "frame must be a path on the app's own origin, or an https address"
    if wrong:
        raise ConfigurationError(f"Admin page {page.key!r} of {owner}: {wrong}.")


def _is_path(address: str) -> bool:
    return address.startswith("/") and not address.startswith(("//", "/\\"))
