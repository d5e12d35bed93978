"""A conversion's credit over HTTP in any window, and the last touch that lists of conversions show beside each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.models import Credit, Touchpoint
from adplanning_plugin.attribution.repository import credit_of_conversions
from adplanning_plugin.attribution.rules import current_rules, model_position, parse_window
from adplanning_plugin.attribution.sections import credit_body
from adplanning_plugin.attribution.versions import of_active
from adplanning_plugin.kernel.errors import NotFound
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.links import Links, names_by_id
from adplanning_plugin.tracking import conversion_table as conversion

_LAST = "last_non_direct"
_MORE = ("landing_path", "referrer_host", "term", "content", "session_id", "ad_set_id", "ad_id", "confidence")


class CreditController(Controller):
    """Who is credited for a conversion."""

    path = "/conversions"
    tags = ("Attribution",)

    @get(
        "/{conversion_id:str}/credit",
        operation_id="getConversionCredit",
        summary="A conversion's credit by every model",
    )
    async def credit(
        self,
        call: NamedDependency[AdminCall],
        conversion_id: FromPath[str],
        window: Annotated[
            str | None, QueryParameter(description="Lookback window: days such as 30, or lifetime.")
        ] = None,
    ) -> dict[str, Any]:
        """Touches with what each model gives them, in one window; null where no credit was computed yet."""
        async with call.reading() as session:
            rules = await current_rules(session, call.tenant_id)
            days = parse_window(rules, window)
            await _refuse_unknown(session, call.tenant_id, conversion_id)
            rows = (await session.execute(credit_of_conversions(call.tenant_id, [conversion_id], days))).all()
            body = credit_body(rules, rows, days)
            if body is not None:
                touches = await _touches(session, call, rows)
                body["touches"] = [{**each, **touches.get(each["id"], {})} for each in body["touches"]]
        return {"credit": body}


async def _refuse_unknown(session: AsyncSession, tenant_id: str, conversion_id: str) -> None:
    c = conversion.c
    known = select(c.id).where(c.tenant_id == tenant_id, c.id == conversion_id, c.deleted_at.is_(None))
    if await session.scalar(known) is None:
        raise NotFound(f"There is no conversion {conversion_id}.")


async def _touches(session: AsyncSession, call: AdminCall, rows: Sequence[Row[Any]]) -> dict[str, dict[str, Any]]:
    """What else is known of the touches, and the names of their campaigns."""
    ids = [row.touch_id for row in rows if row.touch_id]
    more = (getattr(Touchpoint, name) for name in _MORE)
    statement = select(Touchpoint.id, Touchpoint.campaign, Touchpoint.ad_campaign_id, *more).where(
        Touchpoint.tenant_id == call.tenant_id, Touchpoint.id.in_(ids)
    )
    found = (await session.execute(statement)).all()
    campaigns = [row.ad_campaign_id for row in found]
    names = await names_by_id(session, call.runtime.get(Links), call.tenant_id, "ad_campaign", campaigns)
    return {
        row.id: {name: getattr(row, name) for name in _MORE}
        | {"campaign_name": names.get(row.ad_campaign_id or "") or row.campaign}
        for row in found
    }


async def last_touch_column(
    session: AsyncSession, tenant_id: str, conversion_id: ColumnElement[Any]
) -> ColumnElement[Any]:
    """jsonb of the touch that the last-non-direct model credits in the store's window; null where there is none."""
    rules = await current_rules(session, tenant_id)
    touch = func.jsonb_build_object(
        "source", Touchpoint.source, "medium", Touchpoint.medium, "campaign", Touchpoint.campaign,
        "channel", Touchpoint.channel,
    )  # fmt: skip
    return (
        select(touch)
        .join(Credit, (Credit.tenant_id == Touchpoint.tenant_id) & (Credit.touch_id == Touchpoint.id))
        .where(
            Credit.tenant_id == tenant_id,
            Touchpoint.tenant_id == tenant_id,
            Credit.conversion_id == conversion_id,
            Credit.window_days == rules.default_window_days,
            of_active(tenant_id),
            Credit.weights[model_position(rules, _LAST)] > 0,
        )
        .limit(1)
        .correlate(conversion)
        .scalar_subquery()
    )
