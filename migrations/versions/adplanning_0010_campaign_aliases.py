"""decisions about tags that name no campaign, and an index of touches matched by likeness

Revision adplanning_0010, after adplanning_0009.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "adplanning_0010"
down_revision: str | Sequence[str] | None = "adplanning_0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TENANT = "tenant_id = nullif(current_setting('app.tenant_id', true), '')"


def upgrade() -> None:
    op.create_table(
        "campaign_alias",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("names", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("website_id", sa.Text(), nullable=True),
        sa.Column("ad_campaign_id", sa.Text(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("margin", sa.Double(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("work_id", sa.Text(), nullable=True),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reverted_by", sa.Text(), nullable=True),
        sa.Column("reverted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revert_work_id", sa.Text(), nullable=True),
        sa.Column("revert_outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_campaign_alias")),
        schema="adplanning",
    )
    op.create_index(
        "ix_campaign_alias_decided_at",
        "campaign_alias",
        ["tenant_id", "decided_at", "id"],
        unique=False,
        schema="adplanning",
    )
    op.execute("ALTER TABLE adplanning.campaign_alias ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE adplanning.campaign_alias FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_isolation ON adplanning.campaign_alias USING ({TENANT}) WITH CHECK ({TENANT})")
    op.create_index(
        "ix_touchpoint_alike",
        "touchpoint",
        ["tenant_id", "occurred_at"],
        unique=False,
        schema="adplanning",
        postgresql_where=sa.text("resolution_method = 'fuzzy_name_match'"),
    )


def downgrade() -> None:
    op.drop_index("ix_touchpoint_alike", table_name="touchpoint", schema="adplanning")
    op.drop_table("campaign_alias", schema="adplanning")
