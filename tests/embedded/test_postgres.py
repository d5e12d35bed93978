"""The embedded PostgreSQL: who it runs as, what it leaves behind, and what happens when things die."""

import asyncio
import contextlib
import json
import os
import pwd
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from adplanning_plugin.embedded import ROLE, SUPERUSER, EmbeddedError, Postgres, accounts
from adplanning_plugin.embedded.server import free_port

FAST = {"fsync": "off"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that the server's account can reach, unlike pytest's own when root runs the tests."""
    made = accounts.temporary_folder("test")
    yield made
    subprocess.run(["rm", "-rf", str(made)], check=True)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z" if Path("/proc").is_dir() else True


def all_command_lines() -> list[bytes]:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # ended meanwhile
            lines.append(path.read_bytes())
    return lines


def wait_until(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


async def test_the_ordinary_role_owns_databases_and_is_bound_by_row_level_security() -> None:
    with Postgres(settings=FAST) as server:
        url = server.create_database("shop")
        connection = await asyncpg.connect(url)
        try:
            role = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = current_user")
            owner = await connection.fetchval(
                "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
            )
            await connection.execute("CREATE SCHEMA adplanning")
            await connection.execute("CREATE TABLE customers (id int)")
            home_of_host_table = await connection.fetchval(
                "SELECT relnamespace::regnamespace::text FROM pg_class WHERE relname = 'customers'"
            )
            version = await connection.fetchval("SHOW server_version_num")
        finally:
            await connection.close()
    assert (role["rolname"], role["rolsuper"], role["rolbypassrls"]) == (ROLE, False, False)
    assert owner == ROLE
    assert home_of_host_table == "public"
    assert int(version) >= 150000


@pytest.mark.skipif(
    not Path("/proc/self/cmdline").exists(), reason="reads the command lines of all processes from /proc"
)
async def test_nobody_gets_in_without_the_password() -> None:
    with Postgres(settings=FAST) as server:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://{SUPERUSER}:guess@127.0.0.1:{server.port}/postgres")
        assert (server.data_dir / "credentials.json").stat().st_mode & 0o077 == 0
        command_lines = await asyncio.to_thread(all_command_lines)
        password = json.loads((server.data_dir / "credentials.json").read_text())[SUPERUSER]
    assert not any(password.encode() in line for line in command_lines)


def test_starting_and_stopping_costs_less_than_three_seconds_of_cpu() -> None:
    with Postgres(settings=FAST):
        pass  # root's copy of the programs is made once a version, not at each start
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with Postgres(settings=FAST):
        pass
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 3.0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another account run the server")
def test_started_by_root_it_runs_as_nobody() -> None:
    with Postgres(settings=FAST) as server:
        assert server.pid is not None
        assert Path(f"/proc/{server.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid


def test_stop_leaves_no_process_and_no_thrown_away_data() -> None:
    server = Postgres(settings=FAST).start()
    pid, data = server.pid, server.data_dir
    server.stop()
    assert pid is not None
    assert not alive(pid)
    assert not data.exists()
    assert not server.running


def test_data_and_port_survive_a_restart_and_a_kill(folder: Path) -> None:
    with Postgres(folder / "pg", settings=FAST) as server:
        server.create_database("kept")
        port = server.port
        server.restart()
        server.kill()
        assert not server.running
        server.start()
        assert server.port == port
        assert "kept" in server.databases()


def test_a_second_run_reuses_the_data_and_the_passwords(folder: Path) -> None:
    with Postgres(folder / "pg", settings=FAST) as first:
        first.create_database("kept")
        role = first.url("kept").rsplit("@", 1)[0]
    with Postgres(folder / "pg", settings=FAST) as second:
        assert second.sql("SELECT current_database()", "kept", ROLE) == ["kept"]
        assert second.url("kept").rsplit("@", 1)[0] == role


def test_a_pid_file_left_by_a_crash_is_no_obstacle(folder: Path) -> None:
    with Postgres(folder / "pg", settings=FAST):
        pass
    # Process 1 is alive and is not this server: the number was given out again.
    (folder / "pg" / "pgdata" / "postmaster.pid").write_text(f"1\n{folder}/pg/pgdata\n0\n5432\n\n127.0.0.1\n\nready\n")
    with Postgres(folder / "pg", settings=FAST) as server:
        assert server.sql("SELECT 1") == ["1"]


def test_two_servers_over_one_folder_are_refused_by_name(folder: Path) -> None:
    with Postgres(folder / "pg", settings=FAST), pytest.raises(EmbeddedError, match=f"already uses {folder}/pg/pgdata"):
        Postgres(folder / "pg", settings=FAST).start()


def test_a_taken_port_is_named() -> None:
    with Postgres(settings=FAST) as server, pytest.raises(EmbeddedError, match=f"port {server.port}"):
        Postgres(port=server.port, settings=FAST).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another account run the server")
def test_a_folder_that_nobody_cannot_reach_is_named_and_left_alone(folder: Path) -> None:
    shut = folder / "shut"
    shut.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError, match=f"{shut}/pg cannot be reached: .* may not enter {shut}"):
        Postgres(shut / "pg").start()
    assert shut.stat().st_mode & 0o777 == 0o700
    assert shut.stat().st_uid == 0


def test_an_existing_folder_keeps_its_mode_and_owner(folder: Path) -> None:
    mine = folder / "mine"
    mine.mkdir(mode=0o755)
    mine.chmod(0o755)
    (mine / "note.txt").write_text("mine")
    with Postgres(mine, settings=FAST):
        pass
    assert mine.stat().st_mode & 0o777 == 0o755
    assert mine.stat().st_uid == os.geteuid()
    assert (mine / "note.txt").read_text() == "mine"


def test_data_of_another_version_is_refused_with_the_way_out(folder: Path) -> None:
    with Postgres(folder / "pg", settings=FAST):
        pass
    (folder / "pg" / "pgdata" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 9 .* Dump it"):
        Postgres(folder / "pg").start()


def test_names_of_databases_are_checked() -> None:
    with Postgres(settings=FAST) as server, pytest.raises(EmbeddedError, match="lower-case"):
        server.create_database('x"; DROP DATABASE postgres; --')


@pytest.mark.processes
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_does_not_outlive_its_caller(how: signal.Signals) -> None:
    program = (
        "import sys, time\n"
        "from adplanning_plugin.embedded import Postgres\n"
        "server = Postgres(settings={'fsync': 'off'}).start()\n"
        "print(server.pid, server.data_dir, flush=True)\n"
        "time.sleep(120)\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    pid, data = caller.stdout.readline().split()
    assert alive(int(pid))
    caller.send_signal(how)
    caller.wait()
    caller.stdout.close()
    assert wait_until(lambda: not alive(int(pid)))
    assert wait_until(lambda: not Path(data).exists())


def test_a_free_port_is_free() -> None:
    assert free_port() != free_port()
