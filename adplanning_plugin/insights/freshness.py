"""Freshness: how old what each figure is read from is, and what to do where it is too old. It repairs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import func, literal, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import current_rules
from adplanning_plugin.insights.models import ExchangeRate
from adplanning_plugin.insights.periods import Period, period_of
from adplanning_plugin.insights.rates import NO_CURRENCY, OLDEST_DAYS
from adplanning_plugin.insights.spend import spend_rows
from adplanning_plugin.kernel.days import day_of, day_start, rfc3339, zone
from adplanning_plugin.kernel.runtime import Runtime, Tenant
from adplanning_plugin.kernel.sweep import Sweep
from adplanning_plugin.kernel.watermark import Streams
from adplanning_plugin.kernel.work import Work
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import conversion_table as conversion
from adplanning_plugin.tracking import event_table as event

State = Literal["fresh", "late", "stale", "empty"]
MINUTE, HOUR, DAY = 60, 3_600, 86_400
COUNTED_TO = 1_000
"""Waiting rows are counted to here; more is `1000`, and more."""
RECENT_DAYS = 90
"""How far back the last day of an ad platform is looked for."""


class Source(msgspec.Struct, kw_only=True):
    """One source and how old it is."""

    source: str
    kind: str
    """events, sweep, spend, credit, rates or conversions."""
    title: str
    state: State
    last_at: datetime | None = None
    last_day: date | None = None
    lag_seconds: int | None = None
    """How long what is not taken in has waited, or how old the last of it is."""
    behind: int | None = None
    """Rows that wait, as far as they can be counted."""
    detail: str = ""
    action: str = ""
    """What to do; empty where nothing is."""


async def freshness(session: AsyncSession, runtime: Runtime, tenant: Tenant) -> list[Source]:
    """Every source of the store, in the order in which data passes through them."""
    now = datetime.now(UTC)
    links = runtime.get(Links)
    return [
        await _events(session, links, tenant.id, now),
        *await _readers(session, runtime, tenant.id, now),
        *await _sweeps(session, runtime, links, tenant.id, now),
        await _conversions(session, tenant.id, now),
        await _credit(session, tenant.id, now),
        *await _spend(session, links, tenant, now),
        *await _rates(session, links, tenant, now),
    ]


def worst(sources: Sequence[Source]) -> State:
    """The worst state; `empty` only where nothing has come from anywhere."""
    states = {source.state for source in sources}
    for state in ("stale", "late", "fresh"):
        if state in states:
            return state
    return "empty"


def wire_source(source: Source, zone_name: str) -> dict[str, Any]:
    """As it is answered, with the last time also as the store's clocks show it."""
    at = source.last_at
    return {
        "source": source.source,
        "kind": source.kind,
        "title": source.title,
        "state": source.state,
        "last_at": None if at is None else rfc3339(at),
        "last_local": None if at is None else at.astimezone(zone(zone_name)).isoformat(timespec="seconds"),
        "last_day": None if source.last_day is None else source.last_day.isoformat(),
        "lag_seconds": source.lag_seconds,
        "behind": source.behind,
        "detail": source.detail,
        "action": source.action,
    }


def _aged(seconds: float, late: float, stale: float) -> State:
    return "fresh" if seconds <= late else "late" if seconds <= stale else "stale"


def _seconds(since: datetime, now: datetime) -> int:
    return max(0, int((now - since).total_seconds()))


def _words(seconds: int) -> str:
    for size, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "under a minute"


