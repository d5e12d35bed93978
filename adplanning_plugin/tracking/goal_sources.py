"""Goal sources: tracked events, the host's events, and orders or leads, under the names that goals ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    SmallInteger,
    String,
    Text,
    case,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.goal_matching import Columns, no_value
from adplanning_plugin.tracking.models import Conversion, Event

_WHOLE = r"^[0-9]{1,9}$"


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of a FROM clause, and under which names goals see their columns."""

    rows: FromClause
    columns: Columns
    """Besides the fields of goals: id, visitor_id, session_id, occurred_at, click_ids."""


def tracked_events(tenant_id: str) -> Source:
    """The tenant's tracked events; the caller narrows them by time or transaction."""
    event = select(Event).where(Event.tenant_id == tenant_id).subquery("event")
    return Source(event, _columns(event) | {"event_name": event.c.name})


def tracked_event_columns() -> Columns:
    """The event table itself, for a statement that filters it by transaction first."""
    event = Event.__table__
    return _columns(event) | {"event_name": event.c.name}


def host_events(runtime: Runtime, tenant_id: str, ids: Sequence[str] | None = None) -> Source:
    """The host's analytics events: all, or those of the ids. Seconds and scroll are properties there."""
    links = runtime.get(Links)
    if ids is None:
        event = links.selectable("analytics_event", tenant_id)
    else:
        event = links.by_ids("analytics_event", tenant_id, ids)
    properties = case((func.jsonb_typeof(event.c.properties) == "object", event.c.properties))
    columns: dict[str, ColumnElement[Any]] = {
        "id": event.c.id,
        "event_name": event.c.name,
        "occurred_at": event.c.occurred_at,
        "visitor_id": event.c.visitor_id,
        "session_id": event.c.session_id,
        "url": event.c.url,
        "path": path_of(event.c.url),
        "referrer": no_value(),
        "website_id": no_value(),
        "value": event.c.value,
        "currency": event.c.currency,
        "seconds": _whole(properties, "seconds", "duration", "time_on_site"),
        "scroll": _whole(properties, "scroll", "scroll_depth", "percent"),
        "utm": no_value(JSONB),
        "click_ids": no_value(JSONB),
        "properties": properties,
    }
    return Source(event, columns)


def conversions(tenant_id: str, conversion_type: str) -> Source:
    """Conversions born from orders or leads, for the preview of a goal that marks them."""
    origin = "order" if conversion_type == "purchase" else "lead"
    rows = (
        select(Conversion)
        .where(
            Conversion.tenant_id == tenant_id,
            Conversion.conversion_type == conversion_type,
            Conversion.origin == origin,
            Conversion.deleted_at.is_(None),
        )
        .subquery("conversion")
    )
    ledger = ledger_columns(
        conversion_type, rows.c.value, rows.c.currency, rows.c.website_id, rows.c.utm, rows.c.sales_channel
    )
    columns = {name: rows.c[name] for name in ("id", "visitor_id", "session_id", "occurred_at", "click_ids")} | ledger
    return Source(rows, columns)


def ledger_columns(
    conversion_type: str,
    value: ColumnElement[Any],
    currency: ColumnElement[Any],
    website_id: ColumnElement[Any],
    utm: ColumnElement[Any],
    sales_channel: ColumnElement[Any],
) -> dict[str, ColumnElement[Any]]:
    """What goals can ask of an order or a lead."""
    return {
        "event_name": literal(conversion_type),
        "path": no_value(),
        "value": value,
        "currency": currency,
        "website_id": website_id,
        "utm": utm,
        "sales_channel": sales_channel,
    }


def one_row(values: dict[str, Any]) -> Source:
    """A single claimed event that is in no table."""
    kinds: dict[str, Any] = {
        "value": BigInteger(), "seconds": Integer(), "scroll": SmallInteger(), "utm": JSONB(), "properties": JSONB(),
    }  # fmt: skip
    names = (
        "event_name", "path", "url", "referrer", "website_id", "currency", "seconds", "scroll", "value", "utm",
        "properties",
    )  # fmt: skip
    columns = [
        cast(literal(values.get(name), kinds.get(name, String())), kinds.get(name, Text())).label(name)
        for name in names
    ]
    rows = select(*columns).subquery("claim")
    return Source(rows, {name: rows.c[name] for name in names})


def path_of(url: ColumnElement[Any]) -> ColumnElement[str]:
    """The path of an address: without scheme and host, query and fragment."""
    local = func.regexp_replace(url, r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", "")
    path = func.regexp_replace(local, r"[?#].*$", "")
    return case((url.is_(None), no_value()), (path == "", literal("/")), else_=path)


def _columns(event: FromClause) -> dict[str, ColumnElement[Any]]:
    names = (
        "id", "occurred_at", "visitor_id", "session_id", "url", "path", "referrer", "website_id", "value", "currency",
        "seconds", "scroll", "utm", "click_ids", "properties",
    )  # fmt: skip
    return {name: event.c[name] for name in names}


def _whole(properties: ColumnElement[Any], *names: str) -> ColumnElement[Any]:
    """The first of the named properties that is a whole number."""
    found = func.coalesce(*(properties.op("->>", return_type=Text())(name) for name in names))
    rounded = func.regexp_replace(found, r"\.[0-9]+$", "")
    return case((rounded.op("~")(_WHOLE), cast(rounded, Integer)))
