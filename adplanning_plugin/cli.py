"""The `adplanning` command: sets up, checks, fills in, runs and removes an installation; all work is done elsewhere."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adplanning_plugin.kernel.runtime import Tenant
    from adplanning_plugin.plugin import AdPlanning

SHOWN = 20
"""Bad lines of an import that the terminal is told of."""
APP_HELP = "where your app is, as module:name of a Litestar app, a function that makes one, or an AdPlanning object"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when it did what it says."""
    options = _parser().parse_args(arguments)
    try:
        result = options.run(options)
        return int(asyncio.run(result) if inspect.iscoroutine(result) else result or 0)
    except KeyboardInterrupt:
        print("adplanning: stopped; what is done stays done, and the same command goes on from there.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as problem:
        said = _sentence(problem)
        if said is None:  # a mistake of the program, which its traceback explains
            raise
        print(f"adplanning: {said}", file=sys.stderr)
        return 2


def _sentence(problem: Exception) -> str | None:
    """What the person at the terminal can act on; None where it is no such thing."""
    from alembic.util import CommandError
    from sqlalchemy.exc import ArgumentError, DBAPIError

    from adplanning_plugin.kernel.errors import AdPlanningError
    from adplanning_plugin.kernel.refusals import database_refusal

    if isinstance(problem, AdPlanningError):
        return problem.detail
    if isinstance(problem, DBAPIError):
        refusal = database_refusal(problem)
        driver = problem.orig.__cause__ if problem.orig is not None else None
        return refusal.detail if refusal else f"PostgreSQL refuses: {driver or problem.orig}."
    if isinstance(problem, OSError):
        refusal = database_refusal(problem)
        named = f"{problem.filename}: {problem.strerror}." if problem.filename else str(problem)
        return f"PostgreSQL cannot be reached: {problem}." if refusal else named
    return f"{problem}." if isinstance(problem, CommandError | ArgumentError) else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="adplanning", description=__doc__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], Any], text: str, *, app: bool = True
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        if app:
            made.add_argument("--app", default=os.environ.get("ADPLANNING_APP"), help=f"{APP_HELP} (or ADPLANNING_APP)")
        return made

    command("demo", _demo, "Start the example store with the plugin and a year of history.", app=False)
    command(
        "migrate", _migrate, "Bring the plugin's own schema up to date; run it as the schema's owner."
    ).add_argument("--url", help="the owner's database address (default: the app's, or ADPLANNING_DATABASE_OWNER_URL)")
    command("maintain", _maintain, "Make next months' partitions, drop expired ones, purge what is done; run it daily.")
    doctor = command("doctor", _doctor, "Say what is missing or would help, and how to mend it.")
    doctor.add_argument("--json", action="store_true", help="machine-readable")
    backfill = command("backfill", _backfill, "Fill in the past from the linked tables; can be stopped and run again.")
    backfill.add_argument("--since", help="a day such as 2026-02-07; everything without it")
    backfill.add_argument("--tenant", action="append", help="only this tenant (may be repeated)")
    backfill.add_argument("--preview", action="store_true", help="only count what would be read")
    backfill.add_argument("--rows-per-second", type=_rate, metavar="N", help="go easy on the database")
    importing = command("import", _import, "Load a file of an entity that the store lacks.")
    importing.add_argument("file", type=Path)
    importing.add_argument("--entity", required=True, help="order, person, ad_insight, …")
    importing.add_argument("--mapping", type=Path, required=True, help="a TOML file that says which column is what")
    importing.add_argument("--tenant", help="the tenant (default: the only one)")
    importing.add_argument("--bad", type=Path, help="a CSV file for the lines that could not be loaded, with reasons")
    command("worker", _worker, "Run background work outside the web process.")
    command("scheduler", _scheduler, "Make the jobs' slots; any number may run.")
    openapi = command("openapi", _openapi, "Print the OpenAPI document of the plugin's routes.")
    openapi.add_argument("--out", type=Path, help="write it here instead")
    uninstall = command("uninstall", _uninstall, "Export every table of the plugin, then drop its schema.")
    uninstall.add_argument("--export", type=Path, help="the zip file to write (default: adplanning-export-<time>.zip)")
    uninstall.add_argument("--no-export", action="store_true", help="drop without exporting")
    uninstall.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def load(where: str | None) -> AdPlanning:
    """The plugin object behind `module:name`.

    Raises:
        ConfigurationError: nothing of that name, or an app without the plugin.
    """
    from litestar import Litestar

    from adplanning_plugin.kernel.errors import AdPlanningError, ConfigurationError
    from adplanning_plugin.plugin import AdPlanning

    if not where or ":" not in where:
        raise ConfigurationError(f"Give --app or set ADPLANNING_APP: {APP_HELP}.")
    sys.path.insert(0, str(Path.cwd()))
    module_name, _, name = where.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module_name), name)
        if not isinstance(found, Litestar | AdPlanning) and callable(found):
            found = found()
    except AdPlanningError:
        raise
    except Exception as problem:
        said = f"{problem}".rstrip(".") or type(problem).__name__
        raise ConfigurationError(f"--app {where} cannot be loaded: {said}.") from problem
    if isinstance(found, Litestar):
        found = next((plugin for plugin in found.plugins if isinstance(plugin, AdPlanning)), None)
    if not isinstance(found, AdPlanning):
        raise ConfigurationError(f"--app {where} holds no AdPlanning plugin: add one to Litestar(plugins=[…]).")
    return found


