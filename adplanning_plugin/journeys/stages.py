"""Stages: which kinds of events there are, and the stage of a journey that each of them shows. Pure: no SQL."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from adplanning_plugin.stats.nps import classify, scale_of

Stage = Literal["awareness", "interest", "consideration", "intent", "conversion", "retention", "advocacy"]
STAGES: tuple[Stage, ...] = (
    "awareness", "interest", "consideration", "intent", "conversion", "retention", "advocacy",
)  # fmt: skip
Colour = Literal["grey", "purple", "orange", "blue", "green", "red"]
OWN_CHANNELS = ("web", "social", "email", "sms", "store")
"""Channels of what is no touch; a touch has its channel of attribution."""
TOUCH_CHANNELS = (
    "Direct", "Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Display", "Paid Other",
    "AI Assistant", "Organic Shopping", "Organic Social", "Organic Video", "Organic Search", "Referral", "Email",
    "Affiliates", "Audio", "SMS", "Mobile Push Notifications", "Unassigned",
)  # fmt: skip
CHANNELS = (*OWN_CHANNELS, *TOUCH_CHANNELS)


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of event."""

    name: str
    label: str
    stage: Stage | None
    """Null where it is no step; of feedback and purchases the row itself decides."""
    channel: str = "web"
    colour: Colour = "grey"
    tracked: tuple[str, ...] = ()
    """Names of tracked events that are of this kind."""
    touches: tuple[str, ...] = ()
    """Channels of attribution whose touches are of this kind."""
    manual: bool = True
    """Whether somebody may enter one by hand: no, where the store's own orders say it."""


_PAID = ("Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Display", "Paid Other", "Audio")
_UNPAID = (
    "AI Assistant", "Organic Shopping", "Organic Social", "Organic Video", "Organic Search", "Referral", "Affiliates",
    "Unassigned",
)  # fmt: skip


def _type(name: str, label: str, stage: Stage | None, **more: object) -> EventType:
    return msgspec.convert({"name": name, "label": label, "stage": stage, **more}, EventType)


_TYPES = (
    _type("page_view", "Page view", "awareness", tracked=("page_view",)),
    _type("visit", "Visit", "awareness", touches=_UNPAID),
    _type("scroll", "Scroll", "awareness", tracked=("scroll",), manual=False),
    _type("time_on_page", "Time on page", "awareness", tracked=("time_on_page",), manual=False),
    _type("click", "Click", "awareness", tracked=("click",), manual=False),
    _type("ad_click", "Ad click", "interest", colour="purple", touches=_PAID),
    _type("email_click", "Email click", "interest", channel="email", colour="purple", touches=("Email",)),
    _type("sms_click", "SMS click", "interest", channel="sms", colour="purple", touches=("SMS",)),
    _type("push_click", "Push click", "interest", colour="purple", touches=("Mobile Push Notifications",)),
    _type("social_engage", "Social engagement", "interest", channel="social"),
    _type("search", "Search", "interest", tracked=("search", "view_search_results")),
    _type("product_view", "Product view", "consideration", colour="blue", tracked=("product_view", "view_item")),
    _type("add_to_wishlist", "Wishlist", "consideration", colour="blue", tracked=("add_to_wishlist",)),
    _type("form_submit", "Form", "consideration", colour="blue", tracked=("form_submit", "form_submitted")),
    _type("sign_up", "Sign-up", "consideration", colour="blue", tracked=("sign_up",)),
    _type("lead_capture", "Lead", "intent", colour="orange", tracked=("lead_capture", "generate_lead")),
    _type("add_to_cart", "Add to cart", "intent", colour="orange", tracked=("add_to_cart",)),
    _type("begin_checkout", "Checkout", "intent", colour="orange", tracked=("begin_checkout",)),
    _type("add_payment_info", "Payment details", "intent", colour="orange", tracked=("add_payment_info",)),
    _type("order_placed", "Order placed", "intent", colour="orange", manual=False),
    _type("purchase", "Purchase", "conversion", colour="green"),
    _type("order_cancelled", "Order cancelled", None, colour="red", manual=False),
    _type("refund", "Refund", None, colour="red", manual=False),
    _type("feedback", "Feedback", None, colour="blue"),
    _type("referral", "Referral", "advocacy", colour="green", tracked=("referral", "invite_friend")),
    _type("custom", "Other event", None),
)  # fmt: skip
EVENT_TYPES: Mapping[str, EventType] = MappingProxyType({each.name: each for each in _TYPES})
"""Every kind by name, in the order of the stages. A tracked event of any other name is `custom`."""
TRACKED: Mapping[str, str] = MappingProxyType({name: each.name for each in _TYPES for name in each.tracked})
"""Name of a tracked event → its kind. `purchase` is missing: only the store's orders say that something was bought."""
TOUCHES: Mapping[str, str] = MappingProxyType({channel: each.name for each in _TYPES for channel in each.touches})
"""Channel of a touch → its kind; a direct touch is none, its page view says it."""
CONVERSIONS: Mapping[str, str] = MappingProxyType({
    "purchase": "purchase",
    "lead_form_submission": "lead_capture",
    "add_to_cart": "add_to_cart",
    "begin_checkout": "begin_checkout",
    "scroll_depth": "scroll",
    "time_on_site": "time_on_page",
    "page_engagement": "page_view",
    "custom": "custom",
})  # fmt: skip
"""Type of a conversion → its kind."""
CUSTOM = "custom"
ADVOCATE_SHARE = 0.8
"""A rating from this share of its scale on recommends: 4 of 5. Of 0 to 10, promoters (9 and 10) do."""


def stage_of_feedback(rating: float | None, scale: int | None) -> Stage | None:
    """Advocacy for whoever would recommend: 4 or more of 5, or a promoter on 0 to 10; nothing otherwise."""
    if rating is None:
        return None
    answer = classify(rating, scale)
    if answer is None:
        return None
    if scale_of(rating, scale) == 5:
        return "advocacy" if rating / 5 >= ADVOCATE_SHARE else None
    return "advocacy" if answer.nps_class == "promoter" else None


def furthest(reached: Mapping[str, object]) -> Stage | None:
    """The last of the stages that was reached; `reached` holds a time, or None, by stage."""
    return next((stage for stage in reversed(STAGES) if reached.get(stage) is not None), None)
