"""What the plugin found out reaches the host's column where it has one, else the plugin's own, and reads back."""

import asyncio
import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import Double, Text, cast, literal, select, text

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.links import Links, write_back
from tests.links.stores import (
    Member,
    brands,
    customers,
    feedback_link,
    member_link,
    order_link,
    person_link,
    tickets,
    visit_link,
    visits,
)

AT = datetime(2026, 2, 7, 12, 0, tzinfo=UTC)


async def host(database, statement):
    async with database.engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(statement))]


async def test_the_hosts_column_receives_it_and_nothing_else_of_the_row_changes(put, read, database):
    await put(customers, *({"customer_no": n, "shop_no": s, "touched_at": AT} for n, s in [(1, 1), (2, 1), (3, 2)]))
    links = Links([person_link()], tenants_known=True)
    scores = [("1", 71.239), ("2", 5.0), ("3", 99.0), ("x", 1.0)]
    async with database.transaction("1") as session:
        assert await write_back(session, links, "1", "person", "engagement_score", scores) == 2
    async with database.transaction("1") as session:
        assert await write_back(session, links, "1", "person", "engagement_score", scores) == 0
        assert await write_back(session, links, "1", "person", "engagement_score", [("2", 6.5)]) == 1
    rows = await host(database, "SELECT customer_no, engagement::text, touched_at FROM shop.customers ORDER BY 1")
    assert rows == [(1, "71.24", AT), (2, "6.50", AT), (3, None, AT)]
    [first, _] = await read(links.selectable("person", "1"), "1", "id", "engagement_score")
    assert first == {"id": "1", "engagement_score": 71.24}


async def test_without_a_host_column_the_plugin_keeps_it_and_reads_it_back(put, read, database):
    await put(customers, {"customer_no": 1, "shop_no": 1}, {"customer_no": 2, "shop_no": 1})
    links = Links([person_link(writeback=None)], tenants_known=True)
    async with database.transaction("1") as session:
        assert await write_back(session, links, "1", "person", "last_interaction_at", [("1", AT)]) == 1
        assert await write_back(session, links, "1", "person", "engagement_score", {"1": 40.0}.items()) == 1
        assert await write_back(session, links, "1", "person", "engagement_score", [("1", 40.0)]) == 0
        assert await write_back(session, links, "1", "person", "engagement_score", [("1", 41.5)]) == 1
    rows = await read(links.selectable("person", "1"), "1", "id", "engagement_score", "last_interaction_at")
    assert rows == [
        {"id": "1", "engagement_score": 41.5, "last_interaction_at": AT},
        {"id": "2", "engagement_score": None, "last_interaction_at": None},
    ]
    assert await host(database, "SELECT count(*) FROM shop.customers WHERE engagement IS NOT NULL") == [(0,)]


async def test_a_select_is_written_back_in_one_statement(put, read, database):
    await put(visits, *({"visit_no": n, "shop_no": 1, "began": AT} for n in range(1, 6)))
    links = Links([visit_link()], tenants_known=True)
    sessions = links.selectable("analytics_session", "1")
    chosen = select(sessions.c.id, literal("42").label("campaign")).where(sessions.c.id.in_(["2", "4"]))
    async with database.transaction("1") as session:
        assert await write_back(session, links, "1", "analytics_session", "ad_campaign_id", chosen) == 2
        resolved = select(sessions.c.id, literal(True).label("resolved"))
        assert await write_back(session, links, "1", "analytics_session", "attribution_resolved", resolved) == 5
    rows = await read(links.selectable("analytics_session", "1"), "1", "ad_campaign_id", "attribution_resolved")
    assert [row["ad_campaign_id"] for row in rows] == [None, "42", None, "42", None]
    assert all(row["attribution_resolved"] for row in rows)


async def test_a_value_that_the_hosts_type_cannot_hold_leaves_the_column_alone(put, database):
    await put(visits, {"visit_no": 1, "shop_no": 1, "began": AT, "campaign_no": 3})
    links = Links([visit_link()], tenants_known=True)
    async with database.transaction("1") as session:
        assert await write_back(session, links, "1", "analytics_session", "ad_campaign_id", [("1", "camp_01")]) == 0
        assert await write_back(session, links, "1", "analytics_session", "ad_campaign_id", [("1", None)]) == 1
    assert await host(database, "SELECT campaign_no FROM shop.visits") == [(None,)]


