"""Entities: the one table of what the plugin can read of a store, column by column; `link.py` says where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

ColumnType = Literal["text", "money", "int", "float", "bool", "timestamp", "date", "json"]
"""Ids are text; money is integer minor units beside `currency`; a timestamp is an instant (timestamptz)."""


@dataclass(frozen=True, slots=True)
class EntityColumn:
    """One canonical column of an entity."""

    name: str
    type: ColumnType = "text"
    required: bool = False
    writeback: bool = False
    """Whether the plugin writes it: into the host's column where the link says so, else into a table of its own."""
    choices: tuple[str, ...] = ()
    """The values it may have; empty allows any."""
    lacking: str = ""
    """What is switched off while the column is not linked: completes "order.email is not linked: …"."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A canonical entity: its columns, the column that says when it happened, and how it is looked up."""

    name: str
    columns: Mapping[str, EntityColumn]
    happened: str | None = None
    """The column that holds when it came to be; it is never in the future."""
    lookups: tuple[tuple[str, ...], ...] = ()
    """Column lists by which rows are found; an index on each (behind the tenant) keeps reads fast."""
    owned: bool = field(default=True)
    """Whether the plugin keeps a table of its own for stores that lack the entity."""

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the required columns."""
        return tuple(column.name for column in self.columns.values() if column.required)

    @property
    def writeback(self) -> tuple[str, ...]:
        """Names of the columns that the plugin writes."""
        return tuple(column.name for column in self.columns.values() if column.writeback)


def entity(
    name: str,
    *columns: EntityColumn,
    happened: str | None = None,
    lookups: tuple[tuple[str, ...], ...] = (),
    owned: bool = False,
) -> Entity:
    """Declare an entity; those of other plugins (`register_links`) are linked or absent, never owned."""
    named = {column.name: column for column in columns}
    if len(named) != len(columns) or "id" not in named:
        message = f"entity {name!r} needs a column id, and each column once"
        raise ValueError(message)
    return Entity(name, MappingProxyType(named), happened, lookups, owned)


def column(
    name: str,
    type: ColumnType = "text",  # noqa: A002 - the field's own name
    lacking: str = "",
    *,
    required: bool = False,
    writeback: bool = False,
    choices: tuple[str, ...] = (),
) -> EntityColumn:
    """Declare a column of an entity."""
    return EntityColumn(name, type, required, writeback, choices, lacking)


def _r(name: str, type: ColumnType = "text", choices: tuple[str, ...] = ()) -> EntityColumn:  # noqa: A002
    return column(name, type, required=True, choices=choices)


def _w(name: str, type: ColumnType = "text", lacking: str = "") -> EntityColumn:  # noqa: A002
    return column(name, type, lacking, writeback=True)


PAYMENT_STATES = ("paid", "pending", "refunded", "partially_refunded", "failed", "cancelled")
SALES_CHANNELS = ("online", "offline")
CONSENTS = ("granted", "denied")

_SWEPT_BY_CREATION = "changes are noticed by events only, and the sweep finds new rows alone."

_ENTITIES = (
    entity(
        "person",
        _r("id"),
        column("email", "text", "visits cannot be joined to people by the email of an order or a form."),
        column("phone", "text", "people cannot be found by phone."),
        column("name"),
        column("first_name"),
        column("last_name"),
        column("city", "text", "segments cannot ask for the city."),
        column("country", "text", "segments cannot ask for the country."),
        column("birth_date", "date", "segments cannot ask for the age."),
        column("created_at", "timestamp", "new customers are told by their first order only."),
        column("updated_at", "timestamp", _SWEPT_BY_CREATION),
        _w("engagement_score", "float"),
        _w("last_interaction_at", "timestamp"),
        happened="created_at",
        lookups=(("email",), ("updated_at", "id")),
    ),
    entity(
        "order",
        _r("id"),
        column("person_id", "text", "orders are joined to people by email only."),
        column("email", "text", "guest orders cannot be joined to visits and people."),
        _r("currency"),
        column("subtotal", "money", "revenue net of discount, tax and shipping is computed from the total."),
        column("discount", "money", "discounts are taken as nothing."),
        column("tax", "money", "tax is taken as nothing, so revenue includes it."),
        column("shipping", "money", "shipping is taken as nothing, so revenue includes it."),
        column("gift_card", "money", "gift card payments count as revenue."),
        _r("total", "money"),
        column("cost", "money", "margin is not shown, unless order lines carry costs."),
        _r("payment_state", choices=PAYMENT_STATES),
        column("cancelled_at", "timestamp", "cancellations are told by payment_state only."),
        column("is_test", "bool", "test orders cannot be told from real ones and count as revenue."),
        column("sales_channel", "text", "offline orders cannot be told from online ones.", choices=SALES_CHANNELS),
        column("subscription_sequence", "int", "renewals cannot be told from first orders."),
        column("checkout_reference", "text", "orders are not joined to visits bound at checkout (bind_visitor)."),
        column("visitor_token", "text", "orders from headless storefronts cannot be joined to visits."),
        column("session_id", "text", "orders are not joined to visits by the store's own session."),
        column("consent", "text", "the consent of an order is known from its visit only.", choices=CONSENTS),
        column("website_id", "text", "campaigns of several websites are not told apart by order."),
        _r("placed_at", "timestamp"),
        column("updated_at", "timestamp", _SWEPT_BY_CREATION),
        happened="placed_at",
        lookups=(("updated_at", "id"), ("placed_at",), ("person_id",), ("checkout_reference",)),
    ),
    entity(
        "order_line",
        _r("id"),
        _r("order_id"),
        column("product_id"),
        column("title"),
        column("quantity", "int"),
        column("unit_price", "money"),
        column("total", "money"),
        column("cost", "money", "margin comes from order.cost only."),
        column("currency"),
        lookups=(("order_id",),),
    ),
    entity(
        "refund",
        _r("id"),
        _r("order_id"),
        _r("amount", "money"),
        column("currency"),
        _r("created_at", "timestamp"),
        happened="created_at",
        lookups=(("order_id",), ("created_at", "id")),
    ),
    entity(
        "lead",
        _r("id"),
        column("person_id", "text", "leads are joined to people by email only."),
        column("email", "text", "leads are joined to visits by session or visitor token only."),
        column("phone"),
        column("name"),
        column("status", "text", "the lead pipeline is one stage."),
        column("ad_campaign_id", "text", "the campaign of a lead is told by its visit only."),
        column("source"),
        column("session_id", "text", "leads are not joined to visits by the store's own session."),
        column("visitor_token", "text", "leads from headless storefronts cannot be joined to visits."),
        column("value", "money", "leads have no value."),
        column("currency"),
        _r("created_at", "timestamp"),
        column("updated_at", "timestamp", _SWEPT_BY_CREATION),
        _w("resolved_campaign_id"),
        happened="created_at",
        lookups=(("updated_at", "id"), ("created_at", "id")),
    ),
    entity(
        "feedback",
        _r("id"),
        _w("person_id", "text", "feedback is joined to people by email or order only."),
        column("email"),
        column("rating", "float", "satisfaction and promoter figures lack this feedback."),
        column("scale", "int", "ratings up to 5 are read as 1-5."),
        column("comment", "text", "sentiment is not read."),
        column("order_id"),
        _r("created_at", "timestamp"),
        _w("sentiment_score", "float"),
        _w("sentiment_label"),
        happened="created_at",
        lookups=(("created_at", "id"), ("person_id",)),
    ),
    entity(
        "form_response",
        _r("id"),
        column("form_id"),
        column("form_name"),
        column("person_id"),
        column("email", "text", "form answers are joined to visits by session or visitor token only."),
        column("text", "text", "sentiment is not read."),
        column("session_id"),
        column("visitor_token"),
        _r("created_at", "timestamp"),
        happened="created_at",
        lookups=(("created_at", "id"), ("person_id",)),
    ),
    entity(
        "analytics_session",
        _r("id"),
        column("visitor_id", "text", "sessions of one visitor are not joined to each other."),
        column("person_id", "text", "sessions are joined to people through their visitor only."),
        _r("started_at", "timestamp"),
        column("ended_at", "timestamp"),
        column("landing_url", "text", "campaigns are told by the utm columns only; click ids are not read."),
        column("referrer", "text", "visits without a campaign all count as direct."),
        column("utm_source"),
        column("utm_medium"),
        column("utm_campaign"),
        column("utm_term"),
        column("utm_content"),
        column("utm_id"),
        column("user_agent", "text", "bots cannot be told from people, nor browsers from each other."),
        column("device"),
        column("website_id", "text", "campaigns of several websites are not told apart by session."),
        _w("ad_campaign_id"),
        _w("attribution_resolved", "bool"),
        happened="started_at",
        lookups=(("started_at", "id"), ("visitor_id",), ("person_id",)),
    ),
    entity(
        "analytics_event",
        _r("id"),
        column("session_id", "text", "events are not joined to sessions."),
        column("visitor_id"),
        _r("name"),
        column("url", "text", "goals cannot match pages of the store's own events."),
        _r("occurred_at", "timestamp"),
        column("value", "money"),
        column("currency"),
        column("properties", "json"),
        happened="occurred_at",
        lookups=(("occurred_at", "id"), ("session_id",)),
    ),
    entity(
        "ad_account",
        _r("id"),
        _r("platform"),
        column("name"),
        column("zone", "text", "days of ad spend are taken in the store's zone."),
        column("currency", "text", "spend without a currency of its own is left out."),
    ),
    entity(
        "ad_campaign",
        _r("id"),
        column("ad_account_id", "text", "zone and currency of the account are unknown to the campaign."),
        _r("platform"),
        column("platform_id", "text", "visits are resolved to campaigns by name only."),
        _r("name"),
        column("status"),
        column("objective"),
        column("website_id", "text", "campaigns of several websites are not told apart."),
        column("created_at", "timestamp"),
        lookups=(("platform_id",),),
    ),
    entity(
        "ad_set",
        _r("id"),
        _r("ad_campaign_id"),
        column("platform_id", "text", "visits are resolved to ad sets by name only."),
        column("name"),
        column("status"),
    ),
    entity(
        "ad",
        _r("id"),
        _r("ad_set_id"),
        column("platform_id", "text", "visits are resolved to ads by name only."),
        column("name"),
        column("status"),
    ),
    entity(
        "ad_insight",
        column("id"),
        column("ad_account_id"),
        _r("ad_campaign_id"),
        column("ad_set_id", "text", "return by ad set is not shown."),
        column("ad_id", "text", "return by ad is not shown."),
        _r("day", "date"),
        _r("spend", "money"),
        column("currency", "text", "spend is in the currency of its ad account."),
        column("impressions", "int", "click rates are not shown."),
        column("clicks", "int", "click rates and costs per click are not shown."),
        column("leads", "int"),
        column("platform_conversions", "float"),
        column("platform_value", "money"),
        column("updated_at", "timestamp"),
        lookups=(("day",),),
    ),
    entity(
        "social_post",
        _r("id"),
        column("platform"),
        column("status"),
        column("caption"),
        column("posted_at", "timestamp", "posts are counted by their creation."),
        column("scheduled_at", "timestamp"),
        column("created_at", "timestamp"),
    ),
    entity(
        "social_interaction",
        _r("id"),
        column("person_id", "text", "interactions do not count towards a person's engagement."),
        column("post_id"),
        column("kind"),
        column("text", "text", "sentiment is not read."),
        _r("at", "timestamp"),
        happened="at",
        lookups=(("at", "id"), ("person_id",)),
    ),
    entity("website", _r("id"), column("name"), column("domain", "text", "own domains are told by requests only.")),
)

ENTITIES: Mapping[str, Entity] = MappingProxyType(
    {each.name: Entity(each.name, each.columns, each.happened, each.lookups, owned=True) for each in _ENTITIES}
)
"""The built-in entities by name."""
