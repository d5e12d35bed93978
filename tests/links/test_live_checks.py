"""The links are compared with the live database, and whatever is wrong is named with its fix."""

import time
from datetime import datetime

import pytest
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, cast, func, literal, text

from adplanning_plugin.links import Link, Links
from tests.links.stores import customers, feedback_link, order_link, person_link, purchase, purchases, visit_link

NOON = datetime(2026, 2, 7, 12)  # noqa: DTZ001 - the store's local time


async def findings(database, *links):
    registry = Links(list(links), tenants_known=True)
    async with database.engine.connect() as connection:
        return registry, [(each.level, each.message) for each in await registry.check(connection)]


async def test_links_that_fit_have_no_findings(database, put):
    await put(purchases, purchase(1, 1, "1", "EUR", NOON))
    _, found = await findings(database, order_link(), person_link(), visit_link(), feedback_link())
    assert found == []


async def test_missing_tables_and_columns_are_named(database):
    shape = MetaData(schema="shop")
    gone = Table("gone", shape, Column("no", Integer), Column("shop_no", Integer))
    older = Table("customers", shape, Column("customer_no", Integer), Column("shop_no", Integer), Column("mail", Text))
    registry, found = await findings(
        database,
        Link(entity="website", source=gone, tenant="shop_no", columns={"id": "no"}),
        Link(entity="person", source=older, tenant="shop_no", columns={"id": "customer_no", "email": "mail"}),
    )
    assert [message for _, message in found] == [
        "Table shop.customers has no column mail: migrate the store's database, or correct the link.",
        "Table shop.gone does not exist in this database: correct the link's source, or migrate the store's database.",
    ]
    report = {each.entity: each.warnings for each in registry.report()}
    assert "has no column mail" in report["person"][0]
    assert report["order"] == ()


async def test_a_wrong_zone_declaration_is_found(database):
    shape = MetaData(schema="shop")
    wrong = Table(
        "purchases",
        shape,
        Column("purchase_no", Integer),
        Column("shop_no", Integer),
        Column("placed", DateTime(timezone=True)),
        Column("changed", DateTime()),
    )
    link = Link(
        entity="social_interaction",
        source=wrong,
        tenant="shop_no",
        columns={"id": "purchase_no", "at": "placed"},
    )
    _, found = await findings(database, link)
    assert len(found) == 1
    assert "shop.purchases.placed is declared with a time zone, but the database has timestamp without" in found[0][1]


async def test_values_that_mean_nothing_are_named(database, put):
    await put(purchases, purchase(1, 1, "1", "EUR", NOON))
    given = {**order_link().raw, "payment_state": literal("PAID"), "tax": None}
    _, [(level, message)] = await findings(database, order_link(columns=given))
    assert level == "error"
    assert message.startswith("order.payment_state has the value 'PAID', which means nothing here: map it with a CASE")
    assert message.endswith("one of paid, pending, refunded, partially_refunded, failed, cancelled.")


async def test_what_the_database_refuses_is_a_finding_not_a_crash(database, put):
    await put(customers, {"customer_no": 1, "shop_no": 1, "email": "x"})
    broken = Link(
        entity="person",
        source=customers,
        tenant="shop_no",
        columns={"id": "customer_no", "name": customers.c.email.op("/")(customers.c.email)},
    )
    _, found = await findings(database, broken)
    [(level, message)] = found
    assert level == "error"
    assert message.startswith("person cannot be read through its link: ")
    assert "operator" in message


async def test_values_that_no_conversion_can_read_are_a_finding(database, put):
    await put(customers, {"customer_no": 1, "shop_no": 1, "email": "x"})
    link = person_link(columns={"id": "customer_no"})
    wrong = Link(
        entity="order_line",
        source=customers,
        tenant="shop_no",
        columns={"id": cast(cast(customers.c.email, Integer), Text), "order_id": customers.c.email},
    )
    _, found = await findings(database, link, wrong)
    assert len(found) == 1
    assert "order_line cannot be read through its link: " in found[0][1]
    assert "invalid input syntax" in found[0][1]


async def test_a_slow_sample_does_not_hold_up_the_start(database, put):
    await put(customers, {"customer_no": 1, "shop_no": 1})
    slow = Link(
        entity="person",
        source=customers,
        tenant="shop_no",
        columns={"id": customers.c.customer_no + cast(cast(func.pg_sleep(8), Text) == "?", Integer)},
    )
    started = time.monotonic()
    _, found = await findings(database, slow)
    assert found == []
    assert time.monotonic() - started < 7


async def test_ids_that_repeat_are_a_warning(database, put):
    await put(customers, {"customer_no": 1, "shop_no": 1}, {"customer_no": 2, "shop_no": 1})
    same = Link(entity="person", source=customers, tenant="shop_no", columns={"id": literal("one")})
    _, found = await findings(database, same)
    assert [level for level, _ in found] == ["warning"]
    assert "person.id is not unique" in found[0][1]


@pytest.fixture
def stranger(postgres_server, links_database):
    """A role without rights on the store's tables, and an engine connected as it."""
    from sqlalchemy.ext.asyncio import create_async_engine

    role = "links_stranger"
    name = links_database.engine.url.database
    postgres_server.execute(f"DROP ROLE IF EXISTS {role}")
    postgres_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'stranger'")
    engine = create_async_engine(links_database.engine.url.set(username=role, password="stranger"))
    yield role, engine
    postgres_server.execute(f"DROP OWNED BY {role}", database=name)
    postgres_server.execute(f"DROP ROLE {role}")


async def test_missing_rights_are_named_with_the_grant(database, stranger, postgres_server):
    role, engine = stranger
    links = Links([person_link()], tenants_known=True)
    name = database.engine.url.database

    async def messages():
        async with engine.connect() as connection:
            return [each.message for each in await links.check(connection)]

    try:
        assert f"GRANT USAGE ON SCHEMA shop TO {role};" in (await messages())[0]
        postgres_server.execute(f"GRANT USAGE ON SCHEMA shop TO {role}", database=name)
        unreadable, unwritable = await messages()
        assert unreadable == f"Table shop.customers cannot be read: run GRANT SELECT ON shop.customers TO {role};"
        assert unwritable.endswith(f"run GRANT UPDATE (engagement) ON shop.customers TO {role};")
        columns = "customer_no, shop_no, email, born, engagement"
        postgres_server.execute(
            f"GRANT SELECT ({columns}), UPDATE (engagement) ON shop.customers TO {role}",
            "ALTER TABLE shop.customers ENABLE ROW LEVEL SECURITY",
            database=name,
        )
        [warning] = await messages()
        assert f"row-level security that applies to {role}" in warning
    finally:
        await engine.dispose()
        postgres_server.execute("ALTER TABLE shop.customers DISABLE ROW LEVEL SECURITY", database=name)


async def test_indexes_that_would_help_are_named_and_not_created(database):
    links = Links([order_link(), person_link(), visit_link()], tenants_known=True)
    async with database.engine.connect() as connection:
        before = (await connection.execute(text("SELECT count(*) FROM pg_index"))).scalar()
        advice = [each.statement for each in await links.index_advice(connection)]
        after = (await connection.execute(text("SELECT count(*) FROM pg_index"))).scalar()
    assert advice == [
        "CREATE INDEX CONCURRENTLY ON shop.customers (shop_no, email);",
        "CREATE INDEX CONCURRENTLY ON shop.purchases (shop_no, customer_no);",
        "CREATE INDEX CONCURRENTLY ON shop.visits (shop_no, began, visit_no);",
    ]
    assert before == after
