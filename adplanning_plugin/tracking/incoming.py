"""Incoming events: what a storefront may send, checked event by event, and the row that its consent allows of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, TypeAlias, cast

import msgspec
from msgspec import Meta, Raw

from adplanning_plugin.kernel.errors import FieldError, Invalid, Unreadable
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.landing import CLICK_IDS, fold, parse_landing
from adplanning_plugin.kernel.money import check_currency, to_minor
from adplanning_plugin.kernel.sentences import field_error
from adplanning_plugin.options import IngestOptions
from adplanning_plugin.tracking.agents import NO_AGENT, Agent
from adplanning_plugin.tracking.capture import MAX_UTM, json_of, read_landing
from adplanning_plugin.tracking.consent import ADS, Consent, ConsentIn, explicit
from adplanning_plugin.tracking.flush import EventRow
from adplanning_plugin.tracking.presence import Visit

MAX_PROPERTIES = 8_192
"""Bytes of one event's properties."""
# Tried once at the beginning of a run of such characters, not again at each of them.
_ADDRESS = re.compile(r"(?<![^\s\"'<>@,;:\\])[^\s\"'<>@,;:\\]+@[^\s\"'<>@,;:\\]+\.[^\s\"'<>@,;:\\]+")
_DEPTH = 5
_KEPT_URL = 256
"""Characters of a URL whose reading is remembered."""
_INT64 = 2**63
_UTM = re.compile(r"utm(?:_|%5f)", re.IGNORECASE)
_ORIGIN = re.compile(r"^([a-z][a-z0-9+.-]*://[^/?#]*)", re.IGNORECASE)

ClientId: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
_Name: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_.:/ -]{0,63}$")]
_Url: TypeAlias = Annotated[str, Meta(max_length=32_768)]
_Short: TypeAlias = Annotated[str, Meta(max_length=255)]
_Flags: TypeAlias = Annotated[dict[_Short, _Short], Meta(max_length=20)]


# What is decoded from JSON has no cycles, so the garbage collector need not look at it (`gc=False`).
class UtmIn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """UTM values that the client has parsed itself; without them they are read from `url`."""

    source: _Short | None = None
    medium: _Short | None = None
    campaign: _Short | None = None
    term: _Short | None = None
    content: _Short | None = None
    id: _Short | None = None


class LandingIn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The page on which the visit began, remembered by the page itself until consent was given."""

    url: _Url
    referrer: _Url | None = None


class EventIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """One event."""

    name: _Name
    id: ClientId | None = None
    occurred_at: Annotated[datetime, Meta(tz=True)] | None = None
    url: _Url | None = None
    referrer: _Url | None = None
    visitor_id: ClientId | None = None
    session_id: ClientId | None = None
    utm: UtmIn | None = None
    click_ids: _Flags | None = None
    value: Decimal | None = None
    currency: Annotated[str, Meta(max_length=8)] | None = None
    seconds: Annotated[int, Meta(ge=0, le=604_800)] | None = None
    scroll: Annotated[int, Meta(ge=0, le=100)] | None = None
    properties: dict[str, Any] | None = None
    consent: ConsentIn | None = None


class Envelope(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """What comes with the events, whatever they are."""

    key: Annotated[str, Meta(max_length=128)] | None = None
    consent: ConsentIn | None = None
    consent_mode: _Flags | None = None
    gpc: bool = False
    visitor_token: Annotated[str, Meta(max_length=1_024)] | None = None
    landing: LandingIn | None = None


class Batch(Envelope, forbid_unknown_fields=True, kw_only=True, gc=False):
    """Up to `Options.ingest.max_events` events; each is checked on its own."""

    events: list[Raw]


class _Checked(Envelope, forbid_unknown_fields=True, kw_only=True, gc=False):
    events: list[EventIn]


class Rejected(msgspec.Struct):
    """An event that was not stored, and why."""

    index: int
    code: str
    message: str


class Read(NamedTuple):
    """A body, read: its envelope, the good events with their positions, and the bad ones."""

    envelope: Envelope
    events: list[tuple[int, EventIn]]
    rejected: list[Rejected]


_checked = msgspec.json.Decoder(_Checked)
_batch = msgspec.json.Decoder(Batch)
_event = msgspec.json.Decoder(EventIn)
_object = msgspec.json.Decoder(dict[str, Raw])
_envelope_fields = frozenset(Envelope.__struct_fields__)


def read_body(body: bytes, max_events: int) -> Read:
    """A `/track` body: `{"events": […]}`, or one event beside its envelope.

    Raises:
        Unreadable: it is not JSON in UTF-8.
        Invalid: the envelope is wrong, or there are too many events.
    """
    try:
        whole = _checked.decode(body)
        envelope: Envelope = whole
        events = list(enumerate(whole.events))
        rejected: list[Rejected] = []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        envelope, raws = _by_event(body)
        events, rejected = _decode_each(raws)
    if len(events) + len(rejected) > max_events:
        raise _invalid(
            "events", "too_many", f"events must have at most {max_events} entries; send the rest in a next request."
        )
    return Read(envelope, events, rejected)


def decode(kind: type[Any], body: bytes) -> Any:
    """A body as a struct, with its errors as ours."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise Invalid(field_error("body", str(error), kind)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("The body is not JSON in UTF-8.") from None


