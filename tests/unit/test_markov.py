"""Markov: removal effects are those of exact fractions, and the same bits whichever way the paths come."""

import itertools
import os
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adplanning_plugin.stats import data_driven
from adplanning_plugin.stats.paths import JourneyPath

np = pytest.importorskip("numpy", reason="data-driven credit needs the extra `science`")
pytest.importorskip("scipy", reason="data-driven credit needs the extra `science`")

from adplanning_plugin.stats import markov  # noqa: E402
from adplanning_plugin.stats.path_table import PathTable  # noqa: E402

ROOT = Path(__file__).parents[2]

journeys = st.lists(
    st.builds(
        JourneyPath,
        channels=st.lists(st.sampled_from("ABCD"), max_size=6).map(tuple),
        conversions=st.integers(0, 4),
        value=st.integers(0, 10_000),
        non_conversions=st.integers(0, 4),
    ),
    min_size=1,
    max_size=8,
)


def by_fractions(paths, order, removed=None):
    """(probability of a conversion, value per journey) of the chain, by elimination in exact fractions."""
    moves, ends, worth, visits = {}, {}, {}, {}
    for path in paths:
        count = path.conversions + path.non_conversions
        if not count:
            continue
        states = ["start", *(path.channels[max(0, i + 1 - order) : i + 1] for i in range(len(path.channels)))]
        for one, following in itertools.pairwise(states):
            moves[one, following] = moves.get((one, following), 0) + count
        for state in states:
            visits[state] = visits.get(state, 0) + count
        ends[states[-1]] = ends.get(states[-1], 0) + path.conversions
        worth[states[-1]] = worth.get(states[-1], 0) + (path.value if path.conversions else 0)
    names = [state for state in visits if state == "start" or state[-1] != removed]
    rows = [
        [Fraction(one == two) - Fraction(moves.get((one, two), 0), visits[one]) for two in names]
        + [Fraction(ends.get(one, 0), visits[one]), Fraction(worth.get(one, 0), visits[one])]
        for one in names
    ]
    for pivot in range(len(names)):
        swap = next(row for row in range(pivot, len(names)) if rows[row][pivot])
        rows[pivot], rows[swap] = rows[swap], rows[pivot]
        rows[pivot] = [cell / rows[pivot][pivot] for cell in rows[pivot]]
        for row in range(len(names)):
            if row != pivot and rows[row][pivot]:
                times = rows[row][pivot]
                rows[row] = [cell - times * above for cell, above in zip(rows[row], rows[pivot], strict=True)]
    return rows[names.index("start")][-2:]


def fit(paths, order):
    table = PathTable.of(paths)
    return table, markov.MarkovChain(table, order).fit(table.counts)


def worth_only_with_conversions(paths):
    return [
        JourneyPath(
            channels=one.channels,
            conversions=one.conversions,
            value=one.value if one.conversions else 0,
            non_conversions=one.non_conversions,
        )
        for one in paths
    ]


@settings(max_examples=80, deadline=None)
@given(journeys, st.sampled_from(markov.ORDERS))
def test_removal_effects_are_those_of_exact_fractions(paths, order):
    paths = worth_only_with_conversions(paths)
    if not any(one.conversions for one in paths):
        return
    table, found = fit(paths, order)
    whole, value = by_fractions(paths, order)
    for index, name in enumerate(table.names):
        less, less_value = by_fractions(paths, order, name)
        assert found.effect[index] == pytest.approx(float(1 - less / whole), abs=1e-12)
        if value:
            assert found.value_effect[index] == pytest.approx(float(1 - less_value / value), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(journeys, st.sampled_from(markov.ORDERS), st.booleans())
def test_the_chain_converts_at_the_observed_rate(paths, order, sparse):
    conversions = sum(one.conversions for one in paths)
    total = conversions + sum(one.non_conversions for one in paths)
    if not total:
        return
    table = PathTable.of(paths)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markov, "_dense_is_cheaper", lambda flow, channels: not (sparse and len(flow.visits)))
        found = markov.MarkovChain(table, order).conversion_probability(table.counts)
    assert found == pytest.approx(conversions / total, abs=1e-13)


def test_the_textbook_example_has_the_textbook_credit():
    paths = [
        JourneyPath(channels=("C1", "C2", "C3"), conversions=1),
        JourneyPath(channels=("C1",), non_conversions=1),
        JourneyPath(channels=("C2", "C3"), non_conversions=1),
    ]
    _, found = fit(paths, 1)
    assert found.effect.tolist() == pytest.approx([0.5, 1.0, 1.0], abs=1e-15)
    assert found.conversions.tolist() == pytest.approx([0.2, 0.4, 0.4], abs=1e-15)


