"""Shapley: the value of each channel in the game whose coalitions are worth their conversion rate. Needs numpy.

The players are the channels. A coalition S is worth v(S), the conversion rate of the journeys that met channels of S
and no other; v(∅) = 0, and v(S) = 0 where no such journey was seen. The Shapley value of channel i is
φ_i = Σ over S without i of |S|! (n − |S| − 1)! / n! · (v(S ∪ i) − v(S)), every coalition taken, none sampled.
The values add up to v(all), the conversion rate, so φ_i × journeys is a credit in conversions. A channel that lowers
the rate has a value below 0 and gets no credit. Value (money) is the same game on value per journey.

v is read off sums over subsets of each coalition's own counts (the zeta transform over bit masks), so a table costs
2ⁿ · n steps however many paths it has.

Sources: L. Shapley, "A value for n-person games" (1953); K. Zhao, S. Mahboobi, S. Bagheri, "Shapley value methods for
attribution modeling in online advertising" (2018), for the game on journeys' channel sets.
"""

from __future__ import annotations

from math import factorial

import numpy as np

from adplanning_plugin.stats.estimates import Estimates, shares
from adplanning_plugin.stats.path_table import Counts, Floats, PathTable, tally

MAX_CHANNELS = 20
"""2²⁰ coalitions; more are refused, with the advice to call the smallest channels by one name."""


class ConversionRateGame:
    """The game of a table's paths: which channels each met is prepared once; `fit` takes the counts."""

    def __init__(self, table: PathTable) -> None:
        self.channels = len(table.names)
        if self.channels > MAX_CHANNELS:
            raise ValueError(f"the exact Shapley value takes at most {MAX_CHANNELS} channels, not {self.channels}")
        self._touched = table.lengths > 0
        starts = table.offsets[:-1][self._touched]
        bits = np.left_shift(np.int64(1), table.codes)
        self._met = np.bitwise_or.reduceat(bits, starts) if len(starts) else np.zeros(0, dtype=np.int64)

    def worths(self, counts: Counts) -> tuple[Floats, Floats]:
        """v of every coalition, in conversions and in value a journey; shape (2 ** channels,), bit i is channel i."""
        touched = self._touched
        journeys = self._sums(counts.journeys[touched])
        seen = np.where(journeys > 0, journeys, 1.0)
        return self._sums(counts.conversions[touched]) / seen, self._sums(counts.value[touched]) / seen

    def fit(self, counts: Counts) -> Estimates:
        """Shapley values, and the conversions and value that they credit; journeys without a touch play no part."""
        if self.channels == 0:
            return Estimates.none(0)
        rate, worth = self.worths(counts)
        effect, value_effect = shapley_values(rate), shapley_values(worth)
        conversions, value = counts.conversions[self._touched].sum(), counts.value[self._touched].sum()
        return Estimates(effect, value_effect, shares(effect) * conversions, shares(value_effect) * max(value, 0.0))

    def _sums(self, amounts: Floats) -> Floats:
        """For every coalition the sum over the journeys that met none but its channels."""
        sums = tally(self._met, amounts, 1 << self.channels)
        for channel in range(self.channels):
            halves = sums.reshape(-1, 2, 1 << channel)
            halves[:, 1] += halves[:, 0]
        return sums


def shapley_values(worth: Floats) -> Floats:
    """The Shapley values of any game.

    Args:
        worth: (2 ** n,) of every coalition; bit i of the index says whether player i is in it; `worth[0]` is the
            empty coalition's.
    Returns:
        (n,) values, which sum to the worth of all less the worth of none.
    Raises:
        ValueError: a length that is no power of two.
    """
    n = len(worth).bit_length() - 1
    if len(worth) != 1 << n:
        raise ValueError("worth must have an entry for each of the 2 ** n coalitions")
    size = np.zeros(1, dtype=np.int64)
    for _ in range(n - 1):
        size = np.concatenate([size, size + 1])
    weight = np.array([factorial(s) * factorial(n - s - 1) / factorial(n) for s in range(n)])
    values = np.empty(n)
    for player in range(n):
        halves = worth.reshape(-1, 2, 1 << player)
        # Without the player's bit, both halves list the other players' coalitions in the same order.
        gained = (halves[:, 1] - halves[:, 0]).reshape(-1)
        values[player] = (weight[size] * gained).sum()
    return values
