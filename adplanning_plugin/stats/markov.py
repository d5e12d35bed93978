"""Markov: an absorbing chain over the last one to three touches, and what each channel's removal takes from it.

Exact: transition counts and one linear solve; no simulation, no seed. Needs numpy, and scipy for large chains.

A journey starts, moves from state to state, and ends in a conversion or without one. A state is the last `order`
touches (fewer at the start of a path). With T the counted transitions, D the visits and E the conversions that follow
each state, the probability h of a conversion from each state solves (D − T) h = E.

The removal effect of a channel is the share of conversions that is lost when every journey that would enter one of its
states ends without a conversion instead. With G = (D − T)⁻¹ and C the states that end in the channel, the conversions
lost are 1ᵀ (G_CC)⁻¹ h_C: the first entries into C, each with what followed (for one state, h / G). Value likewise.

Sources: E. Anderl, I. Becker, F. von Wangenheim, J. Schumann, "Mapping the customer journey", International Journal of
Research in Marketing 33 (2016), for the model; J. Kemeny, J. Snell, "Finite Markov Chains" (1960), ch. III, for the
fundamental matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adplanning_plugin.stats.estimates import Estimates
from adplanning_plugin.stats.path_table import Counts, Floats, Ints, PathTable, tally

ORDERS = (1, 2, 3)
DENSE_STATES = 2_000
"""Above, a chain is always kept sparse."""
_USUAL_STEPS = 100
_AT_ONCE = 4_000_000
_COUNTED_DIRECTLY = 4_000_000
_STEPS = 5_000
_ENOUGH = 2.0**-52


@dataclass(frozen=True)
class _Flow:
    """The counts of a chain whose states are all visited: transitions (from, to, count), starts and ends."""

    last: Ints
    origin: Ints
    target: Ints
    moved: Floats
    visits: Floats
    starts: Floats
    converted: Floats
    value: Floats


class MarkovChain:
    """The chain of a table's paths. What does not depend on the counts is prepared once; `fit` takes the counts."""

    def __init__(self, table: PathTable, order: int = 1) -> None:
        if order not in ORDERS:
            raise ValueError(f"order must be one of {', '.join(map(str, ORDERS))}, not {order}")
        self.order = order
        self.channels = len(table.names)
        lengths = table.lengths
        # A journey without a touch goes from the start to its end: no channel's removal can reach it.
        self._touched = slice(None) if (lengths > 0).all() else lengths > 0
        self._lengths = lengths[self._touched]
        starts = table.offsets[:-1][self._touched]
        self._ends = table.offsets[1:][self._touched] - 1
        states, self._keys = _states(table.codes, starts, self.channels, order)
        self.states = len(self._keys)
        self._first_state = states[starts]
        self._end_state = states[self._ends]
        self._moves, self._move = _moves(states, table.codes, self.channels, self.states)

    def conversion_probability(self, counts: Counts) -> float:
        """The chain's own probability that a journey which starts ends in a conversion, by a solve over all states."""
        flow = self._flow(counts)
        total = float(counts.journeys.sum())
        direct = float(counts.conversions.sum() - counts.conversions[self._touched].sum())
        if _dense_is_cheaper(flow, self.channels):
            reached = _eliminate(_balance(flow), flow.converted[:, None])
            through = float((flow.starts * reached[:, 0]).sum())
        else:
            visits = _taboo(flow, np.array([-1]), from_nothing=True)
            through = float((visits[:, 0] / flow.visits * flow.converted).sum())
        return (through + direct) / total

    def fit(self, counts: Counts) -> Estimates:
        """Removal effects of conversions and of value, one for each channel of the table; 0 where nothing is lost."""
        flow = self._flow(counts)
        if len(flow.visits) == 0:
            return Estimates.none(self.channels)
        solve = self._dense if _dense_is_cheaper(flow, self.channels) else self._sparse
        lost, lost_value = solve(flow)
        conversions, value = float(counts.conversions.sum()), float(counts.value.sum())
        effect = np.clip(lost / conversions, 0.0, 1.0) if conversions > 0 else np.zeros(self.channels)
        value_effect = lost_value / value if value > 0 else np.zeros(self.channels)
        touched = self._touched
        return Estimates.shared(
            effect, value_effect, float(counts.conversions[touched].sum()), float(counts.value[touched].sum())
        )

    def _flow(self, counts: Counts) -> _Flow:
        touched, size = self._touched, self.states
        journeys = counts.journeys[touched]
        starts = tally(self._first_state, journeys, size)
        ended = tally(self._end_state, journeys, size)
        converted = tally(self._end_state, counts.conversions[touched], size)
        value = tally(self._end_state, counts.value[touched], size)
        weight = np.repeat(journeys, self._lengths)
        weight[self._ends] = 0.0  # what stands behind the end of a path is another path
        moved = tally(self._move, weight, len(self._moves))
        real = np.flatnonzero(moved)
        moved = moved[real]
        origin, following = np.divmod(self._moves[real], max(self.channels, 1))
        target = self._next(origin, following)
        visits = ended + tally(origin, moved, size)
        last = self._keys % (self.channels + 1) - 1
        met = visits > 0
        if met.all():
            return _Flow(last, origin, target, moved, visits, starts, converted, value)
        place = np.cumsum(met) - 1
        return _Flow(
            last[met], place[origin], place[target], moved, visits[met], starts[met], converted[met], value[met]
        )

    def _next(self, origin: Ints, channel: Ints) -> Ints:
        """The state that follows each of these states with this channel."""
        base = self.channels + 1
        known = self._keys[origin] % base ** (self.order - 1)
        return np.searchsorted(self._keys, known * base + channel + 1)

    def _dense(self, flow: _Flow) -> tuple[Floats, Floats]:
        size = len(flow.visits)
        solved = _eliminate(_balance(flow), np.column_stack([np.eye(size), flow.converted, flow.value]))
        green, ahead = solved[:, :size], solved[:, size:]
        lost = np.zeros((self.channels, 2))
        if self.order == 1:
            lost[flow.last] = ahead / np.diagonal(green)[:, None]
        else:
            for channel in np.unique(flow.last).tolist():
                own = np.flatnonzero(flow.last == channel)
                lost[channel] = _eliminate(green[np.ix_(own, own)], ahead[own]).sum(axis=0)
        return lost[:, 0], lost[:, 1]

    def _sparse(self, flow: _Flow) -> tuple[Floats, Floats]:
        present = np.unique(flow.last)
        lost = np.zeros((self.channels, 2))
        width = max(1, _AT_ONCE // len(flow.visits))
        for begin in range(0, len(present), width):
            some = present[begin : begin + width]
            share = _taboo(flow, some) / flow.visits[:, None]
            lost[some, 0] = flow.converted.sum() - (share * flow.converted[:, None]).sum(axis=0)
            lost[some, 1] = flow.value.sum() - (share * flow.value[:, None]).sum(axis=0)
        return lost[:, 0], lost[:, 1]


def _states(codes: Ints, starts: Ints, channels: int, order: int) -> tuple[Ints, Ints]:
    """(the state of each touch, the key of each state): the last touches as digits, the newest lowest, 0 for none."""
    if order == 1:
        return codes, np.arange(1, channels + 1)
    base = channels + 1
    key = codes + 1
    before = key.copy()
    for power in range(1, order):
        before[1:] = before[:-1].copy()
        before[starts] = 0
        key += before * base**power
    found, states = _dense_ids(key, base**order)
    return states, found


def _moves(states: Ints, codes: Ints, channels: int, size: int) -> tuple[Ints, Ints]:
    """(the keys of the transitions, which of them each touch makes): the next channel decides the next state."""
    move = states * channels
    move[:-1] += codes[1:]
    if size * channels <= _COUNTED_DIRECTLY:
        return np.arange(size * channels), move
    return _dense_ids(move, size * channels)


def _dense_ids(key: Ints, bound: int) -> tuple[Ints, Ints]:
    """(the sorted distinct keys, the index of each key among them)."""
    if bound > max(_COUNTED_DIRECTLY, len(key)):
        found, ids = np.unique(key, return_inverse=True)
        return found, ids.reshape(-1)
    present = np.zeros(bound, dtype=np.bool_)
    present[key] = True
    found = np.flatnonzero(present)
    if len(found) == bound:
        return found, key
    place = np.zeros(bound, dtype=np.int64)
    place[found] = np.arange(len(found))
    return found, place[key]


def _dense_is_cheaper(flow: _Flow, channels: int) -> bool:
    """Whether one inverse for every channel costs less than a sparse solve for each; the counts alone decide."""
    size = len(flow.visits)
    return size <= DENSE_STATES and 2 * size**3 <= _USUAL_STEPS * len(flow.moved) * channels + 1_000_000


def _balance(flow: _Flow) -> Floats:
    """D − T: whole numbers, so nothing is rounded before the solve."""
    matrix = np.zeros((len(flow.visits), len(flow.visits)))
    matrix[flow.origin, flow.target] = -flow.moved
    matrix[np.diag_indices(len(flow.visits))] += flow.visits
    return matrix


def _eliminate(matrix: Floats, right: Floats) -> Floats:
    """Solves matrix · x = right by elimination; (n, n) and (n, m) give (n, m).

    Written out, because a library's blocks, and with them the last bits, change with its threads and processor. D − T
    and the inverses of its blocks need no pivots.
    """
    size = len(matrix)
    work = np.concatenate([matrix, right], axis=1)
    for pivot in range(size):
        row = work[pivot, pivot + 1 :] / work[pivot, pivot]
        column = work[:, pivot].copy()
        column[pivot] = 0.0
        work[:, pivot + 1 :] -= column[:, None] * row
        work[pivot, pivot + 1 :] = row
    return work[:, size:]


def _taboo(flow: _Flow, channels: Ints, *, from_nothing: bool = False) -> Floats:
    """Visits to each state by journeys that end, unconverted, where they would enter one of the channel's states.

    One column a channel (−1 forbids nothing). Solves x = start + Qᵀx on the allowed states by repeating it: every term
    is positive, so no digit cancels, and the full chain's visits, an upper bound, are the starting point. A chain that
    takes too many steps is factorised instead.

    Args:
        from_nothing: start from no visits instead, for a check that does not rest on the bound.
    Returns:
        (states, channels) visits.
    """
    from scipy import sparse

    size = len(flow.visits)
    allowed = flow.last[:, None] != channels[None, :]
    onward = sparse.csr_array((flow.moved / flow.visits[flow.origin], (flow.target, flow.origin)), shape=(size, size))
    start = flow.starts[:, None] * allowed
    visits = np.zeros_like(start) if from_nothing else flow.visits[:, None] * allowed
    scale = float(flow.visits.max())
    previous = np.inf
    for _ in range(_STEPS):
        following = (start + onward @ visits) * allowed
        change = float(np.abs(following - visits).max())
        visits = following
        slower = min(change / previous, 0.999_999) if 0 < previous < np.inf else 0.999_999
        if change / (1.0 - slower) <= _ENOUGH * scale:
            return visits
        previous = change
    for column, channel in enumerate(channels.tolist()):
        kept = np.flatnonzero(flow.last != channel)
        system = (sparse.eye_array(len(kept)) - onward[kept][:, kept]).tocsc()
        visits[kept, column] = sparse.linalg.splu(system).solve(flow.starts[kept])
    return visits
