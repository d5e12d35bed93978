"""Operations and linked data: health, jobs started by hand, failures tried again, what is not linked."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.ui.visiting import THEMES, WIDTHS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGES = [
    ("/operations?tab=jobs", "operations-jobs"),
    ("/operations?tab=work&status=done", "operations-work"),
    ("/operations?tab=dead", "operations-dead-letters"),
    ("/operations?tab=runs", "operations-runs"),
]
FAILED: dict[str, Any] = {
    "queue": "events",
    "kind": "event:tracking.linked",
    "status": "dead",
    "due_at": "2026-11-20T10:00:00Z",
    "attempt": 8,
    "max_attempts": 8,
    "progress": None,
    "last_error": "The store's answer could not be read: <b>=cmd()</b>",
    "created_at": "2026-11-20T09:00:00Z",
    "done_at": None,
}


@pytest.mark.parametrize(("path", "name"), PAGES)
async def test_each_page_is_accessible_and_quiet(open_page: OpenPage, path: str, name: str) -> None:
    visit = await open_page(path)
    await visit.check(name, widths=WIDTHS, themes=THEMES)


async def test_a_job_is_started_and_its_run_stands_in_its_history(open_page: OpenPage) -> None:
    visit = await open_page("/operations?tab=jobs")
    page = visit.page
    await page.get_by_role("button", name="Run now: Forget old request keys").click()
    await expect(page.get_by_text("Forget old request keys: done")).to_be_visible(timeout=60_000)
    await page.get_by_role("button", name="History of Forget old request keys").click()
    drawer = page.get_by_role("dialog", name="Forget old request keys")
    await expect(drawer.get_by_role("row", name=re.compile("Hand Done")).first).to_be_visible()
    assert visit.search() == {"tab": "jobs", "open": "expire-idempotency-keys"}
    await visit.check("operations-job")


async def test_a_piece_of_work_opens_and_the_tabs_keep_their_filters_apart(open_page: OpenPage) -> None:
    visit = await open_page("/operations?tab=work&status=done&kind=job:")
    page = visit.page
    await page.get_by_role("button", name=re.compile("^Job: .*: open$")).first.click()
    await expect(page.get_by_role("dialog", name="Piece of work").get_by_text("Done")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("tab", name="Workflow runs").click()
    await visit.settle()
    assert visit.search() == {"tab": "runs"}
    await page.go_back()
    await visit.settle()
    await expect(page.get_by_role("combobox", name="Kind")).to_have_value("job:")


async def test_what_failed_says_why_as_text_and_is_tried_again_one_or_all(open_page: OpenPage) -> None:
    visit = await open_page(None)
    page = visit.page
    waiting = {name: {**FAILED, "id": name, "key": name} for name in ("work_a", "work_b", "work_c")}
    replayed: list[str] = []

    async def dead(route: Route) -> None:
        rows = list(waiting.values())
        await route.fulfill(json={"dead_letters": rows, "count": len(rows), "offset": 0, "limit": 25})

    async def replay(route: Route) -> None:
        item = route.request.url.split("/")[-2]
        replayed.append(item)
        waiting.pop(item)
        await route.fulfill(status=202, json={"work_item": {"id": item, "status": "pending"}})

    async def replay_many(route: Route) -> None:
        ids = route.request.post_data_json["ids"]
        for item in ids:
            replayed.append(item)
            waiting.pop(item)
        await route.fulfill(status=202, json={"replayed": len(ids)})

    await page.route("**/operations/dead-letters?*", dead)
    await page.route("**/operations/dead-letters/replay", replay_many)
    await page.route("**/operations/dead-letters/*/replay", replay)
    await visit.go("/operations?tab=dead")
    await expect(page.get_by_text(FAILED["last_error"]).first).to_be_visible()
    await page.get_by_role("button", name=re.compile("^Try again: ")).first.click()
    await expect(page.get_by_role("button", name=re.compile("^Try again: "))).to_have_count(2)
    await page.get_by_role("button", name="Try all 2 shown again").click()
    confirm = page.get_by_role("dialog", name="Try 2 again?")
    assert await visit.axe() == []
    await confirm.get_by_role("button", name="Try them again").click()
    await expect(page.get_by_text("Nothing has failed for good")).to_be_visible()
    assert sorted(replayed) == ["work_a", "work_b", "work_c"]


async def test_a_run_shows_its_steps_in_order(open_page: OpenPage) -> None:
    visit = await open_page(None)
    page = visit.page
    run: dict[str, Any] = {
        "id": "run_a",
        "workflow": "send-to-sink",
        "key": "order-1",
        "status": "failed",
        "error": "The sink refused it.",
        "created_at": "2026-11-20T09:00:00Z",
        "finished_at": "2026-11-20T09:00:12Z",
    }
    steps = [
        {"position": 0, "name": "collect", "status": "done", "attempt": 1, "error": None, "finished_at": None},
        {"position": 1, "name": "send", "status": "failed", "attempt": 3, "error": "503", "finished_at": None},
    ]

    async def runs(route: Route) -> None:
        await route.fulfill(json={"runs": [run], "count": 1, "offset": 0, "limit": 25})

    async def one(route: Route) -> None:
        await route.fulfill(json={"run": {**run, "steps": steps}})

    await page.route("**/operations/runs?*", runs)
    await page.route("**/operations/runs/run_a", one)
    await visit.go("/operations?tab=runs")
    await page.get_by_role("button", name=re.compile("^Send to sink of")).click()
    drawer = page.get_by_role("dialog", name="Workflow run")
    await expect(drawer.get_by_role("listitem")).to_contain_text(["Collect", "Send"])
    await expect(drawer.get_by_text("tried 3 times")).to_be_visible()
    await visit.check("operations-run")


async def test_a_missing_column_says_what_it_switches_off_and_what_to_write(open_page: OpenPage) -> None:
    visit = await open_page("/settings/links?show=lacking")
    page = visit.page
    entity = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Lead", exact=True))
    await expect(entity.get_by_text("leads have no value")).to_be_visible()
    await entity.get_by_text("How to fix it").click()
    await expect(entity.get_by_text('Link(entity="lead"')).to_be_visible()
    await expect(page.get_by_role("heading", name="Website", exact=True)).to_have_count(0)


async def test_who_does_not_manage_the_set_up_may_not_open_operations(open_page: OpenPage) -> None:
    visit = await open_page("/operations", email="viewer@example.com")
    await expect(visit.page.get_by_text("Your account may not open this page")).to_be_visible()
    await expect(visit.page.get_by_role("link", name="Operations")).to_have_count(0)
    await visit.check("operations-not-allowed")
    await visit.go("/settings/links")
    await expect(visit.page.get_by_role("heading", name="How fresh the figures are")).to_be_visible()


async def test_a_broken_check_stands_first_and_is_said_in_words(open_page: OpenPage) -> None:
    visit = await open_page(None)

    async def sick(route: Route) -> None:
        checks = {
            "database": {"status": "ok", "detail": "The database answers."},
            "wakeups": {
                "status": "fail",
                "detail": "Work has waited 900 seconds: is a worker running?",
                "seconds": 900,
            },
        }
        await route.fulfill(json={"status": "fail", "checks": checks})

    await visit.page.route("**/operations/health", sick)
    await visit.go("/operations")
    await expect(visit.page.get_by_text("Something is broken")).to_be_visible()
    first = visit.page.get_by_role("region", name="Health").get_by_role("listitem").first
    await expect(first).to_contain_text("Broken")
    await expect(first).to_contain_text("is a worker running?")
