"""Background work by the command line: it is done, said in JSON, and ended gracefully; and the document of the API."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable

import pytest
from litestar.testing import AsyncTestClient

from tests.cli.conftest import Terminal, query, store_app, until

pytestmark = [pytest.mark.slow, pytest.mark.processes]
DEAD = "SELECT status, last_error FROM adplanning.work_item WHERE kind = 'nobody:home'"
SLOTS = "SELECT count(*) FROM adplanning.job_slot"
DUE = """
INSERT INTO adplanning.work_item (tenant_id, id, queue, kind, key, max_attempts)
VALUES ('101', 'work_1', 'events', 'nobody:home', 'k', 1) RETURNING 1
"""


async def test_scheduler_and_worker_share_the_work_and_stop_when_told(terminal: Terminal) -> None:
    scheduler = terminal.start("scheduler")
    await until(lambda: query(terminal.url, "SELECT count(*) FROM adplanning.tenant") == [(2,)], "tenants are known")
    await until(lambda: query(terminal.url, SLOTS, "101") != [(0,)], "slots are made")
    done = "SELECT count(*) FROM adplanning.work_item WHERE status = 'done'"
    assert query(terminal.url, done, "101") == [(0,)]

    worker = terminal.start("worker")
    await until(lambda: query(terminal.url, done, "101") != [(0,)], "a slot is worked off")
    query(terminal.url, DUE, "101")
    await until(lambda: query(terminal.url, DEAD, "101")[0][0] == "dead", "unknown work is set aside")

    for process in (worker, scheduler):
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (0, ""), err
        for line in err.splitlines():
            assert line.startswith("{"), err
            assert {"level", "message"} <= set(json.loads(line))
    assert query(terminal.url, "SELECT count(*) FROM adplanning.work_item WHERE status = 'running'", "101") == [(0,)]


async def test_the_printed_document_is_the_one_that_is_served(
    terminal_on: Callable[..., Terminal], database_url: str
) -> None:
    printed = json.loads(terminal_on(database_url).run("openapi").ok())
    async with AsyncTestClient(store_app(database_url), base_url="http://store.local") as client:
        login = await client.post("/auth/login", json={"email": "admin@example.com", "password": "demo"})
        bearer = {"authorization": f"Bearer {login.json()['token']}"}
        client.cookies.clear()
        served = (await client.get("/admin/ad-planning/openapi.json", headers=bearer)).json()
    assert printed == served
    assert "/admin/ad-planning/dashboard" in printed["paths"]


def test_an_object_that_no_app_holds_has_the_same_document(
    terminal_on: Callable[..., Terminal], database_url: str
) -> None:
    bare = json.loads(terminal_on(database_url, ADPLANNING_APP="tests.cli.mini:plugin").run("openapi").ok())
    held = json.loads(terminal_on(database_url, ADPLANNING_APP="tests.cli.mini:app").run("openapi").ok())
    assert bare == held
    assert {"/web/ad-planning/track", "/web/ad-planning/track-conversion"} <= bare["paths"].keys()
