"""A declaration that cannot work is refused when it is written, with a sentence that says what to write instead."""

import pytest
from sqlalchemy import DateTime, Text, cast, func, literal, select

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.links import ENTITIES, Link, Links, Money, column, entity
from tests.links.stores import (
    STATE,
    Member,
    Sale,
    brands,
    customers,
    member_link,
    order_link,
    person_link,
    purchases,
    sale_link,
    tickets,
)


def columns(**changes):
    good = {
        "id": purchases.c.purchase_no,
        "currency": purchases.c.money,
        "total": purchases.c.amount,
        "payment_state": STATE,
        "placed_at": purchases.c.placed,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"entity": "ordr"}, "Did you mean 'order'?"),
        ({"entity": "zebra"}, "Known: person, order"),
        ({"columns": columns(totl=purchases.c.amount)}, "columns['totl'] is no column of it. Did you mean 'total'?"),
        ({"columns": columns(total=...)}, 'required columns are missing: add "total": …'),
        (
            {"columns": columns(total="ammount")},
            "total=\"ammount\" names no column of the source. Did you mean 'amount'?",
        ),
        ({"columns": columns(payment_state="paid")}, 'A constant is literal("paid")'),
        ({"columns": columns(email=customers.c.email)}, "email uses customers.email, but the source is shop.purchases"),
        ({"columns": columns(subscription_sequence=1)}, "for a constant write literal(1)"),
        ({"money": None}, 'total is money without a unit: write Money(column, unit="major"|"minor")'),
        ({"money": "cents"}, "money='cents' is no unit"),
        ({"columns": columns(currency=...)}, '"currency": …'),
        ({"columns": columns(email=Money(purchases.c.money, unit="major"))}, "email is no money column"),
        ({"columns": columns(total=purchases.c.money)}, "total is a TEXT, not a number"),
        ({"columns": columns(is_test=purchases.c.money)}, "is_test is a TEXT, not true or false: write a comparison"),
        ({"columns": columns(placed_at=purchases.c.amount)}, "placed_at is a NUMERIC(16, 4), not a time"),
        ({"zone": None}, 'placed_at is a time without a zone: say which zone it is in, such as zone="Asia/Kolkata"'),
        ({"zone": "Mars/Base"}, "zone='Mars/Base' is no IANA zone"),
        ({"tenant": customers.c.shop_no}, "tenant uses customers.shop_no"),
        ({"source": 7}, "source is a int: write a Table, a mapped class, a join, or select(...)"),
        ({"writeback": {"total": purchases.c.amount}}, "nothing is written back to order"),
    ],
)
def test_a_wrong_order_link_is_refused_with_its_fix(wrong, says):
    with pytest.raises(ConfigurationError) as refused:
        order_link(**wrong)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"writeback": {"engagement": customers.c.engagement}}, "Did you mean 'engagement_score'?"),
        (
            {"writeback": {"engagement_score": func.abs(customers.c.engagement)}},
            "must be a plain column of a host table",
        ),
        (
            {"columns": {"id": cast(customers.c.customer_no, Text)}},
            "writeback['engagement_score'] needs id to be a plain column of customers",
        ),
        ({"columns": {"id": "customer_no", "birth_date": customers.c.touched_at}}, "not a day: write cast(…, Date)"),
        ({"columns": {"id": "customer_no", "created_at": literal(None)}}, "the type of created_at is unknown"),
    ],
)
def test_a_wrong_person_link_is_refused_with_its_fix(wrong, says):
    with pytest.raises(ConfigurationError) as refused:
        person_link(**wrong)
    assert says in str(refused.value)


def test_money_in_major_units_needs_its_currency():
    with pytest.raises(ConfigurationError, match='add "currency": a column or literal\\("EUR"\\)'):
        Link(
            entity="refund",
            source=purchases,
            columns={
                "id": "purchase_no",
                "order_id": "purchase_no",
                "amount": Money(purchases.c.amount, unit="major"),
                "created_at": cast(purchases.c.changed, DateTime(timezone=True)),
            },
        )


