"""Asking the admin API from a visit's own session: what somebody else would do meanwhile, and clearing up."""

from __future__ import annotations

from typing import Any

from tests.ui.visiting import Visit

ADMIN = "/admin/ad-planning"


async def ask(visit: Visit, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """The answer as JSON; `path` is below the admin API's mount."""
    base = f"{visit.site.origin}{ADMIN}"
    request = visit.page.context.request
    me = await (await request.get(f"{base}/me")).json()
    more: dict[str, Any] = {} if body is None else {"data": body}
    answer = await request.fetch(base + path, method=method, headers={"x-csrf-token": me["csrf_token"]}, **more)
    assert answer.ok, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found
