"""Where visits come from: landing addresses with their tags, as tidy or untidy as people write them, and referrers."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from urllib.parse import quote, quote_plus

from host_example.history.plan import CampaignPlan

# What brings a visit that no campaign brings: (kind, share); the first three are no touch.
ORIGINS = (
    ("direct", 0.27),
    ("own", 0.02),
    ("payment", 0.0),
    ("search", 0.26),
    ("email", 0.16),
    ("social", 0.13),
    ("referral", 0.10),
    ("assistant", 0.06),
)
SEARCH = ("https://www.google.com/", "https://www.google.co.in/", "https://www.bing.com/", "https://duckduckgo.com/")
SOCIAL = ("https://l.facebook.com/", "https://www.instagram.com/", "https://www.pinterest.com/", "https://t.co/")
ASSISTANTS = ("https://chatgpt.com/", "https://www.perplexity.ai/", "https://gemini.google.com/", "https://claude.ai/")
REFERRALS = ("https://handmade-weekly.example/gifts", "https://blog.weavers.example/", "https://dealsdaily.example/s")
PAYMENT = ("https://api.razorpay.com/", "https://www.paypal.com/", "https://checkout.stripe.com/")
PATHS = ("/", "/", "/", "/products/indigo-saree", "/products/linen-shirt", "/products/cotton-quilt")
META_SOURCES = ("facebook", "instagram", "fb", "ig", "Facebook", "meta")
META_MEDIA = ("paid_social", "cpc", "paid-social", "paidsocial")
GOOGLE_SOURCES = ("google", "google", "Google")


# What somebody calls a campaign in its links, by campaign: names that only people understand, spelt by several of them.
CALLED: dict[int, tuple[float, tuple[str, ...]]] = {
    7001: (0.12, ("sarees_tofu", "Sarees-TOFU")),
    7007: (0.3, ("kurta_edit_collab", "kurta-edit-colab", "KURTA_EDIT_COLLAB")),
    7008: (0.3, ("wedding_szn", "weddingszn")),
    7012: (0.16, ("shopping_all", "shopping all")),
    7016: (0.25, ("diwali gifting", "diwali-giftng", "Diwali_Gifting")),
    7101: (0.25, ("leinen_sale_sommer", "leinen-sale-somer")),
    7104: (0.2, ("bettwaesche_generisch",)),
}
MISTYPED = 0.05


@dataclass(frozen=True, slots=True)
class Arrival:
    """A landing address, its referrer, whether it is a touch."""

    url: str
    referrer: str | None
    touch: bool
    plain: str = ""
    """The address with tags that name the campaign, where somebody wrote another name into it."""


def from_campaign(rng: Random, campaign: CampaignPlan, network: str, domain: str, ad_set: str, ad: str) -> Arrival:
    """A click on an advertisement: by the platform's id or by name, with the noise of real tags."""
    meta = network == "meta"
    name = _written(rng, campaign.title)
    source = rng.choice(META_SOURCES if meta else GOOGLE_SOURCES)
    tags = [f"utm_source={source}", f"utm_medium={rng.choice(META_MEDIA) if meta else 'cpc'}"]
    style = rng.random()
    if style < 0.34:
        tags += [f"utm_id={campaign.external_id}", f"utm_campaign={name}"]
    elif style < 0.37:
        # The id wins over a name that somebody changed in one place only.
        tags += [f"utm_id={campaign.external_id}", "utm_campaign=copy%20of%20old%20campaign"]
    elif style < 0.40:
        tags += [f"utm_campaign={name}", "utm_campaign=unused"]
    else:
        tags.append(f"utm_campaign={name}")
    ids = [f"utm_term={ad_set}", f"utm_content={ad}"] if rng.random() < 0.6 else []
    click = f"{rng.getrandbits(120):030x}"
    clicked: list[str] = []
    if rng.random() < 0.7:
        clicked.append(f"fbclid=IwAR{click}" if meta else f"gclid=Cj0K{click}")
    elif not meta:
        clicked.append(f"gbraid=0AAA{click}")
    mark = "#" if rng.random() < 0.03 else "?"
    referrer = rng.choice(SOCIAL[:2]) if meta else "https://www.google.com/"
    page = f"https://{domain}{rng.choice(PATHS)}{mark}"
    url = plain = page + "&".join([*tags, *ids, *clicked])
    if style >= 0.40 and (miswritten := _miswritten(campaign, click)):
        url = page + "&".join([*tags[:2], f"utm_campaign={quote(miswritten)}", *clicked])
    return Arrival(url, _maybe(rng, referrer, 0.8), touch=True, plain=plain)


def from_elsewhere(rng: Random, domain: str, kind: str, month: str) -> Arrival:
    """A visit that no advertisement brought."""
    page = f"https://{domain}{rng.choice(PATHS)}"
    if kind == "search":
        return Arrival(page, rng.choice(SEARCH), touch=True)
    if kind == "email":
        tags = f"utm_source=newsletter&utm_medium=email&utm_campaign=letter-{month}"
        return Arrival(f"{page}?{tags}", None, touch=True)
    if kind == "social":
        referrer = rng.choice(SOCIAL)
        # Facebook adds its click id to free posts too.
        free = f"?fbclid=IwZX{rng.getrandbits(100):025x}" if "facebook" in referrer else ""
        return Arrival(page + free, referrer, touch=True)
    if kind == "referral":
        return Arrival(page, rng.choice(REFERRALS), touch=True)
    if kind == "assistant":
        source = rng.choice(ASSISTANTS)
        tag = "?utm_source=chatgpt.com" if "chatgpt" in source else ""
        return Arrival(page + tag, source, touch=True)
    if kind == "own":
        return Arrival(page, f"https://{domain}/cart", touch=False)
    if kind == "payment":
        address = f"https://{domain}/checkout/return?ref={rng.getrandbits(40):010x}"
        return Arrival(address, rng.choice(PAYMENT), touch=False)
    return Arrival(page, None, touch=False)


def _miswritten(campaign: CampaignPlan, click: str) -> str | None:
    """Another name than the campaign's, or its own with a letter wrong. Drawn from the click, and from nothing else."""
    rng = Random(f"{campaign.number} {click}")
    share, names = CALLED.get(campaign.number, (0.0, ()))
    draw = rng.random()
    if draw < share:
        return rng.choice(names)
    word = max(campaign.title.split(), key=len)
    if draw < 1 - MISTYPED or len(word) < 6:
        return None
    at = rng.randrange(1, len(word) - 2)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    missing, doubled = word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:]
    return campaign.title.replace(word, rng.choice((swapped, missing, doubled))).lower()


def is_called_otherwise(campaign: int | None, url: str) -> bool:
    """Whether the address has a name that somebody made up for the campaign, and not one that was mistyped."""
    _, names = CALLED.get(campaign or 0, (0.0, ()))
    return any(f"utm_campaign={quote(name)}" in url for name in names)


def _written(rng: Random, title: str) -> str:
    noise = rng.random()
    if noise < 0.45:
        return quote(title, safe="")
    if noise < 0.6:
        return quote_plus(title)
    if noise < 0.75:
        return quote(title.lower(), safe="")
    if noise < 0.87:
        return quote_plus(title.upper())
    if noise < 0.95:
        return quote(f" {title} ", safe="")
    return quote(title.title(), safe="")


def _maybe(rng: Random, value: str, share: float) -> str | None:
    return value if rng.random() < share else None
