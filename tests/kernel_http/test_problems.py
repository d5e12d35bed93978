"""Every kind of error is a problem+json that says what to do, and nothing of the host's is touched."""

import logging
from typing import Any

import pytest
from httpx import AsyncClient
from litestar import Litestar, Request, Response, get
from litestar.exceptions import HTTPException, NotFoundException

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.options import DatabaseOptions, Options
from tests.kernel_http.conftest import make_app, make_runtime, serving

ADMIN = "/admin/ad-planning"


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["title"]
    assert body["detail"]
    assert body["type"] == "about:blank"
    return body


def errors_of(body: dict[str, Any]) -> dict[str, str]:
    return {error["field"]: error["code"] for error in body["errors"]}


async def test_nobody_signed_in_is_401_from_the_hosts_guard(runtime: Runtime) -> None:
    async with serving(make_app(runtime)) as other:
        del other.headers["x-actor"]
        body = assert_problem(await other.get(f"{ADMIN}/items"), 401, "unauthorized")
    assert body["detail"] == "Sign in to the store's admin."


async def test_an_actor_the_host_does_not_know_is_401(client: AsyncClient) -> None:
    assert_problem(await client.get(f"{ADMIN}/items", headers={"x-actor": "ghost"}), 401, "unauthorized")


async def test_broken_json_is_400_unreadable(client: AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    deep = b"[" * 100_000
    for raw in (
        deep,
        b'{"title": "\\u0000\xff"}',
        b'{"title": ',
        b"\xff\xfe",
        b'{"title": "\xff"}',
        b'{"title": NaN}',
        b'{"title": "\\ud800"}',
    ):
        body = assert_problem(await client.post(f"{ADMIN}/items", content=raw, headers=headers), 400, "unreadable")
        assert "JSON" in body["detail"]


async def test_an_empty_body_is_400_unreadable(client: AsyncClient) -> None:
    assert_problem(await client.post(f"{ADMIN}/items"), 400, "unreadable")


async def test_every_wrong_field_of_a_body_is_named_at_once(client: AsyncClient) -> None:
    sent = {"count": 101, "kind": "blue", "at": "yesterday", "parts": [{"name": "a", "weight": "x"}], "colour": 1}
    body = assert_problem(await client.post(f"{ADMIN}/items", json=sent), 422, "invalid")
    assert errors_of(body) == {
        "title": "required",
        "count": "out_of_range",
        "kind": "unknown_value",
        "at": "wrong_format",
        "parts[0].weight": "wrong_type",
        "colour": "unknown_field",
    }
    said = {error["field"]: error["message"] for error in body["errors"]}
    assert said["count"] == "count must be at most 100."
    assert said["kind"] == "kind must be one of red, green."
    assert said["parts[0].weight"] == "parts[0].weight must be a whole number, not text."
    assert "title" in said["colour"]


@pytest.mark.parametrize("sent", [b"[]", b'"text"', b"4", b"null"])
async def test_a_body_of_another_shape_is_422(client: AsyncClient, sent: bytes) -> None:
    headers = {"content-type": "application/json"}
    body = assert_problem(await client.post(f"{ADMIN}/items", content=sent, headers=headers), 422, "invalid")
    assert "object" in body["detail"]


async def test_a_nul_character_is_named_by_its_field(client: AsyncClient) -> None:
    sent = {"title": "ok", "parts": [{"name": "a\x00b", "weight": 1}]}
    body = assert_problem(await client.post(f"{ADMIN}/items", json=sent), 422, "invalid")
    assert errors_of(body) == {"parts[0].name": "invalid_text"}
    escaped = {"title": "a backslash and u0000: \\u0000"}
    assert (await client.post(f"{ADMIN}/items", json=escaped)).status_code == 201


async def test_an_unknown_query_parameter_is_422_and_names_those_that_exist(client: AsyncClient) -> None:
    body = assert_problem(await client.get(f"{ADMIN}/items?colour=red&limit=1"), 422, "invalid")
    assert errors_of(body) == {"colour": "unknown_parameter"}
    assert body["errors"][0]["message"].endswith("it takes action, color, cursor, limit, offset, order, q.")
    body = assert_problem(await client.get(f"{ADMIN}/me?x=1"), 422, "invalid")
    assert body["detail"] == "There is no parameter x here: it takes none."


async def test_a_parameter_given_twice_is_refused(client: AsyncClient) -> None:
    body = assert_problem(await client.get(f"{ADMIN}/items?color=red&limit=1&color=blue"), 422, "invalid")
    assert errors_of(body) == {"color": "repeated_parameter"}


async def test_a_parameter_with_braces_does_not_break_the_sentence(client: AsyncClient) -> None:
    body = assert_problem(await client.get(f"{ADMIN}/items", params={"{0}{x}": "1"}), 422, "invalid")
    assert errors_of(body) == {"{0}{x}": "unknown_parameter"}


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("limit=0", "limit", "out_of_range"),
        ("limit=201", "limit", "out_of_range"),
        ("limit=ten", "limit", "wrong_type"),
        ("offset=-1", "offset", "out_of_range"),
        ("offset=99999999999999999999999", "offset", "out_of_range"),
        ("order=colour", "order", "unknown_order"),
        ("order=--at", "order", "unknown_order"),
        ("cursor=%00", "cursor", "invalid_text"),
        ("cursor=abc", "cursor", "invalid_cursor"),
        ("cursor=bm90IGpzb24", "cursor", "invalid_cursor"),
        ("color=blue", "color", "unknown_value"),
        ("q=", "q", "too_short"),
        ("q=a%00b", "q", "invalid_text"),
    ],
)
async def test_a_wrong_parameter_is_422_naming_it(client: AsyncClient, query: str, field: str, code: str) -> None:
    body = assert_problem(await client.get(f"{ADMIN}/items?{query}"), 422, "invalid")
    assert errors_of(body) == {field: code}


