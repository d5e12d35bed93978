"""Maintenance: what the command line does to a whole installation (diagnose, maintain, settle, export)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Table, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from adplanning_plugin.attribution import ask_for_first_fit, compute_credit
from adplanning_plugin.kernel import migrate
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.errors import AdPlanningError
from adplanning_plugin.kernel.health import HealthCheck
from adplanning_plugin.kernel.idempotency import expire_keys
from adplanning_plugin.kernel.models import SCHEMA, Base
from adplanning_plugin.kernel.queue import purge
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.runtime import Tenant
from adplanning_plugin.kernel.statistics import count_changes, refresh_statistics
from adplanning_plugin.kernel.tables import TenantRecord
from adplanning_plugin.kernel.uninstall import drop_schema, export_tables
from adplanning_plugin.links import Links
from adplanning_plugin.plugin import AdPlanning
from adplanning_plugin.tracking import drop_expired, ensure_partitions

MONTHS_AHEAD = 3
KEEP_DONE_DAYS = 30
STATISTICS_SECONDS = 2.0
FIRST_CREDITS = (100, 500)
"""Conversions credited before the rest of a backfill's, so that the planner has seen the tenant's credit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of the doctor: what it is about, how bad, and a sentence that names the fix."""

    subject: str
    status: Literal["ok", "advice", "warn", "fail"]
    sentence: str

    def mark(self) -> str:
        """How it starts on a terminal."""
        return {"ok": "ok    ", "advice": "advice", "warn": "warn  ", "fail": "FAIL  "}[self.status]

    def wire(self) -> dict[str, str]:
        """For `doctor --json`."""
        return asdict(self)


async def diagnose(plugin: AdPlanning) -> list[Finding]:
    """Everything that can be wrong or better with an installation, worst first; never raises for what it finds."""
    findings = [finding async for finding in _diagnose(plugin)]
    await plugin.runtime.database.close()
    order = ("fail", "warn", "advice", "ok")
    return sorted(findings, key=lambda finding: order.index(finding.status))


async def _diagnose(plugin: AdPlanning) -> AsyncIterator[Finding]:
    database, links = plugin.runtime.database, plugin.runtime.get(Links)
    try:
        async with database.system() as session:
            version, role, above, lands_in = (await session.execute(_ROLE)).one()
    except Exception as problem:  # noqa: BLE001 - the doctor reports whatever it meets
        yield Finding(subject="database", status="fail", sentence=f"PostgreSQL cannot be reached: {problem}.")
        return
    for finding in _server(int(version), role, above=above, lands_in=lands_in):
        yield finding
    for finding in await _schema(plugin, role):
        yield finding
    for finding in await _links(database, links):
        yield finding
    for finding in _setup(plugin):
        yield finding
    try:
        tenants = await plugin.load_tenants()
    except AdPlanningError as problem:
        yield Finding(subject="tenants", status="fail", sentence=problem.detail)
        return
    yield Finding(subject="tenants", status="ok", sentence=f"{len(tenants)}: {', '.join(t.id for t in tenants[:10])}.")
    checks = [check for found in plugin.hooks.hook.health_checks(runtime=plugin.runtime) for check in found]
    for check, tenant in _asked(checks, tenants):
        answer: dict[str, Any]
        try:
            answer = await check.ask(plugin.runtime, tenant)
        except LookupError:  # it asks a part that only the web process starts
            continue
        except Exception as problem:  # noqa: BLE001 - the doctor reports whatever it meets
            answer = {"status": "fail", "detail": f"{type(problem).__name__}: {problem}"}
        subject = f"{check.name} of {tenant}" if check.run_of_store else check.name
        yield Finding(subject=subject, status=answer["status"], sentence=str(answer.get("detail", "")))


def _asked(checks: Sequence[HealthCheck], tenants: Sequence[Tenant]) -> Iterator[tuple[HealthCheck, str]]:
    """Each check of the process once, each of a store's rows for every store."""
    for check in checks:
        for tenant in tenants if check.run_of_store else tenants[:1]:
            yield check, tenant.id


