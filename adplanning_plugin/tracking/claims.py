"""Claims: what a storefront says was converted (`POST /track-conversion`). Nothing of it is trusted as money."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.money import check_currency, to_major, to_minor
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.tracking import repository
from adplanning_plugin.tracking.announce import announce
from adplanning_plugin.tracking.checks import check_properties, check_text, read_time
from adplanning_plugin.tracking.goal_hits import hit_values
from adplanning_plugin.tracking.goal_matching import choose_goal
from adplanning_plugin.tracking.goal_rules import GoalRule, active_rules, ensure_default_goals
from adplanning_plugin.tracking.goal_sources import one_row
from adplanning_plugin.tracking.schemas import UTM_NAMES, ClaimIn, Seen, Tracked

_UTM = tuple(f"utm_{name}" for name in UTM_NAMES)


async def track_conversion(
    session: AsyncSession, runtime: Runtime, tenant_id: str, claim: ClaimIn, seen: Seen
) -> Tracked:
    """Store a storefront's claim once, and say what became of it.

    A purchase, or a lead that names its record, is `pending` and worth nothing until the order or the lead itself
    confirms it. Any other type is `confirmed`, worth what the goal that it fulfils says: the claimed amount where the
    goal takes the value from the event, else the goal's default, else nothing. The claimed amount is kept in
    `properties.claimed_value`.

    Raises:
        Invalid: a field is wrong; nothing is stored.
    """
    values = _read(runtime, tenant_id, claim, seen)
    lead_id = claim.lead_id if claim.conversion_type == "lead_form_submission" else None
    order_id = claim.order_id if claim.conversion_type == "purchase" else None
    waits = claim.conversion_type == "purchase" or lead_id is not None
    if not waits:
        values |= await _worth(session, runtime, tenant_id, claim, seen, values)
    dedupe_key = None if claim.event_id is None else f"event:{claim.event_id}:{claim.conversion_type}"
    row = {
        "tenant_id": tenant_id,
        "id": new_id("conv"),
        "status": "pending" if waits else "confirmed",
        "origin": "tracker",
        "dedupe_key": dedupe_key,
        **{name: value for name, value in values.items() if name not in ("claimed", "claimed_currency")},
    }
    names = {"order_id": order_id, "lead_id": lead_id, "dedupe_key": dedupe_key}
    for _ in range(2):
        if (made := await repository.insert_once(session, row)) is not None:
            if not waits:
                await announce(session, runtime, tenant_id, created=[made])
            return Tracked(id=made, status=str(row["status"]), created=True)
        same = await repository.find_same(session, tenant_id, **names)
        if same is not None:
            return Tracked(id=same.id, status=same.status, created=False)
    message = "Whoever stored this claim before has taken it back: send it again."
    raise Invalid(FieldError("event_id", "in_flux", message))


def _read(runtime: Runtime, tenant_id: str, claim: ClaimIn, seen: Seen) -> dict[str, Any]:
    check_text({name: getattr(claim, name) for name in ("event_id", "order_id", "lead_id", *_UTM)})
    check_properties(claim.properties)
    claimed = claim.conversion_value if claim.conversion_value is not None else claim.value
    if (
        claim.conversion_value is not None
        and claim.value is not None
        and str(claim.conversion_value) != str(claim.value)
    ):
        raise Invalid(
            FieldError("value", "contradiction", "conversion_value and value are one field: send one of them.")
        )
    if claimed is not None and claim.currency is None:
        message = "currency is missing: an amount needs its ISO 4217 code, such as INR."
        raise Invalid(FieldError("currency", "missing", message))
    currency = runtime.tenant(tenant_id).currency if claim.currency is None else check_currency(claim.currency)
    minor = (
        None
        if claimed is None
        else to_minor(claimed, currency, "conversion_value" if claim.conversion_value is not None else "value")
    )
    kept = {**(claim.properties or {})}
    if minor is not None:
        kept |= {"claimed_value": to_major(minor, currency), "claimed_currency": currency}
    return {
        "conversion_type": claim.conversion_type,
        "occurred_at": read_time(claim.occurred_at),
        "value": 0,
        "currency": currency,
        "order_id": claim.order_id,
        "lead_id": claim.lead_id,
        "event_id": claim.event_id,
        "visitor_id": seen.visitor_id,
        "session_id": seen.session_id,
        "website_id": seen.website_id,
        "utm": dict(seen.utm) if seen.utm else None,
        "click_ids": dict(seen.click_ids) if seen.click_ids else None,
        "properties": kept or None,
        "claimed": minor,
        "claimed_currency": None if minor is None else currency,
    }


async def _worth(
    session: AsyncSession, runtime: Runtime, tenant_id: str, claim: ClaimIn, seen: Seen, values: dict[str, Any]
) -> dict[str, Any]:
    """Goal, value and currency of a claim, by the predicate that tracked events are matched with."""
    await ensure_default_goals(session, tenant_id)
    rules: list[GoalRule] = await active_rules(
        session, runtime, tenant_id, ledger=False, conversion_type=claim.conversion_type
    )
    if not rules:
        return {}
    source = one_row(
        {
            "event_name": claim.conversion_type,
            "path": seen.path,
            "url": seen.url,
            "website_id": seen.website_id,
            "value": values["claimed"],
            "currency": values["claimed_currency"],
            "seconds": _whole(claim, "seconds"),
            "scroll": _whole(claim, "scroll"),
            "utm": values["utm"],
            "properties": claim.properties,
        }
    )
    worth = hit_values(rules, source.columns)
    found = (
        await session.execute(
            select(
                choose_goal(rules, source.columns).label("goal_id"),
                worth["value"].label("value"),
                worth["currency"].label("currency"),
            ).select_from(source.rows)
        )
    ).one()
    if found.goal_id is None:
        return {}
    return {"goal_id": found.goal_id, "value": found.value, "currency": found.currency}


def _whole(claim: ClaimIn, name: str) -> int | None:
    value = (claim.properties or {}).get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 32_768 else None
