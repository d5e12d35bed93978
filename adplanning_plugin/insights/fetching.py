"""Fetching: asks registered sources for the exchange rates that a tenant's money needs. It converts nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select, union_all

from adplanning_plugin.hookspecs import ExchangeRates
from adplanning_plugin.insights.intake import RateIn, rate_row
from adplanning_plugin.insights.models import AdSpend, ExchangeRate
from adplanning_plugin.insights.periods import EARLIEST
from adplanning_plugin.insights.rates import upsert_rates
from adplanning_plugin.kernel import days
from adplanning_plugin.kernel.errors import Invalid
from adplanning_plugin.kernel.jobs import JobContext
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import conversion_table as conversion

FETCHED_DAYS = 7
"""Sources restate: the last days are asked for again."""


async def fetch_exchange_rates(context: JobContext) -> None:
    """Ask each source for the rates of the currencies that the tenant's data hold.

    Days that a source has told are asked for again only for a week; the first time it is asked from the first day on
    which there was foreign money.
    """
    runtime, tenant = context.runtime, context.runtime.tenant(context.tenant_id)
    sources: list[ExchangeRates] = [each for found in runtime.hooks.hook.register_exchange_rates() for each in found]
    if not sources:
        return
    today = days.day_of(days.now(), tenant.zone)
    async with runtime.database.reading(tenant.id, heavy=True) as session:
        foreign = await session.execute(_foreign(runtime.get(Links), tenant.id))
        since: dict[str, date] = {code: first for code, first in foreign if code and code != tenant.currency}
        told: dict[str, date] = {source: day for source, day in await session.execute(_told(tenant.id))}  # noqa: C416
    if not since:
        return
    for number, source in enumerate(sources):
        known = told.get(source.name)
        first = min(since.values()) if known is None else min(known, today) - timedelta(days=FETCHED_DAYS)
        given = await source.rates(tenant.currency, sorted(since), _midnight(max(first, EARLIEST)), _midnight(today))
        rows = _checked(source.name, given)
        async with runtime.database.transaction(tenant.id) as session:
            await upsert_rates(session, tenant.id, rows)
        await context.progress(number + 1, len(sources))


def _foreign(links: Links, tenant_id: str) -> AnySelect:
    """Currencies of the tenant's money, each with its first day."""
    parts = [
        select(AdSpend.currency, func.min(AdSpend.day).label("day"))
        .where(AdSpend.tenant_id == tenant_id)
        .group_by(AdSpend.currency),
        select(conversion.c.currency, func.min(func.date(conversion.c.occurred_at)).label("day"))
        .where(conversion.c.tenant_id == tenant_id)
        .group_by(conversion.c.currency),
    ]
    if links.has("ad_insight"):
        insight, account = links.selectable("ad_insight", tenant_id), links.selectable("ad_account", tenant_id)
        code = func.upper(func.coalesce(insight.c.currency, account.c.currency))
        parts.append(
            select(code, func.min(insight.c.day).label("day"))
            .select_from(insight.outerjoin(account, account.c.id == insight.c.ad_account_id))
            .group_by(code)
        )
    rows = union_all(*parts).subquery("money")
    return select(rows.c[0], func.min(rows.c.day)).group_by(rows.c[0])


def _told(tenant_id: str) -> AnySelect:
    """The newest day of each source."""
    return (
        select(ExchangeRate.source, func.max(ExchangeRate.day))
        .where(ExchangeRate.tenant_id == tenant_id)
        .group_by(ExchangeRate.source)
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _checked(name: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The source's rows as they are stored, the last statement of a day.

    Raises:
        Invalid: a row that is no rate; the sentence names the source.
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        try:
            given = RateIn(day=str(row["day"])[:10], base=row["base"], quote=row["quote"], rate=str(row["rate"]))
            stored = {**rate_row(given), "source": name}
        except (KeyError, Invalid) as error:
            why = error.errors[0].message if isinstance(error, Invalid) else f"it has no {error.args[0]}."
            message = f"The exchange rates of {name} cannot be stored: {why}"
            raise Invalid(*(error.errors if isinstance(error, Invalid) else ()), detail=message) from error
        found[stored["day"], stored["base"], stored["quote"]] = stored
    return list(found.values())
