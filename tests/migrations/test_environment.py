"""Migrations as a store runs them: from nothing, twice, at once, through its own Alembic, and all the way back."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from adplanning_plugin.embedded import Postgres
from adplanning_plugin.kernel import migrate
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.models import Base
from adplanning_plugin.links.owned import EXTENSIONS, OWNED
from adplanning_plugin.plugin import DOMAINS
from tests.databases import TEST_SETTINGS, declared_tables

POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")

HOST_ENV = """
import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

def run(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def online():
    engine = create_async_engine(context.config.attributes["url"])
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()

asyncio.run(online())
"""
HOST_REVISION = """
from alembic import op
revision, down_revision = "host1", None

def upgrade():
    op.execute("CREATE TABLE public.customers (id int)")

def downgrade():
    op.execute("DROP TABLE public.customers")
"""


@pytest.fixture(params=["embedded", "15"])
def empty(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database, on the embedded PostgreSQL and on the oldest one that a host may run."""
    if request.param == "embedded":
        yield request.getfixturevalue("empty_database_url")
        return
    if not POSTGRES_15.is_dir():
        pytest.skip(f"this machine has no PostgreSQL 15 in {POSTGRES_15}")
    with Postgres(programs=POSTGRES_15, settings=TEST_SETTINGS) as server:
        yield server.create_database("host")


def test_from_empty_to_what_the_models_declare_and_back(empty: str) -> None:
    assert migrate.current(empty) == ()
    migrate.upgrade(empty)
    assert migrate.current(empty) == migrate.heads() != ()
    assert migrate.drift(empty, declared_tables()) == []
    migrate.upgrade(empty)
    assert migrate.current(empty) == migrate.heads()
    migrate.downgrade_all(empty)
    assert migrate.current(empty) == ()


async def test_every_table_that_holds_a_tenants_rows_is_guarded(empty: str) -> None:
    migrate.upgrade(empty)
    connection = await asyncpg.connect(empty)
    try:
        open_tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'adplanning'::regnamespace AND relkind IN ('r', 'p') "
            "AND NOT (relrowsecurity AND relforcerowsecurity "
            "AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid))"
        )
        outside = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await connection.close()
    exempt = {table.name for table in declared_tables().tables.values() if table.info.get("tenancy") == "exempt"}
    assert {row["relname"] for row in open_tables} == exempt | {"alembic_version"}
    assert outside == 0


async def test_two_migrators_at_once_both_succeed(empty_database_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(migrate.upgrade, empty_database_url) for _ in range(2)))
    assert migrate.current(empty_database_url) == migrate.heads()


def test_the_hosts_own_alembic_runs_them_beside_its_own(tmp_path: Path, empty_database_url: str) -> None:
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(HOST_ENV)
    (tmp_path / "versions" / "host1.py").write_text(HOST_REVISION)
    config = Config()
    config.set_main_option("script_location", str(tmp_path))
    config.set_main_option("path_separator", "os")
    ours = migrate.migrations_path() / "versions"
    config.set_main_option("version_locations", os.pathsep.join([str(tmp_path / "versions"), str(ours)]))
    config.attributes["url"] = migrate.asyncpg_url(empty_database_url)

    command.upgrade(config, "heads")
    assert migrate.current(empty_database_url) == migrate.heads()
    assert migrate.host_version_table(empty_database_url) == "public.alembic_version"
    assert migrate.drift(empty_database_url, declared_tables()) == []
    with pytest.raises(ConfigurationError, match="alembic upgrade adplanning@head"):
        migrate.upgrade(empty_database_url)

    command.downgrade(config, "adplanning@base")
    assert migrate.current(empty_database_url) == ()


def test_a_database_behind_the_models_shows_what_differs(make_database: Callable[..., str]) -> None:
    url = make_database()
    migrate.upgrade(url)
    migrate._run(url, lambda connection: connection.exec_driver_sql("ALTER TABLE adplanning.tenant DROP COLUMN zone"))
    assert ["zone" in difference for difference in migrate.drift(url, declared_tables())] == [True]


def test_every_declared_table_is_registered_by_a_domain_or_belongs_to_the_kernel_or_the_links() -> None:
    registered: dict[str, list[str]] = {}
    for name, make, _ in DOMAINS:
        domain = make()
        for table in domain.register_models() if hasattr(domain, "register_models") else ():
            registered.setdefault(table.name, []).append(name)
    shared = {table.name: table for table in declared_tables().tables.values() if table.name not in registered}
    homes = {mapper.class_.__tablename__: mapper.class_.__module__ for mapper in Base.registry.mappers}
    assert {name: owners for name, owners in registered.items() if len(owners) > 1} == {}
    strays = {name for name in shared if not homes.get(name, "").startswith("adplanning_plugin.kernel.")}
    assert strays == {table.name for table in (*OWNED.values(), *EXTENSIONS.values())}


def test_a_revision_of_the_hosts_named_0001_is_not_taken_for_ours(empty_database_url: str) -> None:
    def record(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE public.alembic_version (version_num varchar(32) PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO public.alembic_version VALUES ('0001')")

    migrate._run(empty_database_url, record)
    assert migrate.host_version_table(empty_database_url) is None
    assert all(name.startswith("adplanning") for name in migrate.heads())
    migrate.upgrade(empty_database_url)
    assert migrate.current(empty_database_url) == migrate.heads()


THIRD_PARTY = """
from alembic import op
revision, down_revision, branch_labels = "stranger_0001", None, ("stranger",)
depends_on = None

def upgrade():
    op.execute("CREATE TABLE adplanning.stranger_note (tenant_id text, id text, PRIMARY KEY (tenant_id, id))")

def downgrade():
    op.execute("DROP TABLE adplanning.stranger_note")
"""


def test_a_third_partys_folder_runs_after_ours_and_is_recorded_beside_it(
    tmp_path: Path, empty_database_url: str
) -> None:
    (tmp_path / "stranger_0001.py").write_text(THIRD_PARTY)
    migrate.upgrade(empty_database_url, extra=[tmp_path])
    recorded = migrate._run(empty_database_url, lambda connection: migrate.recorded(connection, [tmp_path]))
    assert {revision for _, revision in recorded} == {*migrate.heads(), "stranger_0001"}
    assert migrate.current(empty_database_url) == migrate.heads()
    migrate.downgrade_all(empty_database_url, extra=[tmp_path])
    left = migrate._run(
        empty_database_url,
        lambda connection: (
            connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'adplanning'")
            .scalars()
            .all()
        ),
    )
    assert left == ["alembic_version"]


def test_a_third_partys_revision_that_would_hide_ours_is_refused_before_anything_runs(
    tmp_path: Path, empty_database_url: str
) -> None:
    dependent = THIRD_PARTY.replace("depends_on = None", f"depends_on = {migrate.heads()[0]!r}")
    (tmp_path / "stranger_0001.py").write_text(dependent)
    with pytest.raises(ConfigurationError, match="Revision stranger_0001 depends on adplanning_"):
        migrate.upgrade(empty_database_url, extra=[tmp_path])
    assert migrate.current(empty_database_url) == ()
