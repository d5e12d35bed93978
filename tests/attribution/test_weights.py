"""Weights: every rule model shares exactly one conversion, in the proportions that it is named for."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adplanning_plugin.kernel.money import split_largest_remainder
from adplanning_plugin.stats import credit

touches = st.lists(
    st.tuples(st.floats(min_value=0, max_value=200_000, allow_nan=False), st.booleans()), min_size=1, max_size=30
).map(lambda pairs: sorted(pairs, key=lambda pair: -pair[0]))
rules = st.sampled_from(["include", "exclude", "exclude_unless_all"])


@given(touches, st.sampled_from(credit.MODELS), rules)
def test_weights_sum_to_one_or_nothing_qualifies(path, model, direct):
    ages, plain = [age for age, _ in path], [flag for _, flag in path]
    found = credit.weights(model, ages, plain, direct=direct)
    assert len(found) == len(path)
    assert min(found) >= 0
    if any(found):
        assert math.isclose(sum(found), 1, abs_tol=1e-9)
    else:
        assert all(plain)
        assert model == "last_non_direct" or (direct == "exclude" and model not in ("last_click", "first_click"))


@given(touches, st.sampled_from(credit.MODELS), st.integers(min_value=0, max_value=10**12))
def test_money_splits_without_a_remainder(path, model, total):
    found = credit.weights(model, [age for age, _ in path], [False] * len(path))
    parts = split_largest_remainder(total, found)
    assert sum(parts) == total
    assert all(abs(part - total * weight) < 1 + 1e-3 for part, weight in zip(parts, found, strict=True))


def test_ends_take_everything_in_click_models():
    ages, plain = [30.0, 20.0, 10.0], [False, False, True]
    assert credit.weights("last_click", ages, plain) == [0, 0, 1]
    assert credit.weights("last_touch", ages, plain) == [0, 0, 1]
    assert credit.weights("first_touch", ages, plain) == [1, 0, 0]
    assert credit.weights("last_non_direct", ages, plain) == [0, 1, 0]


def test_time_decay_halves_with_each_half_life():
    first, second, third = credit.time_decay([336.0, 168.0, 0.0])
    assert math.isclose(third / second, 2)
    assert math.isclose(second / first, 2)


def test_time_decay_of_very_old_touches_is_still_a_share():
    assert math.isclose(sum(credit.time_decay([9_000_000.0, 8_999_000.0], half_life_hours=1)), 1)


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, [1.0]), (2, [0.5, 0.5]), (3, [0.4, 0.2, 0.4]), (4, [0.4, 0.1, 0.1, 0.4])],
)
def test_position_based_gives_forty_twenty_forty(n, expected):
    assert credit.position_based(n) == pytest.approx(expected)


def test_position_based_shares_can_be_set():
    assert credit.position_based(2, first=0.3, last=0.1) == pytest.approx([0.75, 0.25])
    assert credit.position_based(2, first=0, last=0) == [0.5, 0.5]
    with pytest.raises(ValueError, match="at most 1"):
        credit.position_based(3, first=0.8, last=0.4)


def test_direct_touches_share_only_by_the_rule():
    ages, plain = [30.0, 20.0, 10.0], [False, True, False]
    assert credit.weights("linear", ages, plain) == [0.5, 0, 0.5]
    assert credit.weights("linear", ages, plain, direct="include") == pytest.approx([1 / 3] * 3)
    assert credit.weights("linear", [5.0], [True]) == [1.0]
    assert credit.weights("linear", [5.0], [True], direct="exclude") == [0.0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((("linear",), [1.0], [True, False]), "one entry for each touch"),
        ((("nobody",), [1.0], [False]), "unknown model"),
    ],
)
def test_what_cannot_be_weighed_is_refused(arguments, sentence):
    (model,), ages, plain = arguments
    with pytest.raises(ValueError, match=sentence):
        credit.weights(model, ages, plain)


def test_touches_after_the_conversion_are_refused():
    with pytest.raises(ValueError, match="≥ 0"):
        credit.time_decay([-1.0])
    with pytest.raises(ValueError, match="unattributed"):
        credit.linear(0)


def test_parts_of_the_largest_totals_are_never_negative_and_sum_exactly() -> None:
    seed = random.randrange(10**9)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(500):
        total = rng.choice([2**63 - 1, rng.randrange(2**53, 2**63), rng.randrange(1000)])
        raw = [rng.choice([0.0, 1.0, 1e-18, rng.random()]) for _ in range(rng.randrange(1, 9))] + [1.0]
        parts = split_largest_remainder(total, [each / sum(raw) for each in raw])
        assert (sum(parts), min(parts) >= 0) == (total, True), (total, raw)
