"""A linked table reads as canonical rows of one tenant, whatever its keys, money, times and shape."""

import uuid
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, DateTime, Integer, MetaData, Numeric, Table, func, literal, select, text, union_all
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ClauseElement, Executable

from adplanning_plugin.kernel.money import exponent
from adplanning_plugin.links import Link, Links, Money
from tests.links.stores import (
    Member,
    Parcel,
    Sale,
    brands,
    customers,
    feedback_link,
    order_link,
    person_link,
    purchase,
    purchases,
    sale_link,
    tickets,
    visit_link,
)

NOON = datetime(2026, 2, 7, 12, 0)  # noqa: DTZ001 - the store's local time


async def test_integer_keys_major_money_and_local_times_become_canonical(put, read):
    await put(customers, {"customer_no": 7, "shop_no": 1, "email": "a@b.c", "born": date(1990, 5, 1)})
    await put(purchases, purchase(1, 1, "4999.00", "inr", NOON, customer_no=7, tax_minor=76254))
    links = Links([order_link(), person_link()], tenants_known=True)

    [row] = await read(links.selectable("order", "1"), "1")

    assert row["id"] == "1"
    assert row["person_id"] == "7"
    assert row["currency"] == "INR"
    assert row["total"] == 499900
    assert row["tax"] == 76254
    assert row["payment_state"] == "paid"
    assert row["placed_at"] == datetime(2026, 2, 7, 6, 30, tzinfo=UTC)
    assert row["email"] is None
    [person] = await read(links.selectable("person", "1"), "1")
    assert (person["id"], person["birth_date"]) == ("7", date(1990, 5, 1))


async def test_the_exponent_of_each_currency_is_applied(put, read):
    amounts = [("1999.95", "EUR", 199995), ("1500", "JPY", 1500), ("12.3455", "KWD", 12346), ("0.005", "USD", 1)]
    await put(purchases, *(purchase(n, 1, amount, code, NOON) for n, (amount, code, _) in enumerate(amounts, 1)))
    links = Links([order_link()], tenants_known=True)
    rows = await read(links.selectable("order", "1"), "1", "total")
    assert [row["total"] for row in rows] == [minor for *_, minor in amounts]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], print_blob=True)
