"""Tokens: a visit, or a person, in a signed string that travels where no cookie does. It reads no request."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, cast

from itsdangerous import BadData, URLSafeTimedSerializer

from adplanning_plugin.identity import secret_of
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.tracking.consent import State

TOKEN_LIFETIME = timedelta(days=30)
"""How long after it was signed a token still names the visit of an order."""
_VISIT, _LINK = "adplanning.visit", "adplanning.link"


class VisitToken(NamedTuple):
    """What a visitor token says."""

    visitor_id: str | None
    session_id: str | None
    consent: State
    signed_at: datetime


@lru_cache(maxsize=8)
def _serializer(secret: str, salt: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt=salt, signer_kwargs={"digest_method": hashlib.sha256})


def write_visit(
    runtime: Runtime, tenant_id: str, visitor_id: str | None, session_id: str | None, consent: State
) -> str:
    """Sign a visit for `TOKEN_LIFETIME`; only this installation and this store can read it back."""
    payload = [tenant_id, visitor_id, session_id, consent]
    return _serializer(secret_of(runtime), _VISIT).dumps(payload)


def read_visit(runtime: Runtime, tenant_id: str, token: str, *, at: datetime | None = None) -> VisitToken | None:
    """The visit that a token names; None when forged, another store's, or older than `TOKEN_LIFETIME` then."""
    if len(token) > 1_024:
        return None
    try:
        payload, signed = _serializer(secret_of(runtime), _VISIT).loads(token, return_timestamp=True)
    except BadData:
        return None
    tenant, visitor_id, session_id, consent = cast("tuple[str, str | None, str | None, State]", payload)
    signed_at = cast("datetime", signed)
    if tenant != tenant_id or (at or datetime.now(UTC)) - signed_at > TOKEN_LIFETIME:
        return None
    return VisitToken(visitor_id, session_id, consent, signed_at)


def write_link(runtime: Runtime, tenant_id: str, person_id: str) -> str:
    """The value of `?adp_link=` in a message to one person: whoever opens it with consent is linked to that person."""
    return _serializer(secret_of(runtime), _LINK).dumps([tenant_id, person_id])


def read_link(runtime: Runtime, tenant_id: str, token: str) -> str | None:
    """The person a signed link was written for; None when it is forged, of another store, or too old."""
    if len(token) > 1_024:
        return None
    try:
        payload: Any = _serializer(secret_of(runtime), _LINK).loads(token, max_age=int(TOKEN_LIFETIME.total_seconds()))
    except BadData:
        return None
    tenant, person_id = cast("tuple[str, str]", payload)
    return person_id if tenant == tenant_id else None
