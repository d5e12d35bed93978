"""receipts of erasures, and keyed hashes of who was erased

Revision adplanning_0012, after adplanning_0011.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "adplanning_0012"
down_revision: str | Sequence[str] | None = "adplanning_0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TENANT = "tenant_id = nullif(current_setting('app.tenant_id', true), '')"
TABLES = ("erased_identity", "erasure", "erasure_subject")


def upgrade() -> None:
    op.create_table(
        "erased_identity",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key", name=op.f("pk_erased_identity")),
        schema="adplanning",
    )
    op.create_table(
        "erasure",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="running", nullable=False),
        sa.Column("person_hash", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("kept", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_erasure")),
        schema="adplanning",
    )
    op.create_index(
        "ix_erasure_requested_at", "erasure", ["tenant_id", "requested_at", "id"], unique=False, schema="adplanning"
    )
    op.create_index(
        "uq_erasure_running",
        "erasure",
        ["tenant_id", "person_hash"],
        unique=True,
        schema="adplanning",
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_table(
        "erasure_subject",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("erasure_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "erasure_id", "kind", "value", name=op.f("pk_erasure_subject")),
        schema="adplanning",
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE adplanning.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE adplanning.{table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant_isolation ON adplanning.{table} USING ({TENANT}) WITH CHECK ({TENANT})")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table, schema="adplanning")
