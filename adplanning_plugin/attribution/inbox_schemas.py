"""Inbox schemas: what the inbox and its decisions take and give. No rules beyond types and lengths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from adplanning_plugin.attribution.alias_models import IGNORED
from adplanning_plugin.attribution.inbox import Group, Stake, name_of
from adplanning_plugin.attribution.resolvers import Catalogue
from adplanning_plugin.attribution.schemas import Id
from adplanning_plugin.attribution.similarity import Near, Nearest
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.money import to_major

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
Names = Annotated[list[Name], msgspec.Meta(min_length=1, max_length=1_000)]


class ApproveGroup(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The campaign that a group's names mean."""

    ad_campaign_id: Id
    names: Names | None = None
    """Only these of the group's names; all of them where it is not given."""


class IgnoreGroup(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A group's names mean no campaign."""

    names: Names | None = None


def group_out(group: Group, nearest: Nearest | None, catalogue: Catalogue) -> dict[str, Any]:
    """The wire form of a group."""
    matched = catalogue.campaigns.get(group.ad_campaign_id or "")
    return {
        "key": group.key,
        "name": group.chief.campaign or group.chief.campaign_key,
        "platform": group.platform,
        "website_id": group.website_id,
        "touches": group.touches,
        "first_seen": rfc3339(min(each.first_seen for each in group.written)),
        "last_seen": rfc3339(max(each.last_seen for each in group.written)),
        "is_ambiguous": any(each.is_ambiguous for each in group.written),
        "variants": _variants(group),
        "sources": [
            {"source": source, "medium": medium}
            for source, medium in sorted({pair for each in group.written for pair in each.sources})
        ],
        "at_stake": [_stake(stake) for stake in group.stakes],
        "matched": {"ad_campaign_id": matched.id, "campaign": matched.name} if matched else None,
        "suggestion": {
            **_near(nearest.best, catalogue),
            "margin": round(nearest.margin, 4),
            "runner_up": _near(nearest.runner_up, catalogue) if nearest.runner_up else None,
        }
        if nearest
        else None,
    }


def group_line(group: Group, nearest: Nearest | None, catalogue: Catalogue) -> dict[str, Any]:
    """A group as a line of a file: one for the currency of most value."""
    out = group_out(group, nearest, catalogue)
    stake = out["at_stake"][0] if out["at_stake"] else dict.fromkeys(("orders", "value", "credit", "currency"))
    near = out["suggestion"] or dict.fromkeys(("ad_campaign_id", "campaign", "score", "margin", "runner_up"))
    runner_up: dict[str, Any] = near["runner_up"] or {}
    kept = ("key", "name", "platform", "website_id", "touches", "first_seen", "last_seen")
    return {
        **{name: out[name] for name in kept},
        "variants": " | ".join(variant["name"] for variant in out["variants"]),
        "sources": " | ".join(f"{pair['source']} / {pair['medium']}" for pair in out["sources"]),
        **{name: stake[name] for name in ("orders", "value", "credit", "currency")},
        **{f"suggested_{name}": near[name] for name in ("ad_campaign_id", "campaign")},
        "score": near["score"],
        "margin": near["margin"],
        "runner_up": runner_up.get("campaign"),
    }


LINE_COLUMNS = (
    "key", "name", "platform", "website_id", "touches", "first_seen", "last_seen", "variants", "sources", "orders",
    "value", "credit", "currency", "suggested_ad_campaign_id", "suggested_campaign", "score", "margin", "runner_up",
)  # fmt: skip


def alias_out(alias: Any, names: Mapping[str, str], progress: Mapping[str, Any], work_path: str) -> dict[str, Any]:
    """The wire form of a decision.

    Args:
        names: campaigns' names by id.
        progress: of pieces of work, by their id.
    """
    undone = alias.reverted_at is not None
    outcome = alias.revert_outcome if undone else alias.outcome
    is_complete = bool(outcome and outcome.get("complete"))
    work_id = alias.revert_work_id if undone else alias.work_id
    return {
        "id": alias.id,
        "kind": alias.kind,
        "state": ("reverted" if undone else "active") if is_complete else "reverting" if undone else "applying",
        "names": alias.names,
        "platform": alias.platform,
        "website_id": alias.website_id,
        "ad_campaign_id": alias.ad_campaign_id,
        "campaign": None if alias.kind == IGNORED else names.get(alias.ad_campaign_id or ""),
        "score": alias.score,
        "margin": alias.margin,
        "decided_by": alias.decided_by,
        "decided_at": rfc3339(alias.decided_at),
        "reverted_by": alias.reverted_by,
        "reverted_at": rfc3339(alias.reverted_at) if alias.reverted_at else None,
        "work": {"id": work_id, "path": f"{work_path}/{work_id}", "progress": progress.get(work_id)}
        if work_id
        else None,
        "outcome": outcome_out(alias.outcome, names),
        "revert_outcome": outcome_out(alias.revert_outcome, names),
    }


def outcome_out(outcome: Mapping[str, Any] | None, names: Mapping[str, str]) -> dict[str, Any] | None:
    """What a decision moved: for each campaign (null: none) what it gained, what it had before and has after."""
    if not outcome or not outcome.get("complete"):
        return None
    lines: list[dict[str, Any]] = []
    for line in outcome["changes"]:
        money = {
            name: (line.get(f"{key}_minor"), line["currency"])
            for name, key in (("change", "net"), ("before", "before"), ("after", "after"))
        }
        lines.append(
            {
                "ad_campaign_id": line["ad_campaign_id"],
                "campaign": names.get(line["ad_campaign_id"] or ""),
                "currency": line["currency"],
                "orders": round(line["orders"], 6),
                **{
                    name: None if minor is None else to_major(minor, currency)
                    for name, (minor, currency) in money.items()
                },
                **{f"{name}_minor": minor for name, (minor, _) in money.items()},
            }
        )
    return {
        "touches": outcome["touches"],
        "model": outcome["model"],
        "window_days": outcome["window_days"],
        "finished_at": outcome["finished_at"],
        "changes": lines,
    }


def _variants(group: Group) -> list[dict[str, Any]]:
    """The ways of writing, one for each normalised name, those of most touches first."""
    touches: dict[str, int] = {}
    for each in group.written:
        touches[name_of(each)] = touches.get(name_of(each), 0) + each.touches
    return [
        {"name": name, "touches": count}
        for name, count in sorted(touches.items(), key=lambda item: (-item[1], item[0]))
    ]


def _stake(stake: Stake) -> dict[str, Any]:
    return {
        "currency": stake.currency,
        "orders": stake.orders,
        "value": to_major(stake.value, stake.currency),
        "value_minor": stake.value,
        "credit": to_major(stake.credit, stake.currency),
        "credit_minor": stake.credit,
    }


def _near(near: Near, catalogue: Catalogue) -> dict[str, Any]:
    campaign = catalogue.campaigns[near.campaign_id]
    return {
        "ad_campaign_id": campaign.id,
        "campaign": campaign.name,
        "platform": campaign.platform,
        "score": round(near.score, 4),
    }
