"""Three stores that a stranger could have written: integer keys, UUID keys without tenants, tenants behind a join."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from advanced_alchemy.types import GUID, DateTimeUTC
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    case,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from adplanning_plugin.links import Link, Money

metadata = MetaData(schema="shop")

customers = Table(
    "customers",
    metadata,
    Column("customer_no", Integer, primary_key=True),
    Column("shop_no", Integer, nullable=False),
    Column("email", Text),
    Column("born", Date),
    Column("engagement", Numeric(6, 2)),
    Column("touched_at", DateTime(timezone=True), server_default=func.now(), onupdate=func.now()),
)
purchases = Table(
    "purchases",
    metadata,
    Column("purchase_no", Integer, primary_key=True),
    Column("shop_no", Integer, nullable=False),
    Column("customer_no", Integer, ForeignKey("shop.customers.customer_no")),
    Column("amount", Numeric(16, 4), nullable=False),
    Column("tax_minor", Integer),
    Column("money", Text, nullable=False),
    Column("state", Enum("open", "done", "back", name="purchase_state", schema="shop"), nullable=False),
    Column("placed", DateTime(), nullable=False),
    Column("changed", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("purchases_changed", "changed", "purchase_no"),
    Index("purchases_placed", "placed"),
)
visits = Table(
    "visits",
    metadata,
    Column("visit_no", BigInteger, primary_key=True),
    Column("shop_no", Integer, nullable=False),
    Column("began", DateTime(timezone=True), nullable=False),
    Column("campaign_no", Integer),
    Column("resolved", Boolean),
    Column("note", Text),
)


class Base(DeclarativeBase):
    metadata = MetaData(schema="boutique")


class Member(Base):
    __tablename__ = "members"
    key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid.uuid4)
    mail: Mapped[str]
    score: Mapped[float | None] = mapped_column(Float)


class Sale(Base):
    __tablename__ = "sales"
    key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid.uuid4)
    member_key: Mapped[uuid.UUID | None]
    cents: Mapped[int] = mapped_column(BigInteger)
    sold_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Parcel(Base):
    """Keys and times in types of Advanced Alchemy, as many Litestar applications declare them."""

    __tablename__ = "parcels"
    key: Mapped[uuid.UUID] = mapped_column(GUID, primary_key=True)
    tenant: Mapped[uuid.UUID] = mapped_column(GUID)
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    sent_at: Mapped[datetime] = mapped_column(DateTimeUTC(timezone=True))
    contents: Mapped[dict[str, Any]] = mapped_column(JSONB)


brands = Table("brands", metadata, Column("brand_no", Integer, primary_key=True), Column("handle", Text, unique=True))
tickets = Table(
    "tickets",
    metadata,
    Column("ticket_no", Integer, primary_key=True),
    Column("brand_no", Integer, ForeignKey("shop.brands.brand_no"), nullable=False),
    Column("stars", Integer),
    Column("said", Text),
    Column("mood", Float),
    Column("at", DateTime(timezone=True), nullable=False),
)

STATE = case((purchases.c.state == "done", "paid"), (purchases.c.state == "back", "refunded"), else_="pending")


def order_link(**changes: Any) -> Link:
    """Orders of the store with integer keys: major units of any currency, local times without a zone."""
    given: dict[str, Any] = {
        "entity": "order",
        "source": purchases,
        "tenant": purchases.c.shop_no,
        "money": "major",
        "zone": "Asia/Kolkata",
        "columns": {
            "id": purchases.c.purchase_no,
            "person_id": "customer_no",
            "currency": purchases.c.money,
            "total": purchases.c.amount,
            "tax": Money(purchases.c.tax_minor, unit="minor"),
            "payment_state": STATE,
            "placed_at": purchases.c.placed,
            "updated_at": purchases.c.changed,
        },
    }
    return Link(**{**given, **changes})


def person_link(**changes: Any) -> Link:
    given: dict[str, Any] = {
        "entity": "person",
        "source": customers,
        "tenant": "shop_no",
        "columns": {"id": "customer_no", "email": "email", "birth_date": "born"},
        "writeback": {"engagement_score": customers.c.engagement},
    }
    return Link(**{**given, **changes})


def visit_link(**changes: Any) -> Link:
    given: dict[str, Any] = {
        "entity": "analytics_session",
        "source": visits,
        "tenant": "shop_no",
        "columns": {"id": visits.c.visit_no, "started_at": visits.c.began},
        "writeback": {"ad_campaign_id": visits.c.campaign_no, "attribution_resolved": visits.c.resolved},
    }
    return Link(**{**given, **changes})


def feedback_link() -> Link:
    """Whose feedback it is, only a joined table knows."""
    return Link(
        entity="feedback",
        source=select(tickets).join(brands, brands.c.brand_no == tickets.c.brand_no),
        tenant=brands.c.handle,
        where=[tickets.c.stars.is_not(None)],
        columns={
            "id": tickets.c.ticket_no,
            "rating": tickets.c.stars,
            "comment": "said",
            "scale": literal(5),
            "created_at": tickets.c.at,
        },
        writeback={"sentiment_score": tickets.c.mood},
    )


def sale_link() -> Link:
    """A mapped class with UUID keys, minor units, one currency."""
    return Link(
        entity="order",
        source=Sale,
        money="minor",
        columns={
            "id": Sale.key,
            "person_id": Sale.member_key,
            "currency": literal("eur"),
            "total": Sale.cents,
            "payment_state": literal("paid"),
            "placed_at": Sale.sold_at,
        },
    )


def member_link() -> Link:
    return Link(
        entity="person",
        source=Member,
        columns={"id": Member.key, "email": Member.mail},
        writeback={"engagement_score": Member.score},
    )


def purchase(number: int, shop: int, amount: str, money: str, placed: datetime, **more: Any) -> dict[str, Any]:
    """A row of `purchases`."""
    row: dict[str, Any] = {"state": "done", "customer_no": None, "tax_minor": None, **more}
    return {
        "purchase_no": number,
        "shop_no": shop,
        "amount": Decimal(amount),
        "money": money,
        "placed": placed,
        **row,
    }
