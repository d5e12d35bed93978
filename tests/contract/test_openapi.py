"""The OpenAPI document: every mounted route is in it, ids are unique and stable, and a change of it is seen.

`ADPLANNING_WRITE_OPENAPI=1` writes the snapshot anew.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from adplanning_plugin.kernel.openapi import openapi_document
from tests.contract.store import ADMIN, PARAMETER, WEB, Contract

SNAPSHOT = Path(__file__).parent / "openapi.json"
METHODS = ("get", "put", "post", "delete", "patch")
ITSELF = f"{ADMIN}/openapi.json"


@pytest.fixture(scope="session")
async def document(contract: Contract) -> dict[str, Any]:
    return openapi_document(contract.runtime)


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, item[method]) for path, item in document["paths"].items() for method in METHODS if method in item
    ]


def test_the_document_is_the_one_in_the_repository(document: dict[str, Any]) -> None:
    text = json.dumps(
        {**document, "info": {**document["info"], "version": "-"}}, indent=1, sort_keys=True, ensure_ascii=False
    )
    if os.environ.get("ADPLANNING_WRITE_OPENAPI"):
        SNAPSHOT.write_text(f"{text}\n")
    assert SNAPSHOT.read_text() == f"{text}\n", (
        "The API has changed: if that is wanted, run ADPLANNING_WRITE_OPENAPI=1 pytest tests/contract/test_openapi.py"
    )


def test_writing_the_document_again_adds_nothing_to_it(contract: Contract, document: dict[str, Any]) -> None:
    assert openapi_document(contract.runtime) == document
    assert openapi_document(contract.runtime) == document


async def test_the_served_document_is_the_same(contract: Contract, document: dict[str, Any]) -> None:
    assert (await contract.main.admin("GET", "/openapi.json")).json() == json.loads(json.dumps(document))


def test_every_mounted_route_is_in_the_document(contract: Contract, document: dict[str, Any]) -> None:
    documented = {(method.upper(), path) for method, path, _ in operations(document)}
    mounted = {
        (route.method, PARAMETER.sub(r"{\1}", route.path))
        for route in (*contract.admin_routes, *contract.web_routes)
        if route.method not in ("OPTIONS", "HEAD") and route.path != ITSELF
    }
    assert {("POST", f"{WEB}/track"), ("POST", f"{WEB}/track-conversion"), ("GET", f"{WEB}/tracker.js")} <= mounted
    assert mounted - documented == set(), "routes that the document does not know"
    assert documented - mounted == set(), "documented routes that are not mounted"


def test_operation_ids_are_unique_and_good_names(document: dict[str, Any]) -> None:
    ids = [operation.get("operationId") for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for name in ids:
        assert re.fullmatch(r"[a-z][A-Za-z0-9]+", str(name)), name


def test_every_operation_says_what_it_is_and_answers_problems(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation.get("summary"), where
        assert any(status.startswith("2") for status in operation["responses"]), where
        for status, answer in operation["responses"].items():
            if status >= "400":
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, f"{where} {status}"
        if method in ("post", "put") and not path.endswith(("/replay", "/adopt", "/confirm", "/restore", "/revert")):
            assert operation.get("requestBody"), f"{where} takes a body that the document does not describe"


async def test_every_choice_that_a_query_offers_is_answered(contract: Contract, document: dict[str, Any]) -> None:
    """Each value of each enumerated query parameter of each list and report, on real data."""
    asked = 0
    for method, path, operation in operations(document):
        if method != "get" or not path.startswith(ADMIN) or "{" in path:
            continue
        for parameter in operation.get("parameters", []):
            for value in choices(document, parameter["schema"]):
                answer = await contract.main.admin("GET", path.removeprefix(ADMIN), params={parameter["name"]: value})
                assert answer.status_code == 200, f"{path}?{parameter['name']}={value}: {answer.text}"
                asked += 1
    assert asked > 60


async def test_every_list_answers_a_page_far_behind_its_end(contract: Contract, document: dict[str, Any]) -> None:
    asked = 0
    for _, path, operation in operations(document):
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        if not {"offset", "limit", "cursor"} <= names:
            continue
        short = path.removeprefix(ADMIN).format_map(contract.main.ids)
        deep = (await contract.main.admin("GET", short, params={"offset": 9_000_000})).raise_for_status().json()
        [rows] = [value for name, value in deep.items() if isinstance(value, list) and name != "scores"]
        assert rows == [], path
        asked += 1
    assert asked > 8


def choices(document: dict[str, Any], schema: dict[str, Any]) -> list[Any]:
    if "$ref" in schema:
        return choices(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    found = list(schema.get("enum", []))
    for inner in (*schema.get("oneOf", []), *schema.get("anyOf", [])):
        found += choices(document, inner)
    return [value for value in found if value is not None]
