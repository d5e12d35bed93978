"""Idempotency keys: the same create twice happens once, also at the same moment; another body is refused."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from adplanning_plugin.kernel.idempotency import answer_once, expire_keys
from adplanning_plugin.kernel.runtime import Runtime
from tests.kernel_http.test_problems import ADMIN, assert_problem

pytestmark = pytest.mark.usefixtures("clean")


async def create(client: AsyncClient, key: str | None, title: str = "x", **headers: str) -> Any:
    with_key = {**headers, **({"idempotency-key": key} if key is not None else {})}
    return await client.post(f"{ADMIN}/items", json={"title": title}, headers=with_key)


async def count(client: AsyncClient) -> int:
    return int((await client.get(f"{ADMIN}/items")).json()["count"])


async def test_the_same_key_and_body_get_the_same_answer_and_one_effect(client: AsyncClient) -> None:
    first, second = await create(client, "k-1"), await create(client, "k-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await count(client) == 1


async def test_without_a_key_each_create_counts(client: AsyncClient) -> None:
    assert (await create(client, None)).json() != (await create(client, None)).json()
    assert await count(client) == 2


async def test_the_same_key_with_another_body_is_409(client: AsyncClient) -> None:
    await create(client, "k-1")
    assert_problem(await create(client, "k-1", "y"), 409, "idempotency_key_reused")
    assert await count(client) == 1


async def test_a_key_belongs_to_its_store(client: AsyncClient) -> None:
    first = await create(client, "k-1")
    second = await create(client, "k-1", "y", **{"x-actor": "second"})
    assert second.status_code == 201
    assert first.json() != second.json()


async def test_many_at_once_have_one_effect_and_one_answer(client: AsyncClient) -> None:
    answers = await asyncio.gather(*(create(client, "race") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 19
    assert await count(client) == 1


async def test_a_create_that_failed_leaves_the_key_free(runtime: Runtime) -> None:
    async def failing(_session: Any) -> dict[str, Any]:
        raise ValueError("no")

    async def working(_session: Any) -> dict[str, Any]:
        return {"done": True}

    with pytest.raises(ValueError, match="no"):
        async with runtime.database.transaction("main") as session:
            await answer_once(session, "main", "POST /x", "k", {}, failing)
    async with runtime.database.transaction("main") as session:
        answer = await answer_once(session, "main", "POST /x", "k", {}, working)
    assert (answer.body, answer.replayed) == ({"done": True}, False)


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256])
async def test_a_malformed_key_is_422(client: AsyncClient, key: str) -> None:
    headers = [(b"idempotency-key", key.encode("latin-1")), (b"x-actor", b"admin")]
    response = await client.post(f"{ADMIN}/items", json={"title": "x"}, headers=headers)
    body = assert_problem(response, 422, "invalid")
    assert body["errors"][0]["field"] == "Idempotency-Key"


async def test_old_keys_expire(client: AsyncClient, runtime: Runtime) -> None:
    await create(client, "old")
    await create(client, "new", "y")
    async with runtime.database.transaction("main") as session:
        aged = "UPDATE adplanning.idempotency_key SET created_at = now() - interval '3 days' WHERE key = 'old'"
        await session.execute(text(aged))
        assert await expire_keys(session, "main") == 1
    assert "idempotency-replayed" not in (await create(client, "old")).headers
    assert "idempotency-replayed" in (await create(client, "new", "y")).headers
