"""Explanation of one conversion's credit: every touch considered, in or out and why, and what recomputing it needs.

It reads what is stored and judges nothing anew: a touch that counts by now, but has no share yet, is said to be due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.explain_decisions import decisions_of
from adplanning_plugin.attribution.explain_sql import (
    MOST_LEFT_OUT,
    MOST_LINKS,
    conversion_facts,
    links_of_conversion,
    rows_of,
    touches_considered,
)
from adplanning_plugin.attribution.explain_words import link_reason, meaning, mine, touch_reason, unattributed_reason
from adplanning_plugin.attribution.fit_effects import effects_of
from adplanning_plugin.attribution.fit_models import Fit
from adplanning_plugin.attribution.repository import credit_of_conversions
from adplanning_plugin.attribution.rules import DATA_DRIVEN, Rules, current_rules, hook_models, parse_window
from adplanning_plugin.identity import STRONG
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import NotFound
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links, names_by_id
from adplanning_plugin.stats.credit import eligible

_SHOWN = (
    "id", "origin", "source", "medium", "campaign", "term", "content", "channel", "platform", "is_direct",
    "referrer_host", "landing_path", "device", "browser", "session_id", "visitor_id", "website_id",
)  # fmt: skip
_RESOLVED = ("resolution_method", "resolution_reason", "confidence", "ad_campaign_id", "ad_set_id", "ad_id")
_SHARED = ("linear", "time_decay", "position_based")
HASH_CHARS = 12
"""Of an address's keyed hash: enough to compare two, too little to try addresses against."""


async def explain_conversion(
    session: AsyncSession, runtime: Runtime, tenant_id: str, conversion_id: str, window: str | None, *, personal: bool
) -> dict[str, Any]:
    """Everything behind a conversion's credit in one window.

    Args:
        personal: whether the reader may see ids of people; addresses are shown to nobody.
    Raises:
        NotFound: the tenant has no such conversion.
        Invalid: an unknown window.
    """
    rules = await current_rules(session, tenant_id)
    days = parse_window(rules, window)
    found = await rows_of(session, conversion_facts(), tenant=tenant_id, id=conversion_id)
    if not found:
        raise NotFound(f"There is no conversion {conversion_id}.")
    conversion = found[0]
    links = await rows_of(session, links_of_conversion(), tenant=tenant_id, ids=conversion_id, most=MOST_LINKS)
    considered = await rows_of(
        session,
        touches_considered(),
        tenant=tenant_id,
        ids=conversion_id,
        days=days,
        version=rules.version,
        visitors=sorted({each.visitor_id for each in links} | {conversion.visitor_id or ""} - {""}),
        visit=conversion.session_id,
        person=conversion.person_id,
        at=conversion.occurred_at,
        most=MOST_LEFT_OUT,
    )
    credit = (await session.execute(credit_of_conversions(tenant_id, [conversion_id], days))).all()
    campaigns = [row.ad_campaign_id for row in considered]
    names = await names_by_id(session, runtime.get(Links), tenant_id, "ad_campaign", campaigns)
    decided = await decisions_of(session, tenant_id, considered)
    held = {row.touch_id: row for row in credit}
    opens = None if days == 0 else conversion.occurred_at - timedelta(days=days)
    ways = [_way(conversion, each, personal=personal) for each in links]
    touches = [_touch(conversion, opens, each, held.get(each.id), rules, links, ways, names) for each in considered]
    for each in touches:
        each["resolution"]["decision"] = decided.get(each["id"])
    labels = {model.name: model.label for model in hook_models(runtime)} | {DATA_DRIVEN: "Data-driven"}
    return {
        "conversion": _conversion(conversion, personal=personal),
        "window_days": days,
        "window": {"opens_at": opens and rfc3339(opens), "closes_at": rfc3339(conversion.occurred_at)},
        **_state(conversion, rules, touches, credit),
        "rules": {
            "version": rules.version,
            "models": list(rules.models),
            "windows": list(rules.windows),
            "settings": rules.settings,
            "data_driven": None if rules.fit_id is None else await _fit(session, tenant_id, rules.fit_id),
        },
        "links": ways,
        "touches": [each for each in touches if each["counted"]],
        "left_out": [each for each in touches if not each["counted"]],
        "left_out_count": considered[0].left_out if considered else 0,
        "models": [
            _model(conversion, rules, name, place, credit, touches, labels.get(name))
            for place, name in enumerate(rules.models)
        ],
    }


async def _fit(session: AsyncSession, tenant_id: str, fit_id: str) -> dict[str, Any]:
    """The fit by whose effects data_driven shares: how it was made, and the effects themselves."""
    made = select(Fit.algorithm, Fit.chain_order).where(Fit.tenant_id == tenant_id, Fit.id == fit_id)
    algorithm, chain_order = (await session.execute(made)).one()
    effects = await effects_of(session, tenant_id, fit_id)
    return {
        "fit_id": fit_id,
        "algorithm": algorithm,
        "chain_order": chain_order,
        **msgspec.structs.asdict(effects),
    }


def _conversion(row: Row[Any], *, personal: bool) -> dict[str, Any]:
    names = ("id", "conversion_type", "status", "origin", "order_id", "lead_id", "sales_channel", "visitor_id",
             "session_id", "website_id", "is_revenue", "is_test", "consent", "stamp_method")  # fmt: skip
    return {
        **{name: getattr(row, name) for name in names},
        **({"person_id": row.person_id} if personal else {}),
        "occurred_at": rfc3339(row.occurred_at),
        "currency": row.currency,
        **_money(row.value, row.refunded, row.currency),
        "deleted_at": row.deleted_at and rfc3339(row.deleted_at),
    }


