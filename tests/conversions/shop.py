"""A small store of its own, with keys and units unlike the plugin's, and how it is linked."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    case,
    literal,
)

from adplanning_plugin.links import Link, Money

metadata = MetaData(schema="till")
DAY = datetime(2026, 3, 1, 10, tzinfo=UTC)

people = Table(
    "people",
    metadata,
    Column("no", Integer, primary_key=True),
    Column("store", Text, nullable=False),
    Column("mail", Text),
    Column("full_name", Text),
)
sales = Table(
    "sales",
    metadata,
    Column("no", BigInteger, primary_key=True, autoincrement=False),
    Column("store", Text, nullable=False),
    Column("buyer", Integer),
    Column("mail", Text),
    Column("currency", Text, nullable=False, default="INR"),
    Column("discount", Numeric(14, 3), nullable=False, default=0),
    Column("tax", Numeric(14, 3), nullable=False, default=0),
    Column("shipping", Numeric(14, 3), nullable=False, default=0),
    Column("voucher", Numeric(14, 3), nullable=False, default=0),
    Column("total", Numeric(14, 3), nullable=False),
    Column("state", Text, nullable=False, default="paid"),
    Column("cancelled_at", DateTime(timezone=True)),
    Column("test", Boolean, nullable=False, default=False),
    Column("till", Boolean, nullable=False, default=False),
    Column("nth", Integer),
    Column("visit", Text),
    Column("consent", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("changed", DateTime(timezone=True), nullable=False, default=lambda: datetime.now(UTC)),
)
sale_lines = Table(
    "sale_lines",
    metadata,
    Column("no", Integer, primary_key=True),
    Column("sale", BigInteger, ForeignKey("till.sales.no"), nullable=False),
    Column("store", Text, nullable=False),
    Column("cost_minor", BigInteger),
)
paybacks = Table(
    "paybacks",
    metadata,
    Column("no", Integer, primary_key=True),
    Column("sale", BigInteger, ForeignKey("till.sales.no"), nullable=False),
    Column("store", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
enquiries = Table(
    "enquiries",
    metadata,
    Column("no", Integer, primary_key=True),
    Column("store", Text, nullable=False),
    Column("mail", Text),
    Column("worth", Numeric(14, 2)),
    Column("currency", Text),
    Column("campaign", Text),
    Column("visit", Text),
    Column("at", DateTime(timezone=True), nullable=False),
)
visits = Table(
    "visits",
    metadata,
    Column("key", Text, primary_key=True),
    Column("store", Text, nullable=False),
    Column("browser", Text),
    Column("source", Text),
    Column("campaign", Text),
    Column("landed_on", Text),
    Column("at", DateTime(timezone=True), nullable=False),
)
hits = Table(
    "hits",
    metadata,
    Column("no", Integer, primary_key=True),
    Column("store", Text, nullable=False),
    Column("visit", Text),
    Column("browser", Text),
    Column("what", Text, nullable=False),
    Column("address", Text),
    Column("worth", BigInteger),
    Column("currency", Text),
    Column("extra", JSON),
    Column("at", DateTime(timezone=True), nullable=False),
)
campaigns = Table(
    "campaigns",
    metadata,
    Column("key", Text, primary_key=True),
    Column("store", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("label", Text, nullable=False),
)

LINKS = (
    Link(
        entity="person",
        source=people,
        columns={"id": people.c.no, "email": people.c.mail, "name": people.c.full_name},
        tenant=people.c.store,
    ),
    Link(
        entity="order",
        source=sales,
        columns={
            "id": sales.c.no,
            "person_id": sales.c.buyer,
            "email": sales.c.mail,
            "currency": sales.c.currency,
            "discount": sales.c.discount,
            "tax": sales.c.tax,
            "shipping": sales.c.shipping,
            "gift_card": sales.c.voucher,
            "total": sales.c.total,
            "payment_state": sales.c.state,
            "cancelled_at": sales.c.cancelled_at,
            "is_test": sales.c.test,
            "sales_channel": case((sales.c.till, literal("offline")), else_=literal("online")),
            "subscription_sequence": sales.c.nth,
            "session_id": sales.c.visit,
            "consent": sales.c.consent,
            "placed_at": sales.c.at,
            "updated_at": sales.c.changed,
        },
        tenant=sales.c.store,
        money="major",
    ),
    Link(
        entity="order_line",
        source=sale_lines,
        columns={
            "id": sale_lines.c.no,
            "order_id": sale_lines.c.sale,
            "cost": Money(sale_lines.c.cost_minor, unit="minor"),
        },
        tenant=sale_lines.c.store,
    ),
    Link(
        entity="refund",
        source=paybacks,
        columns={
            "id": paybacks.c.no,
            "order_id": paybacks.c.sale,
            "amount": Money(paybacks.c.amount, unit="minor"),
            "created_at": paybacks.c.at,
        },
        tenant=paybacks.c.store,
    ),
    Link(
        entity="lead",
        source=enquiries,
        columns={
            "id": enquiries.c.no,
            "email": enquiries.c.mail,
            "value": enquiries.c.worth,
            "currency": enquiries.c.currency,
            "ad_campaign_id": enquiries.c.campaign,
            "session_id": enquiries.c.visit,
            "created_at": enquiries.c.at,
        },
        tenant=enquiries.c.store,
        money="major",
    ),
    Link(
        entity="analytics_session",
        source=visits,
        columns={
            "id": visits.c.key,
            "visitor_id": visits.c.browser,
            "utm_source": visits.c.source,
            "utm_campaign": visits.c.campaign,
            "landing_url": visits.c.landed_on,
            "started_at": visits.c.at,
        },
        tenant=visits.c.store,
    ),
    Link(
        entity="analytics_event",
        source=hits,
        columns={
            "id": hits.c.no,
            "session_id": hits.c.visit,
            "visitor_id": hits.c.browser,
            "name": hits.c.what,
            "url": hits.c.address,
            "value": hits.c.worth,
            "currency": hits.c.currency,
            "properties": hits.c.extra,
            "occurred_at": hits.c.at,
        },
        tenant=hits.c.store,
        money="minor",
    ),
    Link(
        entity="ad_campaign",
        source=campaigns,
        columns={"id": campaigns.c.key, "platform": campaigns.c.network, "name": campaigns.c.label},
        tenant=campaigns.c.store,
    ),
)


def sale(no: int, total: Any = "100", **more: Any) -> dict[str, Any]:
    """A paid sale of the first store, `no` hours after the first day's start."""
    return {"no": no, "store": "main", "total": total, "at": DAY + timedelta(hours=no), **more}
