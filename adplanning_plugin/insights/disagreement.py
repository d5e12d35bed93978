"""Disagreement: what each attribution model says of the same campaigns, and whether it would change a budget decision.

Credit of every model comes from one statement; spend, rates and rounding are those of the ROI report, so that a figure
here is the figure there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Literal

import msgspec
from sqlalchemy import BigInteger, Double, Integer, and_, case, column, func, literal, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import credit_table as credit
from adplanning_plugin.attribution import of_active
from adplanning_plugin.insights.figures import money, ratio
from adplanning_plugin.insights.lines import Line, LineKey
from adplanning_plugin.insights.names import Names
from adplanning_plugin.insights.periods import local_day, rate_day
from adplanning_plugin.insights.revenue import dimension, revenue_conversions
from adplanning_plugin.insights.roi import Question, Report, report
from adplanning_plugin.insights.sums import Sums, converted, rounded
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.links import Links
from adplanning_plugin.stats.ranks import places, spearman
from adplanning_plugin.tracking import conversion_table as conversion

Decision = Literal["increase", "keep", "cut"]
TARGET = 1.0
"""The return on ad spend that pays for the spend and nothing else."""
BAND = 0.2
"""Within a fifth of the target a figure is not far enough from it to move a budget."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What one model says of one line."""

    revenue: int | None
    """Credited revenue, net of refunds, in minor units of the store's currency; None where a rate is missing."""
    orders: float
    rank: int | None
    roas: float | None
    decision: Decision | None
    """None where nothing was spent, or it is not known how much."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign, channel or platform under every model."""

    id: LineKey
    spend: int | None
    said: tuple[Said, ...]

    @property
    def decisions(self) -> list[Decision]:
        """The decisions that some model comes to, each once."""
        return list(dict.fromkeys(each.decision for each in self.said if each.decision is not None))

    @property
    def ranks(self) -> list[int]:
        """The places that models give it."""
        return [each.rank for each in self.said if each.rank is not None]


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """Lines, how far each pair of models agrees on their order, and what no touch earned by each model."""

    lines: list[Compared]
    agreement: list[tuple[str, str, float | None]]
    unattributed: list[int | None]
    report: Report


def decide(roas: float | None, target: float) -> Decision | None:
    """More money above the target by more than the band, less money below it by more, else as it is."""
    if roas is None:
        return None
    if roas >= target * (1 + BAND):
        return "increase"
    return "cut" if roas < target * (1 - BAND) else "keep"


async def disagreement(
    session: AsyncSession, links: Links, question: Question, models: Sequence[str], target: float
) -> Disagreement:
    """The question's lines under each model, most spend first and then most revenue by the question's own model."""
    found = await report(session, links, question)
    asked = await converted(
        session,
        _credit_by_model(question),
        question.tenant_id,
        question.currency,
        keys=("position", "kind", "key"),
        money=("revenue",),
    )
    by_model: list[dict[LineKey, Sums]] = [{} for _ in models]
    for (position, kind, key), sums in asked.by_key.items():
        by_model[position - 1][LineKey(kind, key)] = sums
    revenue = [rounded(sums, "revenue") for sums in by_model]
    spent = {line.id: line for line in found.lines if line.id.kind == "touch"}
    keys = {key for sums in by_model for key in sums if key.kind == "touch" and key.key} | {
        key for key, line in spent.items() if key.key and line.spend != 0
    }
    ranks = [_ranks({key: minor.get(key, 0) for key in keys}) for minor in revenue]
    lines = [_compared(key, spent.get(key), by_model, revenue, ranks, target) for key in keys]
    own = question.model_position - 1
    return Disagreement(
        lines=sorted(lines, key=lambda line: (-(line.spend or 0), -(line.said[own].revenue or 0), line.id.key or "")),
        agreement=[
            (models[one], models[other], _agreement(revenue[one], revenue[other], keys))
            for one, other in combinations(range(len(models)), 2)
        ],
        unattributed=[minor.get(LineKey("unattributed"), 0) for minor in revenue],
        report=found,
    )