@given(
    amounts=st.lists(
        st.tuples(
            st.decimals(min_value=-(10**11), max_value=10**11, places=4, allow_nan=False),
            st.sampled_from(["INR", "EUR", "JPY", "KRW", "KWD", "TND", "usd"]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_major_money_in_sql_equals_decimal_arithmetic(amounts, converted):
    found = converted(amounts)
    for (amount, code), minor in zip(amounts, found, strict=True):
        places = exponent(code.upper())
        exact = (amount.scaleb(places)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        assert minor == int(exact), (amount, code)


@pytest.fixture
def converted(postgres_server):
    """Runs amounts through a link's own conversion, in a connection and a thread of its own."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from sqlalchemy import Text
    from sqlalchemy.ext.asyncio import create_async_engine

    url = postgres_server.url("postgres").replace("postgresql://", "postgresql+asyncpg://", 1)
    paid = Table("paid", MetaData(), Column("n", Numeric), Column("amount", Numeric), Column("code", Text))
    link = Link(
        entity="refund",
        source=paid,
        columns={
            "id": paid.c.n,
            "order_id": literal("1"),
            "amount": Money(paid.c.amount, unit="major"),
            "currency": "code",
            "created_at": literal(NOON.replace(tzinfo=UTC), DateTime(timezone=True)),
        },
    )
    rows = Links([link], tenants_known=False).selectable("refund", "default")

    async def run(amounts):
        engine = create_async_engine(url)
        try:
            async with engine.connect() as connection:
                await connection.execute(text("CREATE TEMP TABLE paid (n numeric, amount numeric, code text)"))
                await connection.execute(
                    paid.insert(), [{"n": n, "amount": a, "code": c} for n, (a, c) in enumerate(amounts)]
                )
                ordered = select(rows.c.amount).order_by(sql_cast(rows.c.id, Numeric))
                return list((await connection.execute(ordered)).scalars())
        finally:
            await engine.dispose()

    def aside(amounts):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: asyncio.run(run(amounts))).result()

    return aside


async def test_uuid_keys_and_minor_money_of_a_mapped_class(put, read):
    sold, buyer = uuid.uuid4(), uuid.uuid4()
    await put(Sale, {"key": sold, "member_key": buyer, "cents": 1234, "sold_at": NOON.replace(tzinfo=UTC)})
    links = Links([sale_link()], tenants_known=False)
    [row] = await read(links.selectable("order", "default"), "default")
    assert (row["id"], row["person_id"], row["total"], row["currency"]) == (str(sold), str(buyer), 1234, "EUR")


async def test_types_of_advanced_alchemy_read_like_the_databases_own(put, read, database):
    key, tenant = uuid.uuid4(), uuid.uuid4()
    sent = NOON.replace(tzinfo=UTC)
    row = {"price": Decimal("12.50"), "sent_at": sent, "contents": {"n": 1}}
    await put(Parcel, {"key": key, "tenant": tenant, **row}, {"key": uuid.uuid4(), "tenant": uuid.uuid4(), **row})
    link = Link(
        entity="analytics_event",
        source=Parcel,
        tenant=Parcel.tenant,
        money="major",
        columns={
            "id": Parcel.key,
            "name": literal("parcel"),
            "value": Parcel.price,
            "currency": literal("KWD"),
            "occurred_at": Parcel.sent_at,
            "properties": Parcel.contents,
        },
    )
    links = Links([link], tenants_known=True)
    [found] = await read(links.selectable("analytics_event", str(tenant)), str(tenant))
    assert (found["id"], found["value"], found["occurred_at"]) == (str(key), 12500, sent)
    assert found["properties"] == {"n": 1}
    assert len(await read(links.since("analytics_event", str(tenant), "occurred_at", sent, inclusive=True), "t")) == 1
    plan = await _plan(database, select(links.by_ids("analytics_event", str(tenant), [str(key), "x"])))
    assert "parcels_pkey" in plan


async def test_another_tenants_rows_are_never_visible(put, read):
    await put(purchases, purchase(1, 1, "1", "EUR", NOON), purchase(2, 2, "2", "EUR", NOON))
    await put(brands, {"brand_no": 1, "handle": "main"}, {"brand_no": 2, "handle": "second"})
    said = {"said": "fine", "stars": 5, "at": NOON.replace(tzinfo=UTC)}
    await put(tickets, {"ticket_no": 1, "brand_no": 1, **said}, {"ticket_no": 2, "brand_no": 2, **said})
    links = Links([order_link(), feedback_link()], tenants_known=True)

    assert [row["id"] for row in await read(links.selectable("order", "1"), "1")] == ["1"]
    assert [row["id"] for row in await read(links.by_ids("order", "1", ["1", "2"]), "1")] == ["1"]
    long_ago = datetime(1990, 1, 1, tzinfo=UTC)
    assert [row["id"] for row in await read(links.since("order", "2", "placed_at", long_ago), "2")] == ["2"]
    assert [row["id"] for row in await read(links.selectable("feedback", "second"), "second")] == ["2"]
    for nobody in ("3", "main", "01", "1 OR 1=1"):
        assert await read(links.selectable("order", nobody), "main") == []
    assert await read(links.selectable("feedback", "'; --"), "main") == []


async def test_conditions_of_the_link_hold_for_every_read(put, read):
    await put(brands, {"brand_no": 1, "handle": "main"})
    at = NOON.replace(tzinfo=UTC)
    await put(tickets, *({"ticket_no": n, "brand_no": 1, "stars": s, "at": at} for n, s in [(1, 4), (2, None)]))
    links = Links([feedback_link()], tenants_known=True)
    assert [row["id"] for row in await read(links.selectable("feedback", "main"), "main")] == ["1"]
    assert [row["id"] for row in await read(links.by_ids("feedback", "main", ["1", "2"]), "main")] == ["1"]


async def test_grouped_and_united_selects_are_sources_too(put, read):
    await put(customers, {"customer_no": 7, "shop_no": 1})
    await put(purchases, *(purchase(n, 1, "2.50", "EUR", NOON, customer_no=7) for n in (1, 2)))
    grouped = select(purchases.c.customer_no, func.min(purchases.c.changed).label("first"), purchases.c.shop_no)
    grouped = grouped.group_by(purchases.c.customer_no, purchases.c.shop_no)
    person = Link(
        entity="person",
        source=grouped,
        tenant=purchases.c.shop_no,
        columns={"id": "customer_no", "created_at": "first"},
    )
    both = union_all(
        select(customers.c.customer_no.label("no"), customers.c.shop_no, customers.c.touched_at),
        select(purchases.c.purchase_no + 100, purchases.c.shop_no, purchases.c.changed),
    )
    websites = Link(
        entity="social_interaction", source=both, tenant="shop_no", columns={"id": "no", "at": "touched_at"}
    )
    links = Links([person, websites], tenants_known=True)
    assert [row["id"] for row in await read(links.selectable("person", "1"), "1")] == ["7"]
    found = await read(links.selectable("social_interaction", "1"), "1")
    assert [row["id"] for row in found] == ["101", "102", "7"]


async def test_a_local_time_that_happens_twice_is_not_missed(put, read):
    twice = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001 - Berlin: clocks go back from 03:00 to 02:00
    await put(purchases, purchase(1, 1, "1", "EUR", twice.replace(minute=15)), purchase(2, 1, "1", "EUR", NOON))
    links = Links([order_link(zone="Europe/Berlin")], tenants_known=True)
    [row] = await read(links.by_ids("order", "1", ["1"]), "1")
    first_pass = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert row["placed_at"] == datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    assert [row["id"] for row in await read(links.since("order", "1", "placed_at", first_pass), "1")] == ["1"]


async def test_ids_that_the_hosts_key_cannot_have_match_nothing(put, read):
    await put(purchases, purchase(7, 1, "1", "EUR", NOON))
    key = uuid.uuid4()
    await put(Member, {"key": key, "mail": "x@y.z"})
    links = Links([order_link(), Link(**_member_with_tenant())], tenants_known=True)
    odd = ["07", " 7", "7.0", "x", "", "9" * 30, str(2**63), "७", "\x00", "7"]
    assert [row["id"] for row in await read(links.by_ids("order", "1", odd), "1")] == ["7"]
    assert await read(links.by_ids("order", "1", odd[:-1]), "1") == []
    assert await read(links.by_ids("lead", "1", ["\x00", "\ud800"]), "1") == []
    assert [row["id"] for row in await read(links.by_ids("person", "1", ["7", "x", str(key)]), "1")] == [str(key)]


def _member_with_tenant():
    return {"entity": "person", "source": Member, "tenant": literal("1"), "columns": {"id": Member.key}}


async def test_lines_are_found_by_their_order(put, read):
    await put(purchases, *(purchase(n, 1, "1", "EUR", NOON) for n in (1, 2, 3)))
    link = Link(
        entity="order_line",
        source=purchases,
        tenant="shop_no",
        columns={"id": purchases.c.purchase_no, "order_id": purchases.c.purchase_no},
    )
    links = Links([link], tenants_known=True)
    found = await read(links.by_ids("order_line", "1", ["2", "3"], column="order_id"), "1")
    assert [row["order_id"] for row in found] == ["2", "3"]


class Explain(Executable, ClauseElement):
    inherit_cache = False

    def __init__(self, statement):
        self.statement = statement


@compiles(Explain)
def _explain(element, compiler, **kwargs):
    return "EXPLAIN " + compiler.process(element.statement, **kwargs)


async def _plan(database, statement, tenant="1"):
    async with database.transaction(tenant) as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        return "\n".join((await session.execute(Explain(statement))).scalars())


@pytest.mark.parametrize("column", ["updated_at", "placed_at"])
async def test_reading_what_is_new_uses_the_hosts_index(database, column):
    links = Links([order_link()], tenants_known=True)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    plan = await _plan(database, select(links.since("order", "1", column, since)))
    index = {"updated_at": "purchases_changed", "placed_at": "purchases_placed"}[column]
    assert index in plan
    assert "Index Cond" in plan


async def test_rows_without_a_time_of_change_are_found_by_the_time_of_creation(put, read, database):
    at = NOON.replace(tzinfo=UTC)
    people = [(1, at, None), (2, None, at), (3, None, None), (4, at.replace(year=2020), at)]
    shape = Table(
        "customers",
        MetaData(schema="shop"),
        *(Column(name, Integer) for name in ("customer_no", "shop_no")),
        *(Column(name, DateTime(timezone=True)) for name in ("touched_at", "created_at")),
    )
    async with database.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE shop.customers ADD COLUMN created_at timestamptz"))
    try:
        await put(
            shape,
            *(
                {"customer_no": n, "shop_no": 1, "touched_at": changed, "created_at": made}
                for n, changed, made in people
            ),
        )
        columns = {"id": "customer_no", "updated_at": "touched_at", "created_at": "created_at"}
        links = Links([Link(entity="person", source=shape, tenant="shop_no", columns=columns)], tenants_known=True)
        fresh = links.since("person", "1", ("updated_at", "created_at"), at, inclusive=True)
        assert [row["id"] for row in await read(fresh, "1")] == ["1", "2"]
        assert await read(links.since("person", "1", ("updated_at", "created_at"), at), "1") == []
    finally:
        async with database.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE shop.customers DROP COLUMN created_at"))


async def test_reading_what_is_new_by_two_columns_uses_the_hosts_index(database):
    links = Links([order_link()], tenants_known=True)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    plan = await _plan(database, select(links.since("order", "1", ("updated_at", "placed_at"), since)))
    assert "purchases_changed" in plan
    assert "Index Cond" in plan


@pytest.mark.parametrize("ids", [["5"], ["5", "6", "seven"]])
async def test_reading_by_ids_uses_the_hosts_primary_key(database, ids):
    links = Links([order_link(), person_link(), visit_link()], tenants_known=True)
    for entity, index in (
        ("order", "purchases_pkey"),
        ("person", "customers_pkey"),
        ("analytics_session", "visits_pkey"),
    ):
        plan = await _plan(database, select(links.by_ids(entity, "1", ids)))
        assert index in plan, plan
        assert "Index Cond" in plan
    keys = [str(uuid.UUID(int=n)) for n in range(len(ids))]
    plan = await _plan(database, select(Links([sale_link()], tenants_known=False).by_ids("order", "default", keys)))
    assert "sales_pkey" in plan


async def test_the_plugins_own_columns_cost_nothing_where_nobody_reads_them(database):
    links = Links([person_link()], tenants_known=True)
    rows = links.selectable("person", "1")
    assert "linked_person" not in await _plan(database, select(rows.c.id, rows.c.email))
    assert "linked_person" in await _plan(database, select(rows.c.last_interaction_at))


async def test_one_statement_can_read_the_same_entity_twice(put, database):
    await put(purchases, purchase(1, 1, "1", "EUR", NOON), purchase(2, 1, "2", "EUR", NOON))
    links = Links([order_link()], tenants_known=True)
    left, right = links.selectable("order", "1"), links.selectable("order", "1")
    pairs = select(func.count()).select_from(left.join(right, left.c.id < right.c.id))
    async with database.reading("1") as session:
        assert (await session.execute(pairs)).scalar() == 1


async def test_an_entity_that_the_host_lacks_reads_from_the_plugins_table(read):
    links = Links([order_link()], tenants_known=True)
    assert links.has("lead")
    assert not links.linked("lead")
    assert await read(links.selectable("lead", "1"), "1") == []
    assert await read(links.by_ids("lead", "1", ["x"]), "1") == []
