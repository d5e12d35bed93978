"""OpenAPI: our routes alone, every error described, raw routes included, the same document each time."""

from typing import Any

import msgspec
import pytest
from httpx import AsyncClient
from litestar import asgi

from adplanning_plugin.hookspecs import hookimpl
from adplanning_plugin.kernel.openapi import openapi_document, reference, schemas_of
from adplanning_plugin.kernel.runtime import Runtime
from tests.kernel_http.conftest import Store, make_runtime
from tests.kernel_http.test_problems import ADMIN


class Beacon(msgspec.Struct):
    events: list[str]


class Tracker:
    @hookimpl
    def register_web_routes(self, runtime: Runtime) -> Any:
        async def track(scope: Any, receive: Any, send: Any) -> None:
            del scope, receive, send

        body = {"required": True, "content": {"application/json": {"schema": reference(Beacon)}}}
        item = {"post": {"operationId": "track", "requestBody": body, "responses": {"202": {"description": "Taken."}}}}
        return (asgi("/track", copy_scope=True, openapi=item, openapi_schemas=schemas_of(Beacon))(track),)


@pytest.fixture(scope="module")
def document(runtime: Runtime) -> dict[str, Any]:
    return openapi_document(make_runtime(runtime.options, Store(), Tracker()))


def operations(document: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    methods = {"get", "put", "post", "delete", "patch"}
    return {
        operation["operationId"]: (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in methods
    }


def test_it_is_3_1_of_our_routes_alone(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert all(path.startswith(("/admin/ad-planning", "/web/ad-planning")) for path in document["paths"])
    assert {"getMe", "listSettings", "createKey", "replayDeadLetter", "listItems", "getPublicHealth", "track"} <= set(
        operations(document)
    )


def test_every_operation_describes_its_problems_and_its_security(document: dict[str, Any]) -> None:
    for name, (path, _, operation) in operations(document).items():
        for status in ("400", "422", "503"):
            content = operation["responses"][status]["content"]
            assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}, name
        if path.startswith(ADMIN):
            assert operation["security"] == [{"session": []}, {"bearer": []}], name
    assert operations(document)["track"][2]["security"] == [{"publishable_key": []}]
    assert operations(document)["getPublicHealth"][2]["security"] == [{}]
    assert set(document["components"]["securitySchemes"]) == {"session", "bearer", "publishable_key"}
    assert set(document["components"]["schemas"]["Problem"]["properties"]) >= {"title", "status", "code", "errors"}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            found.update([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(document)
    assert "#/components/schemas/Beacon" in found
    for reference_ in found:
        name = reference_.removeprefix("#/components/schemas/")
        assert name in document["components"]["schemas"], reference_


def test_lists_have_their_parameters_and_csv_and_creates_their_key(document: dict[str, Any]) -> None:
    _, _, operation = operations(document)["listItems"]
    parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert {"limit", "offset", "order", "q", "cursor", "action", "color"} == set(parameters)
    assert parameters["limit"]["schema"]["maximum"] == 200
    assert "text/csv" in operation["responses"]["200"]["content"]
    _, _, create = operations(document)["createItem"]
    assert [parameter["name"] for parameter in create["parameters"]] == ["Idempotency-Key"]


def test_a_second_path_of_a_handler_has_an_id_of_its_own(document: dict[str, Any]) -> None:
    found = operations(document)
    assert found["getPrivate"][0] == f"{ADMIN}/items/{{item_id}}/private"
    assert found["getPrivate2"][0] == f"{ADMIN}/items/{{item_id}}/also/private"


def test_it_is_the_same_document_each_time(runtime: Runtime, document: dict[str, Any]) -> None:
    again = openapi_document(make_runtime(runtime.options, Store(), Tracker()))
    assert msgspec.json.encode(again) == msgspec.json.encode(document)


async def test_the_admin_serves_it(client: AsyncClient) -> None:
    response = await client.get(f"{ADMIN}/openapi.json")
    assert response.status_code == 200
    assert response.json()["info"]["title"] == "Ad planning"
