"""an exchange rate has a version

Revision adplanning_0005, after adplanning_0004.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "adplanning_0005"
down_revision: str | Sequence[str] | None = "adplanning_0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "exchange_rate", sa.Column("version", sa.BigInteger(), server_default="1", nullable=False), schema="adplanning"
    )


def downgrade() -> None:
    op.drop_column("exchange_rate", "version", schema="adplanning")
