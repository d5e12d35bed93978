"""Clashes: two plugins that claim one key (a section, a page, a health check, …) are found at start-up, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.work import registered

_KEYS: tuple[tuple[str, str, Callable[[Any], str], bool], ...] = (
    ("register_sections", "section", lambda section: f"{section.place}.{section.key}", False),
    ("register_admin_pages", "admin page", lambda page: page.key, False),
    ("register_settings", "settings section", lambda section: section.key, False),
    ("register_exchange_rates", "source of exchange rates", lambda source: source.name, False),
    ("register_attribution_models", "attribution model", lambda model: model.name, False),
    ("health_checks", "health check", lambda check: check.name, True),
)
"""Hook, what it registers, the key, and whether the hook takes the runtime. `Work` checks its own kinds."""


def check_clashes(runtime: Runtime) -> None:
    """Ask every plugin what it registers by key.

    Raises:
        ConfigurationError: two claim the same key; the sentence names both.
    """
    for hook, kind, key_of, takes_runtime in _KEYS:
        owners: dict[str, str] = {}
        arguments = {"runtime": runtime} if takes_runtime else {}
        for owner, item in registered(runtime, hook, **arguments):
            key = key_of(item)
            if key in owners:
                message = f"The {kind} {key!r} is registered by {owners[key]} and by {owner}: rename or remove one."
                raise ConfigurationError(message)
            owners[key] = owner
