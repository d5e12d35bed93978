"""Spend and rates that people give: all rows or none, the last statement wins, and links win over both."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.insights.books import CSV, END, Shop, days, line

DAY = END - timedelta(days=5)
TEXT = {"content-type": "text/csv; charset=utf-8"}


def row(**more: Any) -> dict[str, Any]:
    usual = {"day": DAY.isoformat(), "platform": "tiktok", "ad_campaign_id": "t1", "spend": "12.50", "currency": "INR"}
    return {**usual, **more}


async def give(shop: Shop, *rows: dict[str, Any]) -> dict[str, Any]:
    answer = await shop.put("/ad-spend", {"ad_spend": list(rows)})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_given_spend_is_in_every_report_and_a_restatement_replaces_it(fresh: Shop) -> None:
    nowhere = {"linked": 0, "finer": 0}
    assert await give(fresh, row(clicks=5, impressions=100, campaign_name="Dance")) == {
        "received": 1, "changed": 1, "superseded": nowhere,
    }  # fmt: skip
    found = line((await fresh.get("/roi", **days(DAY)))["roi"], id="t1")
    assert (found["spend"], found["name"], found["platform"], found["cpc"], found["roas"]) == (
        "12.50", "Dance", "tiktok", "2.50", 0.0,
    )  # fmt: skip
    again = await give(fresh, row(clicks=5, impressions=100, campaign_name="Dance"))
    assert again["changed"] == 0
    await give(fresh, row(spend=20))
    assert line((await fresh.get("/roi", by="platform", **days(DAY)))["roi"], id="tiktok")["spend"] == "20.00"
    assert (await fresh.get("/ad-spend"))["count"] == 1


async def test_of_a_row_given_twice_in_one_body_the_last_counts(fresh: Shop) -> None:
    answer = await give(fresh, row(spend="1"), row(spend="2"), row(ad_campaign_id="t2"))
    assert (answer["received"], answer["changed"]) == (3, 2)
    assert (await fresh.get("/roi", **days(DAY)))["total"]["spend"] == "14.50"


async def test_a_linked_day_wins_over_a_given_one_and_the_answer_says_so(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha")
    await fresh.reported(8001, DAY, 10_000)
    other = (DAY + timedelta(days=1)).isoformat()
    answer = await give(
        fresh, row(ad_campaign_id="8001", spend="999"), row(ad_campaign_id="8001", day=other, spend="5")
    )
    assert answer["superseded"] == {"linked": 1, "finer": 0}
    assert (await fresh.get("/roi", **days(DAY)))["total"]["spend"] == "100.00"
    assert (await fresh.get("/roi", **days(DAY, DAY + timedelta(days=1))))["total"]["spend"] == "105.00"


async def test_rows_of_ads_win_over_the_row_of_their_campaign(fresh: Shop) -> None:
    await give(fresh, row(spend="100"))
    parts = [row(ad_set_id="s", ad_id="a1", spend="30"), row(ad_set_id="s", ad_id="a2", spend="60"), row(ad_set_id="s")]
    answer = await give(fresh, *parts)
    assert answer["superseded"]["finer"] == 1
    assert (await fresh.get("/roi", by="ad", **days(DAY)))["total"]["spend"] == "90.00"
    assert line((await fresh.get("/roi", by="ad_set", **days(DAY)))["roi"], id="s")["spend"] == "90.00"
    assert (await fresh.get("/roi", by="campaign", **days(DAY)))["total"]["spend"] == "90.00"


async def test_csv_is_taken_with_a_mark_crlf_quotes_and_empty_cells(fresh: Shop) -> None:
    body = "\ufeffday,platform,ad_campaign_id,campaign_name,spend,currency,clicks\r\n"
    body += f'{DAY},TikTok,t1,"Dance, ""two""",12.50,inr,\r\n\r\n{DAY},TikTok,t2,,7,INR,3\r\n'
    answer = await fresh.put("/ad-spend", content=body.encode(), headers=TEXT)
    assert answer.json() == {"received": 2, "changed": 2, "superseded": {"linked": 0, "finer": 0}}
    rows = (await fresh.get("/ad-spend", order="spend"))["ad_spend"]
    assert [(each["ad_campaign_id"], each["spend"], each["clicks"]) for each in rows] == [
        ("t2", "7.00", 3),
        ("t1", "12.50", None),
    ]
    assert rows[1]["campaign_name"] == 'Dance, "two"'


