"""Dates in names: 2025-03-15, 15.03.2025, 15 Mar 2025 and 20250315 written one way. Guesses no missing part."""

from __future__ import annotations

from collections.abc import Sequence

_NAMES = (
    ("jan", "january"), ("feb", "february"), ("mar", "march"), ("apr", "april"), ("may", "may"), ("jun", "june"),
    ("jul", "july"), ("aug", "august"), ("sep", "sept", "september"), ("oct", "october"), ("nov", "november"),
    ("dec", "december"),
)  # fmt: skip
MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names}
_LONGEST_FIRST = sorted(MONTHS, key=len, reverse=True)


def with_dates(parts: Sequence[str]) -> list[str]:
    """The parts of a name (runs of digits, runs of letters), each date in them as one run of digits.

    A day and a month that could be either stay in the order in which they were written. Other numbers lose the zeros in
    front of them.
    """
    parts = _parted(parts)
    found: list[str] = []
    at = 0
    while at < len(parts):
        for size in (3, 2, 1):
            date = _date(parts[at : at + size]) if at + size <= len(parts) else None
            if date is not None:
                found.append(date)
                at += size
                break
        else:
            part = parts[at]
            found.append(part.lstrip("0") or "0" if part.isdecimal() and len(part) < 4 else part)
            at += 1
    return _met(found)


def _parted(parts: Sequence[str]) -> list[str]:
    """A month that stands right before a year without a separator is a word of its own: salemar 2026."""
    found: list[str] = []
    for part, after in zip(parts, [*parts[1:], ""], strict=True):
        month = next((name for name in _LONGEST_FIRST if part.endswith(name)), None) if _is_year(after) else None
        found += [part[: -len(month)], month] if month and part != month else [part]
    return found


def _met(parts: list[str]) -> list[str]:
    """The only month and the only year of a name are one date, wherever they stand."""
    months = [at for at, part in enumerate(parts) if part in MONTHS]
    years = [at for at, part in enumerate(parts) if _is_year(part)]
    if len(months) != 1 or len(years) != 1:
        return parts
    date = f"{parts[years[0]]}{MONTHS[parts[months[0]]]:02}"
    return [date if at == years[0] else part for at, part in enumerate(parts) if at != months[0]]


def _date(parts: Sequence[str]) -> str | None:
    if len(parts) == 1:
        return _of_digits(parts[0])
    numbers = [part for part in parts if part.isdecimal()]
    if len(numbers) == len(parts):
        return _of_numbers(parts)
    month = next((MONTHS[part] for part in parts if part in MONTHS), None)
    if month is None or len(numbers) != len(parts) - 1:
        return None
    years = [number for number in numbers if _is_year(number)]
    days = [number for number in numbers if len(number) <= 2]
    if len(years) != 1 or len(days) != len(numbers) - 1:
        return None
    return _joined(years[0], month, int(days[0]) if days else None)


def _of_numbers(parts: Sequence[str]) -> str | None:
    if len(parts) == 3:
        first, second, third = parts
        if _is_year(first) and len(second) <= 2 and len(third) <= 2:
            return _joined(first, int(second), int(third))
        return _day_first(first, second, third) if _is_year(third) else None
    first, second = parts
    if _is_year(first) and len(second) <= 2:
        return _joined(first, int(second), None)
    return _joined(second, int(first), None) if _is_year(second) and len(first) <= 2 else None


def _of_digits(digits: str) -> str | None:
    if not digits.isdecimal():
        return None
    if len(digits) == 8:
        if _is_year(digits[:4]) and (date := _joined(digits[:4], int(digits[4:6]), int(digits[6:]))):
            return date
        return _day_first(digits[:2], digits[2:4], digits[4:]) if _is_year(digits[4:]) else None
    # From 2013 on the first six digits cannot be a year of two digits, a month and a day.
    if len(digits) == 6 and "2013" <= digits[:4] <= "2099":
        return _joined(digits[:4], int(digits[4:]), None)
    return None


def _day_first(first: str, second: str, year: str) -> str | None:
    if len(first) > 2 or len(second) > 2:
        return None
    one, two = int(first), int(second)
    if one > 12 >= two:
        return _joined(year, two, one)
    if two > 12 >= one:
        return _joined(year, one, two)
    # Marked, so that it equals nothing but the same two in the same order.
    return f"{one:02}{two:02}{year}" if 1 <= one <= 12 and 1 <= two <= 12 else None


def _joined(year: str, month: int, day: int | None) -> str | None:
    if not 1 <= month <= 12 or (day is not None and not 1 <= day <= 31):
        return None
    return f"{year}{month:02}" + (f"{day:02}" if day is not None else "")


def _is_year(digits: str) -> bool:
    return len(digits) == 4 and digits.isdecimal() and "2000" <= digits <= "2099"