# --- commands ---------------------------------------------------------------------------------------------------


def _demo(_: argparse.Namespace) -> int:
    try:
        demo: Any = importlib.import_module("host_example.demo")
    except ModuleNotFoundError as problem:
        if problem.name not in {"host_example", "host_example.demo"}:
            raise
        print("adplanning: the demo needs a checkout: run ./run demo there.", file=sys.stderr)
        return 2
    return int(demo.main() or 0)


async def _migrate(options: argparse.Namespace) -> int:
    from adplanning_plugin.maintenance import migrate_schema

    plugin = load(options.app) if options.app or not options.url else None
    extra = [path for path in plugin.hooks.hook.register_migrations() if path] if plugin else []
    revisions = await migrate_schema(options.url or _owner_url(plugin), extra)
    if plugin:
        await plugin.runtime.database.close()
    print(f"The schema is at {', '.join(revisions) or 'no revision'}.")
    return 0


def _owner_url(plugin: AdPlanning | None) -> str:
    from adplanning_plugin.kernel.errors import ConfigurationError
    from adplanning_plugin.options import load_options

    database = (plugin.options if plugin else load_options()).database
    url = database.owner_url or database.url
    if url is None and plugin is not None:
        url = plugin.runtime.database.engine.url.render_as_string(hide_password=False)
    if not url:
        raise ConfigurationError("Give --url, or set ADPLANNING_DATABASE_OWNER_URL or ADPLANNING_DATABASE_URL.")
    return url


async def _maintain(options: argparse.Namespace) -> int:
    from adplanning_plugin.maintenance import maintain

    plugin = load(options.app)
    for line in await maintain(plugin):
        print(line)
    return 0


