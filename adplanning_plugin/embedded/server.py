"""Starting, stopping and killing one embedded server through its guard; knows neither PostgreSQL nor Valkey."""

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from adplanning_plugin.embedded.accounts import EmbeddedError, make_folder, reachable, server_account, temporary_folder

_GUARD = Path(__file__).with_name("guard.py")
HOST = "127.0.0.1"


class Server(ABC):
    """One server process on loopback, with a data folder that is kept, or thrown away when none is named.

    Safe to start and stop from any thread; not meant for an event loop, which should use a thread.
    """

    name: str
    ladder: tuple[str, ...] = ("SIGTERM",)
    """Signals that end the server, politest first."""

    def __init__(self, data_dir: Path | str | None = None, port: int = 0, *, start_timeout: float = 20.0) -> None:
        self._named = Path(data_dir).absolute() if data_dir is not None else None
        self._asked_port = port
        self._start_timeout = start_timeout
        self._account = server_account()
        self._guard: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()
        self._folder: Path | None = None
        self._prepared = False
        self.port = port
        self.pid: int | None = None

    @property
    def data_dir(self) -> Path:
        """Where the server keeps its files; made on first use."""
        if self._folder is None:
            if self._named is None:
                self._folder = temporary_folder(self.name)
            else:
                make_folder(self._named)
                self._folder = self._named
            reachable(self._folder, self._account)
        return self._folder

    @property
    def running(self) -> bool:
        """Whether the server's process is alive."""
        return self._guard is not None and self._guard.poll() is None

    @property
    def log(self) -> Path:
        """What the server has written to its standard output and error."""
        return self.data_dir / f"{self.name}.log"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start and wait until the server answers.

        Raises:
            EmbeddedError: it does not; the message carries the end of its log.
        """
        with self._lock:
            if self.running:
                return self
            if not self._prepared:
                self._prepare()
                self._prepared = True
            deadline = time.monotonic() + self._start_timeout
            while not self._try_start(deadline):
                if time.monotonic() > deadline:
                    self._give_up(f"did not answer within {self._start_timeout:g} seconds")
            try:
                self._started()
            except BaseException:
                self.stop()
                raise
            return self

    def stop(self) -> None:
        """End the server in good order; nothing is left running, and thrown-away data is gone."""
        with self._lock:
            for name in self.ladder:
                if self._signal(name):
                    break
            else:
                self._signal("SIGKILL")
            if self._named is None and self._folder is not None:
                _remove(self._folder)
                self._folder = None
                self._prepared = False
                self.port = self._asked_port

    def kill(self) -> None:
        """`kill -9`, as a crash would; the data stays for the next `start`."""
        with self._lock:
            self._signal("SIGKILL")

    def restart(self) -> Self:
        """Stop in good order and start again on the same port with the same data."""
        with self._lock:
            for name in self.ladder:
                if self._signal(name):
                    break
            return self.start()

    @abstractmethod
    def _prepare(self) -> None:
        """Make what the first start needs; called once."""

    @abstractmethod
    def _command(self) -> tuple[list[str], str]:
        """The command line and what it reads from standard input."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server takes commands."""

    @abstractmethod
    def _started(self) -> None:
        """What is to be done after each start, the server answering."""

    def _may_retry(self, said: str) -> bool:
        """Whether a start that failed with these words may succeed a moment later."""
        return self._asked_port == 0 and "already in use" in said.lower()

    def _try_start(self, deadline: float) -> bool:
        if self.port == 0:
            self.port = free_port()
        log_start = self.log.stat().st_size if self.log.exists() else 0
        command, words = self._command()
        self._guard = self._launch(command, words)
        while time.monotonic() < deadline:
            if not self.running:
                said = self.log.read_bytes()[log_start:].decode(errors="replace")
                self._forget()
                if not self._may_retry(said):
                    self._give_up("ended at once", said)
                if "address already in use" in said.lower() and self._asked_port == 0:
                    self.port = 0
                time.sleep(0.1)
                return False
            if self._answers():
                return True
            time.sleep(0.02)
        return False

    def _launch(self, command: list[str], words: str) -> "subprocess.Popen[bytes]":
        order = {
            "command": command,
            "stdin": words,
            "cwd": str(self.data_dir),
            "log": str(self.log),
            "uid": self._account.uid,
            "gid": self._account.gid,
            "ladder": self.ladder,
            "patience": 5.0,
            "remove": str(self.data_dir) if self._named is None else None,
        }
        guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal is the caller's to handle
        )
        if guard.stdout is None or guard.stderr is None:  # for the type checker: both are pipes
            raise EmbeddedError(f"The guard of {self.name} has no output.")
        line = guard.stdout.readline().strip()
        guard.stdout.close()
        if not line.isdigit():
            said = guard.stderr.read().decode(errors="replace").strip().splitlines()
            guard.wait()
            guard.stderr.close()
            raise EmbeddedError(f"{command[0]} cannot be started: {said[-1] if said else 'no reason given'}")
        guard.stderr.close()
        self.pid = int(line)
        return guard

    def _signal(self, name: str) -> bool:
        """Send by way of the guard, which alone knows that the id still is the server's; True when it has ended."""
        if self._guard is None or self._guard.stdin is None:
            return True
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._guard.stdin.write(f"{signal.Signals[name].name}\n".encode())
            self._guard.stdin.flush()
        try:
            self._guard.wait(10.0)
        except subprocess.TimeoutExpired:
            return False
        self._forget()
        return True

    def _forget(self) -> None:
        if self._guard is not None:
            if self._guard.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    self._guard.stdin.close()
            self._guard.wait()
        self._guard = None
        self.pid = None

    def _give_up(self, what: str, said: str | None = None) -> None:
        log = self.log
        said = log.read_text(errors="replace") if said is None and log.exists() else said or ""
        self.stop()
        tail = "\n".join(said.strip().splitlines()[-12:])
        raise EmbeddedError(f"{self.name} on port {self.port} with its data in {log.parent} {what}. Its log:\n{tail}")


def free_port() -> int:
    """A port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _remove(folder: Path) -> None:
    """Children of a server that was killed may write for a moment longer."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
