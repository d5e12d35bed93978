"""What-if: the credit of a period by other settings beside the credit by those in use. It leaves nothing behind.

Both sides come from the statement that computes credit, over the same conversions, so only the settings differ; another
plugin's model shares that statement's rows. Touches that the settings read otherwise are written down for it inside a
savepoint, which is rolled back.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import TextClause, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.classing import classing_of, holds
from adplanning_plugin.attribution.credit_sql import COLUMNS
from adplanning_plugin.attribution.crediting import BATCH, Options, credit_question, credit_text
from adplanning_plugin.attribution.hook_credit import further_model, shared
from adplanning_plugin.attribution.reclassify import classify_all, count_beside, touches_by_reading
from adplanning_plugin.attribution.repository import COUNTED, conversion
from adplanning_plugin.attribution.rules import Rules, model_position
from adplanning_plugin.attribution.settings import AttributionSettings
from adplanning_plugin.hookspecs import AttributionModel
from adplanning_plugin.kernel.errors import ConfigurationError, Conflict

MOST_CONVERSIONS = 20_000
"""Conversions that are computed, the latest of the period."""
MOST_LINES = 200
LONGEST = timedelta(days=3_660)
"""How far back touches are read anew where the window is lifetime."""
Key = tuple[str, str | None, str]
"""(kind, campaign or channel, currency)."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question: two sets of rules, each with the model and window that it is looked at by."""

    tenant_id: str
    start: datetime
    end: datetime
    before: Rules
    after: Rules
    model: tuple[str, str]
    window_days: tuple[int, int]


class Sides(msgspec.Struct, kw_only=True):
    """Sums before and after: weights, gross minor units, refunds."""

    before: list[float | int] = msgspec.field(default_factory=lambda: [0.0, 0, 0])
    after: list[float | int] = msgspec.field(default_factory=lambda: [0.0, 0, 0])
    is_campaign: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What would change."""

    conversions: int
    conversions_of_period: int
    covers_from: datetime | None
    """The first conversion that is in it, where the period has more than are computed."""
    campaigns: dict[Key, Sides]
    channels: dict[Key, Sides]
    touches_read_otherwise: int
    touches_excluded: int
    warnings: list[str]


async def what_if(session: AsyncSession, asked: Asked, installed: Sequence[AttributionModel] = ()) -> Answer:
    """The credit of the period's conversions by both sets of rules.

    Args:
        installed: other plugins' models.
    Raises:
        Invalid: an unknown model.
        Conflict: another plugin's model, whose weights do not fit.
    """
    sides = tuple(zip((asked.before, asked.after), asked.model, asked.window_days, strict=True))
    places = [model_position(rules, model) for rules, model, _ in sides]
    found, total = await _conversions(session, asked)
    ids = sorted(row.id for row in found)
    campaigns: dict[Key, Sides] = {}
    channels: dict[Key, Sides] = {}
    counts = (0, 0)
    async with session.begin_nested() as aside:
        classing = classing_of(asked.after.settings)
        if classing != classing_of(asked.before.settings):
            longest = max(timedelta(days=days) if days else LONGEST for days in asked.window_days)
            period = {"since": asked.start - longest, "until": asked.end}
            await classify_all(session, asked.tenant_id, asked.after.version, classing, **period)
            counts = await count_beside(session, asked.tenant_id, asked.after.version, asked.start, asked.end)
        for side, (rules, model, days), place in zip(("before", "after"), sides, places, strict=True):
            narrow = msgspec.structs.replace(rules, windows=(days,))
            options, values = await credit_question(session, asked.tenant_id, narrow)
            further = None if place <= rules.built_in else further_model(model, installed)
            statement = _sums(options) if further is None else _rows(options)
            for start in range(0, len(ids), BATCH):
                batch = {**values, "ids": "\n".join(ids[start : start + BATCH])}
                if further is None:
                    lines: Iterable[Any] = await session.execute(statement, {**batch, "place": place})
                else:
                    lines = _lines((await session.execute(statement, batch)).all(), further)
                for line in lines:
                    _add(campaigns, side, line, line.campaign)
                    _add(channels, side, line, line.channel)
        await aside.rollback()
    return Answer(
        conversions=len(ids),
        conversions_of_period=total,
        covers_from=min((row.occurred_at for row in found), default=None) if total > len(ids) else None,
        campaigns=campaigns,
        channels=channels,
        touches_read_otherwise=counts[0],
        touches_excluded=counts[1],
        warnings=await overlaps(session, asked.tenant_id, asked.after.settings, asked.start, asked.end),
    )


async def _conversions(session: AsyncSession, asked: Asked) -> tuple[Sequence[Any], int]:
    c = conversion.c
    counted = (
        c.tenant_id == asked.tenant_id,
        c.deleted_at.is_(None),
        c.status.in_(COUNTED),
        c.occurred_at >= asked.start,
        c.occurred_at < asked.end,
    )
    total = (await session.execute(select(func.count()).select_from(conversion).where(*counted))).scalar_one()
    newest = select(c.id, c.occurred_at).where(*counted).order_by(c.occurred_at.desc(), c.id.desc())
    return (await session.execute(newest.limit(MOST_CONVERSIONS))).all(), int(total)


def _credited(options: Options) -> str:
    """Rows of credit as reports group them: no visit earned a renewal, or an order at a till."""
    return f"""
        SELECT r.conversion_id, r.position, r.touch_id, r.touched_at, r.occurred_at, r.currency, r.channel,
               CASE WHEN v.sales_channel IN ('renewal', 'offline') THEN v.sales_channel
                    WHEN r.touch_id = '' THEN 'unattributed' ELSE 'touch' END AS kind,
               coalesce(r.ad_campaign_id, t.campaign) AS campaign, r.ad_campaign_id IS NOT NULL AS is_campaign,
               r.weights, r.amounts, r.refunds
        FROM ({credit_text(options, stored=False)}) r ({COLUMNS})
        JOIN {conversion.fullname} v ON v.tenant_id = r.tenant_id AND v.id = r.conversion_id
        LEFT JOIN adplanning.touchpoint t ON t.tenant_id = r.tenant_id AND t.id = r.touch_id
        """  # noqa: S608 - a statement of our own; every value is a parameter


@lru_cache(maxsize=16)
def _sums(options: Options) -> TextClause:
    return text(
        f"""
        SELECT kind, CASE WHEN kind = 'touch' THEN campaign END AS campaign,
               CASE WHEN kind = 'touch' THEN channel END AS channel, currency,
               bool_or(kind = 'touch' AND is_campaign) AS is_campaign,
               sum(weight) AS weight, sum(amount)::bigint AS amount, sum(refund)::bigint AS refund
        FROM (
          SELECT *, weights[CAST(:place AS int)] AS weight, amounts[CAST(:place AS int)] AS amount,
                 refunds[CAST(:place AS int)] AS refund
          FROM ({_credited(options)}) rows
        ) credited
        WHERE weight <> 0 OR amount <> 0 OR refund <> 0
        GROUP BY 1, 2, 3, 4
        """  # noqa: S608 - a statement of our own; every value is a parameter
    )


@lru_cache(maxsize=16)
def _rows(options: Options) -> TextClause:
    return text(f"SELECT * FROM ({_credited(options)}) rows ORDER BY conversion_id, position")  # noqa: S608


class _Line(NamedTuple):
    kind: str
    campaign: str | None
    channel: str | None
    currency: str
    is_campaign: bool
    weight: float
    amount: int
    refund: int


def _lines(rows: Sequence[Any], model: AttributionModel) -> Iterable[_Line]:
    """What another plugin's model gives, touch by touch."""
    for _, group in groupby(rows, key=lambda row: row.conversion_id):
        mine = list(group)
        try:
            nobodys, *parts = shared(mine, model)
        except ConfigurationError as error:
            raise Conflict(str(error), code="model_does_not_fit") from error
        elsewhere = mine[0].kind if mine[0].kind in ("renewal", "offline") else None
        if nobodys.weight:
            yield _Line(elsewhere or "unattributed", None, None, mine[0].currency, False, *nobodys)
        for row, part in zip((row for row in mine if row.touch_id), parts, strict=True):
            if part.weight or part.amount or part.refund:
                if elsewhere:
                    yield _Line(elsewhere, None, None, row.currency, False, *part)
                else:
                    yield _Line("touch", row.campaign, row.channel, row.currency, row.is_campaign, *part)


