"""Rates are counted per client in bounded memory; robots are recognised, shoppers are not taken for them."""

# ruff: noqa: E501, ISC004 - user agents are as long as they are

import pytest

from adplanning_plugin.tracking.bots import is_bot, sender_of
from adplanning_plugin.tracking.limits import Limiter, client_address


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_says_when_to_come_back_and_refills() -> None:
    clock = Clock()
    limiter = Limiter(60, clock=clock)

    assert limiter.take("a", 50) == 0
    assert limiter.take("a", 20) == 10
    assert limiter.take("b", 60) == 0
    clock.now = 10
    assert limiter.take("a", 20) == 0
    assert limiter.take("a", 1) == 1


def test_a_batch_larger_than_the_bucket_passes_a_full_one() -> None:
    limiter = Limiter(10, clock=Clock())
    assert limiter.take("a", 100) == 0
    assert limiter.take("a", 1) > 0


def test_a_flood_of_addresses_does_not_grow_the_memory() -> None:
    limiter = Limiter(10, capacity=100, clock=Clock())
    for number in range(5_000):
        limiter.take(f"10.0.{number // 256}.{number % 256}", 1)
    assert len(limiter) == 100


@pytest.mark.parametrize(
    ("forwarded", "proxies", "expected"),
    [
        ("1.2.3.4", 0, "10.0.0.9"),
        ("1.2.3.4", 1, "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4", 1, "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4, 10.0.0.1", 2, "1.2.3.4"),
        ("1.2.3.4", 2, "1.2.3.4"),
        (None, 1, "10.0.0.9"),
        ("not an address", 1, "not an address"),
        ("::ffff:1.2.3.4", 1, "1.2.3.4"),
    ],
)
def test_only_hops_of_trusted_proxies_are_believed(forwarded: str | None, proxies: int, expected: str) -> None:
    assert client_address("10.0.0.9", forwarded, proxies) == expected


def test_one_ipv6_subscriber_is_one_client() -> None:
    assert client_address("2001:db8:1:2:aaaa::1", None, 0) == client_address("2001:db8:1:2:bbbb::9", None, 0)
    assert client_address("2001:db8:1:2::1", None, 0) != client_address("2001:db8:1:3::1", None, 0)


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "   ",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/130.0.0.0 Safari/537.36",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "curl/8.5.0",
        "python-requests/2.32",
    ],
)
def test_robots_are_recognised(agent: str) -> None:
    assert is_bot(agent)


@pytest.mark.parametrize(
    ("agent", "sender"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/130.0 Safari/537.36",
            "automated",
        ),
        ("Python/3.11 aiohttp/3.9.1", "client"),
        ("Go-http-client/1.1", "client"),
        ("gotobot AhrefsBot/7.0", "robot"),
        ("WordPress/6.4; https://blog.example", "robot"),
        ("", "robot"),
    ],
)
def test_programs_are_told_from_crawlers(agent: str, sender: str) -> None:
    assert sender_of(agent) == sender


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
        "Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Android 15; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22B83 "
        "Instagram 356.0.0.41.99 (iPhone15,2; iOS 18_1; en_IN; en; scale=3.00; 1179x2556; 660000000)",
        "Mozilla/5.0 (Linux; Android 14; CUBOT P80) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36",
    ],
)
def test_shoppers_are_not_taken_for_robots(agent: str) -> None:
    assert not is_bot(agent)
