"""Credit: who gets how much of a conversion. Pure arithmetic over already selected touches; no input, no output.

Touches are ordered oldest first. Every function returns weights that sum to 1, or all zeros where nothing qualifies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Direct = Literal["exclude_unless_all", "include", "exclude"]
"""What linear, time decay and position based do with direct touches."""

HALF_LIFE_HOURS = 168.0
FIRST_SHARE = 0.4
LAST_SHARE = 0.4
MODELS = ("last_click", "first_click", "linear", "time_decay", "position_based", "last_non_direct")
"""The rule models, in the order in which credit rows keep them."""
ALIASES = {"last_touch": "last_click", "first_touch": "first_click", "last_non_direct_click": "last_non_direct"}


def last_click(n: int) -> list[float]:
    """All credit to the last of `n` ≥ 1 touches; shape (n,)."""
    _some(n)
    return [0.0] * (n - 1) + [1.0]


def first_click(n: int) -> list[float]:
    """All credit to the first of `n` ≥ 1 touches; shape (n,)."""
    _some(n)
    return [1.0] + [0.0] * (n - 1)


def linear(n: int) -> list[float]:
    """1/n to each of `n` ≥ 1 touches; shape (n,)."""
    _some(n)
    return [1.0 / n] * n


def time_decay(ages_hours: Sequence[float], half_life_hours: float = HALF_LIFE_HOURS) -> list[float]:
    """Weights that halve every `half_life_hours` before the conversion: w ∝ 2^(−age / half-life).

    Ages are taken relative to the youngest touch, which leaves the shares as they are and never underflows to 0/0.
    Source: the time-decay rule of Google Analytics (seven days by default).

    Args:
        ages_hours: (n,) hours from each touch to the conversion, ≥ 0.
        half_life_hours: > 0.
    Returns:
        (n,) weights that sum to 1.
    Raises:
        ValueError: no touches, a negative age, or a half-life that is not positive.
    """
    _some(len(ages_hours))
    if min(ages_hours) < 0:
        raise ValueError("a touch after the conversion earns nothing: ages must be ≥ 0 hours")
    if half_life_hours <= 0:
        raise ValueError("half_life_hours must be greater than 0")
    youngest = min(ages_hours)
    raw = [2.0 ** (-(age - youngest) / half_life_hours) for age in ages_hours]
    whole = sum(reversed(raw))
    return [part / whole for part in raw]


def position_based(n: int, first: float = FIRST_SHARE, last: float = LAST_SHARE) -> list[float]:
    """`first` to the first touch, `last` to the last, the rest shared by those between; shape (n,).

    One touch gets 1; two share in proportion to `first` and `last` (half each where both are 0).

    Raises:
        ValueError: no touches, a negative share, or shares that sum to more than 1.
    """
    _some(n)
    if first < 0 or last < 0 or first + last > 1 + 1e-12:
        raise ValueError("first and last must be ≥ 0 and sum to at most 1")
    if n == 1:
        return [1.0]
    if n == 2:
        ends = first + last
        return [first / ends, last / ends] if ends > 0 else [0.5, 0.5]
    middle = (1.0 - first - last) / (n - 2)
    return [first] + [middle] * (n - 2) + [last]


def last_non_direct(is_direct: Sequence[bool]) -> list[float]:
    """All credit to the last touch that is not direct; all zeros where every touch is; shape (n,)."""
    _some(len(is_direct))
    weights = [0.0] * len(is_direct)
    for index in range(len(is_direct) - 1, -1, -1):
        if not is_direct[index]:
            weights[index] = 1.0
            break
    return weights


def weights(
    model: str,
    ages_hours: Sequence[float],
    is_direct: Sequence[bool],
    *,
    half_life_hours: float = HALF_LIFE_HOURS,
    first: float = FIRST_SHARE,
    last: float = LAST_SHARE,
    direct: Direct = "exclude_unless_all",
) -> list[float]:
    """The weights of one rule model over the touches of one conversion within one window.

    last_click and first_click take any touch, last_non_direct never a direct one; for the others `direct` decides.

    Args:
        model: a name of `MODELS` or an alias of one.
        ages_hours: (n,) hours before the conversion, oldest touch first.
        is_direct: (n,) whether the touch is direct.
    Returns:
        (n,) weights that sum to 1, or all zeros where no touch qualifies.
    Raises:
        ValueError: an unknown model, or lengths that differ.
    """
    name = ALIASES.get(model, model)
    if len(ages_hours) != len(is_direct):
        raise ValueError("ages_hours and is_direct must have one entry for each touch")
    n = len(ages_hours)
    if n == 0:
        return []
    if name == "last_click":
        return last_click(n)
    if name == "first_click":
        return first_click(n)
    if name == "last_non_direct":
        return last_non_direct(is_direct)
    chosen = eligible(is_direct, direct)
    if not chosen:
        return [0.0] * n
    if name == "linear":
        parts = linear(len(chosen))
    elif name == "time_decay":
        parts = time_decay([ages_hours[i] for i in chosen], half_life_hours)
    elif name == "position_based":
        parts = position_based(len(chosen), first, last)
    else:
        raise ValueError(f"unknown model {model!r}: it is one of {', '.join(MODELS)}")
    result = [0.0] * n
    for index, part in zip(chosen, parts, strict=True):
        result[index] = part
    return result


def eligible(is_direct: Sequence[bool], direct: Direct) -> list[int]:
    """Indices of the touches that linear, time decay and position based share a conversion among."""
    named = [index for index, plain in enumerate(is_direct) if not plain]
    if direct == "include" or (direct == "exclude_unless_all" and not named):
        return list(range(len(is_direct)))
    return named


def _some(n: int) -> None:
    if n < 1:
        raise ValueError("a conversion without touches is unattributed: there is nothing to weigh")
