"""The PostgreSQL that is measured: durable, on this machine, with a fresh database; and what it used of the CPU."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from adplanning_plugin.embedded import Postgres
from adplanning_plugin.kernel import migrate
from tests.bench.harness import BenchError, parent_of, process_cpu, tree_cpu
from tests.databases import PostgresServer, aside, prepare

# Durable, as in production; the rest is what any server of 8 GB or more is given.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "100",
    # One process for one statement, so that its CPU is the statement's.
    "max_parallel_workers_per_gather": "0",
}


@dataclass(frozen=True)
class BenchDatabase:
    """A migrated, empty database and the server behind it."""

    server: PostgresServer
    name: str
    url: str
    postmaster: int

    def cpu(self) -> float:
        """CPU seconds of the whole server so far: backends, writers, checkpoints."""
        return tree_cpu(self.postmaster)

    async def connect(self, tenant_id: str | None = None) -> asyncpg.Connection[Any]:
        """A connection of the ordinary role, inside a tenant where one is named."""
        connection: asyncpg.Connection[Any] = await asyncpg.connect(
            self.url, server_settings={"jit": "off", "timezone": "UTC"}
        )
        if tenant_id is not None:
            await connection.execute(f"SET app.tenant_id = '{tenant_id}'")
        return connection

    async def analyze(self) -> None:
        """Fresh statistics and a checkpoint, as a server has that has been up for a while."""
        connection: asyncpg.Connection[Any] = await asyncpg.connect(self.server.url(self.name, "postgres"))
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
        await connection.close()


async def backend_cpu(connection: asyncpg.Connection[Any]) -> float:
    """CPU seconds of this connection's own backend so far."""
    return process_cpu(connection.get_server_pid())


@contextmanager
def database(name: str) -> Iterator[BenchDatabase]:
    """A database of this run's own, on an embedded server or on the one that ADPLANNING_BENCH_PG names; dropped after.

    That is the superuser's address of a server on this machine: CPU seconds are read from /proc.
    """
    given = os.environ.get("ADPLANNING_BENCH_PG")
    if given:
        with _filled(PostgresServer.at(given), name) as made:
            yield made
        return
    with Postgres(settings=SETTINGS) as embedded, _filled(PostgresServer.of(embedded), name) as made:
        yield made


@contextmanager
def _filled(server: PostgresServer, name: str) -> Iterator[BenchDatabase]:
    prepare(server)
    full = f"bench_{name}_{os.getpid()}"
    url = server.create(full)
    try:
        migrate.upgrade(url)
        yield BenchDatabase(server, full, url, _postmaster(server))
    finally:
        server.drop(full)


def _postmaster(server: PostgresServer) -> int:
    async def ask() -> tuple[int, str]:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(server.url("postgres", "postgres"))
        try:
            settings = await connection.fetchval(
                "SELECT string_agg(name || '=' || setting, ' ') FROM pg_settings "
                "WHERE name IN ('fsync', 'synchronous_commit') AND setting = 'off'"
            )
            return parent_of(connection.get_server_pid()), settings or ""
        finally:
            await connection.close()

    pid, unsafe = aside(ask)
    if unsafe:
        raise BenchError(f"the server runs with {unsafe}: figures of a server that may lose commits are none.")
    return pid


def version(made: BenchDatabase) -> str:
    """`PostgreSQL 18.1`."""

    async def ask() -> str:
        connection = await made.connect()
        try:
            return str(await connection.fetchval("SHOW server_version"))
        finally:
            await connection.close()

    return f"PostgreSQL {aside(ask).split(' ')[0]}"
