"""Whatever bytes arrive on the public routes, no answer is a 5xx and nothing but valid events is stored."""

# ruff: noqa: E501
from __future__ import annotations

import json
import os
import random
from typing import Any

from tests.tracking_capture.conftest import KEY, ORIGIN, Shop

ROUTES = ("track", "track-conversion", "consent", "identify")
BODIES = int(os.environ.get("ADPLANNING_FUZZ_BODIES", "2500"))
SEEDS: list[dict[str, Any]] = [
    {"events": [{"name": "page_view", "url": f"{ORIGIN}/?utm_source=a", "occurred_at": "2026-01-01T00:00:00Z"}]},
    {"name": "click", "value": 1.5, "currency": "INR", "seconds": 3, "properties": {"a": [1, None, {"b": "x"}]}},
    {"conversion_type": "purchase", "order_id": "1", "value": "10", "currency": "INR", "event_id": "e"},
    {"conversion_type": "custom", "properties": {"x": 1}, "url": ORIGIN},
    {"consent": {"analytics": True, "ads": True}, "landing": {"url": f"{ORIGIN}/?gclid=1"}, "consent_mode": {"a": "b"}},
    {"token": "abc", "visitor_token": "x.y.z", "gpc": True},
]
ODD: list[Any] = [
    None, True, -1, 0, 2**63, -(2**64), 10**400, 1e308, -0.0, "", "\x00", "\ud800", "\u202e", "x" * 70_000, [], {}, [[]],
    {"": {}}, "1e999999999", "NaN", "2026-13-45T99:99:99Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "%00%ff",
    "http://[::1", "//", "javascript:alert(1)", "' OR 1=1 --", "utm_source=" * 2000,
]  # fmt: skip


def odd_value(chance: random.Random, value: Any) -> Any:
    """The seed with something strange somewhere inside."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        changed = {**value, name: odd_value(chance, value[name])}
        return (
            changed
            if chance.random() < 0.8
            else {**changed, chance.choice(["x", "", "\x00", "id", "key"]): chance.choice(ODD)}
        )
    if isinstance(value, list) and value and chance.random() < 0.8:
        return [odd_value(chance, each) for each in value] * chance.choice([1, 1, 2, 120])
    return chance.choice(ODD)


def body(chance: random.Random) -> bytes:
    """One body: nonsense, a damaged text, or well-formed JSON that means nonsense."""
    kind = chance.random()
    if kind < 0.15:
        return chance.randbytes(chance.randrange(0, 400))
    text = json.dumps(odd_value(chance, chance.choice(SEEDS))).encode()
    if kind < 0.5:
        damaged = bytearray(text)
        for _ in range(chance.randrange(1, 6)):
            if damaged:
                at = chance.randrange(len(damaged))
                damaged[at : at + chance.randrange(0, 3)] = chance.randbytes(chance.randrange(0, 4))
        return bytes(damaged)
    if kind < 0.55:
        return b"[" * chance.randrange(1, 30_000) + text
    return text


async def test_random_bodies_find_no_server_error(shop: Shop) -> None:
    seed = int(os.environ.get("ADPLANNING_FUZZ_SEED", random.SystemRandom().randrange(2**32)))
    print(f"ADPLANNING_FUZZ_SEED={seed}")
    chance = random.Random(seed)
    statuses: set[int] = set()
    async with shop.browser() as browser:
        for number in range(BODIES):
            content = body(chance)
            headers: dict[str, Any] = {"x-publishable-api-key": KEY, "origin": ORIGIN}
            if chance.random() < 0.3:
                headers["cookie"] = chance.choice(
                    [b"_adp_consent=analytics", b"_adp_vid=\xff; ;=;a", b"_adp_sid=ses_; _adp_consent=none"]
                )
            if chance.random() < 0.1:
                headers["content-length"] = str(len(content))
            route = chance.choice(ROUTES)
            answer = await browser.post(f"/web/ad-planning/{route}", content=content, headers=headers)
            assert answer.status_code < 500, (seed, number, route, content[:500], answer.text)
            statuses.add(answer.status_code)

    assert {202, 400, 413, 422} <= statuses
    assert all(row.name in {"page_view", "click"} or row.name.isprintable() for row in await shop.events())
