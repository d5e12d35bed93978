"""Health: what `/health` asks, and the checks of the kernel itself. It reports; it repairs nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from sqlalchemy import text

from adplanning_plugin.kernel.errors import ConfigurationError, Unavailable
from adplanning_plugin.kernel.models import SCHEMA
from adplanning_plugin.kernel.refusals import database_refusal

if TYPE_CHECKING:
    from adplanning_plugin.kernel.runtime import Runtime

Status = Literal["ok", "warn", "fail"]
CHECK_SECONDS = 5.0
LATE_WAKEUP_SECONDS = 60.0
LATE_STREAM_SECONDS = 300.0
_WORST: dict[str, int] = {"ok": 0, "warn": 1, "fail": 2}


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One question, answered by `{"status": "ok"|"warn"|"fail", "detail": "a sentence"}` and figures."""

    name: str
    run: Callable[[Runtime], Awaitable[dict[str, Any]]] | None = None
    """About the process and the server; every store's admin may read the answer."""
    run_of_store: Callable[[Runtime, str], Awaitable[dict[str, Any]]] | None = None
    """Instead of `run`, about one store's rows, by its tenant id: no other store's admin is told."""

    def ask(self, runtime: Runtime, tenant_id: str) -> Awaitable[dict[str, Any]]:
        """The answer, for the store whose admin asks."""
        if self.run_of_store is not None:
            return self.run_of_store(runtime, tenant_id)
        if self.run is None:
            raise ConfigurationError(f"The health check {self.name!r} has neither run nor run_of_store.")
        return self.run(runtime)


async def report(runtime: Runtime, tenant_id: str) -> dict[str, Any]:
    """Every check's answer for one store, the kernel's first; `status` is the worst of them."""
    registered = [check for group in runtime.hooks.hook.health_checks(runtime=runtime) for check in group or ()]
    answers: dict[str, Any] = {}
    for check in (*KERNEL_CHECKS, *registered):
        answers[check.name] = await _ask(check, runtime, tenant_id)
    statuses = [str(answer["status"]) for answer in answers.values()]
    return {"status": max(statuses, key=lambda status: _WORST.get(status, 2)), "checks": answers}


async def ping(runtime: Runtime) -> None:
    """Whether the database answers; asked at most once a second, however often people ask.

    Raises:
        Unavailable: it does not.
    """
    if not runtime.has(_Pulse):
        runtime.put(_Pulse())
    await runtime.get(_Pulse).feel(runtime)


