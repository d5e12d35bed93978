"""Counts what a hand does in a tab: presses of the pointer, keys outside of fields, lists chosen from; no letters."""

from __future__ import annotations

from typing import Any, cast

from playwright.async_api import Page

LIMIT = 8
"""Clicks from the dashboard within which a question has to be answered."""
_WATCH = """
(() => {
  const tell = (what, cost) => globalThis.adplanningCount?.(what, cost)
  const isField = (each) => each?.matches?.("input:not([type=checkbox], [type=radio]), textarea")
  const named = (each) => (each?.getAttribute?.("aria-label") || each?.textContent || "").trim().slice(0, 50)
  addEventListener("pointerdown", (event) => event.isTrusted && tell(`press ${named(event.target)}`, 1), true)
  addEventListener("keydown", (event) => event.isTrusted && !isField(event.target) && tell(`key ${event.key}`, 1), true)
  // Playwright chooses without a pointer; a person opens the list, then presses its line.
  addEventListener("change", ({ target }) => target.matches("select") && tell(`choose ${named(target)}`, 2), true)
})()
"""


class Clicks:
    """The tally of one tab, from the moment it is asked for."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int]] = []

    @property
    def count(self) -> int:
        return sum(cost for _, cost in self.done)

    @classmethod
    async def of(cls, page: Page) -> Clicks:
        """Count from now on, through whatever pages follow."""
        clicks = cls()
        await cast("Any", page).expose_function("adplanningCount", clicks._noted)
        await page.add_init_script(_WATCH)
        await page.evaluate(_WATCH)
        return clicks

    def _noted(self, what: str, cost: int) -> None:
        self.done.append((what, cost))

    def within(self, limit: int = LIMIT) -> None:
        """No more than that, and not none: a question is not answered by looking at where one was."""
        assert 0 < self.count <= limit, f"{self.count} clicks, {limit} at most: {self.done}"
