"""Page files: which files of the build a page's address needs, so that the document can announce them at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path


def page_files(static: Path, page: str) -> Sequence[str]:
    """Addresses, below the app's own, of the code of the page at this path; none where the build does not say."""
    listing = static / "pages.json"
    try:
        known = _read(listing, listing.stat().st_mtime_ns)
    except FileNotFoundError:
        return ()
    asked = _parts(page)
    for path, files in known:
        if len(path) == len(asked) and all(mine in (given, "$") for mine, given in zip(path, asked, strict=True)):
            return files
    return ()


@lru_cache(maxsize=8)
def _read(listing: Path, _modified: int) -> Sequence[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Each page's path, `$` for a part that names an object; those without one come first."""
    stored: dict[str, list[str]] = json.loads(listing.read_text(encoding="utf-8"))
    pages = [
        (tuple("$" if part.startswith("$") else part for part in _parts(path)), tuple(files))
        for path, files in stored.items()
    ]
    return sorted(pages, key=lambda page: page[0].count("$"))


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)
