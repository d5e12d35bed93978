"""Names of those who decided something, as the host calls them: asked for when a page shows them, and kept nowhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, cast

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.http import AdminCall

MOST = 100
Namer = Callable[[str, Sequence[str]], Awaitable[Mapping[str, str]]]


class ActorController(Controller):
    """Who stands behind the ids that decisions, rule versions, fits, links and erasures carry."""

    path = "/actors"
    tags = ("admin",)

    @get(operation_id="nameActors", summary="Names of the people whose ids stand in decisions")
    async def actors(
        self,
        call: NamedDependency[AdminCall],
        ids: Annotated[str, QueryParameter(min_length=1, max_length=5_000, description="Up to 100, a comma between.")],
    ) -> dict[str, Any]:
        """In the order asked; the id itself where the host gives no name, as of somebody who left or a machine."""
        wanted = list(dict.fromkeys(each.strip() for each in ids.split(",") if each.strip()))
        if not 0 < len(wanted) <= MOST:
            raise Invalid(FieldError("ids", "out_of_range", f"ids must name between one and {MOST} actors."))
        namer = cast("Namer | None", call.runtime.hooks.hook.name_actors())
        names: Mapping[str, str] = {} if namer is None else await namer(call.tenant_id, wanted)
        return {"actors": [{"id": each, "name": names.get(each) or each} for each in wanted]}
