"""Ranks: places with ties, and how far two orders agree. Plain Python; it knows nothing of what is ranked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import sqrt


def places(values: Sequence[float]) -> list[int]:
    """1 for the largest; equal values share the better place (1, 2, 2, 4)."""
    ordered = sorted(values, reverse=True)
    first: dict[float, int] = {}
    for place, value in enumerate(ordered, start=1):
        first.setdefault(value, place)
    return [first[value] for value in values]


def mid_ranks(values: Sequence[float]) -> list[float]:
    """1 for the largest; equal values share the mean of their places (1, 2.5, 2.5, 4), which Spearman's rho takes."""
    ties = Counter(values)
    return [place + (ties[value] - 1) / 2 for place, value in zip(places(values), values, strict=True)]


def spearman(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Spearman's rho: Pearson's correlation of mid-ranks, −1 … 1.

    None where there are fewer than two values, or one side's are all the same.

    Source: C. Spearman, "The proof and measurement of association between two things" (1904).

    Raises:
        ValueError: lengths that differ.
    """
    if len(left) != len(right):
        raise ValueError("both sides must have one value for each thing that is ranked")
    if len(left) < 2:
        return None
    a, b = mid_ranks(left), mid_ranks(right)
    middle = (len(left) + 1) / 2
    across = sum((x - middle) * (y - middle) for x, y in zip(a, b, strict=True))
    spread = sqrt(sum((x - middle) ** 2 for x in a) * sum((y - middle) ** 2 for y in b))
    return None if spread == 0 else max(-1.0, min(1.0, across / spread))
