"""An embedded PostgreSQL on loopback, with an ordinary role beside the superuser; no replication, no backups.

Both roles have generated passwords (SCRAM), kept in `credentials.json` of the data folder, readable by the caller
alone. There is no Unix socket, so no path can be too long and no other account of the machine gets in.
"""

import json
import os
import re
import secrets
import subprocess
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from adplanning_plugin.embedded.accounts import EmbeddedError
from adplanning_plugin.embedded.binaries import postgres_bin
from adplanning_plugin.embedded.server import HOST, Server

SUPERUSER = "postgres"
ROLE = "adplanning"
"""The ordinary role: no superuser, bound by row-level security, as a host's own role should be."""

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class Postgres(Server):
    """One PostgreSQL server.

    Args:
        data_dir: kept between runs; None is a fresh folder that `stop` (or the caller's death) removes.
        port: 0 takes a free one, which stays the same over restarts.
        settings: more of postgresql.conf, for example `{"fsync": "off"}` for tests.
        programs: the folder of another PostgreSQL's `initdb` and `postgres` (15 or newer), to try that version.
    """

    name = "postgres"
    ladder = ("SIGINT", "SIGQUIT")  # fast, then immediate; "smart" would wait for clients

    def __init__(
        self,
        data_dir: Path | str | None = None,
        port: int = 0,
        *,
        settings: Mapping[str, str] | None = None,
        programs: Path | str | None = None,
        start_timeout: float = 20.0,
    ) -> None:
        super().__init__(data_dir, port, start_timeout=start_timeout)
        self._settings = {
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "max_connections": "200",
            "log_timezone": "UTC",
            "timezone": "UTC",
            "password_encryption": "scram-sha-256",
            **(settings or {}),
        }
        self._programs = Path(programs) if programs is not None else None
        self._passwords: dict[str, str] = {}

    def url(self, database: str = SUPERUSER, role: str = ROLE, *, driver: str = "") -> str:
        """`postgresql://role:password@127.0.0.1:port/database`; `driver="asyncpg"` gives SQLAlchemy's spelling."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        return f"{scheme}://{role}:{quote(self._password(role))}@{HOST}:{self.port}/{quote(database)}"

    def program(self, name: str) -> Path:
        """The path of one of the server's own tools, such as `psql` or `pg_dump`."""
        return (self._programs or postgres_bin()) / name

    def sql(self, statements: str, database: str = SUPERUSER, role: str = SUPERUSER) -> list[str]:
        """Run SQL with `psql` and return its output lines, unaligned; for set-up, not for data.

        Raises:
            EmbeddedError: PostgreSQL refused a statement; the message is its own.
        """
        done = subprocess.run(
            [str(self.program("psql")), "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            input=statements,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            # Not on the command line, which every account of the machine can read.
            env={
                "PGHOST": HOST,
                "PGPORT": str(self.port),
                "PGUSER": role,
                "PGPASSWORD": self._password(role),
                "PGDATABASE": database,
                "PGCONNECT_TIMEOUT": "10",
                "LC_ALL": "C",
            },
        )
        if done.returncode != 0:
            raise EmbeddedError(done.stderr.strip())
        return done.stdout.splitlines()

    def databases(self) -> list[str]:
        """The databases of this server, its own templates left out."""
        return self.sql("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY datname")

    def create_database(self, name: str, owner: str = ROLE, *, template: str | None = None) -> str:
        """Create a database owned by the ordinary role unless it is there, and return its address for that role."""
        if not _NAME.fullmatch(name) or not _NAME.fullmatch(owner) or not _NAME.fullmatch(template or owner):
            raise EmbeddedError(f"{name!r}: a database's name is lower-case letters, digits and _, at most 63 of them.")
        if name not in self.databases():
            based_on = f' TEMPLATE "{template}"' if template else ""
            self.sql(f'CREATE DATABASE "{name}" OWNER "{owner}"{based_on}')
        return self.url(name, owner)

    def _password(self, role: str) -> str:
        if role not in self._passwords:
            raise EmbeddedError(f"This server has no role {role!r}; it has {ROLE!r} and {SUPERUSER!r}, once started.")
        return self._passwords[role]

    @cached_property
    def _major(self) -> int:
        said = subprocess.run(
            [str(self.program("postgres")), "--version"], capture_output=True, text=True, check=True, cwd="/"
        ).stdout
        return int(re.findall(r"\d+", said)[0])

    @property
    def _cluster(self) -> Path:
        return self.data_dir / "pgdata"

    @property
    def _pid_file(self) -> Path:
        return self._cluster / "postmaster.pid"

    def _prepare(self) -> None:
        credentials = self.data_dir / "credentials.json"
        version = self._cluster / "PG_VERSION"
        if version.exists():
            made_by = version.read_text().strip()
            if made_by != str(self._major):
                raise EmbeddedError(
                    f"The data in {self._cluster} was made by PostgreSQL {made_by} and this server is {self._major}. "
                    f"Dump it with the old version, or remove {self.data_dir} to begin anew."
                )
            if not credentials.exists():
                raise EmbeddedError(
                    f"{credentials} is missing, and with it the passwords. Put it back or name another folder."
                )
            self._passwords = json.loads(credentials.read_text())
            return
        if self._cluster.exists() and any(self._cluster.iterdir()) and not credentials.exists():
            raise EmbeddedError(f"{self._cluster} holds files that are no PostgreSQL data. Name another data folder.")
        self._passwords = {SUPERUSER: secrets.token_urlsafe(24), ROLE: secrets.token_urlsafe(24)}
        _write_private(credentials, json.dumps(self._passwords))
        self._initialise()

    def _initialise(self) -> None:
        """`initdb` into a folder of another name, then a rename: a killed set-up leaves nothing that looks complete."""
        making = self.data_dir / f"pgdata-{secrets.token_hex(4)}"
        making.mkdir(mode=0o700)
        password = self.data_dir / f"password-{secrets.token_hex(4)}"
        _write_private(password, self._passwords[SUPERUSER])
        self._account.own(making)
        self._account.own(password)
        try:
            done = subprocess.run(
                [
                    str(self.program("initdb")),
                    f"--pgdata={making}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    # The same order of text on every machine, whatever locales it has installed.
                    "--locale=C",
                    *(("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if self._major >= 17 else ()),
                    "--no-instructions",
                    "--no-sync",
                ],
                user=self._account.uid,
                group=self._account.gid,
                extra_groups=None if self._account.uid is None else [],
                cwd=self.data_dir,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        finally:
            password.unlink()
        if done.returncode != 0:
            raise EmbeddedError(f"PostgreSQL could not set up {making}: {done.stderr.strip() or done.stdout.strip()}")
        if self._cluster.exists():
            self._cluster.rmdir()
        making.rename(self._cluster)

    def _command(self) -> tuple[list[str], str]:
        self._clear_stale_pid()
        settings = dict(self._settings)
        if self._major >= 16:
            # The passwords are long and random: stretching them would only make each connection slower.
            settings.setdefault("scram_iterations", "1")
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.program("postgres")), "-D", str(self._cluster), "-p", str(self.port), *options], ""

    def _clear_stale_pid(self) -> None:
        """Remove the pid file of a server that is gone; one that lives is waited for, then named."""
        deadline = time.monotonic() + 5.0
        while (pid := self._recorded_pid()) is not None:
            if not _serves(pid, self._cluster):
                self._pid_file.unlink(missing_ok=True)
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"A PostgreSQL (process {pid}) already uses {self._cluster}. Stop it, or name another data folder."
                )
            time.sleep(0.1)

    def _recorded_pid(self) -> int | None:
        try:
            return int(self._pid_file.read_text().split("\n", 1)[0])
        except FileNotFoundError:
            return None
        except ValueError:  # written half-way when the machine stopped
            self._pid_file.unlink(missing_ok=True)
            return None

    def _answers(self) -> bool:
        try:
            lines = self._pid_file.read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _may_retry(self, said: str) -> bool:
        # After a kill -9 the last of the server's children hold its shared memory for a moment.
        return "shared memory block" in said or super()._may_retry(said)

    def _started(self) -> None:
        """The ordinary role, made or given its password again: a set-up that was killed half-way completes itself."""
        password = self._passwords[ROLE]
        self.sql(
            f"""DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
                CREATE ROLE {ROLE} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE PASSWORD '{password}';
            END IF;
            END $$;
            -- The role is named like the plugin's schema: by default its unqualified tables would land there.
            ALTER ROLE {ROLE} SET search_path = public;"""
        )


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _serves(pid: int, cluster: Path) -> bool:
    """Whether the process is a PostgreSQL with this data, and not a later process that got its number."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):  # gone, or another account's, which could not read this data
        return False
    listing = Path(f"/proc/{pid}/cmdline")
    if listing.exists():
        return str(cluster).encode() in listing.read_bytes()
    said = subprocess.run(
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return str(cluster) in said.stdout
