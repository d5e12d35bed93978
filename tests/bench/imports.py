"""Imports: what the plugin adds to a host that has imported Litestar, SQLAlchemy and Advanced Alchemy already."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.bench.harness import ROOT, ROUNDS, BenchError, Section, median, ratios, spread

HOST = "import litestar, sqlalchemy, sqlalchemy.ext.asyncio, advanced_alchemy.extensions.litestar"
PLUGIN = "from adplanning_plugin import AdPlanning, Link, Options, Tenant, Actor, hookimpl"
NEVER = ("pymc", "statsmodels", "scipy", "numpy", "pandas", "anthropic", "taskiq_redis")

_MEASURE = f"""
import json, sys, time
def used():
    return time.process_time(), time.perf_counter()
a = used(); {HOST}; b = used(); before = set(sys.modules); {PLUGIN}; c = used()
heavy = sorted(name for name in {NEVER!r} if name in sys.modules and name not in before)
print(json.dumps([b[0] - a[0], c[0] - b[0], b[1] - a[1], c[1] - b[1], len(sys.modules) - len(before), heavy]))
"""


def run() -> Section:
    """Fresh processes, one a round; CPU time, because wall time here is the neighbours' too."""
    section = Section(name="import time")
    once()  # writes the byte code
    rounds = [once() for _ in range(ROUNDS)]
    base, extra, base_wall, extra_wall, modules, heavy = zip(*rounds, strict=True)
    section.at_most("importing the plugin, beyond the host's imports", median(extra), 0.5, "s of CPU")
    section.add("the same, wall", f"{spread(extra_wall)} s")
    section.add("the host's own imports", f"{spread(base)} s of CPU, {spread(base_wall)} s wall")
    section.add("ratio to the host's own imports", f"{ratios(extra, base):.2f}×")
    section.add("modules that the plugin adds", f"{modules[0]}")
    section.add("slow libraries among them", ", ".join(heavy[0]) or "none", "none", met=not heavy[0])
    section.note(f"The host: `{HOST}`. The plugin: `{PLUGIN}`.")
    return section


def once() -> tuple[float, float, float, float, int, list[str]]:
    """(CPU of the host's imports, CPU of the plugin's, wall of each, new modules, slow libraries among them)."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise BenchError(f"the plugin cannot be imported: {done.stderr.strip().splitlines()[-1]}")
    found = json.loads(done.stdout)
    return tuple(found)
