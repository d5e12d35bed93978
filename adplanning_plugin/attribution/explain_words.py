"""Why a touch has a share of a conversion or none, as a code and as a sentence for the person who asks. No queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from adplanning_plugin.identity import STRONG

MEANINGS: Mapping[str, str] = {
    # a touch
    "in_window": "It came before the conversion and within the window, so it has a share.",
    "outside_window": "It came before the window opened.",
    "after_conversion": "It came after the conversion, so it cannot have led to it.",
    "excluded_host": "It came from a host that the store excludes from credit.",
    "no_consent": "The order was placed without consent to be measured: it reaches no visit, not even earlier ones.",
    "claimed": "Only an address that was typed into a form links it: that is a claim, and earns nothing until an order,"
    " a login or a signed link confirms it.",
    "revoked": "The link that brought it was revoked.",
    "denied": "The identifier that links it is on the denylist: too many visitors share it, or somebody put it there.",
    "another_person": "It belongs to somebody else, who used the same browser or address; an order reaches its own"
    " buyer's visits only.",
    "due": "It counts by now, but came to light after the credit was computed. It gets its share within minutes.",
    "withdrawn": "It had a share when the credit was computed and counts no longer. Its share goes within minutes.",
    # a link
    "linked": "A strong link: its visits count.",
    # the credit as a whole
    "computed": "The credit is that of what is known now.",
    "due_anew": "Something changed since the credit was computed. It is computed again within minutes.",
    "not_computed": "No credit was computed yet. It is within minutes.",
    "deleted": "The conversion was deleted: it has no credit and is counted nowhere.",
    # what no touch has
    "no_touch": "No visit of the buyer is known.",
    "none_in_window": "The buyer's visits lie outside the window.",
    "only_direct": "Every visit was direct, and this model gives direct visits nothing.",
    "renewal": "A renewal: it was charged without a visit, and reports count it by itself.",
    "offline": "Taken offline: there is no visit to find, and reports count it by itself.",
    "model_gave_none": "The model gives none of these visits a share.",
}


def meaning(reason: str) -> str:
    """The sentence of a code."""
    return MEANINGS[reason]


def link_reason(conversion: Row[Any], edge: Row[Any]) -> str:
    """Whether an edge counts, or the first thing that speaks against it."""
    if conversion.consent == "denied":
        return "no_consent"
    if edge.revoked_at is not None:
        return "revoked"
    if edge.denied:
        return "denied"
    if edge.strength < STRONG:
        return "claimed"
    if edge.reaches:
        return "linked"
    return "claimed" if edge.how == "claimed" else "another_person"


_BY_WEIGHT = ("linked", "claimed", "denied", "revoked", "another_person", "no_consent")


def mine(
    conversion: Row[Any], touch: Row[Any], links: Sequence[Row[Any]], ways: Sequence[dict[str, Any]]
) -> tuple[str, dict[str, Any] | None]:
    """How a touch is linked to the conversion, by what weighs most: its visit, its person, or an edge."""
    if conversion.visitor_id is not None and touch.visitor_id == conversion.visitor_id:
        return "own_visitor", None
    if conversion.session_id is not None and touch.session_id == conversion.session_id:
        return "own_session", None
    if conversion.person_id is not None and touch.person_id == conversion.person_id:
        return ("person" if conversion.lead_id is None else "claimed_person"), None
    found = [way for edge, way in zip(links, ways, strict=True) if edge.visitor_id == touch.visitor_id]
    if not found:
        return "none", None
    return "edge", min(found, key=lambda way: _BY_WEIGHT.index(way["reason"]))


def touch_reason(
    conversion: Row[Any], opens: datetime | None, touch: Row[Any], by: str, way: Mapping[str, Any] | None
) -> str:
    """Why a touch has a share, or the first thing that speaks against it."""
    in_time = touch.occurred_at <= conversion.occurred_at and (opens is None or touch.occurred_at > opens)
    if touch.credited:
        return "in_window" if touch.counts and in_time else "withdrawn"
    if conversion.consent == "denied":
        return "no_consent"
    if way is not None and way["reason"] != "linked" and not touch.counts:
        return str(way["reason"])
    if by == "claimed_person" and not touch.counts:
        return "claimed"
    if touch.occurred_at > conversion.occurred_at:
        return "after_conversion"
    if getattr(touch, "is_excluded", False):
        return "excluded_host"
    if not in_time:
        return "outside_window"
    return "due" if touch.counts else "withdrawn"


def unattributed_reason(
    conversion: Row[Any], counted: Sequence[Mapping[str, Any]], considered: Sequence[Mapping[str, Any]]
) -> str:
    """Why a model leaves the conversion to nobody."""
    if counted:
        return "only_direct" if all(each["is_direct"] for each in counted) else "model_gave_none"
    if conversion.consent == "denied":
        return "no_consent"
    if conversion.sales_channel in {"renewal", "offline"}:
        return str(conversion.sales_channel)
    return "none_in_window" if any(each["reason"] == "outside_window" for each in considered) else "no_touch"
