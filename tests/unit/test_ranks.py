"""Ranks: places, ties, and Spearman's rho against a published example and scipy."""

import random

import pytest
from scipy import stats

from adplanning_plugin.stats.ranks import mid_ranks, places, spearman


def test_ties_share_the_better_place_and_the_middle_of_their_ranks() -> None:
    assert places([30, 10, 20, 20]) == [1, 4, 2, 2]
    assert mid_ranks([30, 10, 20, 20]) == [1, 4, 2.5, 2.5]


def test_rho_is_that_of_a_published_example() -> None:
    # Hours of television and IQ of ten people: rho = -29/165.
    iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    assert spearman(iq, hours) == pytest.approx(-29 / 165, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_rho_is_scipys_with_ties(seed: int) -> None:
    draw = random.Random(seed)
    left, right = ([draw.randint(0, 6) for _ in range(25)] for _ in range(2))
    assert spearman(left, right) == pytest.approx(stats.spearmanr(left, right).statistic, abs=1e-12)


def test_an_order_that_does_not_exist_has_no_correlation() -> None:
    assert spearman([1], [2]) is None
    assert spearman([3, 3, 3], [1, 2, 3]) is None
    assert spearman([1, 2, 3], [2, 4, 6]) == 1.0
    assert spearman([1, 2, 3], [3, 2, 1]) == -1.0
    with pytest.raises(ValueError, match="one value for each"):
        spearman([1, 2], [1])
