"""Landings: what one URL says about where a visit came from, and what of it is kept."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adplanning_plugin.attribution.utm import campaign_key, normalise_name
from adplanning_plugin.kernel.landing import parse_landing


@pytest.mark.parametrize(
    ("url", "utm"),
    [
        ("https://s.example/?utm_source=Google&utm_medium=CPC", {"source": "google", "medium": "cpc"}),
        ("https://s.example/#utm_source=mail&utm_campaign=May", {"source": "mail", "campaign": "may"}),
        ("https://s.example/#/shop?utm_source=mail", {"source": "mail"}),
        ("https://s.example/?utm_source=a#utm_source=b", {"source": "a"}),
        ("https://s.example/?utm_source=a&utm_source=b", {"source": "a"}),
        ("https://s.example/?utm_source=&utm_source=b", {"source": "b"}),
        ("https://s.example/?utm_campaign=Spring%20Sale+2026%20", {"campaign": "spring sale 2026"}),
        ("https://s.example/?UTM_Source=x&utm%5Fmedium=y", {"source": "x", "medium": "y"}),
        ("https://s.example/?a=1&amp;utm_source=x&amp;utm_medium=y", {"source": "x", "medium": "y"}),
        (
            "https://s.example/?utm_source=STRASSE&utm_campaign=Stra%C3%9Fe",
            {"source": "strasse", "campaign": "strasse"},
        ),
        ("https://s.example/?utm_source=%ff%00x", {"source": "\ufffdx"}),
        ("/relative?utm_id=123", {"id": "123"}),
        ("https://s.example/?next=https%3A%2F%2Fx%2F%3Futm_source%3Dinner", {}),
        ("https://s.example/?not_utm_source=x&autm_source=y", {}),
        ("http://[::1", {}),
        ("", {}),
        (None, {}),
    ],
)
def test_utm_is_read_from_query_and_fragment(url, utm):
    assert parse_landing(url).utm == utm


def test_click_ids_stay_raw_and_leave_the_url():
    landing = parse_landing("https://S.example:8443/p?gclid=CjwK-AbC_9&fbclid=IwAR0x&size=M&utm_source=g")
    assert landing.click_ids == {"gclid": "CjwK-AbC_9", "fbclid": "IwAR0x"}
    assert landing.clean_url == "https://s.example/p?size=M&utm_source=g"
    assert (landing.host, landing.path) == ("s.example", "/p")


def test_personal_parameters_and_addresses_are_not_kept():
    landing = parse_landing(
        "https://u:pw@s.example/u/jo%40x.example/off?email=jo@x.example&ref=jo%40x.example&token=t&k=1#f"
    )
    assert landing.clean_url == "https://s.example/u/redacted/off?k=1"
    assert "jo" not in landing.clean_url + landing.path


def test_referrer_keeps_no_query():
    landing = parse_landing("https://s.example/", "https://WWW.Search.example/find?q=my+illness")
    assert landing.referrer_host == "www.search.example"
    assert landing.clean_referrer == "https://www.search.example/find"


def test_a_thousand_parameters_cost_nothing():
    url = "https://s.example/?" + "&".join(f"utm_x{n}=v" for n in range(1000)) + "&utm_source=z"
    begun = time.process_time()
    for _ in range(20):
        landing = parse_landing(url)
    assert landing.utm == {"source": "z"}
    assert len(landing.clean_url) <= 2048
    assert (time.process_time() - begun) / 20 < 0.05


@pytest.mark.parametrize("tail", ["a@" * 1_000, "a%40" * 1_000, "a" * 4_000 + "@", "@." * 1_000])
def test_what_looks_like_many_addresses_costs_nothing(tail):
    begun = time.process_time()
    parse_landing(f"https://s.example/{tail}?q={tail}#{tail}", f"https://r.example/{tail}")
    assert time.process_time() - begun < 0.1


@given(st.text(alphabet="ab@.%40/=& ", max_size=30))
def test_an_address_is_redacted_wherever_it_stands(path):
    part = r"[^/&=?\s]+"
    expected = re.sub(rf"{part}(?:@|%40){part}\.{part}", "redacted", path.rstrip())
    assert parse_landing(f"https://s.example/{path}").clean_url == f"https://s.example/{expected}"


@given(st.text(max_size=400), st.one_of(st.none(), st.text(max_size=100)))
def test_no_text_is_an_error(url, referrer):
    landing = parse_landing(url, referrer)
    assert "\x00" not in "".join([*landing.utm.values(), *landing.click_ids.values(), landing.clean_url])


@given(st.text(min_size=1, max_size=300))
@example(" &")
@example("\u3000#x")
@example(" &a")
def test_reading_a_clean_url_again_changes_nothing(query):
    once = parse_landing("https://s.example/p?" + query)
    again = parse_landing(once.clean_url)
    assert again.clean_url == once.clean_url
    assert again.click_ids == {}


def test_utm_id_wins_over_the_campaigns_name():
    assert campaign_key({"id": "120208", "campaign": "Spring"}, {}) == "120208"
    assert campaign_key({"campaign": "Spring_Sale"}, {"gad_campaignid": "77"}) == "spring sale"
    assert campaign_key({}, {"gad_campaignid": "77"}) == "77"
    assert campaign_key({"source": "x"}, {}) is None
    assert campaign_key({"campaign": "(not set)"}, None) is None


@pytest.mark.parametrize(
    "name",
    ["Spring Sale 2026", "spring_sale-2026", "Spring%20Sale%202026", "spring%2520sale%25202026", " SPRING+sale|2026 "],
)
def test_spellings_of_one_name_are_one(name):
    assert normalise_name(name) == "spring sale 2026"
