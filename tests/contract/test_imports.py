"""Importing is cheap: the package alone loads nothing, the plugin loads no library that is slow to import."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SLOW = ("pymc", "statsmodels", "scipy", "anthropic", "taskiq_redis", "pandas")


def loaded_by(module: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after the import."""
    program = (
        f"import sys, json; import {module}; print(json.dumps(sorted({{n.partition('.')[0] for n in sys.modules}})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_package_alone_loads_neither_sqlalchemy_nor_litestar() -> None:
    loaded = loaded_by("adplanning_plugin")
    assert "adplanning_plugin" in loaded
    assert loaded & {"sqlalchemy", "litestar", "asyncpg", "msgspec", "taskiq", "pluggy", "alembic"} == set()


@pytest.mark.parametrize("module", ["adplanning_plugin.plugin", "adplanning_plugin.cli", "host_example.plugin_setup"])
def test_slow_libraries_are_not_loaded_at_start_up(module: str) -> None:
    loaded = loaded_by(module)
    assert loaded & set(SLOW) == set()
