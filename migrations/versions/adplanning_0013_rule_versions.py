"""rule versions side by side

Revision adplanning_0013, after adplanning_0012. The primary key of `credit` and the index that reports read are built
anew: the table is locked meanwhile, about a second for a million rows.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "adplanning_0013"
down_revision: str | Sequence[str] | None = "adplanning_0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TENANT = "tenant_id = nullif(current_setting('app.tenant_id', true), '')"
# The newest of each store is the one that its credit was computed by; each other gave way to the one after it. Row-level
# security would hide the rows of every store from the tables' owner.
_STATES = """
UPDATE adplanning.rule_version r
SET activated_at = r.created_at, classified_at = r.created_at,
    superseded_at = (SELECT min(n.created_at) FROM adplanning.rule_version n
                     WHERE n.tenant_id = r.tenant_id AND n.version > r.version)
"""


def upgrade() -> None:
    for name in ("activated_at", "superseded_at", "classified_at"):
        op.add_column("rule_version", sa.Column(name, sa.DateTime(timezone=True), nullable=True), schema="adplanning")
    op.add_column("rule_version", sa.Column("created_by", sa.Text(), nullable=True), schema="adplanning")
    op.add_column("rule_version", sa.Column("restored_from", sa.BigInteger(), nullable=True), schema="adplanning")
    op.execute("ALTER TABLE adplanning.rule_version NO FORCE ROW LEVEL SECURITY")
    op.execute(_STATES)
    op.execute("ALTER TABLE adplanning.rule_version FORCE ROW LEVEL SECURITY")
    op.create_index(
        "uq_rule_version_active",
        "rule_version",
        ["tenant_id"],
        unique=True,
        schema="adplanning",
        postgresql_where=sa.text("activated_at IS NOT NULL AND superseded_at IS NULL"),
    )
    op.create_index(
        "uq_rule_version_building",
        "rule_version",
        ["tenant_id"],
        unique=True,
        schema="adplanning",
        postgresql_where=sa.text("activated_at IS NULL AND superseded_at IS NULL"),
    )
    op.drop_constraint("pk_credit", "credit", schema="adplanning", type_="primary")
    op.create_primary_key(
        "pk_credit",
        "credit",
        ["tenant_id", "conversion_id", "window_days", "touch_id", "rule_version"],
        schema="adplanning",
    )
    op.drop_index("ix_credit_campaign", table_name="credit", schema="adplanning")
    op.create_index(
        "ix_credit_campaign",
        "credit",
        ["tenant_id", "rule_version", "window_days", "occurred_at", "ad_campaign_id"],
        unique=False,
        schema="adplanning",
    )
    op.add_column(
        "touchpoint",
        sa.Column("is_excluded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="adplanning",
    )
    op.create_table(
        "touchpoint_class",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.BigInteger(), nullable=False),
        sa.Column("touch_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("is_direct", sa.Boolean(), nullable=False),
        sa.Column("is_excluded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "rule_version", "touch_id", name=op.f("pk_touchpoint_class")),
        schema="adplanning",
    )
    op.execute("ALTER TABLE adplanning.touchpoint_class ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE adplanning.touchpoint_class FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant_isolation ON adplanning.touchpoint_class USING ({_TENANT}) WITH CHECK ({_TENANT})"
    )


def downgrade() -> None:
    op.drop_table("touchpoint_class", schema="adplanning")
    op.drop_column("touchpoint", "is_excluded", schema="adplanning")
    # One set of credit is left: that of the active version.
    for table in ("credit", "rule_version"):
        op.execute(f"ALTER TABLE adplanning.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "DELETE FROM adplanning.credit c USING adplanning.rule_version r WHERE r.tenant_id = c.tenant_id"
        " AND r.version = c.rule_version AND (r.activated_at IS NULL OR r.superseded_at IS NOT NULL)"
    )
    for table in ("credit", "rule_version"):
        op.execute(f"ALTER TABLE adplanning.{table} FORCE ROW LEVEL SECURITY")
    op.drop_index("ix_credit_campaign", table_name="credit", schema="adplanning")
    op.create_index(
        "ix_credit_campaign",
        "credit",
        ["tenant_id", "window_days", "occurred_at", "ad_campaign_id"],
        unique=False,
        schema="adplanning",
    )
    op.drop_constraint("pk_credit", "credit", schema="adplanning", type_="primary")
    op.create_primary_key(
        "pk_credit", "credit", ["tenant_id", "conversion_id", "window_days", "touch_id"], schema="adplanning"
    )
    op.drop_index("uq_rule_version_building", table_name="rule_version", schema="adplanning")
    op.drop_index("uq_rule_version_active", table_name="rule_version", schema="adplanning")
    for name in ("restored_from", "created_by", "classified_at", "superseded_at", "activated_at"):
        op.drop_column("rule_version", name, schema="adplanning")
