"""Operations: what runs in the background is seen, failed work is replayed, a job is started by hand."""

import csv
import io
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from adplanning_plugin.hookspecs import hookimpl
from adplanning_plugin.kernel.jobs import Cron, Job, JobContext
from adplanning_plugin.kernel.runtime import Runtime
from tests.kernel_http.conftest import Store, make_app, make_runtime, serving
from tests.kernel_http.test_problems import ADMIN, assert_problem

pytestmark = pytest.mark.usefixtures("clean")
OPS = f"{ADMIN}/operations"


async def fill(runtime: Runtime, tenant: str = "main") -> None:
    item = """
        INSERT INTO adplanning.work_item (tenant_id, id, queue, kind, key, status, attempt, max_attempts, last_error)
        VALUES (:t, 'work_1', 'events', 'event:conversions', 'evt_1', 'dead', 8, 8, 'There is no order 1042.'),
               (:t, 'work_2', 'jobs', 'job:expire', 's1', 'done', 1, 8, NULL),
               (:t, 'work_3', 'events', 'event:goals', 'evt_2', 'pending', 0, 8, NULL)
    """
    run = """INSERT INTO adplanning.workflow_run (tenant_id, id, workflow, key, status, input)
             VALUES (:t, 'run_1', 'track', 'k', 'failed', '{"email": "jane@example.com"}')"""
    step = """INSERT INTO adplanning.workflow_step (tenant_id, run_id, position, name, status, output)
              VALUES (:t, 'run_1', 1, 'second', 'started', NULL),
                     (:t, 'run_1', 0, 'first', 'done', '{"value": "jane@example.com"}')"""
    async with runtime.database.transaction(tenant) as session:
        for statement in (item, run, step):
            await session.execute(text(statement), {"t": tenant})


async def listed(client: AsyncClient, path: str, name: str, **headers: str) -> list[str]:
    response = await client.get(f"{OPS}/{path}", headers=headers)
    assert response.status_code == 200, response.text
    return sorted(row["id"] for row in response.json()[name])


async def test_work_is_listed_by_status_kind_and_queue(client: AsyncClient, runtime: Runtime) -> None:
    await fill(runtime)
    assert await listed(client, "work", "work") == ["work_1", "work_2", "work_3"]
    assert await listed(client, "work?status=pending", "work") == ["work_3"]
    assert await listed(client, "work?kind=event:", "work") == ["work_1", "work_3"]
    assert await listed(client, "work?kind=event:goals", "work") == ["work_3"]
    assert await listed(client, "work?queue=jobs", "work") == ["work_2"]
    assert await listed(client, "work", "work", **{"x-actor": "second"}) == []
    assert_problem(await client.get(f"{OPS}/work?status=lost"), 422, "invalid")
    assert (await client.get(f"{OPS}/work/work_1")).json()["work_item"]["last_error"] == "There is no order 1042."
    assert_problem(await client.get(f"{OPS}/work/work_1", headers={"x-actor": "second"}), 404, "not_found")


async def test_a_dead_letter_is_replayed_once(client: AsyncClient, runtime: Runtime) -> None:
    await fill(runtime)
    assert await listed(client, "dead-letters", "dead_letters") == ["work_1"]
    second = await client.post(f"{OPS}/dead-letters/work_1/replay", headers={"x-actor": "second"})
    assert_problem(second, 404, "not_found")
    writer = await client.post(f"{OPS}/dead-letters/work_1/replay", headers={"x-actor": "writer"})
    assert_problem(writer, 403, "missing_scope")
    done = await client.post(f"{OPS}/dead-letters/work_1/replay")
    assert (done.status_code, done.json()) == (202, {"work_item": {"id": "work_1", "status": "pending"}})
    assert await listed(client, "dead-letters", "dead_letters") == []
    item = (await client.get(f"{OPS}/work/work_1")).json()["work_item"]
    assert (item["status"], item["attempt"]) == ("pending", 0)
    assert_problem(await client.post(f"{OPS}/dead-letters/work_1/replay"), 409, "conflict")
    async with runtime.database.system() as session:
        assert (await session.execute(text("SELECT tenant_id, queue FROM adplanning.wakeup"))).all() == [
            ("main", "events")
        ]
    async with runtime.database.reading("main") as session:
        audit = await session.execute(text("SELECT action, object_id FROM adplanning.audit_entry"))
        assert audit.all() == [("dead_letter.replayed", "work_1")]


