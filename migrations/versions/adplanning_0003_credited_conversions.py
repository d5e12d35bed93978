"""conversions by the rule version of their credit

Revision adplanning_0003, after adplanning_0002.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "adplanning_0003"
down_revision: str | Sequence[str] | None = "adplanning_0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "ix_conversion_credited",
        "conversion",
        ["tenant_id", "attribution_version", "id"],
        unique=False,
        schema="adplanning",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_conversion_credited", table_name="conversion", schema="adplanning")
