"""events and touches name the kind of device and the browser that they came from

Revision adplanning_0014, after adplanning_0013.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "adplanning_0014"
down_revision: str | Sequence[str] | None = "adplanning_0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_COLUMNS = (
    ("event", "device"),
    ("event", "browser"),
    ("touchpoint", "device"),
    ("touchpoint", "browser"),
    ("owned_analytics_session", "device"),
)


def _store_events(*, devices: bool) -> str:
    """The function of adplanning_0004; with `devices`, rows may say them. Processes that still say none go on."""
    names, values, types = ("", "", "")
    if devices:
        names, values, types = (", device, browser", ", e.device, e.browser", ", device text, browser text")
    return rf"""
CREATE OR REPLACE FUNCTION adplanning.store_events(
    tenant text, rows text, row_count integer, untimed_since timestamptz, wakes boolean, wait_ms integer,
    OUT stored bigint, OUT times timestamptz[], OUT ids text[]
) LANGUAGE plpgsql AS $function$
#variable_conflict use_column
DECLARE
    events CONSTANT json := rows::json;
BEGIN
    EXECUTE format('SET LOCAL app.tenant_id = %L', tenant);
    EXECUTE format('SET LOCAL lock_timeout = %s', wait_ms);

    -- A client id without a client time got the server's: its replay is found by the index over such rows, and two at
    -- once would not see each other.
    IF untimed_since IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(tenant || E'\n' || e.id, 0))
        FROM (
            SELECT e.id FROM json_to_recordset(events) AS e(id text, occurred_at timestamptz, received_at timestamptz)
            WHERE e.occurred_at = e.received_at ORDER BY e.id
        ) e;
    END IF;

    -- In the order of the key, so that two flushes with the same rows wait for each other and do not deadlock.
    WITH made AS (
        INSERT INTO adplanning.event (
            tenant_id, occurred_at, id, received_at, name, visitor_id, session_id, website_id, url, path, referrer,
            utm, click_ids, value, currency, seconds, scroll, properties, consent, source{names}
        )
        SELECT tenant, e.occurred_at, e.id, e.received_at, e.name, e.visitor_id, e.session_id, e.website_id, e.url,
               e.path, e.referrer, e.utm, e.click_ids, e.value, e.currency, e.seconds, e.scroll, e.properties,
               coalesce(e.consent, 0), coalesce(e.source, 'tracker'){values}
        FROM json_to_recordset(events) AS e(
            occurred_at timestamptz, id text, received_at timestamptz, name text, visitor_id text, session_id text,
            website_id text, url text, path text, referrer text, utm jsonb, click_ids jsonb, value bigint,
            currency text, seconds bigint, scroll smallint, properties jsonb, consent smallint, source text{types}
        )
        WHERE untimed_since IS NULL OR NOT (e.occurred_at = e.received_at AND EXISTS (
            SELECT FROM adplanning.event s WHERE s.tenant_id = tenant AND s.id = e.id
            AND s.occurred_at = s.received_at AND s.occurred_at >= untimed_since
        ))
        ORDER BY e.occurred_at, e.id
        ON CONFLICT (tenant_id, occurred_at, id) DO NOTHING
        RETURNING occurred_at, id
    ), total AS (
        SELECT count(*) AS n FROM made
    )
    -- Which rows are new is told only where some are and some are not.
    SELECT total.n, few.times, few.ids INTO stored, times, ids
    FROM total LEFT JOIN LATERAL (
        SELECT array_agg(made.occurred_at) AS times, array_agg(made.id) AS ids FROM made
    ) few ON total.n > 0 AND total.n < row_count;

    -- A moment later, so that a burst is read at once.
    IF wakes AND stored > 0 THEN
        INSERT INTO adplanning.wakeup (tenant_id, queue, due_at) VALUES (tenant, 'stream', now() + interval '500 ms');
    END IF;
END
$function$
"""


def upgrade() -> None:
    for table, column in _COLUMNS:
        op.add_column(table, sa.Column(column, sa.Text(), nullable=True), schema="adplanning")
    op.execute(_store_events(devices=True))


def downgrade() -> None:
    op.execute(_store_events(devices=False))
    for table, column in reversed(_COLUMNS):
        op.drop_column(table, column, schema="adplanning")
