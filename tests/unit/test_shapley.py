"""Shapley: the values are the definition's, and they add up to the conversion rate."""

import itertools
import random

import pytest

from adplanning_plugin.stats import data_driven
from adplanning_plugin.stats.paths import JourneyPath

np = pytest.importorskip("numpy", reason="data-driven credit needs the extra `science`")

from adplanning_plugin.stats.path_table import PathTable  # noqa: E402
from adplanning_plugin.stats.shapley import ConversionRateGame, shapley_values  # noqa: E402


def rate(paths, coalition):
    inside = [one for one in paths if one.channels and set(one.channels) <= set(coalition)]
    total = sum(one.conversions + one.non_conversions for one in inside)
    return sum(one.conversions for one in inside) / total if total else 0.0


def by_orders(paths, players):
    """The definition: what each player adds, averaged over all orders in which they may come."""
    values = dict.fromkeys(players, 0.0)
    orders = list(itertools.permutations(players))
    for order in orders:
        for place, player in enumerate(order):
            values[player] += (rate(paths, order[: place + 1]) - rate(paths, order[:place])) / len(orders)
    return values


def test_two_channels_get_what_the_definition_says():
    paths = [
        JourneyPath(channels=("A",), conversions=10, non_conversions=90),
        JourneyPath(channels=("B",), conversions=20, non_conversions=80),
        JourneyPath(channels=("A", "B"), conversions=40, non_conversions=60),
    ]
    answer = data_driven.attribute(paths, "shapley")
    a, b = answer.channels
    v_a, v_b, v_ab = 0.1, 0.2, 70 / 300
    assert a.effect == pytest.approx((v_a + v_ab - v_b) / 2, abs=1e-15)
    assert b.effect == pytest.approx((v_b + v_ab - v_a) / 2, abs=1e-15)
    assert a.conversions == pytest.approx(a.effect * 300, abs=1e-12)
    assert a.conversions + b.conversions == pytest.approx(70, abs=1e-12)


def test_one_path_of_two_channels_is_shared_equally():
    answer = data_driven.attribute([JourneyPath(channels=("A", "B"), conversions=1, non_conversions=3)], "shapley")
    assert [one.share for one in answer.channels] == [0.5, 0.5]
    assert [one.effect for one in answer.channels] == [0.125, 0.125]


@pytest.mark.parametrize("seed", range(6))
def test_values_are_the_average_over_all_orders_of_the_channels(seed):
    draw = random.Random(seed)
    paths = [
        JourneyPath(
            channels=tuple(draw.choices("ABCDE", k=draw.randint(1, 4))),
            conversions=draw.randint(0, 5),
            non_conversions=draw.randint(1, 20),
        )
        for _ in range(12)
    ]
    table = PathTable.of(paths)
    found = ConversionRateGame(table).fit(table.counts)
    expected = by_orders(paths, table.names)
    assert found.effect.tolist() == pytest.approx([expected[name] for name in table.names], abs=1e-14)


def test_fifteen_channels_add_up_to_the_rate_and_equals_get_equal():
    names = [f"channel {number:02}" for number in range(15)]
    draw = random.Random(4)
    paths = [
        JourneyPath(
            channels=tuple(draw.sample(names, draw.randint(1, 15))),
            conversions=draw.randint(0, 5),
            non_conversions=draw.randint(0, 50),
        )
        for _ in range(3_000)
    ]
    answer = data_driven.attribute(paths, "shapley")
    assert sum(one.effect for one in answer.channels) == pytest.approx(answer.conversion_rate, abs=1e-14)
    twin = [JourneyPath(channels=tuple(names), conversions=7, non_conversions=3)]
    assert len({one.effect for one in data_driven.attribute(twin, "shapley").channels}) == 1


def test_values_of_a_known_game():
    # The gloves: one left (player 0), two right (1 and 2); a pair is worth 1.
    worth = np.array([float(index in (3, 5, 7)) for index in range(8)])
    assert shapley_values(worth).tolist() == pytest.approx([2 / 3, 1 / 6, 1 / 6], abs=1e-15)


def test_a_channel_that_lowers_the_rate_is_named_and_gets_no_credit():
    paths = [
        JourneyPath(channels=("A",), conversions=50, value=5_000, non_conversions=50),
        JourneyPath(channels=("A", "Spam"), conversions=5, value=500, non_conversions=95),
    ]
    answer = data_driven.attribute(paths, "shapley")
    assert answer.below_zero == ("Spam",)
    credit = {one.channel: (one.conversions, one.value) for one in answer.channels}
    assert credit == {"A": (55, 5_500), "Spam": (0, 0)}


def test_too_many_channels_are_refused_with_the_way_out():
    paths = [JourneyPath(channels=(f"c{number}",), conversions=1, non_conversions=1) for number in range(21)]
    answer = data_driven.attribute(paths, "shapley")
    assert isinstance(answer, data_driven.InsufficientData)
    (missing,) = answer.missing
    assert (missing.code, missing.have, missing.need) == ("too_many_channels", 21, 20)
    assert "by one name" in missing.sentence
