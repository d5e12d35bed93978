"""Channels: the one deterministic reading of (UTM, click ids, referrer) as source, medium, channel and platform.

Rules after the publicly described default channel group of Google Analytics 4 (first match wins), with a channel of its
own for AI assistants. No database here; `classify` is cached, so that a batch costs its distinct combinations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, cast

import msgspec

from adplanning_plugin.attribution.utm import named_only

DIRECT, NONE, NOT_SET = "(direct)", "(none)", "(not set)"

CHANNELS = (
    "Direct", "Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Display", "Paid Other",
    "AI Assistant", "Organic Shopping", "Organic Social", "Organic Video", "Organic Search", "Referral", "Email",
    "Affiliates", "Audio", "SMS", "Mobile Push Notifications", "Unassigned",
)  # fmt: skip
"""The built-in channels."""

_PAID = re.compile(r"^(.*cp.*|ppc|retargeting|paid.*)$")
_SHOPPING = re.compile(r"(^|[^a-df-z])shop|shopping")
_EMAIL = re.compile(r"^e[-_ ]?mail$")
_DISPLAY = frozenset(["display", "banner", "expandable", "interstitial", "cpm"])
_SOCIAL = frozenset(["social", "social-network", "social-media", "sm", "social network", "social media"])
_REFERRAL = frozenset(["referral", "app", "link"])
_SECOND_LEVEL = frozenset(
    ["co", "com", "net", "org", "ac", "edu", "gov", "ne", "or", "go", "firm", "gen", "ind", "nom", "me"]
)

# A click id alone names the source and, mostly, the payment. An fbclid rides on unpaid posts as well; srsltid marks
# free product listings.
_CLICKS: tuple[tuple[str, str, str], ...] = (
    ("gclid", "google", "cpc"),
    ("gbraid", "google", "cpc"),
    ("wbraid", "google", "cpc"),
    ("gad_campaignid", "google", "cpc"),
    ("gad_source", "google", "cpc"),
    ("dclid", "google", "display"),
    ("msclkid", "bing", "cpc"),
    ("ttclid", "tiktok", "cpc"),
    ("twclid", "twitter", "cpc"),
    ("li_fat_id", "linkedin", "cpc"),
    ("sccid", "snapchat", "cpc"),
    ("epik", "pinterest", "cpc"),
    ("rdt_cid", "reddit", "cpc"),
    ("qclid", "quora", "cpc"),
    ("yclid", "yandex", "cpc"),
    ("tblci", "taboola", "cpc"),
    ("obclid", "outbrain", "cpc"),
    ("adroll_cid", "adroll", "display"),
    ("irclickid", "impact", "affiliate"),
    ("fbclid", "facebook", "social"),
    ("srsltid", "google", "organic"),
)
_META_CLICKS = frozenset(["fbclid"])
_GOOGLE_CLICKS = frozenset(["gclid", "gbraid", "wbraid", "dclid", "gad_campaignid", "gad_source", "srsltid"])
_META = frozenset(["facebook", "instagram", "messenger", "whatsapp", "threads", "workplace", "meta ai"])
_GOOGLE = frozenset(["google", "youtube", "google shopping", "gmail", "gemini", "notebooklm"])
_META_NAMES = re.compile(
    r"^(fb|ig|an|msg|insta|meta|facebook|instagram|messenger|threads|whatsapp)([ _-]|$)|^audience network$"
)
_GOOGLE_NAMES = re.compile(r"^(google|googleads|adwords|youtube|yt|dv360|gdn|gmail)([ _-]|$)")


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a landing came from, as touchpoints keep it."""

    source: str
    medium: str
    campaign: str | None
    channel: str
    platform: str
    """meta, google, generic or direct."""
    is_direct: bool
    is_touch: bool
    """False for self-referrals and for payment, 3-D Secure and login hosts on their way back."""


