"""ROI: what each campaign, ad set, ad, channel or platform cost and what its credit returned, in one currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

import msgspec
from sqlalchemy import ARRAY, ColumnElement, Text, bindparam, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import (
    canonical_model,
    current_rules,
    model_position,
    parse_window,
    refuse_without_fit,
)
from adplanning_plugin.attribution import touchpoint_table as touchpoint
from adplanning_plugin.insights.lines import Line, LineKey, lines_of, total_of
from adplanning_plugin.insights.periods import Period, any_period, rate_day
from adplanning_plugin.insights.rates import rates_used, spans
from adplanning_plugin.insights.revenue import CREDIT_MONEY, REVENUE_MONEY, Basis, credited, order_revenue
from adplanning_plugin.insights.spend import SPEND_COUNTS, spend_rows
from adplanning_plugin.insights.sums import KEPT, Converted, Summing, Sums, summing, sums_of
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.kernel.runtime import Tenant
from adplanning_plugin.links import Links

Dimension = Literal["campaign", "ad_set", "ad", "channel", "platform"]
KEYS: Mapping[str, tuple[str, ...]] = {
    "campaign": ("ad_campaign_id",),
    "ad_set": ("ad_campaign_id", "ad_set_id"),
    "ad": ("ad_campaign_id", "ad_set_id", "ad_id"),
    "channel": ("channel",),
    "platform": ("platform",),
}
_NAMES = ("key", "set_key", "ad_key")
UNTOUCHED_CHANNEL = "Paid Other"
"""Where a campaign's spend belongs while none of its clicks was seen."""
_REPORTS = "adplanning.insights.reports"
_PAYING = "adplanning.insights.paying"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is asked."""

    tenant_id: str
    period: Period
    currency: str
    by: Dimension = "campaign"
    model: str = "last_click"
    model_position: int = 1
    window_days: int = 30
    basis: Basis = "order"

    def before(self) -> Question:
        """The same of the period before."""
        return msgspec.structs.replace(self, period=self.period.before())


class Report(msgspec.Struct, kw_only=True):
    """Lines, their total, the store's own revenue, and what the figures rest on."""

    lines: list[Line]
    total: Line
    store: Line
    """Revenue of the whole store by order date, renewals and offline orders included: what MER divides by spend."""
    rates: list[dict[str, Any]]
    missing_rates: list[str]
    account_zones: list[str]


async def ask(
    session: AsyncSession,
    tenant: Tenant,
    period: Period,
    *,
    by: Dimension = "campaign",
    model: str | None = None,
    window: str | None = None,
    basis: Basis = "order",
) -> Question:
    """A report's question, with the tenant's default model and window where the caller names none.

    Raises:
        Invalid: a model or window that there is not.
    """
    rules = await current_rules(session, tenant.id)
    chosen = canonical_model(model or rules.default_model)
    await refuse_without_fit(session, tenant.id, rules, chosen)
    return Question(
        tenant_id=tenant.id,
        period=period,
        currency=tenant.currency,
        by=by,
        model=chosen,
        model_position=model_position(rules, chosen),
        window_days=parse_window(rules, window),
        basis=basis,
    )


async def report(session: AsyncSession, links: Links, question: Question) -> Report:
    """Spend joined to credit by the question's dimension; every line of either side is in it, and the total reconciles.

    By order date the revenue of all lines is the store's to the minor unit: what no touch earned is the line
    `unattributed`, renewals and offline orders are lines of their own, and orders whose credit is not computed yet are
    `pending`. By click date a line has what its clicks of the period earned whenever the order came; what has no click
    has no date and no line. Asked again in one read transaction, the same answer is given.
    """
    known: dict[Question, Report] = session.info.setdefault(_REPORTS, {})
    if question not in known:
        known[question] = await _report(session, links, question)
    return known[question]


async def _report(session: AsyncSession, links: Links, question: Question) -> Report:
    tenant_id, currency = question.tenant_id, question.currency
    statements = _statements(links, msgspec.structs.replace(question, period=any_period(question.period.zone)))
    values = question.period.values()
    spend = await sums_of(session, statements.spend, values)
    if question.by in _OF_CAMPAIGNS:
        paid = {key for (_, key, *_), found in spend.by_key.items() if key and found.counts.get("paying")}
        _paying(session)[question.period] = sorted(paid)
    paying = await paying_campaigns(session, links, question)
    credit = await sums_of(session, statements.credit, {**values, "paying": paying})
    store = await sums_of(session, statements.store, values)
    sums: dict[LineKey, Sums] = {}
    for (kind, *key), found in credit.by_key.items():
        sums.setdefault(LineKey(kind, *key), Sums()).add(found)
    if question.basis == "order" and (pending := _pending(store.whole(), credit.whole())):
        sums[LineKey("pending")] = pending
    for (_, *key), found in spend.by_key.items():
        sums.setdefault(LineKey("touch", *key), Sums()).add(found)
    total = Sums()
    for each in sums.values():
        total.add(each)
    sides: tuple[Converted, ...] = (spend, credit, store)
    used = spans((code, *days) for side in sides for code, days in side.used.items())
    return Report(
        lines=lines_of(sums),
        total=total_of(total),
        store=total_of(store.whole()),
        rates=await rates_used(session, tenant_id, currency, used),
        missing_rates=sorted({code for side in sides for code in side.missing}),
        account_zones=sorted({zone for zone, *_ in spend.by_key if zone}),
    )


