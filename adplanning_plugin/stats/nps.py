"""Net Promoter Score: the class of an answer, and a group's score with its interval. Pure arithmetic over counts."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Literal

NpsClass = Literal["promoter", "passive", "detractor"]


@dataclass(frozen=True, slots=True)
class NpsAnswer:
    """One answer on the scale of 0 to 10, and its class."""

    score: float
    nps_class: NpsClass


@dataclass(frozen=True, slots=True)
class NpsScore:
    """A group's score, from -100 (all detractors) to 100 (all promoters)."""

    score: float
    n: int
    low: float
    high: float
    confidence: float


def scale_of(rating: float, scale: int | None) -> int:
    """The scale that an answer was given on; without one, up to 5 is read as 1 to 5."""
    if scale is not None:
        return scale
    return 5 if rating <= 5 else 10


def classify(rating: float, scale: int | None = None) -> NpsAnswer | None:
    """The class of an answer; None where it lies outside its scale, or the scale is neither 1-5 nor 0-10.

    0 to 10: 9 and 10 promote, 7 and 8 are passive, the rest detract (Reichheld, "The one number you need to grow",
    Harvard Business Review, 2003). 1 to 5: 5 promotes, 4 is passive, 1 to 3 detract; the class is read off the answer
    itself, and its score is (rating - 1) x 2.5, so that 1 is 0 and 5 is 10.
    """
    kind = scale_of(rating, scale)
    if kind == 5 and 1 <= rating <= 5:
        return NpsAnswer((rating - 1) * 2.5, "promoter" if rating >= 5 else "passive" if rating >= 4 else "detractor")
    if kind == 10 and 0 <= rating <= 10:
        return NpsAnswer(float(rating), "promoter" if rating >= 9 else "passive" if rating >= 7 else "detractor")
    return None


def net_promoter_score(promoters: int, passives: int, detractors: int, *, confidence: float = 0.95) -> NpsScore | None:
    """The share of promoters less that of detractors, in points; None without answers.

    The interval is the adjusted Wald one: 3/4 promoters, 3/2 passives and 3/4 detractors are added before its centre
    and variance are taken (Rocks, "Interval Estimation for the Net Promoter Score", The American Statistician 70,
    2016), so that it holds for few answers and for answers that all agree. It is cut off at -100 and 100.

    Raises:
        ValueError: a count is negative, or the confidence is not between 0 and 1.
    """
    if min(promoters, passives, detractors) < 0:
        raise ValueError("promoters, passives and detractors are counts: none may be negative")
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1, such as 0.95")
    n = promoters + passives + detractors
    if n == 0:
        return None
    weight = n + 3
    for_, against = (promoters + 0.75) / weight, (detractors + 0.75) / weight
    centre = for_ - against
    margin = NormalDist().inv_cdf(0.5 + confidence / 2) * sqrt((for_ + against - centre**2) / weight)
    return NpsScore(
        score=100 * (promoters - detractors) / n,
        n=n,
        low=max(-100.0, 100 * (centre - margin)),
        high=min(100.0, 100 * (centre + margin)),
        confidence=confidence,
    )
