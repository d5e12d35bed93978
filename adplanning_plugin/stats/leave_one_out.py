"""Leave one out: what a path's conversion rate is above that of the same path without one touch. Needs numpy.

For each touch of a path, the rate of the path less the rate of the path that remains without it (0 where nobody took
that path). A path's conversions are shared in proportion to what is above 0, and go to the last touch where nothing is.
Some tools call this a Shapley value. It is not: it looks at one coalition a touch instead of all.

The effect of a channel is the sum of these differences over its touches, below 0 too, weighted by the journeys on each
path and divided by all journeys.

Source: Google's Fractribution, which shares conversions by these rules.
"""

from __future__ import annotations

import numpy as np

from adplanning_plugin.stats.estimates import Estimates
from adplanning_plugin.stats.path_table import Counts, Floats, PathTable, tally


class LeaveOneOut:
    """The paths of a table beside the paths that remain without each touch; every path must be there once."""

    def __init__(self, table: PathTable) -> None:
        self.channels = len(table.names)
        self._codes = table.codes
        self._path = np.repeat(np.arange(len(table)), table.lengths)
        self._last = table.offsets[1:][table.lengths > 0] - 1
        self._touched = table.lengths > 0
        keys = table.keys()
        place = {key: index for index, key in enumerate(keys) if key}
        if len(place) != int(self._touched.sum()):
            raise ValueError("every path must be in the table once: take table.distinct()")
        # −1 where nobody took the rest of the path: a rate of 0.
        self._without = np.fromiter(
            (place.get(key[:cut] + key[cut + 4 :], -1) for key in keys for cut in range(0, len(key), 4)),
            dtype=np.int64,
            count=len(table.codes),
        )

    def path_shares(self, counts: Counts) -> tuple[Floats, Floats]:
        """(each touch's share of its path's conversions, the difference in rate that it makes); (touches,)."""
        journeys = counts.journeys
        rate = np.divide(counts.conversions, journeys, out=np.zeros(len(journeys)), where=journeys > 0)
        difference = rate[self._path] - np.append(rate, 0.0)[self._without]
        above = np.maximum(difference, 0.0)
        whole = tally(self._path, above, len(rate))
        plain = whole == 0
        share = above / np.where(plain, 1.0, whole)[self._path]
        ends = self._last[plain[self._touched]]
        share[ends] = 1.0
        return share, difference

    def fit(self, counts: Counts) -> Estimates:
        """Effects and credit; the value of a path is shared as its conversions are."""
        share, difference = self.path_shares(counts)
        total = float(counts.journeys.sum())

        def by_channel(amounts: Floats) -> Floats:
            return tally(self._codes, amounts, self.channels)

        effect = by_channel(difference * counts.journeys[self._path]) / total if total > 0 else np.zeros(self.channels)
        value = by_channel(share * counts.value[self._path])
        return Estimates(
            effect=effect,
            value_effect=value / total if total > 0 else np.zeros(self.channels),
            conversions=by_channel(share * counts.conversions[self._path]),
            value=value,
        )
