"""Sources: each kind of thing that store or ledger tells of, as a statement of journey events. It writes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    String,
    Subquery,
    Table,
    Text,
    and_,
    case,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import erased_as
from adplanning_plugin.journeys.activity import journey
from adplanning_plugin.journeys.stages import CONVERSIONS, EVENT_TYPES
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.ids import new_ulid
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import (
    COUNTED,
    conversion_adjustment_table,
    conversion_table,
    named_visits,
    order_visit_table,
    visit_sessions,
    visits_as_rows,
)

_conversion = cast("Table", conversion_table)
_adjustment = cast("Table", conversion_adjustment_table)
_visit = cast("Table", order_visit_table)
FACTS = (
    "event_type", "channel", "stage", "occurred_at", "person_id", "visitor_id", "session_id", "identifier", "order_id",
    "conversion_id", "ad_campaign_id", "value_minor", "currency", "event_name", "event_data",
)  # fmt: skip
"""What an event says, as columns of `journey_event`."""
COLUMNS = ("tenant_id", "id", "source_kind", "source_id", *FACTS)
"""The columns of a source's statement, in their order."""
_TYPES: Mapping[str, Any] = {
    "occurred_at": DateTime(timezone=True), "value_minor": _conversion.c.value.type, "event_data": JSONB(),
}  # fmt: skip
AnySelect = Select[*tuple[Any, ...]]
Events = tuple[AnySelect, ColumnElement[bool]]
"""A source's rows as events, and which of our events are theirs."""


def _event(source_kind: str, source_id: ColumnElement[Any], tenant_id: str, **facts: ColumnElement[Any]) -> AnySelect:
    random = func.upper(func.substr(func.md5(sql_cast(func.gen_random_uuid(), Text())), 1, 16))
    values = [
        sql_cast(facts[name] if name in facts else null(), _TYPES.get(name, Text())).label(name) for name in FACTS
    ]
    return select(
        literal(tenant_id, String).label("tenant_id"),
        literal(f"jrn_{new_ulid()[:10]}").concat(random).label("id"),
        literal(source_kind).label("source_kind"),
        source_id.label("source_id"),
        *values,
    )


def _of(source_kind: str, ids: Sequence[str]) -> ColumnElement[bool]:
    return and_(journey.c.source_kind == source_kind, journey.c.source_id == any_of(ids))


def _still_theirs(
    runtime: Runtime, tenant_id: str, at: ColumnElement[Any], person_id: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Not what somebody did who was erased since: the store's row may still name them."""
    return erased_as(runtime, tenant_id, at, literal("person:", Text).concat(person_id)).is_(None)


def _unless_denied(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Null where the order's buyer denied tracking: the event then counts in aggregate only."""
    return case((_visit.c.consent.is_distinct_from("denied"), value))


def _order_visit(tenant_id: str) -> ColumnElement[bool]:
    return and_(_visit.c.tenant_id == tenant_id, _visit.c.order_id == _conversion.c.order_id)


async def _conversions(session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]) -> Events:
    """Orders, leads and what was entered or claimed; a goal's hit is there already, as the event that hit it."""
    del runtime
    c, a = _conversion.c, _adjustment.c
    mine = and_(c.tenant_id == tenant_id, c.id == any_of(ids), c.deleted_at.is_(None), ~c.is_test, c.origin != "goal")
    kinds = {name: kind for name, kind in CONVERSIONS.items() if name != "purchase"}
    bought = case((c.status.in_(COUNTED), "purchase"), (c.status == "pending", "order_placed"), else_="order_cancelled")
    kind = case((c.conversion_type == "purchase", bought), else_=case(kinds, value=c.conversion_type, else_="custom"))
    on_platform = and_(c.origin == "lead", c.platform == "meta", c.session_id.is_(None))
    channel = case((c.sales_channel == "offline", "store"), (on_platform, "social"), else_="web")
    is_order = c.conversion_type == "purchase"
    who = {
        "person_id": _unless_denied(c.person_id),
        "visitor_id": _unless_denied(c.visitor_id),
        "session_id": _unless_denied(c.session_id),
        "identifier": _unless_denied(case((is_order, c.identifier))),
        "order_id": c.order_id,
        "conversion_id": c.id,
        "currency": c.currency,
    }
    events = (
        _event(
            "conversion",
            c.id,
            tenant_id,
            event_type=kind,
            channel=channel,
            stage=_stage(kind),
            occurred_at=c.occurred_at,
            value_minor=case((or_(is_order, c.value > 0), c.value)),
            ad_campaign_id=case((c.campaign_assigned, c.ad_campaign_id)),
            **who,
        )
        .select_from(_conversion.outerjoin(_visit, _order_visit(tenant_id)))
        .where(mine, or_(is_order, c.status.in_(COUNTED)))
    )
    refunds = (
        _event(
            "refund",
            a.id,
            tenant_id,
            event_type=literal("refund"),
            channel=channel,
            occurred_at=a.occurred_at,
            value_minor=a.amount,
            **who,
        )
        .select_from(
            _conversion.join(_adjustment, and_(a.tenant_id == tenant_id, a.conversion_id == c.id)).outerjoin(
                _visit, _order_visit(tenant_id)
            )
        )
        .where(mine, a.kind == "refund")
    )
    given_back = list(
        await session.scalars(select(a.id).where(a.tenant_id == tenant_id, a.conversion_id == any_of(ids)))
    )
    both = union_all(events, refunds).subquery("both")
    return select(*both.c), or_(_of("conversion", ids), _of("refund", given_back))


def _stage(kind: ColumnElement[Any]) -> ColumnElement[Any]:
    return case({each.name: each.stage for each in EVENT_TYPES.values() if each.stage}, value=kind, else_=null())


async def _feedback(session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]) -> Events:
    """Ratings and reviews: whose the order is that one is about, where it names no person."""
    del session
    row, c = runtime.get(Links).by_ids("feedback", tenant_id, ids), _conversion.c
    ordered = and_(
        c.tenant_id == tenant_id, c.order_id == row.c.order_id, c.conversion_type == "purchase", c.deleted_at.is_(None)
    )
    rating, scale = row.c.rating, func.coalesce(row.c.scale, case((row.c.rating <= 5, 5), else_=10))
    on_five, on_ten = and_(scale == 5, rating.between(1, 5)), and_(scale == 10, rating.between(0, 10))
    nps_class = case(
        (or_(and_(on_five, rating >= 5), and_(on_ten, rating >= 9)), "promoter"),
        (or_(and_(on_five, rating >= 4), and_(on_ten, rating >= 7)), "passive"),
        (or_(on_five, on_ten), "detractor"),
    )
    score = case((on_five, (rating - 1) * 2.5), (on_ten, rating))
    said = func.jsonb_strip_nulls(
        func.jsonb_build_object("rating", rating, "scale", scale, "nps", score, "nps_class", nps_class)
    )
    advocates = or_(and_(on_five, rating >= 4), and_(on_ten, rating >= 9))
    rows = (
        _event(
            "feedback",
            row.c.id,
            tenant_id,
            event_type=literal("feedback"),
            channel=literal("web"),
            stage=case((advocates, "advocacy")),
            occurred_at=row.c.created_at,
            person_id=_unless_denied(func.coalesce(row.c.person_id, c.person_id)),
            visitor_id=_unless_denied(c.visitor_id),
            identifier=_unless_denied(c.identifier),
            order_id=row.c.order_id,
            event_data=case((rating.is_not(None), said)),
        )
        .select_from(row.outerjoin(_conversion, ordered).outerjoin(_visit, _order_visit(tenant_id)))
        .where(row.c.created_at.is_not(None), _still_theirs(runtime, tenant_id, row.c.created_at, row.c.person_id))
    )
    return rows, _of("feedback", ids)


