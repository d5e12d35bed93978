"""Estimates: what one run of a data-driven model says of every channel, as arrays. Needs numpy; knows no model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from adplanning_plugin.stats.path_table import Counts, Floats


@dataclass(frozen=True)
class Estimates:
    """One entry for each channel of the table: the model's own effects, and the credit that follows from them."""

    effect: Floats
    value_effect: Floats
    conversions: Floats
    value: Floats

    @classmethod
    def none(cls, channels: int) -> Estimates:
        """Nothing to share: every figure is 0."""
        return cls(*(np.zeros(channels) for _ in range(4)))

    @classmethod
    def shared(cls, effect: Floats, value_effect: Floats, conversions: float, value: float) -> Estimates:
        """Conversions and value shared in proportion to the effects; a channel whose effect is below 0 gets none."""
        return cls(effect, value_effect, shares(effect) * conversions, shares(value_effect) * max(value, 0.0))


class Model(Protocol):
    """A model prepared for a table; the same table answers for many counts, which is what resampling needs."""

    def fit(self, counts: Counts) -> Estimates:
        """The estimates under these counts."""
        ...


def shares(effect: Floats) -> Floats:
    """Parts of 1 in proportion to what is above 0; all zeros where nothing is."""
    positive = np.maximum(effect, 0.0)
    whole = float(positive.sum())
    return positive / whole if whole > 0 else np.zeros(len(effect))