def _server(version: int, role: str, *, above: bool, lands_in: str | None) -> Iterator[Finding]:
    good = version >= 150000
    sentence = f"PostgreSQL {version // 10000}" + ("" if good else " is too old: 15 or newer is needed.")
    yield Finding(subject="database", status="ok" if good else "fail", sentence=sentence)
    if above:
        fix = "connect as an ordinary role: CREATE ROLE adplanning LOGIN NOSUPERUSER NOBYPASSRLS."
        yield Finding(subject="role", status="fail", sentence=f"{role} bypasses row-level security; {fix}")
    else:
        yield Finding(subject="role", status="ok", sentence=f"{role} is an ordinary role.")
    if lands_in == SCHEMA:
        danger = f"New tables that {role} makes without naming a schema land in {SCHEMA}, which an uninstall drops"
        fix = f'run ALTER ROLE "{role}" SET search_path = public;'
        yield Finding(subject="role", status="warn", sentence=f"{danger}: {fix}")


def _setup(plugin: AdPlanning) -> Iterator[Finding]:
    if not plugin.options.secret:
        fix = "set ADPLANNING_SECRET to 32 random characters or more."
        yield Finding(subject="secret", status="warn" if plugin.options.demo else "fail", sentence=f"No secret: {fix}")
    hook = plugin.hooks.hook
    if hook.provide_admin_guard() is None:
        sentence = "No admin guard: implement provide_admin_guard with the guard of your own admin."
        yield Finding(subject="guard", status="warn" if plugin.options.demo else "fail", sentence=sentence)
    if hook.provide_event_bus() is None:
        sentence = "No event bus: new orders are found by the sweep, minutes later; implement provide_event_bus."
        yield Finding(subject="events", status="advice", sentence=sentence)


_ROLE = text(
    "SELECT current_setting('server_version_num'), current_user,"
    " (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user), current_schema()"
)
_RIGHTS = text(
    """
    SELECT bool_and(has_schema_privilege(n.oid, 'USAGE')
                    AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                    AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> :versions
    """
)


async def _schema(plugin: AdPlanning, role: str) -> list[Finding]:
    async with plugin.runtime.database.system() as session:
        rights = {"schema": SCHEMA, "versions": migrate.VERSION_TABLE}
        allowed = (await session.execute(_RIGHTS, rights)).scalar()
    if allowed is False:
        grants = f'GRANT USAGE ON SCHEMA {SCHEMA} TO "{role}"; '
        grants += f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO "{role}"; '
        grants += f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO "{role}";'
        sentence = f"{role} may not use the plugin's own tables: run, as their owner, {grants}"
        return [Finding(subject="schema", status="fail", sentence=sentence)]
    url = plugin.runtime.database.engine.url.render_as_string(hide_password=False)
    have, want = await asyncio.to_thread(lambda: (migrate.current(url), migrate.heads()))
    if set(want) <= set(have):
        return [Finding(subject="schema", status="ok", sentence=f"At {', '.join(have)}.")]
    sentence = "The plugin's tables are missing: run `adplanning migrate`."
    if have:
        sentence = f"At {', '.join(have)}, not {', '.join(want)}: run `adplanning migrate`."
    return [Finding(subject="schema", status="fail", sentence=sentence)]


async def _links(database: Database, links: Links) -> list[Finding]:
    async with database.system() as session:
        connection = await session.connection()
        wrong = await links.check(connection)
        advice = await links.index_advice(connection)
    findings = [
        Finding(subject=f"links.{one.entity}", status="fail" if one.level == "error" else "warn", sentence=one.message)
        for one in wrong
    ]
    findings += [
        Finding(subject="indexes", status="advice", sentence=f"{one.reason} {one.statement}") for one in advice
    ]
    findings += [
        Finding(subject=f"links.{entity.entity}", status="advice", sentence=missing.effect)
        for entity in links.report()
        for missing in entity.missing
    ]
    linked = [entity.entity for entity in links.report() if entity.state == "linked"]
    sentence = f"Linked: {', '.join(linked)}." if linked else "Nothing is linked: implement provide_links."
    return [*findings, Finding(subject="links", status="ok" if linked else "warn", sentence=sentence)]


