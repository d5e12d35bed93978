"""An event about an order that does not exist: tried again, then a dead letter that names it and can be replayed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg

from tests.contract.store import Contract, running

ORDER = 66_000_123


async def test_it_is_retried_then_a_dead_letter_that_names_it_and_a_replay_finds_the_order(database_url: str) -> None:
    async with running(database_url) as store:
        await store.emit(store.main.tenant, "order.paid", id=ORDER)
        await store.work(store.main.tenant)
        [pending] = await listed(store, "work", kind="event:tracking.purchases")
        assert (pending["status"], pending["attempt"]) == ("pending", 1), "the first failure is not the last word"
        assert await listed(store, "dead-letters") == []
        assert pending["due_at"] > pending["created_at"]

        await store.kill(store.main.tenant, "kind = 'event:tracking.purchases'")
        [dead] = await listed(store, "dead-letters")
        assert dead["attempt"] == dead["max_attempts"] == store.runtime.options.work.max_attempts
        assert str(ORDER) in dead["last_error"]
        assert "order" in dead["last_error"].lower()
        assert await conversions(store) == []
        theirs = await store.second.admin("GET", "/operations/dead-letters")
        assert theirs.json()["count"] == 0

        await write_order(database_url)
        answer = await store.main.admin("POST", f"/operations/dead-letters/{dead['id']}/replay")
        assert answer.status_code == 202
        await store.work(store.main.tenant)
        assert await listed(store, "dead-letters") == []
        [conversion] = await conversions(store)
        assert (conversion["status"], conversion["conversion_value"]) == ("confirmed", "100.00")
        again = await store.main.admin("POST", f"/operations/dead-letters/{dead['id']}/replay")
        assert again.status_code == 409, "what is done is no dead letter any more"


async def listed(store: Contract, name: str, **params: str) -> list[dict[str, Any]]:
    answer = await store.main.admin("GET", f"/operations/{name}", params=params)
    return list(answer.raise_for_status().json()[name.replace("-", "_")])


async def conversions(store: Contract) -> list[dict[str, Any]]:
    answer = await store.main.admin("GET", "/conversions", params={"order_id": str(ORDER)})
    return list(answer.raise_for_status().json()["conversions"])


async def write_order(url: str) -> None:
    """The order that the event was about comes late, from a replica that lagged or an import."""
    row = {
        "purchase_no": ORDER, "shop_no": 101, "email": "late@example.com", "channel": "web", "status": "open",
        "payment": "paid", "is_test": False, "currency": "INR", "items_total": Decimal(100),
        "discount_total": Decimal(0), "tax_total": Decimal(0), "shipping_total": Decimal(0),
        "grand_total": Decimal(100), "giftcard_total": Decimal(0),
    }  # fmt: skip
    now = datetime.now(UTC)
    row |= {"placed_at": now, "paid_at": now, "updated_at": now}
    names = ", ".join(row)
    places = ", ".join(f"${number + 1}" for number in range(len(row)))
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"INSERT INTO store.purchases ({names}) VALUES ({places})", *row.values())
    finally:
        await connection.close()
