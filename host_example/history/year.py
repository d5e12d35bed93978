"""One shop's year of people, visits and orders, drawn from a seed; what it cost and what was said is not here."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

from host_example.catalogue import PRODUCTS
from host_example.history import landing
from host_example.history.plan import DAYS, HOURS, LOOKBACK_DAYS, LOST_SHARES, SESSIONS_BEFORE_ORDER, ShopPlan, demand
from host_example.history.rows import Order, Person, Visit

FIRST_NAMES = ("Asha", "Ravi", "Meera", "Dev", "Lena", "Jonas", "Priya", "Kabir", "Anika", "Paul", "Nila", "Arjun")
LAST_NAMES = ("Rao", "Nair", "Iyer", "Mehta", "Brandt", "Keller", "Das", "Kapoor", "Vogel", "Shah", "Lorenz", "Bose")
AD_SHARE = 0.52
BACK_TO_PAYMENT = 0.04


class ShopYear:
    """Draws the year; after `draw()` it holds people, visits and orders in the order of time, numbered."""

    def __init__(self, plan: ShopPlan, seed: int, end_day: date, scale: float) -> None:
        self.plan = plan
        self.rng = Random(f"{seed}:{plan.shop}:{scale}")
        self.zone = ZoneInfo(plan.timezone)
        self.first_day = end_day - timedelta(days=DAYS - 1)
        self.opening = self.moment(0, 0)
        self.closing = self.moment(DAYS, 0)
        self.order_count = round(plan.orders * scale)
        self.session_count = round(plan.sessions * scale)
        self.networks = {account.number: account.network for account in plan.accounts}
        self.people: list[Person] = []
        self.visits: list[Visit] = []
        self.orders: list[Order] = []
        self.visits_of: dict[int, list[Visit]] = defaultdict(list)
        self._known: list[Person] = []
        self.ads_of = {
            campaign.number: [
                (f"{campaign.external_id}{s}", f"{campaign.external_id}{s}{a}")
                for s in range(1, campaign.ad_sets + 1)
                for a in range(1, campaign.ads + 1)
            ]
            for campaign in plan.campaigns
        }
        days = [demand(plan, self.first_day + timedelta(days=day), day) for day in range(DAYS)]
        self._days = list(accumulate(days))
        self._hours = list(accumulate(HOURS))
        self._running = [[c for c in plan.campaigns if c.runs_on(day)] for day in range(DAYS)]
        self._goods = [p for p in PRODUCTS if p[1] == plan.shop and p[0] != plan.subscription_product]

    def moment(self, day: int, seconds: int) -> datetime:
        """A time of the shop's day, in UTC."""
        midnight = datetime.combine(self.first_day + timedelta(days=day), time.min, self.zone)
        return (midnight + timedelta(seconds=seconds)).astimezone(UTC)

    def day_of(self, at: datetime) -> int:
        """The day of the year, counted in the shop's zone."""
        return (at.astimezone(self.zone).date() - self.first_day).days

    def some_moment(self, first_day: int = 0) -> datetime:
        """A time of the year, as busy days and hours are likelier."""
        start = self._days[first_day - 1] if first_day else 0.0
        day = min(DAYS - 1, bisect_right(self._days, start + self.rng.random() * (self._days[-1] - start)))
        hour = min(23, bisect_right(self._hours, self.rng.random() * self._hours[-1]))
        return self.moment(day, hour * 3600 + self.rng.randrange(3600))

    def draw(self) -> None:
        """Orders with the visits that led to them, then the visits that led nowhere, then who is whom."""
        lost = {cause: round(self.order_count * share) for cause, share in LOST_SHARES.items()}
        subscribers = -(-lost["renewal"] // 4)
        joined = self.order_count - sum(lost.values()) + lost["misnamed"]
        for index in range(joined):
            self._joined_order(subscription=index < subscribers)
        self._renewals(lost["renewal"])
        for cause in ("no_consent", "blocked", "unknown"):
            for _ in range(lost[cause]):
                self._lost_order(cause)
        for _ in range(lost["offline"]):
            self._offline_order()
        while len(self.visits) < self.session_count:
            self._browse()
        self.visits.sort(key=lambda visit: (visit.started, visit.visitor))
        self.orders.sort(key=lambda order: (order.placed, order.email or "", order.items))
        self._earned(lost["misnamed"])

    def new_person(self, since: datetime, *, account: float = 0.74) -> Person:
        """Somebody new."""
        rng = self.rng
        name = f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"
        serial = len(self.people) + 1
        person = Person(
            email=f"{name.lower().replace(' ', '.')}.{self.plan.shop}{serial}@{self.plan.email_domain}",
            name=name,
            city=rng.choice(self.plan.cities),
            visitors=[self._visitor()],
            has_account=rng.random() < account,
            since=since,
        )
        self.people.append(person)
        return person

    def visit(
        self, at: datetime, visitor: str, person: Person | None, kind: str | None = None, place: int | None = None
    ) -> Visit:
        """One session that starts at `at`; `kind` None lets chance say where it came from."""
        rng = self.rng
        day = max(0, min(DAYS - 1, self.day_of(at)))
        campaigns = self._running[day] if kind is None and rng.random() < AD_SHARE else ()
        site, domain, _ = rng.choices(self.plan.sites, [share for _, _, share in self.plan.sites])[0]
        if place is not None:
            site, domain, _ = next(each for each in self.plan.sites if each[0] == place)
        number = None
        if campaigns:
            campaign = rng.choices(campaigns, [c.pull for c in campaigns])[0]
            site, number = campaign.site, campaign.number
            domain = next(name for each, name, _ in self.plan.sites if each == site)
            ad_set, ad = rng.choice(self.ads_of[campaign.number])
            arrival = landing.from_campaign(rng, campaign, self.networks[campaign.account], domain, ad_set, ad)
        else:
            kind = kind or rng.choices([k for k, _ in landing.ORIGINS], [share for _, share in landing.ORIGINS])[0]
            arrival = landing.from_elsewhere(rng, domain, kind, f"{at:%Y-%m}")
        return Visit(
            site=site,
            visitor=visitor,
            person=person,
            started=at,
            ended=at + timedelta(seconds=rng.randrange(10, 900)),
            url=arrival.url,
            referrer=arrival.referrer,
            campaign=number,
            touch=arrival.touch,
            device="mobile" if rng.random() < 0.64 else "desktop",
            pages=rng.randrange(1, 9),
            plain_url=arrival.plain or arrival.url,
        )

    def _visitor(self) -> str:
        return f"{self.rng.getrandbits(64):016x}"

    def _buyer(self, at: datetime) -> Person:
        rng = self.rng
        if self._known and rng.random() < self.plan.returning:
            person = self._known[int(len(self._known) * rng.random() ** 1.6)]
            if person.has_account and len(person.visitors) == 1 and rng.random() < 0.2:
                person.visitors.append(self._visitor())
            return person
        person = self.new_person(at)
        self._known.append(person)
        return person

    def _basket(self) -> list[tuple[int, int]]:
        rng = self.rng
        picked = rng.sample(self._goods, rng.choices((1, 2, 3), (0.62, 0.27, 0.11))[0])
        return [(product[0], 2 if rng.random() < 0.12 else 1) for product in picked]

    def _path(self, placed: datetime, person: Person, *, keep: bool) -> list[Visit]:
        rng = self.rng
        count = rng.choices(range(1, 7), SESSIONS_BEFORE_ORDER)[0]
        gaps = sorted((min(38.0, 0.15 + rng.expovariate(1 / 6.0)) for _ in range(count - 1)), reverse=True)
        path: list[Visit] = []
        for gap in gaps:
            at = placed - timedelta(days=gap)
            if at >= self.opening:
                path.append(self.visit(at, rng.choice(person.visitors), person))
        start = max(self.opening, placed - timedelta(minutes=3 + rng.random() * 30))
        direct = "direct" if len(path) > 1 and rng.random() < 0.3 else None
        last = self.visit(start, person.visitors[-1], person, direct)
        last.ended = placed + timedelta(seconds=rng.randrange(5, 120))
        last.pages = rng.randrange(4, 12)
        path.append(last)
        if rng.random() < BACK_TO_PAYMENT and start < placed - timedelta(seconds=50):
            returned = placed - timedelta(seconds=rng.randrange(2, 40))
            back = self.visit(returned, last.visitor, person, "payment", last.site)
            back.ended, back.pages, back.device = last.ended, 1, last.device
            last.ended = back.started
            path.append(back)
        if keep:
            self.visits += path
        return path

    def _joined_order(self, *, subscription: bool) -> None:
        rng = self.rng
        placed = self.some_moment()
        if subscription:
            placed = self.moment(rng.randrange(0, 200), rng.randrange(30_000, 80_000))
        person = self._buyer(placed)
        path = self._path(placed, person, keep=True)
        last = path[-1]
        way = rng.random()
        join = "session" if way < 0.62 else "login" if way < 0.8 and person.has_account else "token"
        for visit in path:
            visit.logged_in = person.has_account and (visit is last or rng.random() < 0.5)
        # A device that never logs in could not be known as theirs.
        for visit in path:
            visit.logged_in = visit.logged_in or (person.has_account and visit.visitor != person.visitors[0])
        order = Order(
            placed=placed,
            channel="web",
            person=person,
            email=person.email if rng.random() < 0.9 else person.email.title(),
            items=[(self.plan.subscription_product, 1)] if subscription else self._basket(),
            visit=last,
            join=join,
            renewal=1 if subscription else None,
            site=last.site,
        )
        person.orders += 1
        person.since = min(person.since, path[0].started)
        self.orders.append(order)

    def _renewals(self, wanted: int) -> None:
        firsts = [order for order in self.orders if order.renewal == 1]
        sequence = 2
        while wanted > 0:
            for first in firsts:
                placed = first.placed + timedelta(days=30 * (sequence - 1))
                if wanted and placed < self.closing:
                    again = Order(placed, "subscription", first.person, first.email, first.items, lost="renewal")
                    again.renewal, again.site = sequence, first.site
                    self.orders.append(again)
                    wanted -= 1
            sequence += 1
            if sequence > 13:
                raise ValueError("There are too few subscribers for the wanted renewals.")

    def _lost_order(self, cause: str) -> None:
        placed = self.some_moment()
        person = self.new_person(placed, account=0.3)
        path = self._path(placed, person, keep=False)
        order = Order(placed, "web", person, person.email, self._basket(), lost=cause)
        order.site = path[-1].site
        last = _last_touch(path, placed)
        order.campaign = last.campaign if last else None
        person.orders += 1
        self.orders.append(order)

    def _offline_order(self) -> None:
        placed = self.some_moment()
        person = self.new_person(placed, account=1.0) if self.rng.random() < 0.5 else None
        email = person.email if person else None
        self.orders.append(Order(placed, "pos", person, email, self._basket(), lost="offline"))

    def _browse(self) -> None:
        rng = self.rng
        at = self.some_moment()
        person = rng.choice(self._known) if rng.random() < 0.08 else None
        if person is None and rng.random() < 0.03:
            person = self.new_person(at, account=1.0)
        visitor = person.visitors[0] if person else self._visitor()
        for _ in range(rng.choices((1, 2, 3), (0.74, 0.19, 0.07))[0]):
            visit = self.visit(at, visitor, person)
            visit.logged_in = person is not None and person.has_account and rng.random() < 0.5
            if person is not None:
                person.since = min(person.since, at)
            self.visits.append(visit)
            at += timedelta(days=0.3 + rng.expovariate(1 / 5.0))
            if at >= self.closing:
                break

    def _earned(self, misnamed: int) -> None:
        """The campaign of each joined order: of its last touch in the lookback window, over all visits of its buyer.

        As many as `misnamed` are left with a touch that calls it otherwise; the others can be told by anybody.
        """
        for visit in self.visits:
            if visit.person is not None:
                self.visits_of[id(visit.person)].append(visit)
        wrong: dict[int, tuple[Visit, list[Order]]] = {}  # by visit: what it decides, though its tag names no campaign
        for order in self.orders:
            if order.visit is not None and order.person is not None:
                last = _last_touch(self.visits_of[id(order.person)], order.placed)
                if last is not None:
                    order.campaign = last.campaign
                    if landing.is_called_otherwise(last.campaign, last.url):
                        wrong.setdefault(id(last), (last, []))[1].append(order)
                    else:
                        last.url = last.plain_url
        for visit, orders in self.rng.sample(list(wrong.values()), len(wrong)):
            if len(orders) <= misnamed:
                misnamed -= len(orders)
                for order in orders:
                    order.lost = "misnamed"
            else:
                visit.url = visit.plain_url


def _last_touch(visits: list[Visit], placed: datetime) -> Visit | None:
    since = placed - timedelta(days=LOOKBACK_DAYS)
    touches = [visit for visit in visits if visit.touch and since < visit.started <= placed]
    return max(touches, key=lambda visit: visit.started) if touches else None
