"""spend that was typed in has a version

Revision adplanning_0002, after adplanning_0001.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "adplanning_0002"
down_revision: str | Sequence[str] | None = "adplanning_0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "ad_spend", sa.Column("version", sa.BigInteger(), server_default="1", nullable=False), schema="adplanning"
    )


def downgrade() -> None:
    op.drop_column("ad_spend", "version", schema="adplanning")