async def test_five_thousand_rows_are_taken_and_one_more_is_refused(fresh: Shop) -> None:
    rows = [row(ad_campaign_id=f"c{n}", spend="1") for n in range(5001)]
    assert (await give(fresh, *rows[:5000]))["changed"] == 5000
    assert (await fresh.get("/roi", by="platform", **days(DAY)))["total"]["spend"] == "5000.00"
    refused = await fresh.put("/ad-spend", {"ad_spend": rows})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["code"] == "row_count"


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"spend": "-1"}, "spend", "negative_money"),
        ({"spend": "1.005"}, "spend", "too_precise"),
        ({"spend": "92233720368547758.08"}, "spend", "too_large"),
        ({"spend": "NaN"}, "spend", "not_a_number"),
        ({"spend": None}, "spend", "wrong_type"),
        ({"currency": "XYZ"}, "currency", "unknown_currency"),
        ({"day": "2026-02-30"}, "day", "not_a_day"),
        ({"day": "1999-12-31"}, "day", "out_of_range"),
        ({"day": "2099-01-01"}, "day", "in_the_future"),
        ({"zone": "Mars/Olympus"}, "zone", "unknown_zone"),
        ({"clicks": -1}, "clicks", "out_of_range"),
        ({"clicks": 2**63}, "clicks", "out_of_range"),
        ({"clicks": "many"}, "clicks", "wrong_type"),
        ({"ad_campaign_id": " "}, "ad_campaign_id", "missing"),
        ({"ad_campaign_id": "x" * 201}, "ad_campaign_id", "too_long"),
        ({"platform_value": "-3"}, "platform_value", "negative_money"),
        ({"colour": "red"}, "colour", "unknown_field"),
    ],
    ids=str,
)
async def test_a_wrong_row_is_named_with_its_field_and_nothing_is_stored(
    khadi: Shop, wrong: dict[str, Any], field: str, code: str
) -> None:
    answer = await khadi.put("/ad-spend", {"ad_spend": [row(), {**row(), **wrong}]})
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == (f"ad_spend[1].{field}", code)
    assert error["message"].startswith("Row 2: ")
    assert (await khadi.get("/ad-spend"))["count"] == 0


async def test_a_missing_field_is_named_in_json_and_in_csv(khadi: Shop) -> None:
    lacking = {name: value for name, value in row().items() if name != "currency"}
    for answer in (
        await khadi.put("/ad-spend", {"ad_spend": [lacking]}),
        await khadi.put("/ad-spend", content=",".join(lacking) + "\n" + ",".join(lacking.values()), headers=TEXT),
    ):
        assert answer.status_code == 422
        assert [(each["field"], each["code"]) for each in answer.json()["errors"]] == [
            ("ad_spend[0].currency", "required")
        ]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"day,platform\n2026-01-01,x,too,many", 400),
        (b"day,day\n1,2", 400),
        (b'day\n"open', 400),
        (b"\xff\xfe\x00", 400),
        (b"", 422),
        (b"day,platform,ad_campaign_id,spend,currency\n", 422),
    ],
    ids=["too many cells", "a column twice", "an open quote", "no UTF-8", "empty", "header alone"],
)
async def test_a_file_that_is_no_table_is_refused_in_words(khadi: Shop, content: bytes, status: int) -> None:
    answer = await khadi.put("/ad-spend", content=content, headers=TEXT)
    assert answer.status_code == status, answer.text
    assert len(answer.json()["detail"]) > 20


