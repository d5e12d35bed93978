"""A small parent for one embedded server, so that the server never outlives the program that asked for it.

Run as a script, by path, with one JSON argument. Standard input is the caller's pipe: a line names a signal for the
server; end of file without one, or a changed parent, means that the caller is gone, however it went.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

_POLL = 0.5  # a caller killed while a forked child still holds its end of the pipe is noticed by the parent's id


class _Told(Exception):
    pass


def _wake(*_: object) -> None:
    """An ended server interrupts the wait through the wake-up descriptor; the handler itself has nothing to do."""


def _end(server: "subprocess.Popen[bytes]", ladder: list[str], patience: float) -> None:
    """Ask ever less politely until the server has ended."""
    for name in ladder:
        server.send_signal(signal.Signals[name])
        try:
            server.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return
    server.kill()
    server.wait()


def _watch(server: "subprocess.Popen[bytes]", awake: int, caller: int) -> bool:
    """Pass signals on until the server has ended (True) or the caller has (False)."""
    pending = b""
    told = False
    inputs = [0, awake]
    while server.poll() is None:
        ready, _, _ = select.select(inputs, [], [], _POLL)
        if awake in ready:
            os.read(awake, 512)
        if 0 in ready:
            chunk = os.read(0, 512)
            if not chunk:
                if not told:
                    return False
                inputs.remove(0)
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                told = True
                server.send_signal(signal.Signals[line.decode()])
        if os.getppid() != caller:
            return False
    return True


def main(order: dict[str, Any]) -> int:
    """Start the server, say its process id, wait."""
    caller = os.getppid()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _wake)
    with open(order["log"], "ab", buffering=0) as log:  # noqa: PTH123 - pathlib doubles the start-up time of this script
        server = subprocess.Popen(
            order["command"],
            cwd=order["cwd"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=order["uid"],
            group=order["gid"],
            extra_groups=None if order["uid"] is None else [],
            umask=0o077,
        )
    if server.stdin is None:
        return 1
    try:
        server.stdin.write(order["stdin"].encode())
        server.stdin.close()
    except BrokenPipeError:
        pass  # it ended at once; its exit status and its log say why
    sys.stdout.write(f"{server.pid}\n")
    sys.stdout.close()

    def told(*_: object) -> None:
        raise _Told

    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, told)
    try:
        present = _watch(server, reading, caller)
    except _Told:
        present = False
    if not present:
        _end(server, order["ladder"], order["patience"])
        if order["remove"]:
            for _ in range(50):  # PostgreSQL's children write for a moment after a kill
                shutil.rmtree(order["remove"], ignore_errors=True)
                if not os.path.exists(order["remove"]):  # noqa: PTH110 - as above
                    break
                time.sleep(0.1)
    return server.returncode


if __name__ == "__main__":
    sys.exit(abs(main(json.loads(sys.argv[1]))))
