"""The minimal host's plugin, for commands that name it with --app."""

from __future__ import annotations

import os
from typing import Any

from tests.host.minimal import install


def plugin() -> Any:
    return install(os.environ["STORE_DATABASE_URL"])
