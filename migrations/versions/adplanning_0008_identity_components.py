"""identity edges can be revoked, and what they make one is kept

Revision adplanning_0008, after adplanning_0007.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "adplanning_0008"
down_revision: str | Sequence[str] | None = "adplanning_0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TENANT = "tenant_id = nullif(current_setting('app.tenant_id', true), '')"
_TIME = sa.DateTime(timezone=True)
_ADDED: dict[str, tuple[tuple[str, sa.types.TypeEngine[Any]], ...]] = {
    "identity_edge": (("revoked_at", _TIME), ("revoked_by", sa.Text()), ("revoked_reason", sa.Text())),
    "identity_denylist": (("created_by", sa.Text()), ("allowed_at", _TIME), ("allowed_by", sa.Text())),
}


def upgrade() -> None:
    for table, columns in _ADDED.items():
        for name, type_ in columns:
            op.add_column(table, sa.Column(name, type_, nullable=True), schema="adplanning")
        version = sa.Column("version", sa.BigInteger(), server_default="1", nullable=False)
        op.add_column(table, version, schema="adplanning")
    op.create_table(
        "identity_component",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("is_visitor", sa.Boolean(), nullable=False),
        sa.Column("component_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "node", "is_visitor", name=op.f("pk_identity_component")),
        schema="adplanning",
    )
    op.create_index(
        "ix_identity_component_members",
        "identity_component",
        ["tenant_id", "component_id", "is_visitor", "node"],
        unique=False,
        schema="adplanning",
    )
    op.execute("ALTER TABLE adplanning.identity_component ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE adplanning.identity_component FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant_isolation ON adplanning.identity_component USING ({_TENANT}) WITH CHECK ({_TENANT})"
    )


def downgrade() -> None:
    op.drop_table("identity_component", schema="adplanning")
    for table, columns in _ADDED.items():
        op.drop_column(table, "version", schema="adplanning")
        for name, _ in reversed(columns):
            op.drop_column(table, name, schema="adplanning")
