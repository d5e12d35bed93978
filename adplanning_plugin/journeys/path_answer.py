"""Path answer: how paths and their distributions stand in an answer. No SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adplanning_plugin.journeys.path_sql import HOURS
from adplanning_plugin.journeys.paths import Distribution, PathCounts
from adplanning_plugin.kernel.money import to_major

_LABELS = (
    "Within an hour", "1 to 24 hours", "1 to 3 days", "3 to 7 days", "7 to 14 days", "14 to 30 days", "30 to 90 days",
    "More than 90 days",
)  # fmt: skip
COLUMNS = (
    "path", "steps", "journeys", "conversions", "unconverted", "conversion_rate", "share", "currency", "value",
    "value_minor", "average_value",
)  # fmt: skip


def line(
    counts: PathCounts, *, currency: str, all_conversions: int, opened: bool, names: Mapping[str, str]
) -> dict[str, Any]:
    """One path: how many took it, how many of them converted, and what they brought."""
    mixed = any(code != currency for code in counts.values)
    own = counts.values.get(currency, 0)
    value = None if mixed else own
    average = None if mixed or not counts.conversions else round(own / counts.conversions)
    return {
        "path": [names.get(step, step) for step in counts.path],
        "keys": list(counts.path),
        "steps": len(counts.path),
        "journeys": counts.journeys,
        "conversions": counts.conversions,
        "unconverted": counts.unconverted if opened else None,
        # Nobody who came without a touch can be known not to have bought.
        "conversion_rate": round(counts.conversions / counts.journeys, 6) if opened and counts.path else None,
        "share": round(counts.conversions / all_conversions, 6) if all_conversions else None,
        "currency": currency,
        **_money("value", value, currency),
        **_money("average_value", average, currency),
        "by_currency": [
            {"currency": code, **_money("value", minor, code)} for code, minor in sorted(counts.values.items())
        ],
    }


def _money(name: str, minor: int | None, currency: str) -> dict[str, Any]:
    return {name: None if minor is None else to_major(minor, currency), f"{name}_minor": minor}


def analysis(found: Distribution) -> dict[str, Any]:
    """Averages, and how conversions spread over the number of touches and over the time since the first of them."""
    conversions = sum(found.lengths.values())
    timed = sum(found.hours.values())
    touches = sum(length * count for length, count in found.lengths.items())
    return {
        "conversions": conversions,
        "average_touchpoints": round(touches / conversions, 2) if conversions else None,
        "average_hours_to_conversion": round(found.seconds / timed / 3600, 2) if timed else None,
        "path_lengths": [{"touches": n, "conversions": found.lengths[n]} for n in sorted(found.lengths)],
        "time_to_conversion": [
            {
                "label": label,
                "from_hours": 0 if bucket == 0 else HOURS[bucket - 1],
                "to_hours": HOURS[bucket] if bucket < len(HOURS) else None,
                "conversions": found.hours.get(bucket, 0),
            }
            for bucket, label in enumerate(_LABELS)
        ],
    }


def campaign_ids(lines: Sequence[PathCounts], level: str) -> list[str]:
    """Steps that may be ids of campaigns."""
    return sorted({step for each in lines for step in each.path}) if level == "campaign" else []
