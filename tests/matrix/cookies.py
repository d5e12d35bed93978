"""A cookie jar that keeps and sends cookies as a browser does: Domain, Path, Secure, SameSite, Max-Age, host-only.

Only what the store's cookies use of RFC 6265bis; a public suffix list is not among it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import SplitResult


@dataclass(frozen=True)
class Stored:
    """A cookie as it is kept."""

    name: str
    value: str
    domain: str
    host_only: bool
    path: str
    secure: bool
    same_site: str
    expires: float | None


class Jar:
    """One browser's cookies; `ahead` moves its clock."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], Stored] = {}
        self.ahead = 0.0
        self.ever: set[str] = set()
        """Names of all cookies that were ever set to a value."""

    def now(self) -> float:
        return time.time() + self.ahead

    def keep(self, url: SplitResult, header: str) -> None:
        """Take a Set-Cookie header of a response from `url`, or ignore it where a browser would."""
        pair, *attributes = header.split(";")
        name, _, value = (part.strip() for part in pair.partition("="))
        given = {key.strip().lower(): text.strip() for key, _, text in (each.partition("=") for each in attributes)}
        host = url.hostname or ""
        domain = given.get("domain", "").lstrip(".").lower()
        if domain and not _within(host, domain):
            return
        secure = "secure" in given
        same_site = given.get("samesite", "lax").lower()
        if (secure and url.scheme != "https") or (same_site == "none" and not secure):
            return
        age = given.get("max-age")
        expires = self.now() + int(age) if age is not None else None
        path = given.get("path") or "/"
        key = (domain or host, path, name)
        if expires is not None and expires <= self.now():
            self._cookies.pop(key, None)
            return
        self._cookies[key] = Stored(name, value, domain or host, not domain, path, secure, same_site, expires)
        self.ever.add(name)

    def header(self, url: SplitResult, *, same_site: bool, navigates: bool) -> str | None:
        """The Cookie header for a request: across sites only top-level GET navigations carry Lax cookies."""
        sent = [
            cookie
            for cookie in self.live()
            if self._goes_to(cookie, url)
            and (same_site or cookie.same_site == "none" or (navigates and cookie.same_site == "lax"))
        ]
        sent.sort(key=lambda cookie: -len(cookie.path))
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in sent) or None

    def set(self, url: SplitResult, name: str, value: str, age: int) -> None:
        """What a page's own script writes to `document.cookie`."""
        self.keep(url, f"{name}={value}; Path=/; Max-Age={age}; SameSite=Lax")

    def forget(self, *names: str) -> None:
        """What a browser that limits tracking does after a while."""
        self._cookies = {key: cookie for key, cookie in self._cookies.items() if cookie.name not in names}

    def live(self) -> list[Stored]:
        """What has not expired."""
        now = self.now()
        return [cookie for cookie in self._cookies.values() if cookie.expires is None or cookie.expires > now]

    def get(self, name: str) -> str | None:
        """The value of a cookie."""
        return next((cookie.value for cookie in self.live() if cookie.name == name), None)

    @staticmethod
    def _goes_to(cookie: Stored, url: SplitResult) -> bool:
        host = url.hostname or ""
        fits = host == cookie.domain if cookie.host_only else _within(host, cookie.domain)
        inside = url.path == cookie.path or url.path.startswith(cookie.path.rstrip("/") + "/") or cookie.path == "/"
        return fits and inside and (not cookie.secure or url.scheme == "https")


def _within(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
