"""An embedded Valkey on loopback, behind a generated password; keeps nothing on disk unless asked to."""

import secrets
import socket
from pathlib import Path

from adplanning_plugin.embedded.accounts import EmbeddedError
from adplanning_plugin.embedded.binaries import valkey_server
from adplanning_plugin.embedded.server import HOST, Server


class Valkey(Server):
    """One Valkey server.

    Args:
        data_dir: kept between runs; None is a fresh folder that `stop` (or the caller's death) removes.
        port: 0 takes a free one, which stays the same over restarts.
        append_only: write every change to disk, so that a kill loses at most a second's.
    """

    name = "valkey"

    def __init__(
        self,
        data_dir: Path | str | None = None,
        port: int = 0,
        *,
        append_only: bool = False,
        start_timeout: float = 20.0,
    ) -> None:
        super().__init__(data_dir, port, start_timeout=start_timeout)
        self._append_only = append_only
        self._password = secrets.token_urlsafe(24)

    def url(self, database: int = 0) -> str:
        """`redis://:password@127.0.0.1:port/0`."""
        return f"redis://:{self._password}@{HOST}:{self.port}/{database}"

    def flush(self) -> None:
        """Forget every key of every database."""
        said = self._ask("FLUSHALL")
        if said != "+OK":
            raise EmbeddedError(f"Valkey did not flush: {said or 'no answer'}")

    @property
    def _files(self) -> Path:
        return self.data_dir / "valkey"

    def _prepare(self) -> None:
        if not self._files.exists():
            self._files.mkdir(mode=0o700)
            self._account.own(self._files)

    def _command(self) -> tuple[list[str], str]:
        settings = {
            "bind": HOST,
            "port": str(self.port),
            "requirepass": self._password,
            "dir": f'"{self._files}"',
            "save": '""',
            "appendonly": "yes" if self._append_only else "no",
            "daemonize": "no",
        }
        # By standard input: a command line is readable by every account of the machine.
        return [str(valkey_server()), "-"], "".join(f"{name} {value}\n" for name, value in settings.items())

    def _answers(self) -> bool:
        return self._ask("PING") == "+PONG"

    def _started(self) -> None:
        """Nothing: Valkey begins empty, or with what its append-only file holds."""

    def _ask(self, command: str) -> str:
        """One command's first line of answer; empty when nobody answers."""
        try:
            with socket.create_connection((HOST, self.port), timeout=5.0) as line:
                line.sendall(f"AUTH {self._password}\r\n{command}\r\n".encode())
                heard = b""
                while heard.count(b"\r\n") < 2:
                    chunk = line.recv(4096)
                    if not chunk:
                        return ""
                    heard += chunk
        except OSError:
            return ""
        signed_in, answer, *_ = heard.decode().split("\r\n")
        return answer if signed_in == "+OK" else signed_in
