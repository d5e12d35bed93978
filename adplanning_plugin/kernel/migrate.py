"""Migrations: brings the plugin's schema to a revision and tells where it stands; it makes and drops no host table.

Two ways to run the same revisions:

- `adplanning migrate`, or `upgrade(url)`: the revisions are recorded in `adplanning.alembic_version`, in the plugin's
  own schema, and the host's Alembic knows nothing of them. One transaction; a second caller waits for the first.
- The host's own Alembic. Its configuration names the plugin's folder beside its own, and the branch is `adplanning`::

      config.set_main_option("path_separator", "os")
      config.set_main_option("version_locations", os.pathsep.join([HOST_VERSIONS, str(migrations_path() / "versions")]))
      # alembic upgrade heads          both branches
      # alembic upgrade adplanning@head   the plugin's alone
      # alembic downgrade adplanning@base

  The revisions are then recorded in the host's version table. `upgrade` sees that and refuses to run a second time
  over the same tables, naming the command to use instead. A host whose env.py sets `include_schemas=True` keeps the
  schema `adplanning` out of its autogenerate with `include_name`.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import to_tuple
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.models import SCHEMA

BRANCH = "adplanning"
VERSION_TABLE = "alembic_version"

T = TypeVar("T")

_one_at_a_time = threading.Lock()  # Alembic's `context` is one a process


def migrations_path() -> Path:
    """The Alembic environment: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise ConfigurationError(f"The migrations are missing from {package}: install adplanning-plugin again.")


def upgrade(url: str, revision: str = "heads", *, extra: Sequence[Path | str] = ()) -> None:
    """Bring the database to `revision`, in one transaction.

    Args:
        url: any PostgreSQL address, with or without `+asyncpg`; its role owns the schema.
        revision: a revision, `adplanning@head`, or all heads.
        extra: folders of versions that other plugins register, each a branch of its own; they run after ours.
    Raises:
        ConfigurationError: the tables are kept by the host's own Alembic, or another plugin's revision names ours.
    """
    _refuse_if_kept_by_host(url, f"alembic upgrade {BRANCH}@head")
    _refuse_dependents(extra)
    target = "heads" if revision == "head" else revision

    def run(config: Config) -> None:
        if extra and target == "heads":
            command.upgrade(config, f"{BRANCH}@head")
        command.upgrade(config, target)

    _command(url, extra, run)


def downgrade_all(url: str, *, extra: Sequence[Path | str] = ()) -> None:
    """Undo every revision; the schema itself, then empty but for the version table, stays."""
    _refuse_if_kept_by_host(url, f"alembic downgrade {BRANCH}@base")
    _command(url, extra, lambda config: command.downgrade(config, "base"))


def current(url: str) -> tuple[str, ...]:
    """The recorded revisions that are ours, whoever recorded them; empty where nothing has run."""
    return tuple(sorted({revision for _, revision in _run(url, recorded)}))


def heads(*, extra: Sequence[Path | str] = ()) -> tuple[str, ...]:
    """The revisions that `upgrade` leads to."""
    return tuple(sorted(ScriptDirectory.from_config(_config(extra)).get_heads()))


def host_version_table(url: str) -> str | None:
    """The host's version table if it, and not ours, records our revisions: `public.alembic_version`."""
    tables = {table for table, _ in _run(url, recorded)}
    return None if not tables or f"{SCHEMA}.{VERSION_TABLE}" in tables else min(tables)


def drift(url: str, metadata: MetaData) -> list[str]:
    """What differs between the database and the tables that the code declares; empty when nothing does."""

    def compare(connection: Connection) -> list[str]:
        context = MigrationContext.configure(connection, opts={"target_metadata": metadata, **options(connection)})
        return [repr(difference) for difference in compare_metadata(context, metadata)]

    return _run(url, compare)


