"""Presence: who a request belongs to, read from its cookies and consent; mints ids only where analytics is granted."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from litestar.connection import ASGIConnection

from adplanning_plugin.kernel.ids import is_id, new_id
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.tracking.consent import CONSENT_COOKIE, UNKNOWN, Consent, decide, write_cookie
from adplanning_plugin.tracking.privacy import Privacy

if TYPE_CHECKING:
    from litestar.types import Scope

    from adplanning_plugin.hookspecs import ConsentPolicy

SESSION_SECONDS = 30 * 60
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SUPPLIED = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")


class Visit:
    """One request's visitor, session and consent; `fresh_*` say that the browser has yet to be told."""

    __slots__ = ("consent", "forget", "fresh_session", "fresh_visitor", "session_id", "tenant_id", "visitor_id")

    def __init__(self, tenant_id: str, consent: Consent) -> None:
        self.tenant_id = tenant_id
        self.consent = consent
        self.visitor_id: str | None = None
        self.session_id: str | None = None
        self.fresh_visitor = False
        self.fresh_session = False
        self.forget = False
        """Consent was withdrawn while the browser still holds our cookies: they are to be expired."""


class Visits:
    """Reads and writes the cookies; knows the host's consent policy and whose store a request is for."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._options = runtime.options.cookie
        self._policy = cast("ConsentPolicy | None", runtime.hooks.hook.provide_consent_policy())
        attributes = "; Path=/; SameSite=Lax" + ("; Secure" if self._options.secure else "")
        self._attributes = attributes + (f"; Domain={self._options.domain}" if self._options.domain else "")

    @property
    def runtime(self) -> Runtime:
        """The installation these visits belong to."""
        return self._runtime

    def tenant_of(self, scope: Scope) -> str | None:
        """The store of a storefront request: the host's answer, or the only one there is; None where neither is."""
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        tenant_id = cast("str | None", self._runtime.hooks.hook.resolve_tenant(connection=connection))
        if tenant_id is not None:
            return tenant_id
        tenants = self._runtime.tenants
        if not tenants:
            return self._runtime.options.default_tenant
        return tenants[0].id if len(tenants) == 1 else None

    def policy_of(self, scope: Scope) -> Mapping[str, bool] | None:
        """The host's own reading of consent; None where it has none or does not know; an error counts as denied."""
        if self._policy is None:
            return None
        try:
            return self._policy.consent(ASGIConnection(scope))
        except Exception as error:  # noqa: BLE001 - a policy that fails must not break a page, nor grant anything
            self._runtime.log.warning("the consent policy failed: %s", type(error).__name__)
            return {}

    def read(self, scope: Scope, tenant_id: str, headers: Mapping[bytes, bytes]) -> Visit:
        """The visit of a storefront request."""
        cookies = parse_cookies(headers.get(b"cookie"))
        consent = decide(
            policy=self.policy_of(scope),
            cookie=cookies.get(CONSENT_COOKIE),
            gpc=headers.get(b"sec-gpc") == b"1",
            unknown=self._runtime.get(Privacy).unknown_bits(tenant_id),
        )
        return self.from_cookies(tenant_id, consent, cookies)

    def from_cookies(self, tenant_id: str, consent: Consent, cookies: Mapping[str, str]) -> Visit:
        """The visit that the cookies name, if consent lets them be read at all."""
        visit = Visit(tenant_id, consent)
        visitor_id, session_id = cookies.get(self._options.name), cookies.get(self._options.session_name)
        if not consent.analytics:
            visit.forget = visitor_id is not None or session_id is not None
            return visit
        if visitor_id is not None and self._is_current(visitor_id):
            visit.visitor_id = visitor_id
            if session_id is not None and is_id(session_id, "ses"):
                visit.session_id = session_id
        return visit

    def ensure(self, visit: Visit) -> None:
        """Mint what a consented visit lacks; does nothing without analytics consent."""
        if not visit.consent.analytics:
            return
        if visit.visitor_id is None:
            visit.visitor_id, visit.fresh_visitor = new_id("vis"), True
        if visit.session_id is None:
            visit.session_id, visit.fresh_session = new_id("ses"), True

    def cookies(self, visit: Visit, *, slide: bool = True) -> list[tuple[bytes, bytes]]:
        """Set-Cookie headers: a new visitor's cookie, the session's next 30 minutes, or the end of both.

        The visitor's cookie is never prolonged: it ends `max_age_days` after it was first set.
        """
        name, session_name = self._options.name, self._options.session_name
        if visit.forget:
            gone = f"=; Max-Age=0{self._attributes}; HttpOnly"
            return [_set_cookie(name + gone), _set_cookie(session_name + gone)]
        headers: list[tuple[bytes, bytes]] = []
        if visit.fresh_visitor and visit.visitor_id:
            age = min(self._options.max_age_days, 395) * 86_400
            headers.append(_set_cookie(f"{name}={visit.visitor_id}; Max-Age={age}{self._attributes}; HttpOnly"))
        if visit.session_id and (visit.fresh_session or slide):
            value = f"{session_name}={visit.session_id}; Max-Age={SESSION_SECONDS}{self._attributes}; HttpOnly"
            headers.append(_set_cookie(value))
        return headers

    def consent_cookie(self, consent: Consent) -> tuple[bytes, bytes]:
        """Set-Cookie of an answer; the tracker reads it, so it is not HttpOnly. A no is remembered for half a year."""
        age = (395 if consent.analytics else 182) * 86_400
        return _set_cookie(f"{CONSENT_COOKIE}={write_cookie(consent.bits)}; Max-Age={age}{self._attributes}")

    def _is_current(self, visitor_id: str) -> bool:
        """Well-formed, and no older than the cookie may be (its ULID tells), whatever the browser kept."""
        if not is_id(visitor_id, "vis"):
            return bool(_SUPPLIED.match(visitor_id)) and not visitor_id.startswith("vis_")
        born = 0
        for character in visitor_id[4:14]:
            born = born << 5 | _CROCKFORD.index(character)
        return -3_600 < time.time() - born / 1000 < min(self._options.max_age_days, 395) * 86_400 + 86_400


def parse_cookies(header: bytes | None) -> dict[str, str]:
    """The request's cookies; the first of a name wins, since the more specific one comes first."""
    cookies: dict[str, str] = {}
    if header:
        for part in header.decode("latin-1").split(";"):
            name, equals, value = part.partition("=")
            if equals:
                cookies.setdefault(name.strip(), value.strip().strip('"'))
    return cookies


def nobody(tenant_id: str) -> Visit:
    """The visit of a request about which nothing is known."""
    return Visit(tenant_id, UNKNOWN)


def _set_cookie(value: str) -> tuple[bytes, bytes]:
    return b"set-cookie", value.encode("latin-1")