async def _events(session: AsyncSession, links: Links, tenant_id: str, now: datetime) -> Source:
    """The last tracked event; a client's clock that runs ahead is not believed."""
    newest = (
        select(event.c.occurred_at)
        .where(event.c.tenant_id == tenant_id, event.c.occurred_at <= now + timedelta(minutes=5))
        .order_by(event.c.occurred_at.desc())
        .limit(1)
    )
    last = (await session.execute(newest)).scalar_one_or_none()
    found = Source(source="events", kind="events", title="Tracked visits", state="empty")
    if last is None and await _has_own_analytics(session, links, tenant_id):
        found.detail = "Visits are read from the store's own analytics; our tracker has sent none."
        return found
    if last is None:
        found.detail = "No visit was tracked yet."
        found.action = "Put the tracker script on the storefront's pages, or install the capture middleware."
        return found
    found.last_at, found.lag_seconds = last, _seconds(last, now)
    found.state = _aged(found.lag_seconds, 6 * HOUR, DAY)
    found.detail = f"The last event came {_words(found.lag_seconds)} ago."
    if found.state != "fresh":
        found.action = "Check that the tracker script loads, and that the key's origins name the storefront."
    return found


async def _has_own_analytics(session: AsyncSession, links: Links, tenant_id: str) -> bool:
    """Whether the store measures its visits itself, so that our tracker may well be silent."""
    if not links.has("analytics_session"):
        return False
    visits = links.selectable("analytics_session", tenant_id)
    return bool((await session.execute(select(select(visits.c.id).exists()))).scalar_one())


_BEHIND = text(
    """
    SELECT w.reader, w.updated_at, b.behind, b.oldest FROM adplanning.watermark w
    CROSS JOIN LATERAL (
      SELECT count(*)::int AS behind, min(received_at) AS oldest FROM (
        SELECT received_at FROM adplanning.event e
        WHERE e.tenant_id = w.tenant_id AND e.xid >= coalesce((w.position->>'xid')::bigint, 0) LIMIT :most
      ) waiting
    ) b
    WHERE w.tenant_id = :tenant AND w.reader LIKE 'stream:%'
    """
)


async def _readers(session: AsyncSession, runtime: Runtime, tenant_id: str, now: datetime) -> list[Source]:
    """What the readers of tracked events have not read yet."""
    if not runtime.has(Streams):
        return []
    rows = await session.execute(_BEHIND, {"tenant": tenant_id, "most": COUNTED_TO})
    known = {row.reader: row for row in rows}
    sources: list[Source] = []
    for reader in runtime.get(Streams).readers:
        name = f"stream:{reader.id}"
        title = f"Reader {reader.id} of tracked visits"
        row = known.get(name)
        if row is None:
            sources.append(
                Source(source=name, kind="events", title=title, state="empty", detail="It has read nothing yet.")
            )
            continue
        waited = _seconds(row.oldest, now) if row.behind else 0
        sources.append(
            _waiting(
                Source(source=name, kind="events", title=title, state="fresh", last_at=row.updated_at),
                row.behind,
                waited,
                (5 * MINUTE, HOUR),
            )
        )
    return sources


def _waiting(source: Source, behind: int, waited: int, limits: tuple[int, int]) -> Source:
    """The source with what waits in it."""
    source.behind, source.lag_seconds = behind, waited
    source.state = _aged(waited, *limits)
    many = f"{behind} or more" if behind >= COUNTED_TO else str(behind)
    source.detail = "Everything is taken in." if not behind else f"{many} wait, the oldest for {_words(waited)}."
    if source.state != "fresh":
        source.action = "See under operations whether a worker runs, and replay dead letters."
    return source


async def _sweeps(session: AsyncSession, runtime: Runtime, links: Links, tenant_id: str, now: datetime) -> list[Source]:
    """Rows of linked entities that the sweeps have not taken in."""
    if not runtime.has(Work):
        return []
    statement = text(
        "SELECT reader, position FROM adplanning.watermark WHERE tenant_id = :tenant AND reader LIKE 'sweep:%'"
    )
    positions: dict[str, Mapping[str, Any]] = {
        row.reader: row.position for row in await session.execute(statement, {"tenant": tenant_id})
    }
    return [
        await _sweep(session, links, tenant_id, sweep, positions.get(f"sweep:{sweep.id}") or {}, now)
        for sweep in runtime.get(Work).ordered_sweeps()
        if links.has(sweep.entity)
    ]


