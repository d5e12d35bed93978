"""Net Promoter Score against published arithmetic and worked examples."""

import math

import pytest

from adplanning_plugin.stats.nps import NpsScore, classify, net_promoter_score


@pytest.mark.parametrize(
    ("rating", "scale", "score", "nps_class"),
    [
        (5, 5, 10, "promoter"),
        (4, 5, 7.5, "passive"),
        (3, 5, 5, "detractor"),
        (2, 5, 2.5, "detractor"),
        (1, 5, 0, "detractor"),
        (4.5, 5, 8.75, "passive"),
        *((each, 10, each, "promoter") for each in (9, 10)),
        *((each, 10, each, "passive") for each in (7, 8)),
        *((each, 10, each, "detractor") for each in range(7)),
    ],
)
def test_an_answer_has_its_class_and_its_score_on_ten(rating: float, scale: int, score: float, nps_class: str) -> None:
    answer = classify(rating, scale)
    assert answer is not None
    assert (answer.score, answer.nps_class) == (score, nps_class)


def test_without_a_scale_up_to_five_is_read_as_one_to_five() -> None:
    assert classify(5) == classify(5, 5)
    assert classify(6) == classify(6, 10)


@pytest.mark.parametrize(("rating", "scale"), [(0, 5), (6, 5), (-1, 10), (11, 10), (50, 100), (math.nan, 10)])
def test_an_answer_outside_its_scale_has_no_class(rating: float, scale: int) -> None:
    assert classify(rating, scale) is None


def score_of(promoters: int, passives: int, detractors: int) -> NpsScore:
    found = net_promoter_score(promoters, passives, detractors)
    assert found is not None
    return found


def test_the_score_is_the_share_of_promoters_less_that_of_detractors() -> None:
    assert score_of(70, 20, 10).score == 60
    assert score_of(0, 0, 3).score == -100
    assert score_of(4, 0, 0).score == 100
    assert score_of(1, 1, 1).score == 0
    assert score_of(325, 365, 310).score == pytest.approx(1.5)


def test_no_answers_are_no_score() -> None:
    assert net_promoter_score(0, 0, 0) is None


def test_the_interval_is_the_adjusted_wald_one() -> None:
    """Worked by hand: 37 promoters, 35 passives, 28 detractors and the three added answers."""
    found = score_of(37, 35, 28)
    p, d, n = 37.75 / 103, 28.75 / 103, 103
    margin = 1.959964 * math.sqrt((p + d - (p - d) ** 2) / n)
    assert found.n == 100
    assert found.low == pytest.approx(100 * (p - d - margin), abs=1e-4)
    assert found.high == pytest.approx(100 * (p - d + margin), abs=1e-4)


@pytest.mark.parametrize("counts", [(1, 0, 0), (0, 0, 1), (3, 0, 0), (1, 1, 1), (50, 0, 50), (1000, 0, 0)])
def test_the_interval_has_width_for_few_and_for_unanimous_answers_and_stays_on_the_scale(
    counts: tuple[int, int, int],
) -> None:
    found = score_of(*counts)
    assert -100 <= found.low < found.high <= 100


def test_more_confidence_is_a_wider_interval() -> None:
    narrow, wide = (net_promoter_score(40, 40, 20, confidence=each) for each in (0.8, 0.99))
    assert narrow is not None
    assert wide is not None
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize("arguments", [(-1, 0, 0, 0.95), (1, 1, 1, 1.0), (1, 1, 1, 0.0)])
def test_impossible_counts_and_confidences_are_refused(arguments: tuple[int, int, int, float]) -> None:
    promoters, passives, detractors, confidence = arguments
    with pytest.raises(ValueError, match=r"counts|between 0 and 1"):
        net_promoter_score(promoters, passives, detractors, confidence=confidence)
