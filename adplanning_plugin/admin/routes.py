"""Routes that belong to no domain: who am I, settings, the links report, health, OpenAPI."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, get, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from adplanning_plugin.kernel.access import csrf_token
from adplanning_plugin.kernel.audit import changed_fields
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.export import table_response
from adplanning_plugin.kernel.health import failed, ping, report
from adplanning_plugin.kernel.http import MANAGE, AdminCall, scope
from adplanning_plugin.kernel.openapi import openapi_document
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import SettingsSection, load, save, saved_at, section_of, sections
from adplanning_plugin.links import Links

LOCALES = {"INR": "en-IN", "USD": "en-US", "GBP": "en-GB", "CAD": "en-CA", "AUD": "en-AU", "NZD": "en-NZ"}
"""How figures are written where the host does not say: by currency, ₹1,23,456.78 above all."""


class SettingsChange(msgspec.Struct, forbid_unknown_fields=True):
    """Fields of a section to change, and the version that was read."""

    value: dict[str, Any]
    version: int | None = None


class OverviewController(Controller):
    """What every page asks first."""

    tags = ("admin",)

    @get("/me", operation_id="getMe", summary="Who is signed in, for which store, with which scopes")
    async def me(self, call: NamedDependency[AdminCall]) -> dict[str, Any]:
        """With the CSRF token that unsafe requests of a session carry in the header x-csrf-token."""
        return {
            "actor": {"id": call.actor.id, "scopes": sorted(call.actor.scopes), "via": call.actor.via},
            "store": _store(call),
            "csrf_token": csrf_token(call.runtime, call.actor) if call.actor.via == "session" else None,
            "paths": {
                "admin": call.runtime.options.paths.admin,
                "app": call.runtime.options.paths.app,
                "script": call.runtime.options.paths.script,
            },
        }

    @get("/links", operation_id="getLinks", summary="How each entity is provided, and what is lacking")
    async def links(self, call: NamedDependency[AdminCall]) -> Response[Any]:
        """Every canonical entity."""
        entities = [msgspec.to_builtins(entity) for entity in call.runtime.get(Links).report()]
        return table_response(call, "links", entities, {"count": len(entities), "offset": 0, "limit": len(entities)})

    @get("/health", operation_id="getHealth", summary="Every health check")
    async def health(self, call: NamedDependency[AdminCall]) -> Response[Any]:
        """200 also with warnings; 503 where something is broken, with the same report."""
        answers = await report(call.runtime, call.tenant_id)
        return Response(answers, status_code=503 if failed(answers) else 200)

    @get("/openapi.json", operation_id="getOpenapi", summary="This API as OpenAPI 3.1", include_in_schema=False)
    async def openapi(self, call: NamedDependency[AdminCall]) -> dict[str, Any]:
        """Of the plugin's routes alone."""
        if not call.runtime.has(_Document):
            call.runtime.put(_Document(openapi_document(call.runtime)))
        return call.runtime.get(_Document).content


class SettingsController(Controller):
    """Typed settings of the store, section by section."""

    path = "/settings"
    tags = ("settings",)

    @get("/", operation_id="listSettings", summary="All sections")
    async def list_settings(self, call: NamedDependency[AdminCall]) -> dict[str, Any]:
        """Zone and currency are the host's and are shown, not changed."""
        known = sections(call.runtime)
        async with call.reading() as session:
            shown = [await _shown(session, call.tenant_id, section) for section in known.values()]
        return {"store": _store(call), "settings": shown, "count": len(shown), "offset": 0, "limit": len(shown)}

    @get("/{section:str}", operation_id="getSettings", summary="One section")
    async def get_settings(self, call: NamedDependency[AdminCall], section: FromPath[str]) -> dict[str, Any]:
        """Stored values over the defaults."""
        wanted = section_of(sections(call.runtime), section)
        async with call.reading() as session:
            return {"setting": await _shown(session, call.tenant_id, wanted)}

    @put("/{section:str}", operation_id="updateSettings", summary="Change a section", guards=[scope(MANAGE)])
    async def update_settings(
        self, call: NamedDependency[AdminCall], section: FromPath[str], data: JSONBody[SettingsChange]
    ) -> dict[str, Any]:
        """Only the fields sent change; a stale version is refused."""
        wanted = section_of(sections(call.runtime), section)
        async with call.transaction() as session:
            old, new, _ = await save(session, call.runtime, call.tenant_id, wanted, data.value, data.version)
            await call.audit(session, "settings.updated", "settings", section, changed_fields(old, new))
            return {"setting": await _shown(session, call.tenant_id, wanted)}


def public_health(runtime: Runtime) -> HTTPRouteHandler:
    """The public health check, over this runtime."""

    @get(
        "/health",
        operation_id="getPublicHealth",
        summary="Whether the service can take data",
        tags=["health"],
        security=[{}],
    )
    async def health() -> dict[str, str]:
        """503 while the database cannot be reached."""
        await ping(runtime)
        return {"status": "ok"}

    return health


class _Document:
    """The OpenAPI document, built once."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content


def _store(call: AdminCall) -> dict[str, Any]:
    tenant = call.tenant
    return {
        "id": tenant.id,
        "name": tenant.name,
        "zone": tenant.zone,
        "currency": tenant.currency,
        "locale": tenant.locale or LOCALES.get(tenant.currency, "en"),
    }


async def _shown(session: Any, tenant_id: str, section: SettingsSection) -> dict[str, Any]:
    value, version = await load(session, tenant_id, section.type)
    at = await saved_at(session, tenant_id, section.type)
    return {
        "section": section.key,
        "title": section.title,
        "value": value,
        "version": version,
        "updated_at": rfc3339(at) if at else None,
        "schema": msgspec.json.schema(section.type),
    }
