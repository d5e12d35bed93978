"""Data-driven credit: published figures, transforms, intervals, and a plain answer where the data are too thin."""

import csv
import math
import random
import subprocess
import sys
from pathlib import Path

import pytest

from adplanning_plugin.stats import paths as steps
from adplanning_plugin.stats.data_driven import (
    DATA_DRIVEN_MODELS,
    Attribution,
    InsufficientData,
    ModelNotInstalled,
    attribute,
    touch_weights,
)
from adplanning_plugin.stats.paths import JourneyPath, parse, summarise

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "attribution" / "fractribution"
D_ABBCDCC = tuple("DABBCDCC")
THREE = [
    JourneyPath(channels=("Ads",), conversions=60, value=6_000, non_conversions=240),
    JourneyPath(channels=("Ads", "Email"), conversions=45, value=9_000, non_conversions=105),
    JourneyPath(channels=("Email",), conversions=20, value=1_000, non_conversions=180),
    JourneyPath(channels=("Banner",), non_conversions=350),
]


def needs_numpy():
    pytest.importorskip("numpy", reason="data-driven credit needs the extra `science`")
    pytest.importorskip("scipy", reason="data-driven credit needs the extra `science`")


def published(name):
    file = FOLDER / f"snowplow_fractribution_{name}_expected.csv"
    if not file.exists():
        pytest.skip(f"{file} is not there: this test compares with data that the project does not carry")
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def published_paths():
    """The example's untransformed paths, one journey each."""
    converted = [
        JourneyPath(channels=parse(row["path"]), conversions=1, value=round(float(row["revenue"]) * 100))
        for row in published("paths_to_conversion")
    ]
    return converted + [
        JourneyPath(channels=parse(row["path"]), non_conversions=1) for row in published("paths_to_non_conversion")
    ]


def test_the_published_paths_are_transformed_as_published():
    rows = published("paths_to_conversion") + published("paths_to_non_conversion")
    assert len(rows) > 60
    assert [" > ".join(steps.exposure(parse(row["path"]))) for row in rows] == [row["transformed_path"] for row in rows]
    found = {" > ".join(one.channels): one for one in summarise(published_paths(), steps.exposure)}
    expected = {row["transformed_path"]: row for row in published("path_summary")}
    assert found.keys() == expected.keys()
    for name, row in expected.items():
        counts = (found[name].conversions, found[name].non_conversions, found[name].value)
        assert counts == (int(row["conversions"]), int(row["non_conversions"]), round(float(row["revenue"] or 0) * 100))


def test_leave_one_out_gives_the_credit_that_was_published_as_shapley():
    needs_numpy()
    answer = attribute(summarise(published_paths(), steps.exposure), "leave_one_out")
    assert (answer.model, answer.conversions) == ("leave_one_out", 6)
    found = {one.channel: one for one in answer.channels}
    rows = [row for row in published("channel_attribution") if row["ATTRIBUTION_TYPE"] == "shapley"]
    assert {row["CHANNEL"] for row in rows} == found.keys()
    for row in rows:
        assert found[row["CHANNEL"]].conversions == pytest.approx(float(row["CONVERSIONS"]), abs=1e-8)
        # The published credit is rounded at the ninth digit and then multiplied by up to 140.00.
        assert found[row["CHANNEL"]].value / 100 == pytest.approx(float(row["REVENUE"]), rel=1e-8, abs=1e-8)
    assert sum(one.conversions for one in answer.channels) == pytest.approx(6, abs=1e-12)


def test_leave_one_out_shares_each_path_as_published():
    needs_numpy()
    from adplanning_plugin.stats.leave_one_out import LeaveOneOut
    from adplanning_plugin.stats.path_table import PathTable

    table = PathTable.of(summarise(published_paths(), steps.exposure)).distinct()
    share, _ = LeaveOneOut(table).path_shares(table.counts)
    rows = {
        row["TRANSFORMED_PATH"]: row
        for row in published("path_summary_with_channels")
        if row["ATTRIBUTION_TYPE"] == "shapley"
    }
    assert len(rows) == len(table)
    for path in range(len(table)):
        row = rows[" > ".join(table.channels(path))]
        span = slice(table.offsets[path], table.offsets[path + 1])
        for channel, part in zip(table.channels(path), share[span].tolist(), strict=True):
            assert round(part, 3) == float(row[channel.upper()]), row


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("unique", "D A B B C D C C"),
        ("exposure", "D A B C D C"),
        ("first", "D A B C"),
        ("frequency", "D(2) A(1) B(2) C(3)"),
        ("recency", "A B D C"),
    ],
)
def test_transforms_of_the_documented_path(name, expected):
    assert steps.TRANSFORMS[name](D_ABBCDCC) == tuple(expected.split())
    assert steps.TRANSFORMS[name](()) == ()


