"""Ingest: the raw public routes. They let in, read, answer after the flush; what a row may hold is not theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec
from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from sqlalchemy.exc import SQLAlchemyError

from adplanning_plugin.identity import Edge, person_identifier
from adplanning_plugin.kernel.days import now
from adplanning_plugin.kernel.errors import AdPlanningError, Invalid, NotFound, TooMany, Unavailable
from adplanning_plugin.kernel.keys import KeyRecord
from adplanning_plugin.kernel.refusals import database_refusal
from adplanning_plugin.tracking.agents import Agent, agent_of
from adplanning_plugin.tracking.bots import ignores_sender
from adplanning_plugin.tracking.consent import CONSENT_COOKIE, Consent, decide
from adplanning_plugin.tracking.dropped import Dropped
from adplanning_plugin.tracking.edges import write_edges
from adplanning_plugin.tracking.flush import EventRow, Flusher, Unstorable
from adplanning_plugin.tracking.gate import Gate, Header, answer, cors, preflight, read_body_bytes, refuse
from adplanning_plugin.tracking.incoming import (
    Envelope,
    LandingIn,
    Read,
    Recorder,
    Rejected,
    consent_of,
    decode,
    from_referrer,
    read_body,
)
from adplanning_plugin.tracking.presence import Visit, Visits, parse_cookies
from adplanning_plugin.tracking.privacy import Privacy
from adplanning_plugin.tracking.tokens import read_link, read_visit, write_visit

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send

    from adplanning_plugin.kernel.runtime import Runtime

ANSWER_SECONDS = 10.0
"""A client has its answer within this, whatever the database does; a flush gives up after half of it."""
_BOT = "The user agent is a robot's or a driven browser's: such events are not stored."


class Incoming(NamedTuple):
    """A request that was let in."""

    runtime: Runtime
    scope: Scope
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def ignored(self) -> bool:
        """Whether the sender is none whose events are kept."""
        return ignores_sender(self._said, self.runtime.options.ingest)

    @property
    def agent(self) -> Agent:
        """What the sender's browser says of itself."""
        return agent_of(self._said)

    @property
    def _said(self) -> str:
        return self.headers.get(b"user-agent", b"").decode("latin-1")


class Known(NamedTuple):
    """What is known of who sends."""

    visit: Visit
    cookies: list[Header]
    consent: Consent
    """Of the request as a whole; single events may say more where it says nothing."""


Work = Callable[[Incoming], Awaitable[tuple[int, bytes, list[Header]]]]


class ConsentBody(Envelope, forbid_unknown_fields=True, kw_only=True):
    """`POST …/consent`: the visitor's answer, and the page on which it was given."""

    url: str | None = None
    referrer: str | None = None


class IdentifyBody(Envelope, forbid_unknown_fields=True, kw_only=True):
    """`POST …/identify`: a signed link's token, for storefronts whose pages the plugin does not serve."""

    token: str


def public_routes(runtime: Runtime) -> list[ASGIRouteHandler]:
    """`/track`, `/consent` and `/identify`, to be mounted under the public path."""
    return [
        raw_route(runtime, "/track", track),
        raw_route(runtime, "/consent", record_consent),
        raw_route(runtime, "/identify", record_identity),
    ]


def raw_route(runtime: Runtime, path: str, work: Work) -> ASGIRouteHandler:
    """A POST route on bare ASGI that answers every error itself, with CORS, as a problem."""

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        gate = runtime.get(Gate)
        back = cors(headers)
        try:
            method = cast("dict[str, Any]", scope).get("method")
            if method == "OPTIONS":
                await preflight(gate, headers, send)
                return
            if method != "POST":
                raise _WrongMethod("This path takes POST.")
            try:
                body = await read_body_bytes(headers, receive, runtime.options.ingest.body_cap)
            except ConnectionResetError:  # the client's; the database's own, below, is answered
                return
            async with asyncio.timeout(ANSWER_SECONDS):
                status, content, extra = await work(Incoming(runtime, scope, headers, body))
        except AdPlanningError as error:
            extra = [(b"allow", b"POST, OPTIONS")] if isinstance(error, _WrongMethod) else []
            await refuse(send, error, [*([] if error.code == "wrong_origin" else back), *extra])
            return
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            refusal = database_refusal(error)
            if refusal is None:
                raise
            runtime.log.warning("the database refused: %s", type(error).__name__)
            await refuse(send, refusal, back)
            return
        await answer(send, status, content, [*back, *extra])

    route.__name__ = "adplanning_" + path.strip("/").replace("-", "_")
    return asgi(path, name=f"adplanning:{path.strip('/')}", copy_scope=False)(route)