async def test_json_that_is_no_list_of_rows_is_refused(khadi: Shop) -> None:
    for body, status in ((b"{", 400), (b"[]", 422), (b'"x"', 422), (b'{"ad_spend": {}}', 422), (b"[1]", 422)):
        answer = await khadi.put("/ad-spend", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == status, (body, answer.text)
    extra = await khadi.put("/ad-spend", {"ad_spend": [row()], "dry_run": True})
    assert extra.json()["errors"][0]["field"] == "dry_run"
    nul = await khadi.put("/ad-spend", {"ad_spend": [row(campaign_name="a\x00b")]})
    assert nul.status_code == 422
    assert (await khadi.get("/ad-spend"))["count"] == 0


async def test_what_is_exported_runs_as_no_formula(fresh: Shop) -> None:
    await give(fresh, row(campaign_name="=HYPERLINK(1)"), row(ad_campaign_id="+1", campaign_name="@x"))
    for path in ("/ad-spend", "/roi"):
        answer = await fresh.side.admin("GET", path, params=days(DAY), headers=CSV)
        cells = [cell for cells in csv.reader(io.StringIO(answer.text)) for cell in cells]
        assert "'=HYPERLINK(1)" in cells
        assert not [cell for cell in cells if cell[:1] in ("=", "@")]


async def test_given_spend_is_listed_filtered_and_of_one_shop_alone(fresh: Shop, fresh_berlin: Shop) -> None:
    later = (DAY + timedelta(days=1)).isoformat()
    await give(fresh, row(), row(day=later, platform="meta"), row(ad_campaign_id="t2"))
    assert (await fresh_berlin.get("/ad-spend"))["count"] == 0
    assert (await fresh_berlin.get("/roi", **days(DAY)))["total"]["spend"] == "0.00"
    assert (await fresh.get("/ad-spend", platform="Meta"))["count"] == 1
    assert (await fresh.get("/ad-spend", ad_campaign_id="t2"))["count"] == 1
    assert (await fresh.get("/ad-spend", from_date=later))["count"] == 1
    assert (await fresh.get("/ad-spend", to_date=DAY.isoformat()))["count"] == 2
    listed = (await fresh.get("/ad-spend", limit=1))["ad_spend"][0]
    assert (listed["day"], listed["spend"], listed["spend_minor"], listed["source"]) == (later, "12.50", 1250, "manual")
    seen = datetime.fromisoformat(listed["updated_at"])
    assert abs(datetime.now(UTC) - seen) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"rate": "0"}, "rate", "out_of_range"),
        ({"rate": "-2"}, "rate", "out_of_range"),
        ({"rate": "inf"}, "rate", "out_of_range"),
        ({"rate": "x"}, "rate", "out_of_range"),
        ({"base": "ABC"}, "base", "unknown_currency"),
        ({"quote": "usd"}, "quote", "same_currency"),
        ({"source": ""}, "source", "missing"),
        ({"day": "tomorrow"}, "day", "not_a_day"),
        ({"factor": 2}, "factor", "unknown_field"),
    ],
    ids=str,
)
async def test_a_wrong_rate_is_named_with_its_field_and_nothing_is_stored(
    khadi: Shop, wrong: dict[str, Any], field: str, code: str
) -> None:
    before = (await khadi.get("/exchange-rates"))["count"]
    good = {"day": DAY.isoformat(), "base": "USD", "quote": "CHF", "rate": "0.9", "source": "bank"}
    answer = await khadi.put("/exchange-rates", {"exchange_rates": [good, {**good, **wrong}]})
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == (f"exchange_rates[1].{field}", code)
    assert (await khadi.get("/exchange-rates"))["count"] == before


async def test_rates_are_taken_as_csv_listed_and_kept_per_shop(fresh: Shop, fresh_berlin: Shop) -> None:
    body = f"day,base,quote,rate,source\n{DAY},usd,inr,83.25,bank\n{DAY},EUR,INR,90,bank\n{DAY},EUR,INR,91,bank\n"
    answer = await fresh.put("/exchange-rates", content=body, headers=TEXT)
    assert answer.json() == {"received": 3, "changed": 2}
    assert (await fresh.put("/exchange-rates", content=body, headers=TEXT)).json() == {"received": 3, "changed": 0}
    rows = (await fresh.get("/exchange-rates", base="eur"))["exchange_rates"]
    assert [(each["base"], each["rate"], each["source"], each["version"]) for each in rows] == [
        ("EUR", "91", "bank", 1)
    ]
    await fresh.put("/exchange-rates", json={"day": DAY.isoformat(), "base": "EUR", "quote": "INR", "rate": "92"})
    [restated] = (await fresh.get("/exchange-rates", base="eur"))["exchange_rates"]
    assert (restated["rate"], restated["version"]) == ("92", 2)
    assert (await fresh_berlin.get("/exchange-rates"))["count"] == 0


async def test_a_deleted_rate_leaves_its_days_to_the_one_before_or_without_any(fresh: Shop) -> None:
    older = {"day": (DAY - timedelta(days=3)).isoformat(), "base": "EUR", "quote": "INR", "rate": "90"}
    newer = {**older, "day": DAY.isoformat(), "rate": "100"}
    assert (await fresh.put("/exchange-rates", {"exchange_rates": [older, newer]})).status_code == 200
    await give(fresh, row(spend="1", currency="EUR"))

    async def spent() -> Any:
        return (await fresh.get("/roi", **days(DAY)))["total"]["spend"]

    async def drop(**which: Any) -> tuple[int, str | None]:
        answer = await fresh.side.admin("DELETE", "/exchange-rates", params=which)
        return answer.status_code, answer.json().get("code")

    assert await spent() == "100.00"
    named = {"day": DAY.isoformat(), "base": "eur", "quote": "INR"}
    assert await drop(**named, version=7) == (409, "stale_version")
    assert await drop(**named, version=1) == (200, None)
    assert await spent() == "90.00"
    assert await drop(**named) == (404, "not_found")
    assert await drop(**{**named, "day": older["day"]}) == (200, None)
    assert await spent() is None


