"""Bad input on admin and public routes: each has an error of its own that names the field, and stores nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.store import WEB, Contract, assert_problem

FAR = (datetime.now(UTC) + timedelta(days=4000)).isoformat()
GOAL: dict[str, Any] = {"name": "A goal", "goal_type": "custom", "conditions": {"event_name": "signed_up"}}
MADE: dict[str, Any] = {"conversion_type": "custom", "value": "10", "currency": "EUR"}
TOUCH: dict[str, Any] = {"source": "news", "medium": "email", "visitor_id": "vis_x"}
SPEND: dict[str, Any] = {
    "day": "2026-01-01",
    "platform": "meta",
    "ad_campaign_id": "1",
    "spend": "1",
    "currency": "EUR",
}
RATE: dict[str, Any] = {"day": "2026-01-01", "base": "USD", "quote": "EUR", "rate": "0.9"}
KEY: dict[str, Any] = {"name": "Shop", "origins": ["https://shop.example"]}


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


# method, path, body, field that the sentence names, status
ADMIN_CASES: list[tuple[str, str, Any, str]] = [
    ("POST", "/goals", {**GOAL, "colour": "red"}, "colour"),
    ("POST", "/goals", without(GOAL, "name"), "name"),
    ("POST", "/goals", {**GOAL, "name": 7}, "name"),
    ("POST", "/goals", {**GOAL, "goal_type": "prayer"}, "goal_type"),
    ("POST", "/goals", {**GOAL, "priority": 2**63}, "priority"),
    ("POST", "/goals", {**GOAL, "default_value": "-1", "currency": "EUR"}, "default_value"),
    ("POST", "/goals", {**GOAL, "default_value": "1", "currency": "EURO"}, "currency"),
    ("POST", "/goals", {**GOAL, "conditions": {"min_second": 3}}, "min_second"),
    ("POST", "/goals", {**GOAL, "name": "nul\x00"}, "name"),
    ("POST", "/conversions", {**MADE, "colour": "red"}, "colour"),
    ("POST", "/conversions", without(MADE, "conversion_type"), "conversion_type"),
    ("POST", "/conversions", {**MADE, "conversion_type": "prayer"}, "conversion_type"),
    ("POST", "/conversions", {**MADE, "value": "-1"}, "value"),
    ("POST", "/conversions", {**MADE, "value": "1e30"}, "value"),
    ("POST", "/conversions", {**MADE, "value": 10**400}, "value"),
    ("POST", "/conversions", {**MADE, "value": [1]}, "value"),
    ("POST", "/conversions", {**MADE, "currency": "XYZ"}, "currency"),
    ("POST", "/conversions", {**MADE, "occurred_at": FAR}, "occurred_at"),
    ("POST", "/conversions", {**MADE, "occurred_at": "yesterday"}, "occurred_at"),
    ("POST", "/conversions", {**MADE, "goal_id": "goal_nowhere"}, "goal_id"),
    ("POST", "/conversions", {**MADE, "properties": {"a": "nul\x00"}}, "properties"),
    ("POST", "/attribution", {**TOUCH, "colour": "red"}, "colour"),
    ("POST", "/attribution", {**TOUCH, "source": "x" * 300}, "source"),
    ("POST", "/attribution", {**TOUCH, "occurred_at": FAR}, "occurred_at"),
    ("POST", "/attribution", {**TOUCH, "ad_campaign_id": "nowhere"}, "ad_campaign_id"),
    ("POST", "/keys", {**KEY, "colour": "red"}, "colour"),
    ("POST", "/keys", {**KEY, "origins": ["not an origin"]}, "origins"),
    ("POST", "/keys", {**KEY, "origins": "https://shop.example"}, "origins"),
    ("PUT", "/ad-spend", {**SPEND, "colour": "red"}, "colour"),
    ("PUT", "/ad-spend", without(SPEND, "currency"), "currency"),
    ("PUT", "/ad-spend", {**SPEND, "spend": "-3"}, "spend"),
    ("PUT", "/ad-spend", {**SPEND, "spend": "92233720368547758.08"}, "spend"),
    ("PUT", "/ad-spend", {**SPEND, "clicks": -1}, "clicks"),
    ("PUT", "/ad-spend", {**SPEND, "clicks": 2**63}, "clicks"),
    ("PUT", "/ad-spend", {**SPEND, "currency": "ABC"}, "currency"),
    ("PUT", "/ad-spend", {**SPEND, "day": FAR[:10]}, "day"),
    ("PUT", "/ad-spend", {**SPEND, "day": "2026-02-30"}, "day"),
    ("PUT", "/exchange-rates", {**RATE, "rate": "-1"}, "rate"),
    ("PUT", "/exchange-rates", {**RATE, "rate": "NaN"}, "rate"),
    ("PUT", "/exchange-rates", {**RATE, "quote": "EURO"}, "quote"),
    ("PUT", "/exchange-rates", {**RATE, "colour": "red"}, "colour"),
    ("PUT", "/settings/attribution", {"value": {"colour": "red"}}, "colour"),
    ("PUT", "/settings/attribution", {"value": {"half_life_hours": -3}}, "half_life_hours"),
    ("PUT", "/settings/attribution", {"valu": {}}, "valu"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), ADMIN_CASES)
async def test_a_bad_body_is_refused_by_a_sentence_that_names_the_field(
    contract: Contract, method: str, path: str, body: Any, field: str
) -> None:
    before = await contract.counts()
    problem = assert_problem(await contract.main.admin(method, path, json=body), 422)
    assert problem["errors"], problem
    error = problem["errors"][0]
    assert field in error["field"], problem
    assert field in error["message"], problem
    assert error["code"] not in ("", "invalid"), "each has a code of its own"
    assert error["message"].endswith("."), "a sentence"
    assert await contract.counts() == before


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/conversions", "colour", "red"),
        ("/conversions", "limit", "201"),
        ("/conversions", "limit", "many"),
        ("/conversions", "offset", "-1"),
        ("/conversions", "order", "-colour"),
        ("/conversions", "currency", "XYZ"),
        ("/conversions", "from_date", "soon"),
        ("/conversions", "min_value", "cheap"),
        ("/attribution", "model", "prayer"),
        ("/attribution", "window", "13"),
        ("/roi", "by", "weather"),
        ("/coverage/orders", "cause", "bad_luck"),
        ("/operations/work", "status", "tired"),
    ],
)
async def test_a_bad_filter_is_an_error_never_ignored(contract: Contract, path: str, name: str, value: str) -> None:
    problem = assert_problem(await contract.main.admin("GET", path, params={name: value}), 422)
    assert problem["errors"][0]["field"] == name
    assert name in problem["errors"][0]["message"]


EVENT: dict[str, Any] = {"name": "page_view", "url": "http://localhost/"}
# an event, the code of its rejection, what the sentence names
EVENT_CASES: list[tuple[dict[str, Any], str, str]] = [
    ({**EVENT, "colour": "red"}, "unknown_field", "colour"),
    (without(EVENT, "name"), "required", "name"),
    ({**EVENT, "name": 7}, "wrong_type", "name"),
    ({**EVENT, "value": "-5", "currency": "EUR"}, "negative_money", "value"),
    ({**EVENT, "value": "5"}, "required", "currency"),
    ({**EVENT, "value": "5", "currency": "XYZ"}, "unknown_currency", "currency"),
    ({**EVENT, "value": "92233720368547758.08", "currency": "EUR"}, "too_large", "value"),
    ({**EVENT, "properties": {"n": 2**63}}, "out_of_range", "properties"),
    ({**EVENT, "occurred_at": FAR}, "in_the_future", "occurred_at"),
    ({**EVENT, "occurred_at": "2001-01-01T00:00:00Z"}, "too_old", "occurred_at"),
    (
        {**EVENT, "url": "http://localhost/?" + "&".join(f"utm_x{n}=1" for n in range(1000))},
        "too_many_utm_parameters",
        "url",
    ),
    ({**EVENT, "scroll": 101}, "out_of_range", "scroll"),
    ({**EVENT, "click_ids": {"mine": "1"}}, "unknown_field", "click_ids"),
    ({**EVENT, "properties": {"a": "x" * 9000}}, "too_large", "properties"),
]


@pytest.mark.parametrize(("event", "code", "field"), EVENT_CASES, ids=[f"{case[1]}-{case[2]}" for case in EVENT_CASES])
async def test_a_bad_event_is_rejected_alone(contract: Contract, event: dict[str, Any], code: str, field: str) -> None:
    before = await contract.counts(without=("visitor",))
    answer = await contract.main.track(event)
    assert answer.status_code == 202
    [rejected] = answer.json()["rejected"]
    assert (rejected["index"], rejected["code"]) == (0, code), rejected
    assert field in rejected["message"], rejected
    assert answer.json()["accepted"] == 0
    assert await contract.counts(without=("visitor",)) == before


CLAIM: dict[str, Any] = {"conversion_type": "purchase", "order_id": "1", "value": "10", "currency": "EUR"}
CLAIM_CASES: list[tuple[dict[str, Any], str]] = [
    ({**CLAIM, "colour": "red"}, "colour"),
    (without(CLAIM, "conversion_type"), "conversion_type"),
    ({**CLAIM, "conversion_type": "prayer"}, "conversion_type"),
    ({**CLAIM, "value": "-10"}, "value"),
    ({**CLAIM, "value": "1e40"}, "value"),
    ({**CLAIM, "currency": "XYZ"}, "currency"),
    ({**CLAIM, "occurred_at": FAR}, "occurred_at"),
    ({**CLAIM, "order_id": ["1"]}, "order_id"),
    ({**CLAIM, "order_id": "nul\x00"}, "order_id"),
]


@pytest.mark.parametrize(("claim", "field"), CLAIM_CASES)
async def test_a_bad_claim_is_refused(contract: Contract, claim: dict[str, Any], field: str) -> None:
    before = await contract.counts()
    async with contract.main.browser() as shopper:
        headers = {"x-publishable-api-key": contract.main.key}
        answer = await shopper.post(f"{WEB}/track-conversion", json=claim, headers=headers)
    problem = assert_problem(answer, 422)
    assert field in problem["errors"][0]["field"]
    assert field in problem["errors"][0]["message"]
    assert await contract.counts() == before


PUBLIC = ("/track", "/track-conversion", "/consent", "/identify")
TEXT_FIELD = {"/track": b"name", "/track-conversion": b"order_id", "/consent": b"url", "/identify": b"token"}
BODY = {
    "/track": EVENT,
    "/track-conversion": CLAIM,
    "/consent": {"consent": {"analytics": True}},
    "/identify": {"token": "t"},
}


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "no_key"),
        ({"x-publishable-api-key": "pk_unknown"}, 401, "unknown_key"),
        ({"x-publishable-api-key": "<key>", "origin": "https://thief.example"}, 403, "wrong_origin"),
    ],
)
async def test_an_unknown_key_or_origin_stores_nothing(
    contract: Contract, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    before = await contract.counts()
    given = {name: value.replace("<key>", contract.main.key) for name, value in headers.items()}
    async with contract.main.browser() as shopper:
        assert_problem(await shopper.post(f"{WEB}{path}", json=BODY[path], headers=given), status, code)
    assert await contract.counts() == before


@pytest.mark.parametrize("path", PUBLIC)
async def test_unreadable_and_oversized_bodies_store_nothing(contract: Contract, path: str) -> None:
    before = await contract.counts()
    cap = contract.runtime.options.ingest.body_cap
    async with contract.main.browser(**{"x-publishable-api-key": contract.main.key}) as shopper:
        invalid_text = b'{"%s": "\xc3\x28"}' % TEXT_FIELD[path]
        for body in (b"\xff\xfe{}", invalid_text, b"{", b""):
            assert_problem(await shopper.post(f"{WEB}{path}", content=body), 400, "unreadable")
        assert_problem(await shopper.post(f"{WEB}{path}", content=b"[1]"), 422)
        assert_problem(await shopper.post(f"{WEB}{path}", content=b" " * (cap + 1)), 413, "too_large")

        async def slices() -> Any:
            for _ in range(cap // 1000 + 2):
                yield b" " * 1000

        assert_problem(await shopper.post(f"{WEB}{path}", content=slices()), 413, "too_large")
    assert await contract.counts() == before


@pytest.mark.parametrize("path", ["/goals", "/conversions", "/attribution", "/keys"])
async def test_unreadable_and_oversized_admin_bodies_store_nothing(contract: Contract, path: str) -> None:
    before = await contract.counts()
    json_type = {"content-type": "application/json"}
    for body in (b"\xff\xfe{}", b'{"name": "\xc3\x28"}', b"{", b"[" * 20_000, b""):
        assert_problem(await contract.main.admin("POST", path, content=body, headers=json_type), 400, "unreadable")
    large = json.dumps({"name": "x" * 2_000_000}).encode()
    assert_problem(await contract.main.admin("POST", path, content=large, headers=json_type), 413, "too_large")
    assert await contract.counts() == before


async def test_a_landing_with_a_thousand_utm_parameters_is_served_and_ignored(contract: Contract) -> None:
    before = await contract.counts()
    query = "&".join(f"utm_extra{number}=x" for number in range(1000))
    async with contract.main.browser() as shopper:
        answer = await shopper.get(f"/?utm_source=flood&utm_campaign=flood&{query}")
    assert answer.status_code == 200
    assert "Khadi" in answer.text
    flooded = "SELECT 1 FROM adplanning.event WHERE utm::text LIKE '%flood%'"
    after = await contract.counts()
    assert await contract.rows(flooded, contract.main.tenant) == []
    assert after[f"{contract.main.tenant}.touchpoint"] == before[f"{contract.main.tenant}.touchpoint"]