class _Pulse:
    """The last answer of the database."""

    def __init__(self) -> None:
        self._until = 0.0
        self._failed = False
        self._lock = asyncio.Lock()

    async def feel(self, runtime: Runtime) -> None:
        """Ask again where the last answer is older than a second."""
        async with self._lock:
            if time.monotonic() >= self._until:
                self._failed = not await self._answers(runtime)
                self._until = time.monotonic() + 1.0
        if self._failed:
            raise Unavailable("The database cannot be reached.", code="database_unavailable", retry_after=5)

    async def _answers(self, runtime: Runtime) -> bool:
        try:
            async with asyncio.timeout(CHECK_SECONDS), runtime.database.system() as session:
                await session.execute(text("SELECT 1"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is no
            runtime.log.warning("the database did not answer", extra={"cause": type(error).__name__})
            return False
        return True


async def _ask(check: HealthCheck, runtime: Runtime, tenant_id: str) -> dict[str, Any]:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            answer = await check.ask(runtime, tenant_id)
    except TimeoutError:
        return {"status": "fail", "detail": f"No answer within {CHECK_SECONDS:.0f} seconds."}
    except Exception as error:
        known = database_refusal(error)
        if known is not None:
            return {"status": "fail", "detail": known.detail}
        runtime.log.exception("a health check failed", extra={"check": check.name})
        return {"status": "fail", "detail": "The check itself failed; the log says why."}
    return answer


async def _database(runtime: Runtime) -> dict[str, Any]:
    begun = time.perf_counter()
    async with runtime.database.system() as session:
        version = (await session.execute(text("SHOW server_version"))).scalar_one()
    milliseconds = round((time.perf_counter() - begun) * 1000, 1)
    return {"status": "ok", "detail": "The database answers.", "milliseconds": milliseconds, "version": version}


async def _role(runtime: Runtime) -> dict[str, Any]:
    statement = text("SELECT rolname, rolsuper OR rolbypassrls AS bypasses FROM pg_roles WHERE rolname = current_user")
    async with runtime.database.system() as session:
        row = (await session.execute(statement)).one()
    if not row.bypasses:
        return {"status": "ok", "detail": f"Row-level security binds the role {row.rolname}."}
    status = "warn" if runtime.options.demo else "fail"
    detail = f"The role {row.rolname} bypasses row-level security: connect as an ordinary role."
    return {"status": status, "detail": detail}


async def _migrations(runtime: Runtime) -> dict[str, Any]:
    from adplanning_plugin.kernel import migrate

    try:
        wanted = await asyncio.to_thread(migrate.heads)
    except ConfigurationError as error:
        return {"status": "fail", "detail": error.detail}
    recorded = await _revisions(runtime)
    if recorded is None:
        return {"status": "warn", "detail": "The host's own Alembic keeps the revisions: see its history."}
    behind = sorted(set(wanted) - recorded)
    if behind:
        return {"status": "fail", "detail": "Revisions are missing: run `adplanning migrate`.", "missing": behind}
    return {"status": "ok", "detail": "The tables are at the newest revision.", "revisions": sorted(wanted)}


async def _revisions(runtime: Runtime) -> set[str] | None:
    async with runtime.database.system() as session:
        table = (await session.execute(text(f"SELECT to_regclass('{SCHEMA}.alembic_version')"))).scalar_one()
        if table is None:
            return None
        rows = await session.execute(text(f"SELECT version_num FROM {SCHEMA}.alembic_version"))  # noqa: S608 - a constant
        return set(rows.scalars())


async def _wakeups(runtime: Runtime) -> dict[str, Any]:
    statement = text(
        "SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0)::float8 FROM adplanning.wakeup"
        " WHERE due_at <= now()"
    )
    async with runtime.database.system() as session:
        late = float((await session.execute(statement)).scalar_one())
    answer = {"seconds": round(late, 1)}
    if late > LATE_WAKEUP_SECONDS:
        detail = f"Work has waited {late:.0f} seconds to be claimed: is a worker running?"
        return {"status": "warn", "detail": detail, **answer}
    return {"status": "ok", "detail": "Due work is claimed in time.", **answer}


async def _streams(runtime: Runtime) -> dict[str, Any]:
    from adplanning_plugin.kernel.watermark import Streams

    if not runtime.has(Streams):
        return {"status": "ok", "detail": "No streams are read."}
    worst: dict[str, float] = {}
    for tenant in runtime.tenants:
        async with runtime.database.reading(tenant.id) as session:
            for lag in await runtime.get(Streams).lag(session, tenant.id):
                # Time alone is no lag: a reader with nothing to read stands still.
                behind = lag.seconds if lag.transactions else 0.0
                worst[lag.reader] = max(worst.get(lag.reader, 0.0), behind)
    waiting = await _unread_since(runtime) if worst else 0.0
    readers = {name: round(min(seconds, waiting), 1) for name, seconds in worst.items()}
    late = {name: seconds for name, seconds in readers.items() if seconds > LATE_STREAM_SECONDS}
    if late:
        return {"status": "warn", "detail": f"Readers are behind: {', '.join(sorted(late))}.", "seconds": readers}
    return {"status": "ok", "detail": "Tracked events are read in time.", "seconds": readers}


async def _unread_since(runtime: Runtime) -> float:
    """Seconds that the oldest due wake-up of the stream queue has waited: what is not read yet has one."""
    statement = text(
        "SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0)::float8 FROM adplanning.wakeup"
        " WHERE queue = 'stream' AND due_at <= now()"
    )
    async with runtime.database.system() as session:
        return float((await session.execute(statement)).scalar_one())


async def _partitions(runtime: Runtime) -> dict[str, Any]:
    """The partition bounds are read from the catalogue, so that a missing month is seen before it begins."""
    statement = text(
        "SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = to_regclass('adplanning.event')"
    )
    following = text("SELECT to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month', 'YYYY-MM-DD')")
    async with runtime.database.system() as session:
        bounds: Sequence[str] = (await session.execute(statement)).scalars().all()
        next_month: str = (await session.execute(following)).scalar_one()
    ranges = [bound for bound in bounds if bound != "DEFAULT"]
    if any(f"FROM ('{next_month}" in bound for bound in ranges):
        return {"status": "ok", "detail": "Next month has its partition.", "partitions": len(ranges)}
    detail = "Next month has no partition of its own: run `adplanning maintain` as the owner of the tables."
    return {"status": "warn", "detail": detail, "partitions": len(ranges)}


KERNEL_CHECKS: tuple[HealthCheck, ...] = (
    HealthCheck(name="database", run=_database),
    HealthCheck(name="role", run=_role),
    HealthCheck(name="migrations", run=_migrations),
    HealthCheck(name="wakeups", run=_wakeups),
    HealthCheck(name="streams", run=_streams),
    HealthCheck(name="partitions", run=_partitions),
)


def failed(answers: Mapping[str, Any]) -> bool:
    """Whether a report says that something is broken."""
    return answers.get("status") == "fail"
