"""Vocabulary: the types, statuses and origins of conversions, and which of them count. No SQL, no HTTP."""

from __future__ import annotations

from typing import Literal

ConversionType = Literal[
    "lead_form_submission",
    "add_to_cart",
    "begin_checkout",
    "purchase",
    "page_engagement",
    "scroll_depth",
    "time_on_site",
    "custom",
]
CONVERSION_TYPES: tuple[str, ...] = (
    "lead_form_submission",
    "add_to_cart",
    "begin_checkout",
    "purchase",
    "page_engagement",
    "scroll_depth",
    "time_on_site",
    "custom",
)
ConversionStatus = Literal["pending", "confirmed", "unconfirmed", "cancelled"]
COUNTED = ("confirmed", "unconfirmed")
"""Statuses that totals and rates count; pending and cancelled ones are shown beside them."""
ConversionOrigin = Literal["order", "lead", "tracker", "goal", "manual", "import"]
LEDGER_ORIGINS = ("order", "lead")
"""Born from the store's own records: their facts are changed there, not here."""
Platform = Literal["meta", "google", "generic", "direct"]
SalesChannel = Literal["online", "offline", "renewal"]
