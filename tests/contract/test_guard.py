"""Every admin route is behind the host's guard, the scopes and, for sessions, the CSRF token; none is forgotten."""

from __future__ import annotations

import pytest

from tests.contract.store import ADMIN, UNSAFE, Contract, Route, assert_problem

FILLER = "x_00000000000000000000000000"
READING = frozenset({"previewGoal"})
"""Unsafe methods that only read: the body is a question too long for a query."""


def path_of(route: Route) -> str:
    return route.at(**dict.fromkeys(route.parameters, FILLER))


async def test_there_are_admin_routes_to_guard(contract: Contract) -> None:
    operations = {route.operation for route in contract.admin_routes}
    assert {"getMe", "listConversions", "createGoal", "putAdSpend", "getDashboard", "resolveAttributions"} <= operations
    assert len(contract.admin_routes) > 50


async def test_nobody_gets_through_without_credentials(contract: Contract) -> None:
    async with contract.main.client("") as stranger:
        for route in contract.admin_routes:
            if route.method != "OPTIONS":
                assert_problem(await stranger.request(route.method, path_of(route)), 401)


@pytest.mark.parametrize("token", ["forged", "eyJhbGciOiJub25lIn0.e30."])
async def test_a_forged_token_is_nobody(contract: Contract, token: str) -> None:
    async with contract.main.client(token) as stranger:
        for route in contract.admin_routes:
            if route.method != "OPTIONS":
                assert_problem(await stranger.request(route.method, path_of(route)), 401)


async def test_a_viewer_changes_nothing(contract: Contract) -> None:
    token = await contract.main.login("viewer@example.com")
    refused = 0
    async with contract.main.client(token) as viewer:
        for route in contract.admin_routes:
            if route.method in UNSAFE and route.operation not in READING:
                assert_problem(await viewer.request(route.method, path_of(route), json={}), 403, "missing_scope")
                refused += 1
    assert refused > 15


async def test_a_session_without_the_csrf_token_changes_nothing(contract: Contract) -> None:
    async with contract.main.client("") as browser:
        login = await browser.post("/auth/login", json={"email": contract.main.email, "password": "demo"})
        assert login.status_code == 200
        assert (await browser.get(f"{ADMIN}/me")).json()["actor"]["via"] == "session"
        for route in contract.admin_routes:
            if route.method in UNSAFE:
                for headers in ({}, {"x-csrf-token": "0" * 64}):
                    answer = await browser.request(route.method, path_of(route), json={}, headers=headers)
                    assert_problem(answer, 403, "csrf_token")


async def test_a_session_with_its_csrf_token_is_let_through(contract: Contract) -> None:
    async with contract.main.client("") as browser:
        await browser.post("/auth/login", json={"email": contract.main.email, "password": "demo"})
        token = (await browser.get(f"{ADMIN}/me")).json()["csrf_token"]
        answer = await browser.put(f"{ADMIN}/goals/{FILLER}", json={"version": 1}, headers={"x-csrf-token": token})
        assert_problem(answer, 404, "not_found")
