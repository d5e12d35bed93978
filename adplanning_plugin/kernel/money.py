"""Money: integer minor units inside, decimal major units on the wire; splits that sum exactly; no rates."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from adplanning_plugin.kernel.errors import FieldError, Invalid

# ISO 4217 codes by the exponent of their minor unit.
_TWO = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC
CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS
KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB
PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD
TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG
"""
_ZERO = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
ZERO_DECIMAL = frozenset(_ZERO.split())
THREE_DECIMAL = frozenset(_THREE.split())
CURRENCIES = frozenset(_TWO.split()) | ZERO_DECIMAL | THREE_DECIMAL
MAX_MINOR = 2**63 - 1


def exponent(currency: str) -> int:
    """Decimal places of the currency's minor unit (INR 2, JPY 0, KWD 3)."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def check_currency(currency: str, field: str = "currency") -> str:
    """The upper-case ISO 4217 code, or `Invalid` naming the field."""
    code = currency.strip().upper()
    if code not in CURRENCIES:
        raise Invalid(FieldError(field, "unknown_currency", f"{field} must be an ISO 4217 code such as INR or EUR."))
    return code


def to_minor(value: Decimal | int | str | float, currency: str, field: str = "value") -> int:
    """Minor units of a decimal in major units; refuses negatives, fractions below a minor unit and overflow."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise Invalid(FieldError(field, "not_a_number", f"{field} must be a decimal number such as 4999 or 49.90."))
    if amount < 0:
        raise Invalid(FieldError(field, "negative_money", f"{field} must not be negative."))
    if amount.adjusted() > 20:
        raise Invalid(FieldError(field, "too_large", f"{field} is larger than the {MAX_MINOR} minor units that fit."))
    minor = amount.scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        places = exponent(currency)
        raise Invalid(FieldError(field, "too_precise", f"{field} has more than the {places} decimals of {currency}."))
    if minor > MAX_MINOR:
        raise Invalid(FieldError(field, "too_large", f"{field} is larger than the {MAX_MINOR} minor units that fit."))
    return int(minor)


def to_major(minor: int, currency: str) -> str:
    """The wire form: `to_major(499900, "INR") == "4999.00"`."""
    return str(Decimal(minor).scaleb(-exponent(currency)).quantize(Decimal(1).scaleb(-exponent(currency))))


def split_largest_remainder(total: int, weights: Sequence[float]) -> list[int]:
    """Integer parts of `total` in proportion to `weights`, summing exactly to it (Hamilton).

    Remainders are compared to nine decimals, so that equal shares tie; a tie goes to the earlier part.
    """
    whole = sum(weights)
    if not weights or whole <= 0 or min(weights) < 0:
        raise ValueError("weights must be non-negative and sum to more than 0")
    scale = 1.0 if abs(whole - 1) < 1e-9 else whole
    quotas = [total * weight / scale for weight in weights]
    parts: list[int] = []
    rest = total
    for quota in quotas:
        part = int(quota // 1)
        if total >= 0:  # beyond 2^53 a float may round a share up: no part takes more than there is
            part = min(part, rest)
        rest -= part
        parts.append(part)
    order = sorted(range(len(parts)), key=lambda i: (-round(quotas[i] - parts[i], 9), i))
    each, left = divmod(rest, len(parts))
    for rank, i in enumerate(order):
        parts[i] += each + (rank < left)
    return parts