async def test_unknown_paths_and_methods_below_ours_are_problems(client: AsyncClient) -> None:
    for path in (
        f"{ADMIN}/nothing",
        f"{ADMIN}/items/1/nothing/else",
        "/web/ad-planning/nothing",
        f"{ADMIN}/operations",
    ):
        assert_problem(await client.get(path), 404, "not_found")
    response = await client.delete(f"{ADMIN}/items")
    assert_problem(response, 405, "method_not_allowed")
    assert {"GET", "POST"} <= set(response.headers["allow"].split(", "))


async def test_an_unknown_id_is_404(client: AsyncClient) -> None:
    assert_problem(await client.get(f"{ADMIN}/items/item_x"), 404, "not_found")


async def test_a_body_over_the_cap_is_413(client: AsyncClient) -> None:
    body = {"title": "x" * (1024 * 1024)}
    assert_problem(await client.post(f"{ADMIN}/items", json=body), 413, "too_large")
    assert_problem(await client.post("/web/ad-planning/echo", json={"x": "y" * 256 * 1024}), 413, "too_large")


@pytest.mark.parametrize(
    ("kind", "status", "code", "retry_after"),
    [
        ("limit", 429, "rate_limited", "17"),
        ("busy", 503, "unavailable", "3"),
        ("refused", 503, "database_unavailable", "5"),
        ("slow", 503, "database_busy", "5"),
        ("full", 503, "database_busy", "5"),
        ("killed", 503, "database_unavailable", "5"),
        ("overflow", 422, "invalid", None),
        ("nul", 422, "invalid", None),
        ("duplicate", 409, "duplicate", None),
    ],
)
async def test_what_the_database_refuses(
    client: AsyncClient, kind: str, status: int, code: str, retry_after: str | None
) -> None:
    response = await client.get(f"{ADMIN}/failures/{kind}")
    assert_problem(response, status, code)
    assert response.headers.get("retry-after") == retry_after


