"""The stage map: complete, consistent with what others call things, and the same in SQL."""

from typing import Any, get_args

import pytest

from adplanning_plugin.attribution.channels import channel_of
from adplanning_plugin.journeys import schemas
from adplanning_plugin.journeys.stages import (
    CHANNELS,
    CONVERSIONS,
    EVENT_TYPES,
    STAGES,
    TOUCH_CHANNELS,
    TOUCHES,
    TRACKED,
    furthest,
    stage_of_feedback,
)
from adplanning_plugin.stats.nps import classify
from adplanning_plugin.tracking import CONVERSION_TYPES
from tests.journeys.conftest import HOUR, NOON, Store


def test_the_documents_types_have_their_stage_and_their_colour() -> None:
    said = {
        "page_view": "grey", "ad_click": "purple", "lead_capture": "orange", "form_submit": "blue",
        "purchase": "green", "social_engage": "grey",
    }  # fmt: skip
    assert {name: EVENT_TYPES[name].colour for name in said} == said
    assert {each.stage for each in EVENT_TYPES.values()} - {None} | {"retention"} == set(STAGES)


def test_what_the_wire_takes_is_what_the_map_knows() -> None:
    assert get_args(schemas.EventTypeName) == tuple(EVENT_TYPES)
    assert get_args(schemas.StageName) == STAGES
    assert set(CONVERSIONS) == set(CONVERSION_TYPES)
    assert set(CONVERSIONS.values()) <= set(EVENT_TYPES)
    assert set(TRACKED.values()) | set(TOUCHES.values()) <= set(EVENT_TYPES)


def test_every_channel_of_attribution_is_known_and_all_but_direct_are_some_kind_of_event() -> None:
    assert set(TOUCHES) == set(TOUCH_CHANNELS) - {"Direct"}
    for source, medium in (
        ("google", "cpc"), ("facebook", "paid_social"), ("news", "email"), ("sms", "sms"), ("firebase", "push"),
        ("a", "display"), ("google", "organic"), ("facebook", "referral"), ("a.example", "referral"), ("x", "y"),
        ("youtube", "cpc"), ("chatgpt", "referral"), ("a", "affiliate"), ("a", "audio"), ("(direct)", "(none)"),
    ):  # fmt: skip
        assert channel_of(source, medium, None) in CHANNELS


@pytest.mark.parametrize(
    ("rating", "scale", "stage"),
    [(5, 5, "advocacy"), (4, 5, "advocacy"), (3.9, 5, None), (9, 10, "advocacy"), (8, 10, None), (None, 5, None),
     (7, 5, None), (4, None, "advocacy"), (10, None, "advocacy")],
)  # fmt: skip
def test_praise_is_advocacy(rating: float | None, scale: int | None, stage: str | None) -> None:
    assert stage_of_feedback(rating, scale) == stage


def test_the_furthest_stage_is_the_last_one_that_was_reached() -> None:
    assert furthest({"awareness": NOON, "intent": NOON, "conversion": None}) == "intent"
    assert furthest({}) is None


async def test_feedback_is_classified_in_the_database_as_it_is_in_python(store: Store) -> None:
    answers = [(rating / 2, scale) for scale in (5, 10, None, 7) for rating in range(23)]
    for number, (rating, scale) in enumerate(answers):
        row = {
            "id": f"f{number}",
            "person_id": "7",
            "rating": rating,
            "scale": scale,
            "created_at": NOON + number * HOUR,
        }
        await store.put("feedback", row)
    await store.emit("feedback.created", ids=[f"f{number}" for number in range(len(answers))])
    stored = {each.source_id: each for each in await store.events()}
    for number, (rating, scale) in enumerate(answers):
        found, expected = stored[f"f{number}"], classify(rating, scale)
        data: dict[str, Any] = found.event_data or {}
        assert found.stage == stage_of_feedback(rating, scale), (rating, scale)
        assert (data.get("nps"), data.get("nps_class")) == (
            (expected.score, expected.nps_class) if expected else (None, None)
        ), (rating, scale)
