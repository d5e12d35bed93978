"""Questions that make no sense are refused with the field and the fix; what is not asked has a stated default."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.insights.books import END, Shop, days

REPORTS = (
    "/dashboard",
    "/dashboard/overview",
    "/roi",
    "/top-performers",
    "/trends",
    "/metrics",
    "/coverage",
    "/coverage/orders",
)


@pytest.mark.parametrize("path", REPORTS)
@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ({"from_date": "yesterday"}, "from_date", "not_a_day"),
        ({"to_date": "2026-02-30"}, "to_date", "not_a_day"),
        ({"to_date": "20260207"}, "to_date", "not_a_day"),
        ({"from_date": ""}, "from_date", "not_a_day"),
        ({"from_date": "0001-01-01", "to_date": "0001-01-02"}, "from_date", "out_of_range"),
        ({"from_date": "9999-12-30", "to_date": "9999-12-31"}, "to_date", "out_of_range"),
        ({"from_date": "2026-03-02", "to_date": "2026-03-01"}, "from_date", "after_end"),
        ({"from_date": "2020-01-01", "to_date": "2026-01-01"}, "from_date", "too_long"),
        ({"since": "2026-01-01"}, "since", "unknown_parameter"),
    ],
    ids=str,
)
async def test_a_wrong_period_or_an_unknown_parameter_is_named(
    khadi: Shop, path: str, query: dict[str, str], field: str, code: str
) -> None:
    answer = await khadi.ask(path, **query)
    assert answer.status_code == 422, answer.text
    fields = {each["field"]: each["code"] for each in answer.json()["errors"]}
    assert field in fields
    if code != "unknown_parameter":
        assert fields[field] == code


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/roi", {"model": "magic"}, "model"),
        ("/roi", {"window": "31"}, "window"),
        ("/roi", {"window": "-1"}, "window"),
        ("/roi", {"by": "colour"}, "by"),
        ("/roi", {"basis": "gut"}, "basis"),
        ("/roi", {"compare": "next"}, "compare"),
        ("/top-performers", {"metric": "beauty"}, "metric"),
        ("/top-performers", {"limit": "0"}, "limit"),
        ("/top-performers", {"limit": "51"}, "limit"),
        ("/top-performers", {"limit": "five"}, "limit"),
        ("/trends", {"group_by": "hour"}, "group_by"),
        ("/coverage/orders", {"cause": "bad_luck"}, "cause"),
        ("/coverage/orders", {"order": "beauty"}, "order"),
        ("/ad-spend", {"from_date": "soon"}, "from_date"),
        ("/exchange-rates", {"base": "RUPEE"}, "base"),
    ],
    ids=str,
)
async def test_an_unknown_choice_is_refused_and_named(
    khadi: Shop, path: str, query: dict[str, str], field: str
) -> None:
    answer = await khadi.ask(path, **query)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert field in error["message"]


async def test_without_dates_the_last_30_local_days_are_meant(khadi: Shop) -> None:
    answer = await khadi.get("/roi")
    today = datetime.now(UTC).astimezone(ZoneInfo("Asia/Kolkata")).date()
    asked: dict[str, Any] = answer["period"]
    assert asked == {
        "from_date": (today - timedelta(days=29)).isoformat(), "to_date": today.isoformat(), "zone": "Asia/Kolkata",
    }  # fmt: skip
    only_end = await khadi.get("/roi", to_date=END.isoformat())
    assert only_end["period"]["from_date"] == (END - timedelta(days=29)).isoformat()


async def test_aliases_of_models_and_windows_are_the_same_report(khadi: Shop) -> None:
    period = days(END - timedelta(days=29), END)
    for one, other in (({"model": "last_click"}, {"model": "last_touch"}), ({"window": "30"}, {"window": "30d"})):
        assert (await khadi.get("/roi", **one, **period)) == (await khadi.get("/roi", **other, **period))


async def test_model_and_window_are_the_shops_own_settings_where_none_is_named(fresh: Shop) -> None:
    setting = (await fresh.get("/settings/attribution"))["setting"]
    wanted = {"default_model": "first_click", "default_window_days": 7}
    saved = await fresh.put("/settings/attribution", {"value": wanted, "version": setting["version"]})
    assert saved.status_code == 200, saved.text
    answer = await fresh.get("/roi")
    assert (answer["model"], answer["window_days"]) == ("first_click", 7)


async def test_only_those_who_may_read_are_answered(khadi: Shop) -> None:
    async with khadi.side.client("") as nobody:
        for path in REPORTS:
            assert (await nobody.get(f"/admin/ad-planning{path}")).status_code == 401