def _money(value: int, refunded: int, currency: str) -> dict[str, Any]:
    parts = {"value": value, "refunded": refunded, "net": value - refunded}
    return {key: each for name, part in parts.items() for key, each in
            ((name, to_major(part, currency)), (f"{name}_minor", part))}  # fmt: skip


def _way(conversion: Row[Any], edge: Row[Any], *, personal: bool) -> dict[str, Any]:
    """One edge that links a visitor to what the conversion is known by."""
    kind, _, rest = edge.identifier.partition(":")
    shown = {"hash": rest[:HASH_CHARS]} if kind != "person" else {"id": rest} if personal else {}
    reason = link_reason(conversion, edge)
    return {
        "visitor_id": edge.visitor_id,
        "identifier": {"kind": kind, **shown},
        "kind": edge.kind,
        "strength": "strong" if edge.strength == STRONG else "weak",
        "source": edge.source,
        "first_seen_at": rfc3339(edge.first_seen_at),
        "last_seen_at": rfc3339(edge.last_seen_at),
        "revoked_at": edge.revoked_at and rfc3339(edge.revoked_at),
        "counts": reason == "linked",
        "reason": reason,
        "meaning": meaning(reason),
    }


def _touch(
    conversion: Row[Any],
    opens: datetime | None,
    row: Row[Any],
    credit: Row[Any] | None,
    rules: Rules,
    links: Sequence[Row[Any]],
    ways: Sequence[dict[str, Any]],
    names: Mapping[str, str],
) -> dict[str, Any]:
    by, way = mine(conversion, row, links, ways)
    reason = touch_reason(conversion, opens, row, by, way)
    age = conversion.occurred_at - row.occurred_at
    return {
        **{name: getattr(row, name) for name in _SHOWN},
        "occurred_at": rfc3339(row.occurred_at),
        "age_hours": age.total_seconds() / 3600,
        "counted": credit is not None,
        "reason": reason,
        "meaning": meaning(reason),
        "position": credit.position if credit is not None else None,
        "linked_by": by,
        "link": way,
        "resolution": {name: getattr(row, name) for name in _RESOLVED}
        | {
            "campaign_name": names.get(row.ad_campaign_id or "") or row.campaign,
            "resolved_at": row.resolved_at and rfc3339(row.resolved_at),
        },
        "credit": [] if credit is None else _shares(credit, rules),
    }


def _shares(row: Row[Any], rules: Rules) -> list[dict[str, Any]]:
    """What each model gives a touch, in the order of the rule version's models."""
    return [
        {"model": model, "weight": weight, **_money(amount, refunded, row.currency)}
        for model, weight, amount, refunded in zip(rules.models, row.weights, row.amounts, row.refunds, strict=False)
    ]


def _state(
    conversion: Row[Any], rules: Rules, touches: Sequence[dict[str, Any]], credit: Sequence[Row[Any]]
) -> dict[str, Any]:
    """Whether the stored credit is that of now, and what is due if it is not."""
    due = conversion.attribution_version is None or conversion.attribution_version < rules.version
    stored = sum(row.amounts[0] for row in credit), sum(row.refunds[0] for row in credit)
    if conversion.deleted_at is not None:
        state = "deleted"
    elif not credit:
        state = "not_computed"
    else:
        behind = due or stored != (conversion.value, conversion.refunded)
        moved = any(each["reason"] in {"due", "withdrawn"} for each in touches)
        state = "due" if behind or moved else "computed"
    said = "due_anew" if state == "due" else state
    under = credit[0].rule_version if credit else None
    return {"state": state, "state_meaning": meaning(said), "computed_under": under}


def _model(
    conversion: Row[Any],
    rules: Rules,
    name: str,
    place: int,
    credit: Sequence[Row[Any]],
    touches: Sequence[dict[str, Any]],
    label: str | None,
) -> dict[str, Any]:
    """A model's share of the conversion that no touch has and why, which touches it passes over, and the sums."""
    counted = [each for each in touches if each["counted"]]
    direct = [bool(each["is_direct"]) for each in counted]
    if name in {"last_non_direct", DATA_DRIVEN}:
        taking = [place for place, plain in enumerate(direct) if not plain]
    elif name in _SHARED:
        taking = eligible(direct, rules.settings.direct)
    else:
        taking = list(range(len(counted)))
    rows = [row for row in credit if place < len(row.weights)]
    lost = next((row for row in rows if not row.touch_id), None)
    weight = lost.weights[place] if lost is not None else 0.0
    sums = sum(row.amounts[place] for row in rows), sum(row.refunds[place] for row in rows)
    reason = unattributed_reason(conversion, counted, touches) if weight > 0 else None
    return {
        "model": name,
        "label": label or name.replace("non_direct", "non-direct").replace("_", " ").capitalize(),
        "is_built_in": name in rules.models[: rules.built_in],
        "passed_over": [each["id"] for index, each in enumerate(counted) if index not in set(taking)],
        "unattributed": {
            "weight": weight,
            **_money(
                lost.amounts[place] if lost is not None else 0,
                lost.refunds[place] if lost is not None else 0,
                conversion.currency,
            ),
            "reason": reason,
            "meaning": meaning(reason) if reason else None,
        },
        "sum": _money(*sums, conversion.currency),
    }