def options(connection: Connection | None) -> dict[str, Any]:
    """What env.py and `drift` tell Alembic: our schema and nothing else, partitions being their table's business."""
    partitions: set[str] = set()
    if connection is not None:
        # A role named like the schema has it as its default, and reflection would pass over it as "no schema".
        connection.dialect.default_schema_name = "public"
        found = connection.execute(
            text(
                "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = :schema AND c.relispartition"
            ),
            {"schema": SCHEMA},
        )
        partitions.update(found.scalars())

    def include_name(name: str | None, kind: str, parents: dict[str, str | None]) -> bool:
        if kind == "schema":
            return name == SCHEMA
        table = name if kind == "table" else parents.get("table_name")
        return table not in partitions and table != VERSION_TABLE

    return {
        "version_table": VERSION_TABLE,
        "version_table_schema": SCHEMA,
        "include_schemas": True,
        "include_name": include_name,
        "compare_type": True,
        "compare_server_default": True,
    }


def make_schema(connection: Connection) -> None:
    """Wait for other migrators, then make the schema unless an owner has made it for a role that may not."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('adplanning.migrations', 0))"))
    if connection.scalar(text("SELECT 1 FROM pg_namespace WHERE nspname = :schema"), {"schema": SCHEMA}) is None:
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))


def asyncpg_url(url: str) -> str:
    """The address in SQLAlchemy's spelling."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+asyncpg://", url)


def _config(extra: Sequence[Path | str]) -> Config:
    folder = migrations_path()
    config = Config(stdout=io.StringIO(), output_buffer=io.StringIO())
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    locations = os.pathsep.join(str(path) for path in (folder / "versions", *extra))
    config.set_main_option("version_locations", locations.replace("%", "%%"))
    return config


def _command(url: str, extra: Sequence[Path | str], work: Callable[[Config], None]) -> None:
    config = _config(extra)

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        with _one_at_a_time:
            work(config)

    _run(url, run)


def _run(url: str, work: Callable[[Connection], T]) -> T:
    """`work` in one transaction, from a thread of its own: callers may be inside an event loop or outside of any."""

    async def transaction() -> T:
        engine = create_async_engine(asyncpg_url(url), poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    with ThreadPoolExecutor(1, thread_name_prefix="adplanning-migrate") as thread:
        return thread.submit(asyncio.run, transaction()).result()


def recorded(connection: Connection, extra: Sequence[Path | str] = ()) -> list[tuple[str, str]]:
    """(version table, revision) for each of our revisions that any version table of the database records."""
    ours = [script.revision for script in ScriptDirectory.from_config(_config(extra)).walk_revisions()]
    tables = connection.execute(
        text(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relname = :name AND c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1"
        ),
        {"name": VERSION_TABLE},
    )
    return [
        (table, revision)
        for table in tables.scalars().all()
        for revision in connection.execute(
            text(f"SELECT version_num FROM {table} WHERE version_num = ANY(:ours)"),  # noqa: S608 - quoted by format()
            {"ours": ours},
        ).scalars()
    ]


def _refuse_dependents(extra: Sequence[Path | str]) -> None:
    """Alembic records a revision that another depends on no more by itself; ours would seem never to have run."""
    ours = {script.revision for script in ScriptDirectory.from_config(_config(())).walk_revisions()}
    for script in ScriptDirectory.from_config(_config(extra)).walk_revisions():
        named = {*to_tuple(script.dependencies, ()), *to_tuple(script.down_revision, ())} & ours
        if script.revision not in ours and named:
            fix = "leave it out: the revisions of other plugins run after the plugin's own anyway."
            raise ConfigurationError(f"Revision {script.revision} depends on {', '.join(sorted(named))}; {fix}")


def _refuse_if_kept_by_host(url: str, instead: str) -> None:
    table = host_version_table(url)
    if table is not None:
        raise ConfigurationError(
            f"The plugin's tables are migrated by your own Alembic, as {table} records: run `{instead}`."
        )
