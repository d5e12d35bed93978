"""Figures: ratios of spend and revenue with their units; a ratio without a denominator is null."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from adplanning_plugin.kernel.money import to_major


class Amount(msgspec.Struct, frozen=True):
    """Minor units, or None where a currency could not be converted."""

    minor: int | None

    def wire(self, currency: str, name: str) -> dict[str, str | int | None]:
        """`{name: "12.00", name_minor: 1200}`."""
        return {name: None if self.minor is None else to_major(self.minor, currency), f"{name}_minor": self.minor}


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


def change(now: float | None, before: float | None) -> float | None:
    """Relative change, None where there was nothing before."""
    return None if now is None or not before else round((now - before) / abs(before), 4)
