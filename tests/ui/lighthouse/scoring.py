"""Lighthouse, run from its npm package (package-lock.json beside this file) on a page of a running store."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hatch_build

FOLDER = Path(__file__).parent


def scores(
    url: str, preset: str, chromium: str, headers: Mapping[str, str], *categories: str
) -> tuple[dict[str, float], list[str]]:
    """Out of a hundred, by category; and the titles of what costs accessibility its hundred.

    `preset` is mobile or desktop. Raises `hatch_build.BuildError` where Lighthouse cannot be installed or fails.
    """
    hatch_build.install(FOLDER)
    with tempfile.TemporaryDirectory() as folder:
        sent, report = Path(folder) / "headers.json", Path(folder) / "report.json"
        sent.write_text(json.dumps(dict(headers)))
        command = [
            *("node_modules/lighthouse/cli/index.js", url, "--quiet", "--output=json", f"--output-path={report}"),
            *(f"--only-categories={','.join(categories)}", f"--extra-headers={sent}"),
            "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
            *(["--preset=desktop"] if preset == "desktop" else []),
        ]
        os.environ["CHROME_PATH"] = chromium
        try:
            hatch_build.node(*command, folder=FOLDER)
        except subprocess.SubprocessError as problem:
            raise hatch_build.BuildError(f"Lighthouse: {problem}") from problem
        found: Any = json.loads(report.read_text())
    named = {name: round(100 * (each["score"] or 0)) for name, each in found["categories"].items()}
    return named, _lost(found) if "accessibility" in categories else []


def _lost(found: Any) -> list[str]:
    audits = [
        (found["audits"][each["id"]], each["weight"]) for each in found["categories"]["accessibility"]["auditRefs"]
    ]
    return [audit["title"] for audit, weight in audits if weight and audit["score"] is not None and audit["score"] < 1]
