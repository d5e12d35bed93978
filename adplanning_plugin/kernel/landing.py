"""Landing: what one URL says about where a visit came from, and the URL without what must not be kept.

Pure and bounded: no I/O, never raises, linear in the URL's length. It decides nothing about channels or campaigns.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

import msgspec

UTM_FIELDS = ("source", "medium", "campaign", "term", "content", "id")
# Google (gad_campaignid is the campaign's own id, srsltid marks free listings), Meta, Microsoft, TikTok, X, LinkedIn,
# Snapchat, Pinterest, Reddit, Yandex, Impact, AdRoll, Quora, Taboola, Outbrain; the ids HubSpot appends to ads.
_CLICK_IDS = """
gclid gbraid wbraid dclid gad_source gad_campaignid srsltid fbclid msclkid ttclid twclid li_fat_id sccid epik rdt_cid
yclid irclickid adroll_cid qclid tblci obclid hsa_cam hsa_grp hsa_ad
"""
_PERSONAL = """
email e-mail mail e user_email customer_email phone tel mobile msisdn name first_name last_name firstname lastname
fullname address street dob birthdate birth_date ssn password passwd pwd pass token access_token id_token refresh_token
auth authorization api_key apikey key secret signature sig session sessionid session_id sid code otp reset hash jwt
customer customer_id user user_id userid username login card iban _kx mc_eid ml_subscriber hsctatracking _hsenc _hsmi
vero_id oly_enc_id oly_anon_id adp_link
"""
CLICK_IDS = frozenset(_CLICK_IDS.split())
PERSONAL = frozenset(_PERSONAL.split())
MAX_URL = 16_384
"""Characters of a URL that are read; what lies behind them is ignored."""
MAX_VALUE = 255
MAX_CLEAN = 2_048
MAX_PARAMETERS = 50

_URL = re.compile(r"^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$", re.DOTALL)
_PARAMETER = re.compile(
    r"(?:^|[&;?])(?:amp;)?(utm(?:_|%5f)(?:source|medium|campaign|term|content|id)|"
    + "|".join(sorted(CLICK_IDS, key=len, reverse=True))
    + r")=([^&;#]*)",
    re.IGNORECASE,
)
_UNWANTED = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_PART = re.compile(r"[^/&=?\s]+")
_AT = re.compile("@|%40")
_SPACE = re.compile(r"\s+")


class Landing(msgspec.Struct, frozen=True, kw_only=True):
    """What a landing says. `utm` holds only the fields that are present; `click_ids` are raw."""

    utm: dict[str, str]
    """source, medium, campaign, term, content, id: decoded, trimmed, case-folded."""
    click_ids: dict[str, str]
    clean_url: str
    """Scheme, host, path and query without click ids, personal parameters or fragment."""
    path: str
    host: str
    """Lower case, without port and user; empty for a relative URL."""
    referrer_host: str | None = None
    clean_referrer: str | None = None
    """Scheme, host and path of the referrer; its query is not kept."""


def parse_landing(url: str | None, referrer: str | None = None) -> Landing:
    """Read a landing URL (absolute or relative) and its referrer; anything unreadable is ignored, never an error."""
    scheme, host, path, query, fragment = _pieces(url or "")
    utm: dict[str, str] = {}
    click_ids: dict[str, str] = {}
    for part in (query, fragment):
        if part and "=" in part:
            _collect(part, utm, click_ids)
    clean = _redact_path(path)
    kept = _kept(query)
    base = f"{scheme}://{host}" if host and scheme else f"//{host}" if host else ""
    clean_url = f"{base}{clean}?{kept}" if kept else f"{base}{clean}"
    referrer_host = clean_referrer = None
    if referrer:
        r_scheme, r_host, r_path, _, _ = _pieces(referrer)
        if r_host:
            referrer_host = r_host
            clean_referrer = f"{r_scheme or 'https'}://{r_host}{_redact_path(r_path)}"[:MAX_CLEAN]
    return Landing(
        utm=utm,
        click_ids=click_ids,
        clean_url=clean_url[:MAX_CLEAN],
        path=clean[:MAX_CLEAN] or "/",
        host=host,
        referrer_host=referrer_host,
        clean_referrer=clean_referrer,
    )


def host_of(url: str | None) -> str | None:
    """The lower-case host of a URL, or None where it has none."""
    return (_pieces(url)[1] or None) if url else None


def fold(value: str) -> str:
    """A UTM value as it is stored: without control characters, white space collapsed, case-folded, at most 255 long."""
    if not value.isprintable() or " " in value:  # the one white space that is printable
        value = _SPACE.sub(" ", _UNWANTED.sub("", value)).strip()
    return value.casefold()[:MAX_VALUE]


def _pieces(url: str) -> tuple[str, str, str, str, str]:
    url = url[:MAX_URL]
    match = _URL.match((url if url.isprintable() else _UNWANTED.sub("", url)).strip())
    if match is None:  # the pattern accepts any text; kept for the type
        return "", "", "", "", ""
    scheme, authority, path, query, fragment = (part or "" for part in match.groups())
    host = authority.rpartition("@")[2].lower()
    host = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0].rstrip(".")
    return scheme.lower(), host[:253], path.strip(), query, fragment


def _collect(part: str, utm: dict[str, str], click_ids: dict[str, str]) -> None:
    for match in _PARAMETER.finditer(part):
        key = match[1].lower()
        raw = _decoded(match[2][: MAX_VALUE * 12])
        if key.startswith("utm"):
            field = key.rpartition("_")[2] if "_" in key else key[6:]
            if field not in utm and (value := fold(raw)):
                utm[field] = value
        elif key not in click_ids and (value := _UNWANTED.sub("", raw).strip()[:512]):
            click_ids[key] = value


def _redact_path(path: str) -> str:
    if "@" not in path and "%40" not in path:
        return path
    return _PART.sub(lambda part: "redacted" if _is_address(part[0]) else part[0], path)


def _has_address(given: str) -> bool:
    return ("@" in given or "%40" in given) and any(_is_address(part[0]) for part in _PART.finditer(given))


def _is_address(part: str) -> bool:
    """Something, an `@`, something with a dot inside. One pattern for all of it would try every pair of the two."""
    at = _AT.search(part, 1)
    return at is not None and part.rfind(".", at.end() + 1, -1) >= 0


def _decoded(part: str) -> str:
    return unquote_plus(part, errors="replace") if "%" in part or "+" in part else part


def _kept(query: str) -> str:
    if not query:
        return ""
    kept: list[str] = []
    for given in query.split("&", MAX_PARAMETERS)[:MAX_PARAMETERS]:
        part = given.strip()
        key = _decoded(part.partition("=")[0]).strip().lower()
        if key in CLICK_IDS or key in PERSONAL or not part or _has_address(part):
            continue
        kept.append(part)
    return "&".join(kept)