async def test_many_dead_letters_are_replayed_by_id_or_by_kind(client: AsyncClient, runtime: Runtime) -> None:
    await fill(runtime)
    more = """
        INSERT INTO adplanning.work_item (tenant_id, id, queue, kind, key, status, attempt, max_attempts, last_error)
        SELECT :t, 'dead_' || n, 'jobs', CASE WHEN n < 3 THEN 'job:expire' ELSE 'job:fit' END, 'd' || n,
               'dead', 8, 8, NULL
        FROM generate_series(1, 4) n
    """
    for tenant in ("main", "second"):
        async with runtime.database.transaction(tenant) as session:
            await session.execute(text(more), {"t": tenant})
    path = f"{OPS}/dead-letters/replay"
    asked = {"ids": ["dead_1", "dead_4", "work_2", "work_9"]}
    assert_problem(await client.post(path, json=asked, headers={"x-actor": "writer"}), 403, "missing_scope")
    assert_problem(await client.post(path, json={}), 422, "invalid")
    done = await client.post(path, json=asked)
    assert (done.status_code, done.json()) == (202, {"replayed": 2})
    assert await listed(client, "dead-letters", "dead_letters") == ["dead_2", "dead_3", "work_1"]
    assert (await client.post(path, json={"kind": "job:"})).json() == {"replayed": 2}
    assert await listed(client, "dead-letters", "dead_letters") == ["work_1"]
    assert len(await listed(client, "dead-letters", "dead_letters", **{"x-actor": "second"})) == 4
    assert await listed(client, "work?status=done", "work") == ["work_2"]


async def test_a_run_shows_its_steps_in_order_and_none_of_its_data(client: AsyncClient, runtime: Runtime) -> None:
    await fill(runtime)
    assert await listed(client, "runs?status=failed", "runs") == ["run_1"]
    assert await listed(client, "runs?workflow=other", "runs") == []
    response = await client.get(f"{OPS}/runs/run_1")
    assert [step["name"] for step in response.json()["run"]["steps"]] == ["first", "second"]
    assert "jane" not in response.text
    assert_problem(await client.get(f"{OPS}/runs/run_1", headers={"x-actor": "second"}), 404, "not_found")


class Nightly:
    @hookimpl
    def register_jobs(self, runtime: Runtime) -> Any:
        async def run(_: JobContext) -> None:
            return None

        return (
            Job(name="resolve", schedule=Cron("0 2 * * *"), run=run),
            Job(name="system-wide", schedule=Cron("0 3 * * *"), run=run, system=True),
        )


@pytest.fixture
async def nightly(runtime: Runtime) -> Any:
    other = make_runtime(runtime.options, Store(), Nightly())
    async with serving(make_app(other)) as client:
        yield client
    await other.database.close()


async def test_jobs_show_their_slots_in_the_stores_zone(nightly: AsyncClient, runtime: Runtime) -> None:
    async with runtime.database.transaction("main") as session:
        await session.execute(text("DELETE FROM adplanning.job_slot WHERE tenant_id = 'main'"))
        slot = (
            "INSERT INTO adplanning.job_slot (tenant_id, job, slot) VALUES ('main', 'resolve', '2026-02-06T20:30:00Z')"
        )
        await session.execute(text(slot))
    jobs = {job["name"]: job for job in (await nightly.get(f"{OPS}/jobs")).json()["jobs"]}
    assert set(jobs) == {"resolve", "expire-idempotency-keys"}
    job = jobs["resolve"]
    assert (job["schedule"], job["zone"], job["last_slot"]) == ("0 2 * * *", "Asia/Kolkata", "2026-02-06T20:30:00Z")
    assert job["next_slot"].endswith("T20:30:00Z")  # 02:00 in Kolkata
    assert jobs["expire-idempotency-keys"]["last_slot"] is None


async def test_a_job_is_started_by_hand_and_once_per_idempotency_key(nightly: AsyncClient) -> None:
    headers = {"idempotency-key": "now"}
    first = await nightly.post(f"{OPS}/jobs/resolve/run", headers=headers, json={"payload": {"since": "2026-01-01"}})
    again = await nightly.post(f"{OPS}/jobs/resolve/run", headers=headers, json={"payload": {"since": "2026-01-01"}})
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert await listed(nightly, "work?kind=job:resolve", "work") == [first.json()["work_item"]["id"]]
    assert (await nightly.post(f"{OPS}/jobs/resolve/run")).status_code == 202
    for name in ("nothing", "system-wide"):
        assert_problem(await nightly.post(f"{OPS}/jobs/{name}/run"), 404, "not_found")


async def test_the_links_report_names_every_entity(client: AsyncClient) -> None:
    body = (await client.get(f"{ADMIN}/links")).json()
    assert {"order", "person", "ad_campaign"} <= {link["entity"] for link in body["links"]}
    assert body["count"] == len(body["links"])


async def test_jobs_are_a_file_as_well(client: AsyncClient) -> None:
    jobs = (await client.get(f"{OPS}/jobs")).json()["jobs"]
    file = await client.get(f"{OPS}/jobs", headers={"accept": "text/csv"})
    assert file.headers["content-type"].startswith("text/csv")
    read = list(csv.DictReader(io.StringIO(file.text)))
    assert [row["name"] for row in read] == [job["name"] for job in jobs]
    assert list(read[0]) == list(jobs[0])
