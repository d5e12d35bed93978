"""Nonsense on every route: schemathesis over the document, and raw bytes as bodies; no answer is a 5xx.

`ADPLANNING_FUZZ_BODIES` (default 2,000) raw bodies, `ADPLANNING_FUZZ_EXAMPLES` (default 6) examples an operation,
`ADPLANNING_FUZZ_SEED` to repeat a run.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from schemathesis import GenerationMode

from adplanning_plugin.kernel.openapi import openapi_document
from tests.contract.store import UNSAFE, WEB, Contract

BODIES = int(os.environ.get("ADPLANNING_FUZZ_BODIES", "2000"))
EXAMPLES = int(os.environ.get("ADPLANNING_FUZZ_EXAMPLES", "6"))
SEED = int(os.environ.get("ADPLANNING_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
SECONDS = 80.0
STARTS: list[Any] = [
    {"events": [{"name": "page_view", "url": "http://localhost/?utm_source=a", "occurred_at": "2026-01-01T00:00:00Z"}]},
    {"name": "click", "value": 1.5, "currency": "INR", "seconds": 3, "properties": {"a": [1, None, {"b": "x"}]}},
    {"conversion_type": "purchase", "order_id": "1", "value": "10", "currency": "INR", "event_id": "e"},
    {"consent": {"analytics": True}, "landing": {"url": "http://localhost/?gclid=1"}, "visitor_token": "x.y.z"},
    {
        "token": "abc",
        "name": "a",
        "goal_type": "custom",
        "conditions": {"custom": [{"field": "value", "operator": ">"}]},
    },
    {"ad_spend": [{"day": "2026-01-01", "platform": "meta", "ad_campaign_id": "1", "spend": "1", "currency": "EUR"}]},
    {"exchange_rates": [{"day": "2026-01-01", "base": "USD", "quote": "EUR", "rate": 1}], "version": 1, "value": {}},
]
ODD: list[Any] = [
    None, True, -1, 0, 2**63, 10**400, 1e308, "", "\x00", "\ud800", "x" * 20_000, [], {}, [[]], {"": {}}, "1e999999999",
    "NaN", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "2026-02-30", "http://[::1", "%00%ff", "' OR 1=1 --",
]  # fmt: skip


def changed(chance: random.Random, value: Any) -> Any:
    """The value with something strange somewhere inside."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        return {**value, name: changed(chance, value[name])}
    if isinstance(value, list) and value and chance.random() < 0.8:
        return [changed(chance, each) for each in value] * chance.choice([1, 1, 2, 110])
    return chance.choice(ODD)


def raw_body(chance: random.Random) -> bytes:
    kind = chance.random()
    if kind < 0.2:
        return chance.randbytes(chance.randrange(0, 300))
    body = bytearray(json.dumps(changed(chance, chance.choice(STARTS))).encode())
    if kind < 0.6:
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(body) + 1)
            body[at : at + chance.randrange(0, 3)] = chance.randbytes(chance.randrange(0, 4))
    return b"[" * chance.randrange(1, 30_000) + bytes(body) if 0.6 <= kind < 0.62 else bytes(body)


async def test_raw_bytes_on_the_public_routes_are_no_server_error(contract: Contract) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    routes = [route for route in contract.web_routes if route.method == "POST"]
    assert len(routes) == 4
    async with contract.main.browser() as client:
        for number in range(BODIES):
            route, body = routes[number % 4], raw_body(chance)
            headers = {"content-type": chance.choice(["application/json", "text/plain", "image/png", "nonsense"])}
            if chance.random() < 0.9:
                headers["x-publishable-api-key"] = contract.main.key
            answer = await client.post(route.path, content=body, headers=headers)
            assert_calm(answer, f"seed {SEED}, body {number}: {body[:300]!r}")


