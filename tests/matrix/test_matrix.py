"""The main job, cell by cell: consent × tracker blocked or not × how the shopper pays, and which orders find a visit.

Every order is bought over HTTP in the running store; what became of it is asked of the admin API alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from itertools import product
from typing import Any

import pytest

from tests.matrix.conftest import OpenBrowser
from tests.matrix.journeys import ADS, CONSENTS, PAYMENTS, Order, journey
from tests.matrix.running import RunningStore

SHOPPERS = 24
"""At the same time."""
SHARE = 0.95
PATIENCE = 240.0
"""For the credit of all of them: a loaded machine works through its queue slowly, and loses nothing of it."""
CAUSE = {"denied": "no_consent", "unknown": "unknown"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("store", "per_cell"),
    [pytest.param("own", 20, id="tracker's sessions"), pytest.param("host", 3, id="store's own sessions")],
    indirect=["store"],
)
async def test_consented_orders_find_their_visit_and_campaign_and_the_others_find_none(
    store: RunningStore, browser: OpenBrowser, per_cell: int
) -> None:
    cells = list(product(CONSENTS, (False, True), PAYMENTS))
    orders = [
        Order(consent, blocked, payment, f"c{c}n{n}@shoppers.example", ADS[(c + n) % len(ADS)])
        for c, (consent, blocked, payment) in enumerate(cells)
        for n in range(per_cell)
    ]
    shoppers = asyncio.Semaphore(SHOPPERS)

    async def shop(number: int, order: Order) -> None:
        async with shoppers, browser(blocks_script=order.blocked) as tab:
            await journey(tab, store, order, number)

    async with asyncio.TaskGroup() as group:
        for number, order in enumerate(orders):
            group.create_task(shop(number, order))
    await store.settled(len(orders), PATIENCE)
    found = await _found(store)

    of_cell: dict[Any, list[Order]] = defaultdict(list)
    for order in orders:
        of_cell[order.cell].append(order)
    print(_table(of_cell, found))
    wrong = [line for cell, some in of_cell.items() for line in _wrong(cell[0], some, found)]
    assert not wrong, "\n".join(wrong)

    coverage = (await store.admin("/coverage"))["coverage"]
    causes = {lost["cause"]: lost["orders"] for lost in coverage["lost"]}
    quarter = len(orders) // 4
    assert causes["no_consent"] == causes["unknown"] == quarter
    assert coverage["orders"] == coverage["joined"] + sum(causes.values()) == len(orders)


async def _found(store: RunningStore) -> dict[str, dict[str, Any]]:
    """By email: what the admin API says about the order."""
    purchases = await store.fetch("SELECT purchase_no::text AS id, email FROM store.purchases")
    email_of = {row["id"]: row["email"] for row in purchases}
    covered = await store.admin_all("/coverage/orders", "orders")
    conversions = await store.admin_all("/conversions", "conversions", conversion_type="purchase")
    by_order = {row["order_id"]: row for row in conversions}
    assert len(by_order) == len(conversions), "an order has two purchases"
    found = {email_of[row["order_id"]]: {**by_order[row["order_id"]], **row} for row in covered}
    assert len(found) == len(covered) == len(purchases), (
        f"{len(purchases)} purchases, {len(covered)} covered, {len(conversions)} conversions, {len(found)} buyers"
    )
    return found


def _wrong(consent: str, orders: list[Order], found: dict[str, dict[str, Any]]) -> list[str]:
    """Sentences about what a cell's orders should be and are not."""
    of = f"{orders[0].cell}: "
    rows = [(order, found[order.email]) for order in orders]
    if consent in CAUSE:
        causes = Counter(row["cause"] for _, row in rows)
        traces = [row["order_id"] for _, row in rows if row["visitor_id"] or row["session_id"] or row["ad_campaign_id"]]
        lines = [f"{of}causes are {dict(causes)}"] if set(causes) != {CAUSE[consent]} else []
        return [*lines, f"{of}orders {traces} carry a visit or a campaign"] if traces else lines
    joined = [(order, row) for order, row in rows if row["cause"] == "joined"]
    wrong = [(order.ad.name, row["ad_campaign_id"]) for order, row in joined if not _is_right(order, row)]
    lines = [] if len(joined) >= SHARE * len(rows) else [f"{of}only {len(joined)} of {len(rows)} are joined"]
    return [*lines, f"{of}not their campaign's: {wrong}"] if wrong else lines


def _is_right(order: Order, row: dict[str, Any]) -> bool:
    return row["ad_campaign_id"] == order.ad.campaign_id


def _table(cells: dict[Any, list[Order]], found: dict[str, dict[str, Any]]) -> str:
    lines = [f"{'consent':<24}{'tracker':<10}" + "".join(f"{payment:>18}" for payment in PAYMENTS)]
    for consent, blocked in product(CONSENTS, (False, True)):
        line = f"{consent:<24}{'blocked' if blocked else 'runs':<10}"
        for payment in PAYMENTS:
            some = cells[consent, blocked, payment]
            rows = [(order, found.get(order.email, {})) for order in some]
            joined = sum(row.get("cause") == "joined" for _, row in rows)
            right = sum(_is_right(order, row) for order, row in rows)
            line += f"{f'{joined}/{len(some)} ({right} right)':>18}"
        lines.append(line)
    return "\nOrders joined to a visit, of all orders of the cell (credited to their campaign)\n" + "\n".join(lines)
