"""Recording: what the store and the plugin's ledger say becomes journey events, set-wise and once for each source.

Whoever is recorded has its progress computed anew, but only where an event is new, changed or gone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

import msgspec
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    String,
    Table,
    Text,
    and_,
    case,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import erased_as
from adplanning_plugin.journeys.activity import journey
from adplanning_plugin.journeys.progress import recompute, take_turn
from adplanning_plugin.journeys.stages import CONVERSIONS, EVENT_TYPES
from adplanning_plugin.journeys.subjects import subjects_of_rows
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

CHUNK = 2_000
_conversion = cast("Table", conversion_table)
_adjustment = cast("Table", conversion_adjustment_table)
_visit = cast("Table", order_visit_table)
_WHO = ("person_id", "visitor_id", "session_id", "identifier")
_FACTS = (
    "event_type", "channel", "stage", "occurred_at", *_WHO, "order_id", "conversion_id", "ad_campaign_id",
    "value_minor", "currency", "event_name", "event_data",
)  # fmt: skip
_INSERTED = ("tenant_id", "id", "source_kind", "source_id", *_FACTS)
_TYPES: Mapping[str, Any] = {
    "occurred_at": DateTime(timezone=True), "value_minor": _conversion.c.value.type, "event_data": JSONB(),
}  # fmt: skip
_ARRAY = ARRAY(Text())
AnySelect = Select[*tuple[Any, ...]]


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    changed: int = 0
    """Events that are new, changed or gone."""
    missing: tuple[str, ...] = ()
    """Ids that no linked row has."""


async def record(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    source_kind: str,
    ids: Sequence[str],
    *,
    progress_follows: bool = True,
) -> Recorded:
    """Make the events of these sources what the sources are now; `source_kind` is a key of `SOURCES`.

    Without `progress_follows` whoever calls sees to it that progress is computed.
    """
    changed = 0
    missing: list[str] = []
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), CHUNK):
        some = wanted[start : start + CHUNK]
        await take_turn(session, tenant_id)
        rows, owned = await SOURCES[source_kind](session, runtime, tenant_id, some)
        count, concerned = await _make(session, tenant_id, rows, owned)
        changed += count
        if concerned and progress_follows:
            await recompute(session, runtime, tenant_id, await subjects_of(session, tenant_id, concerned))
        if source_kind != "conversion":
            known = runtime.get(Links).by_ids(source_kind, tenant_id, some)
            found = set(await session.scalars(select(known.c.id)))
            missing += [each for each in some if each not in found]
    return Recorded(changed=changed, missing=tuple(missing))


async def _make(
    session: AsyncSession, tenant_id: str, rows: AnySelect, owned: ColumnElement[bool]
) -> tuple[int, list[Any]]:
    """Insert what is new, update what differs, delete what the rows no longer say.

    Returns:
        How many events these were, and whose they are and were.
    """
    c = journey.c
    mine = select(c.id, c.source_kind, c.source_id, c.visitor_id, c.person_id, c.identifier).where(
        c.tenant_id == tenant_id, owned
    )
    before = {row.id: row for row in await session.execute(mine)}
    statement = insert(journey).from_select(list(_INSERTED), rows)
    new = statement.excluded
    # Which of several purchases a purchase is, its subject's progress decides.
    kept = and_(new.event_type == "purchase", c.event_type == "purchase")
    fresh = {name: new[name] for name in _FACTS} | {"stage": case((kept, c.stage), else_=new.stage)}
    differs = tuple_(*(c[name] for name in fresh)).is_distinct_from(tuple_(*fresh.values()))
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "source_kind", "source_id"],
        set_={**fresh, "updated_at": func.now()},
        where=differs,
    ).returning(c.id, c.visitor_id, c.person_id, c.identifier)
    written = (await session.execute(statement)).all()
    still = rows.subquery("still")
    stale = (
        delete(journey)
        .where(c.tenant_id == tenant_id, owned)
        .where(
            ~select(still.c.source_id)
            .where(still.c.source_kind == c.source_kind, still.c.source_id == c.source_id)
            .exists()
        )
        .returning(c.id)
    )
    gone = list(await session.scalars(stale))
    touched = {row.id for row in written}
    touched.update(gone)
    concerned = [*written, *(row for key, row in before.items() if key in touched)]
    return len(written) + len(gone), concerned


async def subjects_of(session: AsyncSession, tenant_id: str, rows: Sequence[Any]) -> set[str]:
    """The subjects of rows that were read, each with visitor_id, person_id and identifier."""
    who = list({(row.visitor_id, row.person_id, row.identifier) for row in rows})
    columns = [sql_cast([each[place] for each in who], _ARRAY) for place in range(3)]
    values = func.unnest(*columns).table_valued("visitor_id", "person_id", "identifier").render_derived("who")
    return await subjects_of_rows(session, tenant_id, select(values).subquery("named"))


def _event(source_kind: str, source_id: ColumnElement[Any], tenant_id: str, **facts: ColumnElement[Any]) -> AnySelect:
    random = func.upper(func.substr(func.md5(sql_cast(func.gen_random_uuid(), Text())), 1, 16))
    values = [
        sql_cast(facts[name] if name in facts else null(), _TYPES.get(name, Text())).label(name) for name in _FACTS
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


async def _conversions(
    session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]
) -> tuple[AnySelect, ColumnElement[bool]]:
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


async def _feedback(
    session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]
) -> tuple[AnySelect, ColumnElement[bool]]:
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


async def _forms(
    session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]
) -> tuple[AnySelect, ColumnElement[bool]]:
    """Form responses in the visit they came from. Anybody can type any address, so that one names nobody."""
    row = runtime.get(Links).by_ids("form_response", tenant_id, ids)
    seen = await named_visits(session, runtime, tenant_id, "form_response", ids)
    named = visits_as_rows(seen)
    sessions = sorted({session_id for _, session_id in seen.values() if session_id})
    visit = visit_sessions(runtime, tenant_id, sessions)
    rows = (
        _event(
            "form_response",
            row.c.id,
            tenant_id,
            event_type=literal("form_submit"),
            channel=literal("web"),
            stage=literal(EVENT_TYPES["form_submit"].stage),
            occurred_at=row.c.created_at,
            person_id=row.c.person_id,
            visitor_id=func.coalesce(
                named.c.visitor_id, visit.c.visitor_id, literal("session:").concat(named.c.session_id)
            ),
            session_id=named.c.session_id,
            event_name=row.c.form_name,
        )
        .select_from(row.outerjoin(named, named.c.id == row.c.id).outerjoin(visit, visit.c.id == named.c.session_id))
        .where(row.c.created_at.is_not(None), _still_theirs(runtime, tenant_id, row.c.created_at, row.c.person_id))
    )
    return rows, _of("form_response", ids)


async def _interactions(
    session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]
) -> tuple[AnySelect, ColumnElement[bool]]:
    """What people did with posts."""
    del session
    row = runtime.get(Links).by_ids("social_interaction", tenant_id, ids)
    rows = _event(
        "social_interaction",
        row.c.id,
        tenant_id,
        event_type=literal("social_engage"),
        channel=literal("social"),
        stage=literal(EVENT_TYPES["social_engage"].stage),
        occurred_at=row.c.at,
        person_id=row.c.person_id,
        event_name=row.c.kind,
    ).where(row.c.at.is_not(None), _still_theirs(runtime, tenant_id, row.c.at, row.c.person_id))
    return rows, _of("social_interaction", ids)


async def _people(
    session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]
) -> tuple[AnySelect, ColumnElement[bool]]:
    """Accounts, from the day they were opened."""
    del session
    row = runtime.get(Links).by_ids("person", tenant_id, ids)
    rows = _event(
        "person",
        row.c.id,
        tenant_id,
        event_type=literal("sign_up"),
        channel=literal("web"),
        stage=literal(EVENT_TYPES["sign_up"].stage),
        occurred_at=row.c.created_at,
        person_id=row.c.id,
    ).where(row.c.created_at.is_not(None), _still_theirs(runtime, tenant_id, row.c.created_at, row.c.id))
    return rows, _of("person", ids)


Source = Callable[[AsyncSession, Runtime, str, Sequence[str]], Awaitable[tuple[AnySelect, ColumnElement[bool]]]]
SOURCES: Mapping[str, Source] = MappingProxyType({
    "conversion": _conversions,
    "feedback": _feedback,
    "form_response": _forms,
    "social_interaction": _interactions,
    "person": _people,
})  # fmt: skip
"""Kind of source → its rows as events, and which of our events are theirs. Orders and leads come as conversions."""


async def conversions_of(session: AsyncSession, tenant_id: str, column: str, ids: Sequence[str]) -> list[str]:
    """Conversions of these orders (`order_id`) or leads (`lead_id`)."""
    c = _conversion.c
    found = select(c.id).where(c.tenant_id == tenant_id, c[column] == any_of(ids), c[column].is_not(None))
    return list(await session.scalars(found))
