"""Agents: what kind of device and browser a user agent string says it is. Plain Python; robots are told elsewhere."""

from __future__ import annotations

_TABLETS = ("ipad", "tablet", "kindle", "silk/", "playbook")
_PHONES = ("iphone", "ipod", "mobile", "windows phone", "opera mini")
_BROWSERS = (
    # In this order: each later one's mark stands in the strings of those before it too.
    ("Instagram", ("instagram",)),
    ("Facebook", ("fban/", "fbav/", "fb_iab")),
    ("TikTok", ("musical_ly", "bytedancewebview", "tiktok")),
    ("Samsung Internet", ("samsungbrowser",)),
    ("Edge", ("edg/", "edga/", "edgios/", "edge/")),
    ("Opera", ("opr/", "opera", "opt/")),
    ("Firefox", ("firefox/", "fxios/")),
    ("Chrome", ("chrome/", "crios/", "chromium/")),
    ("Safari", ("safari/",)),
)


def device_of(user_agent: str | None) -> str | None:
    """mobile, tablet or desktop; null where nothing is said."""
    text = (user_agent or "").strip().lower()
    if not text:
        return None
    if any(mark in text for mark in _TABLETS) or ("android" in text and "mobile" not in text):
        return "tablet"
    return "mobile" if any(mark in text for mark in _PHONES) else "desktop"


def browser_of(user_agent: str | None) -> str | None:
    """The browser's name, an app's own one included; null where it is none of the common ones."""
    text = (user_agent or "").lower()
    return next((name for name, marks in _BROWSERS if any(mark in text for mark in marks)), None)
