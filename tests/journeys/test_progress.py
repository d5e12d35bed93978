"""How far each subject came: merged as events arrive, and always what a rebuild from everything would say."""

import random
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from adplanning_plugin.identity import deny, person_identifier
from adplanning_plugin.journeys.models import JourneyEvent
from adplanning_plugin.journeys.progress import rebuild
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.models import OrderVisit
from tests.journeys.conftest import DAY, HOUR, NOON, STAGES, Store

SEED = 20_260_301


async def test_a_visitors_events_each_bring_their_stage_at_its_first_time(store: Store) -> None:
    for at, name in ((2, "page_view"), (1, "page_view"), (5, "product_view"), (4, "product_view"), (6, "add_to_cart")):
        await store.track(name, NOON + at * HOUR)
    await store.track("page_view", NOON, visitor_id=None)
    await store.read_stream()
    assert await store.stages() == {
        "visitor:v1": {"awareness": NOON + HOUR, "consideration": NOON + 4 * HOUR, "intent": NOON + 6 * HOUR}
    }
    (row,) = (await store.progress()).values()
    assert (row.first_at, row.last_at) == (NOON + HOUR, NOON + 6 * HOUR)


async def test_a_click_on_an_ad_is_interest_and_says_where_the_journey_began(store: Store) -> None:
    await store.track(
        "page_view", NOON, utm={"source": "google", "medium": "cpc", "campaign": "brand"}, website_id="w1"
    )
    await store.read_stream()
    row = (await store.progress())["visitor:v1"]
    assert (row.awareness_at, row.interest_at) == (NOON, NOON)
    assert (row.touch_at, row.channel, row.platform, row.website_id) == (NOON, "Paid Search", "google", "w1")


async def test_an_earlier_touch_takes_the_beginning_over(store: Store) -> None:
    await store.track("page_view", NOON, utm={"source": "google", "medium": "cpc"})
    await store.read_stream()
    await store.track("page_view", NOON - DAY, session_id="s0", utm={"source": "news", "medium": "email"})
    await store.read_stream()
    row = (await store.progress())["visitor:v1"]
    assert (row.channel, row.interest_at) == ("Email", NOON - DAY)


async def test_the_second_purchase_is_retention_whatever_order_they_are_told_in(store: Store) -> None:
    for number in (2, 0, 1):
        await store.order(f"o{number}", NOON + number * DAY, person_id="7")
        await store.emit("order.placed", f"o{number}")
    assert [(each.order_id, each.stage) for each in await store.events()] == [
        ("o0", "conversion"), ("o1", "retention"), ("o2", "retention"),
    ]  # fmt: skip
    assert await store.stages() == {"person:7": {"conversion": NOON, "retention": NOON + DAY}}


async def test_a_cancelled_first_order_makes_the_second_one_the_first(store: Store) -> None:
    first = await store.order("o1", NOON, person_id="7")
    await store.order("o2", NOON + DAY, person_id="7")
    await store.emit("order.placed", "o1", "o2")
    await store.put("order", {**first, "payment_state": "cancelled", "cancelled_at": NOON + 2 * DAY})
    await store.emit("order.cancelled", "o1")
    assert [(each.order_id, each.stage) for each in await store.events()] == [("o1", None), ("o2", "conversion")]
    assert await store.stages() == {"person:7": {"conversion": NOON + DAY}}


async def test_unpaid_and_test_orders_are_no_conversion(store: Store) -> None:
    await store.order("o1", person_id="7", payment_state="pending")
    await store.order("o2", person_id="8", is_test=True)
    await store.emit("order.placed", "o1", "o2")
    assert [(each.event_type, each.stage) for each in await store.events()] == [("order_placed", "intent")]
    assert await store.stages() == {"person:7": {"intent": NOON}}


async def test_an_order_whose_buyer_denied_tracking_is_nobodys(store: Store) -> None:
    await store.order("o1", person_id="7", email="a@b.example", consent="denied")
    await store.emit("order.placed", "o1")
    (event,) = await store.events()
    assert (event.stage, event.person_id, event.visitor_id, event.identifier) == ("conversion", None, None, None)
    assert await store.stages() == {}


async def test_a_denial_that_comes_later_takes_the_order_from_its_buyer(store: Store) -> None:
    order = await store.order("o1", person_id="7")
    await store.emit("order.placed", "o1")
    assert set(await store.stages()) == {"person:7"}
    await store.put("order", {**order, "consent": "denied"})
    await store.emit("order.updated", "o1")
    async with store.runtime.database.transaction("main") as session:
        await session.execute(update(OrderVisit).values(consent="denied"))
    await store.emit("conversion.batch", ids=[(await store.events())[0].conversion_id])
    assert await store.stages() == {}


async def test_a_login_makes_the_visitors_history_the_persons_and_an_end_of_it_gives_it_back(store: Store) -> None:
    await store.track("page_view", NOON, visitor_id="v1")
    await store.track("add_to_cart", NOON + HOUR, visitor_id="v2")
    await store.order("o1", NOON + DAY, person_id="7")
    await store.read_stream()
    await store.emit("order.placed", "o1")
    apart = await store.stages()
    assert set(apart) == {"visitor:v1", "visitor:v2", "person:7"}
    for visitor in ("v1", "v2"):
        await store.link(visitor, person_identifier("7"))
    await store.work()
    assert await store.stages() == {"person:7": {"awareness": NOON, "intent": NOON + HOUR, "conversion": NOON + DAY}}
    async with store.runtime.database.transaction("main") as session:
        await deny(session, store.runtime, "main", "person:7", "a shared till")
    await store.work()
    assert await store.stages() == apart


