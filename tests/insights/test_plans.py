"""Plans: a report or list is planned for the period it is asked for, however often it was asked before."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.insights.books import Shop


@pytest.mark.parametrize("heavy", [True, False], ids=["report", "list"])
async def test_what_is_asked_often_never_runs_by_a_plan_for_any_period(fresh: Shop, *, heavy: bool) -> None:
    database = fresh.store.runtime.database
    async with database.reading(fresh.side.tenant, heavy=heavy) as session:
        for _ in range(8):
            await session.execute(
                text("SELECT count(*) AS planned_each_time FROM adplanning.conversion WHERE id = :id"), {"id": ""}
            )
        used = (
            "SELECT sum(generic_plans)::int, sum(custom_plans)::int FROM pg_prepared_statements"
            " WHERE statement LIKE 'SELECT count(*) AS planned_each_time%'"
        )
        generic, custom = (await session.execute(text(used))).one()
    assert generic == 0
    assert custom == 8
    async with database.transaction(fresh.side.tenant) as session:
        kept = (await session.execute(text("SHOW plan_cache_mode"))).scalar_one()
    assert kept == "auto", "short statements keep the plans that they share"
