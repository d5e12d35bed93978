"""The public route of conversions that a browser claims: lets the request in, hands it on, trusts no amount."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar.handlers import ASGIRouteHandler
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.errors import AdPlanningError, Forbidden, Invalid, Unreadable
from adplanning_plugin.kernel.idempotency import answer_once
from adplanning_plugin.kernel.landing import fold, parse_landing
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.tracking.claims import track_conversion
from adplanning_plugin.tracking.gate import Gate, Header
from adplanning_plugin.tracking.incoming import ClientId, Envelope, decode, property_json, supplied_visit
from adplanning_plugin.tracking.ingest import ANSWER_SECONDS, Incoming, raw_route, visit_of
from adplanning_plugin.tracking.schemas import UTM_NAMES, ClaimIn, Seen


class _Claimant(Envelope, forbid_unknown_fields=True, kw_only=True):
    """What comes with the claim: who sends it."""

    visitor_id: ClientId | None = None
    session_id: ClientId | None = None


# Where PostgreSQL's answer never reaches us, the row must not stay locked against the claim that is sent again.
_PATIENCE = text(f"SET LOCAL idle_in_transaction_session_timeout = {int(ANSWER_SECONDS * 500)}")
_OWN = frozenset(_Claimant.__struct_fields__)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def claim_route(runtime: Runtime) -> ASGIRouteHandler:
    """`POST …/track-conversion`, to be mounted under the public path."""
    return raw_route(runtime, "/track-conversion", record_claim)


async def record_claim(request: Incoming) -> tuple[int, bytes, list[Header]]:
    """Store a claim and answer 201 with its conversion."""
    runtime, headers = request.runtime, request.headers
    gate = runtime.get(Gate)
    try:
        claimant, claim = _read(request.body)
    except AdPlanningError:
        gate.limit(request.scope, headers, None, 1)
        raise
    key = await gate.key(headers, claimant.key)
    gate.limit(request.scope, headers, key, 1)
    if request.ignored:
        gate.counts["bots"] += 1
        raise Forbidden("Conversions are not taken from robots and driven browsers.", code="bot")
    property_json(claim.properties)
    visit, cookies, _ = await visit_of(request, key, claimant)
    if visit.consent.analytics:
        landing = parse_landing(claim.url)
        visitor_id, session_id = supplied_visit(visit, claimant.visitor_id, claimant.session_id)
        seen = Seen(
            visitor_id=visitor_id,
            session_id=session_id,
            website_id=key.website_id,
            url=landing.clean_url or None,
            path=landing.path if claim.url else None,
            utm=_utm(claim) or landing.utm or None,
            click_ids=(landing.click_ids or None) if visit.consent.ads else None,
        )
    else:
        # Without consent the claim counts, and carries nothing that could tell who made it.
        path = parse_landing(claim.url).path if claim.url else None
        seen = Seen(website_id=key.website_id, path=path)
        claim = msgspec.structs.replace(claim, url=None, properties=None)

    async def work(session: AsyncSession) -> dict[str, Any]:
        tracked = await track_conversion(session, runtime, key.tenant_id, claim, seen)
        return {"conversion": {"id": tracked.id, "status": tracked.status}}

    once = headers.get(b"idempotency-key", b"").decode("latin-1") or None
    async with runtime.database.transaction(key.tenant_id) as session:
        await session.execute(_PATIENCE)
        answer = await answer_once(session, key.tenant_id, "POST /track-conversion", once, claim, work)
    replayed = [(b"idempotency-replayed", b"true")] if answer.replayed else []
    return answer.status, msgspec.json.encode(answer.body), [*cookies, *replayed]


def _utm(claim: ClaimIn) -> dict[str, str]:
    pairs = ((name, getattr(claim, f"utm_{name}")) for name in UTM_NAMES)
    return {name: folded for name, value in pairs if value and (folded := fold(value))}


def _read(body: bytes) -> tuple[_Claimant, ClaimIn]:
    try:
        parts = _object.decode(body)
    except msgspec.ValidationError:
        raise Invalid(detail="The body must be a JSON object.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("The body is not JSON in UTF-8.") from None
    own = {name: raw for name, raw in parts.items() if name in _OWN}
    rest = {name: raw for name, raw in parts.items() if name not in _OWN}
    claimant: _Claimant = decode(_Claimant, msgspec.json.encode(own))
    claim: ClaimIn = decode(ClaimIn, msgspec.json.encode(rest))
    return claimant, claim
