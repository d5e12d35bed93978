"""What-if with another plugin's model: shared as it will be stored, and a model that does not fit is named."""

from typing import Any

import pytest

from adplanning_plugin.attribution import compute_credit
from adplanning_plugin.kernel.runtime import Runtime
from tests.attribution.conftest import DAY, NOON, Store, make_runtime
from tests.attribution.test_credit import Broken, Square, plugin_with

PERIOD = {"from_date": "2026-03-01", "to_date": "2026-03-01"}
MODEL = Square()


@pytest.fixture
def runtime(empty_database: Any) -> Runtime:
    return make_runtime(empty_database, plugin_with(MODEL))


async def bought(store: Store) -> None:
    await store.touch("touch_1", NOON - 20 * DAY)
    social = {"source": "facebook", "channel": "Paid Social", "platform": "meta"}
    await store.touch("touch_2", NOON - DAY, **social)
    await store.touch("touch_d", NOON - DAY / 2, visitor_id="vis_2", is_direct=True)
    await store.conversion("conv_1", value=101, visitor_id="vis_1", refunded=10)
    await store.conversion("conv_2", value=50, visitor_id="vis_2")
    await store.conversion("conv_3", value=70, visitor_id="vis_1", sales_channel="renewal")


async def test_what_another_plugins_model_is_foretold_to_share_is_what_reports_say_once_saved(
    store: Store, runtime: Runtime, admin: Any
) -> None:
    await bought(store)
    async with runtime.database.transaction("main") as session:
        await compute_credit(session, runtime, "main")
    settings = {"default_window_days": 7, "default_model": "square"}
    answer = await admin.post("/attribution/what-if", json={"settings": settings, "model": "square", **PERIOD})
    assert answer.status_code == 200, answer.text
    lines = answer.json()["what_if"]["channels"]

    def told(side: str) -> dict[str, tuple[int, int]]:
        sums = {line["key"] or line["kind"]: line[side] for line in lines}
        return {key: (each["value_minor"], each["net_minor"]) for key, each in sums.items() if each["value_minor"]}

    async def reported() -> dict[str, tuple[int, int]]:
        query = {**PERIOD, "group_by": "channel", "model": "square"}
        found = (await admin.get("/attribution/stats", params=query)).json()["stats"]
        return {line["key"] or line["kind"]: (line["value_minor"], line["net_minor"]) for line in found}

    assert told("before") == {
        "Paid Search": (20, 18), "Paid Social": (81, 73), "unattributed": (50, 50), "renewal": (70, 70)
    }  # fmt: skip
    assert await reported() == told("before")
    assert (await admin.put("/settings/attribution", json={"value": settings})).status_code == 200
    await store.work()
    assert await reported() == told("after")
    assert told("after") == {"Paid Social": (101, 91), "unattributed": (50, 50), "renewal": (70, 70)}


async def test_a_model_whose_weights_do_not_fit_is_named(
    store: Store, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bought(store)
    monkeypatch.setattr(MODEL, "weights", Broken().weights)
    body = {"settings": {"half_life_hours": 24, "default_model": "square"}, **PERIOD}
    refused = await admin.post("/attribution/what-if", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "model_does_not_fit")
    assert "'square' returned weights" in refused.text
