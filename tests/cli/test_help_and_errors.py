"""The command line explains itself, and refuses in one sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.conftest import Terminal
from tests.databases import PostgresServer

COMMANDS = {
    "demo", "migrate", "maintain", "doctor", "backfill", "import", "worker", "scheduler", "openapi", "uninstall"
}  # fmt: skip


def test_help_names_every_command_and_each_commands_help_every_option(terminal: Terminal) -> None:
    said = terminal.run("--help").ok()
    listed = {line.split()[0] for line in said.partition("commands:")[2].splitlines() if line.startswith("    ")}
    assert COMMANDS | {"COMMAND"} >= {name for name in listed if name.isalpha() and name.islower()} >= COMMANDS
    told = terminal.run("backfill", "--help").ok()
    assert told.startswith("usage: adplanning backfill")
    assert {"--app", "--since", "--tenant", "--preview", "--rows-per-second"} <= set(told.split())


def test_an_unknown_command_is_refused_with_the_usage(terminal: Terminal) -> None:
    said = terminal.run("migrat")
    assert said.status == 2
    assert "migrat" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("app", "why"),
    [
        ("nowhere", "Give --app or set ADPLANNING_APP"),
        ("nowhere.at_all:app", "No module named 'nowhere'"),
        ("host_example.app:missing", "has no attribute 'missing'"),
        ("host_example.settings:StoreSettings", "database_url"),
        ("host_example.bus:Bus", "holds no AdPlanning plugin"),
    ],
)
def test_an_app_that_cannot_be_loaded_is_one_sentence(terminal: Terminal, app: str, why: str) -> None:
    assert why in terminal.run("doctor", "--app", app).refused()


def test_a_store_that_lacks_its_own_setting_says_so_in_its_own_words(terminal: Terminal) -> None:
    said = terminal.run("backfill", STORE_DATABASE_URL="").refused()
    assert "STORE_DATABASE_URL is not set" in said


@pytest.mark.parametrize("command", [["migrate"], ["uninstall", "--yes"], ["worker"]])
def test_a_database_that_does_not_answer_is_one_sentence(
    terminal_on: Callable[..., Terminal], command: list[str]
) -> None:
    terminal = terminal_on("postgresql://adplanning@127.0.0.1:9/store", ADPLANNING_APP="tests.cli.mini:plugin")
    assert "cannot be reached" in terminal.run(*command).refused()


def test_without_tables_the_sentence_names_the_command_that_makes_them(
    terminal_on: Callable[..., Terminal], empty_database_url: str
) -> None:
    terminal = terminal_on(empty_database_url)
    assert "run `adplanning migrate`" in terminal.run("backfill").refused()


def test_a_setting_that_does_not_fit_is_named(terminal: Terminal) -> None:
    assert "ADPLANNING_WORK_MODE" in terminal.run("doctor", ADPLANNING_WORK_MODE="sometimes").refused()


def test_an_unknown_tenant_a_wrong_day_and_a_wrong_rate_are_refused(terminal: Terminal) -> None:
    assert "give one of 101, 202" in terminal.run("backfill", "--tenant", "909").refused()
    assert "such as 2026-02-07" in terminal.run("backfill", "--since", "last week").refused()
    wrong = terminal.run("backfill", "--rows-per-second", "-3")
    assert (wrong.status, "give a number above 0" in wrong.err) == (2, True)


def test_a_role_that_bypasses_row_level_security_does_not_work(
    terminal_on: Callable[..., Terminal], database_url: str, postgres_server: PostgresServer
) -> None:
    above = postgres_server.url(database_url.rpartition("/")[2], "postgres")
    assert "bypasses row-level security" in terminal_on(above).run("worker").refused()
