"""Classing: which channel a touch has by a store's own rules, and whether its host is excluded. Pure; no database.

It reads a touch as it is stored, so that touches of any age can be read anew, and a new one is read the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from adplanning_plugin.attribution.channels import channel_by_clicks, platform_of, read_referrer
from adplanning_plugin.attribution.settings import AttributionSettings, ChannelRule, Condition, folded


class TouchClass(msgspec.Struct, frozen=True, kw_only=True):
    """What rules decide of a touch; names are the table's columns."""

    channel: str
    platform: str
    is_direct: bool
    is_excluded: bool


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a touch says of where it came from."""

    source: str
    medium: str
    campaign: str | None = None
    clicks: tuple[str, ...] = ()
    """Names of its click ids, sorted."""
    referrer_host: str | None = None
    is_tagged: bool = False
    """Whether its link named a campaign, by whatever parameter."""


class Classing(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the settings that reads touches; equal ones read every touch the same."""

    hosts: tuple[str, ...] = ()
    rules: tuple[ChannelRule, ...] = ()


PLAIN = Classing()


def classing_of(settings: AttributionSettings) -> Classing:
    """The classing by these settings."""
    return Classing(hosts=tuple(sorted(settings.exclusion_hosts)), rules=settings.channel_rules)


@lru_cache(maxsize=65_536)
def class_of(classing: Classing, reading: Reading) -> TouchClass:
    """The class of one combination."""
    own = rule_of(classing.rules, reading)
    if own is None:
        channel = channel_by_clicks(reading.source, reading.medium, reading.campaign, reading.clicks)
    else:
        channel = classing.rules[own].channel
    is_direct = channel == "Direct"
    return TouchClass(
        channel=channel,
        platform="direct" if is_direct else platform_of(reading.source, reading.clicks),
        is_direct=is_direct,
        is_excluded=_is_excluded(classing.hosts, reading),
    )


def rule_of(rules: Sequence[ChannelRule], reading: Reading) -> int | None:
    """The place of the first rule that holds."""
    return next((place for place, rule in enumerate(rules) if holds(rule, reading)), None)


def holds(rule: ChannelRule, reading: Reading) -> bool:
    """Whether every condition of the rule holds."""
    return all(any(_meets(each, value) for value in _values(each, reading)) for each in rule.conditions)


def _values(condition: Condition, reading: Reading) -> Sequence[str]:
    if condition.field == "click_id":
        return reading.clicks
    value: str | None = getattr(reading, condition.field)
    return () if value is None else (value,)


def _meets(condition: Condition, value: str) -> bool:
    given, wanted = value.casefold(), folded(condition.value)
    if condition.op == "equals":
        return given == wanted
    return given.startswith(wanted) if condition.op == "starts_with" else wanted in given


def _is_excluded(hosts: Sequence[str], reading: Reading) -> bool:
    """Only what the referrer alone told: a link of the store's own with UTM parameters or a click id counts."""
    host = reading.referrer_host
    if not host or reading.clicks or reading.is_tagged or reading.campaign:
        return False
    if not any(host == each or host.endswith(f".{each}") for each in hosts):
        return False
    return (reading.source, reading.medium) == read_referrer(host)
