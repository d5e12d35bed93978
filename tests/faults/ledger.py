"""Ledger: what PostgreSQL holds, compared with what clients were told; the judge of lost and doubled."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tests.faults.fleet import within
from tests.faults.load import Load
from tests.faults.store import TENANT


@dataclass
class Verdict:
    """Ids that were acknowledged and are not there, and ids that are there more than once."""

    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        return f"lost {len(self.lost)} {self.lost[:5]}, doubled {len(self.doubled)} {self.doubled[:5]}"


async def rows(url: str, statement: str, *values: Any) -> list[Any]:
    """Rows of a query, asked as the ordinary role inside the tenant."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(
        url, timeout=5, command_timeout=20, server_settings={"app.tenant_id": TENANT}
    )
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close(timeout=5)


async def counted(url: str, statement: str, *values: Any) -> Counter[str]:
    """The first column of a query's rows, counted."""
    return Counter(str(row[0]) for row in await rows(url, statement, *values))


async def judge(url: str, load: Load, *, effects: bool = True) -> Verdict:
    """Compare. `effects`: everything that follows from an order is there, too."""
    verdict = Verdict()
    # Taken before anything is asked: meanwhile more may be acknowledged.
    events, claims_told, placed_told = set(load.events), set(load.claims), set(load.orders)

    def compare(what: str, told: set[str], found: Counter[str], every: set[str] | None = None) -> None:
        verdict.lost += [f"{what} {each}" for each in told - found.keys()]
        verdict.doubled += [f"{what} {each}" for each, count in found.items() if count > 1]
        if every is not None:
            verdict.doubled += [f"{what} of nothing {each}" for each in found.keys() - every]

    prefix = f"{load.run}-%"
    compare("event", events, await counted(url, "SELECT id FROM adplanning.event WHERE id LIKE $1", prefix))
    claims = "SELECT event_id FROM adplanning.conversion WHERE event_id LIKE $1"
    compare("claim", claims_told, await counted(url, claims, prefix))
    compare("order", placed_told, await counted(url, "SELECT ref FROM shop.orders WHERE ref LIKE $1", prefix))
    if effects:
        placed = {str(row[0]) for row in await rows(url, "SELECT number FROM shop.orders")}
        found = await counted(url, "SELECT order_id FROM adplanning.conversion WHERE order_id IS NOT NULL")
        compare("conversion of order", placed, found, placed)
        compare("step of order", placed, await counted(url, "SELECT order_number FROM shop.told"), placed)
        verdict.lost += [f"credit of order {row[0]}" for row in await rows(url, _WRONG_CREDIT)]
    return verdict


_WRONG_CREDIT = """
    SELECT c.order_id FROM adplanning.conversion c
    LEFT JOIN LATERAL (
        SELECT count(*) AS sets, bool_and(total = c.value) AS exact FROM (
            SELECT k.window_days, sum(k.amounts[1]) AS total FROM adplanning.credit k
            WHERE k.tenant_id = c.tenant_id AND k.conversion_id = c.id AND k.rule_version = (
                SELECT version FROM adplanning.rule_version r WHERE r.tenant_id = c.tenant_id
                AND r.activated_at IS NOT NULL AND r.superseded_at IS NULL)
            GROUP BY k.window_days
        ) AS by_window
    ) AS found ON true
    WHERE c.order_id IS NOT NULL
      AND (found.exact IS NOT TRUE OR found.sets IS DISTINCT FROM
           (SELECT cardinality(windows) FROM adplanning.rule_version ORDER BY version DESC LIMIT 1))
"""


async def open_work(url: str) -> int:
    """Pieces of work that are due or held: what `resumed` waits for."""
    pending = "SELECT count(*) FROM adplanning.work_item WHERE status = 'pending' AND kind NOT LIKE 'job:%'"
    return int((await rows(url, pending))[0][0])


async def unfinished_orders(url: str, newest: int = 500) -> int:
    """Of the last orders up to that number, how many have no conversion with credit yet."""
    statement = """
        SELECT count(*) FROM shop.orders o WHERE o.number BETWEEN $1 - 500 AND $1 AND NOT EXISTS (
            SELECT 1 FROM adplanning.conversion c JOIN adplanning.credit k ON k.tenant_id = c.tenant_id
            AND k.conversion_id = c.id WHERE c.order_id = o.number::text)
    """
    return int((await rows(url, statement, newest))[0][0])


async def caught_up(url: str, seconds: float) -> float:
    """Wait until every order has its conversion and its credit, and nothing is left to do."""

    async def no_order_waits() -> bool:
        return await unfinished_orders(url) == 0 and await open_work(url) == 0

    return await within(seconds, no_order_waits, "orders without conversion and credit, or open work")
