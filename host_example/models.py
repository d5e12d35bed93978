"""The store's own tables for shops, people, goods and purchases; nothing in them knows of the plugin."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Numeric, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from host_example.database import SCHEMA, Base

MONEY = Numeric(12, 2)
MOMENT = DateTime(timezone=True)


def fk(target: str) -> ForeignKey:
    """A foreign key inside the schema of the store."""
    return ForeignKey(f"{SCHEMA}.{target}")


class Shop(Base):
    """One shop of the company; the plugin calls it a tenant."""

    __tablename__ = "shops"
    shop_no: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)


class Site(Base):
    """A website of a shop. `local_domain` is its name on a developer's machine."""

    __tablename__ = "sites"
    site_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    domain: Mapped[str] = mapped_column(Text, unique=True)
    local_domain: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str] = mapped_column(Text)


class Staff(Base):
    """Somebody who may open the admin: `owner`, `marketer` (no personal data) or `viewer` (reads only)."""

    __tablename__ = "staff"
    staff_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    email: Mapped[str] = mapped_column(Text, unique=True)
    full_name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)


class Customer(Base):
    """A person with an account. The last two columns are filled by whoever scores customers."""

    __tablename__ = "customers"
    __table_args__ = (UniqueConstraint("shop_no", "email"),)
    customer_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    email: Mapped[str] = mapped_column(Text)
    full_name: Mapped[str] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    city: Mapped[str | None] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(Text)
    birth_year: Mapped[int | None]
    newsletter: Mapped[bool] = mapped_column(default=False)
    password_hash: Mapped[str | None] = mapped_column(Text)
    registered_at: Mapped[datetime] = mapped_column(MOMENT)
    updated_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now(), onupdate=func.now())
    engagement: Mapped[float | None]
    last_seen_at: Mapped[datetime | None] = mapped_column(MOMENT)


class Product(Base):
    """Something for sale. Prices are before tax."""

    __tablename__ = "products"
    product_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    slug: Mapped[str] = mapped_column(Text)
    sku: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    blurb: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    price: Mapped[Decimal] = mapped_column(MONEY)
    cost: Mapped[Decimal | None] = mapped_column(MONEY)
    __table_args__ = (UniqueConstraint("shop_no", "slug"),)


class Checkout(Base):
    """A checkout that left for payment; it becomes a purchase once, when the payment is confirmed."""

    __tablename__ = "checkouts"
    checkout_ref: Mapped[str] = mapped_column(Text, primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    site_no: Mapped[int] = mapped_column(fk("sites.site_no"))
    customer_no: Mapped[int | None] = mapped_column(fk("customers.customer_no"))
    email: Mapped[str] = mapped_column(Text)
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    discount: Mapped[Decimal] = mapped_column(MONEY, default=Decimal(0))
    coupon_code: Mapped[str | None] = mapped_column(Text)
    giftcard: Mapped[Decimal] = mapped_column(MONEY, default=Decimal(0))
    visitor_token: Mapped[str | None] = mapped_column(Text)
    web_session_no: Mapped[int | None]
    tracking_consent: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
    purchase_no: Mapped[int | None] = mapped_column(fk("purchases.purchase_no"))


class Purchase(Base):
    """An order. `grand_total` = items − discount + tax + shipping; a gift card is a way to pay part of it."""

    __tablename__ = "purchases"
    __table_args__ = (
        UniqueConstraint("checkout_ref"),
        Index(None, "shop_no", "placed_at"),
        Index(None, "shop_no", "updated_at"),
        Index(None, "customer_no"),
    )
    purchase_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    site_no: Mapped[int | None] = mapped_column(fk("sites.site_no"))
    customer_no: Mapped[int | None] = mapped_column(fk("customers.customer_no"))
    email: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    payment: Mapped[str] = mapped_column(Text)
    is_test: Mapped[bool] = mapped_column(default=False)
    renewal_no: Mapped[int | None]
    currency: Mapped[str] = mapped_column(Text)
    items_total: Mapped[Decimal] = mapped_column(MONEY)
    discount_total: Mapped[Decimal] = mapped_column(MONEY)
    tax_total: Mapped[Decimal] = mapped_column(MONEY)
    shipping_total: Mapped[Decimal] = mapped_column(MONEY)
    grand_total: Mapped[Decimal] = mapped_column(MONEY)
    giftcard_total: Mapped[Decimal] = mapped_column(MONEY)
    coupon_code: Mapped[str | None] = mapped_column(Text)
    checkout_ref: Mapped[str | None] = mapped_column(Text)
    visitor_token: Mapped[str | None] = mapped_column(Text)
    web_session_no: Mapped[int | None] = mapped_column(fk("web_sessions.session_no"))
    tracking_consent: Mapped[str | None] = mapped_column(Text)
    placed_at: Mapped[datetime] = mapped_column(MOMENT)
    paid_at: Mapped[datetime | None] = mapped_column(MOMENT)
    cancelled_at: Mapped[datetime | None] = mapped_column(MOMENT)
    updated_at: Mapped[datetime] = mapped_column(MOMENT)


class PurchaseLine(Base):
    """One line of a purchase; `unit_cost` is what the goods cost the shop, where it is known."""

    __tablename__ = "purchase_lines"
    __table_args__ = (Index(None, "purchase_no"),)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    purchase_no: Mapped[int] = mapped_column(fk("purchases.purchase_no"))
    product_no: Mapped[int | None] = mapped_column(fk("products.product_no"))
    sku: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    unit_price: Mapped[Decimal] = mapped_column(MONEY)
    unit_cost: Mapped[Decimal | None] = mapped_column(MONEY)
    line_total: Mapped[Decimal] = mapped_column(MONEY)


class PurchaseRefund(Base):
    """Money given back, in integer minor units as the payment provider reports it."""

    __tablename__ = "purchase_refunds"
    __table_args__ = (Index(None, "purchase_no"),)
    refund_no: Mapped[int] = mapped_column(primary_key=True)
    shop_no: Mapped[int] = mapped_column(fk("shops.shop_no"))
    purchase_no: Mapped[int] = mapped_column(fk("purchases.purchase_no"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(Text)
    refunded_at: Mapped[datetime] = mapped_column(MOMENT)
