"""Capture: an ASGI middleware that gives a consented shopper a cookie and records the landing, without script.

It never waits for the database, never fails the page, and costs microseconds on what is no storefront page.
"""

from __future__ import annotations

import re
from collections import Counter
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs

import msgspec
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware

from adplanning_plugin.kernel.days import now
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.landing import Landing, host_of, parse_landing
from adplanning_plugin.tracking.agents import agent_of
from adplanning_plugin.tracking.bots import ignores_page
from adplanning_plugin.tracking.consent import Consent
from adplanning_plugin.tracking.dropped import Dropped
from adplanning_plugin.tracking.edges import link_visitor
from adplanning_plugin.tracking.flush import EventRow, Flusher
from adplanning_plugin.tracking.presence import Visit, Visits

if TYPE_CHECKING:
    from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

    from adplanning_plugin.kernel.runtime import Runtime

MAX_UTM = 24
"""`utm_` parameters of one URL; above it they are noise or an attack, and none of them is read."""
_KEY = "adplanning"
_UTM = re.compile(r"utm(?:_|%5f)", re.IGNORECASE)
counts: Counter[str] = Counter()
"""landings, errors: of this process, for health."""


class RequestVisit:
    """A storefront request's visit, worked out when somebody asks, once."""

    __slots__ = ("_visit", "headers", "recovered", "scope", "visits")

    def __init__(self, scope: Scope, runtime: Runtime) -> None:
        self.scope = scope
        self.visits = runtime.get(Visits)
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.recovered: Landing | None = None
        self._visit: Visit | Literal[False] | None = None

    @property
    def runtime(self) -> Runtime:
        """The installation."""
        return self.visits.runtime

    @property
    def visit(self) -> Visit | None:
        """The visit, or None where the request belongs to no store that is known."""
        if self._visit is None:
            tenant_id = self.visits.tenant_of(self.scope)
            self._visit = self.visits.read(self.scope, tenant_id, self.headers) if tenant_id else False
        return self._visit or None

    @property
    def agent(self) -> str:
        """The header in which the browser says what it is."""
        return self.headers.get(b"user-agent", b"").decode("latin-1")

    def begin(self, visit: Visit) -> None:
        """Mint what the visit lacks; a first consented request also reads the landing out of its own-site Referer."""
        if visit.consent.analytics and visit.visitor_id is None:
            self.recovered = self._landing_before_consent()
        self.visits.ensure(visit)

    def _landing_before_consent(self) -> Landing | None:
        referer = self.headers.get(b"referer", b"").decode("latin-1")
        if not referer or host_of(referer) != self.host:
            return None
        landing = read_landing(referer, None)
        return landing if landing.utm or landing.click_ids else None

    @property
    def host(self) -> str | None:
        """The host name that the browser asked for."""
        return host_of("//" + self.headers.get(b"host", b"").decode("latin-1"))

    @property
    def url(self) -> str:
        """The URL that the browser asked for."""
        query = self.scope["query_string"].decode("latin-1")
        host = self.headers.get(b"host", b"").decode("latin-1")
        forwarded = self.headers.get(b"x-forwarded-proto", b"").decode("latin-1").partition(",")[0].strip()
        scheme = "https" if forwarded == "https" else self.scope["scheme"]
        return f"{scheme}://{host}{self.scope['path']}" + (f"?{query}" if query else "")


current: ContextVar[RequestVisit | None] = ContextVar("adplanning_request", default=None)
"""The storefront request being served, for code that the host calls without handing its request on (its event bus)."""