async def migrate_schema(url: str, extra: Sequence[str] = ()) -> tuple[str, ...]:
    """Bring the schema up to date and make the partitions of the coming months; returns the recorded revisions.

    Args:
        url: the address as the schema's owner.
        extra: folders of versions that other plugins register.
    """
    await asyncio.to_thread(migrate.upgrade, url, extra=list(extra))
    engine = create_async_engine(migrate.asyncpg_url(url))
    try:
        async with engine.begin() as connection:
            await ensure_partitions(connection, MONTHS_AHEAD)
    finally:
        await engine.dispose()
    return await asyncio.to_thread(migrate.current, url)


async def maintain(plugin: AdPlanning) -> Sequence[str]:
    """Partitions ahead, expired partitions dropped, done work and old keys purged; returns a line for each."""
    lines: list[str] = []
    options = plugin.options
    await plugin.load_tenants()
    owner = options.database.owner_url
    engine = create_async_engine(migrate.asyncpg_url(owner)) if owner else plugin.runtime.database.engine
    try:
        async with engine.begin() as connection:
            made = await ensure_partitions(connection, MONTHS_AHEAD)
            dropped = await drop_expired(connection, options.event_retention_months)
    finally:
        if owner:
            await engine.dispose()
    lines += [f"made {name}" for name in made] + [f"dropped {name}" for name in dropped]
    for tenant in plugin.runtime.tenants:
        async with plugin.runtime.database.transaction(tenant.id) as session:
            rows = await purge(session, tenant.id, KEEP_DONE_DAYS)
            keys = await expire_keys(session, tenant.id)
        lines.append(f"{tenant.id}: {rows:,} rows of done work and {keys:,} idempotency keys purged")
    await plugin.runtime.database.close()
    return lines


async def settle(plugin: AdPlanning, tenant_id: str) -> int:
    """Deliver everything that is due for the tenant now; returns how many pieces of work that were.

    After a backfill that is a lot at once, so the planner's statistics are kept fresh meanwhile.
    """

    async def keep_statistics() -> None:
        while True:
            await refresh_statistics(plugin.runtime.database)
            await asyncio.sleep(STATISTICS_SECONDS)

    for size in FIRST_CREDITS:
        async with plugin.runtime.database.transaction(tenant_id) as session:
            await compute_credit(session, plugin.runtime, tenant_id, limit=size)
            await count_changes(session)
        await refresh_statistics(plugin.runtime.database, share=0.0)
    keeping = asyncio.create_task(keep_statistics())
    try:
        return await Runner(plugin.runtime).drain(tenant_id)
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def first_fit(plugin: AdPlanning, tenant_id: str) -> bool:
    """Fit the data-driven model where the tenant never did and has orders enough; returns whether there was a fit.

    Left out, the worker does it within minutes; after a backfill it may as well be there at once.
    """
    async with plugin.runtime.database.transaction(tenant_id) as session:
        asked = await ask_for_first_fit(session, plugin.runtime, tenant_id)
    if asked is not None:
        await Runner(plugin.runtime).drain(tenant_id)
    return asked is not None


def tables_of(plugin: AdPlanning) -> list[Table]:
    """Every table in the plugin's schema: our own, and those that other plugins register."""
    registered = [table for found in plugin.hooks.hook.register_models() for table in found or ()]
    return list({table.name: table for table in (*Base.metadata.sorted_tables, *registered)}.values())


async def export_all(plugin: AdPlanning, target: Path, progress: Callable[[int, int], None] | None = None) -> int:
    """Every table of the plugin into one zip file; returns the number of rows.

    Whoever was a tenant once is exported, too: the plugin's own list of them counts, not the host's of today.
    """
    async with plugin.runtime.database.system() as session:
        tenants = (await session.execute(select(TenantRecord.id).order_by(TenantRecord.id))).scalars().all()
    return await export_tables(plugin.runtime.database, tables_of(plugin), tenants, target, progress)


async def remove(plugin: AdPlanning, owner_url: str) -> str | None:
    """Drop the schema as its owner, in one transaction; returns the host's version table that named our revisions."""
    await plugin.runtime.database.close()
    names = [table.name for table in tables_of(plugin)]
    extra = [path for path in plugin.hooks.hook.register_migrations() if path]
    engine = create_async_engine(migrate.asyncpg_url(owner_url))
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(drop_schema, names, extra)
    finally:
        await engine.dispose()
