"""Databases for tests: a template with all migrations and the example store's tables, and clones of it."""

import asyncio
import hashlib
import importlib
import os
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
from sqlalchemy import MetaData

from adplanning_plugin.embedded import ROLE, SUPERUSER, Postgres
from adplanning_plugin.kernel import migrate
from adplanning_plugin.kernel.models import Base

ROOT = Path(__file__).parent.parent
T = TypeVar("T")

# The data is thrown away, so nothing waits for the disk; commits are still acknowledged as in production.
TEST_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "max_connections": "300",
    "max_wal_size": "2GB",
}


# Truncating a table costs the same whether it has rows or not: only those are that have some, whatever row-level
# security shows of them. The store's tables in `public` stay.
EMPTY = """
DO $$ DECLARE filled text; BEGIN
  SELECT string_agg(c.oid::regclass::text, ', ') INTO filled
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND pg_relation_size(c.oid) > 0 AND c.relname <> 'alembic_version'
    AND n.nspname NOT IN ('public', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%';
  IF filled IS NOT NULL THEN EXECUTE 'TRUNCATE ' || filled || ' CASCADE'; END IF;
END $$
"""


@dataclass(frozen=True)
class PostgresServer:
    """A running server as tests see it; plain text, so that it travels to the workers."""

    superuser_url: str
    role_url: str

    @classmethod
    def of(cls, server: Postgres) -> "PostgresServer":
        """The server that this run started."""
        return cls(server.url("postgres", SUPERUSER), server.url("postgres", ROLE))

    @classmethod
    def at(cls, superuser_url: str) -> "PostgresServer":
        """A server that someone else keeps; the ordinary role has the superuser's password, or none is asked for."""
        parts = urlsplit(superuser_url)
        password = f":{quote(parts.password)}" if parts.password else ""
        role = parts._replace(netloc=f"{ROLE}{password}@{parts.hostname}:{parts.port or 5432}")
        return cls(superuser_url, urlunsplit(role))

    def url(self, database: str, role: str = ROLE) -> str:
        """The address of a database for the ordinary role, or for `postgres`."""
        base = self.role_url if role == ROLE else self.superuser_url
        return urlunsplit(urlsplit(base)._replace(path=f"/{database}"))

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser, each in a transaction of its own."""

        async def run() -> None:
            connection = await asyncpg.connect(self.url(database, SUPERUSER))
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

        aside(run)

    def has(self, database: str) -> bool:
        """Whether the database exists."""

        async def run() -> bool:
            connection = await asyncpg.connect(self.url("postgres", SUPERUSER))
            try:
                return bool(await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database))
            finally:
                await connection.close()

        return aside(run)

    def create(self, database: str, template: str | None = None) -> str:
        """Create a database that the ordinary role owns, and return its address for that role."""
        based_on = f' TEMPLATE "{template}"' if template else ""
        self.execute(f'CREATE DATABASE "{database}" OWNER {ROLE}{based_on}')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Drop a database with whatever is still connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def as_dict(self) -> dict[str, str]:
        """For a worker's input."""
        return asdict(self)


def aside(work: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine in a thread of its own: the tests' own loop may be running."""

    async def run() -> T:
        return await work()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


def prepare(server: PostgresServer) -> None:
    """The ordinary role: no superuser, bound by row-level security, allowed to make databases for migration tests."""
    server.execute(
        f"""DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN CREATE ROLE {ROLE} LOGIN; END IF;
        END $$""",
        f"ALTER ROLE {ROLE} NOSUPERUSER NOBYPASSRLS CREATEDB",
        f"ALTER ROLE {ROLE} SET search_path = public",
    )


def template_name(worker: str) -> str:
    """Named after what it is made of, so that a changed migration or store makes another one."""
    made_of = hashlib.sha256()
    for folder, pattern in (("migrations", "**/*.py"), ("host_example", "*.py")):
        for path in sorted((ROOT / folder).glob(pattern)):
            made_of.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return f"template_{made_of.hexdigest()[:12]}_{re.sub(r'[^a-z0-9]', '', worker)}"


def make_template(server: PostgresServer, name: str) -> None:
    """Migrate, then make the store's tables, as the ordinary role; renamed when complete, so never seen half-made."""
    if server.has(name):
        return
    making = f"{name}_{os.getpid()}"
    server.drop(making)
    url = server.create(making)
    migrate.upgrade(url)
    make_store_tables(url)
    try:
        server.execute(f'ALTER DATABASE "{making}" RENAME TO "{name}"')
    except asyncpg.DuplicateDatabaseError:  # another run on a shared server was first
        server.drop(making)


def make_store_tables(url: str) -> None:
    """The example store's own tables, made the way its own code declares them."""
    from host_example.catalogue import create_tables
    from host_example.database import make_engine

    async def run() -> None:
        engine = make_engine(url)
        try:
            await create_tables(engine)
        finally:
            await engine.dispose()

    aside(run)


def declared_tables() -> MetaData:
    """The plugin's tables as its domains declare them."""
    importlib.import_module("adplanning_plugin.plugin")
    return Base.metadata