def test_transforms_that_leave_channels_out():
    assert steps.without({"A"})(tuple("ABAA")) == ("B",)
    assert steps.without({"A"})(tuple("AA")) == ("A", "A")
    assert steps.without({"A"}, unless_all=False)(tuple("AA")) == ()
    assert steps.without_at_the_end({"A"})(tuple("ABAA")) == ("A", "B")
    assert steps.without_at_the_end({"A"})(tuple("AA")) == ("A", "A")
    assert steps.newest(2)(D_ABBCDCC) == ("C", "C")
    with pytest.raises(ValueError, match="at least 1 touch"):
        steps.newest(0)


def test_small_channels_become_one():
    paths = [
        JourneyPath(channels=(name,) * 3, conversions=count) for name, count in zip("ABCD", (9, 5, 2, 1), strict=True)
    ]
    merged = summarise(paths, steps.with_the_rest_as(paths, 3))
    assert [(one.channels[0], one.conversions) for one in merged] == [("(other)", 3), ("A", 9), ("B", 5)]
    assert summarise(paths, steps.with_the_rest_as(paths, 4)) == summarise(paths)


@pytest.mark.parametrize("model", DATA_DRIVEN_MODELS)
def test_credit_and_what_is_unattributed_add_up_to_the_totals(model):
    needs_numpy()
    untouched = JourneyPath(channels=(), conversions=7, value=1_234, non_conversions=50)
    answer = attribute([*THREE, untouched, *THREE], model, resamples=0)
    assert isinstance(answer, Attribution)
    assert (answer.journeys, answer.conversions, answer.value) == (2_057, 257, 33_234)
    assert (answer.unattributed_conversions, answer.unattributed_value) == (7, 1_234)
    assert sum(one.conversions for one in answer.channels) == pytest.approx(250, abs=1e-9)
    assert sum(one.value for one in answer.channels) == pytest.approx(32_000, abs=1e-6)
    assert sum(one.share for one in answer.channels) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("model", DATA_DRIVEN_MODELS)
def test_intervals_contain_the_estimate_and_say_which_channel_may_do_nothing(model):
    needs_numpy()
    answer = attribute(THREE, model, resamples=200, seed=1)
    again = attribute(list(reversed(THREE)), model, resamples=200, seed=1)
    assert answer == again
    assert attribute(THREE, model, resamples=200, seed=2) != answer
    for one in answer.channels:
        assert one.effect_interval.low <= one.effect <= one.effect_interval.high
        assert one.share_interval.low <= one.share <= one.share_interval.high
    assert {one.channel: one.includes_zero for one in answer.channels if one.channel != "Email"} == {
        "Ads": False,
        "Banner": model != "shapley" or answer.channels[1].effect_interval.high >= 0,
    }


def test_an_interval_is_as_wide_as_the_binomial_says():
    needs_numpy()
    one = JourneyPath(channels=("A",), conversions=400, value=400, non_conversions=1_600)
    answer = attribute([one], "leave_one_out", resamples=2_000, seed=7)
    found = answer.channels[0].effect_interval
    half = 1.96 * math.sqrt(0.2 * 0.8 / 2_000)
    assert found.low == pytest.approx(0.2 - half, abs=0.1 * half)
    assert found.high == pytest.approx(0.2 + half, abs=0.1 * half)


def test_a_channel_with_one_lucky_conversion_includes_zero():
    needs_numpy()
    lucky = JourneyPath(channels=("Podcast",), conversions=1, value=100, non_conversions=30)
    answer = attribute([*THREE, lucky], "markov", resamples=300, seed=1)
    found = {one.channel: one for one in answer.channels}
    assert found["Podcast"].effect > 0
    assert found["Podcast"].includes_zero
    assert not found["Email"].includes_zero


def codes(answer):
    assert isinstance(answer, InsufficientData)
    assert all(one.sentence.endswith(".") for one in answer.missing)
    return [one.code for one in answer.missing]


@pytest.mark.parametrize("model", DATA_DRIVEN_MODELS)
def test_thin_data_are_answered_with_what_is_missing(model):
    needs_numpy()
    assert codes(attribute([], model)) == ["no_paths"]
    assert codes(attribute([JourneyPath(channels=(), conversions=3)], model)) == ["no_touches"]
    assert codes(attribute([JourneyPath(channels=("A",), non_conversions=3)], model)) == ["too_few_conversions"]
    assert codes(attribute([JourneyPath(channels=("A",), conversions=3)], model)) == ["too_few_non_conversions"]
    untouched = [JourneyPath(channels=(), conversions=3), JourneyPath(channels=("A",), non_conversions=3)]
    assert codes(attribute(untouched, model)) == ["no_converting_touches"]
    few = attribute(THREE, model, minimum_conversions=300)
    assert codes(few) == ["too_few_conversions"]
    assert (few.missing[0].have, few.missing[0].need) == (125, 300)