@pytest.mark.parametrize("steps", [5_000, 1])
@pytest.mark.parametrize("order", markov.ORDERS)
def test_the_sparse_solves_agree_with_the_dense_one(monkeypatch, order, steps):
    paths = some_paths(seed=11, count=400)
    monkeypatch.setattr(markov, "_dense_is_cheaper", lambda flow, channels: True)
    _, dense = fit(paths, order)
    monkeypatch.setattr(markov, "_dense_is_cheaper", lambda flow, channels: False)
    monkeypatch.setattr(markov, "_STEPS", steps)  # with one step, every channel is factorised
    _, sparse = fit(paths, order)
    assert np.abs(dense.effect - sparse.effect).max() < 1e-12
    assert np.abs(dense.value_effect - sparse.value_effect).max() < 1e-12


@pytest.mark.parametrize("order", [2, 3])
def test_states_that_are_too_many_to_count_directly_are_sorted_instead(monkeypatch, order):
    paths = some_paths(seed=12, count=200)
    _, counted = fit(paths, order)
    monkeypatch.setattr(markov, "_COUNTED_DIRECTLY", 0)
    monkeypatch.setattr(markov, "_dense_ids", lambda key, bound: np.unique(key, return_inverse=True))
    _, sorted_ = fit(paths, order)
    assert counted.effect.tobytes() == sorted_.effect.tobytes()


def some_paths(*, seed, count):
    draw = random.Random(seed)
    return [
        JourneyPath(
            channels=tuple(draw.choices("ABCDEFG", k=draw.randint(1, 9))),
            conversions=(conversions := draw.randint(0, 3)),
            value=conversions * draw.randint(100, 9_999),
            non_conversions=draw.randint(0, 40),
        )
        for _ in range(count)
    ]


PROGRAM = """
import random, sys, msgspec
from adplanning_plugin.stats.data_driven import attribute
from adplanning_plugin.stats.paths import JourneyPath
draw = random.Random(5)
paths = [
    JourneyPath(channels=tuple(draw.choices("ABCDEFGHIJKL", k=draw.randint(1, 12))), conversions=draw.randint(0, 3),
                value=draw.randint(0, 99999), non_conversions=draw.randint(0, 9))
    for _ in range(1500)
]
random.Random(int(sys.argv[1])).shuffle(paths)
answers = [attribute(paths, "markov", order=order) for order in (1, 2, 3)]
answers += [attribute(paths, name, resamples=5, seed=3) for name in ("markov", "shapley", "leave_one_out")]
sys.stdout.buffer.write(msgspec.json.encode(answers))
"""


def test_another_process_another_order_of_paths_and_other_threads_give_the_same_bits():
    found = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, shuffled],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": shuffled, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for shuffled, threads in (("1", "1"), ("2", "2"))
    }
    assert len(found) == 1


def test_a_channel_on_every_converting_path_is_worth_them_all_and_one_on_none_is_worth_nothing():
    paths = [
        JourneyPath(channels=("Email", "Search"), conversions=3, value=900, non_conversions=10),
        JourneyPath(channels=("Search",), conversions=2, value=100, non_conversions=5),
        JourneyPath(channels=("Banner",), non_conversions=40),
    ]
    answer = data_driven.attribute(paths, "markov")
    effects = {one.channel: (one.effect, one.value_effect, one.conversions) for one in answer.channels}
    assert effects["Search"][:2] == (1.0, 1.0)
    assert effects["Banner"] == (0.0, 0.0, 0.0)
    assert sum(one.conversions for one in answer.channels) == pytest.approx(5, abs=1e-12)
    assert sum(one.value for one in answer.channels) == pytest.approx(1000, abs=1e-9)


def test_paths_of_five_hundred_touches_are_solved_at_each_order():
    long = tuple(f"C{index % 7}" for index in range(500))
    paths = [
        JourneyPath(channels=long, conversions=1, value=100, non_conversions=9),
        JourneyPath(channels=long[:3], conversions=1, value=50, non_conversions=3),
    ]
    for order in markov.ORDERS:
        table, found = fit(paths, order)
        for index, name in enumerate(table.names):
            less, _ = by_fractions(paths, order, name)
            assert found.effect[index] == pytest.approx(float(1 - less / by_fractions(paths, order)[0]), abs=1e-11)


def test_an_order_above_three_is_refused():
    with pytest.raises(ValueError, match="order must be one of 1, 2, 3"):
        data_driven.attribute([JourneyPath(channels=("A",), conversions=1, non_conversions=1)], "markov", order=4)