async def track(request: Incoming) -> tuple[int, bytes, list[Header]]:
    """Store what is valid and answer 202 after the commit."""
    runtime, headers = request.runtime, request.headers
    gate = runtime.get(Gate)
    try:
        read = read_body(request.body, runtime.options.ingest.max_events)
    except AdPlanningError:
        gate.limit(request.scope, headers, None, 1)
        raise
    key = await gate.key(headers, read.envelope.key)
    sent = len(read.events) + len(read.rejected) or 1
    try:
        gate.limit(request.scope, headers, key, sent)
    except TooMany:
        runtime.get(Dropped).count(key.tenant_id, "limited", sent)
        raise
    if request.ignored:
        gate.counts["bots"] += len(read.events)
        runtime.get(Dropped).count(key.tenant_id, "bot", sent)
        every = [*read.rejected, *(Rejected(index, "bot", _BOT) for index, _ in read.events)]
        refused = msgspec.json.encode(sorted(every, key=lambda each: each.index))
        return 202, b'{"accepted":0,"duplicate":0,"rejected":%b}' % refused, []
    visit, cookies, consent = await visit_of(request, key, read.envelope, read)
    rows, positions, rejected = _rows(request, key, read, visit, consent)
    try:
        flags = await runtime.get(Flusher).submit(key.tenant_id, rows)
    except Unstorable:
        flags = []
        message = "The event holds something that cannot be stored."
        rejected = [*rejected, *(Rejected(index, "unstorable", message) for index in positions if index >= 0)]
    runtime.get(Dropped).count(key.tenant_id, "rejected", len(rejected))
    kept = [flag for flag, index in zip(flags, positions, strict=False) if index >= 0]
    accepted = sum(kept)
    refused = msgspec.json.encode(rejected) if rejected else b"[]"
    return 202, b'{"accepted":%d,"duplicate":%d,"rejected":%b}' % (accepted, len(kept) - accepted, refused), cookies


def _rows(
    request: Incoming, key: KeyRecord, read: Read, visit: Visit, consent: Consent
) -> tuple[list[EventRow], list[int], list[Rejected]]:
    """Rows, the position in the request that each came from (-1: a landing of our own), and what is refused."""
    recorder = Recorder(request.runtime.options.ingest, now(), key.website_id, request.agent)
    rows: list[EventRow] = []
    positions: list[int] = []
    rejected = list(read.rejected)
    before = _begins(read) if visit.fresh_visitor else None
    if before is not None and (landing := recorder.landing(before, visit)) is not None:
        rows.append(landing)
        positions.append(-1)
    for index, event in read.events:
        try:
            rows.append(recorder.row(event, visit, consent_of(event, consent)))
            positions.append(index)
        except Invalid as error:
            rejected.append(Rejected(index, error.errors[0].code, error.errors[0].message))
    rejected.sort(key=lambda each: each.index)
    return rows, positions, rejected


