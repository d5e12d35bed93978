"""Tables: the declarative base of every plugin table, and the row-level security that each of them carries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, MetaData, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA = "adplanning"
EXEMPT = {"tenancy": "exempt"}
"""`__table_args__ = {"info": EXEMPT}`: a table without tenant rows of people (tenants, public keys, wake-ups)."""

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every plugin table; the schema is ours alone, so an uninstall is one DROP SCHEMA."""

    metadata = MetaData(schema=SCHEMA, naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: BigInteger(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
    }


class TenantRow:
    """Mixin of every tenant table: `(tenant_id, id)` is the primary key, so the tenant leads every index."""

    tenant_id: Mapped[str] = mapped_column(primary_key=True, sort_order=-20)
    id: Mapped[str] = mapped_column(primary_key=True, sort_order=-19)


class Versioned:
    """Mixin of editable resources: optimistic version and times."""

    version: Mapped[int] = mapped_column(default=1, server_default="1", sort_order=90)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=91)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now(), sort_order=92)


def is_exempt(table: Table) -> bool:
    """Whether the table carries no tenant policy (DDL and tests ask)."""
    return table.info.get("tenancy") == "exempt"


def row_security(qualified_name: str) -> tuple[str, ...]:
    """The statements that force row-level security on one plugin table (`adplanning.goal`)."""
    tenant = "tenant_id = nullif(current_setting('app.tenant_id', true), '')"
    return (
        f"ALTER TABLE {qualified_name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {qualified_name} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant_isolation ON {qualified_name} USING ({tenant}) WITH CHECK ({tenant})",
    )


def security_statements(tables: Iterable[Table]) -> Iterator[str]:
    """Row-level security for all tables that are not exempt."""
    for table in tables:
        if not is_exempt(table):
            yield from row_security(f"{SCHEMA}.{table.name}")