async def test_rows_behind_a_join_are_written_only_where_the_link_shows_them(put, database):
    await put(brands, {"brand_no": 1, "handle": "main"}, {"brand_no": 2, "handle": "second"})
    rows = [(1, 1, 5), (2, 2, 5), (3, 1, None)]
    await put(tickets, *({"ticket_no": n, "brand_no": b, "stars": s, "at": AT} for n, b, s in rows))
    links = Links([feedback_link()], tenants_known=True)
    async with database.transaction("main") as session:
        found = await write_back(
            session, links, "main", "feedback", "sentiment_score", [(str(n), 0.5) for n in (1, 2, 3)]
        )
    assert found == 1
    assert await host(database, "SELECT ticket_no, mood FROM shop.tickets ORDER BY 1") == [
        (1, 0.5),
        (2, None),
        (3, None),
    ]


async def test_uuid_keys_receive_it_too(put, database):
    key = uuid.uuid4()
    await put(Member, {"key": key, "mail": "x@y.z"})
    links = Links([member_link()], tenants_known=False)
    async with database.transaction("default") as session:
        pairs = [(str(key), 12.5), ("7", 1.0)]
        assert await write_back(session, links, "default", "person", "engagement_score", pairs) == 1
    assert await host(database, "SELECT score FROM boutique.members") == [(12.5,)]


async def test_an_owned_entity_holds_it_itself(read, database):
    links = Links([], tenants_known=True)
    async with database.transaction("1") as session:
        await session.execute(
            text("INSERT INTO adplanning.owned_person (tenant_id, id, source_key) VALUES ('1', 'p', 'id:p')")
        )
        assert await write_back(session, links, "1", "person", "engagement_score", [("p", 7.5), ("q", 1.0)]) == 1
        assert await write_back(session, links, "1", "person", "engagement_score", [("p", 7.5)]) == 0
    assert await read(links.selectable("person", "1"), "1", "engagement_score") == [{"engagement_score": 7.5}]


async def test_another_tenants_findings_are_not_read(put, read, database):
    await put(customers, {"customer_no": 1, "shop_no": 1})
    links = Links([person_link(writeback=None)], tenants_known=True)
    async with database.transaction("2") as session:
        await write_back(session, links, "2", "person", "engagement_score", [("1", 99.0)])
    assert await read(links.selectable("person", "1"), "1", "engagement_score") == [{"engagement_score": None}]


async def test_only_declared_columns_are_written(database):
    links = Links([person_link(), order_link()], tenants_known=True)
    async with database.transaction("1") as session:
        with pytest.raises(ConfigurationError, match="of person the plugin writes engagement_score, last"):
            await write_back(session, links, "1", "person", "email", [("1", "x")])
        with pytest.raises(ConfigurationError, match="of order the plugin writes nothing"):
            await write_back(session, links, "1", "order", "total", [("1", 1)])
        empty = select(cast(literal("1"), Text), cast(literal(1.0), Double)).where(literal(False))
        assert await write_back(session, links, "1", "person", "engagement_score", empty) == 0
        assert await write_back(session, links, "1", "person", "engagement_score", []) == 0


async def test_two_writers_of_the_same_rows_do_not_block_each_other_for_good(put, database):
    await put(customers, *({"customer_no": n, "shop_no": 1} for n in range(1, 301)))
    links = Links([person_link()], tenants_known=True)

    async def write(numbers, score):
        async with database.transaction("1") as session:
            rows = [(str(n), score + n / 100) for n in numbers]
            return await write_back(session, links, "1", "person", "engagement_score", rows)

    up, down = list(range(1, 301)), list(range(300, 0, -1))
    counts = await asyncio.gather(*(write(up if n % 2 else down, float(n)) for n in range(6)))
    assert counts == [300] * 6
