"""Every page that the build knows and where it is, and a walk through one by keyboard; visits are in visiting."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from playwright.async_api import APIRequestContext

from tests.ui.visiting import UI, Site, Visit

API = "/admin/ad-planning"
ONE_OF = {
    "/campaigns/$id": ("/ad-campaigns", "ad_campaigns", "id"),
    "/customers/$id": ("/customers", "customers", "id"),
    "/conversions/$id": ("/conversions?conversion_type=purchase&platform=meta", "conversions", "id"),
    "/goals/$id": ("/goals", "goals", "id"),
    "/operations/runs/$id": ("/operations/runs", "runs", "id"),
}
"""By page of one thing: the list that names one, its rows, and the column that the address wants."""
_ENTRY = re.compile(r'\{ path: "(?P<path>[^"]+)", key: "(?P<key>[^"]+)"')


@dataclass(frozen=True)
class Registered:
    """One line of the pages' registry."""

    path: str
    key: str

    @property
    def name(self) -> str:
        """Of its screenshots."""
        return self.path.strip("/").replace("/", "-").replace("$", "one-") or "dashboard"

    @property
    def is_of_one(self) -> bool:
        """A page of one thing, which no sidebar names."""
        return "$" in self.path


def registered() -> list[Registered]:
    """The lines of src/registry.tsx, in their order."""
    text = (UI / "src" / "registry.tsx").read_text(encoding="utf-8")
    found = [Registered(**match.groupdict()) for match in _ENTRY.finditer(text)]
    assert len(found) == text.count("load: () => import("), (
        "A line of the registry is written in another way than the others."
    )
    return found


async def address(page: Registered, site: Site, request: APIRequestContext) -> str:
    """Where the page is: with the first thing of its list, where it is a page of one."""
    if not page.is_of_one:
        return page.path
    assert page.path in ONE_OF, f"Say in ONE_OF which list {page.path} takes its thing from."
    path, rows, column = ONE_OF[page.path]
    found = await ask(request, site, f"{path}{'&' if '?' in path else '?'}limit=1")
    assert found[rows], f"{path} lists nothing to open {page.path} with."
    return re.sub(r"\$\w+", str(found[rows][0][column]), page.path)


async def ask(request: APIRequestContext, site: Site, path: str) -> Any:
    """What the admin API answers to whoever is signed in."""
    answer = await request.get(f"{site.origin}{API}{path}")
    assert answer.ok, f"{path}: {await answer.text()}"
    return await answer.json()


async def walk(visit: Visit) -> dict[str, list[str]]:
    """Press Tab through the page: controls not reached, those where it is not seen, what only a mouse reaches."""
    found = await visit.survey("listen")
    for _ in range(found["stops"] + 2):
        await visit.page.keyboard.press("Tab")
    return {**await visit.survey("compare"), "deaf": found["deaf"]}