def _add(lines: dict[Key, Sides], side: str, row: Any, key: str | None) -> None:
    line = lines.setdefault((row.kind, key, row.currency), Sides())
    sums = getattr(line, side)
    for place, part in enumerate((row.weight, row.amount, row.refund)):
        sums[place] += part
    line.is_campaign |= row.is_campaign


def most_changed(lines: Mapping[Key, Sides]) -> list[tuple[Key, Sides]]:
    """The lines with the greatest change in money, whatever its direction."""

    def change(line: tuple[Key, Sides]) -> tuple[float, float, str]:
        (_, key, _), sides = line
        money = abs(_net(sides.after) - _net(sides.before))
        return money, abs(sides.after[0] - sides.before[0]), key or ""

    return heapq.nlargest(MOST_LINES, lines.items(), key=change)


def _net(sums: Sequence[float | int]) -> int:
    return int(sums[1] - sums[2])


async def overlaps(
    session: AsyncSession, tenant_id: str, settings: AttributionSettings, start: datetime, end: datetime
) -> list[str]:
    """What the period's touches say of the store's own channel rules: which share touches, and which match none."""
    rules = settings.channel_rules
    if not rules:
        return []
    taken = [0] * len(rules)
    lost: dict[tuple[int, int], int] = {}
    for reading, touches in await touches_by_reading(session, tenant_id, start, end):
        matching = [place for place, rule in enumerate(rules) if holds(rule, reading)]
        for place in matching[:1]:
            taken[place] += touches
        for later in matching[1:]:
            lost[matching[0], later] = lost.get((matching[0], later), 0) + touches
    return [*_shared(settings, lost), *_idle(settings, taken, {later for _, later in lost})]


def _shared(settings: AttributionSettings, lost: Mapping[tuple[int, int], int]) -> Iterable[str]:
    rules = settings.channel_rules
    for (first, later), touches in sorted(lost.items()):
        yield (
            f"{touches:,} touches of the period match channel rules {first + 1} ({rules[first].channel}) and"
            f" {later + 1} ({rules[later].channel}): rule {first + 1} stands first and takes them."
        )


def _idle(settings: AttributionSettings, taken: Sequence[int], overlapped: set[int]) -> Iterable[str]:
    for place, touches in enumerate(taken):
        if touches == 0 and place not in overlapped:
            yield f"No touch of the period matches channel rule {place + 1} ({settings.channel_rules[place].channel})."
