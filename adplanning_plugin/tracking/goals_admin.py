"""Goals over HTTP: thin routes; what a goal may be and what it finds is decided in `goals`."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import READ, AdminCall, scope
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.tracking import goals
from adplanning_plugin.tracking.filters import read_period
from adplanning_plugin.tracking.goal_conditions import GOAL_TYPES
from adplanning_plugin.tracking.goals import GoalIn, GoalUpdate, goal_out
from adplanning_plugin.tracking.models import Goal


class GoalController(Controller):
    """What a store counts as a conversion."""

    path = "/goals"
    tags = ("goals",)

    @get("/", operation_id="listGoals", summary="Goals")
    async def list_goals(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        goal_type: FromQuery[str | None] = None,
        is_active: FromQuery[bool | None] = None,
        from_date: FromQuery[str | None] = None,
        to_date: FromQuery[str | None] = None,
    ) -> Response[Any]:
        """Highest priority first, the order in which they take a hit; with what each counted in the period."""
        period = read_period(call, from_date, to_date)
        statement = select(Goal).where(Goal.tenant_id == call.tenant_id)
        if goal_type is not None:
            if goal_type not in GOAL_TYPES:
                message = f"goal_type must be one of {', '.join(GOAL_TYPES)}."
                raise Invalid(FieldError("goal_type", "unknown_goal_type", message))
            statement = statement.where(Goal.goal_type == goal_type)
        if is_active is not None:
            statement = statement.where(Goal.is_active.is_(is_active))
        sortable = {
            "priority": Goal.priority,
            "name": Goal.name,
            "goal_type": Goal.goal_type,
            "created_at": Goal.created_at,
            "updated_at": Goal.updated_at,
        }
        async with call.reading() as session:
            page = await paginate(
                session,
                statement,
                params,
                sortable=sortable,
                default="-priority",
                tiebreak=Goal.id.expression,
                search=[Goal.name.expression, Goal.description.expression],
            )
            ids = None if page.csv else [row[0].id for row in page.items]
            counted = await goals.hits_of(session, call.runtime, call.tenant_id, period, ids)

        def encode(row: Row[Any]) -> goals.GoalOut:
            return goal_out(row[0], call.tenant.currency, counted.get(row[0].id, goals.GoalHits()))

        return list_response(call, "goals", page, encode, columns=goals.GoalOut.__struct_fields__)

    @post("/", operation_id="createGoal", summary="Create a goal")
    async def create_goal(self, call: NamedDependency[AdminCall], data: JSONBody[GoalIn]) -> Response[Any]:
        """It counts what happens from now on; `preview` says what it would have found."""

        async def work(session: AsyncSession) -> dict[str, Any]:
            goal = await goals.create_goal(session, call.runtime, call.tenant_id, data)
            await call.audit(session, "goal.created", "goal", goal.id, {"goal_type": goal.goal_type})
            return {"goal": goal_out(goal, call.tenant.currency)}

        return await call.create(work, data)

    @post(
        "/preview",
        operation_id="previewGoal",
        summary="What a goal would have found",
        guards=[scope(READ)],
        status_code=200,
    )
    async def preview_new(
        self, call: NamedDependency[AdminCall], data: JSONBody[GoalIn], goal_id: FromQuery[str | None] = None
    ) -> dict[str, Any]:
        """The last 30 days, by the predicate and the priorities that count new hits. Stores nothing.

        `goal_id` names the goal that is being changed: as it is stored, it takes nothing from itself.
        """
        async with call.reading(heavy=True) as session:
            found = await goals.preview_goal(session, call.runtime, call.tenant_id, data, goal_id=goal_id)
        return {"preview": found}

    @get("/{goal_id:str}", operation_id="getGoal", summary="One goal")
    async def get_goal(
        self,
        call: NamedDependency[AdminCall],
        goal_id: FromPath[str],
        from_date: FromQuery[str | None] = None,
        to_date: FromQuery[str | None] = None,
    ) -> dict[str, Any]:
        """With its version, and what it counted in the period."""
        period = read_period(call, from_date, to_date)
        async with call.reading() as session:
            goal = await goals.get_goal(session, call.tenant_id, goal_id)
            counted = await goals.hits_of(session, call.runtime, call.tenant_id, period, [goal_id])
        return {"goal": goal_out(goal, call.tenant.currency, counted.get(goal_id, goals.GoalHits()))}

    @get("/{goal_id:str}/preview", operation_id="previewStoredGoal", summary="What this goal would have found")
    async def preview_stored(self, call: NamedDependency[AdminCall], goal_id: FromPath[str]) -> dict[str, Any]:
        """The last 30 days as if it had been active, by its present conditions."""
        async with call.reading(heavy=True) as session:
            goal = await goals.get_goal(session, call.tenant_id, goal_id)
            return {"preview": await goals.preview_goal(session, call.runtime, call.tenant_id, goal)}

    @put("/{goal_id:str}", operation_id="updateGoal", summary="Change a goal")
    async def update_goal(
        self, call: NamedDependency[AdminCall], goal_id: FromPath[str], data: JSONBody[GoalUpdate]
    ) -> dict[str, Any]:
        """A partial body with the version that was read; what it has counted stays."""
        async with call.transaction() as session:
            goal, changed = await goals.update_goal(session, call.runtime, call.tenant_id, goal_id, data)
            await call.audit(session, "goal.updated", "goal", goal_id, {"fields": changed})
            return {"goal": goal_out(goal, call.tenant.currency)}

    @delete("/{goal_id:str}", operation_id="deleteGoal", summary="Delete a goal", status_code=200)
    async def delete_goal(self, call: NamedDependency[AdminCall], goal_id: FromPath[str]) -> dict[str, Any]:
        """The conversions that it counted stay; to stop counting, switching it off is enough."""
        async with call.transaction() as session:
            kept = await goals.delete_goal(session, call.tenant_id, goal_id)
            await call.audit(session, "goal.deleted", "goal", goal_id, {"conversions_kept": kept})
        return {"id": goal_id, "object": "goal", "deleted": True}
