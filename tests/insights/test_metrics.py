"""The metrics view: sections come from their domains, say what the host's tables say, and fail one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text

from adplanning_plugin import hookimpl
from adplanning_plugin.hookspecs import MetricsQuery, Section
from adplanning_plugin.kernel.errors import Unavailable
from tests.insights.books import END, FIRST, Shop, days

YEAR = days(FIRST, END)
OWN = ("kpis", "ad_performance", "social_content", "lead_pipeline", "conversions", "customer_funnel", "attribution")
IN_YEAR = """ AND {at} >= (CAST(:first AS timestamp) AT TIME ZONE :zone)
 AND {at} < (CAST(:last AS timestamp) + interval '1 day') AT TIME ZONE :zone"""


async def sections(shop: Shop) -> dict[str, Any]:
    found = (await shop.get("/metrics", **YEAR))["metrics"]
    return {section["key"]: section["data"] for section in found["sections"]}


def year_of(shop: Shop) -> dict[str, Any]:
    return {"shop": shop.number, "first": FIRST, "last": END, "zone": shop.tenant.zone}


async def test_every_domain_shows_its_sections_in_order(khadi: Shop) -> None:
    found = (await khadi.get("/metrics", **YEAR))["metrics"]
    assert [section["key"] for section in found["sections"]][: len(OWN)] == list(OWN)
    assert all(section["title"] for section in found["sections"])
    assert found["failed"] == []


async def test_kpis_are_the_overviews_with_the_posts_that_are_out(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        kpis = (await sections(shop))["kpis"]
        overview = (await shop.get("/dashboard/overview", **YEAR))["overview"]
        assert {name: kpis[name] for name in overview["kpis"]} == overview["kpis"]
        ((posted,),) = await shop.sql(
            "SELECT count(*) FROM store.social_posts WHERE shop_no = :shop AND state = 'posted'"
            " AND posted_at < (CAST(:last AS timestamp) + interval '1 day') AT TIME ZONE :zone",
            **{name: value for name, value in year_of(shop).items() if name != "first"},
        )
        assert kpis["social_posts"] == posted


async def test_ad_performance_lists_the_three_campaigns_that_cost_most(khadi: Shop) -> None:
    ads = (await sections(khadi))["ad_performance"]
    own = await khadi.spend(FIRST, END)
    dearest = sorted(own, key=lambda campaign: -own[campaign])[:3]
    assert [row["id"] for row in ads["top_campaigns"]] == dearest
    ((impressions, clicks),) = await khadi.sql(
        "SELECT sum(impressions)::bigint, sum(clicks)::bigint FROM store.ad_daily"
        " WHERE shop_no = :shop AND day BETWEEN :first AND :last",
        shop=khadi.number, first=FIRST, last=END,
    )  # fmt: skip
    assert (ads["impressions"], ads["clicks"]) == (impressions, clicks)
    assert ads["ctr"] == round(clicks / impressions, 4)


async def test_social_content_counts_posts_by_status_and_shows_the_latest(khadi: Shop) -> None:
    social = (await sections(khadi))["social_content"]
    rows = await khadi.sql(
        "SELECT state, count(*) AS n FROM store.social_posts WHERE shop_no = :shop GROUP BY state", shop=khadi.number
    )
    assert {state: n for state, n in social["by_status"].items() if n} == {row.state: row.n for row in rows}
    assert len(social["recent"]) == 5
    assert all(post["caption"] and post["posted_at"] for post in social["recent"])
    assert [post["posted_at"] for post in social["recent"]] == sorted(
        (post["posted_at"] for post in social["recent"]), reverse=True
    )


async def test_the_lead_pipeline_counts_the_stores_enquiries(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        pipeline = (await sections(shop))["lead_pipeline"]
        rows = await shop.sql(
            "SELECT stage, count(*) AS n FROM store.enquiries WHERE shop_no = :shop"
            + IN_YEAR.format(at="created_at")
            + " GROUP BY stage",
            **year_of(shop),
        )
        own = {row.stage: row.n for row in rows}
        assert {each["status"]: each["leads"] for each in pipeline["by_status"] if each["leads"]} == own
        assert pipeline["total"] == sum(own.values())
        assert abs(sum(each["share"] for each in pipeline["by_status"]) - 1) < 0.001
        leads = [each["leads"] for each in pipeline["top_campaigns"]]
        assert leads == sorted(leads, reverse=True)
        named = await shop.sql(
            "SELECT campaign_no::text AS id, count(*) AS n FROM store.enquiries WHERE shop_no = :shop"
            " AND campaign_no IS NOT NULL" + IN_YEAR.format(at="created_at") + " GROUP BY 1",
            **year_of(shop),
        )
        found = {each["ad_campaign_id"]: each["leads"] for each in pipeline["top_campaigns"]}
        assert all(found.get(row.id, max(leads)) >= row.n for row in named), "the host's own campaign counts"


async def test_conversions_are_broken_down_as_their_list_counts_them(khadi: Shop) -> None:
    broken = (await sections(khadi))["conversions"]
    names = {"purchases": "purchase", "lead_forms": "lead_form_submission"}
    names |= {name: name for name in ("add_to_cart", "begin_checkout")}
    stats = await khadi.get("/conversions/stats", **YEAR)
    by_type = stats.get("stats", stats)["by_type"]
    for name, kind in names.items():
        assert broken[name] == by_type.get(kind, {"total_conversions": 0})["total_conversions"], name
    assert broken["purchases"] == (await khadi.revenue(FIRST, END))[2]
    assert broken["total"] == sum(each["conversions"] for each in broken["by_type"])


async def test_attribution_counts_touches_by_source(khadi: Shop) -> None:
    found = (await sections(khadi))["attribution"]
    rows = await khadi.sql(
        "SELECT source, count(*) AS n FROM adplanning.touchpoint WHERE tenant_id = :shop_id"
        + IN_YEAR.format(at="occurred_at")
        + " GROUP BY source",
        **{name: value for name, value in year_of(khadi).items() if name != "shop"},
        shop_id=khadi.side.tenant,
    )
    assert {each["source"]: each["attributions"] for each in found["by_source"]} == {row.source: row.n for row in rows}
    assert found["attributions"] == sum(row.n for row in rows)
    assert 0 < found["converted"] < found["attributions"]
    assert found["conversion_rate"] == round(found["converted"] / found["attributions"], 4)
    credited = (await khadi.get("/attribution/stats", group_by="source", **YEAR))["total"]
    assert found["conversions"] <= credited["conversions"] + 0.5


class Neighbours:
    """Sections of somebody else: one breaks its transaction, one refuses, one has nothing, one needs more rights."""

    @hookimpl
    def register_sections(self) -> Sequence[Section]:
        async def broken(*_: Any) -> Mapping[str, Any]:
            await _[1].execute(text("SELECT 1 / 0"))
            return {}

        async def refuses(*_: Any) -> Mapping[str, Any]:
            raise Unavailable("The forecast is being made.")

        async def nothing(*_: Any) -> None:
            return None

        async def says(runtime: Any, session: Any, query: MetricsQuery) -> Mapping[str, Any]:
            return {"zone": query.zone, "one": (await session.execute(text("SELECT 1"))).scalar_one()}

        return (
            Section(key="broken", title="Broken", compute=broken, order=1),
            Section(key="refuses", title="Refuses", compute=refuses, order=2),
            Section(key="nothing", title="Nothing", compute=nothing, order=3),
            Section(key="says", title="Says", compute=says, order=4, page="dashboard"),
            Section(key="secret", title="Secret", compute=says, order=5, scope="adplanning:manage"),
        )


async def test_a_section_that_fails_is_named_and_takes_no_other_down(khadi: Shop) -> None:
    hooks, neighbours = khadi.store.runtime.hooks, Neighbours()
    before = (await khadi.get("/metrics", **YEAR))["metrics"]["sections"]
    hooks.register(neighbours)
    try:
        found = (await khadi.get("/metrics", **YEAR))["metrics"]
        viewer = await khadi.side.login("viewer@example.com")
        async with khadi.side.client(viewer) as client:
            seen = (await client.get("/admin/ad-planning/metrics", params=YEAR)).json()["metrics"]
    finally:
        hooks.unregister(neighbours)
    others = [section for section in found["sections"] if section["key"] not in ("says", "secret")]
    assert others == before
    told = {"key": "says", "title": "Says", "page": "dashboard", "data": {"zone": "Asia/Kolkata", "one": 1}}
    assert told in found["sections"]
    failed = {each["key"]: each["message"] for each in found["failed"]}
    assert failed == {
        "broken": "It could not be computed; the log says why.",
        "refuses": "The forecast is being made.",
    }
    assert found["not_available"] == ["nothing"]
    assert "secret" in [section["key"] for section in found["sections"]]
    assert "secret" not in [section["key"] for section in seen["sections"]]
