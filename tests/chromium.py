"""Which Chromium tests drive: Playwright's own download, else the system's; `python -m tests.chromium` prints its path.

`ADPLANNING_CHROMIUM` names another one. The shell without windows comes first: it costs less than the whole browser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

DOWNLOADS = ("~/.cache/ms-playwright", "~/Library/Caches/ms-playwright")
OWN = (
    "chromium_headless_shell-*/chrome-*/*headless*shell",
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)
SYSTEM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def candidates() -> Iterator[str]:
    """In the order of preference."""
    kept = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    for folder in (kept,) if kept else DOWNLOADS:
        for pattern in OWN:
            yield from map(str, sorted(Path(folder).expanduser().glob(pattern), reverse=True))
    yield from filter(None, map(shutil.which, SYSTEM))


@cache
def chromium_path() -> str | None:
    """The first that starts: a download lacks libraries on some machines."""
    named = os.environ.get("ADPLANNING_CHROMIUM")
    return named or next(filter(_starts, candidates()), None)


def _starts(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    found = chromium_path()
    print(found or "There is no Chromium on this machine.")
    sys.exit(found is None)
