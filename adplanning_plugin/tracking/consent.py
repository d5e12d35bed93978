"""Consent: which purposes a visitor granted, read from the sources in order. It stores nothing, sets no cookie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

ANALYTICS, ADS, PERSONALISATION, PROFILING = 1, 2, 4, 8
EVERYTHING = 15
PURPOSES = {"analytics": ANALYTICS, "ads": ADS, "personalisation": PERSONALISATION, "profiling": PROFILING}
CONSENT_COOKIE = "_adp_consent"
"""Granted purposes joined by `.` (`analytics.ads`), or `none`; written by the tracker, `POST …/consent` or the host."""

# Google Consent Mode: which of its types speak for which purpose.
_CONSENT_MODE = {
    "analytics_storage": ANALYTICS,
    "ad_storage": ADS,
    "personalization_storage": PERSONALISATION,
    "ad_personalization": PROFILING,
}
_GPC_DENIES = ADS | PERSONALISATION | PROFILING

State = Literal["granted", "denied", "unknown"]


class ConsentIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """Purposes as a client states them; one that is left out is not granted."""

    analytics: bool = False
    ads: bool = False
    personalisation: bool = False
    profiling: bool = False

    def bits(self) -> int:
        """The granted purposes as bits."""
        return (
            self.analytics * ANALYTICS
            + self.ads * ADS
            + self.personalisation * PERSONALISATION
            + self.profiling * PROFILING
        )


class Consent(NamedTuple):
    """The granted purposes, and whether anybody was asked about analytics at all."""

    bits: int
    state: State
    """Of analytics, which is what joins an order to a visit: granted, denied, or unknown (counted as denied)."""

    @property
    def analytics(self) -> bool:
        """Whether a cookie may be set and the visit stored."""
        return bool(self.bits & ANALYTICS)

    @property
    def ads(self) -> bool:
        """Whether click ids may be kept."""
        return bool(self.bits & ADS)


UNKNOWN = Consent(0, "unknown")
DENIED = Consent(0, "denied")


def explicit(bits: int) -> Consent:
    """The visitor's own answer; without analytics nothing may be stored, so nothing else is granted either."""
    return Consent(bits, "granted") if bits & ANALYTICS else DENIED


def read_cookie(value: str | None) -> int | None:
    """The bits that the consent cookie names, or None where there is none or it is unreadable."""
    if not value:
        return None
    if value == "none":
        return 0
    bits = 0
    for name in value.split(".")[:8]:
        if name not in PURPOSES:
            return None
        bits |= PURPOSES[name]
    return bits


def write_cookie(bits: int) -> str:
    """The consent cookie's value for these purposes."""
    return ".".join(name for name, bit in PURPOSES.items() if bits & bit) or "none"


def from_mapping(purposes: Mapping[str, bool]) -> int:
    """Bits of a policy's answer; names that are no purpose of ours are ignored."""
    return sum(bit for name, bit in PURPOSES.items() if purposes.get(name))


def decide(
    *,
    policy: Mapping[str, bool] | None = None,
    stated: int | None = None,
    cookie: str | None = None,
    consent_mode: Mapping[str, str] | None = None,
    gpc: bool = False,
    unknown: int = 0,
) -> Consent:
    """The consent of one request.

    An answer given to this store (the host's policy, then the request itself, then the consent cookie) stands as it is.
    Consent Mode flags may be no more than a page's defaults, so Global Privacy Control takes ads, personalisation and
    profiling away from them, as from the store's default for visitors who were not asked.

    Args:
        policy: the answer of `provide_consent_policy`; None where it does not know yet.
        stated: bits stated in the request's body.
        cookie: the raw consent cookie.
        consent_mode: Google Consent Mode types to `granted` or `denied`.
        gpc: whether the request carries `Sec-GPC: 1`.
        unknown: bits that the store grants to visitors who were never asked (its setting; 0 by default).
    """
    if policy is not None:
        return explicit(from_mapping(policy))
    if stated is not None:
        return explicit(stated)
    answered = read_cookie(cookie)
    if answered is not None:
        return explicit(answered)
    withheld = _GPC_DENIES if gpc else 0
    if consent_mode and "analytics_storage" in consent_mode:
        bits = sum(bit for name, bit in _CONSENT_MODE.items() if consent_mode.get(name) == "granted")
        return explicit(bits & ~withheld)
    if unknown & ANALYTICS:
        return Consent(unknown & ~withheld, "granted")
    return UNKNOWN
