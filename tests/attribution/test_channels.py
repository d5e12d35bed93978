"""Channels: the ordered rules, the lists of sites, and what is no touch at all."""

import json
import re
from pathlib import Path

import pytest

from adplanning_plugin.attribution.channels import (
    channel_of,
    classify,
    is_no_touch,
    is_self,
    kind_of,
    origin_of,
    platform_of,
)

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
RULES = SHARED / "attribution" / "ga4_default_channel_rules.json"
REFERRERS = SHARED / "referrers"


def shared(path: Path) -> str:
    if not path.exists():
        pytest.skip(f"{path} is not there: these tests compare with data that the project does not carry")
    return path.read_text("utf-8")


# One example (source, medium, campaign) of every channel in the published order.
EXAMPLES = {
    "Direct": ("(direct)", "(none)", None),
    "Cross-network": ("google", "cpc", "pmax cross-network"),
    "Paid Shopping": ("google", "cpc", "summer shopping"),
    "Paid Search": ("google", "cpc", "brand"),
    "Paid Social": ("facebook", "paid_social", "brand"),
    "Paid Video": ("youtube", "cpv cpc", "brand"),
    "Display": ("partner", "banner", None),
    "Paid Other": ("partner", "ppc", None),
    "Organic Shopping": ("amazon", "referral", None),
    "Organic Social": ("anything", "social", None),
    "Organic Video": ("vimeo", "referral", None),
    "Organic Search": ("google", "organic", None),
    "Referral": ("partner.example", "referral", None),
    "Email": ("newsletter", "e-mail", None),
    "Affiliates": ("partner", "affiliate", None),
    "Audio": ("podcast", "audio", None),
    "SMS": ("sms", "reminder", None),
    "Mobile Push Notifications": ("app", "web push", None),
    "Unassigned": ("partner", "carrier pigeon", None),
}


def test_every_published_channel_is_reached_in_the_published_order():
    published = [rule["channel"] for rule in json.loads(shared(RULES))["order"]]
    assert list(EXAMPLES) == published
    for channel, example in EXAMPLES.items():
        assert channel_of(*example) == channel, example


@pytest.mark.parametrize(
    ("source", "medium", "campaign", "channel"),
    [
        ("partner", "cpm", None, "Display"),
        ("facebook", "cpm", None, "Paid Social"),
        ("google", "cpm", None, "Paid Search"),
        ("youtube", "cpm", None, "Paid Video"),
        ("google", "cpc", None, "Paid Search"),
        ("partner", "retargeting", None, "Paid Other"),
        ("partner", "email", "workshop", "Email"),
        ("partner", "email", "eshop", "Organic Shopping"),
        ("partner", "app", None, "Referral"),
        ("chatgpt.com", "referral", None, "AI Assistant"),
        ("perplexity", "cpc", None, "Paid Other"),
        ("(direct)", "(not set)", None, "Direct"),
        ("(not set)", "(not set)", None, "Unassigned"),
    ],
)
def test_the_rules_traps(source, medium, campaign, channel):
    assert channel_of(source, medium, campaign) == channel


@pytest.mark.parametrize(
    ("host", "source", "medium", "channel", "platform"),
    [
        ("www.google.co.in", "google", "organic", "Organic Search", "google"),
        ("cn.bing.com", "bing", "organic", "Organic Search", "generic"),
        ("r.search.yahoo.com", "yahoo", "organic", "Organic Search", "generic"),
        ("l.facebook.com", "facebook", "referral", "Organic Social", "meta"),
        ("l.instagram.com", "instagram", "referral", "Organic Social", "meta"),
        ("t.co", "twitter", "referral", "Organic Social", "generic"),
        ("m.youtube.com", "youtube", "referral", "Organic Video", "google"),
        ("www.amazon.co.jp", "amazon", "referral", "Organic Shopping", "generic"),
        ("chatgpt.com", "chatgpt", "referral", "AI Assistant", "generic"),
        ("gemini.google.com", "gemini", "referral", "AI Assistant", "google"),
        ("mail.google.com", "gmail", "email", "Email", "google"),
        ("support.google.com", "support.google.com", "referral", "Referral", "generic"),
        ("blog.partner.example", "blog.partner.example", "referral", "Referral", "generic"),
        ("notgoogle.com", "notgoogle.com", "referral", "Referral", "generic"),
        ("google.evil.example", "google.evil.example", "referral", "Referral", "generic"),
    ],
)
def test_referrers_name_their_site(host, source, medium, channel, platform):
    found = classify(None, None, None, (), host, "shop.example", False)
    assert (found.source, found.medium, found.channel, found.platform) == (source, medium, channel, platform)
    assert found.is_touch


@pytest.mark.parametrize(
    "host",
    ["www.paypal.com", "checkout.stripe.com", "hooks.stripe.com", "api.razorpay.com", "pay.klarna.com",
     "test.adyen.com", "secure7.arcot.com", "accounts.google.com", "login.microsoftonline.com",
     "appleid.apple.com", "securegw.paytm.in",
     "www.shop.example", "checkout.shop.example"],
)  # fmt: skip
def test_ways_back_are_no_touch(host):
    assert not classify(None, None, None, (), host, "shop.example", False).is_touch


