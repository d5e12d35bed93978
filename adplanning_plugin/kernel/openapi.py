"""OpenAPI: the 3.1 document of our routes alone, apart from the host's. Raw ASGI routes add their own path items."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from importlib import metadata
from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.handlers import ASGIRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from adplanning_plugin.kernel.http import admin_router, web_router
from adplanning_plugin.kernel.problems import Problem
from adplanning_plugin.kernel.runtime import Runtime

REFERENCE = "#/components/schemas/{name}"
_METHODS = ("get", "put", "post", "delete", "patch")
_UNTYPED = re.compile(r"\{([^}:]+):[^}]+\}")
_ADMIN_ERRORS = {
    "400": "The request could not be read.",
    "401": "Nobody is signed in.",
    "403": "A scope or the CSRF token is missing.",
    "404": "There is no such object in this store.",
    "409": "Wrong state, a stale version, or a duplicate.",
    "413": "The body is too large.",
    "422": "Fields are invalid; `errors` names each.",
    "503": "The database is down or busy; `Retry-After` says when to come back.",
}
_WEB_ERRORS = {key: _ADMIN_ERRORS[key] for key in ("400", "401", "403", "413", "422", "503")} | {
    "429": "Too many requests; `Retry-After` says when to come back."
}
SECURITY_SCHEMES: dict[str, Any] = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "The host's own session; unsafe methods also need the header x-csrf-token of GET /me.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the host; needs no CSRF header."},
    "publishable_key": {
        "type": "apiKey",
        "in": "header",
        "name": "x-publishable-api-key",
        "description": "A publishable key, bound to a store and to origins.",
    },
}


class RawRoutes(list[ASGIRouteHandler]):
    """Raw public routes that stand beside the public router: whoever mounts them puts them into the runtime."""


def openapi_document(runtime: Runtime) -> dict[str, Any]:
    """The document, as JSON-ready data with its keys in a stable order."""
    hooks = runtime.hooks.hook
    admin = [handler for group in hooks.register_admin_routes(runtime=runtime) for handler in group or ()]
    web = [handler for group in hooks.register_web_routes(runtime=runtime) for handler in group or ()]
    app = Litestar(
        route_handlers=[
            admin_router(runtime, admin, include_in_schema=True),
            web_router(runtime, web, include_in_schema=True),
        ],
        openapi_config=OpenAPIConfig(title="Ad planning", version=_version(), render_plugins=[]),
        logging_config=None,
    )
    _name_aliases(app)
    document = cast("dict[str, Any]", msgspec.to_builtins(app.openapi_schema.to_schema(), str_keys=True))
    document["openapi"] = "3.1.0"
    document.pop("servers", None)
    components: dict[str, Any] = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    schemas.update(schemas_of(Problem))
    paths: dict[str, Any] = document.setdefault("paths", {})
    _describe_bodies(app, paths, schemas)
    beside = runtime.get(RawRoutes) if runtime.has(RawRoutes) else RawRoutes()
    for base, handlers in ((runtime.options.paths.admin, admin), (runtime.options.paths.web, [*web, *beside])):
        for handler in _raw(handlers):
            for path in sorted(handler.paths):
                paths[_joined(base, path)] = deepcopy(handler.opt["openapi"])  # completed below
            schemas.update(handler.opt.get("openapi_schemas", {}))
    components["securitySchemes"] = SECURITY_SCHEMES
    for path, item in paths.items():
        is_admin = f"{path}/".startswith(f"{runtime.options.paths.admin.rstrip('/')}/")
        for method in _METHODS:
            if method in item:
                _complete(item[method], method, is_admin=is_admin)
    document["paths"] = dict(sorted(paths.items()))
    components["schemas"] = dict(sorted(schemas.items()))
    return document


def schemas_of(*types: type[msgspec.Struct]) -> dict[str, Any]:
    """Component schemas of structs, for the `openapi_schemas` of a raw route: `@asgi(..., openapi={"post": …})`."""
    _, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    return components


def reference(kind: type[msgspec.Struct]) -> dict[str, str]:
    """`{"$ref": …}` to a struct's component schema."""
    return {"$ref": REFERENCE.format(name=kind.__name__)}


def _describe_bodies(app: Litestar, paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Bodies that a handler reads itself: `@put(..., openapi_rows=("ad_spend", SpendIn))`, rows as JSON or CSV."""
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            rows = cast("tuple[str, type[msgspec.Struct]] | None", handler.opt.get("openapi_rows"))
            if rows is None:
                continue
            name, kind = rows
            schemas.update(schemas_of(kind))
            several = {"type": "array", "items": reference(kind), "minItems": 1}
            named = {"type": "object", "properties": {name: several}, "required": [name]}
            content = {
                "application/json": {"schema": {"anyOf": [named, several, reference(kind)]}},
                "text/csv": {"schema": {"type": "string"}},
            }
            for method in handler.http_methods:
                paths[route.path_format][str(method).lower()]["requestBody"] = {"required": True, "content": content}


def _name_aliases(app: Litestar) -> None:
    """A handler with several paths keeps its operation id at the shortest one; the others get a number behind it."""
    served: dict[str, list[str]] = {}
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if isinstance(handler.operation_id, str):
                served.setdefault(handler.operation_id, []).append(route.path_format)
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            name = handler.operation_id
            if isinstance(name, str) and len(served[name]) > 1:
                handler.operation_id = _numbered(name, sorted(served[name], key=lambda path: (len(path), path)))


def _numbered(name: str, paths: Sequence[str]) -> Callable[..., str]:
    def operation_id(_handler: Any, _method: Any, components: Sequence[Any]) -> str:
        parts = (part if isinstance(part, str) else f"{{{part.name}}}" for part in components)
        position = paths.index("/" + "/".join(parts))
        return name if position == 0 else f"{name}{position + 1}"

    return operation_id


def _version() -> str:
    try:
        return metadata.version("adplanning-plugin")
    except metadata.PackageNotFoundError:  # a checkout that was not installed
        return "0"


def _raw(handlers: Sequence[ControllerRouterHandler]) -> Iterator[ASGIRouteHandler]:
    for handler in handlers:
        if isinstance(handler, ASGIRouteHandler) and "openapi" in handler.opt:
            yield handler


def _joined(base: str, path: str) -> str:
    plain = _UNTYPED.sub(r"{\1}", path)
    return f"{base.rstrip('/')}/{plain.lstrip('/')}".rstrip("/")


def _complete(operation: dict[str, Any], method: str, *, is_admin: bool) -> None:
    """Problems, security, and what every list and create understands."""
    responses: dict[str, Any] = operation.setdefault("responses", {})
    content = {"application/problem+json": {"schema": reference(Problem)}}
    responses.pop("400", None)
    for status, description in (_ADMIN_ERRORS if is_admin else _WEB_ERRORS).items():
        responses[status] = {"description": description, "content": content}
    operation["responses"] = dict(sorted(responses.items()))
    operation.setdefault("security", [{"session": []}, {"bearer": []}] if is_admin else [{"publishable_key": []}])
    if operation.get("deprecated") is False:
        operation.pop("deprecated")
    parameters: list[dict[str, Any]] = operation.setdefault("parameters", [])
    names = {parameter.get("name") for parameter in parameters}
    if {"limit", "offset", "cursor"} <= names:
        csv: Mapping[str, Any] = {"text/csv": {"schema": {"type": "string"}}}
        responses["200"].setdefault("content", {}).update(csv)
    if method == "post" and "201" in responses:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                "description": "The same key and body give the same answer; the create happens once.",
            }
        )
    if not parameters:
        operation.pop("parameters")