def _compared(
    key: LineKey,
    line: Line | None,
    by_model: Sequence[Mapping[LineKey, Sums]],
    revenue: Sequence[Mapping[LineKey, int | None]],
    ranks: Sequence[Mapping[LineKey, int]],
    target: float,
) -> Compared:
    spend = 0 if line is None else line.spend
    said: list[Said] = []
    for sums, minor, rank in zip(by_model, revenue, ranks, strict=True):
        value = minor.get(key, 0)
        roas = ratio(value, spend)
        said.append(
            Said(
                revenue=value,
                orders=sums[key].counts.get("orders", 0.0) if key in sums else 0.0,
                rank=rank.get(key),
                roas=roas,
                decision=decide(roas, target),
            )
        )
    return Compared(id=key, spend=spend, said=tuple(said))


def _ranks(minor: Mapping[LineKey, int | None]) -> dict[LineKey, int]:
    known = {key: value for key, value in minor.items() if value is not None}
    return dict(zip(known, places(list(known.values())), strict=True))


def _agreement(
    one: Mapping[LineKey, int | None], other: Mapping[LineKey, int | None], keys: set[LineKey]
) -> float | None:
    pairs = [(one.get(key, 0), other.get(key, 0)) for key in sorted(keys)]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    rho = spearman([a for a, _ in known], [b for _, b in known])
    return None if rho is None else round(rho, 4)


def _credit_by_model(question: Question) -> AnySelect:
    """Credit of revenue by order date, every model at once.

    Columns: position (of the model, from 1), kind and key (as the report's), day, currency, revenue (net), orders.
    """
    period = question.period
    kind = case(
        (conversion.c.sales_channel.in_(("renewal", "offline")), conversion.c.sales_channel),
        (credit.c.touch_id == "", "unattributed"),
        else_="touch",
    )
    each = func.unnest(credit.c.weights, credit.c.amounts, credit.c.refunds).table_valued(
        column("weight", Double), column("amount", BigInteger), column("refund", BigInteger), with_ordinality="position"
    )
    model = each.render_derived(name="each_model").lateral()
    day = rate_day(local_day(credit.c.occurred_at, period.zone), credit.c.currency, question.currency)
    (named,) = dimension(question.by)
    rows = (
        select(
            sql_cast(model.c.position, Integer).label("position"),
            kind.label("kind"),
            case((kind == "touch", named), else_=None).label("key"),
            day,
            credit.c.currency,
            (model.c.amount - model.c.refund).label("net"),
            model.c.weight,
        )
        .select_from(
            credit.join(
                conversion,
                and_(conversion.c.tenant_id == credit.c.tenant_id, conversion.c.id == credit.c.conversion_id),
            ).join(model, literal(value=True))
        )
        .where(
            credit.c.tenant_id == question.tenant_id,
            of_active(question.tenant_id),
            credit.c.window_days == question.window_days,
            credit.c.occurred_at >= period.start,
            credit.c.occurred_at < period.end,
            revenue_conversions(question.tenant_id, period),
            model.c.weight > 0,
        )
        .subquery("credit_of_models")
    )
    keys = [rows.c[name] for name in ("position", "kind", "key", "day", "currency")]
    return select(*keys, func.sum(rows.c.net).label("revenue"), func.sum(rows.c.weight).label("orders")).group_by(*keys)


def wire(line: Compared, models: Sequence[str], labels: Names, currency: str, *, flat: bool) -> dict[str, Any]:
    """A line as it is answered; in a file, each model's figures are columns that begin with its name."""
    said = [
        {
            **money("revenue", each.revenue, currency),
            "orders": round(each.orders, 4),
            "rank": each.rank,
            "roas": each.roas,
            "decision": each.decision,
        }
        for each in line.said
    ]
    if flat:
        by_model: dict[str, Any] = {
            f"{model}_{name}": one[name]
            for model, one in zip(models, said, strict=True)
            for name in ("revenue", "orders", "rank", "roas", "decision")
        }
    else:
        by_model = {"models": [{"model": model, **one} for model, one in zip(models, said, strict=True)]}
    revenues = [each.revenue for each in line.said]
    known = [value for value in revenues if value is not None]
    whole = len(known) == len(revenues)
    return {
        **labels.of(line.id),
        "currency": currency,
        **money("spend", line.spend, currency),
        **money("lowest_revenue", min(known) if whole else None, currency),
        **money("highest_revenue", max(known) if whole else None, currency),
        "best_rank": min(line.ranks, default=None),
        "worst_rank": max(line.ranks, default=None),
        "rank_spread": max(line.ranks) - min(line.ranks) if line.ranks else None,
        "decisions": line.decisions if not flat else " or ".join(line.decisions),
        "decision_changes": len(line.decisions) > 1,
        **by_model,
    }