async def _forms(session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]) -> Events:
    """Form responses in the visit they came from. Anybody can type any address, so that one names nobody."""
    row = runtime.get(Links).by_ids("form_response", tenant_id, ids)
    seen = await named_visits(session, runtime, tenant_id, "form_response", ids)
    named = visits_as_rows(seen)
    sessions = sorted({session_id for _, session_id in seen.values() if session_id})
    visit = visit_sessions(runtime, tenant_id, sessions)
    visitor_id = func.coalesce(named.c.visitor_id, visit.c.visitor_id, literal("session:").concat(named.c.session_id))
    who = {"person_id": row.c.person_id, "visitor_id": visitor_id, "session_id": named.c.session_id}
    rows = _did(
        runtime, tenant_id, "form_response", row, "form_submit", row.c.created_at, event_name=row.c.form_name, **who
    ).select_from(row.outerjoin(named, named.c.id == row.c.id).outerjoin(visit, visit.c.id == named.c.session_id))
    return rows, _of("form_response", ids)


async def _interactions(session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]) -> Events:
    """What people did with posts."""
    del session
    row = runtime.get(Links).by_ids("social_interaction", tenant_id, ids)
    facts = {"person_id": row.c.person_id, "channel": literal("social"), "event_name": row.c.kind}
    rows = _did(runtime, tenant_id, "social_interaction", row, "social_engage", row.c.at, **facts)
    return rows, _of("social_interaction", ids)


async def _people(session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]) -> Events:
    """Accounts, from the day they were opened."""
    del session
    row = runtime.get(Links).by_ids("person", tenant_id, ids)
    rows = _did(runtime, tenant_id, "person", row, "sign_up", row.c.created_at, person_id=row.c.id)
    return rows, _of("person", ids)


def _did(
    runtime: Runtime,
    tenant_id: str,
    source_kind: str,
    row: Subquery,
    event_type: str,
    at: ColumnElement[Any],
    **facts: ColumnElement[Any],
) -> AnySelect:
    """What somebody did, as a row of the store's says it, but for who was erased since."""
    known = {"channel": literal("web"), "stage": literal(EVENT_TYPES[event_type].stage), **facts}
    event = _event(source_kind, row.c.id, tenant_id, event_type=literal(event_type), occurred_at=at, **known)
    return event.where(at.is_not(None), _still_theirs(runtime, tenant_id, at, facts["person_id"]))


Source = Callable[[AsyncSession, Runtime, str, Sequence[str]], Awaitable[Events]]
SOURCES: Mapping[str, Source] = MappingProxyType({
    "conversion": _conversions,
    "feedback": _feedback,
    "form_response": _forms,
    "social_interaction": _interactions,
    "person": _people,
})  # fmt: skip
"""By kind of source; orders and leads come as conversions."""
