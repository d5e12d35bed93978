"""Recovered: the source that tracking learnt of a visit which the store's own session names none for.

Consent that comes after the landing begins the store's session on a later page; the landing itself is recovered by
tracking (from the `Referer` or by the script). Both know the visitor by one id. It reads, and stores nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import msgspec
from sqlalchemy import ColumnElement, DateTime, Row, Subquery, Table, Text, func, literal_column, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.channels import origin_of
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.attribution.touchpoints import Landing
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import event_table

BEFORE = timedelta(minutes=30)
"""How long before the store's session the landing may lie: the two are one visit."""
AFTER = timedelta(minutes=1)
"""How much later: the landing that the session's first page recovers is written when that page is answered."""
_e = cast("Table", event_table).c
_HOST = "^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)"


def _host(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.lower(func.substring(column, literal_column(f"'{_HOST}'", Text)))


_referrer_host, _own_host = _host(_e.referrer), _host(_e.url)
_NAMES_A_SOURCE = or_(
    _e.utm.is_not(None),
    _e.click_ids.is_not(None),
    _e.referrer.is_not(None) & _referrer_host.is_distinct_from(_own_host),
)


async def with_recovered(
    session: AsyncSession, runtime: Runtime, tenant_id: str, landings: Sequence[Landing]
) -> list[Landing]:
    """These landings of the store's sessions; those without a source take the one that tracking knows, if any."""
    bare = {each.session_id: each for each in landings if _is_bare(each)}
    if not bare or not runtime.get(Links).provides("analytics_session", "visitor_id"):
        return list(landings)
    times = [each.occurred_at for each in bare.values()]
    window = _e.occurred_at.between(min(times) - BEFORE, max(times) + AFTER)
    visitors = list({each.visitor_id for each in bare.values()})
    found: dict[str, Row[Any]] = {}
    pairs = _pairs(runtime, tenant_id, visitors, window)
    for row in await session.execute(select(pairs).order_by(pairs.c.occurred_at, pairs.c.id)):
        found.setdefault(row.host_session, row)  # the first one began the visit
    return [
        msgspec.structs.replace(
            each, utm=row.utm, click_ids=row.click_ids, referrer_host=row.referrer_host, path=row.path
        )
        if each.session_id in bare and (row := found.get(each.session_id)) is not None
        else each
        for each in landings
    ]


async def sessions_to_read(
    session: AsyncSession, runtime: Runtime, tenant_id: str, low_xid: int, high_xid: int
) -> list[str]:
    """The store's sessions without a sourced touch, for which the events that these transactions wrote name one."""
    if not runtime.get(Links).provides("analytics_session", "visitor_id"):
        return []
    new = (_e.xid >= low_xid, _e.xid < high_xid)
    seen = select(_e.visitor_id).where(
        _e.tenant_id == tenant_id, *new, _e.visitor_id.is_not(None), _e.source != "host", _NAMES_A_SOURCE
    )
    visitors = list(await session.scalars(seen.distinct()))
    if not visitors:
        return []
    pairs = _pairs(runtime, tenant_id, visitors, *new)
    sourced = select(Touchpoint.id).where(
        Touchpoint.tenant_id == tenant_id,
        Touchpoint.session_id == pairs.c.host_session,
        Touchpoint.is_direct.is_(False),
    )
    return list(await session.scalars(select(pairs.c.host_session).where(~sourced.exists()).distinct()))


def _is_bare(landing: Landing) -> bool:
    return origin_of(landing.utm, landing.click_ids, landing.referrer_host, landing.own_host).is_direct


def _pairs(runtime: Runtime, tenant_id: str, visitors: Sequence[str], *events: ColumnElement[bool]) -> Subquery:
    """Sourced events of these visitors, each with the store's session that began next; the earliest event first."""
    host = runtime.get(Links).by_ids("analytics_session", tenant_id, visitors, column="visitor_id")
    started = sql_cast(host.c.started_at, DateTime(timezone=True))
    pairs = (
        select(
            host.c.id.label("host_session"),
            _e.occurred_at,
            _e.id,
            _e.utm,
            _e.click_ids,
            _e.path,
            _referrer_host.label("referrer_host"),
        )
        .join(host, host.c.visitor_id == _e.visitor_id)
        .where(_e.tenant_id == tenant_id, _e.visitor_id.in_(visitors), _e.source != "host", _NAMES_A_SOURCE, *events)
        .where(started.between(_e.occurred_at - AFTER, _e.occurred_at + BEFORE))
        .ext(distinct_on(_e.occurred_at, _e.id))
        .order_by(_e.occurred_at, _e.id, started, host.c.id)
    )
    return pairs.subquery("pairs")
