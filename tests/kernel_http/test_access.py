"""Who may do what: scopes by method or by declaration, CSRF for sessions, one tenant per actor."""

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from adplanning_plugin.kernel.runtime import Runtime
from tests.kernel_http.test_problems import ADMIN, assert_problem

pytestmark = pytest.mark.usefixtures("clean")


async def created(client: AsyncClient, runtime: Runtime, title: str, tenant: str = "main", **headers: str) -> str:
    response = await client.post(f"{ADMIN}/items", json={"title": title}, headers=headers)
    assert response.status_code == 201, response.text
    async with runtime.database.transaction(tenant) as session:
        found = text("SELECT id FROM adplanning.audit_entry WHERE tenant_id = :t AND object_id = :o")
        return str((await session.execute(found, {"t": tenant, "o": title})).scalar_one())


async def test_reading_needs_read_and_the_rest_needs_write(client: AsyncClient) -> None:
    for actor, method, status in (
        ("nothing", "GET", 403),
        ("reader", "GET", 200),
        ("reader", "POST", 403),
        ("writer", "POST", 201),
    ):
        body = {"json": {"title": "x"}} if method == "POST" else {}
        response = await client.request(method, f"{ADMIN}/items", headers={"x-actor": actor}, **body)
        assert response.status_code == status, (actor, method)
    body = assert_problem(await client.get(f"{ADMIN}/items", headers={"x-actor": "nothing"}), 403, "missing_scope")
    assert body["detail"] == "This needs the scope adplanning:read."


async def test_a_declared_scope_replaces_the_methods_own(client: AsyncClient) -> None:
    writer, reader = {"x-actor": "writer"}, {"x-actor": "reader"}
    body = assert_problem(await client.get(f"{ADMIN}/items/1/private", headers=writer), 403, "missing_scope")
    assert body["detail"] == "This needs the scope adplanning:pii."
    assert (await client.get(f"{ADMIN}/items/1/private")).status_code == 200
    assert (await client.post(f"{ADMIN}/items/preview", headers=reader)).status_code == 200
    assert_problem(await client.put(f"{ADMIN}/settings/x", headers=writer, json={"value": {}}), 403, "missing_scope")


async def test_a_session_needs_the_csrf_token_of_its_own_actor(client: AsyncClient) -> None:
    browser = {"x-actor": "browser"}
    token = (await client.get(f"{ADMIN}/me", headers=browser)).json()["csrf_token"]
    other = (await client.get(f"{ADMIN}/me", headers={"x-actor": "colleague"})).json()["csrf_token"]
    assert token != other
    for given in ({}, {"x-csrf-token": other}, {"x-csrf-token": ""}, {"x-csrf-token": token[:-1]}):
        response = await client.post(f"{ADMIN}/items", json={"title": "x"}, headers={**browser, **given})
        assert_problem(response, 403, "csrf_token")
    sent = await client.post(f"{ADMIN}/items", json={"title": "x"}, headers={**browser, "x-csrf-token": token})
    assert sent.status_code == 201
    assert (await client.get(f"{ADMIN}/items", headers=browser)).json()["count"] == 1


async def test_a_bearer_needs_no_csrf_token_and_gets_none(client: AsyncClient) -> None:
    assert (await client.get(f"{ADMIN}/me")).json()["csrf_token"] is None
    assert (await client.post(f"{ADMIN}/items", json={"title": "x"})).status_code == 201


async def test_an_actor_of_an_unknown_store_is_refused_without_naming_stores(client: AsyncClient) -> None:
    response = await client.get(f"{ADMIN}/items", headers={"x-actor": "stranger"})
    assert_problem(response, 403, "unknown_tenant")
    assert "main" not in response.text
    assert "no-such-store" not in response.text


async def test_one_stores_rows_are_not_there_for_the_other(client: AsyncClient, runtime: Runtime) -> None:
    mine = await created(client, runtime, "mine")
    theirs = await created(client, runtime, "theirs", "second", **{"x-actor": "second"})
    second = {"x-actor": "second"}
    assert [item["id"] for item in (await client.get(f"{ADMIN}/items")).json()["items"]] == [mine]
    assert [item["id"] for item in (await client.get(f"{ADMIN}/items", headers=second)).json()["items"]] == [theirs]
    assert (await client.get(f"{ADMIN}/items/{mine}")).status_code == 200
    not_there = await client.get(f"{ADMIN}/items/{mine}", headers=second)
    never = await client.get(f"{ADMIN}/items/aud_nothing", headers=second)
    assert_problem(not_there, 404, "not_found")
    assert not_there.json()["detail"].replace(mine, "?") == never.json()["detail"].replace("aud_nothing", "?")
    csv = await client.get(f"{ADMIN}/items", headers={**second, "accept": "text/csv"})
    assert mine not in csv.text
    assert theirs in csv.text


async def test_admin_answers_are_not_cached(client: AsyncClient) -> None:
    assert (await client.get(f"{ADMIN}/me")).headers["cache-control"] == "no-store"


async def test_a_host_that_names_nobody_has_its_actors_ids(client: AsyncClient) -> None:
    answer = await client.get(f"{ADMIN}/actors", params={"ids": "1, 2,1"})
    assert answer.json() == {"actors": [{"id": "1", "name": "1"}, {"id": "2", "name": "2"}]}