_OF_CAMPAIGNS = frozenset({"campaign", "ad_set", "ad"})


class _Statements(msgspec.Struct, frozen=True):
    """What a report reads; parameters are the period's, and `paying`."""

    spend: Summing
    credit: Summing
    store: Summing


@lru_cache(maxsize=KEPT)
def _statements(links: Links, question: Question) -> _Statements:
    """Built once for a question of any period: building them costs more than running those of a month."""
    tenant_id, currency, period = question.tenant_id, question.currency, question.period
    names = _NAMES[: len(KEYS[question.by])]
    spend, credit = _spend_query(links, question, names), credit_of(question, PAYING, quote=currency)
    return _Statements(
        summing(spend, tenant_id, currency, keys=("zone", *names), money=("spend", "platform_value")),
        summing(credit, tenant_id, currency, keys=("kind", *names), money=CREDIT_MONEY),
        summing(order_revenue(tenant_id, period, currency), tenant_id, currency, keys=(), money=REVENUE_MONEY),
    )


def _paying(session: AsyncSession) -> dict[Period, Sequence[str]]:
    return session.info.setdefault(_PAYING, {})


async def paying_campaigns(session: AsyncSession, links: Links, question: Question) -> Sequence[str]:
    """Ids of the campaigns that cost something in the period; read once for all reports of a transaction."""
    known = _paying(session)
    if question.period not in known:
        statement = _paying_statement(links, question.tenant_id)
        known[question.period] = sorted((await session.scalars(statement, question.period.values())).all())
    return known[question.period]


@lru_cache(maxsize=KEPT)
def _paying_statement(links: Links, tenant_id: str) -> AnySelect:
    return _paying_query(links, tenant_id, any_period(""))


def _paying_query(links: Links, tenant_id: str, period: Period) -> AnySelect:
    spend = spend_rows(links, tenant_id, period)
    return select(spend.c.ad_campaign_id).where(spend.c.spend > 0, spend.c.ad_campaign_id.is_not(None)).distinct()


def _pending(store: Sums, credit: Sums) -> Sums | None:
    """What the store earned beyond all credit: orders whose credit is due. None where there is none."""
    names = ("orders", "new_customers")
    counts = {name: round(store.counts.get(name, 0) - credit.counts.get(name, 0), 6) for name in names}
    money = {name: store.money[name] - credit.money.get(name, Decimal(0)) for name in store.money}
    if counts["orders"] <= 0 and money.get("revenue", Decimal(0)) == 0:
        return None
    return Sums(money=money, counts=counts, unknown=set(store.unknown))


def credit_query(links: Links, question: Question) -> AnySelect:
    """The credit side of the report, by day and currency."""
    paying = _paying_query(links, question.tenant_id, question.period)
    return credit_of(question, func.array(paying.scalar_subquery()))


PAYING = bindparam("paying", type_=ARRAY(Text))


def credit_of(question: Question, paying: ColumnElement[Any], quote: str | None = None) -> AnySelect:
    """The credit side, where the campaigns that cost something are known; `quote` as in `credited`."""
    return credited(
        question.tenant_id,
        question.period,
        question.by,
        model=question.model_position,
        window_days=question.window_days,
        basis=question.basis,
        paying=paying,
        quote=quote,
    )


def _spend_query(links: Links, question: Question, names: tuple[str, ...]) -> AnySelect:
    rows = spend_rows(links, question.tenant_id, question.period)
    source, keys = rows, [rows.c[column].label(name) for column, name in zip(KEYS["ad"], names, strict=False)]
    if question.by == "channel":
        channel = _campaign_channels(question)
        source = rows.outerjoin(channel, channel.c.ad_campaign_id == rows.c.ad_campaign_id)
        keys = [func.coalesce(channel.c.channel, UNTOUCHED_CHANNEL).label("key")]
    elif question.by == "platform":
        keys = [rows.c.platform.label("key")]
    counts = [func.sum(rows.c[name]).label(name) for name in SPEND_COUNTS]
    day = rate_day(rows.c.day, rows.c.currency, question.currency)
    return (
        select(
            rows.c.zone,
            *keys,
            day,
            rows.c.currency,
            func.sum(rows.c.spend).label("spend"),
            func.sum(rows.c.platform_value).label("platform_value"),
            func.count().filter(rows.c.spend > 0).label("paying"),
            *counts,
        )
        .select_from(source)
        .group_by(rows.c.zone, *keys, day, rows.c.currency)
    )


def _campaign_channels(question: Question) -> Any:
    """The channel that most of a campaign's touches have: where its spend belongs."""
    place = func.row_number().over(
        partition_by=touchpoint.c.ad_campaign_id, order_by=(func.count().desc(), touchpoint.c.channel)
    )
    counted = (
        select(touchpoint.c.ad_campaign_id, touchpoint.c.channel, place.label("place"))
        .where(touchpoint.c.tenant_id == question.tenant_id, touchpoint.c.ad_campaign_id.is_not(None))
        .group_by(touchpoint.c.ad_campaign_id, touchpoint.c.channel)
        .subquery()
    )
    return select(counted.c.ad_campaign_id, counted.c.channel).where(counted.c.place == literal(1)).subquery("channels")