def _by_event(body: bytes) -> tuple[Envelope, list[Raw]]:
    try:
        body.decode()  # a raw part is not looked into until its event is read
        parts = _object.decode(body)
    except msgspec.ValidationError:
        raise _invalid("body", "wrong_type", 'The body must be a JSON object: {"events": […]} or one event.') from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("The body is not JSON in UTF-8.") from None
    if "events" in parts:
        batch: Batch = decode(Batch, body)
        return batch, batch.events
    envelope: Envelope = decode(
        Envelope, msgspec.json.encode({k: v for k, v in parts.items() if k in _envelope_fields})
    )
    single = msgspec.json.encode({k: v for k, v in parts.items() if k not in _envelope_fields})
    return envelope, [Raw(single)]


def _decode_each(raws: Sequence[Raw]) -> tuple[list[tuple[int, EventIn]], list[Rejected]]:
    events: list[tuple[int, EventIn]] = []
    rejected: list[Rejected] = []
    for index, raw in enumerate(raws):
        try:
            events.append((index, _event.decode(raw)))
        except msgspec.ValidationError as error:
            found = field_error("event", str(error))
            rejected.append(Rejected(index, found.code, found.message))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            rejected.append(Rejected(index, "unreadable", "The event is not JSON in UTF-8."))
    return events, rejected


class _Page(NamedTuple):
    """What the columns of a row say of a URL."""

    url: str | None = None
    path: str | None = None
    utm: Raw | None = None
    click_ids: Raw | None = None
    crowded: bool = False
    """More `utm_` parameters than are read."""


_NO_PAGE = _Page()


def _read_page(url: str) -> _Page:
    if len(_UTM.findall(url)) > MAX_UTM:
        return _Page(crowded=True)
    landing = parse_landing(url)
    return _Page(landing.clean_url, landing.path, json_of(landing.utm), json_of(landing.click_ids))


def _read_referrer(referrer: str) -> str | None:
    return parse_landing(None, referrer).clean_referrer


# A store's visitors see the same pages: what was read of the last ones is kept, in at most 8 MB.
_known_page = lru_cache(maxsize=4_096)(_read_page)
_known_referrer = lru_cache(maxsize=2_048)(_read_referrer)


def _page(url: str) -> _Page:
    return _known_page(url) if len(url) <= _KEPT_URL else _read_page(url)


def _clean_referrer(referrer: str) -> str | None:
    return _known_referrer(referrer) if len(referrer) <= _KEPT_URL else _read_referrer(referrer)


class Recorder:
    """Turns checked events of one request into rows."""

    def __init__(
        self, options: IngestOptions, received: datetime, website_id: str | None, agent: Agent = NO_AGENT
    ) -> None:
        self._received = received
        self._latest = received + timedelta(minutes=options.max_future_minutes)
        self._oldest = received - timedelta(days=options.max_age_days)
        self._max_age_days = options.max_age_days
        self._website_id = website_id
        self._device, self._browser = agent

    def row(self, event: EventIn, visit: Visit, consent: Consent) -> EventRow:
        """The row of one event, as far as its consent lets it be kept.

        Raises:
            Invalid: a time, an amount, a URL or a property that cannot be stored.
        """
        at = self._when(event)
        value, currency = _money(event)
        page = _NO_PAGE if event.url is None else _page(event.url)
        if page.crowded:
            raise _invalid("url", "too_many_utm_parameters", f"url must carry at most {MAX_UTM} utm_ parameters.")
        event_id = event.id or new_id("evt")
        if not consent.analytics:
            return self._anonymous(event, at, event_id, value, currency)
        properties = property_json(event.properties)
        visitor_id, session_id = supplied_visit(visit, event.visitor_id, event.session_id)
        referrer = _clean_referrer(event.referrer) if event.referrer else None
        utm = page.utm if event.utm is None else json_of(_utm(event.utm))
        clicks = json_of(_click_ids(event.click_ids)) if event.click_ids else page.click_ids
        return EventRow(
            at, event_id, self._received, event.name, visitor_id, session_id, self._website_id, page.url, page.path,
            referrer, utm, clicks if consent.bits & ADS else None, value, currency, event.seconds, event.scroll,
            properties, consent.bits, "tracker", self._device, self._browser,
        )  # fmt: skip

    def landing(self, landing: LandingIn, visit: Visit) -> EventRow | None:
        """The page view with which a visit began before consent; None where it names no campaign."""
        read = read_landing(landing.url, landing.referrer)
        if not (read.utm or read.click_ids or read.clean_referrer):
            return None
        received = self._received + timedelta(microseconds=1)
        return EventRow(
            self._received, new_id("evt"), received, "page_view", visit.visitor_id, visit.session_id, self._website_id,
            read.clean_url, read.path, read.clean_referrer, json_of(read.utm),
            json_of(read.click_ids) if visit.consent.ads else None, consent=visit.consent.bits,
            device=self._device, browser=self._browser,
        )  # fmt: skip

    def _anonymous(
        self, event: EventIn, at: datetime, event_id: str, value: int | None, currency: str | None
    ) -> EventRow:
        """Without analytics consent: what adds up, and nothing that tells one visitor from another."""
        property_json(event.properties)
        url = path = referrer = None
        if event.url is not None:
            clean = parse_landing(event.url)
            url, path = clean.clean_url.partition("?")[0], clean.path
        if event.referrer:
            origin = _ORIGIN.match(parse_landing(None, event.referrer).clean_referrer or "")
            referrer = origin[1] if origin else None
        return EventRow(
            at, event_id, self._received, event.name, None, None, self._website_id, url, path, referrer,
            None, None, value, currency, event.seconds, event.scroll, None, 0, "tracker",
        )  # fmt: skip

    def _when(self, event: EventIn) -> datetime:
        at = event.occurred_at
        if at is None:
            # Equal times say: the client named an id and no time, so the id alone decides what a replay is.
            return self._received if event.id is not None else self._received - timedelta(microseconds=1)
        if at > self._latest:
            raise _invalid(
                "occurred_at", "in_the_future", "occurred_at lies in the future: check the clock that made it."
            )
        if at < self._oldest:
            raise _invalid("occurred_at", "too_old", f"occurred_at lies more than {self._max_age_days} days back.")
        return at