async def _doctor(options: argparse.Namespace) -> int:
    from adplanning_plugin.maintenance import diagnose

    findings = await diagnose(load(options.app))
    if options.json:
        print(json.dumps([finding.wire() for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{finding.mark()} {finding.subject}: {finding.sentence}")
    return 1 if any(finding.status == "fail" for finding in findings) else 0


async def _backfill(options: argparse.Namespace) -> int:
    from adplanning_plugin.kernel.backfill import backfill, preview
    from adplanning_plugin.maintenance import first_fit, settle

    plugin = load(options.app)
    await plugin.start()
    try:
        for tenant in _chosen(plugin, options.tenant):
            since = _since(options.since, tenant.zone)
            if options.preview:
                counts = await preview(plugin.runtime, tenant.id, since)
                print(f"{tenant.id}: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
                continue
            with _progress() as report:
                results = await backfill(
                    plugin.runtime,
                    tenant.id,
                    since,
                    progress=lambda name, done, total, at=tenant.id: report(f"{at} {name}", done, total),
                    rows_per_second=options.rows_per_second,
                )
            for result in results:
                failed = f", {len(result.failed)} dead letters" if result.failed else ""
                print(f"{tenant.id} {result.sweep}: {result.seen:,} read, {result.changed:,} changed{failed}")
            with _progress() as report:
                report(f"{tenant.id} credit", 0, None)
                settled = await settle(plugin, tenant.id)
            print(f"{tenant.id}: {settled:,} pieces of work that followed from it are done")
            if await first_fit(plugin, tenant.id):
                print(f"{tenant.id}: the data-driven model is fitted to its journeys")
    finally:
        await plugin.stop()
    return 0


def _chosen(plugin: AdPlanning, wanted: Sequence[str] | None) -> Sequence[Tenant]:
    from adplanning_plugin.kernel.errors import ConfigurationError

    tenants = plugin.runtime.tenants
    known = {tenant.id for tenant in tenants}
    for unknown in sorted(set(wanted or ()) - known):
        raise ConfigurationError(f"There is no tenant {unknown!r}: give one of {', '.join(sorted(known))}.")
    return [tenant for tenant in tenants if not wanted or tenant.id in wanted]


def _rate(value: str) -> float:
    rate = float(value)
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError("give a number above 0")
    return rate


def _since(value: str | None, zone: str) -> datetime | None:
    from adplanning_plugin.kernel import days
    from adplanning_plugin.kernel.errors import FieldError, Invalid

    if value is None:
        return None
    try:
        return days.day_start(date.fromisoformat(value), zone)
    except ValueError:
        raise Invalid(FieldError("since", "not_a_day", "--since must be a day such as 2026-02-07.")) from None


async def _import(options: argparse.Namespace) -> int:
    from adplanning_plugin.kernel.errors import ConfigurationError
    from adplanning_plugin.links import Links, import_file

    plugin = load(options.app)
    await plugin.start()
    try:
        tenants = [tenant.id for tenant in _chosen(plugin, [options.tenant] if options.tenant else None)]
        if len(tenants) != 1:
            raise ConfigurationError(f"Give --tenant: one of {', '.join(tenants)}.")
        with _progress() as report:
            result = await import_file(
                plugin.runtime.database,
                plugin.runtime.get(Links),
                tenants[0],
                options.entity,
                options.file,
                options.mapping,
                progress=lambda done, total: report(options.entity, done, total),
                report=options.bad,
            )
    finally:
        await plugin.stop()
    print(f"{result.read:,} read, {result.loaded:,} loaded, {result.already:,} there before, {len(result.bad):,} bad")
    for line, reason in result.bad[:SHOWN]:
        print(f"line {line}: {reason}")
    if len(result.bad) > SHOWN:
        where = f"in {options.bad}" if options.bad else "written by --bad FILE"
        print(f"… and {len(result.bad) - SHOWN:,} more, all of them {where}")
    return 1 if result.bad else 0


async def _worker(options: argparse.Namespace) -> int:
    return await _work(options, works=True, schedules=False)


async def _scheduler(options: argparse.Namespace) -> int:
    return await _work(options, works=False, schedules=True)


async def _work(options: argparse.Namespace, *, works: bool, schedules: bool) -> int:
    from adplanning_plugin.kernel.background import Background
    from adplanning_plugin.kernel.telemetry import RedactionFilter, Redactor, log_json

    plugin = load(options.app)
    handler = log_json()
    # What other libraries warn of goes the same way: an app that was loaded has set up handlers for a web process.
    handler.addFilter(RedactionFilter(Redactor((), (plugin.options.secret,) if plugin.options.secret else ())))
    logging.getLogger().handlers[:] = [handler]
    logging.getLogger().setLevel(logging.WARNING)
    await plugin.start()
    try:
        await Background(plugin.runtime, works=works, schedules=schedules).until_stopped()
    finally:
        await plugin.stop()
    return 0


def _openapi(options: argparse.Namespace) -> int:
    from litestar import Litestar

    from adplanning_plugin.kernel.openapi import RawRoutes, openapi_document

    plugin = load(options.app)
    if not plugin.runtime.has(RawRoutes):  # an AdPlanning that no app holds: its raw routes are made with an app
        Litestar(plugins=[plugin], logging_config=None)
    document = json.dumps(openapi_document(plugin.runtime), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if options.out:
        options.out.write_text(document, encoding="utf-8")
    else:
        print(document, end="")
    return 0


def _uninstall(options: argparse.Namespace) -> int:
    plugin = load(options.app)
    if not options.yes and not _confirmed():
        print("Nothing was changed: type 'uninstall' when asked, or give --yes.")
        return 1
    return asyncio.run(_remove(plugin, options))


def _confirmed() -> bool:
    try:
        answer = input("This drops the plugin's schema with all that it knows. Type 'uninstall' to go on: ")
    except EOFError:
        print()
        return False
    return answer.strip() == "uninstall"


async def _remove(plugin: AdPlanning, options: argparse.Namespace) -> int:
    from adplanning_plugin.maintenance import export_all, remove

    if not options.no_export:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        target = options.export or Path(f"adplanning-export-{stamp}.zip")
        with _progress() as report:
            rows = await export_all(plugin, target, lambda done, total: report("tables", done, total))
        print(f"{rows:,} rows exported to {target}.")
    host_table = await remove(plugin, _owner_url(plugin))
    print("The schema adplanning is gone; nothing else was touched.")
    if host_table:
        print(f"Its revisions are out of {host_table}: take its folder out of your Alembic's version_locations.")
    return 0


class _progress:  # noqa: N801 - reads as a block
    """A bar for long work: one task a name, drawn on a terminal, silent elsewhere."""

    def __enter__(self) -> Callable[[str, int, int | None], None]:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bars = Progress(*columns, disable=not sys.stdout.isatty())
        self._tasks: dict[str, Any] = {}
        self._bars.start()
        return self._report

    def _report(self, name: str, done: int, total: int | None) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        self._bars.stop()


if __name__ == "__main__":
    sys.exit(main())
