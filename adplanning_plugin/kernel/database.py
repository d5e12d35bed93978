"""Database: our own engine and pool, and transactions that have entered a tenant. No SQL of any domain lives here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from asyncpg import InterfaceError, PostgresError
from sqlalchemy import ARRAY, ColumnElement, Text, bindparam, event, func, text
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.options import DatabaseOptions

ENTERED_TENANT = "adplanning_tenant"
"""`session.info` key: the tenant that a session of ours has entered for its only transaction."""
ACTOR = "adplanning_actor"
"""`session.info` key: the id of whoever asked for what the session does; absent where nobody did."""
# A plan for any period at all expects a few rows of each table, and loops over a year of them: what people ask is
# planned for what they ask.
_LOCAL = (
    "SELECT set_config('transaction_read_only', 'on', true), set_config('plan_cache_mode', 'force_custom_plan', true)"
)
_READING = text(_LOCAL)
_HEAVY = text(f"{_LOCAL}, set_config('work_mem', :memory, true)")
_TENANT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,63}$")


def check_tenant_id(tenant_id: str) -> str:
    """The id unchanged, or an error: it is pasted, quoted, into SET LOCAL, which takes no parameters."""
    if not _TENANT.match(tenant_id):
        message = f"tenant id {tenant_id!r} must be 1-64 characters of letters, digits and _ . : @ -"
        raise ConfigurationError(message)
    return tenant_id


async def enter_tenant(session: AsyncSession, tenant_id: str) -> None:
    """Make the session's current transaction see exactly one tenant's rows (also used on a session of the host)."""
    connection = await session.connection()
    await connection.exec_driver_sql(f"SET LOCAL app.tenant_id = '{check_tenant_id(tenant_id)}'")


def any_of(ids: Sequence[str]) -> ColumnElement[str]:
    """`column == any_of(ids)`: one parameter for any number of ids; the statement is the same for all of them."""
    return func.any(bindparam(None, list(ids), ARRAY(Text)))


class Database:
    """The plugin's engine, an optional read replica, and the transactions over them."""

    def __init__(self, engine: AsyncEngine, options: DatabaseOptions, replica: AsyncEngine | None = None) -> None:
        self.engine = engine
        self.replica = replica or engine
        self._options = options
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._replica_sessions = async_sessionmaker(self.replica, expire_on_commit=False)
        self._heavy = asyncio.Semaphore(options.heavy_queries)

    @classmethod
    def connect(cls, options: DatabaseOptions) -> Database:
        """An engine of our own over `options.url`; works behind PgBouncer in transaction mode."""
        if not options.url:
            message = "Options.database.url is missing: set it, ADPLANNING_DATABASE_URL, or the provide_engine hook."
            raise ConfigurationError(message)
        engine = make_engine(options.url, options)
        return cls(engine, options, make_engine(options.replica_url, options) if options.replica_url else None)

    @asynccontextmanager
    async def transaction(self, tenant_id: str, *, actor: str | None = None) -> AsyncGenerator[AsyncSession]:
        """One transaction inside one tenant: commits at the end, rolls back on any error; `actor` is who asked."""
        async with self._sessions() as session, session.begin():
            await enter_tenant(session, tenant_id)
            session.info[ENTERED_TENANT] = tenant_id
            if actor is not None:
                session.info[ACTOR] = actor
            yield session

    @asynccontextmanager
    async def reading(self, tenant_id: str, *, heavy: bool = False) -> AsyncGenerator[AsyncSession]:
        """A read-only transaction, on the replica where there is one; at most `heavy_queries` heavy ones at a time."""
        gate = self._heavy if heavy else None
        if gate is not None:
            await gate.acquire()
        try:
            async with self._replica_sessions() as session, session.begin():
                await enter_tenant(session, tenant_id)
                memory = f"{int(self._options.heavy_work_mem_mb)}MB"
                await session.execute(_HEAVY if heavy else _READING, {"memory": memory} if heavy else {})
                yield session
        finally:
            if gate is not None:
                gate.release()

    @asynccontextmanager
    async def system(self) -> AsyncGenerator[AsyncSession]:
        """A transaction in no tenant: sees only the exempt tables (tenants, keys, wake-ups) and the catalogue."""
        async with self._sessions() as session, session.begin():
            yield session

    async def close(self) -> None:
        """Close the pools."""
        await self.engine.dispose()
        if self.replica is not self.engine:
            await self.replica.dispose()


def make_engine(url: str, options: DatabaseOptions, connect_args: Mapping[str, Any] | None = None) -> AsyncEngine:
    """An engine on asyncpg with limits of our own; `connect_args` are the host's, for what ours do not say (TLS)."""
    plain = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+asyncpg://", url)
    theirs = dict(connect_args or {})
    settings = {**theirs.pop("server_settings", {}), **({} if options.pgbouncer else _SERVER_SETTINGS)}
    if not options.pgbouncer:
        settings["statement_timeout"] = str(options.statement_timeout_ms)
    engine = create_async_engine(
        plain,
        pool_size=options.pool_size,
        max_overflow=options.max_overflow,
        pool_timeout=options.pool_timeout,
        hide_parameters=True,  # an error quoted in a log would carry the values of the row
        connect_args={
            **theirs,
            "timeout": options.connect_timeout,
            # A server that says nothing at all cannot keep its own timeout: the connection is given up here.
            "command_timeout": options.statement_timeout_ms / 1000 + options.connect_timeout,
            "server_settings": settings,
            "prepared_statement_cache_size": 0 if options.pgbouncer else 256,
            "statement_cache_size": 0 if options.pgbouncer else 256,
        },
    )
    _drop_the_pool_at_the_first_dead_connection(engine, options.connect_timeout)
    return engine


def _drop_the_pool_at_the_first_dead_connection(engine: AsyncEngine, patience: float) -> None:
    """Ask each connection for a sign of life before it is used; where one gives none, the older ones are gone with it.

    SQLAlchemy's own `pool_pre_ping` waits as long as any statement may take, then leaves the others to be found out
    one by one, and asks in three round trips where this asks in one.
    """

    async def answers(connection: Any) -> None:
        await connection.execute("SELECT", timeout=patience)

    def ask(connection: DBAPIConnection, _record: object, _fairy: object) -> None:
        try:
            connection.run_async(answers)
        except (OSError, TimeoutError, PostgresError, InterfaceError) as problem:
            raise InvalidatePoolError from problem

    def given_up(context: ExceptionContext) -> None:
        # A server that lives ends a statement before our patience with it does.
        if isinstance(context.original_exception, TimeoutError):
            context.is_disconnect = True

    event.listen(engine.sync_engine, "checkout", ask)
    event.listen(engine.sync_engine, "handle_error", given_up)


_SERVER_SETTINGS = {
    "application_name": "adplanning",
    # A client that is gone without a word leaves no locks behind for the two hours of the system's default.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
    "jit": "off",
}