def test_a_chain_may_do_without_journeys_that_did_not_convert_where_the_caller_says_so():
    needs_numpy()
    paths = [JourneyPath(channels=("A", "B"), conversions=3), JourneyPath(channels=("B",), conversions=1)]
    answer = attribute(paths, "markov", minimum_non_conversions=0)
    assert [round(one.share, 12) for one in answer.channels] == [round(3 / 7, 12), round(4 / 7, 12)]
    assert codes(attribute(paths, "shapley", minimum_non_conversions=0)) == ["too_few_non_conversions"]


def test_counts_and_models_that_are_none_are_refused():
    needs_numpy()
    with pytest.raises(ValueError, match="unknown model 'magic'"):
        attribute(THREE, "magic")
    with pytest.raises(ValueError, match="conversions must be ≥ 0"):
        attribute([JourneyPath(channels=("A",), conversions=-1)], "markov")
    with pytest.raises(ValueError, match="must be ≥ 0"):
        summarise([JourneyPath(channels=("A",), non_conversions=-1)])
    with pytest.raises(ValueError, match="value must be whole numbers, in minor units"):
        attribute([JourneyPath(channels=("A",), conversions=1, value=0.5)], "markov")
    with pytest.raises(ValueError, match="confidence must be between 0 and 1"):
        attribute(THREE, "markov", resamples=10, confidence=95)


def test_without_the_libraries_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("adplanning_plugin.stats.data_driven.installed", lambda: False)
    with pytest.raises(ModelNotInstalled, match=r"adplanning-plugin\[science\]"):
        attribute(THREE, "markov")


def test_importing_the_face_loads_neither_numpy_nor_scipy():
    program = "import adplanning_plugin.stats.data_driven, sys; print({'numpy', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_one_conversion_is_shared_by_the_effects_of_its_channels():
    weights = touch_weights(("Ads", "Email", "Ads"), {"Ads": 0.6, "Email": 0.2, "Banner": 0.9})
    assert weights == pytest.approx([0.375, 0.25, 0.375])
    assert touch_weights(("Spam", "Unknown"), {"Spam": -0.1}) == [0.0, 0.0]


def test_text_structs_and_codes_are_the_same_table():
    needs_numpy()
    from adplanning_plugin.stats.path_table import PathTable

    paths = [*THREE, JourneyPath(channels=(), conversions=2)]
    counts = [[getattr(one, name) for one in paths] for name in ("conversions", "value", "non_conversions")]
    text = PathTable.of_text([" > ".join(one.channels) for one in paths], *counts)
    coded = PathTable.of_codes(["Email", "Banner", "Ads"], [2, 2, 0, 0, 1], [1, 2, 1, 1, 0], *counts)
    for table in (PathTable.of(paths), coded):
        assert table.names == text.names == ("Ads", "Banner", "Email")
        assert [table.channels(path) for path in range(5)] == [one.channels for one in paths]
        assert table.codes.tolist() == text.codes.tolist()
    with pytest.raises(ValueError, match="indices into names"):
        PathTable.of_codes(["A"], [1], [1], [1])
    with pytest.raises(ValueError, match="add up"):
        PathTable.of_codes(["A"], [0], [2], [1])
    with pytest.raises(ValueError, match="one entry for each path"):
        PathTable.of_codes(["A"], [0], [1], [1, 2])


@pytest.mark.parametrize(
    ("names", "separator"),
    [
        (["Paid Search", "E", "Ünïcode ☂", "a name of thirty-two bytes, more", "(not set)"], " > "),
        (["a>b", "> c", "d >", "e"], " > "),
        (["A", "B", ""], ">"),
        (["A", "a name longer than the sixty-four bytes that are compared at once, eight at a time"], " > "),
        (["A", "line\nbreak"], " > "),
        (["A", "nul\0", "nul"], " > "),
        (["A", "B "], " > "),
        (["A B", "C"], " – "),
    ],
)
@pytest.mark.parametrize("slots", [18, 2])
def test_text_is_split_as_python_splits_it(monkeypatch, names, separator, slots):
    needs_numpy()
    from adplanning_plugin.stats import path_text
    from adplanning_plugin.stats.path_table import PathTable

    monkeypatch.setattr(path_text, "_SLOTS", slots)  # in four slots, names meet
    monkeypatch.setattr(path_text, "_BLOCK", 700)

    draw = random.Random(8)
    texts = [separator.join(draw.choices(names, k=draw.randint(0, 5))) for _ in range(2_500)]
    for few in (texts, texts[:20], [""] * 2_100, texts[:3] * 900):
        table = PathTable.of_text(few, [1] * len(few), separator=separator)
        found = [table.channels(path) for path in range(len(table))]
        assert found == [parse(text, separator) for text in few]
