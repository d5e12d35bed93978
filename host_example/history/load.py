"""Writes a history into the store's tables by COPY, and its truth into a schema of its own, all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from host_example.database import SCHEMA, Base
from host_example.history.rows import History

Progress = Callable[[str, int, int], None]
# Parents before children, so that no foreign key is asked for a row that is not there yet.
ORDER = (
    "customers", "ad_accounts", "ad_campaigns", "ad_sets", "ads", "ad_daily", "web_sessions", "web_events", "purchases",
    "purchase_lines", "purchase_refunds", "enquiries", "reviews", "web_form_answers", "social_posts",
    "social_interactions",
)  # fmt: skip
TRUTH = """
CREATE SCHEMA IF NOT EXISTS demo;
CREATE TABLE IF NOT EXISTS demo.load (
    seed int NOT NULL, end_day date NOT NULL, digest text NOT NULL, loaded_at timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS demo.truth_orders (
    purchase_no int PRIMARY KEY, shop_no int NOT NULL, campaign_no int, lost_cause text);
CREATE TABLE IF NOT EXISTS demo.truth_spend (
    shop_no int NOT NULL, campaign_no int NOT NULL, day date NOT NULL, spend_minor bigint NOT NULL,
    currency text NOT NULL, PRIMARY KEY (campaign_no, day));
"""


async def connect(url: str) -> asyncpg.Connection:
    """A plain connection, for COPY."""
    parts = make_url(url)
    return await asyncpg.connect(parts.set(drivername="postgresql").render_as_string(hide_password=False))


async def loaded(connection: asyncpg.Connection) -> dict[str, Any] | None:
    """What was loaded before: seed, end day, digest; None where nothing was."""
    await connection.execute(TRUTH)
    row = await connection.fetchrow("SELECT seed, end_day, digest, loaded_at FROM demo.load")
    return dict(row) if row else None


async def load(connection: asyncpg.Connection, history: History, progress: Progress | None = None) -> None:
    """Write everything in one transaction; shops, goods and forms are there already."""
    async with connection.transaction():
        await connection.execute(TRUTH)
        tables = [table for table in ORDER if history.rows.get(table)]
        for done, table in enumerate(tables):
            if progress:
                progress(table, done, len(tables))
            await connection.copy_records_to_table(
                table, records=history.rows[table], columns=history.columns[table], schema_name=SCHEMA
            )
        await connection.copy_records_to_table("truth_orders", records=history.truth_orders, schema_name="demo")
        await connection.copy_records_to_table("truth_spend", records=history.truth_spend, schema_name="demo")
        for table in Base.metadata.sorted_tables:
            key = next(iter(table.primary_key.columns))
            sequence = await connection.fetchval("SELECT pg_get_serial_sequence($1, $2)", str(table), key.name)
            if sequence:
                await connection.execute(f"SELECT setval($1, (SELECT max({key.name}) FROM {table}))", sequence)
        await connection.execute(
            "INSERT INTO demo.load VALUES ($1, $2, $3, $4)",
            history.seed, history.end_day, history.digest(), datetime.now(UTC),
        )  # fmt: skip
    await connection.execute("ANALYZE")


async def read_truth(connection: asyncpg.Connection) -> dict[str, list[dict[str, Any]]]:
    """The truth as `GET /demo/truth` gives it: ids are text, spend is in major units of the account's currency."""
    orders = await connection.fetch("SELECT * FROM demo.truth_orders ORDER BY purchase_no")
    spend = await connection.fetch("SELECT * FROM demo.truth_spend ORDER BY campaign_no, day")
    return {
        "orders": [
            {
                "id": str(row["purchase_no"]),
                "tenant": str(row["shop_no"]),
                "campaign_id": None if row["campaign_no"] is None else str(row["campaign_no"]),
                "lost_cause": row["lost_cause"],
            }
            for row in orders
        ],
        "spend": [
            {
                "tenant": str(row["shop_no"]),
                "campaign_id": str(row["campaign_no"]),
                "day": row["day"].isoformat(),
                "spend": str(Decimal(row["spend_minor"]) / 100),
                "currency": row["currency"],
            }
            for row in spend
        ],
    }
