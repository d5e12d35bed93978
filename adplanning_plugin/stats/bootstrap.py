"""Bootstrap: how far each channel's effect and share would move had other journeys come by. Needs numpy.

Journeys are drawn anew from the observed ones, as many as there were: a multinomial over (path, converted or not). Each
draw is fitted by the same model; the interval is between percentiles of the draws. The value of a conversion is its
path's mean, so what varies is who came and converted, not what they spent.

The seed decides the draws; they come from numpy's frozen generator, whose stream no release changes. The table is put
into its own order first, so the order of the paths plays no part.

Source: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adplanning_plugin.stats.estimates import Model, shares
from adplanning_plugin.stats.path_table import Counts, Floats, PathTable


@dataclass(frozen=True)
class Bounds:
    """Lower and upper ends for each channel: (channels, 2). `undefined` draws had no conversion to credit."""

    effect: Floats
    share: Floats
    value_share: Floats
    undefined: int


def resampled(
    model: Model,
    table: PathTable,
    *,
    resamples: int,
    seed: int,
    confidence: float = 0.95,
    progress: Callable[[int], None] | None = None,
) -> Bounds:
    """Percentile intervals of a model over a table of distinct paths, the one that the model was prepared for.

    Args:
        progress: told how many draws are fitted, after each.
    Raises:
        ValueError: resamples below 2, or a confidence outside 0 … 1.
    """
    if resamples < 2:
        raise ValueError("resamples must be at least 2; 200 or more give steady ends")
    if not 0 < confidence < 1:
        raise ValueError("confidence must be between 0 and 1, for example 0.95")
    counts = table.counts
    paths = len(table)
    cells = np.concatenate([counts.conversions, counts.non_conversions])
    occupied = np.flatnonzero(cells)
    total = int(cells.sum())
    chances = cells[occupied] / total
    worth = np.divide(counts.value, counts.conversions, out=np.zeros(paths), where=counts.conversions > 0)
    draw = np.random.RandomState(seed)
    found = np.zeros((3, resamples, len(table.names)))
    undefined = 0
    for number in range(resamples):
        again = np.zeros(2 * paths)
        again[occupied] = draw.multinomial(total, chances)
        conversions = again[:paths]
        # A value without a conversion (a fee, a late refund) cannot be drawn with one: it stays.
        value = np.where(counts.conversions > 0, conversions * worth, counts.value)
        estimates = model.fit(Counts(conversions, value, again[paths:]))
        undefined += not estimates.conversions.any()
        found[0, number] = estimates.effect
        found[1, number] = shares(estimates.conversions)
        found[2, number] = shares(estimates.value)
        if progress is not None:
            progress(number + 1)
    tail = (1.0 - confidence) / 2.0
    ends = np.quantile(found, [tail, 1.0 - tail], axis=1)
    return Bounds(ends[:, 0].T, ends[:, 1].T, ends[:, 2].T, undefined)