@lru_cache(maxsize=65_536)
def classify(
    source: str | None,
    medium: str | None,
    campaign: str | None,
    clicks: tuple[str, ...],
    referrer_host: str | None,
    own_host: str | None,
    tagged: bool,
) -> Origin:
    """The origin of one combination.

    Args:
        source, medium, campaign: UTM values as `kernel.landing` folds them.
        clicks: names of the click ids that were present, sorted.
        referrer_host: lower-case host of the referrer.
        own_host: host of the page that was landed on: a referrer of the same site is a self-referral.
        tagged: whether any UTM parameter was there (utm_id alone counts).
    """
    site = site_of(referrer_host) if referrer_host else None
    if tagged or source or medium or campaign:
        source, medium = _fill(source, medium, clicks, site, referrer_host)
    elif clicked := _clicked(clicks):
        source, medium = clicked
    elif referrer_host and (is_self(referrer_host, own_host) or is_no_touch(referrer_host)):
        return Origin(
            source=DIRECT,
            medium=NONE,
            campaign=None,
            channel="Direct",
            platform="direct",
            is_direct=True,
            is_touch=False,
        )
    elif referrer_host:
        source, medium = read_referrer(referrer_host)
    else:
        source, medium = DIRECT, NONE
    channel = channel_by_clicks(source, medium, campaign, clicks)
    is_direct = channel == "Direct"
    return Origin(
        source=source,
        medium=medium,
        campaign=campaign,
        channel=channel,
        platform="direct" if is_direct else platform_of(source, clicks),
        is_direct=is_direct,
        is_touch=True,
    )


def origin_of(
    utm: Mapping[str, Any] | None, click_ids: Mapping[str, Any] | None, referrer_host: str | None, own_host: str | None
) -> Origin:
    """`classify` for the parts of a parsed landing."""
    given = utm or {}
    return classify(
        given.get("source"),
        given.get("medium"),
        named_only(given).get("campaign"),
        tuple(sorted(click_ids or ())),
        referrer_host,
        own_host,
        bool(given),
    )


def read_referrer(host: str) -> tuple[str, str]:
    """(source, medium) of a visit that nothing but its referrer tells the origin of."""
    site = site_of(host)
    if site is None:
        return _bare(host), "referral"
    return site[1], {"search": "organic", "email": "email"}.get(site[0], "referral")


def channel_by_clicks(source: str, medium: str, campaign: str | None, clicks: tuple[str, ...]) -> str:
    """`channel_of`, where a free product listing is told from search by its click id."""
    channel = channel_of(source, medium, campaign)
    return "Organic Shopping" if channel == "Organic Search" and clicks == ("srsltid",) else channel


def channel_of(source: str, medium: str, campaign: str | None) -> str:
    """The first channel whose rule matches; `Unassigned` where none does."""
    kind = kind_of(source)
    name = campaign or ""
    paid = _PAID.match(medium) is not None
    shopping = kind == "shopping" or _SHOPPING.search(name) is not None
    for channel, holds in _rules(source, medium, name, kind, paid, shopping):
        if holds:
            return channel
    return "Unassigned"


def _rules(
    source: str, medium: str, name: str, kind: str | None, paid: bool, shopping: bool
) -> Iterator[tuple[str, bool]]:
    yield "Direct", source == DIRECT and medium in {NOT_SET, NONE}
    yield "Cross-network", "cross-network" in name
    yield "Paid Shopping", shopping and paid
    yield "Paid Search", kind == "search" and paid
    yield "Paid Social", kind == "social" and paid
    yield "Paid Video", kind == "video" and paid
    yield "Display", medium in _DISPLAY
    yield "Paid Other", paid
    yield "AI Assistant", kind == "ai"
    yield "Organic Shopping", shopping
    yield "Organic Social", kind == "social" or medium in _SOCIAL
    yield "Organic Video", kind == "video" or "video" in medium
    yield "Organic Search", kind == "search" or medium == "organic"
    yield "Referral", medium in _REFERRAL
    yield "Email", _EMAIL.match(source) is not None or _EMAIL.match(medium) is not None
    yield "Affiliates", medium == "affiliate"
    yield "Audio", medium == "audio"
    yield "SMS", source == "sms" or medium == "sms"
    yield (
        "Mobile Push Notifications",
        medium.endswith("push") or "mobile" in medium or "notification" in medium or source == "firebase",
    )