async def _sweep(
    session: AsyncSession, links: Links, tenant_id: str, sweep: Sweep, position: Mapping[str, Any], now: datetime
) -> Source:
    title = f"{sweep.entity.replace('_', ' ').capitalize()}: {sweep.id}"
    found = Source(source=f"sweep:{sweep.id}", kind="sweep", title=title, state="empty")
    names = tuple(name for name in sweep.order_by[:-1] if links.provides(sweep.entity, name))
    if not names:
        found.detail = f"{sweep.entity} has no time by which new rows are found."
        found.action = f"Link {' or '.join(sweep.order_by[:-1])} of {sweep.entity}."
        return found
    at = datetime.fromisoformat(position["at"]) if "at" in position else None
    rows = (
        links.selectable(sweep.entity, tenant_id)
        if at is None
        else links.since(sweep.entity, tenant_id, names, at, inclusive=True)
    )
    times: list[Any] = [rows.c[name] for name in names]
    written: Any = func.coalesce(*times) if len(times) > 1 else times[0]
    unread = select(written.label("written")).select_from(rows).where(written <= now)
    if at is not None:
        unread = unread.where(
            tuple_(written, rows.c[sweep.order_by[-1]]) > tuple_(literal(at), literal(position["id"]))
        )
    some = unread.limit(COUNTED_TO).subquery("unread")
    behind, oldest = (await session.execute(select(func.count(), func.min(some.c.written)).select_from(some))).one()
    if at is None and not behind:
        found.detail = f"The store has no {sweep.entity.replace('_', ' ')} yet."
        return found
    found.last_at = at
    return _waiting(found, behind, _seconds(oldest, now) if behind else 0, (15 * MINUTE, HOUR))


async def _conversions(session: AsyncSession, tenant_id: str, now: datetime) -> Source:
    last = await _newest_conversion(session, tenant_id)
    found = Source(source="conversions", kind="conversions", title="Conversions", state="empty")
    if last is None:
        found.detail = "There is no conversion yet."
        found.action = "Run `adplanning backfill` to take in the orders and leads that the store has."
        return found
    found.last_at, found.lag_seconds = last, _seconds(last, now)
    found.state = _aged(found.lag_seconds, 2 * DAY, 7 * DAY)
    found.detail = f"The last conversion was {_words(found.lag_seconds)} ago."
    if found.state != "fresh":
        found.action = "If the store has sold since, see whether its orders are swept, and their dead letters."
    return found


async def _newest_conversion(session: AsyncSession, tenant_id: str, *conditions: Any) -> datetime | None:
    newest = (
        select(conversion.c.occurred_at)
        .where(conversion.c.tenant_id == tenant_id, conversion.c.deleted_at.is_(None), *conditions)
        .order_by(conversion.c.occurred_at.desc())
        .limit(1)
    )
    return (await session.execute(newest)).scalar_one_or_none()


async def _credit(session: AsyncSession, tenant_id: str, now: datetime) -> Source:
    """Conversions whose credit is due, or was computed by older rules."""
    rules = await current_rules(session, tenant_id)
    version = conversion.c.attribution_version
    alive = select(conversion.c.updated_at).where(
        conversion.c.tenant_id == tenant_id, conversion.c.deleted_at.is_(None)
    )
    behind, oldest = 0, None
    # Two questions, as those who compute it ask: each has an index of its own.
    for due in (version.is_(None), version < rules.version):
        some = alive.where(due).limit(COUNTED_TO).subquery("due")
        count, first = (
            await session.execute(select(func.count(), func.min(some.c.updated_at)).select_from(some))
        ).one()
        behind += count
        oldest = min(filter(None, (oldest, first)), default=None)
    last = await _newest_conversion(session, tenant_id, version.is_not(None))
    found = Source(source="credit", kind="credit", title="Credit", state="empty", last_at=last)
    if last is None and not behind:
        found.detail = "There is no conversion to credit yet."
        return found
    found = _waiting(found, behind, _seconds(oldest, now) if oldest else 0, (10 * MINUTE, HOUR))
    if found.state != "fresh":
        found.action = "Start the job compute-credit under operations, and see whether a worker runs."
    return found


