"""What people say: reviews, enquiries, filled-in forms, social posts and what is said under them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from random import Random

from host_example.history.rows import History, Row
from host_example.history.year import ShopYear

REVIEW = ("review_no", "shop_no", "customer_no", "purchase_no", "product_no", "email", "stars", "scale", "body",
          "written_at")  # fmt: skip
ENQUIRY = ("enquiry_no", "shop_no", "customer_no", "full_name", "email", "phone", "message", "origin", "stage",
           "campaign_no", "web_session_no", "visitor_token", "created_at", "updated_at")  # fmt: skip
ANSWER = ("answer_no", "shop_no", "form_no", "customer_no", "web_session_no", "visitor_token", "email", "answers",
          "submitted_at")  # fmt: skip
POST = ("post_no", "shop_no", "network", "state", "caption", "planned_for", "posted_at")
INTERACTION = ("interaction_no", "shop_no", "post_no", "customer_no", "handle", "kind", "body", "happened_at")
GOOD = ("Beautiful cloth, better than in the pictures.", "Arrived in two days and fits well.", "My third order here.",
        "The colour is wonderful.", "Soft, honest, well made.")  # fmt: skip
MIXED = ("Nice, but the sleeves are long.", "Good quality, slow delivery.", "It is fine for the price.")
BAD = ("The seam opened after one wash.", "Arrived late and nobody answered.", "The colour is not what I saw.")
QUESTIONS = ("Do you deliver to Goa?", "Can I have the saree with a stitched blouse?", "Is there a bulk price?",
             "When will the quilt be back?", "We would like to stock your stoles.")  # fmt: skip
CAPTIONS = ("New on the loom", "Behind the scenes at the dye house", "Three ways to drape it", "Meet the weavers",
            "Colours of the season", "Sunday in linen")  # fmt: skip
REMARKS = ("Love this!", "Where can I buy it?", "So pretty", "Too expensive for me", "Do you ship abroad?")
STAGES = ("new", "contacted", "qualified", "converted")


def write_voices(history: History, year: ShopYear) -> None:
    """Everything said in one shop's year."""
    rng = Random(f"{history.seed}:{year.plan.shop}:voices")
    _reviews(history, year, rng)
    _enquiries(history, year, rng)
    _quiz(history, year, rng)
    _social(history, year, rng)


def _next(history: History, table: str, first: int) -> int:
    return first + len(history.rows.get(table, ()))


def _reviews(history: History, year: ShopYear, rng: Random) -> None:
    rows: list[Row] = []
    number = _next(history, "reviews", 70_001)
    for order in year.orders:
        written = order.placed + timedelta(days=4 + rng.random() * 12)
        if order.email is None or rng.random() > 0.13 or written >= year.closing:
            continue
        stars = rng.choices((5, 4, 3, 2, 1), (0.46, 0.27, 0.12, 0.08, 0.07))[0]
        survey = rng.random() < 0.25
        words = GOOD if stars >= 4 else MIXED if stars == 3 else BAD
        body = rng.choice(words) if rng.random() < 0.8 else None
        given = max(0, min(10, stars * 2 - rng.randrange(2))) if survey else stars
        customer = order.person.number if order.person else None
        product = None if survey else order.items[0][0]
        rows.append((number, year.plan.shop, customer, order.number, product, order.email.lower(), given,
                     10 if survey else 5, body, written))  # fmt: skip
        number += 1
    history.add("reviews", REVIEW, rows)


def _enquiries(history: History, year: ShopYear, rng: Random) -> None:
    plan = year.plan
    wanted = round(plan.enquiries * year.order_count / plan.orders)
    form = 301 if plan.currency == "INR" else 303
    leads = [campaign for campaign in plan.campaigns if campaign.objective == "LEADS"]
    visits = rng.sample(year.visits, min(wanted, len(year.visits)))
    for visit in sorted(visits, key=lambda each: each.number):
        at = min(visit.started + timedelta(minutes=2), year.closing - timedelta(seconds=1))
        on_platform = bool(leads) and visit.campaign == leads[0].number
        number = _next(history, "enquiries", 8_001)
        person = visit.person
        name = person.name if person else f"Guest {number}"
        email = person.email if person else f"guest{number}@{plan.email_domain}"
        customer = person.number if person and visit.logged_in else None
        age = (year.closing - at).days
        stage = rng.choices(STAGES, (5, 3, 1, 0.3) if age < 14 else (1, 3, 3, 2.2))[0]
        moved = at if stage == "new" else min(at + timedelta(days=rng.random() * 9), year.closing)
        message = rng.choice(QUESTIONS)
        session = None if on_platform else visit.number
        origin = "meta lead form" if on_platform else "contact form"
        history.add("enquiries", ENQUIRY, [
            (number, plan.shop, customer, name, email, None, message, origin, stage,
             visit.campaign if on_platform else None, session, None, at, moved)
        ])  # fmt: skip
        if not on_platform:
            _answer(history, plan.shop, form, customer, session, email, {"message": message}, at)


def _quiz(history: History, year: ShopYear, rng: Random) -> None:
    wanted = round(year.plan.quiz_answers * year.order_count / year.plan.orders)
    for visit in sorted(rng.sample(year.visits, min(wanted, len(year.visits))), key=lambda each: each.number):
        at = min(visit.started + timedelta(minutes=1), year.closing - timedelta(seconds=1))
        answers = {"fabric": rng.choice(("cotton", "linen", "wool", "silk")), "message": rng.choice(QUESTIONS)}
        email = visit.person.email if visit.person else None
        customer = visit.person.number if visit.person and visit.logged_in else None
        _answer(history, year.plan.shop, 302, customer, visit.number, email, answers, at)


def _answer(
    history: History, shop: int, form: int, customer: int | None, session: int | None, email: str | None,
    answers: dict[str, str], at: datetime,
) -> None:  # fmt: skip
    number = _next(history, "web_form_answers", 12_001)
    row = (number, shop, form, customer, session, None, email, json.dumps(answers), at)
    history.add("web_form_answers", ANSWER, [row])


def _social(history: History, year: ShopYear, rng: Random) -> None:
    shop = year.plan.shop
    members = [person for person in year.people if person.number is not None]
    states = ["posted"] * 110 + ["scheduled"] * 6 + ["draft"] * 5 + ["failed"] * 4
    for state in states:
        number = _next(history, "social_posts", 1_001)
        at = year.some_moment()
        ahead = year.closing + timedelta(days=rng.randrange(1, 15), hours=9)
        planned = {"posted": at, "scheduled": ahead, "failed": at}.get(state)
        caption = f"{rng.choice(CAPTIONS)} #{number}"
        network = rng.choice(("instagram", "facebook"))
        posted = at if state == "posted" else None
        history.add("social_posts", POST, [(number, shop, network, state, caption, planned, posted)])
        for _ in range(rng.randrange(2, 14) if posted else 0):
            kind = rng.choices(("like", "comment", "share", "mention"), (6, 3, 1, 1))[0]
            member = rng.choice(members) if members and rng.random() < 0.4 else None
            happened = min(at + timedelta(hours=rng.expovariate(1 / 20)), year.closing - timedelta(seconds=1))
            body = rng.choice(REMARKS) if kind in ("comment", "mention") else None
            handle = f"@{(member.name if member else 'someone').split()[0].lower()}{rng.randrange(1000)}"
            history.add("social_interactions", INTERACTION, [
                (_next(history, "social_interactions", 80_001), shop, number, member.number if member else None, handle,
                 kind, body, happened)
            ])  # fmt: skip
