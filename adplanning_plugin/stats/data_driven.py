"""Data-driven credit: the face of the models that read paths. Takes paths, answers with typed results, and says what is
missing where the data cannot bear a model. Importing it is cheap: numpy and scipy are loaded by the first call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from adplanning_plugin.stats.paths import JourneyPath

if TYPE_CHECKING:
    from adplanning_plugin.stats.bootstrap import Bounds
    from adplanning_plugin.stats.estimates import Estimates, Model
    from adplanning_plugin.stats.path_table import PathTable

ModelName = Literal["markov", "shapley", "leave_one_out"]
DATA_DRIVEN_MODELS: tuple[ModelName, ...] = ("markov", "shapley", "leave_one_out")
EXTRA = "science"

MissingCode = Literal[
    "no_paths",
    "no_touches",
    "too_few_conversions",
    "too_few_non_conversions",
    "no_converting_touches",
    "no_positive_effect",
    "too_many_channels",
]


class ModelNotInstalled(RuntimeError):
    """The libraries that a model needs are not installed."""

    def __init__(self) -> None:
        super().__init__(
            "Data-driven credit needs numpy and scipy: install the plugin with its extra"
            f" `{EXTRA}`, pip install 'adplanning-plugin[{EXTRA}]'."
        )


class Interval(msgspec.Struct, frozen=True):
    """Percentile interval of a resampled figure."""

    low: float
    high: float


class ChannelCredit(msgspec.Struct, frozen=True, kw_only=True):
    """What a model says of one channel. `effect` is the model's own figure, the rest follows from it.

    The effect of markov is the share of conversions lost without the channel; of shapley, its part of the conversion
    rate; of leave_one_out, the difference in the conversion rate, touch by touch. `value` is in minor units, not yet
    rounded. With resampling, `includes_zero` says that the effect's interval includes zero: the data do not tell this
    channel from one that does nothing.
    """

    channel: str
    effect: float
    value_effect: float
    share: float
    value_share: float
    conversions: float
    value: float
    effect_interval: Interval | None = None
    share_interval: Interval | None = None
    value_share_interval: Interval | None = None
    includes_zero: bool | None = None


class Attribution(msgspec.Struct, frozen=True, kw_only=True, tag="attribution", tag_field="kind"):
    """The answer of one model; channels by name. Credit and what is unattributed add up to the totals.

    `below_zero` names channels whose effect is below 0: they get no credit, the others share it.
    """

    model: ModelName
    order: int | None
    journeys: int
    conversions: int
    value: int
    conversion_rate: float
    unattributed_conversions: float
    unattributed_value: float
    channels: tuple[ChannelCredit, ...]
    below_zero: tuple[str, ...]
    resamples: int
    undefined_resamples: int
    confidence: float | None
    seed: int | None


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the data lack (or have too much of), with what there is, what it takes, and the way out."""

    code: MissingCode
    have: int
    need: int
    sentence: str


class InsufficientData(msgspec.Struct, frozen=True, kw_only=True, tag="insufficient_data", tag_field="kind"):
    """The data cannot bear the model; nothing is guessed in its place."""

    model: ModelName
    missing: tuple[Missing, ...]


Answer = Attribution | InsufficientData


def installed() -> bool:
    """Whether the libraries of the data-driven models are there."""
    from importlib.util import find_spec

    return find_spec("numpy") is not None and find_spec("scipy") is not None


def attribute(
    paths: Sequence[JourneyPath] | PathTable,
    model: ModelName,
    *,
    order: int = 1,
    minimum_conversions: int = 1,
    minimum_non_conversions: int = 1,
    resamples: int = 0,
    seed: int = 0,
    confidence: float = 0.95,
    progress: Callable[[int], None] | None = None,
) -> Answer:
    """The credit of each channel under one data-driven model; the same paths, in any order, give the same bits.

    Args:
        paths: converting and non-converting journeys; a path may come more than once.
        order: of the Markov chain, 1 to 3; the other models have none.
        minimum_conversions: fewer converting journeys are too few.
        minimum_non_conversions: likewise; 0 lets the Markov chain, which alone can, do without.
        resamples: bootstrap draws; 0 leaves the intervals out.
        seed: of the draws.
        progress: told how many draws are done, after each.
    Raises:
        ModelNotInstalled: numpy or scipy is not installed.
        ValueError: an unknown model, an order that is none, counts that are no counts.
    """
    if model not in DATA_DRIVEN_MODELS:
        raise ValueError(f"unknown model {model!r}: it is one of {', '.join(DATA_DRIVEN_MODELS)}")
    if not installed():
        raise ModelNotInstalled
    from adplanning_plugin.stats.bootstrap import resampled
    from adplanning_plugin.stats.path_table import PathTable

    table = paths if isinstance(paths, PathTable) else PathTable.of(paths)
    if model == "leave_one_out" or resamples:
        table = table.distinct()
    missing = _missing(table, model, minimum_conversions, minimum_non_conversions)
    if missing:
        return InsufficientData(model=model, missing=missing)
    prepared = _prepare(table, model, order)
    estimates = prepared.fit(table.counts)
    if not estimates.conversions.any():
        sentence = "No channel's effect is above 0: the paths give no ground to credit one rather than another."
        none = Missing(code="no_positive_effect", have=0, need=1, sentence=sentence)
        return InsufficientData(model=model, missing=(none,))
    bounds = (
        resampled(prepared, table, resamples=resamples, seed=seed, confidence=confidence, progress=progress)
        if resamples
        else None
    )
    return _answer(
        table,
        model,
        order if model == "markov" else None,
        estimates,
        bounds,
        resamples=resamples,
        seed=seed if resamples else None,
        confidence=confidence if resamples else None,
    )


