"""Discrepancies: what a platform claims beside what we count, and the difference divided into causes that sum to it.

Each cause is computed from our own orders, counted as the platform does in one more respect; nothing is guessed. What
nobody can know (views, orders without consent) has no figure of its own: it is within what is not explained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.campaigns import Campaign, campaigns_of
from adplanning_plugin.insights.coverage import coverage
from adplanning_plugin.insights.discrepancies_sql import (
    CURRENCY,
    DATE_BASIS,
    OURS,
    REFUNDS,
    SHARED,
    UNCOUNTED,
    WINDOW,
    ZONE,
    Claimant,
    claims,
    steps,
)
from adplanning_plugin.insights.figures import money, ratio
from adplanning_plugin.insights.roi import Question
from adplanning_plugin.insights.sums import Converted, Sums, converted, rounded
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links

By = Literal["campaign", "platform"]
CLAIM_WINDOWS: Mapping[str, int] = {"meta": 7, "google": 30}
"""Days after a click within which a platform claims by default (Meta: 7-day click, Google Ads: 30 days); an account may
be set otherwise, which the caller says."""
STEPS = (OURS, REFUNDS, UNCOUNTED, SHARED, WINDOW, DATE_BASIS, ZONE, CURRENCY)
CANNOT_BE_JOINED = ("no_consent", "blocked", "unknown")
_PLACES = Decimal("0.0001")


class Counted(msgspec.Struct, kw_only=True):
    """Conversions, and their value in minor units; None where it is not known."""

    conversions: Decimal | None = None
    value: int | None = None


class Compared(msgspec.Struct, kw_only=True):
    """One campaign or platform: its claim, and our orders after each step."""

    key: str
    platform: str
    campaigns: list[Campaign]
    claimed: Counted
    steps: list[Counted]
    left_out: int = 0
    """Campaigns of the platform that give no claims."""
    unknown: bool = False
    """Whether a rate is missing."""


class Discrepancies(msgspec.Struct, kw_only=True):
    """All lines, their total, and what they rest on."""

    lines: list[Compared]
    total: Compared
    without_visit: Counted
    missing_rates: list[str]


async def discrepancies(
    session: AsyncSession,
    runtime: Runtime,
    question: Question,
    *,
    by: By,
    platform: str | None = None,
    campaign_id: str | None = None,
    window_days: int | None = None,
) -> Discrepancies:
    """Claims of the period beside ours.

    Args:
        window_days: how long the platform claims after a click; its default where that is not said.
    """
    links = runtime.get(Links)
    known = await campaigns_of(session, links, question.tenant_id)
    wanted = {
        key: each for key, each in known.items() if each.platform and (platform is None or each.platform == platform)
    }
    tenant_id, currency = question.tenant_id, question.currency
    claimed = await converted(
        session, claims(links, question), tenant_id, currency, keys=("key",), money=("platform_value",)
    )
    claimants = [_claimant(each, question, window_days) for each in wanted.values()]
    counted = await converted(
        session, steps(question, claimants), tenant_id, currency, keys=("step", "key"), money=("amount",)
    )
    reporting = {each.platform for key, each in wanted.items() if _conversions(claimed.by_key.get((key,))) is not None}
    shown = [
        each
        for key, each in wanted.items()
        if (campaign_id is None or key == campaign_id) and _is_active(key, claimed, counted)
    ]
    lines = _lines(shown, claimed, counted, reporting, by)
    found = await coverage(session, tenant_id, question.period, currency)
    lost = [each for each in found["lost"] if each["cause"] in CANNOT_BE_JOINED]
    values: list[int | None] = [each["revenue_minor"] for each in lost]
    without = Counted(
        conversions=Decimal(sum(each["orders"] for each in lost)),
        value=None if None in values else sum(value or 0 for value in values),
    )
    return Discrepancies(
        lines=lines,
        total=_total(lines),
        without_visit=without,
        missing_rates=sorted(claimed.missing | counted.missing),
    )


def claim_window(platform: str | None, question: Question, given: int | None) -> int:
    """Days after a click within which the platform claims; ours where nobody knows."""
    return given if given is not None else CLAIM_WINDOWS.get(platform or "", question.window_days)


def _claimant(campaign: Campaign, question: Question, given: int | None) -> Claimant:
    return Claimant(
        id=campaign.id,
        platform=campaign.platform or "",
        zone=campaign.account_zone or question.period.zone,
        window_days=claim_window(campaign.platform, question, given),
    )


def _is_active(key: str, claimed: Converted, counted: Converted) -> bool:
    return (key,) in claimed.by_key or any((step, key) in counted.by_key for step in STEPS)


def _conversions(sums: Sums | None) -> float | None:
    return None if sums is None else sums.counts.get("platform_conversions")


def _lines(
    shown: Sequence[Campaign], claimed: Converted, counted: Converted, reporting: set[str | None], by: By
) -> list[Compared]:
    """Lines whose money, step by step, sums to the money of all."""
    groups: dict[str, list[Campaign]] = {}
    left_out: dict[str, int] = {}
    for each in shown:
        key = each.id if by == "campaign" else each.platform or ""
        # Where a platform reports, a campaign without rows has no claims; one with rows that say nothing is not known.
        silent = each.platform not in reporting or ((each.id,) in claimed.by_key and _conversions(
            claimed.by_key[each.id,]
        ) is None)  # fmt: skip
        if by == "platform" and silent and each.platform in reporting:
            left_out[key] = left_out.get(key, 0) + 1
        else:
            groups.setdefault(key, []).append(each)
    said = {key: _added(claimed.by_key.get((each.id,)) for each in some) for key, some in groups.items()}
    # A campaign claims what the list of all campaigns says, to the minor unit, whichever of them are looked at here.
    all_said = {key: sums for (key,), sums in claimed.by_key.items()} if by == "campaign" else {}
    values = rounded({**all_said, **said}, "platform_value")
    after: list[dict[str, Sums]] = [
        {key: _added(counted.by_key.get((step, each.id)) for each in some) for key, some in groups.items()}
        for step in STEPS
    ]
    amounts = [rounded(sums, "amount") for sums in after]
    lines: list[Compared] = []
    for key, some in groups.items():
        platform = some[0].platform or ""
        silent = platform not in reporting or (
            "platform_conversions" not in said[key].counts and "rows" in said[key].counts
        )
        claim = Counted(
            conversions=None if silent else _count(said[key], "platform_conversions"),
            value=_known(said[key], "platform_value", values[key], nothing=None if silent else 0),
        )
        counted_steps = [
            Counted(
                conversions=_count(sums[key], "conversions"), value=_known(sums[key], "amount", parts[key], nothing=0)
            )
            for sums, parts in zip(after, amounts, strict=True)
        ]
        unknown = "platform_value" in said[key].unknown or any("amount" in sums[key].unknown for sums in after)
        lines.append(
            Compared(
                key=key, platform=platform, campaigns=some, claimed=claim, steps=counted_steps,
                left_out=left_out.get(key, 0), unknown=unknown,
            )
        )  # fmt: skip
    return sorted(lines, key=lambda line: (-(line.claimed.value or 0), -(line.steps[OURS].value or 0), line.key))


def _total(lines: Sequence[Compared]) -> Compared:
    """The sum of the lines that have a claim."""
    told = [line for line in lines if line.claimed.conversions is not None]
    sums = [_sum([line.steps[step] for line in told]) for step in STEPS]
    return Compared(
        key="",
        platform=told[0].platform if len({line.platform for line in told}) == 1 else "",
        campaigns=[campaign for line in told for campaign in line.campaigns],
        claimed=_sum([line.claimed for line in told]) if told else Counted(),
        steps=sums,
        left_out=sum(line.left_out for line in lines) + sum(len(line.campaigns) for line in lines if line not in told),
        unknown=any(line.unknown for line in told),
    )


def _sum(parts: Sequence[Counted]) -> Counted:
    def of(get: Callable[[Counted], Any], nothing: Any) -> Any:
        values = [get(part) for part in parts]
        return None if None in values else sum(values, nothing)

    return Counted(conversions=of(lambda part: part.conversions, Decimal(0)), value=of(lambda part: part.value, 0))


def _added(parts: Iterable[Sums | None]) -> Sums:
    total = Sums()
    for part in parts:
        if part is not None:
            total.add(part)
    return total


def _count(sums: Sums, name: str) -> Decimal:
    return Decimal(str(sums.counts.get(name, 0.0))).quantize(_PLACES)


def _known(sums: Sums, name: str, minor: int | None, *, nothing: int | None) -> int | None:
    if name in sums.unknown:
        return None
    return minor if minor is not None else nothing


def less(one: Counted, other: Counted) -> Counted:
    """one − other, None where either is."""
    conversions = None if one.conversions is None or other.conversions is None else one.conversions - other.conversions
    return Counted(
        conversions=conversions, value=None if one.value is None or other.value is None else one.value - other.value
    )


def wire_counted(counted: Counted, currency: str) -> dict[str, Any]:
    """As it is answered."""
    conversions = None if counted.conversions is None else float(counted.conversions)
    return {"conversions": conversions, **money("value", counted.value, currency)}


def share(part: Counted, whole: Counted) -> float | None:
    """Of the whole's value, or of its conversions where it has no value."""
    return ratio(part.value, whole.value) if part.value is not None else ratio(part.conversions, whole.conversions)