async def test_a_viewer_reads_spend_and_may_not_write_it(khadi: Shop) -> None:
    viewer = await khadi.side.login("viewer@example.com")
    async with khadi.side.client(viewer) as client:
        assert (await client.get("/admin/ad-planning/ad-spend")).status_code == 200
        assert (await client.put("/admin/ad-planning/ad-spend", json=row())).status_code == 403
        assert (await client.put("/admin/ad-planning/exchange-rates", json={})).status_code == 403


async def test_a_deleted_row_counts_nowhere_and_a_stale_version_deletes_nothing(fresh: Shop) -> None:
    await give(fresh, row(), row(ad_campaign_id="t2", spend="7"))
    await give(fresh, row(spend="20"))
    [restated] = [each for each in (await fresh.get("/ad-spend"))["ad_spend"] if each["ad_campaign_id"] == "t1"]
    assert restated["version"] == 2
    key = {"day": DAY.isoformat(), "platform": "TikTok", "ad_campaign_id": "t1"}
    stale = await fresh.side.admin("DELETE", "/ad-spend", params={**key, "version": 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    gone = await fresh.side.admin("DELETE", "/ad-spend", params={**key, "version": 2})
    assert (gone.status_code, gone.json()["deleted"]) == (200, True)
    assert (await fresh.get("/roi", **days(DAY)))["total"]["spend"] == "7.00"
    again = await fresh.side.admin("DELETE", "/ad-spend", params=key)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    [entry] = await fresh.store.rows(
        "SELECT object_id, changes FROM adplanning.audit_entry WHERE action = 'ad_spend.deleted'", fresh.side.tenant
    )
    assert (entry.object_id, entry.changes) == (
        "t1", {"day": DAY.isoformat(), "platform": "tiktok", "ad_campaign_id": "t1"},
    )  # fmt: skip


async def test_deleting_the_rows_of_ads_brings_the_row_of_their_campaign_back(fresh: Shop) -> None:
    await give(fresh, row(spend="100"), row(ad_set_id="s", ad_id="a1", spend="30"))
    assert (await fresh.get("/roi", **days(DAY)))["total"]["spend"] == "30.00"
    part = {"day": DAY.isoformat(), "platform": "tiktok", "ad_campaign_id": "t1", "ad_set_id": "s", "ad_id": "a1"}
    assert (await fresh.side.admin("DELETE", "/ad-spend", params=part)).status_code == 200
    assert (await fresh.get("/roi", **days(DAY)))["total"]["spend"] == "100.00"


async def test_what_a_link_provides_cannot_be_deleted_here(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha")
    await fresh.reported(8001, DAY, 10_000)
    key = {"day": DAY.isoformat(), "platform": "meta", "ad_campaign_id": "8001"}
    assert (await fresh.side.admin("DELETE", "/ad-spend", params=key)).status_code == 404
    assert (await fresh.get("/roi", **days(DAY)))["total"]["spend"] == "100.00"


@pytest.mark.parametrize("path", ["/roi", "/top-performers", "/trends", "/ad-spend", "/exchange-rates"])
async def test_an_empty_table_is_a_header_line_that_a_full_one_has_too(fresh: Shop, path: str) -> None:
    def header(text: str) -> list[str]:
        return next(csv.reader(io.StringIO(text)))

    query = {} if path in ("/ad-spend", "/exchange-rates") else days(DAY)
    empty = await fresh.side.admin("GET", path, params=query, headers=CSV)
    assert "text/csv" in empty.headers["content-type"]
    await give(fresh, row())
    rate = {"day": DAY.isoformat(), "base": "USD", "quote": "INR", "rate": "80"}
    assert (await fresh.put("/exchange-rates", {"exchange_rates": [rate]})).status_code == 200
    full = await fresh.side.admin("GET", path, params={**query, **({"metric": "spend"} if "top" in path else {})},
                                  headers=CSV)  # fmt: skip
    assert header(empty.text) == header(full.text)
    assert len(full.text.splitlines()) > 1
