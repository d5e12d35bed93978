"""Owned tables: where the plugin keeps an entity that the host lacks, and columns that the host has no place for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Double, Index, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from adplanning_plugin.hookspecs import PersonalData
from adplanning_plugin.kernel.models import Base
from adplanning_plugin.links.entities import ENTITIES, ColumnType, Entity

SQL_TYPES: dict[ColumnType, TypeEngine[Any]] = {
    "text": Text(),
    "money": BigInteger(),
    "int": BigInteger(),
    "float": Double(),
    "bool": Boolean(),
    "timestamp": DateTime(timezone=True),
    "date": Date(),
    "json": JSONB(),
}
"""What a canonical column is in SQL, wherever it comes from."""


def _owned(entity: Entity) -> Table:
    def build(name: str) -> Column[Any]:
        declared = entity.columns[name]
        default = func.now() if name == "updated_at" else None
        nullable = not declared.required
        return Column(name, SQL_TYPES[declared.type], nullable=nullable, server_default=default)

    name = f"owned_{entity.name}"
    indexes = [Index(f"ix_{name}_{'_'.join(columns)}", "tenant_id", *columns) for columns in entity.lookups]
    return Table(
        name,
        Base.metadata,
        Column("tenant_id", Text(), primary_key=True),
        Column("id", Text(), primary_key=True),
        *(build(column) for column in entity.columns if column != "id"),
        Column("source_key", Text(), nullable=False),
        Column("imported_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        *indexes,
        comment=f"Rows of {entity.name} for a store that has none of its own; source_key tells where a row came from.",
    )


def _extension(entity: Entity) -> Table:
    return Table(
        f"linked_{entity.name}",
        Base.metadata,
        Column("tenant_id", Text(), primary_key=True),
        Column("id", Text(), primary_key=True),
        *(Column(name, SQL_TYPES[entity.columns[name].type]) for name in entity.writeback),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        comment=f"What the plugin found out about the host's rows of {entity.name} and the host has no column for.",
    )


OWNED: dict[str, Table] = {name: _owned(entity) for name, entity in ENTITIES.items()}
"""`adplanning.owned_<entity>` by entity."""

EXTENSIONS: dict[str, Table] = {name: _extension(entity) for name, entity in ENTITIES.items() if entity.writeback}
"""`adplanning.linked_<entity>` by entity: written-back columns of linked rows without a host column for them."""

_PERSON, _EMAIL = ("person_id", "person"), ("email", "email")
_PERSONAL: dict[str, tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]]] = {
    "person": ("delete", (("id", "person"),),
               ("id", "source_key", "email", "phone", "name", "first_name", "last_name", "city", "country",
                "birth_date")),
    "order": ("pseudonymise", (("id", "order"), _PERSON, _EMAIL),
              ("person_id", "email", "checkout_reference", "visitor_token", "session_id")),
    "lead": ("pseudonymise", (("id", "lead"), _PERSON, _EMAIL),
             ("person_id", "email", "phone", "name", "session_id", "visitor_token")),
    "feedback": ("pseudonymise", (("id", "feedback"), _PERSON, _EMAIL), ("person_id", "email", "comment")),
    "form_response": ("delete", (("id", "form_response"), _PERSON, _EMAIL),
                      ("person_id", "email", "text", "session_id", "visitor_token")),
    "analytics_session": ("delete", (("id", "session"), ("visitor_id", "visitor"), _PERSON),
                          ("id", "source_key", "visitor_id", "person_id", "landing_url", "referrer", "utm_term",
                           "utm_content", "user_agent")),
    "analytics_event": ("delete", (("session_id", "session"), ("visitor_id", "visitor")),
                        ("session_id", "visitor_id", "url", "properties")),
    "social_interaction": ("pseudonymise", (_PERSON,), ("person_id", "text")),
}  # fmt: skip
_PERSONAL_BESIDE: dict[str, tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]]] = {
    "person": ("delete", (("id", "person"),), ("id",)),
    "feedback": ("pseudonymise", (("id", "feedback"), _PERSON), ("person_id",)),
    "analytics_session": ("delete", (("id", "session"),), ("id",)),
}
_WHY = {
    "order": "Money stays: the order without whose it was.",
    "lead": "The lead counts on, without who it was.",
    "feedback": "The rating counts on, without who gave it.",
    "social_interaction": "The interaction counts on, without whose it was.",
}


def personal_data() -> list[PersonalData]:
    """Where the tables of entities that the plugin keeps hold personal data, and what an erasure does to it."""
    kept = ((OWNED, _PERSONAL), (EXTENSIONS, _PERSONAL_BESIDE))
    return [
        PersonalData(
            table=tables[name].fullname,
            columns=columns,
            erase=erase,
            found_by=found_by,
            why=_WHY.get(name, "") if erase == "pseudonymise" else "",
        )
        for tables, personal in kept
        for name, (erase, found_by, columns) in personal.items()
    ]