async def test_raw_bytes_on_the_admin_routes_are_no_server_error(contract: Contract) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED + 1)
    routes = [route for route in contract.admin_routes if route.method in UNSAFE and route.operation != "runJob"]
    known = {**contract.main.ids, "section": "attribution", "name": "none", "item_id": "work_0", "version": "1"}
    async with contract.main.client() as client:
        for number in range(BODIES // 4):
            route, body = routes[number % len(routes)], raw_body(chance)
            if route.method == "DELETE":
                continue
            kind = chance.choice(["application/json", "text/csv", "application/x-www-form-urlencoded", "nonsense"])
            path = route.at(**{name: known[name] for name in route.parameters})
            answer = await client.request(route.method, path, content=body, headers={"content-type": kind})
            assert_calm(answer, f"seed {SEED}, body {number} on {route} as {kind}: {body[:300]!r}")


def assert_calm(answer: httpx.Response, about: str) -> None:
    assert answer.status_code < 500, f"{answer.status_code} {answer.text}; {about}"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", about
        assert answer.json()["detail"], about


async def test_the_api_is_what_its_document_says(contract: Contract) -> None:
    """Generated requests, right and wrong ones: no 5xx, declared statuses and types, answers that fit their schema."""
    print(f"seed {SEED}")
    document = openapi_document(contract.runtime)
    schema = schemathesis.openapi.from_dict(document)
    loop, ends = asyncio.get_running_loop(), time.monotonic() + SECONDS
    failures: list[str] = []
    asked: dict[str, int] = {}

    def send(case: Any) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(ask(contract, case), loop).result(30)

    def try_one(operation: Any) -> None:
        @seed(SEED)
        @settings(
            max_examples=EXAMPLES, database=None, deadline=None, phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet,
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        def right(case: Any) -> None:
            check(case)

        @seed(SEED)
        @settings(
            max_examples=EXAMPLES, database=None, deadline=None, phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet,
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        def wrong(case: Any) -> None:
            check(case)

        def check(case: Any) -> None:
            if time.monotonic() > ends:
                return
            answer = send(case)
            asked[operation.label] = asked.get(operation.label, 0) + 1
            problem = fault(document, operation.definition.raw, answer)
            if problem:
                failures.append(
                    f"{operation.label}: {problem}\n  {answer.request.url} {answer.request.content[:300]!r}"
                )

        right()
        try:
            wrong()
        except Exception as error:
            if type(error).__name__ not in ("Unsatisfiable", "SkipTest", "Skipped"):
                raise

    operations = [result.ok() for result in schema.get_all_operations()]
    for operation in operations:
        if operation.definition.raw["operationId"] in ("runJob", "deleteKey"):
            continue
        await asyncio.to_thread(try_one, operation)
    assert failures == [], f"seed {SEED}\n" + "\n".join(failures[:10])
    assert len(asked) > 40, f"seed {SEED}: only {len(asked)} operations were asked in {SECONDS} s"


async def ask(contract: Contract, case: Any) -> httpx.Response:
    """Send a generated case as the owner (admin) or as a shopper with the key (public)."""
    given = case.as_transport_kwargs(base_url="http://localhost")
    headers = {
        name: value for name, value in (given.pop("headers", None) or {}).items() if name.lower() != "user-agent"
    }
    sender = contract.main.browser() if case.path.startswith(WEB) else contract.main.client()
    async with sender as client:
        headers = {**headers, **({"x-publishable-api-key": contract.main.key} if case.path.startswith(WEB) else {})}
        for unsent in ("cookies", "timeout", "allow_redirects"):
            given.pop(unsent, None)
        data = given.pop("data", None)
        if data is not None:
            given["content"] = data if isinstance(data, str | bytes) else json.dumps(data)
        safe = {name: value for name, value in headers.items() if name.lower() not in ("authorization", "cookie")}
        request = client.build_request(given.pop("method"), given.pop("url"), headers=safe, **given)
        return await client.send(request)


def fault(document: dict[str, Any], operation: dict[str, Any], answer: httpx.Response) -> str | None:
    """What is wrong with an answer, or None."""
    if answer.status_code >= 500:
        return f"{answer.status_code} {answer.text}"
    declared = operation["responses"].get(str(answer.status_code))
    if declared is None:
        return None if answer.status_code == 405 else f"{answer.status_code} is not declared: {answer.text[:300]}"
    kind = answer.headers.get("content-type", "").partition(";")[0]
    content = declared.get("content", {})
    if content and answer.content and kind not in content:
        return f"{kind} is not declared for {answer.status_code}"
    if "json" in kind and content:
        resolvable = {"components": document["components"], **content[kind].get("schema", {})}
        try:
            jsonschema_rs.Draft202012Validator(resolvable).validate(answer.json())
        except jsonschema_rs.ValidationError as error:
            return f"{answer.status_code} does not fit its schema: {error.message[:300]}"
    return None


@pytest.fixture(autouse=True, scope="module")
def _the_seed_is_told() -> Any:
    yield
    print(f"\nfuzz seed: ADPLANNING_FUZZ_SEED={SEED}")