class CaptureMiddleware(ASGIMiddleware):
    """Put in front of the host's routes: `middleware=[CaptureMiddleware(runtime)]`."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        paths = runtime.options.paths
        self._own = _below(paths.admin, paths.web, paths.app, paths.script)
        self._excluded = _below(*paths.capture_exclude)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Serve the request; look at the response's first message on its way out."""
        if scope["type"] != "http" or self._own.match(scope["path"]) or not self._runtime.has(Visits):
            await next_app(scope, receive, send)
            return
        request = RequestVisit(scope, self._runtime)
        scope[_KEY] = request  # type: ignore[typeddict-unknown-key]
        if self._excluded.match(scope["path"]):
            await next_app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                try:
                    self._finish(scope, request, message)
                except Exception as error:  # noqa: BLE001 - the page goes out whatever happens to its measurement
                    counts["errors"] += 1
                    self._runtime.log.warning("landing not captured: %s", type(error).__name__)
            await send(message)

        token = current.set(request)
        try:
            await next_app(scope, receive, sending)
        finally:
            current.reset(token)

    def _finish(self, scope: HTTPScope, request: RequestVisit, message: Any) -> None:
        response = {name.lower(): value for name, value in message["headers"]}
        is_page = scope["method"] == "GET" and _is_page(request.headers, message["status"], response, request.url)
        visit = request.visit if is_page else _asked(request)
        if visit is None or _is_shared(response):
            return
        extra: list[tuple[bytes, bytes]] = []
        if is_page and not ignores_page(request.agent, self._runtime.options.ingest):
            request.begin(visit)
            extra = self._record(request, visit)
        elif is_page:
            self._runtime.get(Dropped).count(visit.tenant_id, "bot")
            return
        message["headers"] = [*message["headers"], *self._cookies(request, visit, slide=is_page), *extra]

    def _cookies(self, request: RequestVisit, visit: Visit, *, slide: bool) -> list[tuple[bytes, bytes]]:
        return request.visits.cookies(visit, slide=slide)

    def _record(self, request: RequestVisit, visit: Visit) -> list[tuple[bytes, bytes]]:
        """Queue the landing, if this page is one; the header tells the script which view was already counted."""
        if not visit.consent.analytics:
            self._runtime.get(Dropped).count(visit.tenant_id, "no_consent_page")
            return []
        landing = request.recovered
        if landing is None:
            landing = read_landing(request.url, request.headers.get(b"referer", b"").decode("latin-1") or None)
            outside = landing.referrer_host is not None and landing.referrer_host != request.host
            if not (visit.fresh_session or landing.utm or landing.click_ids or outside):
                return []
        row = landing_row(landing, visit, request.agent)
        self._runtime.get(Flusher).offer(visit.tenant_id, [row])
        counts["landings"] += 1
        query = request.scope["query_string"]
        if b"adp_link=" in query:
            token = parse_qs(query.decode("latin-1"), max_num_fields=200).get("adp_link", [""])[0]
            link_visitor(self._runtime, visit, token)
        if request.recovered is not None:
            return []  # what was counted is the page before this one
        seen = f'adp;desc="{row.id}.{int(row.occurred_at.timestamp() * 1000)}"'
        return [(b"server-timing", seen.encode())]


def _below(*prefixes: str) -> re.Pattern[str]:
    """Matches these paths and what lies below them."""
    alternatives = "|".join(re.escape(prefix.rstrip("/")) for prefix in sorted(prefixes) if prefix.strip("/"))
    return re.compile(f"(?:{alternatives})(?:/|$)" if alternatives else r"(?!)")


def read_landing(url: str, referrer: str | None) -> Landing:
    """As `parse_landing`; a URL with a crowd of `utm_` parameters is read without any of them."""
    if len(_UTM.findall(url)) > MAX_UTM:
        url = url.partition("?")[0].partition("#")[0]
    return parse_landing(url, referrer)


def landing_row(landing: Landing, visit: Visit, user_agent: str) -> EventRow:
    """The page view of a landing, as the visit's consent allows it to be stored."""
    received, agent = now(), agent_of(user_agent)
    occurred = received.replace(microsecond=received.microsecond // 1000 * 1000)
    if occurred == received:  # equal times would say that a client sent the id without a time
        received += timedelta(microseconds=1)
    return EventRow(
        occurred_at=occurred,
        id=new_id("evt"),
        received_at=received,
        name="page_view",
        visitor_id=visit.visitor_id,
        session_id=visit.session_id,
        url=landing.clean_url,
        path=landing.path,
        referrer=landing.clean_referrer,
        utm=json_of(landing.utm),
        click_ids=_click_ids(landing, visit.consent),
        consent=visit.consent.bits,
        source="server",
        device=agent.device,
        browser=agent.browser,
    )


def json_of(values: dict[str, Any] | None) -> msgspec.Raw | None:
    """JSON for a column, or NULL where there is nothing to say."""
    return msgspec.Raw(msgspec.json.encode(values)) if values else None


def _click_ids(landing: Landing, consent: Consent) -> msgspec.Raw | None:
    return json_of(landing.click_ids) if consent.ads else None


def _asked(request: RequestVisit) -> Visit | None:
    """The visit of a request that is no page, if checkout or login asked for it."""
    known = request._visit  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return known or None


def _is_page(headers: dict[bytes, bytes], status: int, response: dict[bytes, bytes], url: str) -> bool:
    """A document that a person asked to see, or a redirect that drops the campaign its own URL carried."""
    if headers.get(b"sec-fetch-dest", b"document") != b"document":
        return False
    purpose = headers.get(b"sec-purpose", headers.get(b"purpose", headers.get(b"x-moz", b"")))
    if b"prefetch" in purpose or b"prerender" in purpose:
        return False
    if 300 <= status < 400 and status != 304:
        there = response.get(b"location", b"").decode("latin-1")
        here = parse_landing(url)
        return bool(here.utm or here.click_ids) and not (parse_landing(there).utm or parse_landing(there).click_ids)
    return 200 <= status < 300 and response.get(b"content-type", b"").startswith(b"text/html")


def _is_shared(response: dict[bytes, bytes]) -> bool:
    """Whether a shared cache may keep the response: one shopper's cookie must not be given to the next."""
    control = response.get(b"cache-control", b"").lower()
    return b"public" in control or b"s-maxage" in control
