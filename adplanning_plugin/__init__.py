"""adplanning_plugin: ad planning and consumer insights for commerce backends built on Litestar."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adplanning_plugin.hookspecs import HostEvent, hookimpl
    from adplanning_plugin.kernel.runtime import Actor, Tenant
    from adplanning_plugin.links import Link, Money
    from adplanning_plugin.options import Options
    from adplanning_plugin.plugin import AdPlanning
    from adplanning_plugin.tracking import bind_visitor, current_visitor, identify, visitor_token

__version__ = "0.1.0"
__all__ = [
    "Actor",
    "AdPlanning",
    "HostEvent",
    "Link",
    "Money",
    "Options",
    "Tenant",
    "__version__",
    "bind_visitor",
    "current_visitor",
    "hookimpl",
    "identify",
    "visitor_token",
]

_HOMES = {
    "Actor": "kernel.runtime",
    "AdPlanning": "plugin",
    "HostEvent": "hookspecs",
    "Link": "links",
    "Money": "links",
    "Options": "options",
    "Tenant": "kernel.runtime",
    "bind_visitor": "tracking",
    "current_visitor": "tracking",
    "hookimpl": "hookspecs",
    "identify": "tracking",
    "visitor_token": "tracking",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use, so that importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'adplanning_plugin' has no attribute {name!r}")
    return getattr(import_module(f"adplanning_plugin.{_HOMES[name]}"), name)
