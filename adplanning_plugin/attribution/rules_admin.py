"""Rule versions over HTTP: what held when, what is being built, taking an earlier one again, and what would change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.lines import asked_period
from adplanning_plugin.attribution.rule_rows import building_progress, restore, rule_out, rule_rows
from adplanning_plugin.attribution.rules import canonical_model, hook_models, parse_window, rule_state, rules_if
from adplanning_plugin.attribution.settings import AttributionSettings
from adplanning_plugin.attribution.what_if import MOST_CONVERSIONS, MOST_LINES, Answer, Asked, Key, Sides, most_changed
from adplanning_plugin.attribution.what_if import what_if as compute_what_if
from adplanning_plugin.kernel import settings as kernel_settings
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid, NotFound
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import MANAGE, AdminCall, scope
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.kernel.sentences import body_errors
from adplanning_plugin.links import Links, names_by_id


class WhatIf(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Settings that might be saved, and the conversions to try them on."""

    settings: dict[str, Any]
    """Fields of the section `attribution`; those left out stay as they are saved."""
    from_date: Annotated[str, msgspec.Meta(max_length=64)]
    to_date: Annotated[str, msgspec.Meta(max_length=64)]
    model: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    """Null: the default model of each side."""
    window: Annotated[str, msgspec.Meta(max_length=16)] | None = None
    """Days such as 30, or lifetime; null: the default window of each side."""


class RulesController(Controller):
    """What credit is computed by."""

    path = "/attribution"
    tags = ("Attribution",)

    @get(
        "/rules", operation_id="listRuleVersions", summary="Rule versions: settings, who, when, and what is being built"
    )
    async def rules(self, call: NamedDependency[AdminCall], params: NamedDependency[ListParams]) -> Response[Any]:
        """Newest first. Reports read the active one; `building` is null where none is being built beside it."""
        rows = rule_rows(call.tenant_id)
        async with call.reading() as session:
            building = await building_progress(session, call.tenant_id)
            page = await paginate(
                session,
                select(rows),
                params,
                sortable={"version": rows.c.version, "created_at": rows.c.created_at},
                default="-version",
                tiebreak=rows.c.version,
            )
        answer = list_response(call, "rules", page, rule_out)
        return answer if page.csv else Response({**answer.content, "building": building})

    @post(
        "/rules/{version:str}/restore",
        operation_id="restoreRuleVersion",
        summary="Take the settings of an earlier version again",
        guards=[scope(MANAGE)],
        status_code=202,
    )
    async def restore(self, call: NamedDependency[AdminCall], version: FromPath[str]) -> dict[str, Any]:
        """Answers at once: they become a version of their own, built beside the active one before it counts."""
        if not (version.isascii() and version.isdigit() and len(version) < 10):
            raise NotFound(f"There is no rule version {version!r}.")
        async with call.transaction() as session:
            made = await restore(session, call.runtime, call.tenant_id, int(version))
            changes = {"restored_from": int(version)}
            await call.audit(session, "attribution.rules_restored", "rule_version", str(made), changes)
            rows = rule_rows(call.tenant_id)
            row = (await session.execute(select(rows).where(rows.c.version == made))).one()
            return {"rule": rule_out(row), "building": await building_progress(session, call.tenant_id)}

    @post(
        "/what-if",
        operation_id="whatIfAttribution",
        summary="What other settings would change, campaign by campaign",
        status_code=200,
    )
    async def what_if(self, call: NamedDependency[AdminCall], data: JSONBody[WhatIf]) -> dict[str, Any]:
        """Computed over the period's conversions by both; nothing is saved."""
        start, end = asked_period(data.from_date, data.to_date, call.tenant.zone)
        if start is None or end is None:
            raise Invalid(FieldError("from_date", "required", "from_date and to_date name the days to try it on."))
        async with call.transaction() as session:
            asked, changed = await _asked(session, call, data, start, end)
            answer = await compute_what_if(session, asked, hook_models(call.runtime))
            ids = [key for (_, key, _), sides in answer.campaigns.items() if sides.is_campaign]
            names = await names_by_id(session, call.runtime.get(Links), call.tenant_id, "ad_campaign", ids)
        return {"what_if": _out(data, asked, changed, answer, names, call.tenant.zone)}


async def _asked(
    session: AsyncSession, call: AdminCall, data: WhatIf, start: datetime, end: datetime
) -> tuple[Asked, list[str]]:
    """The question, and which settings it changes."""
    state = await rule_state(session, call.tenant_id)
    saved, _ = await kernel_settings.load(session, call.tenant_id, AttributionSettings)
    wanted = {**msgspec.to_builtins(saved), **data.settings}
    if errors := body_errors(AttributionSettings, wanted):
        raise Invalid(*errors)
    settings = msgspec.convert(wanted, AttributionSettings, strict=False)
    after, before = rules_if(state, call.runtime, settings), state.active

    def both(name: str | None, window: str | None) -> tuple[tuple[str, int], ...]:
        sides = (before, after)
        return tuple((canonical_model(name or rules.default_model), parse_window(rules, window)) for rules in sides)

    (model, days), (later_model, later_days) = both(data.model, data.window)
    changed = [name for name in settings.__struct_fields__ if getattr(settings, name) != getattr(before.settings, name)]
    asked = Asked(
        tenant_id=call.tenant_id,
        start=start,
        end=end,
        before=before,
        after=after,
        model=(model, later_model),
        window_days=(days, later_days),
    )
    return asked, changed


def _out(
    data: WhatIf, asked: Asked, changed: Sequence[str], answer: Answer, names: dict[str, str], zone: str
) -> dict[str, Any]:
    return {
        "from_date": data.from_date,
        "to_date": data.to_date,
        "zone": zone,
        "model": {"before": asked.model[0], "after": asked.model[1]},
        "window_days": {"before": asked.window_days[0], "after": asked.window_days[1]},
        "rule_version": asked.before.version,
        "changed_settings": list(changed),
        "conversions": answer.conversions,
        "conversions_of_period": answer.conversions_of_period,
        "is_complete": answer.covers_from is None,
        "covers_from": answer.covers_from and rfc3339(answer.covers_from),
        "limits": {"conversions": MOST_CONVERSIONS, "lines": MOST_LINES},
        "touches_read_otherwise": answer.touches_read_otherwise,
        "touches_excluded": answer.touches_excluded,
        "warnings": answer.warnings,
        "campaigns": [_line(key, sides, names) for key, sides in most_changed(answer.campaigns)],
        "channels": [_line(key, sides, {}) for key, sides in most_changed(answer.channels)],
        "lines_left_out": max(len(answer.campaigns) - MOST_LINES, 0),
    }


def _line(key: Key, sides: Sides, names: dict[str, str]) -> dict[str, Any]:
    kind, name, currency = key
    change = [after - before for before, after in zip(sides.before, sides.after, strict=True)]
    return {
        "key": name,
        "name": names.get(name or "", name),
        "kind": kind,
        "ad_campaign_id": name if sides.is_campaign else None,
        "currency": currency,
        "before": _side(sides.before, currency),
        "after": _side(sides.after, currency),
        "change": _side(change, currency),
    }


def _side(sums: Sequence[float | int], currency: str) -> dict[str, Any]:
    weight, value, refunded = sums
    net = int(value - refunded)
    return {
        "conversions": round(float(weight), 6),
        "value": to_major(int(value), currency),
        "value_minor": int(value),
        "net": to_major(net, currency),
        "net_minor": net,
    }
