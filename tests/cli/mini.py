"""The minimal host's plugin, for commands that name it with --app."""

from __future__ import annotations

import os
from typing import Any

from tests.host.minimal import create_app, install


def plugin() -> Any:
    """As a store would install it."""
    return install(os.environ["STORE_DATABASE_URL"])


def app() -> Any:
    """The host itself."""
    return create_app(os.environ["STORE_DATABASE_URL"])


def bare() -> Any:
    """An install that forgot everything that can be forgotten."""
    from adplanning_plugin import AdPlanning, Options
    from adplanning_plugin.options import DatabaseOptions

    return AdPlanning(Options(database=DatabaseOptions(url=os.environ["STORE_DATABASE_URL"]), currency="EUR"))
