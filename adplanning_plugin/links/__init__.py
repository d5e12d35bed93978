"""Links: canonical entities, the host's declarations of where they lie, and their compilation to SQL."""

from __future__ import annotations

from adplanning_plugin.links.entities import ENTITIES, Entity, EntityColumn, column, entity
from adplanning_plugin.links.importer import ImportReport, import_file
from adplanning_plugin.links.link import Link, Money
from adplanning_plugin.links.live import Finding, IndexAdvice
from adplanning_plugin.links.mapping import Mapping, load_mapping, parse_mapping
from adplanning_plugin.links.naming import names_by_id
from adplanning_plugin.links.owned import personal_data
from adplanning_plugin.links.registry import LinkReport, Links, MissingColumn
from adplanning_plugin.links.writeback import write_back

__all__ = [
    "ENTITIES",
    "Entity",
    "EntityColumn",
    "Finding",
    "ImportReport",
    "IndexAdvice",
    "Link",
    "LinkReport",
    "Links",
    "Mapping",
    "MissingColumn",
    "Money",
    "column",
    "entity",
    "import_file",
    "load_mapping",
    "names_by_id",
    "parse_mapping",
    "personal_data",
    "write_back",
]
