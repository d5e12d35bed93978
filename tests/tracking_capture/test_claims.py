"""`POST /track-conversion`: let in like events, answered with the conversion, and never trusted with money."""

# ruff: noqa: E501
from __future__ import annotations

from typing import Any

from adplanning_plugin.tracking.gate import Gate
from adplanning_plugin.tracking.limits import Limiter
from tests.tracking_capture.conftest import KEY, ORIGIN, Shop, broken

PATH = "/web/ad-planning/track-conversion"
AUTH = {"x-publishable-api-key": KEY, "origin": ORIGIN}


async def claim(shop: Shop, body: Any, **headers: str) -> Any:
    async with shop.browser() as browser:
        return await browser.post(PATH, json=body, headers={**AUTH, **headers})


async def test_a_claimed_purchase_is_pending_once_and_carries_the_visit(shop: Shop) -> None:
    body = {
        "conversion_type": "purchase", "order_id": "1", "value": "4999", "currency": "INR", "event_id": "e1",
        "url": f"{ORIGIN}/thanks?utm_source=meta", "visitor_id": "v1", "session_id": "s1", "consent": {"analytics": True},
    }  # fmt: skip
    first = await claim(shop, body)
    again = await claim(shop, body)

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert first.json()["conversion"]["status"] == "pending"
    (row,) = await shop.rows("SELECT visitor_id, session_id, value, utm FROM adplanning.conversion")
    assert tuple(row) == ("v1", "s1", 0, {"source": "meta"})


async def test_without_consent_a_claim_names_nobody(shop: Shop) -> None:
    body = {"conversion_type": "custom", "event_id": "e1", "url": f"{ORIGIN}/x?utm_source=meta", "visitor_id": "v1"}
    assert (await claim(shop, {**body, "properties": {"who": "asha"}})).status_code == 201

    (row,) = await shop.rows("SELECT visitor_id, session_id, utm, click_ids, properties FROM adplanning.conversion")
    assert tuple(row) == (None, None, None, None, None)


async def test_a_claim_may_name_its_campaign_itself(shop: Shop) -> None:
    body = {
        "conversion_type": "add_to_cart",
        "url": f"{ORIGIN}/x?utm_source=meta",
        "utm_source": " Google ",
        "utm_campaign": "Summer",
    }
    await claim(shop, {**body, "consent": {"analytics": True}})
    await claim(shop, body)
    wrong = await claim(shop, {**body, "utm_source": "x" * 501})

    rows = await shop.rows("SELECT utm FROM adplanning.conversion ORDER BY id")
    assert [row.utm for row in rows] == [{"source": "google", "campaign": "summer"}, None]
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "utm_source")


async def test_an_idempotency_key_makes_a_claim_once(shop: Shop) -> None:
    body = {"conversion_type": "custom", "value": 5, "currency": "INR"}
    key = {"idempotency-key": "one"}
    first, again = await claim(shop, body, **key), await claim(shop, body, **key)
    other = await claim(shop, {**body, "value": 6}, **key)
    asked = {"origin": ORIGIN, "access-control-request-method": "POST"}
    async with shop.browser() as browser:
        preflight = await browser.options(PATH, headers=asked)

    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert len(await shop.rows("SELECT 1 FROM adplanning.conversion")) == 1
    assert "idempotency-key" in preflight.headers["access-control-allow-headers"]


async def test_what_is_wrong_with_a_claim_is_said_and_nothing_is_stored(shop: Shop) -> None:
    purchase = {"conversion_type": "purchase", "order_id": "1"}
    cases = [
        (await claim(shop, {}), 422),
        (await claim(shop, []), 422),
        (await claim(shop, {**purchase, "surprise": 1}), 422),
        (await claim(shop, {**purchase, "value": -1, "currency": "INR"}), 422),
        (await claim(shop, {**purchase, "value": 1, "currency": "XXX"}), 422),
        (await claim(shop, {**purchase, "visitor_id": "no spaces"}), 422),
        (await claim(shop, purchase, origin="https://evil.example"), 403),
        (await claim(shop, purchase, **{"x-publishable-api-key": "pk_nobody"}), 401),
        (await claim(shop, purchase, **{"user-agent": "Googlebot/2.1"}), 403),
    ]

    assert [answer.status_code for answer, _ in cases] == [status for _, status in cases]
    assert all(answer.json()["detail"] for answer, _ in cases)
    assert await shop.rows("SELECT 1 FROM adplanning.conversion") == []


async def test_claims_are_limited_like_events(shop: Shop) -> None:
    shop.runtime.get(Gate)._addresses = Limiter(1)
    body = {"conversion_type": "custom", "event_id": "e1"}
    assert (await claim(shop, body)).status_code == 201
    limited = await claim(shop, body)
    assert limited.status_code == 429
    assert int(limited.headers["retry-after"]) >= 1


async def test_a_claim_is_not_acknowledged_without_the_database(shop: Shop) -> None:
    from adplanning_plugin.kernel.database import Database

    await claim(shop, {"conversion_type": "custom", "event_id": "warm"})
    real = shop.runtime.database
    shop.runtime.put(broken(shop.runtime).database, Database)
    answer = await claim(shop, {"conversion_type": "custom", "event_id": "e1"})
    shop.runtime.put(real, Database)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1


async def test_a_claim_of_no_known_type_is_told_the_types_there_are(shop: Shop) -> None:
    (error,) = (await claim(shop, {"conversion_type": "sale"})).json()["errors"]
    assert error["field"] == "conversion_type"
    assert "lead_form_submission" in error["message"]
    assert "purchase" in error["message"]
    (name,) = (await claim(shop, {"conversion_type": "custom", "visitor_id": "no spaces"})).json()["errors"]
    assert name["field"] == "visitor_id"
    assert "[A-Za-z0-9]" in name["message"]
