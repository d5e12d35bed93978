"""Builds tracker.js from its source: `python -m adplanning_plugin.tracking.build_tracker`; only this needs npx.

The built file is committed. A test compares the digest in its first line with the source, and its size with the limit.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent
SOURCE, BUILT = FOLDER / "tracker.src.js", FOLDER / "tracker.js"
TERSER = "terser@5"


def source_digest() -> str:
    """The first 12 hex digits of the source's SHA-256, as the built file carries them."""
    return hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]


def build() -> int:
    """Minify; returns the size in bytes."""
    command = ["npx", "--yes", TERSER, str(SOURCE), "--compress", "passes=3,unsafe=true", "--mangle", "--toplevel"]
    minified = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    BUILT.write_text(f"/*{source_digest()}*/{minified}\n", encoding="utf-8")
    return BUILT.stat().st_size


if __name__ == "__main__":
    build()