def from_referrer(events: Sequence[tuple[int, EventIn]]) -> LandingIn | None:
    """The landing that the first event's own-site referrer still names (consent came a page later)."""
    for _, event in events:
        if event.referrer and event.url and ("?" in event.referrer or "#" in event.referrer):
            here, before = parse_landing(event.url), parse_landing(event.referrer)
            if before.host == here.host and (before.utm or before.click_ids) and not (here.utm or here.click_ids):
                return LandingIn(url=event.referrer)
        return None
    return None


def supplied_visit(visit: Visit, visitor_id: str | None, session_id: str | None) -> tuple[str | None, str | None]:
    """The cookies' visitor, which a body cannot forge; else the ids that the client keeps itself."""
    if not visit.fresh_visitor and visit.visitor_id is not None:
        return visit.visitor_id, session_id or visit.session_id
    if visitor_id is not None:
        return visitor_id, session_id  # a session minted for this request is none of theirs
    if session_id is not None:
        return f"session:{session_id}", session_id
    return visit.visitor_id, visit.session_id


def _money(event: EventIn) -> tuple[int | None, str | None]:
    if event.currency is None:
        if event.value is not None:
            raise _invalid("currency", "required", "currency is required beside value: an ISO 4217 code such as INR.")
        return None, None
    currency = check_currency(event.currency)
    return (None if event.value is None else to_minor(event.value, currency)), currency


def _utm(given: UtmIn) -> dict[str, str]:
    pairs = ((name, getattr(given, name)) for name in UtmIn.__struct_fields__)
    return {name: folded for name, value in pairs if value and (folded := fold(value))}


def _click_ids(given: Mapping[str, str]) -> dict[str, str]:
    for name, value in given.items():
        if name not in CLICK_IDS:
            raise _invalid("click_ids", "unknown_field", f"click_ids.{name[:40]} is no click id that is known here.")
        if not _is_text(value):
            raise _invalid("click_ids", "invalid_text", f"click_ids.{name} must not contain control characters.")
    return dict(given)


def property_json(given: dict[str, Any] | None) -> Raw | None:
    """Properties as JSON, or `Invalid`: too large, too deep, a number past 64 bits, a NUL character.

    Whatever looks like an address is left out: whose it is, the store's own form response says.
    """
    if not given:
        return None
    _check(given, "properties", 0)
    text = msgspec.json.encode(given)
    if len(text) > MAX_PROPERTIES:
        raise _invalid("properties", "too_large", f"properties must take at most {MAX_PROPERTIES} bytes.")
    return Raw(_ADDRESS.sub("[email]", text.decode()).encode() if b"@" in text else text)


def _check(value: Any, field: str, depth: int) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise _invalid(field, "invalid_text", f"{field} must not contain a NUL character.")
    elif isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            raise _invalid(field, "out_of_range", f"{field} holds a number outside the 64 bits that fit.")
    elif isinstance(value, dict | list):
        if depth >= _DEPTH:
            raise _invalid(field, "too_deep", f"{field} must be nested at most {_DEPTH} deep.")
        if isinstance(value, dict):
            for name, inner in cast("dict[str, Any]", value).items():
                _check(name, field, depth)
                _check(inner, field, depth + 1)
        else:
            for inner in cast("list[Any]", value):
                _check(inner, field, depth + 1)


def _is_text(value: str) -> bool:
    return all(character >= " " and character != "\x7f" for character in value)


def _invalid(field: str, code: str, message: str) -> Invalid:
    return Invalid(FieldError(field, code, message), code=code)


def consent_of(event: EventIn, consent: Consent) -> Consent:
    """An event's own consent never widens the request's; it speaks where the request says nothing."""
    if event.consent is None:
        return consent
    bits = event.consent.bits()
    return explicit(bits if consent.state == "unknown" else bits & consent.bits)
