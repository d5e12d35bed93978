"""Api: what the OpenAPI document says of the public routes that run on bare ASGI; it handles no request."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar.handlers import ASGIRouteHandler
from msgspec import Meta

from adplanning_plugin.kernel.openapi import reference, schemas_of
from adplanning_plugin.kernel.problems import Problem
from adplanning_plugin.tracking.incoming import ClientId, Envelope, EventIn, Rejected
from adplanning_plugin.tracking.ingest import ConsentBody, IdentifyBody
from adplanning_plugin.tracking.schemas import ClaimIn
from adplanning_plugin.tracking.vocabulary import ConversionStatus


class TrackBatch(Envelope, forbid_unknown_fields=True, kw_only=True):
    """Events with what they share; each is checked on its own."""

    events: list[EventIn]


class TrackAnswer(msgspec.Struct):
    """How many events were stored, how many were known before, and which were refused."""

    accepted: Annotated[int, Meta(ge=0)]
    duplicate: Annotated[int, Meta(ge=0)]
    rejected: list[Rejected]


class ClaimSender(Envelope, forbid_unknown_fields=True, kw_only=True):
    """Who sends a claim."""

    visitor_id: ClientId | None = None
    session_id: ClientId | None = None


class ClaimedConversion(msgspec.Struct):
    """A claim that is kept: nothing of it counts as money until the order confirms it."""

    id: str
    status: ConversionStatus


class ClaimAnswer(msgspec.Struct):
    """The conversion that a claim became."""

    conversion: ClaimedConversion


class Purposes(msgspec.Struct):
    """What is granted."""

    analytics: bool
    ads: bool
    personalisation: bool
    profiling: bool


class ConsentAnswer(msgspec.Struct):
    """The consent that holds, and a signed token of the visit where there is one."""

    consent: Purposes
    visitor_token: str | None


class IdentifyAnswer(msgspec.Struct):
    """Whether the visitor is linked now; false without consent."""

    linked: bool


_SCHEMAS = schemas_of(
    TrackBatch, TrackAnswer, ClaimIn, ClaimSender, ClaimAnswer, ConsentBody, ConsentAnswer, IdentifyBody, IdentifyAnswer
)
_SCHEMAS["Claim"] = {
    **_SCHEMAS["ClaimIn"],
    "title": "Claim",
    "properties": {**_SCHEMAS["ClaimIn"]["properties"], **_SCHEMAS["ClaimSender"]["properties"]},
}
del _SCHEMAS["ClaimIn"], _SCHEMAS["ClaimSender"]


def _post(
    operation_id: str, summary: str, body: dict[str, Any], status: int, answer: type[msgspec.Struct]
) -> dict[str, Any]:
    # Beacons send text/plain, which asks no preflight; the body is JSON all the same.
    kinds = ("application/json", "text/plain")
    return {
        "post": {
            "operationId": operation_id,
            "summary": summary,
            "tags": ["storefront"],
            "requestBody": {"required": True, "content": {kind: {"schema": body} for kind in kinds}},
            "responses": {
                str(status): {
                    "description": answer.__doc__,
                    "content": {"application/json": {"schema": reference(answer)}},
                }
            },
        }
    }


_PATHS: dict[str, dict[str, Any]] = {
    "/track": _post(
        "track",
        "Take a visitor's events: a batch, or one event with its envelope",
        {"anyOf": [reference(TrackBatch), {"type": "object"}]},
        202,
        TrackAnswer,
    ),
    "/track-conversion": _post(
        "trackConversion",
        "Take a conversion that a storefront claims; it stays pending until the order confirms it",
        {"$ref": "#/components/schemas/Claim"},
        201,
        ClaimAnswer,
    ),
    "/consent": _post("recordConsent", "Remember the visitor's answer", reference(ConsentBody), 200, ConsentAnswer),
    "/identify": _post(
        "identifyVisitor",
        "Link the visitor to the person of a signed link",
        reference(IdentifyBody),
        200,
        IdentifyAnswer,
    ),
}
_PATHS["/identify"]["post"]["responses"]["404"] = {
    "description": "The link is not known here, or older than 30 days.",
    "content": {"application/problem+json": {"schema": reference(Problem)}},
}


def describe(routes: list[ASGIRouteHandler]) -> list[ASGIRouteHandler]:
    """The same routes, each with its part of the document.

    Raises:
        KeyError: a route that nothing here describes.
    """
    for route in routes:
        for path in route.paths:
            route.opt["openapi"] = _PATHS[path]
            route.opt["openapi_schemas"] = _SCHEMAS
    return routes
