"""Links: canonical entities, the host's declarations of where they lie, and their compilation to SQL."""

from __future__ import annotations

from adplanning_plugin.links.entities import ENTITIES, Entity, EntityColumn, column, entity
from adplanning_plugin.links.link import Link, Money
from adplanning_plugin.links.registry import LinkReport, Links, MissingColumn

__all__ = [
    "ENTITIES",
    "Entity",
    "EntityColumn",
    "Link",
    "LinkReport",
    "Links",
    "MissingColumn",
    "Money",
    "column",
    "entity",
]
