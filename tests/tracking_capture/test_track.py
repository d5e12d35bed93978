"""`POST /track`: who may send, what is stored, what is refused and with which words."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from adplanning_plugin.tracking.flush import Flusher
from adplanning_plugin.tracking.gate import Gate
from adplanning_plugin.tracking.incoming import property_json
from adplanning_plugin.tracking.limits import Limiter
from tests.tracking_capture.conftest import KEY, ORIGIN, OTHER_KEY, Shop, broken

PATH = "/web/ad-planning/track"
AUTH = {"x-publishable-api-key": KEY, "origin": ORIGIN}
YES = {"analytics": True, "ads": True}


def at(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


async def test_a_consented_event_is_stored_whole_and_answered_after_its_commit(shop: Shop) -> None:
    event = {
        "id": "e1",
        "name": "add_to_cart",
        "occurred_at": at(minutes=1),
        "url": f"{ORIGIN}/product/1?utm_source=Meta&utm_campaign=Sale&fbclid=c1&email=a@b.example",
        "referrer": "https://m.facebook.com/path?x=1",
        "value": "4999.50",
        "currency": "inr",
        "seconds": 12,
        "scroll": 80,
        "properties": {"sku": "A-1", "tags": ["new"]},
    }
    answer = await shop.track(event, consent=YES)

    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "duplicate": 0, "rejected": []})
    (row,) = await shop.rows("SELECT * FROM adplanning.event")
    assert (row.id, row.name, row.value, row.currency) == ("e1", "add_to_cart", 499950, "INR")
    assert (row.seconds, row.scroll, row.properties) == (12, 80, {"sku": "A-1", "tags": ["new"]})
    assert row.url == f"{ORIGIN}/product/1?utm_source=Meta&utm_campaign=Sale"
    assert (row.path, row.referrer) == ("/product/1", "https://m.facebook.com/path")
    assert (row.utm, row.click_ids) == ({"source": "meta", "campaign": "sale"}, {"fbclid": "c1"})
    assert row.visitor_id.startswith("vis_")
    assert row.session_id.startswith("ses_")
    assert (row.consent, row.source) == (3, "tracker")
    assert answer.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("consent", [None, {"analytics": False}, {"ads": True, "profiling": True}])
async def test_without_analytics_an_event_counts_and_tells_nothing_of_its_visitor(shop: Shop, consent: Any) -> None:
    event = {
        "id": "e1",
        "name": "page_view",
        "url": f"{ORIGIN}/product/1?utm_source=meta&fbclid=c1&q=private",
        "referrer": "https://www.google.com/search?q=private",
        "visitor_id": "mine",
        "session_id": "mine",
        "click_ids": {"gclid": "x"},
        "utm": {"source": "meta"},
        "properties": {"user": "asha"},
    }
    answer = await shop.track(event, **({"consent": consent} if consent is not None else {}))

    assert answer.json()["accepted"] == 1
    assert "set-cookie" not in answer.headers
    (row,) = await shop.rows("SELECT * FROM adplanning.event")
    assert (row.visitor_id, row.session_id, row.utm, row.click_ids, row.properties) == (None,) * 5
    assert (row.url, row.path, row.referrer) == (f"{ORIGIN}/product/1", "/product/1", "https://www.google.com")
    assert row.consent == 0


async def test_the_visit_of_the_landing_is_the_visit_of_its_events(shop: Shop) -> None:
    async with shop.browser(consent="analytics") as browser:
        await browser.get("/?utm_source=meta")
        await shop.track({"name": "click", "visitor_id": "forged"}, client=browser)

    landing, click = await shop.events()
    assert (click.visitor_id, click.session_id) == (landing.visitor_id, landing.session_id)


async def test_the_first_page_view_of_the_script_is_the_landing_the_server_counted(shop: Shop) -> None:
    async with shop.browser(consent="analytics") as browser:
        page = await browser.get("/?utm_source=meta")
        event_id, milliseconds = page.headers["server-timing"].split('"')[1].split(".")
        seen = datetime.fromtimestamp(int(milliseconds) / 1000, UTC).isoformat()
        await shop.events()
        answer = await shop.track({"id": event_id, "name": "page_view", "occurred_at": seen}, client=browser)

    assert answer.json() == {"accepted": 0, "duplicate": 1, "rejected": []}
    assert len(await shop.events()) == 1


async def test_a_replay_is_a_no_op_with_or_without_a_time_of_its_own(shop: Shop) -> None:
    timed = {"id": "e1", "name": "click", "occurred_at": at(hours=1)}
    untimed = {"id": "e2", "name": "click"}
    anonymous = {"name": "click"}
    first = await shop.track(timed, untimed, anonymous, timed, untimed)
    again = await shop.track(timed, untimed, anonymous)

    assert (first.json()["accepted"], first.json()["duplicate"]) == (3, 2)
    assert (again.json()["accepted"], again.json()["duplicate"]) == (1, 2)


async def test_the_same_ids_sent_at_once_from_many_sides_are_stored_once(shop: Shop) -> None:
    events = [{"id": f"e{n}", "name": "click", "occurred_at": at(minutes=5)} for n in range(10)]
    events += [{"id": f"u{n}", "name": "click"} for n in range(10)]
    answers = await asyncio.gather(*(shop.track(*events) for _ in range(25)))

    assert sum(answer.json()["accepted"] for answer in answers) == 20
    assert sum(answer.json()["duplicate"] for answer in answers) == 20 * 24
    assert len(await shop.events()) == 20


async def test_valid_events_are_stored_beside_rejected_ones(shop: Shop) -> None:
    bad: list[tuple[dict[str, Any], str]] = [
        ({}, "required"),
        ({"name": "x", "colour": "red"}, "unknown_field"),
        ({"name": 7}, "wrong_type"),
        ({"name": "<script>"}, "wrong_format"),
        ({"name": "x", "occurred_at": "2999-01-01T00:00:00Z"}, "in_the_future"),
        ({"name": "x", "occurred_at": "1999-01-01T00:00:00Z"}, "too_old"),
        ({"name": "x", "occurred_at": "2026-01-01T00:00:00"}, "wrong_format"),
        ({"name": "x", "occurred_at": "yesterday"}, "wrong_format"),
        ({"name": "x", "value": -1, "currency": "INR"}, "negative_money"),
        ({"name": "x", "value": 1}, "required"),
        ({"name": "x", "value": 1, "currency": "XXX"}, "unknown_currency"),
        ({"name": "x", "value": 2**63, "currency": "INR"}, "too_large"),
        ({"name": "x", "value": "1e400", "currency": "INR"}, "too_large"),
        ({"name": "x", "value": 1.005, "currency": "INR"}, "too_precise"),
        ({"name": "x", "seconds": 2**63}, "out_of_range"),
        ({"name": "x", "seconds": -1}, "out_of_range"),
        ({"name": "x", "scroll": 101}, "out_of_range"),
        ({"name": "x", "properties": {"n": 2**63}}, "out_of_range"),
        ({"name": "x", "properties": {"n": "a\x00b"}}, "invalid_text"),
        ({"name": "x", "properties": {"n": "x" * 9000}}, "too_large"),
        ({"name": "x", "properties": {"a": {"b": {"c": {"d": {"e": {}}}}}}}, "too_deep"),
        ({"name": "x", "id": "no spaces please"}, "wrong_format"),
        ({"name": "x", "click_ids": {"mine": "1"}}, "unknown_field"),
        ({"name": "x", "utm": {f"f{n}": "x" for n in range(1000)}}, "unknown_field"),
        ({"name": "x", "url": f"{ORIGIN}/?" + "&".join(f"utm_{n}=1" for n in range(1000))}, "too_many_utm_parameters"),
        ({"name": "x", "url": "https://x/" + "y" * 40_000}, "too_long"),
    ]
    good = {"id": "good", "name": "click"}
    answer = await shop.track(*(event for event, _ in bad), good, consent=YES)

    assert answer.status_code == 202
    body = answer.json()
    assert body["accepted"] == 1
    assert [(each["index"], each["code"]) for each in body["rejected"]] == list(enumerate(code for _, code in bad))
    assert all(each["message"].endswith(".") for each in body["rejected"])
    assert [row.id for row in await shop.events()] == ["good"]


async def test_one_event_and_a_beacon_are_taken_as_well(shop: Shop) -> None:
    async with shop.browser() as browser:
        single = await browser.post(PATH, json={"name": "click", "id": "one"}, headers=AUTH)
        beacon = await browser.post(
            PATH,
            content=json.dumps({"key": KEY, "events": [{"name": "click", "id": "two"}]}),
            headers={"content-type": "text/plain;charset=UTF-8", "origin": ORIGIN},
        )

    assert single.json()["accepted"] == beacon.json()["accepted"] == 1
    assert {row.id for row in await shop.events()} == {"one", "two"}


async def test_who_may_not_send_is_told_why_and_nothing_is_stored(shop: Shop) -> None:
    event = {"events": [{"name": "click"}]}
    async with shop.browser() as browser:
        cases = [
            (await browser.post(PATH, json=event), 401, "no_key"),
            (await browser.post(PATH, json=event, headers={"x-publishable-api-key": "pk_nobody"}), 401, "unknown_key"),
            (
                await browser.post(PATH, json=event, headers={**AUTH, "origin": "https://evil.example"}),
                403,
                "wrong_origin",
            ),
            (await browser.post(PATH, json=event, headers={**AUTH, "origin": "null"}), 403, "wrong_origin"),
            (await browser.post(PATH, content=b"{", headers=AUTH), 400, "unreadable"),
            (await browser.post(PATH, content=b'{"events":[{"name":"\xff"}]}', headers=AUTH), 400, "unreadable"),
            (await browser.post(PATH, content=b"[]", headers=AUTH), 422, "wrong_type"),
            (await browser.post(PATH, json={"events": [], "surprise": 1}, headers=AUTH), 422, "invalid"),
            (await browser.post(PATH, json={"events": [{"name": "a"}] * 101}, headers=AUTH), 422, "too_many"),
            (await browser.post(PATH, content=b"x" * 300_000, headers=AUTH), 413, "too_large"),
            (await browser.put(PATH, json=event, headers=AUTH), 405, "method_not_allowed"),
        ]

    for answer, status, code in cases:
        assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert "access-control-allow-origin" not in cases[2][0].headers
    assert await shop.events() == []


async def test_a_body_that_declares_no_length_is_cut_off_at_the_cap(shop: Shop) -> None:
    async def endless() -> Any:
        for _ in range(1_000):
            yield b'{"events": [' + b" " * 1_000

    async with shop.browser() as browser:
        answer = await browser.post(PATH, content=endless(), headers=AUTH)
    assert answer.status_code == 413


async def test_the_keys_store_owns_the_event_whatever_the_host_name_says(shop: Shop) -> None:
    async with shop.browser() as browser:
        headers = {"x-publishable-api-key": OTHER_KEY, "origin": "https://other.example"}
        await browser.post(PATH, json={"name": "click"}, headers=headers)

    assert await shop.events("main") == []
    assert len(await shop.events("other")) == 1


async def test_a_preflight_is_answered_for_origins_of_a_key_and_for_no_other(shop: Shop) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-publishable-api-key"}
    async with shop.browser() as browser:
        known = await browser.options(PATH, headers={"origin": "https://other.example", **asked})
        foreign = await browser.options(PATH, headers={"origin": "https://evil.example", **asked})

    assert known.headers["access-control-allow-origin"] == "https://other.example"
    assert "x-publishable-api-key" in known.headers["access-control-allow-headers"]
    assert "access-control-allow-origin" not in foreign.headers


async def test_too_many_events_from_one_address_are_told_when_to_come_back(shop: Shop) -> None:
    shop.runtime.get(Gate)._addresses = Limiter(5)
    first = await shop.track(*[{"name": "click"}] * 5)
    second = await shop.track({"name": "click"})

    assert first.status_code == 202
    assert second.status_code == 429
    assert int(second.headers["retry-after"]) >= 1
    assert len(await shop.events()) == 5


async def test_a_robot_is_answered_and_counted_but_not_stored(shop: Shop) -> None:
    async with shop.browser(agent="Googlebot/2.1") as robot:
        answer = await shop.track({"name": "click"}, client=robot)

    assert (answer.status_code, answer.json()["accepted"]) == (202, 0)
    assert [(each["index"], each["code"]) for each in answer.json()["rejected"]] == [(0, "bot")]
    assert shop.runtime.get(Gate).counts["bots"] == 1
    assert await shop.events() == []


@pytest.mark.parametrize("agent", ["python-httpx/0.28.1", "okhttp/4.12.0", "curl/8.5.0", "axios/1.7.2"])
async def test_what_an_app_or_a_headless_storefronts_server_sends_is_stored(shop: Shop, agent: str) -> None:
    async with shop.browser(agent=agent) as sender:
        answer = await shop.track({"name": "click"}, client=sender)

    assert (answer.json()["accepted"], answer.json()["rejected"]) == (1, [])


async def test_with_the_database_gone_nothing_is_acknowledged(shop: Shop) -> None:
    await shop.track({"name": "warm"})
    await shop.runtime.get(Flusher).drain()
    shop.runtime.get(Flusher)._runtime = broken(shop.runtime)
    answer = await shop.track({"id": "lost", "name": "click"})

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["code"] == "unavailable"
    await shop.runtime.get(Flusher).drain()
    shop.runtime.get(Flusher)._runtime = shop.runtime
    assert (await shop.track({"id": "lost", "name": "click"})).json()["accepted"] == 1


async def test_a_full_queue_is_503_and_stays_bounded(shop: Shop) -> None:
    flusher = shop.runtime.get(Flusher)
    flusher._limit = 150
    answers = await asyncio.gather(*(shop.track(*[{"name": "click"}] * 100) for _ in range(5)))

    statuses = sorted(answer.status_code for answer in answers)
    stored = sum(answer.json()["accepted"] for answer in answers if answer.status_code == 202)
    assert statuses[0] == 202
    assert statuses[-1] == 503
    assert len(await shop.events()) == stored


async def test_a_headless_client_keeps_its_own_visitor_without_a_cookie(shop: Shop) -> None:
    answer = await shop.track({"name": "click", "visitor_id": "app-7", "session_id": "s-1"}, consent=YES)
    await shop.track({"name": "click", "session_id": "s-2"}, consent=YES)

    assert "set-cookie" not in answer.headers
    rows = await shop.events()
    assert [(row.visitor_id, row.session_id) for row in rows] == [("app-7", "s-1"), ("session:s-2", "s-2")]


async def test_events_of_a_batch_may_each_carry_the_consent_they_were_queued_under(shop: Shop) -> None:
    granted = {"name": "a", "visitor_id": "v1", "consent": {"analytics": True}}
    denied = {"name": "b", "visitor_id": "v2", "consent": {"analytics": False}}
    await shop.track(granted, denied, {"name": "c", "visitor_id": "v3"})

    rows = sorted(await shop.events(), key=lambda row: row.name)
    assert [row.visitor_id for row in rows] == ["v1", None, None]


async def test_a_signed_visit_travels_where_no_cookie_does(shop: Shop) -> None:
    async with shop.browser(consent="analytics") as browser:
        await browser.get("/")
        token = (await browser.get("/whoami")).json()["token"]
    await shop.track({"name": "click"}, consent=YES, visitor_token=token)
    await shop.track({"name": "click"}, consent=YES, visitor_token=token[:-3] + "abc")

    visitors = [row.visitor_id for row in await shop.events()]
    assert visitors[0] == visitors[1] != visitors[2]


async def test_global_privacy_control_takes_click_ids_from_consent_modes_yes(shop: Shop) -> None:
    mode = {"analytics_storage": "granted", "ad_storage": "granted"}
    event = {"name": "page_view", "url": f"{ORIGIN}/?gclid=x"}
    await shop.track(event, consent_mode=mode)
    async with shop.browser() as browser:
        await browser.post(PATH, json={"events": [event], "consent_mode": mode}, headers={**AUTH, "sec-gpc": "1"})

    assert [row.click_ids for row in await shop.events()] == [{"gclid": "x"}, None]


async def test_consent_after_landing_finds_the_campaign_in_the_first_events_referrer(shop: Shop) -> None:
    view = {"name": "page_view", "url": f"{ORIGIN}/product/1", "referrer": f"{ORIGIN}/?utm_source=meta"}
    answer: httpx.Response = await shop.track(view, consent=YES)

    assert answer.json()["accepted"] == 1
    rows = await shop.events()
    assert sorted((row.path, (row.utm or {}).get("source")) for row in rows) == [("/", "meta"), ("/product/1", None)]
    assert len({row.session_id for row in rows}) == 1


async def test_posting_consent_sets_the_cookies_and_stores_the_landing_it_was_given_on(shop: Shop) -> None:
    async with shop.browser() as browser:
        body = {"consent": {"analytics": True, "ads": True}, "url": f"{ORIGIN}/?utm_source=meta&fbclid=f1"}
        yes = await browser.post("/web/ad-planning/consent", json=body, headers=AUTH)
        visitor = browser.cookies["_adp_vid"]
        no = await browser.post("/web/ad-planning/consent", json={"consent": {"analytics": False}}, headers=AUTH)

    assert yes.json()["consent"] == {"analytics": True, "ads": True, "personalisation": False, "profiling": False}
    assert any("_adp_consent=analytics.ads" in each for each in yes.headers.get_list("set-cookie"))
    assert yes.json()["visitor_token"]
    (row,) = await shop.events()
    assert (row.visitor_id, row.utm, row.click_ids) == (visitor, {"source": "meta"}, {"fbclid": "f1"})
    assert any("_adp_consent=none" in each for each in no.headers.get_list("set-cookie"))
    assert any("_adp_vid=;" in each for each in no.headers.get_list("set-cookie"))
    assert no.json()["visitor_token"] is None


async def test_a_signed_link_opened_elsewhere_is_linked_through_the_endpoint(shop: Shop) -> None:
    from adplanning_plugin.tracking.tokens import write_link

    body = {"token": write_link(shop.runtime, "main", "42"), "consent": {"analytics": True}}
    foreign = {"token": write_link(shop.runtime, "other", "42"), "consent": {"analytics": True}}
    async with shop.browser() as browser:
        linked = await browser.post("/web/ad-planning/identify", json=body, headers=AUTH)
        refused = await browser.post("/web/ad-planning/identify", json=foreign, headers=AUTH)

    assert linked.json() == {"linked": True}
    assert refused.status_code == 404
    (edge,) = await shop.rows("SELECT visitor_id, identifier FROM adplanning.identity_edge")
    assert tuple(edge) == (browser.cookies["_adp_vid"], "person:42")


async def test_an_address_in_an_events_properties_is_not_stored(shop: Shop) -> None:
    event = {
        "name": "form_submit",
        "properties": {"form": "quiz", "answers": ["asha.k+1@mail.example", "write to a@b.example!"]},
    }
    async with shop.browser(consent="analytics") as client:
        assert (await shop.track(event, client=client)).status_code == 202
    (row,) = await shop.events()
    assert row.properties == {"form": "quiz", "answers": ["[email]", "write to [email]"]}


def test_properties_that_hold_almost_an_address_cost_nothing() -> None:
    begun = time.process_time()
    for text in ("a" * 8_000 + "@", "a@" * 4_000, "a." * 4_000 + "@"):
        assert property_json({"text": text}) is not None
    assert time.process_time() - begun < 0.2