def test_a_name_that_two_joined_tables_have_is_refused():
    joined = purchases.join(customers, purchases.c.customer_no == customers.c.customer_no)
    with pytest.raises(ConfigurationError, match='id="customer_no" names a column of purchases and customers'):
        Link(entity="person", source=joined, columns={"id": "customer_no"})
    chosen = Link(
        entity="person", source=select(customers).join(purchases), columns={"id": "customer_no", "name": "state"}
    )
    assert chosen.raw["id"].table.name == "customers"
    assert chosen.raw["name"].table.name == "purchases"


def test_a_store_with_tenants_needs_the_tenant_of_each_link():
    with pytest.raises(ConfigurationError, match="write tenant=<column>"):
        Links([sale_link()], tenants_known=True)
    assert Links([sale_link()], tenants_known=False).linked("order")


def test_an_entity_is_linked_once():
    with pytest.raises(ConfigurationError, match=r"linked twice \(boutique.members; boutique.members\)"):
        Links([member_link(), member_link()], tenants_known=False)


def test_an_unknown_entity_is_named():
    links = Links([], tenants_known=True)
    with pytest.raises(ConfigurationError, match="There is no entity 'ordr'"):
        links.selectable("ordr", "1")
    with pytest.raises(ConfigurationError, match="order has no column 'total_price'"):
        links.since("order", "1", "total_price", 1)


def test_the_report_says_what_each_missing_column_switches_off():
    links = Links([order_link(), person_link()], tenants_known=True)
    report = {each.entity: each for each in links.report()}
    assert set(report) == set(ENTITIES)
    order = report["order"]
    assert (order.state, order.source) == ("linked", "shop.purchases")
    effects = {each.column: each.effect for each in order.missing}
    assert effects["visitor_token"] == (
        "order.visitor_token is not linked: orders from headless storefronts cannot be joined to visits."
    )
    assert "total" not in effects
    assert report["lead"].state == "owned"
    assert report["lead"].source == "adplanning.owned_lead"
    assert report["lead"].missing == ()
    assert report["person"].writeback == {
        "engagement_score": "shop.customers.engagement",
        "last_interaction_at": "adplanning.linked_person.last_interaction_at",
    }


def test_what_is_provided_follows_the_link():
    links = Links([order_link(), person_link()], tenants_known=True)
    assert links.provides("order", "total")
    assert not links.provides("order", "email")
    assert links.provides("person", "engagement_score")
    assert links.provides("lead", "email")


async def test_entities_of_plugins_are_linked_or_absent(put, read):
    wish = entity("wish", column("id", required=True), column("text"), happened=None)
    absent = Links([], tenants_known=True, extra_entities=[wish])
    assert not absent.has("wish")
    assert await read(absent.selectable("wish", "1"), "1") == []
    await put(customers, {"customer_no": 1, "shop_no": 1, "email": "a pony"})
    link = Link(entity=wish, source=customers, tenant="shop_no", columns={"id": "customer_no", "text": "email"})
    linked = Links([link], tenants_known=True, extra_entities=[wish])
    assert await read(linked.selectable("wish", "1"), "1") == [{"id": "1", "text": "a pony"}]
    with pytest.raises(ConfigurationError, match="Entity 'order' is declared twice"):
        Links([], tenants_known=True, extra_entities=[entity("order", column("id"))])


def test_the_tables_behind_a_link_are_named_even_inside_selects():
    inner = select(brands.c.handle).where(brands.c.brand_no == tickets.c.brand_no).scalar_subquery()
    link = Link(
        entity="feedback", source=tickets, tenant=inner, columns={"id": tickets.c.ticket_no, "created_at": tickets.c.at}
    )
    assert link.source_name == "shop.brands, shop.tickets"
    joined = Link(
        entity="person",
        source=select(Member).join(Sale, Sale.member_key == Member.key),
        columns={"id": Member.key, "created_at": Sale.sold_at},
    )
    assert joined.source_name == "boutique.members, boutique.sales"
