"""Peers: the programs that figures are held against, from the registry, in environments that are theirs alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench.harness import BenchError

FOLDER = Path(__file__).parent / "peers"
LIMIT = 900


def ask(name: str, *arguments: str) -> Any:
    """What `peers/<name>.py` prints as JSON, run in the environment that `peers/<name>.txt` lists."""
    python = _environment(name)
    done = subprocess.run(
        [str(python), str(FOLDER / f"{name}.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    if done.returncode:
        raise BenchError(f"the peer {name} failed: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def _environment(name: str) -> Path:
    """The interpreter of the peer's environment, made when it is not there yet or its list has changed."""
    home = FOLDER / ".venv" / name
    python, listed = home / "bin" / "python", (FOLDER / f"{name}.txt").read_text()
    stamp = home / "installed.txt"
    if stamp.exists() and stamp.read_text() == listed:
        return python
    print(f"   installing the peer {name} into {home}", flush=True)
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(FOLDER / f"{name}.txt")],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise BenchError(f"the peer {name} cannot be installed: {said[-1] if said else 'no reason was given'}")
    stamp.write_text(listed)
    return python
