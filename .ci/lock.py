"""The lock file: refuses addresses other than the public registry's, and hands its versions to pip."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PUBLIC = ("https://pypi.org/simple", "https://files.pythonhosted.org/")
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\"'\s,}]+|(?<=path = \")[^\"]+|(?<=directory = \")[^\"]+")


def strangers(text: str) -> list[str]:
    """Addresses and paths of the lock file that are not the public registry's."""
    return [found for found in ADDRESS.findall(text) if not found.startswith(PUBLIC)]


def wanted(project: dict[str, Any]) -> set[str]:
    """The names that pyproject.toml asks for, with the version ranges, spelled as the lock file spells them."""
    groups = [*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()]
    asked = [*project["project"]["dependencies"], *(one for group in groups for one in group if isinstance(one, str))]
    return {_spelled(*re.fullmatch(r"([\w.-]+)(?:\[[^]]*\])?(.*)", one).groups()) for one in asked}  # type: ignore[union-attr]


def locked(lock: dict[str, Any]) -> set[str]:
    """The same, as the lock file remembers it."""
    [ours] = [package for package in lock["package"] if package["name"] == "adplanning-plugin"]
    metadata = ours["metadata"]
    remembered = [*metadata["requires-dist"], *(one for group in metadata["requires-dev"].values() for one in group)]
    return {_spelled(one["name"], one.get("specifier", "")) for one in remembered}


def _spelled(name: str, ranges: str) -> str:
    parts = sorted(part.strip() for part in ranges.split(",") if part.strip())
    return f"{re.sub(r'[-_.]+', '-', name).lower()} {','.join(parts)}"


def constraints(lock: dict[str, Any]) -> list[str]:
    """`name==version` for pip; a name that has several versions (by platform) is left to pip."""
    versions: dict[str, set[str]] = {}
    for package in lock["package"]:
        if "registry" in package["source"]:
            versions.setdefault(package["name"], set()).add(package["version"])
    return [f"{name}=={min(found)}" for name, found in sorted(versions.items()) if len(found) == 1]


def main(what: str) -> int:
    """`check` or `constraints`."""
    text = (ROOT / "uv.lock").read_text()
    lock = tomllib.loads(text)
    if what == "constraints":
        print("\n".join(constraints(lock)))
        return 0
    wrong = [f"uv.lock names {found}: lock again with the public index (uv lock)." for found in strangers(text)]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wrong += [
        f"pyproject.toml and uv.lock disagree about {difference.strip()}: run uv lock."
        for difference in sorted(wanted(project) ^ locked(lock))
    ]
    print("\n".join(wrong) or f"{len(lock['package'])} packages, all from the public registry.")
    return len(wrong) > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