def _recent(tenant: Tenant, now: datetime, days: int) -> Period:
    today = day_of(now, tenant.zone)
    return period_of(today - timedelta(days=days - 1), today, tenant.zone)


async def _spend(session: AsyncSession, links: Links, tenant: Tenant, now: datetime) -> list[Source]:
    """The last day that each ad platform reported, in its account's days."""
    period = _recent(tenant, now, RECENT_DAYS)
    rows = spend_rows(links, tenant.id, period)
    last = select(rows.c.platform, func.max(rows.c.day)).group_by(rows.c.platform).order_by(rows.c.platform)
    sources = [_platform(platform, day, period) for platform, day in await session.execute(last)]
    if sources:
        return sources
    return [
        Source(
            source="spend",
            kind="spend",
            title="Ad spend",
            state="empty",
            detail=f"No ad platform reported within {RECENT_DAYS} days.",
            action="Link ad_insight, import it, or type in what the ads cost under ad spend.",
        )
    ]


def _platform(platform: str, day: date, period: Period) -> Source:
    """Yesterday is what a platform can have reported whole."""
    late = (period.last - day).days
    name = platform.capitalize()
    found = Source(source=f"spend:{platform}", kind="spend", title=f"Ad spend of {name}", state="fresh", last_day=day)
    ended = day_start(day + timedelta(days=1), period.zone)
    found.lag_seconds = _seconds(ended, datetime.now(UTC))
    found.state = _aged(late, 1, 2)
    found.detail = f"The last day reported is {day.isoformat()}."
    if found.state != "fresh":
        found.action = f"Fetch the days since {day.isoformat()} from {name}: return and spend of them are too low."
    return found


async def _rates(session: AsyncSession, links: Links, tenant: Tenant, now: datetime) -> list[Source]:
    """The newest rate of each currency in which the last month sold or spent."""
    period = _recent(tenant, now, OLDEST_DAYS)
    rows = spend_rows(links, tenant.id, period)
    sold = select(conversion.c.currency).where(
        conversion.c.tenant_id == tenant.id,
        conversion.c.deleted_at.is_(None),
        conversion.c.occurred_at >= period.start,
        conversion.c.occurred_at < period.end,
    )
    used = (await session.execute(sold.union(select(rows.c.currency)))).scalars().all()
    codes = sorted({code for code in used if code} - {tenant.currency, NO_CURRENCY})
    if not codes:
        detail = f"All money of the last {OLDEST_DAYS} days is in {tenant.currency}: no rate is needed."
        return [Source(source="rates", kind="rates", title="Exchange rates", state="fresh", detail=detail)]
    rate: Any = ExchangeRate.__table__
    other = func.nullif(rate.c.base, tenant.currency)
    code = func.coalesce(other, rate.c.quote)
    newest = (
        select(code, func.max(rate.c.day))
        .where(
            rate.c.tenant_id == tenant.id,
            or_(rate.c.base == tenant.currency, rate.c.quote == tenant.currency),
            code.in_(codes),
            rate.c.day <= period.last,
        )
        .group_by(code)
    )
    known: dict[str, date] = {row[0]: row[1] for row in await session.execute(newest)}
    return [_rate(each, known.get(each), tenant, period) for each in codes]


def _rate(code: str, day: date | None, tenant: Tenant, period: Period) -> Source:
    pair = f"{code} in {tenant.currency}"
    found = Source(source=f"rates:{code}", kind="rates", title=f"Rate of {pair}", state="empty", last_day=day)
    found.action = f"Add a rate of {pair} under exchange rates, or register a source of rates."
    if day is None:
        found.detail = f"There is no rate of {pair}: money in {code} is not in any figure."
        return found
    age = (period.last - day).days
    found.lag_seconds = age * DAY
    # Banks rest at weekends; beyond the last bound a report takes no rate at all.
    found.state = _aged(age, 4, OLDEST_DAYS - 1)
    found.detail = f"The newest rate is of {day.isoformat()}."
    if found.state == "fresh":
        found.action = ""
    return found