def platform_of(source: str, clicks: tuple[str, ...] = ()) -> str:
    """meta, google or generic: whose campaigns a touch can belong to."""
    site = site_of(source)
    name = site[1] if site else source
    if name in _META or _META_NAMES.match(source) or _META_CLICKS.intersection(clicks):
        return "meta"
    if name in _GOOGLE or _GOOGLE_NAMES.match(source) or _GOOGLE_CLICKS.intersection(clicks):
        return "google"
    return "generic"


@lru_cache(maxsize=16_384)
def kind_of(source: str) -> str | None:
    """search, social, video, shopping, ai or email, by the source's name or host; None for any other."""
    for kind, names in _lists()["names"].items():
        if source in names:
            return kind
    site = site_of(source)
    return site[0] if site else None


@lru_cache(maxsize=16_384)
def site_of(host: str) -> tuple[str, str] | None:
    """(kind, name) of a known site by its host: `("social", "facebook")` for `l.facebook.com`."""
    hosts, brands = _sites()
    bare = _bare(host)
    for candidate in _suffixes(bare):
        found = hosts.get(candidate)
        if found:
            return found
    label, _, rest = bare.partition(".")
    if label in brands and _is_suffix(rest):
        return brands[label]
    return None


@lru_cache(maxsize=16_384)
def is_no_touch(host: str) -> bool:
    """Whether the host is a payment, 3-D Secure or login page: coming back from it starts no touch."""
    return any(candidate in _no_touch() for candidate in _suffixes(_bare(host)))


def is_self(referrer_host: str, own_host: str | None) -> bool:
    """Whether both hosts belong to one site (`shop.example.co.uk` and `www.example.co.uk`)."""
    if not own_host:
        return False
    ours, theirs = _bare(own_host), _bare(referrer_host)
    return ours == theirs or (_site(ours) == _site(theirs) and _site(ours) not in _lists()["shared_hosts"])


def _fill(
    source: str | None,
    medium: str | None,
    clicks: tuple[str, ...],
    site: tuple[str, str] | None,
    referrer_host: str | None,
) -> tuple[str, str]:
    clicked = _clicked(clicks)
    if not source:
        source = clicked[0] if clicked else site[1] if site else _bare(referrer_host) if referrer_host else NOT_SET
    if not medium:
        medium = clicked[1] if clicked and clicked[1] == "cpc" else NOT_SET
    return source, medium


def _clicked(clicks: tuple[str, ...]) -> tuple[str, str] | None:
    return next(((source, medium) for name, source, medium in _CLICKS if name in clicks), None)


def _bare(host: str) -> str:
    return host.removeprefix("www.").removeprefix("m.").removeprefix("amp.")


def _suffixes(host: str) -> Iterator[str]:
    while host:
        yield host
        _, _, host = host.partition(".")


def _is_suffix(rest: str) -> bool:
    labels = rest.split(".")
    return len(labels) == 1 or (len(labels) == 2 and labels[0] in _SECOND_LEVEL and len(labels[1]) == 2)


@lru_cache(maxsize=4_096)
def _site(host: str) -> str:
    labels = host.split(".")
    if len(labels) <= 2 or host.replace(".", "").isdigit():
        return host
    keep = 3 if labels[-2] in _SECOND_LEVEL and len(labels[-1]) == 2 else 2
    return ".".join(labels[-keep:])


@cache
def _lists() -> dict[str, Any]:
    text = files("adplanning_plugin.attribution").joinpath("data/sites.json").read_text("utf-8")
    lists = cast("dict[str, Any]", json.loads(text))
    lists["names"] = {kind: frozenset(names) for kind, names in lists["names"].items()}
    lists["shared_hosts"] = frozenset(lists["shared_hosts"])
    return lists


@cache
def _sites() -> tuple[dict[str, tuple[str, str]], dict[str, tuple[str, str]]]:
    hosts: dict[str, tuple[str, str]] = {}
    brands: dict[str, tuple[str, str]] = {}
    for kind in ("search", "social", "video", "shopping", "ai", "email"):
        for name, entries in _lists()[kind].items():
            for entry in entries:
                if entry.endswith(".*"):
                    brands[entry[:-2]] = (kind, name)
                else:
                    hosts[entry] = (kind, name)
    return hosts, brands


@cache
def _no_touch() -> frozenset[str]:
    return frozenset(host for hosts in _lists()["no_touch"].values() for host in hosts)