async def visit_of(request: Incoming, key: KeyRecord, envelope: Envelope, read: Read | None = None) -> Known:
    """The visit of a public request, the cookies that tell the browser of it, and the consent of the whole request."""
    runtime, headers = request.runtime, request.headers
    visits = runtime.get(Visits)
    cookies = parse_cookies(headers.get(b"cookie"))
    consent = decide(
        policy=visits.policy_of(request.scope),
        stated=envelope.consent.bits() if envelope.consent else None,
        cookie=cookies.get(CONSENT_COOKIE),
        consent_mode=envelope.consent_mode,
        gpc=envelope.gpc or headers.get(b"sec-gpc") == b"1",
        unknown=await runtime.get(Privacy).settled_bits(key.tenant_id),
    )
    begun = _said_by_events(read, consent) if read is not None and consent.state == "unknown" else consent
    visit = visits.from_cookies(key.tenant_id, begun, cookies)
    if begun.analytics and visit.visitor_id is None and envelope.visitor_token:
        token = read_visit(runtime, key.tenant_id, envelope.visitor_token)
        if token is not None:
            visit.visitor_id, visit.session_id = token.visitor_id, token.session_id
    supplied = (
        read is not None
        and visit.visitor_id is None
        and visit.consent.analytics
        and all(event.visitor_id for _, event in read.events)
    )
    if read is None or not supplied or _begins(read) is not None:
        visits.ensure(visit)
    return Known(visit, [] if supplied else visits.cookies(visit), consent)


def _begins(read: Read) -> LandingIn | None:
    """The landing before consent that the request still knows."""
    return read.envelope.landing or from_referrer(read.events)


def _said_by_events(read: Read, consent: Consent) -> Consent:
    for _, event in read.events:
        own = consent_of(event, consent)
        if own.analytics:
            return own
    return consent


async def record_consent(request: Incoming) -> tuple[int, bytes, list[Header]]:
    """Remember the answer in a cookie; a yes begins the visit, with the landing it still knows; a no ends it."""
    runtime, gate = request.runtime, request.runtime.get(Gate)
    body: ConsentBody = decode(ConsentBody, request.body)
    key = await gate.key(request.headers, body.key)
    gate.limit(request.scope, request.headers, key, 1)
    visit, cookies, _ = await visit_of(request, key, body)
    visits = runtime.get(Visits)
    token = None
    if body.consent is not None:
        cookies = [visits.consent_cookie(visit.consent), *cookies]
    if visit.consent.analytics and not request.ignored:
        token = write_visit(runtime, visit.tenant_id, visit.visitor_id, visit.session_id, visit.consent.state)
        if visit.fresh_visitor:
            await _store_landing(request, key, visit, body)
    content = {"consent": _purposes(visit.consent), "visitor_token": token}
    return 200, msgspec.json.encode(content), cookies


async def _store_landing(request: Incoming, key: KeyRecord, visit: Visit, body: ConsentBody) -> None:
    """The page on which consent was given is the landing, unless the body says which one was.

    The script names the page before, since the view of the present one waits in its own queue.
    """
    referer = request.headers.get(b"referer", b"").decode("latin-1")
    page = body.landing or LandingIn(
        url=(body.url or referer)[:32_768], referrer=(body.referrer or "")[:32_768] or None
    )
    recorder = Recorder(request.runtime.options.ingest, now(), key.website_id, request.agent)
    row = recorder.landing(page, visit)
    if row is not None:
        await request.runtime.get(Flusher).submit(key.tenant_id, [row])


async def record_identity(request: Incoming) -> tuple[int, bytes, list[Header]]:
    """Link the visitor to the person that a signed link was written for."""
    runtime, gate = request.runtime, request.runtime.get(Gate)
    body: IdentifyBody = decode(IdentifyBody, request.body)
    key = await gate.key(request.headers, body.key)
    gate.limit(request.scope, request.headers, key, 1)
    person_id = read_link(runtime, key.tenant_id, body.token)
    if person_id is None:
        raise NotFound("This link is not known here, or it is older than 30 days.", code="unknown_link")
    visit, cookies, _ = await visit_of(request, key, body)
    linked = visit.visitor_id is not None
    if visit.visitor_id is not None:
        edge = Edge(visit.visitor_id, person_identifier(person_id), "signed_link", "link", now())
        if not await write_edges(runtime, key.tenant_id, [edge]):
            raise Unavailable("The link could not be stored just now; try again shortly.", retry_after=2)
    return 200, msgspec.json.encode({"linked": linked}), cookies


def _purposes(consent: Consent) -> Mapping[str, bool]:
    from adplanning_plugin.tracking.consent import PURPOSES

    return {name: bool(consent.bits & bit) for name, bit in PURPOSES.items()}


class _WrongMethod(AdPlanningError):
    status, code, title = 405, "method_not_allowed", "This path has no such method"
