"""Money: exact on the wire, exact in a split, and every refusal names its field."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adplanning_plugin.kernel.errors import Invalid
from adplanning_plugin.kernel.money import MAX_MINOR, check_currency, split_largest_remainder, to_major, to_minor


@pytest.mark.parametrize(
    ("value", "currency", "minor", "wire"),
    [
        (4999, "INR", 499900, "4999.00"),
        ("49.9", "EUR", 4990, "49.90"),
        ("1500", "JPY", 1500, "1500"),
        ("1.234", "KWD", 1234, "1.234"),
        (0, "USD", 0, "0.00"),
    ],
)
def test_a_decimal_in_major_units_becomes_minor_units_and_back(value, currency, minor, wire):
    assert to_minor(value, currency) == minor
    assert to_major(minor, currency) == wire


@given(st.integers(0, MAX_MINOR), st.sampled_from(["INR", "JPY", "KWD"]))
def test_every_amount_survives_the_wire(minor, currency):
    assert to_minor(to_major(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (-1, "negative_money"),
        ("0.001", "too_precise"),
        ("1e400", "too_large"),
        (str(MAX_MINOR), "too_large"),
        ("12,50", "not_a_number"),
        (float("nan"), "not_a_number"),
        ("Infinity", "not_a_number"),
    ],
)
def test_an_amount_that_cannot_be_kept_is_refused_by_name(value, code):
    with pytest.raises(Invalid) as refused:
        to_minor(value, "INR", "conversion_value")
    assert [(error.field, error.code) for error in refused.value.errors] == [("conversion_value", code)]


def test_an_unknown_currency_is_refused_and_a_lower_case_one_is_understood():
    assert check_currency("inr ") == "INR"
    with pytest.raises(Invalid, match="ISO 4217"):
        check_currency("RUPEES")


@given(
    st.integers(0, 10**15),
    st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=500).filter(lambda weights: sum(weights) > 1e-6),
)
def test_the_parts_of_a_split_sum_to_the_whole_and_stay_within_one_of_their_quota(total, weights):
    parts = split_largest_remainder(total, weights)
    assert sum(parts) == total
    assert min(parts) >= 0
    whole = Decimal(0)
    for weight in weights:
        whole += Decimal(weight)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - total * Decimal(weight) / whole) <= 1 + Decimal(total) * Decimal("1e-12")


@pytest.mark.parametrize("touches", [1, 2, 3, 7, 500])
def test_equal_shares_differ_by_at_most_one_minor_unit(touches):
    parts = split_largest_remainder(10_001, [1 / touches] * touches)
    assert sum(parts) == 10_001
    assert max(parts) - min(parts) <= 1
