"""UTM: the key by which a touch names its campaign, and the folding that lets names match. No parsing of URLs here."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

_NOISE = re.compile(r"[\s_\-–—+|/.:,~]+")
_ENCODED = re.compile(r"%[0-9a-fA-F]{2}")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PLACEHOLDERS = frozenset(["(not set)", "(not provided)", "(none)", "(direct)", "(organic)", "(referral)"])
CAMPAIGN_CLICK_IDS = ("gad_campaignid", "hsa_cam")
"""Parameters beside the click ids that carry the platform's own campaign id."""


@lru_cache(maxsize=65_536)
def normalise_name(name: str) -> str:
    """A campaign's name as it is compared: decoded as often as it was encoded, case-folded, separators as one space."""
    folded = name
    for _ in range(3):
        if not _ENCODED.search(folded):
            break
        folded = unquote_plus(folded, errors="replace")
    folded = unicodedata.normalize("NFKC", folded).casefold()
    return _NOISE.sub(" ", folded).strip()


def campaign_key(utm: Mapping[str, Any] | None, click_ids: Mapping[str, Any] | None) -> str | None:
    """utm_id, else the normalised utm_campaign, else the campaign id that rides on a click; None: nothing is named."""
    given = named_only(utm)
    if given.get("id"):
        return str(given["id"])
    if given.get("campaign") and (name := normalise_name(str(given["campaign"]))):
        return name
    clicked = click_ids or {}
    return next((str(clicked[name]) for name in CAMPAIGN_CLICK_IDS if clicked.get(name)), None)


def named_only(utm: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields that say something: tools write `(not set)` and the like where nothing was set."""
    return {name: value for name, value in (utm or {}).items() if value and value not in PLACEHOLDERS}


def touch_id(tenant_id: str, origin: str, session_id: str, key: str) -> str:
    """The id that the same landing always gets, so that reading it again changes nothing."""
    digest = hashlib.sha256(f"{tenant_id}\x1f{origin}\x1f{session_id}\x1f{key}".encode("utf-8", "replace")).digest()
    value = int.from_bytes(digest[:16], "big")
    return "touch_" + "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))
