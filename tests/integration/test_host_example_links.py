"""The example store's links lead to exactly what its tables hold, per shop, in minor units and UTC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from adplanning_plugin.links import Links
from host_example.catalogue import create_tables, open_shops
from host_example.database import make_engine
from host_example.history import connect, generate, load
from host_example.links import LINKS

MAIN, SECOND = "101", "202"
TABLES = {
    "person": "customers",
    "order": "purchases",
    "order_line": "purchase_lines",
    "refund": "purchase_refunds",
    "lead": "enquiries",
    "feedback": "reviews",
    "form_response": "web_form_answers",
    "analytics_session": "web_sessions",
    "analytics_event": "web_events",
    "ad_account": "ad_accounts",
    "ad_campaign": "ad_campaigns",
    "ad_set": "ad_sets",
    "ad": "ads",
    "ad_insight": "ad_daily",
    "social_post": "social_posts",
    "social_interaction": "social_interactions",
    "website": "sites",
}


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[AsyncConnection]:
    engine = make_engine(database_url)
    await create_tables(engine)
    async with AsyncSession(engine) as session, session.begin():
        await open_shops(session)
    connection = await connect(database_url)
    await load(connection, generate(7, date(2026, 3, 31), scale=0.03, password_hash="unused"))
    await connection.close()
    async with engine.connect() as found:
        yield found
    await engine.dispose()


async def test_every_entity_is_linked_and_reads_the_rows_of_one_shop_alone(store: AsyncConnection) -> None:
    links = Links(LINKS, tenants_known=True)
    assert {each.entity for each in links.report() if each.state == "linked"} == set(TABLES)
    for entity, table in TABLES.items():
        counting = text(f"SELECT shop_no::text AS shop, count(*) AS rows FROM store.{table} GROUP BY 1")
        counted = {row.shop: row.rows for row in await store.execute(counting)}
        for shop in (MAIN, SECOND):
            linked = links.selectable(entity, shop)
            found = await store.scalar(select(func.count()).select_from(linked))
            assert found == counted.get(shop, 0), entity
        nobody = await store.scalar(select(func.count()).select_from(links.selectable(entity, "999")))
        assert nobody == 0, entity


async def test_money_of_orders_refunds_and_spend_arrives_in_minor_units(store: AsyncConnection) -> None:
    links = Links(LINKS, tenants_known=True)

    async def total(entity: str, column: str, shop: str) -> int:
        linked = links.selectable(entity, shop)
        return int(await store.scalar(select(func.sum(linked.c[column]))) or 0)

    for shop in (MAIN, SECOND):
        sales, tax = (
            await store.execute(
                text("SELECT sum(grand_total) * 100, sum(tax_total) * 100 FROM store.purchases WHERE shop_no = :shop"),
                {"shop": int(shop)},
            )
        ).one()
        assert (await total("order", "total", shop), await total("order", "tax", shop)) == (sales, tax)
        spend = await store.scalar(
            text("SELECT sum(spend_minor) FROM store.ad_daily WHERE shop_no = :shop"), {"shop": int(shop)}
        )
        assert await total("ad_insight", "spend", shop) == spend
    refunded = await store.scalar(text("SELECT sum(amount_minor) FROM store.purchase_refunds WHERE shop_no = 101"))
    assert await total("refund", "amount", MAIN) == refunded


async def test_an_order_costs_what_its_lines_cost_or_nobody_knows(store: AsyncConnection) -> None:
    links = Links(LINKS, tenants_known=True)
    order = links.selectable("order", MAIN)
    rows = {row.id: row.cost for row in await store.execute(select(order.c.id, order.c.cost))}
    expected = await store.execute(
        text(
            """SELECT purchase_no::text, CASE WHEN bool_and(unit_cost IS NOT NULL)
               THEN (sum(unit_cost * quantity) * 100)::bigint END FROM store.purchase_lines
               WHERE shop_no = 101 GROUP BY 1"""
        )
    )
    assert rows == {row[0]: row[1] for row in expected}
    assert None in rows.values()


async def test_states_and_channels_are_the_plugins_words(store: AsyncConnection) -> None:
    links = Links(LINKS, tenants_known=True)
    order = links.selectable("order", MAIN)
    states = set((await store.execute(select(order.c.payment_state).distinct())).scalars())
    channels = set((await store.execute(select(order.c.sales_channel).distinct())).scalars())
    assert states <= {"paid", "pending", "refunded", "partially_refunded", "cancelled"}
    assert {"paid", "refunded", "cancelled"} <= states
    assert channels == {"online", "offline"}
    campaign = links.selectable("ad_campaign", MAIN)
    platforms = set((await store.execute(select(campaign.c.platform).distinct())).scalars())
    assert platforms == {"meta", "google"}
