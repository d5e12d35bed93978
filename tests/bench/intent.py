"""Intent: how far each model's credit is from the truth where retargeting and brand search follow the wish to buy.

A simulation, not a measurement of time: people have an intent, two channels raise it or help it, two only meet those
who have it. Withholding a channel from the same people, with the same chances, gives what it truly adds.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from adplanning_plugin.stats import credit
from adplanning_plugin.stats.data_driven import Attribution, ModelName, attribute, touch_weights
from adplanning_plugin.stats.paths import JourneyPath
from tests.bench.harness import BenchError, Section, scaled

VIDEO, EMAIL, RETARGETING, BRAND = CHANNELS = ("Video", "Email", "Retargeting", "Brand search")
VALUE = 5_000
"""Minor units; every order is worth the same."""
HOURS = {VIDEO: 240.0, EMAIL: 96.0, RETARGETING: 30.0, BRAND: 1.0}
"""From a touch of the channel to the end of the journey: what time decay sees."""
DATA_DRIVEN: tuple[tuple[str, ModelName, int], ...] = (
    ("markov, order 1", "markov", 1),
    ("markov, order 2", "markov", 2),
    ("shapley", "shapley", 1),
    ("leave_one_out", "leave_one_out", 1),
)


def run() -> Section:
    """All rows of the section."""
    try:
        import numpy as np
    except ModuleNotFoundError:
        message = "numpy is not installed: the data-driven models need the extra `science`."
        raise BenchError(message) from None
    section = Section(name="credit against the truth")
    people = scaled(400_000, 1.0)
    touched, bought = _lives(np, people, withheld=None)
    paths = _paths(touched, bought)
    truth: dict[str, float] = {}
    for channel in CHANNELS:
        truth[channel] = float(bought.sum() - _lives(np, people, withheld=channel)[1].sum()) * VALUE
    section.add("orders, and those of no channel's making", _orders(bought, _lives(np, people, withheld=CHANNELS)[1]))
    section.add("true increment", _line(truth))
    for name in credit.MODELS:
        _row(section, name, _by_rule(paths, name), truth)
    for name, model, order in DATA_DRIVEN:
        answer = attribute(paths, model, order=order)
        assert isinstance(answer, Attribution)
        _row(section, name, {one.channel: one.value for one in answer.channels}, truth)
        effects = {one.channel: one.effect for one in answer.channels}
        _row(section, f"data_driven by {name}", _by_effects(paths, effects), truth)
    section.note(
        f"{people:,} simulated people; revenue in thousands, for {', '.join(CHANNELS)}. Video raises intent and email"
        " helps an order along; retargeting and brand search meet people because of their intent and add nothing."
        " last_non_direct is last_click here, since nobody comes directly. data_driven shares each order among its own"
        " path's channels by the effects of the fit above it."
        " Misplaced is the part of the credit that would have to move for the shares to be the true ones."
    )
    return section


def _lives(np: Any, people: int, *, withheld: str | tuple[str, ...] | None) -> tuple[dict[str, Any], Any]:
    """(who met which channel, who bought), with the same chances whatever is withheld."""
    draw = np.random.RandomState(0)
    chance = {name: draw.random_sample(people) for name in (*CHANNELS, "order")}
    out = () if withheld is None else (withheld,) if isinstance(withheld, str) else withheld
    intent = draw.beta(1.0, 4.0, people)
    met: dict[str, Any] = {}

    def meets(name: str, probability: Any) -> Any:
        met[name] = (chance[name] < probability) & (name not in out)
        return met[name]

    intent = intent + 0.10 * meets(VIDEO, 0.30)
    helped = meets(EMAIL, 0.25)
    meets(RETARGETING, 0.9 * intent)
    meets(BRAND, 0.8 * intent)
    return met, chance["order"] < 0.3 * intent**1.5 + 0.02 * helped


def _paths(met: dict[str, Any], bought: Any) -> list[JourneyPath]:
    counts: Counter[tuple[bool, ...]] = Counter(
        zip(*(met[name].tolist() for name in CHANNELS), bought.tolist(), strict=True)
    )
    found: list[JourneyPath] = []
    for (*flags, order), count in sorted(counts.items()):
        channels = tuple(name for name, flag in zip(CHANNELS, flags, strict=True) if flag)
        if order:
            found.append(JourneyPath(channels=channels, conversions=count, value=count * VALUE))
        else:
            found.append(JourneyPath(channels=channels, non_conversions=count))
    return found


def _by_rule(paths: list[JourneyPath], model: str) -> dict[str, float]:
    found = dict.fromkeys(CHANNELS, 0.0)
    for path in paths:
        ages = [HOURS[name] for name in path.channels]
        weights = credit.weights(model, ages, [False] * len(ages))
        for name, weight in zip(path.channels, weights, strict=True):
            found[name] += path.value * weight
    return found


def _by_effects(paths: list[JourneyPath], effects: dict[str, float]) -> dict[str, float]:
    found = dict.fromkeys(CHANNELS, 0.0)
    for path in paths:
        for name, weight in zip(path.channels, touch_weights(path.channels, effects), strict=True):
            found[name] += path.value * weight
    return found


def _row(section: Section, name: str, found: dict[str, float], truth: dict[str, float]) -> None:
    given, true = sum(found.values()), sum(truth.values())
    misplaced = sum(abs(found[channel] / given - truth[channel] / true) for channel in CHANNELS) / 2
    section.add(name, f"{_line(found)}; {given / true:.1f}× the truth, {misplaced:.0%} misplaced")


def _line(amounts: dict[str, float]) -> str:
    return " · ".join(f"{amounts[name] / 100_000:,.0f}" for name in CHANNELS)


def _orders(bought: Any, anyway: Any) -> str:
    return f"{int(bought.sum()):,} · {int(anyway.sum()):,}"
