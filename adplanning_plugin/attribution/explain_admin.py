"""Explanations over HTTP: a conversion's credit, touch by touch."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from adplanning_plugin.attribution.explain import explain_conversion
from adplanning_plugin.kernel.http import PII, AdminCall

Window = Annotated[str | None, QueryParameter(description="Lookback window: days such as 30, or lifetime.")]


class ExplainController(Controller):
    """Why a figure is what it is."""

    path = "/attribution"
    tags = ("Attribution",)

    @get(
        "/explain/{conversion_id:str}",
        operation_id="explainConversionCredit",
        summary="Every touch considered for a conversion's credit, in or out and why",
    )
    async def explain(
        self, call: NamedDependency[AdminCall], conversion_id: FromPath[str], window: Window = None
    ) -> dict[str, Any]:
        """With the rules, the links, the weights and the money: enough to compute the stored credit once more."""
        async with call.reading() as session:
            return {
                "explanation": await explain_conversion(
                    session, call.runtime, call.tenant_id, conversion_id, window, personal=call.allows(PII)
                )
            }