def touch_weights(channels: Sequence[str], effects: Mapping[str, float]) -> list[float]:
    """Each touch's share of one conversion: its channel's effect, split over the channel's touches.

    Channels that `effects` lacks, and effects below 0, count as 0.

    Returns:
        (n,) weights that sum to 1, or all zeros where no touch's channel has an effect above 0.
    """
    times = Counter(channels)
    raw = [max(effects.get(channel, 0.0), 0.0) / times[channel] for channel in channels]
    whole = sum(raw)
    return [part / whole for part in raw] if whole > 0 else [0.0] * len(raw)


def _prepare(table: PathTable, model: ModelName, order: int) -> Model:
    if model == "markov":
        from adplanning_plugin.stats.markov import MarkovChain

        return MarkovChain(table, order)
    if model == "shapley":
        from adplanning_plugin.stats.shapley import ConversionRateGame

        return ConversionRateGame(table)
    from adplanning_plugin.stats.leave_one_out import LeaveOneOut

    return LeaveOneOut(table)


def _missing(
    table: PathTable, model: ModelName, minimum_conversions: int, minimum_non_conversions: int
) -> tuple[Missing, ...]:
    from adplanning_plugin.stats.shapley import MAX_CHANNELS

    conversions, others = int(table.counts.conversions.sum()), int(table.counts.non_conversions.sum())
    if conversions + others == 0:
        return (Missing(code="no_paths", have=0, need=1, sentence="There are no journeys in this period."),)
    if not table.names:
        sentence = "No journey has a touch that counts: all were direct, or outside the window."
        return (Missing(code="no_touches", have=0, need=1, sentence=sentence),)
    found: list[Missing] = []
    wanted = max(minimum_conversions, 1)
    if conversions < wanted:
        sentence = f"{conversions} converting journeys are too few: the model takes at least {wanted}."
        found.append(Missing(code="too_few_conversions", have=conversions, need=wanted, sentence=sentence))
    elif not table.counts.conversions[table.lengths > 0].any():
        sentence = "No converting journey has a touch that counts: there is nothing to credit."
        found.append(Missing(code="no_converting_touches", have=0, need=1, sentence=sentence))
    wanted = max(minimum_non_conversions, 0 if model == "markov" else 1)
    if others < wanted:
        sentence = (
            f"{others} journeys without a conversion are too few: the model compares rates and takes at least {wanted}."
        )
        found.append(Missing(code="too_few_non_conversions", have=others, need=wanted, sentence=sentence))
    if model == "shapley" and len(table.names) > MAX_CHANNELS:
        sentence = (
            f"{len(table.names)} channels are too many for the exact Shapley value: it takes at most {MAX_CHANNELS}."
            " Call the smallest by one name, or use markov."
        )
        found.append(Missing(code="too_many_channels", have=len(table.names), need=MAX_CHANNELS, sentence=sentence))
    return tuple(found)


def _answer(
    table: PathTable,
    model: ModelName,
    order: int | None,
    estimates: Estimates,
    bounds: Bounds | None,
    *,
    resamples: int,
    seed: int | None,
    confidence: float | None,
) -> Attribution:
    conversions, value = float(table.counts.conversions.sum()), float(table.counts.value.sum())
    credited, credited_value = float(estimates.conversions.sum()), float(estimates.value.sum())
    journeys = float(table.counts.journeys.sum())

    def channel(index: int, name: str) -> ChannelCredit:
        effect = float(estimates.effect[index])
        ends = None if bounds is None else Interval(*bounds.effect[index].tolist())
        return ChannelCredit(
            channel=name,
            effect=effect,
            value_effect=float(estimates.value_effect[index]),
            share=float(estimates.conversions[index]) / credited,
            value_share=float(estimates.value[index]) / credited_value if credited_value > 0 else 0.0,
            conversions=float(estimates.conversions[index]),
            value=float(estimates.value[index]),
            effect_interval=ends,
            share_interval=None if bounds is None else Interval(*bounds.share[index].tolist()),
            value_share_interval=None if bounds is None else Interval(*bounds.value_share[index].tolist()),
            includes_zero=None if ends is None else ends.low <= 0.0 <= ends.high,
        )

    return Attribution(
        model=model,
        order=order,
        journeys=int(journeys),
        conversions=int(conversions),
        value=int(value),
        conversion_rate=conversions / journeys,
        unattributed_conversions=_untouched(table, conversions, "conversions"),
        unattributed_value=_untouched(table, value, "value") if credited_value > 0 else value,
        channels=tuple(channel(index, name) for index, name in enumerate(table.names)),
        below_zero=tuple(name for name, effect in zip(table.names, estimates.effect, strict=True) if effect < 0),
        resamples=resamples,
        undefined_resamples=bounds.undefined if bounds else 0,
        confidence=confidence,
        seed=seed,
    )


def _untouched(table: PathTable, total: float, field: Literal["conversions", "value"]) -> float:
    """What belongs to journeys without a touch that counts, which no channel can be credited with."""
    return total - float(getattr(table.counts, field)[table.lengths > 0].sum())
