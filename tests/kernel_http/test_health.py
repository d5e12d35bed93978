"""Health: details behind the admin, one cheap answer for anybody, and what is wrong said in a sentence."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import event, text

from adplanning_plugin.hookspecs import hookimpl
from adplanning_plugin.kernel import migrate
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.health import HealthCheck
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.options import DatabaseOptions, Options
from tests.databases import PostgresServer
from tests.kernel_http.conftest import Store, make_app, make_runtime, serving
from tests.kernel_http.test_problems import ADMIN

pytestmark = pytest.mark.usefixtures("clean")


async def checks(client: AsyncClient) -> dict[str, Any]:
    answers: dict[str, Any] = (await client.get(f"{ADMIN}/operations/health")).json()["checks"]
    return answers


async def test_the_kernels_checks_answer_with_figures(client: AsyncClient) -> None:
    found = await checks(client)
    assert list(found)[:6] == ["database", "role", "migrations", "wakeups", "streams", "partitions"]
    assert found["database"]["status"] == "ok"
    assert found["database"]["milliseconds"] > 0
    assert found["role"] == {"status": "ok", "detail": "Row-level security binds the role adplanning."}
    assert found["wakeups"]["status"] == "ok"


async def test_a_month_without_a_partition_is_a_warning_until_it_has_one(client: AsyncClient, runtime: Runtime) -> None:
    assert (await checks(client))["partitions"]["status"] == "warn"
    bounds = text(
        "SELECT to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month', 'YYYY-MM-DD'),"
        " to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 month', 'YYYY-MM-DD')"
    )
    async with runtime.database.system() as session:
        first, last = (await session.execute(bounds)).one()
        await session.execute(
            text(
                "CREATE TABLE adplanning.event_next PARTITION OF adplanning.event"
                f" FOR VALUES FROM ('{first}Z') TO ('{last}Z')"
            )
        )
    assert (await checks(client))["partitions"]["status"] == "ok"
    async with runtime.database.system() as session:
        await session.execute(text("DROP TABLE adplanning.event_next"))


async def test_work_that_nobody_claims_is_a_warning(client: AsyncClient, runtime: Runtime) -> None:
    async with runtime.database.system() as session:
        due = "now() - interval '5 minutes'"
        late = f"INSERT INTO adplanning.wakeup (tenant_id, queue, due_at) VALUES ('main', 'jobs', {due})"
        await session.execute(text(late))
    found = (await checks(client))["wakeups"]
    assert found["status"] == "warn"
    assert 299 < found["seconds"] < 330
    assert "is a worker running?" in found["detail"]


async def test_missing_migrations_are_named(
    client: AsyncClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "heads", lambda: ("newest",))
    async with runtime.database.system() as session:
        await session.execute(text("CREATE TABLE adplanning.alembic_version (version_num text)"))
    try:
        found = (await checks(client))["migrations"]
        assert found["missing"] == ["newest"]
        response = await client.get(f"{ADMIN}/health")
        assert (response.status_code, response.json()["status"]) == (503, "fail")
        assert found["detail"] == "Revisions are missing: run `adplanning migrate`."
        async with runtime.database.system() as session:
            for revision in found["missing"]:
                await session.execute(text("INSERT INTO adplanning.alembic_version VALUES (:r)"), {"r": revision})
        assert (await checks(client))["migrations"]["status"] == "ok"
    finally:
        async with runtime.database.system() as session:
            await session.execute(text("DROP TABLE adplanning.alembic_version"))


async def test_a_superuser_is_refused(runtime: Runtime, kernel_database: str, postgres_server: PostgresServer) -> None:
    superuser = postgres_server.url(kernel_database.rpartition("/")[2], "postgres")
    other = make_runtime(Options(secret="s" * 32, database=DatabaseOptions(url=superuser)), Store())
    async with serving(make_app(other)) as client:
        found = (await checks(client))["role"]
    await other.database.close()
    assert found["status"] == "fail"
    assert "postgres bypasses row-level security" in found["detail"]


class Checks:
    @hookimpl
    def health_checks(self, runtime: Runtime) -> Any:
        async def broken(_: Runtime) -> dict[str, Any]:
            raise ValueError("jane@example.com")

        async def lagging(_: Runtime) -> dict[str, Any]:
            return {"status": "warn", "detail": "Slow.", "seconds": 3}

        async def of_store(_: Runtime, tenant_id: str) -> dict[str, Any]:
            return {"status": "ok", "detail": f"Rows of {tenant_id}."}

        return (
            HealthCheck(name="broken", run=broken),
            HealthCheck(name="lagging", run=lagging),
            HealthCheck(name="rows", run_of_store=of_store),
        )


async def test_a_check_of_a_plugin_is_asked_and_its_failure_is_an_answer(runtime: Runtime) -> None:
    other = make_runtime(runtime.options, Store(), Checks())
    async with serving(make_app(other)) as client:
        response = await client.get(f"{ADMIN}/health")
    await other.database.close()
    assert (response.status_code, response.json()["status"]) == (503, "fail")
    found = response.json()["checks"]
    assert found["lagging"] == {"status": "warn", "detail": "Slow.", "seconds": 3}
    assert found["broken"]["status"] == "fail"
    assert "jane" not in response.text


async def test_what_a_stores_rows_say_is_told_to_that_store_alone(runtime: Runtime) -> None:
    other = make_runtime(runtime.options, Store(), Checks())
    async with serving(make_app(other)) as client:
        for actor, tenant in (("admin", "main"), ("second", "second")):
            client.headers["x-actor"] = actor
            assert (await checks(client))["rows"]["detail"] == f"Rows of {tenant}."
    await other.database.close()


async def test_the_public_check_is_cheap_and_needs_nobody(runtime: Runtime) -> None:
    other = make_runtime(runtime.options, Store())
    asked = 0

    def count(*_: Any) -> None:
        nonlocal asked
        asked += 1

    event.listen(other.database.engine.sync_engine, "before_cursor_execute", count)
    async with serving(make_app(other)) as client:
        del client.headers["x-actor"]
        for _ in range(30):
            response = await client.get("/web/ad-planning/health")
            assert (response.status_code, response.json()) == (200, {"status": "ok"})
    await other.database.close()
    assert asked <= 2


async def test_a_database_that_is_gone_is_said_in_the_report(runtime: Runtime) -> None:
    options = Options(secret="s" * 32, database=DatabaseOptions(url="postgresql://adplanning@127.0.0.1:1/none"))
    other = make_runtime(options, Store())
    assert other.get(Database)
    async with serving(make_app(other)) as client:
        response = await client.get(f"{ADMIN}/health")
    assert response.status_code == 503
    assert response.json()["checks"]["database"]["detail"].startswith("The database cannot be reached")
