"""events of journeys, and how far each subject came

Revision adplanning_0007, after adplanning_0006.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "adplanning_0007"
down_revision: str | Sequence[str] | None = "adplanning_0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SCHEMA = "adplanning"
TABLES = ("journey_event", "journey_progress")


def _text(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "journey_event",
        _text("tenant_id", nullable=False),
        _text("id", nullable=False),
        _text("source_kind", nullable=False),
        _text("source_id", nullable=False),
        _text("event_type", nullable=False),
        _text("channel", nullable=False),
        _text("stage"),
        _moment("occurred_at", nullable=False),
        _text("person_id"),
        _text("visitor_id"),
        _text("session_id"),
        _text("identifier"),
        _text("order_id"),
        _text("conversion_id"),
        _text("ad_campaign_id"),
        sa.Column("value_minor", sa.BigInteger(), nullable=True),
        _text("currency"),
        _text("event_name"),
        sa.Column("event_data", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        _text("created_by"),
        _now("created_at"),
        _now("updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_journey_event"),
        schema=SCHEMA,
    )
    op.create_table(
        "journey_progress",
        _text("tenant_id", nullable=False),
        _text("subject", nullable=False),
        _text("person_id"),
        _moment("first_at", nullable=False),
        _moment("last_at", nullable=False),
        _moment("awareness_at"),
        _moment("interest_at"),
        _moment("consideration_at"),
        _moment("intent_at"),
        _moment("conversion_at"),
        _moment("retention_at"),
        _moment("advocacy_at"),
        _moment("touch_at"),
        _text("channel"),
        _text("platform"),
        _text("ad_campaign_id"),
        _text("website_id"),
        _text("device"),
        sa.PrimaryKeyConstraint("tenant_id", "subject", name="pk_journey_progress"),
        schema=SCHEMA,
    )
    _index("uq_journey_event_source", "source_kind", "source_id", unique=True)
    _index("ix_journey_event_occurred_at", "occurred_at", "id")
    _index("ix_journey_event_type", "event_type", "occurred_at", "id")
    _index("ix_journey_event_person", "person_id", "occurred_at", where="person_id IS NOT NULL")
    _index("ix_journey_event_visitor", "visitor_id", "occurred_at", where="visitor_id IS NOT NULL")
    _index("ix_journey_event_session", "session_id", where="session_id IS NOT NULL")
    _index("ix_journey_event_identifier", "identifier", where="identifier IS NOT NULL")
    _index("ix_journey_event_order", "order_id", where="order_id IS NOT NULL")
    _index("ix_journey_progress_first_at", "first_at", table="journey_progress")
    _index(
        "ix_journey_progress_conversion",
        "conversion_at",
        table="journey_progress",
        where="conversion_at IS NOT NULL",
    )
    tenant = "tenant_id = nullif(current_setting('app.tenant_id', true), '')"
    for table in TABLES:
        name = f"{SCHEMA}.{table}"
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant_isolation ON {name} USING ({tenant}) WITH CHECK ({tenant})")


def _index(
    name: str, *columns: str, table: str = "journey_event", where: str | None = None, unique: bool = False
) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, ["tenant_id", *columns], unique=unique, schema=SCHEMA, postgresql_where=condition)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table, schema=SCHEMA)
