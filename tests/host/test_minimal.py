"""The second host works by itself, and its declarations are ones the plugin accepts."""

from __future__ import annotations

from litestar.testing import AsyncTestClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine

from adplanning_plugin.links import Links
from tests.host.minimal import create_app, links, sales


async def test_a_basket_is_settled_without_the_shoppers_cookies(empty_database_url: str) -> None:
    async with AsyncTestClient(create_app(empty_database_url, plugin=False), base_url="http://mini.local") as client:
        basket = (await client.post("/baskets", json={"cents": 4990})).json()["basket"]
        client.cookies.clear()
        sale = (await client.post(f"/baskets/{basket}/settle", json={"mail": "f@x.example"})).json()["sale"]
    engine = create_async_engine(empty_database_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        row = (await connection.execute(select(sales))).one()
    await engine.dispose()
    assert (str(row.uid), row.cents, row.basket) == (sale, 4990, basket)


def test_the_plugin_accepts_its_links_and_names_what_the_host_lacks() -> None:
    found = Links(links(), tenants_known=False)
    states = {each.entity: each.state for each in found.report()}
    assert [states[name] for name in ("person", "order", "lead")] == ["linked"] * 3
    assert states["ad_campaign"] == "owned"
    assert states["feedback"] != "linked"