async def test_guests_who_leave_the_same_address_in_two_orders_are_one(store: Store) -> None:
    for number in (1, 2):
        await store.put("analytics_session", {"id": f"s{number}", "visitor_id": f"v{number}", "started_at": NOON})
        await store.order(f"o{number}", NOON + number * DAY, email="Guest@Mail.example", session_id=f"s{number}")
        await store.emit("order.placed", f"o{number}")
    ((subject, reached),) = (await store.stages()).items()
    assert subject.startswith("email:")
    assert reached == {"awareness": NOON, "conversion": NOON + DAY, "retention": NOON + 2 * DAY} or reached == {
        "conversion": NOON + DAY,
        "retention": NOON + 2 * DAY,
    }


async def test_what_a_rebuild_has_seen_is_not_computed_once_more(store: Store) -> None:
    await store.touch(NOON, channel="Paid Social")
    async with store.runtime.database.transaction("main") as session:
        await publish(session, store.runtime, "main", "touchpoint.changed", {"visitor_ids": ["v1"], "person_ids": []})
    async with store.runtime.database.transaction("main") as session:
        await rebuild(session, store.runtime, "main")
    async with store.runtime.database.transaction("main") as session:
        await session.execute(JourneyEvent.__table__.delete())
    before = await facts(store)
    await store.work()
    assert await facts(store) == before
    await store.touch(NOON - DAY, channel="Email")
    await store.emit("touchpoint.changed", visitor_ids=["v1"], person_ids=[])
    assert (await store.progress())["visitor:v1"].channel == "Email"


async def test_the_person_in_the_store_learns_when_they_were_last_seen(store: Store) -> None:
    await store.put("person", {"id": "7", "created_at": NOON - DAY})
    await store.track("page_view", NOON, visitor_id="v1")
    await store.link("v1", person_identifier("7"))
    await store.read_stream()
    people = store.runtime.get(Links).selectable("person", "main")
    async with store.runtime.database.reading("main") as session:
        assert await session.scalar(select(people.c.last_interaction_at)) == NOON


async def facts(store: Store) -> dict[str, tuple[Any, ...]]:
    names = ("first_at", "last_at", *(f"{stage}_at" for stage in STAGES), "touch_at", "channel", "platform",
             "ad_campaign_id", "website_id", "device", "person_id")  # fmt: skip
    return {key: tuple(getattr(row, name) for name in names) for key, row in (await store.progress()).items()}


async def test_after_any_order_of_events_progress_is_what_a_rebuild_says(store: Store) -> None:
    rng = random.Random(SEED)
    print("seed", SEED)
    visitors = [f"v{number}" for number in range(6)]
    people = ["1", "2", "3"]
    orders: dict[str, dict[str, Any]] = {}
    moment = lambda: NOON + timedelta(minutes=rng.randrange(0, 60_000))  # noqa: E731

    async def tell(name: str, key: str) -> None:
        async with store.runtime.database.transaction("main") as session:
            await publish(session, store.runtime, "main", name, {"id": key})

    async def track() -> None:
        names = ("page_view", "product_view", "add_to_cart", "search", "whatever", "referral")
        utm = rng.choice([None, {"source": "google", "medium": "cpc"}, {"source": "n", "medium": "email"}])
        visitor = rng.choice(visitors)
        await store.track(
            rng.choice(names), moment(), visitor_id=visitor, session_id=f"{visitor}-{rng.randrange(3)}", utm=utm
        )

    async def buy() -> None:
        key = f"o{len(orders)}"
        orders[key] = await store.order(
            key, moment(), person_id=rng.choice([None, *people]),
            email=rng.choice([None, "a@b.example", "c@d.example"]), payment_state=rng.choice(["paid", "pending"]),
            consent=rng.choice([None, None, "denied"]),
        )  # fmt: skip
        await tell("order.placed", key)

    async def change() -> None:
        if orders:
            key = rng.choice(list(orders))
            state = rng.choice(["paid", "cancelled"])
            orders[key] = {
                **orders[key], "payment_state": state, "cancelled_at": NOON if state == "cancelled" else None,
                "person_id": rng.choice([None, *people]),
            }  # fmt: skip
            await store.put("order", orders[key])
            await tell("order.updated", key)

    async def rate() -> None:
        key = f"f{rng.randrange(4)}"
        await store.put(
            "feedback",
            {
                "id": key,
                "person_id": rng.choice(people),
                "rating": rng.randrange(1, 6),
                "scale": 5,
                "created_at": moment(),
            },
        )
        await tell("feedback.created", key)

    async def log_in() -> None:
        await store.link(rng.choice(visitors), person_identifier(rng.choice(people)), moment())

    for step in range(40):
        await rng.choice([track, track, track, buy, change, rate, log_in])()
        if step % 10 == 9:
            await store.read_stream() if rng.random() < 0.5 else await store.work()
    await store.read_stream()
    found = await facts(store)
    stages = [(each.id, each.stage) for each in await store.events()]
    async with store.runtime.database.transaction("main") as session:
        await rebuild(session, store.runtime, "main")
    assert found == await facts(store)
    assert stages == [(each.id, each.stage) for each in await store.events()]
    assert len(found) > 2