def test_a_tagged_link_on_a_payment_page_is_a_touch():
    found = classify("paypal", "banner", "honey", (), "www.paypal.com", "shop.example", True)
    assert (found.is_touch, found.channel) == (True, "Display")


def test_only_hosts_of_one_site_are_self_referrals():
    assert is_self("shop.brand.co.uk", "www.brand.co.uk")
    assert not is_self("other.co.uk", "brand.co.uk")
    assert not is_self("a.myshopify.com", "b.myshopify.com")
    assert not is_self("127.0.0.1", "127.0.0.2")
    assert not is_self("partner.example", None)
    assert not is_no_touch("paypal.com.evil.example")


@pytest.mark.parametrize(
    ("clicks", "source", "medium", "channel", "platform"),
    [
        ({"gclid": "x"}, "google", "cpc", "Paid Search", "google"),
        ({"wbraid": "x", "gad_source": "1"}, "google", "cpc", "Paid Search", "google"),
        ({"dclid": "x"}, "google", "display", "Display", "google"),
        ({"fbclid": "x"}, "facebook", "social", "Organic Social", "meta"),
        ({"msclkid": "x"}, "bing", "cpc", "Paid Search", "generic"),
        ({"ttclid": "x"}, "tiktok", "cpc", "Paid Video", "generic"),
        ({"srsltid": "x"}, "google", "organic", "Organic Shopping", "google"),
    ],
)
def test_a_click_id_alone_names_its_source(clicks, source, medium, channel, platform):
    found = origin_of(None, clicks, "www.google.com" if "gclid" in clicks else None, "shop.example")
    assert (found.source, found.medium, found.channel, found.platform) == (source, medium, channel, platform)


def test_utm_wins_over_click_id_and_referrer():
    found = origin_of({"source": "fb", "medium": "paid", "campaign": "x"}, {"fbclid": "1"}, "l.instagram.com", None)
    assert (found.source, found.medium, found.channel, found.platform) == ("fb", "paid", "Paid Social", "meta")
    only_campaign = origin_of({"campaign": "x"}, {"gclid": "1"}, None, None)
    assert (only_campaign.source, only_campaign.medium) == ("google", "cpc")
    only_id = origin_of({"id": "77"}, None, None, None)
    assert (only_id.source, only_id.is_direct, only_id.is_touch) == ("(not set)", False, True)


def test_nothing_at_all_is_direct():
    found = origin_of(None, None, None, "shop.example")
    assert (found.source, found.medium, found.channel, found.platform) == ("(direct)", "(none)", "Direct", "direct")
    assert found.is_direct


@pytest.mark.parametrize(
    ("source", "platform"),
    [("ig", "meta"), ("meta_ads", "meta"), ("fb-ads", "meta"), ("an", "meta"), ("google", "google"),
     ("google ads", "google"), ("youtube.com", "google"), ("bing", "generic"),
     ("newsletter", "generic"), ("anna", "generic")],
)  # fmt: skip
def test_platform_by_source(source, platform):
    assert platform_of(source) == platform


def hosts_of(text: str) -> list[str]:
    return re.findall(r"^\s*-\s+'?([a-z0-9.-]+\.[a-z]{2,})'?\s*$", text, re.MULTILINE)


def coverage(text: str, kinds: set[str]) -> tuple[int, int]:
    hosts = hosts_of(text)
    known = sum(1 for host in hosts if (kind_of(host) or "") in kinds)
    return known, len(hosts)


def test_most_published_ai_assistants_are_known():
    known, total = coverage(shared(REFERRERS / "matomo_AIAssistants.yml"), {"ai"})
    assert known >= 0.8 * total, f"{known} of {total}"


def test_the_big_published_social_networks_are_known_and_none_is_a_search_engine():
    text = shared(REFERRERS / "matomo_Socials.yml")
    known, total = coverage(text, {"social", "video"})
    assert known >= 0.4 * total, f"{known} of {total}"
    mistaken = [host for host in hosts_of(text) if kind_of(host) == "search"]
    assert mistaken == []


def test_the_big_published_search_engines_are_known():
    text = shared(REFERRERS / "matomo_SearchEngines.yml")
    for brand in (
        "Google",
        "Bing",
        "Yahoo!",
        "DuckDuckGo",
        "Ecosia",
        "Yandex",
        "Baidu",
        "Naver",
        "Qwant",
        "Seznam",
        "Brave",
    ):
        part = re.search(rf"^{re.escape(brand)}:\n((?:[ \t-].*\n)+)", text, re.MULTILINE)
        assert part, brand
        hosts = [host for host in hosts_of(part[1]) if "." in host]
        kinds = {host: kind_of(host) for host in hosts}
        assert "search" in kinds.values(), f"{brand}: {kinds}"