async def test_a_database_that_is_down_is_503(runtime: Runtime) -> None:
    options = Options(secret="s" * 32, database=DatabaseOptions(url="postgresql://adplanning@127.0.0.1:1/none"))
    from tests.kernel_http.conftest import Store

    async with serving(make_app(make_runtime(options, Store()))) as down:
        response = await down.get(f"{ADMIN}/items")
        assert_problem(response, 503, "database_unavailable")
        assert response.headers["retry-after"] == "5"
        assert_problem(await down.get(f"{ADMIN}/items", headers={"accept": "text/csv"}), 503, "database_unavailable")
        assert_problem(await down.get("/web/ad-planning/health"), 503, "database_unavailable")


@pytest.mark.parametrize("kind", ["bug", "syntax"])
async def test_a_mistake_of_ours_shows_an_incident_and_no_details(
    client: AsyncClient, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    with caplog.at_level(logging.ERROR, "adplanning"):
        response = await client.get(f"{ADMIN}/failures/{kind}", headers={"x-request-id": "abc-1"})
    body = assert_problem(response, 500, "internal")
    assert response.headers["x-request-id"] == "abc-1"
    assert "jane" not in response.text
    assert "SELEC" not in response.text
    assert body["incident"] in {getattr(record, "incident", None) for record in caplog.records}


async def test_a_request_id_is_answered_and_made_where_none_or_a_bad_one_came(client: AsyncClient) -> None:
    assert (await client.get(f"{ADMIN}/me", headers={"x-request-id": "r.1"})).headers["x-request-id"] == "r.1"
    made = (await client.get(f"{ADMIN}/me", headers={"x-request-id": "jane@example.com"})).headers["x-request-id"]
    assert made != "jane@example.com"
    assert len(made) == 16


async def test_public_routes_answer_problems_too(client: AsyncClient) -> None:
    assert (await client.post("/web/ad-planning/echo", json={"a": 1})).json() == {"size": 1}
    body = assert_problem(await client.post("/web/ad-planning/echo?quiet=1", json={}), 422, "invalid")
    assert errors_of(body) == {"quiet": "unknown_parameter"}


async def test_the_hosts_own_routes_keep_their_own_answers(runtime: Runtime) -> None:
    def theirs(_: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        return Response({"host": type(error).__name__}, status_code=418)

    @get("/thing/{name:str}")
    async def thing(name: str) -> str:
        raise NotFoundException("no thing") if name == "none" else ValueError("oops")

    @get("/own", exception_handlers={HTTPException: lambda _r, _e: Response("own", status_code=409)})
    async def own() -> str:
        raise NotFoundException

    from litestar.params import FromPath

    thing.fn.__annotations__["name"] = FromPath[str]
    plain = Litestar([thing, own], logging_config=None)
    routes = [thing, own]
    async with serving(plain) as before, serving(make_app(runtime, route_handlers=routes)) as after:
        for path in ("/thing/none", "/thing/x", "/nowhere", "/own", "/admin/ad-planningx"):
            one, two = await before.get(path), await after.get(path)
            assert (one.status_code, one.text) == (two.status_code, two.text), path
        one, two = await before.post("/own"), await after.post("/own")
        assert (one.status_code, one.text) == (two.status_code, two.text)
    handlers = {404: theirs, ValueError: theirs}
    async with serving(make_app(runtime, route_handlers=routes, exception_handlers=handlers)) as client:
        assert (await client.get("/nowhere")).json() == {"host": "NotFoundException"}
        assert (await client.get("/thing/none")).status_code == 418
        assert (await client.get("/thing/x")).json() == {"host": "ValueError"}
        # … and none of them answers for ours.
        assert_problem(await client.get(f"{ADMIN}/nothing"), 404, "not_found")
        assert_problem(await client.get(f"{ADMIN}/items/none"), 404, "not_found")
        assert_problem(await client.get(f"{ADMIN}/failures/bug"), 500, "internal")


async def test_without_a_host_guard_the_app_does_not_start_outside_the_demo(kernel_database: str) -> None:
    database = DatabaseOptions(url=kernel_database)
    unguarded = make_runtime(Options(secret="s" * 32, database=database))
    with pytest.raises(ConfigurationError, match="implement the hook provide_admin_guard"):
        make_app(unguarded)
    assert make_app(make_runtime(Options(demo=True, database=database))).routes
