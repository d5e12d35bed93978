"""Refuses a dependency under the GPL, LGPL or AGPL, however deep; reads what each installed package says of itself."""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

COPYLEFT = re.compile(r"\b[AL]?GPL|GNU (LESSER |AFFERO |LIBRARY )?GENERAL PUBLIC", re.IGNORECASE)


def words(name: str) -> list[str]:
    """The package's own statements, and the headings of its licence files: some say it nowhere else."""
    found = importlib.metadata.distribution(name)
    said = [found.metadata.get("License-Expression") or "", (found.metadata.get("License") or "")[:200]]
    said += [one for one in found.metadata.get_all("Classifier") or [] if one.startswith("License ::")]
    for file in found.files or []:
        if ".dist-info/" in str(file) and re.match(r"(licen[cs]e|copying)", file.name, re.IGNORECASE):
            text = Path(str(found.locate_file(file))).read_text(errors="replace")
            said.append(" ".join(text.split()[:12]))
    return said


def main() -> int:
    """Check every package of the lock file that is installed here."""
    lock = tomllib.loads((Path(__file__).parent.parent / "uv.lock").read_text())
    names = sorted({package["name"] for package in lock["package"] if "registry" in package["source"]})
    checked, wrong = 0, []
    for name in names:
        try:
            statements = words(name)
        except importlib.metadata.PackageNotFoundError:  # of another platform, or of an extra not installed
            continue
        checked += 1
        wrong += [
            f"{name} is under a licence that is not accepted: {one}" for one in statements if COPYLEFT.search(one)
        ]
    print("\n".join(wrong) or f"{checked} installed packages, none under the GPL, LGPL or AGPL.")
    return len(wrong) > 0 or checked == 0


if __name__ == "__main__":
    sys.exit(main())
