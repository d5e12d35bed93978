"""From nothing to installed and back: migrate, doctor, maintain, and an uninstall that leaves the store as it was."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from alembic import command
from alembic.config import Config

from adplanning_plugin.embedded.binaries import postgres_bin
from adplanning_plugin.kernel import migrate
from tests.cli.conftest import SECRET, Terminal, query, store_app
from tests.databases import PostgresServer, aside, declared_tables

PARTITIONS = (
    "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_inherits i "
    "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'adplanning.event'::regclass ORDER BY 1"
)


def month(ahead: int) -> str:
    today = datetime.now(UTC).date()
    number = today.year * 12 + today.month - 1 + ahead
    return f"event_{number // 12:04d}_{number % 12 + 1:02d}"


def host_schema(url: str) -> str:
    """What `pg_dump --schema-only` says of a database, without what differs from one dump to the next."""
    parts = urlsplit(url)
    address = ["-h", str(parts.hostname), "-p", str(parts.port), "-U", str(parts.username), parts.path[1:]]
    said = subprocess.run(
        [str(postgres_bin() / "pg_dump"), "--schema-only", *address],
        env={"PGPASSWORD": unquote(parts.password or ""), "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )
    return "\n".join(line for line in said.stdout.splitlines() if not re.match(r"\\(un)?restrict |--", line))


def open_store(url: str) -> None:
    """The store makes its own tables, as it does without the plugin."""

    async def run() -> None:
        async with store_app(url, plugin=False).lifespan():
            pass

    aside(run)


def test_migrate_makes_the_tables_and_the_coming_months_and_does_no_harm_twice(
    terminal_on: Callable[..., Terminal], empty_database_url: str
) -> None:
    terminal = terminal_on(empty_database_url)
    assert terminal.run("migrate").ok() == f"The schema is at {', '.join(migrate.heads())}.\n"
    made = query(empty_database_url, PARTITIONS)
    assert {month(ahead) for ahead in range(-1, 4)} | {"event_default"} == {name for name, _ in made}
    assert all(secured for _, secured in made)
    terminal.run("migrate", "--url", empty_database_url, ADPLANNING_APP="").ok()
    assert query(empty_database_url, PARTITIONS) == made


def test_maintain_makes_months_drops_expired_ones_and_purges_what_is_done(terminal: Terminal) -> None:
    def damage(connection: object) -> None:
        run = connection.exec_driver_sql  # type: ignore[attr-defined]
        run("CREATE TABLE adplanning.event_2019_01 PARTITION OF adplanning.event "
            "FOR VALUES FROM ('2019-01-01T00:00Z') TO ('2019-02-01T00:00Z')")  # fmt: skip
        run("INSERT INTO adplanning.tenant (id, zone, currency) VALUES ('101', 'UTC', 'INR') ON CONFLICT DO NOTHING")
        run("SET LOCAL app.tenant_id = '101'")
        run("INSERT INTO adplanning.work_item (tenant_id, id, queue, kind, key, status, max_attempts, done_at) "
            "VALUES "
            "('101', 'old', 'events', 'k', 'old', 'done', 8, now() - interval '60 days'), "
            "('101', 'new', 'events', 'k', 'new', 'done', 8, now())")  # fmt: skip

    migrate._run(terminal.url, damage)
    said = terminal.run("maintain").ok()
    assert "dropped event_2019_01" in said
    assert f"made {month(3)}" in said
    assert "101: 1 rows of done work" in said
    assert all(secured for _, secured in query(terminal.url, PARTITIONS))
    assert query(terminal.url, "SELECT id FROM adplanning.work_item", "101") == [("new",)]


def finding(terminal: Terminal, subject: str, status: int = 1, **settings: str) -> list[dict[str, str]]:
    said = terminal.run("doctor", "--json", **settings)
    assert said.status == status, said
    return [found for found in json.loads(said.out) if found["subject"] == subject]


def test_doctor_finds_a_new_store_sound_and_advises_indexes(terminal: Terminal) -> None:
    said = terminal.run("doctor")
    assert said.status == 0, said
    assert re.search(r"^ok +role: adplanning is an ordinary role\.$", said.out, re.MULTILINE)
    assert f"At {', '.join(migrate.heads())}" in said.out
    assert re.search(r"^advice +indexes: .*CREATE INDEX CONCURRENTLY ON store\.", said.out, re.MULTILINE)
    assert "FAIL" not in said.out
    assert SECRET not in said.out


def test_doctor_names_the_fix_of_each_thing_that_is_wrong(
    terminal_on: Callable[..., Terminal], postgres_server: PostgresServer, database_url: str, empty_database_url: str
) -> None:
    name = database_url.rpartition("/")[2]
    [schema] = finding(terminal_on(empty_database_url), "schema")
    assert (schema["status"], "run `adplanning migrate`" in schema["sentence"]) == ("fail", True)

    [role] = finding(terminal_on(postgres_server.url(name, "postgres")), "role")
    assert (role["status"], "CREATE ROLE adplanning LOGIN NOSUPERUSER" in role["sentence"]) == ("fail", True)

    bare = terminal_on(database_url, ADPLANNING_APP="tests.cli.mini:bare")
    said = json.loads(bare.run("doctor", "--json").out)
    found = {one["subject"]: one for one in said}
    assert (found["secret"]["status"], "set ADPLANNING_SECRET" in found["secret"]["sentence"]) == ("fail", True)
    assert (found["guard"]["status"], "provide_admin_guard" in found["guard"]["sentence"]) == ("fail", True)
    assert (found["events"]["status"], "provide_event_bus" in found["events"]["sentence"]) == ("advice", True)


def test_doctor_names_the_grants_that_a_role_lacks(
    terminal_on: Callable[..., Terminal], postgres_server: PostgresServer, database_url: str
) -> None:
    name, role = database_url.rpartition("/")[2], f"reader_{os.getpid()}"
    postgres_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'reader'")
    try:
        parts = urlsplit(database_url)
        url = parts._replace(netloc=f"{role}:reader@{parts.hostname}:{parts.port}").geturl()
        terminal = terminal_on(url, ADPLANNING_APP="tests.cli.mini:plugin")
        open_mini = "CREATE SCHEMA mini; CREATE TABLE mini.sales (uid uuid PRIMARY KEY, member_uid uuid, mail text, "
        open_mini += "cents bigint, standing text, basket text, sold timestamp)"
        postgres_server.execute(open_mini, database=name)
        [ours] = finding(terminal, "schema")
        assert (
            f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA adplanning TO "{role}";' in ours["sentence"]
        )
        theirs = " ".join(one["sentence"] for one in finding(terminal, "links.order"))
        assert f"GRANT USAGE ON SCHEMA mini TO {role};" in theirs
        assert f"GRANT SELECT ON mini.sales TO {role};" in theirs
        [fix] = re.findall(r"GRANT USAGE ON SCHEMA adplanning.*", ours["sentence"])
        postgres_server.execute(*fix.split("; "), database=name)
        [mended] = finding(terminal, "schema")
        assert mended["status"] == "ok"
    finally:
        postgres_server.execute(f"DROP OWNED BY {role}", database=name)
        postgres_server.execute(f"DROP ROLE {role}")


def test_doctor_warns_of_a_role_whose_new_tables_land_in_our_schema(
    terminal: Terminal, postgres_server: PostgresServer
) -> None:
    name = terminal.url.rpartition("/")[2]
    postgres_server.execute(f'ALTER ROLE adplanning IN DATABASE "{name}" SET search_path = "$user", public')
    warned = finding(terminal, "role", status=0)
    assert [one["status"] for one in warned] == ["warn", "ok"]
    assert 'ALTER ROLE "adplanning" SET search_path = public;' in warned[0]["sentence"]


def test_uninstall_exports_every_table_and_leaves_the_stores_schema_byte_for_byte(
    terminal_on: Callable[..., Terminal], empty_database_url: str, tmp_path: Path
) -> None:
    url = empty_database_url
    open_store(url)
    before = host_schema(url)
    terminal = terminal_on(url)
    terminal.run("migrate").ok()
    assert host_schema(url) != before
    gone = "INSERT INTO adplanning.tenant (id, zone, currency) VALUES ('gone', 'UTC', 'EUR') RETURNING 1"
    assert query(url, gone) == [(1,)]
    mark = "INSERT INTO adplanning.watermark (tenant_id, reader, position) VALUES ('gone', 'r', '{}') RETURNING 1"
    assert query(url, mark, "gone") == [(1,)]

    unsure = terminal.run("uninstall", given="yes\n")
    assert (unsure.status, "Nothing was changed" in unsure.out) == (1, True)
    assert terminal.run("uninstall").status == 1  # nobody there to ask
    assert query(url, "SELECT count(*) FROM adplanning.tenant") == [(1,)]

    query(url, "CREATE TABLE adplanning.their_own (id int)")
    target = tmp_path / "export.zip"
    assert "adplanning.their_own" in _last_line(terminal.run("uninstall", "--no-export", given="uninstall\n").err)
    query(url, "DROP TABLE adplanning.their_own")

    said = terminal.run("uninstall", "--export", str(target), given="uninstall\n").ok()
    assert f"2 rows exported to {target}" in said
    with zipfile.ZipFile(target) as archive:
        tables = {table.name for table in declared_tables().tables.values()}
        assert set(archive.namelist()) == {f"{name}.csv" for name in tables}
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open("watermark.csv"), "utf-8")))
    assert [(row["tenant_id"], row["reader"]) for row in rows] == [("gone", "r")]
    assert target.stat().st_mode & 0o777 == 0o600
    assert host_schema(url) == before


def _last_line(text: str) -> str:
    return text.splitlines()[-1]


def test_uninstall_takes_our_revision_out_of_the_hosts_own_version_table(
    terminal_on: Callable[..., Terminal], empty_database_url: str, tmp_path: Path
) -> None:
    from tests.migrations.test_environment import HOST_ENV, HOST_REVISION

    url = empty_database_url
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(HOST_ENV)
    (tmp_path / "versions" / "host1.py").write_text(HOST_REVISION)
    config = Config()
    config.set_main_option("script_location", str(tmp_path))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = migrate.asyncpg_url(url)
    config.set_main_option("version_locations", str(tmp_path / "versions"))
    command.upgrade(config, "heads")
    before = host_schema(url)
    both = os.pathsep.join([str(tmp_path / "versions"), str(migrate.migrations_path() / "versions")])
    config.set_main_option("version_locations", both)
    command.upgrade(config, "heads")
    assert len(query(url, "SELECT version_num FROM public.alembic_version")) == 2

    terminal = terminal_on(url, ADPLANNING_APP="tests.cli.mini:plugin")
    assert "alembic upgrade adplanning@head" in terminal.run("migrate").refused()
    assert "public.alembic_version" in terminal.run("uninstall", "--yes", "--no-export").ok()
    assert query(url, "SELECT version_num FROM public.alembic_version") == [("host1",)]
    assert host_schema(url) == before


def test_a_server_without_our_schema_is_uninstalled_already(
    terminal_on: Callable[..., Terminal], empty_database_url: str
) -> None:
    terminal = terminal_on(empty_database_url, ADPLANNING_APP="tests.cli.mini:plugin")
    terminal.run("uninstall", "--yes", "--no-export").ok()
    assert query(empty_database_url, "SELECT 1 FROM pg_namespace WHERE nspname = 'adplanning'") == []


pytestmark = [pytest.mark.slow]
