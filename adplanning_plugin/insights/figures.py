"""Figures: ratios with their units, rounding whose parts sum to the whole; a ratio without a denominator is null."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from adplanning_plugin.kernel.money import to_major

_FINE = Decimal("0.000001")
"""Divisions end somewhere: what is left of a half after six decimals is a half."""


def whole(exact: Decimal) -> int:
    """Minor units of an exact amount (ties to even)."""
    return int(exact.quantize(_FINE).quantize(Decimal(1), ROUND_HALF_EVEN))


def whole_parts(exact: Sequence[Decimal]) -> list[int]:
    """Each amount in minor units such that they sum to the rounded sum (largest remainder, ties to the earlier)."""
    floors = [int(value.quantize(_FINE).to_integral_value(ROUND_FLOOR)) for value in exact]
    order = sorted(range(len(exact)), key=lambda index: (floors[index] - exact[index], index))
    for index in order[: whole(sum(exact, Decimal(0))) - sum(floors)]:
        floors[index] += 1
    return floors


def ratio(numerator: Decimal | float | None, denominator: Decimal | float | None, places: int = 4) -> float | None:
    """numerator / denominator, None where either is missing or the denominator is zero."""
    if numerator is None or not denominator:
        return None
    return round(float(numerator) / float(denominator), places)


def cost_per(spend_minor: int | None, count: float | None, currency: str) -> str | None:
    """Money per unit as a decimal in major units, None without spend or count."""
    if spend_minor is None or not count:
        return None
    minor = (Decimal(spend_minor) / Decimal(str(count))).quantize(Decimal(1), ROUND_HALF_EVEN)
    return to_major(int(minor), currency)


def money(name: str, minor: int | None, currency: str) -> dict[str, str | int | None]:
    """`{name: "12.00", name_minor: 1200}`."""
    return {name: None if minor is None else to_major(minor, currency), f"{name}_minor": minor}


def change(now: float | None, before: float | None) -> float | None:
    """Relative change, None where there was nothing before."""
    return None if now is None or not before else round((now - before) / abs(before), 4)
