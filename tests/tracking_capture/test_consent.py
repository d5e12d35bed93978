"""Which purposes a request has, from its sources in their order."""

from itertools import product

import pytest

from adplanning_plugin.tracking.consent import ADS, ANALYTICS, EVERYTHING, decide, read_cookie, write_cookie

GRANTED_MODE = {"analytics_storage": "granted", "ad_storage": "granted", "ad_personalization": "granted"}


def test_the_first_source_that_knows_decides() -> None:
    """Every combination of the four answers: the outcome is that of the first one given."""
    answers = (None, True, False)
    for policy, stated, cookie, mode in product(answers, repeat=4):
        consent = decide(
            policy=None if policy is None else {"analytics": policy},
            stated=None if stated is None else ANALYTICS * stated,
            cookie=None if cookie is None else write_cookie(ANALYTICS * cookie),
            consent_mode=None if mode is None else {"analytics_storage": "granted" if mode else "denied"},
        )
        known = [answer for answer in (policy, stated, cookie, mode) if answer is not None]
        expected = "unknown" if not known else "granted" if known[0] else "denied"
        assert consent.state == expected, (policy, stated, cookie, mode)
        assert consent.analytics is (expected == "granted")


def test_nothing_is_granted_to_a_visitor_who_was_not_asked() -> None:
    assert decide().bits == 0
    assert decide(gpc=True).bits == 0


def test_global_privacy_control_narrows_page_defaults_and_store_defaults_but_not_an_answer() -> None:
    assert decide(consent_mode=GRANTED_MODE, gpc=True).bits == ANALYTICS
    assert decide(unknown=EVERYTHING, gpc=True).bits == ANALYTICS
    assert decide(cookie="analytics.ads", gpc=True).bits == ANALYTICS | ADS


def test_without_analytics_no_other_purpose_is_granted() -> None:
    assert decide(stated=ADS).bits == 0
    assert decide(consent_mode={"analytics_storage": "denied", "ad_storage": "granted"}).bits == 0


@pytest.mark.parametrize("bits", range(16))
def test_the_cookie_reads_back_what_was_written(bits: int) -> None:
    assert read_cookie(write_cookie(bits)) == bits


@pytest.mark.parametrize("value", ["", "yes", "analytics.everything", "analytics;ads"])
def test_an_unreadable_cookie_is_no_answer(value: str) -> None:
    assert read_cookie(value) is None
