"""paths of journeys, counted by day

Revision adplanning_0009, after adplanning_0008.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "adplanning_0009"
down_revision: str | Sequence[str] | None = "adplanning_0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SCHEMA = "adplanning"
TABLES = ("journey_path", "journey_path_day")
TENANT = "tenant_id = nullif(current_setting('app.tenant_id', true), '')"


def upgrade() -> None:
    op.create_table(
        "journey_path",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("window_days", sa.SmallInteger(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("conversion_type", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_converted", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("path_key", sa.Text(), nullable=False),
        sa.Column("path", postgresql.ARRAY(postgresql.TEXT()), nullable=False),
        sa.Column("journeys", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "window_days",
            "level",
            "conversion_type",
            "day",
            "is_converted",
            "currency",
            "path_key",
            name=op.f("pk_journey_path"),
        ),
        schema=SCHEMA,
    )
    op.create_table(
        "journey_path_day",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_stale", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("rule_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("zone", sa.Text(), server_default="", nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "day", name=op.f("pk_journey_path_day")),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_journey_path_day_stale",
        "journey_path_day",
        ["tenant_id", "day"],
        unique=False,
        schema=SCHEMA,
        postgresql_where=sa.text("is_stale"),
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE {SCHEMA}.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {SCHEMA}.{table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant_isolation ON {SCHEMA}.{table} USING ({TENANT}) WITH CHECK ({TENANT})")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table, schema=SCHEMA)
