"""Ids: prefixed, well formed, and sorted by the time they were made."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adplanning_plugin.kernel.ids import is_id, new_id


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1))
def test_ids_sort_as_the_times_they_were_made_at(first, second):
    if first != second:
        assert (new_id("conv", first) < new_id("conv", second)) == (first < second)


def test_an_id_says_what_it_is_of():
    made = new_id("goal")
    assert is_id(made, "goal")
    assert not is_id(made, "conv")
    assert not is_id("goal_" + "I" * 26, "goal")


def test_ten_thousand_ids_are_ten_thousand_different_ones():
    assert len({new_id("touch", 0) for _ in range(10_000)}) == 10_000
