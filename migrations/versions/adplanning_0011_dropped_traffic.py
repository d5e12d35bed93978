"""how much arrived and was not kept is summed by day and cause

Revision adplanning_0011, after adplanning_0010.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "adplanning_0011"
down_revision: str | Sequence[str] | None = "adplanning_0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MINE = "tenant_id = nullif(current_setting('app.tenant_id', true), '')"


def upgrade() -> None:
    op.create_table(
        "dropped_traffic",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "day", "cause", name=op.f("pk_dropped_traffic")),
        schema="adplanning",
    )
    op.execute("ALTER TABLE adplanning.dropped_traffic ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE adplanning.dropped_traffic FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_isolation ON adplanning.dropped_traffic USING ({_MINE}) WITH CHECK ({_MINE})")


def downgrade() -> None:
    op.drop_table("dropped_traffic", schema="adplanning")
