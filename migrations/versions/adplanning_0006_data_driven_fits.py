"""fits of data-driven models, and the rule version's

Revision adplanning_0006, after adplanning_0005.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "adplanning_0006"
down_revision: str | Sequence[str] | None = "adplanning_0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TENANT = "tenant_id = nullif(current_setting('app.tenant_id', true), '')"


def upgrade() -> None:
    op.create_table(
        "data_driven_fit",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("chain_order", sa.SmallInteger(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("window_days", sa.SmallInteger(), nullable=False),
        sa.Column("conversion_type", sa.Text(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("minimum_conversions", sa.BigInteger(), nullable=False),
        sa.Column("resamples", sa.BigInteger(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.BigInteger(), nullable=True),
        sa.Column("inputs_hash", sa.Text(), nullable=True),
        sa.Column("paths", sa.BigInteger(), nullable=True),
        sa.Column("journeys", sa.BigInteger(), nullable=True),
        sa.Column("conversions", sa.BigInteger(), nullable=True),
        sa.Column("non_conversions", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("other_currencies", sa.BigInteger(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("libraries", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("work_id", sa.Text(), server_default="", nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("adopted_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_data_driven_fit")),
        schema="adplanning",
    )
    op.create_index(
        "ix_data_driven_fit_created_at",
        "data_driven_fit",
        ["tenant_id", "created_at", "id"],
        unique=False,
        schema="adplanning",
    )
    op.create_index(
        "uq_data_driven_fit_work",
        "data_driven_fit",
        ["tenant_id", "work_id"],
        unique=True,
        schema="adplanning",
        postgresql_where=sa.text("work_id <> ''"),
    )
    op.execute("ALTER TABLE adplanning.data_driven_fit ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE adplanning.data_driven_fit FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_isolation ON adplanning.data_driven_fit USING ({TENANT}) WITH CHECK ({TENANT})")
    op.add_column("rule_version", sa.Column("fit_id", sa.Text(), nullable=True), schema="adplanning")


def downgrade() -> None:
    op.drop_column("rule_version", "fit_id", schema="adplanning")
    op.drop_table("data_driven_fit", schema="adplanning")
