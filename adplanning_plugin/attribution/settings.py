"""Settings: how a store shares credit and reads its touches, and what of that makes no sense. It stores nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import msgspec

from adplanning_plugin.attribution.channels import CHANNELS
from adplanning_plugin.kernel.errors import FieldError
from adplanning_plugin.stats.credit import ALIASES, FIRST_SHARE, HALF_LIFE_HOURS, LAST_SHARE, Direct

WINDOWS = (1, 3, 7, 14, 28, 30, 90, 0)
"""Lookback windows in days; 0 is lifetime."""
MOST_HOSTS, MOST_RULES, MOST_CONDITIONS = 200, 100, 10
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_HOST = re.compile(r"^(?=.{4,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$")


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a touch must say; capitals do not matter."""

    field: Literal["source", "medium", "campaign", "referrer_host", "click_id"]
    """`click_id` is the name of a click id that the landing carried, such as ttclid."""
    op: Literal["equals", "contains", "starts_with"] = "equals"
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class ChannelRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A channel, and the conditions that all must hold for it."""

    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    conditions: Annotated[tuple[Condition, ...], msgspec.Meta(min_length=1, max_length=MOST_CONDITIONS)]


class AttributionSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How credit is shared; a change makes a new rule version, which is built beside the old one before it counts."""

    default_model: str = "last_non_direct"
    windows: tuple[Literal[0, 1, 3, 7, 14, 28, 30, 90], ...] = WINDOWS
    """Lookback windows that reports offer, in days; 0 is lifetime. Credit is kept for all of them."""
    default_window_days: Annotated[int, msgspec.Meta(ge=0, le=90)] = 30
    """One of `windows`."""
    half_life_hours: Annotated[float, msgspec.Meta(ge=1, le=87_600)] = HALF_LIFE_HOURS
    """Time decay: hours in which a touch's weight halves."""
    position_first: Share = FIRST_SHARE
    """Position based: share of the first touch."""
    position_middle: Share | None = None
    """Position based: what the touches between share; null is the rest."""
    position_last: Share = LAST_SHARE
    """Position based: share of the last touch."""
    direct: Direct = "exclude_unless_all"
    """Whether linear, time decay and position based count direct touches."""
    exclusion_hosts: Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_HOSTS)] = ()
    """Hosts, with all below them, whose referrals are no touch, such as a payment page that leads back."""
    channel_rules: Annotated[tuple[ChannelRule, ...], msgspec.Meta(max_length=MOST_RULES)] = ()
    """The store's own channels, before the built-in ones; the first rule that holds names the channel."""


def mistakes(settings: AttributionSettings, models: Sequence[str]) -> list[FieldError]:
    """What the types cannot say is wrong: each names the field and the fix."""
    found: list[FieldError] = []
    if ALIASES.get(settings.default_model, settings.default_model) not in models:
        message = f"default_model {settings.default_model!r} is not installed: use one of {', '.join(models)}."
        found.append(FieldError("default_model", "unknown_model", message))
    found += _windows(settings)
    found += _position(settings)
    found += _hosts(settings.exclusion_hosts)
    found += _channels(settings.channel_rules)
    found += [
        FieldError(f"channel_rules[{later}]", "shadowed_rule", shadow_sentence(settings.channel_rules, earlier, later))
        for earlier, later in shadows(settings.channel_rules)
    ]
    return found


def _windows(settings: AttributionSettings) -> Iterator[FieldError]:
    known = ", ".join(map(str, WINDOWS))
    if settings.default_window_days not in WINDOWS:
        message = f"default_window_days must be one of {known} (0 is lifetime)."
        yield FieldError("default_window_days", "unknown_window", message)
    elif not settings.windows:
        yield FieldError("windows", "required", f"windows must offer at least one of {known} (0 is lifetime).")
    elif settings.default_window_days not in settings.windows:
        message = (
            f"default_window_days {settings.default_window_days} is not among the windows that are offered: add it to"
            " windows, or name one of them."
        )
        yield FieldError("default_window_days", "window_not_offered", message)
    if len(set(settings.windows)) < len(settings.windows):
        yield FieldError("windows", "duplicate", "windows names a window twice: leave each there once.")


def _position(settings: AttributionSettings) -> Iterator[FieldError]:
    first, middle, last = settings.position_first, settings.position_middle, settings.position_last
    if middle is not None and abs(first + middle + last - 1) > 1e-9:
        message = (
            f"position_first, position_middle and position_last sum to {first + middle + last:g}, not to 1: change one,"
            " or leave position_middle null, and the touches between share the rest."
        )
        yield FieldError("position_middle", "weights_do_not_sum", message)
    elif middle is None and first + last > 1 + 1e-12:
        message = "position_first and position_last must sum to at most 1; the rest is shared by the touches between."
        yield FieldError("position_first", "shares_exceed_one", message)


def _hosts(hosts: Sequence[str]) -> Iterator[FieldError]:
    for place, host in enumerate(hosts):
        field = f"exclusion_hosts[{place}]"
        if not _HOST.match(host):
            message = f"{host!r} is no host: write it as in pay.example.com, without https:// or a path."
            yield FieldError(field, "no_host", message)
        elif host in hosts[:place]:
            yield FieldError(field, "duplicate", f"{host} is in the list already: leave it there once.")


def _channels(rules: Sequence[ChannelRule]) -> Iterator[FieldError]:
    names = {name.casefold(): name for name in CHANNELS}
    for place, rule in enumerate(rules):
        name = rule.channel
        known = names.setdefault(name.casefold(), name)
        if name != name.strip():
            message = f"The channel {name!r} begins or ends with a space: take that away."
            yield FieldError(f"channel_rules[{place}].channel", "surrounding_space", message)
        elif known != name:
            message = f"There is a channel {known!r} already: spell it so, or use another name."
            yield FieldError(f"channel_rules[{place}].channel", "spelling", message)
        for number, condition in enumerate(rule.conditions):
            if not condition.value.strip():
                message = "A condition needs a value to compare with: write one, or delete the condition."
                yield FieldError(f"channel_rules[{place}].conditions[{number}].value", "required", message)


def shadows(rules: Sequence[ChannelRule]) -> list[tuple[int, int]]:
    """(earlier, later) of rules that can never apply: whatever the later one asks, an earlier one takes it first."""
    found: list[tuple[int, int]] = []
    for later, rule in enumerate(rules):
        first = next((place for place in range(later) if _covers(rules[place], rule)), None)
        if first is not None:
            found.append((first, later))
    return found


def shadow_sentence(rules: Sequence[ChannelRule], earlier: int, later: int) -> str:
    """What is wrong with a rule that never applies, and the fix."""
    return (
        f"Channel rule {later + 1} ({rules[later].channel}) never applies: rule {earlier + 1}"
        f" ({rules[earlier].channel}) takes everything that it would match. Move it above that rule, or delete it."
    )


def _covers(earlier: ChannelRule, later: ChannelRule) -> bool:
    return all(any(_implies(given, wanted) for given in later.conditions) for wanted in earlier.conditions)


def _implies(given: Condition, wanted: Condition) -> bool:
    """Whether what satisfies `given` always satisfies `wanted`."""
    if given.field != wanted.field:
        return False
    value, part = folded(given.value), folded(wanted.value)
    if wanted.op == "equals":
        return given.op == "equals" and value == part
    if wanted.op == "starts_with":
        return given.op != "contains" and value.startswith(part)
    return part in value


def folded(value: str) -> str:
    """As values are compared."""
    return value.strip().casefold()
