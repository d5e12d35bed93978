"""Builds the wheel, unpacks it, and makes sure that migrations, data, types and the admin pages travel inside it."""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
DATA = ROOT / "adplanning_plugin" / "attribution" / "data"
ADMIN = ROOT / "adplanning_plugin" / "admin"
STATIC = ADMIN / "static"
FIND = "from adplanning_plugin.kernel.migrate import heads, migrations_path; print(migrations_path(), *heads())"


def main() -> int:
    """Print what the wheel carries; 1 when something is missing."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, str(ROOT)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        [wheel] = Path(folder).glob("*.whl")
        unpacked = Path(folder) / "unpacked"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unpacked)
            names = set(archive.namelist())
        tops = {name.split("/", 1)[0] for name in names if ".dist-info/" not in name}
        if tops != {"adplanning_plugin"}:
            print(f"The wheel installs {sorted(tops)}; only adplanning_plugin belongs in it.")
            return 1
        revisions = {path.name for path in (ROOT / "migrations" / "versions").glob("*.py")}
        carried = {"env.py", "script.py.mako", *(f"versions/{name}" for name in revisions)}
        wanted = {f"adplanning_plugin/migrations/{name}" for name in carried}
        wanted |= {f"adplanning_plugin/{name}" for name in ("py.typed", "tracking/tracker.js")}
        wanted |= {f"adplanning_plugin/attribution/data/{path.name}" for path in DATA.glob("*.json")}
        if os.environ.get("ADPLANNING_SKIP_UI", "") in {"", "0"}:
            built = {path.relative_to(ADMIN).as_posix() for path in STATIC.rglob("*") if path.is_file()}
            wanted |= {f"adplanning_plugin/admin/{name}" for name in built | {"static/index.html"}}
        sources = sorted(name for name in names if "/admin/ui/" in name or name.endswith(".map"))
        if sources:
            print(f"The wheel carries what only the build needs: {', '.join(sources[:5])}.")
            return 1
        missing = sorted(wanted - names)
        if missing or not revisions:
            print(f"The wheel lacks {', '.join(missing) or 'migrations: there is no revision at all'}.")
            return 1
        # -P and PYTHONPATH: the unpacked wheel, not this checkout.
        said = subprocess.run(
            [sys.executable, "-P", "-c", FIND],
            cwd=folder,
            env={"PYTHONPATH": str(unpacked)},
            capture_output=True,
            text=True,
            check=False,
        )
        if not said.stdout.startswith(str(unpacked / "adplanning_plugin" / "migrations")):
            print(f"The installed package does not find its migrations: {said.stdout}{said.stderr}")
            return 1
        print(f"{wheel.name}: {len(names)} files, revisions {', '.join(sorted(revisions))}.")
        return 0


if __name__ == "__main__":
    sys.exit(main())
