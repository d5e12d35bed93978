"""Disagreement: every model's figures are those of ROI, and a decision that depends on the model says so."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, time, timedelta
from itertools import combinations

import pytest

from tests.insights.books import CSV, END, Shop, days, line

PATH = "/attribution/disagreement"
QUARTER = days(END - timedelta(days=89), END)
LAST = END - timedelta(days=3)
MONTH = days(LAST - timedelta(days=29), LAST)


def noon(back: int) -> datetime:
    return datetime.combine(LAST - timedelta(days=back), time(6, 30), UTC)  # midday in Kolkata


@pytest.mark.parametrize("by", ["campaign", "channel", "platform"])
async def test_each_models_figures_are_those_of_roi_in_the_stores_currency(shops: tuple[Shop, Shop], by: str) -> None:
    for shop in shops:
        found = await shop.get(PATH, group_by=by, window="7", **QUARTER)
        lines = found["disagreement"]
        assert len(lines) > 1
        for place, model in enumerate(found["models"]):
            roi = await shop.get("/roi", by=by, model=model, window="7", **QUARTER)
            theirs = {each["id"]: each for each in roi["roi"] if each["kind"] == "touch" and each["id"]}
            assert {each["id"] for each in lines} >= set(theirs)
            for each in lines:
                said = each["models"][place]
                same = theirs.get(each["id"], {"revenue_minor": 0, "roas": None, "spend_minor": 0, "orders": 0})
                assert said["model"] == model
                assert abs(said["revenue_minor"] - same["revenue_minor"]) <= 1
                assert said["orders"] == pytest.approx(same["orders"], abs=0.001)
                if each["id"] in theirs:
                    assert each["spend_minor"] == same["spend_minor"]
                    assert (said["roas"] is None) == (same["roas"] is None)
            unattributed = [each for each in roi["roi"] if each["kind"] == "unattributed"]
            theirs_lost = unattributed[0]["revenue_minor"] if unattributed else 0
            assert abs(found["unattributed"][place]["revenue_minor"] - theirs_lost) <= 1
        assert (found["rates"], found["missing_rates"]) == (roi["rates"], roi["missing_rates"])
        ordered = [each["spend_minor"] or 0 for each in lines]
        assert ordered == sorted(ordered, reverse=True)


async def test_ranks_are_places_by_revenue_and_pairs_of_models_have_their_correlation(khadi: Shop) -> None:
    found = await khadi.get(PATH, **QUARTER)
    for place in range(len(found["models"])):
        said = [each["models"][place] for each in found["disagreement"]]
        for one in said:
            better = sum(other["revenue_minor"] > one["revenue_minor"] for other in said)
            assert one["rank"] == better + 1
    for each in found["disagreement"]:
        ranks = [said["rank"] for said in each["models"]]
        assert (each["best_rank"], each["worst_rank"]) == (min(ranks), max(ranks))
        assert each["rank_spread"] == max(ranks) - min(ranks)
    assert [tuple(pair["models"]) for pair in found["agreement"]] == list(combinations(found["models"], 2))
    assert all(-1 <= pair["rank_correlation"] <= 1 for pair in found["agreement"])


async def test_a_budget_that_one_model_would_raise_and_another_cut_is_told(fresh: Shop) -> None:
    await fresh.campaign(1, "Opener")
    await fresh.campaign(2, "Closer")
    await fresh.campaign(3, "Idle")
    for campaign in (1, 2, 3):
        await fresh.reported(campaign, LAST - timedelta(days=5), 100_000)
    # Opener is always first and Closer last: 3,000.00 came back for each 1,000.00, or nothing.
    for number in range(3):
        visitor = f"visitor-{number}"
        await fresh.visit(
            noon(4) + timedelta(minutes=number), visitor, "utm_source=facebook&utm_campaign=Opener&utm_id=x1"
        )
        session = await fresh.visit(
            noon(2) + timedelta(minutes=number), visitor, "utm_source=facebook&utm_campaign=Closer&utm_id=x2"
        )
        await fresh.order(noon(2) + timedelta(minutes=number + 4), "1000.00", session=session)
    await fresh.settle()
    found = await fresh.get(PATH, **MONTH)
    opener, closer, idle = (line(found["disagreement"], id=str(number)) for number in (1, 2, 3))

    def said(row: dict[str, object], model: str) -> tuple[object, ...]:
        one = line(row["models"], model=model)  # type: ignore[arg-type]
        return one["revenue"], one["roas"], one["decision"]

    assert said(opener, "first_click") == ("3000.00", 3.0, "increase")
    assert said(opener, "last_click") == ("0.00", 0.0, "cut")
    assert said(closer, "last_click") == ("3000.00", 3.0, "increase")
    assert said(opener, "linear") == ("1500.00", 1.5, "increase")
    assert (opener["decisions"], opener["decision_changes"]) == (["cut", "increase"], True)
    assert (idle["decisions"], idle["decision_changes"], idle["highest_revenue"]) == (["cut"], False, "0.00")
    assert (found["decided"], found["changing"], found["changing_spend"]) == (3, 2, "2000.00")
    assert found["decision"]["increase_from"] == 1.2

    strict = await fresh.get(PATH, target=1.6, **MONTH)
    assert said(line(strict["disagreement"], id="1"), "linear") == ("1500.00", 1.5, "keep")
    both = {tuple(pair["models"]): pair["rank_correlation"] for pair in found["agreement"]}
    assert both["last_click", "first_click"] == pytest.approx(-0.5)

    answer = await fresh.side.admin("GET", PATH, params=MONTH, headers=CSV)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert line(rows, id="1")["decisions"] == "cut or increase"
    assert line(rows, id="1")["last_click_decision"] == "cut"


async def test_money_without_a_rate_is_unknown_and_never_added(fresh_berlin: Shop) -> None:
    await fresh_berlin.campaign(1, "Dollars", currency="USD")
    await fresh_berlin.reported(1, LAST, 50_000)
    await fresh_berlin.settle()
    found = await fresh_berlin.get(PATH, **MONTH)
    row = line(found["disagreement"], id="1")
    assert (row["spend"], row["decisions"], found["missing_rates"]) == (None, [], ["USD"])
    assert {said["roas"] for said in row["models"]} == {None}


async def test_a_target_that_is_none_is_refused(khadi: Shop) -> None:
    for target in ("0", "-1", "1001", "much"):
        answer = await khadi.ask(PATH, target=target)
        assert answer.status_code == 422
        assert [each["field"] for each in answer.json()["errors"]] == ["target"]
