"""Logs: structured, correlated, and without personal data, whoever's handlers write them."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from httpx import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adplanning_plugin.kernel.telemetry import LOGGER, RedactingHandler, Redactor, install_redaction, log_json
from tests.kernel_http.test_problems import ADMIN

PLANTED = (
    "jane.doe+shop@mail.example.co.uk",
    "jane%40example.com",
    "ÜMİT@münchen.example",
    "+91 98765 43210",
    "+1 (555) 123-4567",
    "0049-30-1234567",
    "9876543210",
    "Bearer abcdef0123456789",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "pk_live_abcdefghij",
    "gclid=EAIaIQobChMI1234567890",
    "fbclid=IwAR0abcdefghijklmnop",
    "fb.1.1554763741205.AbCdEfGhIjKlMnOpQr",
    "_fbp=fb.1.1596403881668.1116446470",
    "password: hunter2!",
    '"token": "s3cr3t-value"',
    "first_name='Jane'",
)
SECRET_PARTS = [
    "jane",
    "ÜMİT",
    "98765",
    "555) 123",
    "30-1234567",
    "9876543210",
    "abcdef0123456789",
    "eyJhbGci",
    "pk_live",
    "EAIaIQ",
    "IwAR0",
    "AbCdEf",
    "1116446470",
    "hunter2",
    "s3cr3t",
    "Jane",
]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The plugin's logs as a process of ours writes them."""
    logger = logging.getLogger(LOGGER)
    kept = logger.handlers[:], logger.propagate, logger.level
    stream = io.StringIO()
    install_redaction(keys=["vin"], values=["installation-secret"])
    log_json(stream, logging.DEBUG)
    yield stream
    logger.handlers[:], logger.propagate = kept[0], kept[1]
    logger.setLevel(kept[2])


def entries(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def assert_clean(written: str) -> None:
    for part in SECRET_PARTS:
        assert part not in written, (part, written)


@pytest.mark.parametrize("planted", PLANTED)
def test_planted_personal_data_is_in_no_line(lines: io.StringIO, planted: str) -> None:
    log = logging.getLogger("adplanning.anything.below")
    log.info("said %s about it", planted)
    log.info(f"said {planted} about it")  # noqa: G004 - people do
    log.info("mapping", extra={"note": f"x {planted} y", "nested": {"deep": [planted, {planted: 1}]}})
    log.warning(Exception(planted))
    try:
        try:
            int(f"bad value {planted}")
        except ValueError as error:
            raise RuntimeError(f"while handling {planted}") from error
    except RuntimeError:
        log.exception("failed for %s", planted)
    log.info("stack", stack_info=True)
    assert_clean(lines.getvalue())
    assert len(entries(lines)) == 6


def test_values_under_personal_names_are_gone_whatever_they_are(lines: io.StringIO) -> None:
    extra = {"email": "x", "landing_url": "https://a/b", "vin": "WVW1", "row": {"Phone": 12, "user_agent": "Mozilla"}}
    logging.getLogger("adplanning").info("row", extra=extra)
    logging.getLogger("adplanning").info("the key is installation-secret.")
    first, second = entries(lines)
    assert {first["email"], first["landing_url"], first["vin"], *first["row"].values()} == {"[redacted]"}
    assert second["message"] == "the key is [redacted]."


def test_query_strings_are_not_logged(lines: io.StringIO) -> None:
    logging.getLogger("adplanning").info("GET https://shop.example/p/shoe?utm_source=x&email=jane answered")
    assert entries(lines)[0]["message"] == "GET https://shop.example/p/shoe[redacted] answered"


def test_values_that_database_errors_quote_are_not_logged(lines: io.StringIO) -> None:
    for said in (
        "duplicate key\nDETAIL:  Key (name)=(Jane Roe) already exists.\nmore",
        "(sqlalchemy) [SQL: SELECT 1]\n[parameters: ('Jane Roe', 4)]",
        "invalid input for query argument $1: 'Jane Roe' (expected str)",
        "Failing row contains (1, Jane Roe, null).",
    ):
        logging.getLogger("adplanning").error(said)
    assert "Roe" not in lines.getvalue()
    assert entries(lines)[0]["message"].endswith("\nmore")


def test_what_operators_need_stays(lines: io.StringIO) -> None:
    said = (
        "job resolve-attributions of store main ran its slot 2026-02-07 02:00:00 in 12345 ms",
        "work_01JCXV5Y3M8Q9ZK2T4W6R7P8SA failed 3 times at 2026-02-07T10:00:00.123456Z",
        "conv_01JCXV5Y3M8Q9ZK2T4W6R7P8SB waits for order 1042 (attempt 2/8)",
        "connected to 127.0.0.1:54329 with 6 connections",
    )
    for sentence in said:
        logging.getLogger("adplanning").info(sentence)
    assert [entry["message"] for entry in entries(lines)] == list(said)


def test_a_hosts_own_handlers_see_redacted_records_too(caplog: pytest.LogCaptureFixture) -> None:
    install_redaction()
    with caplog.at_level(logging.INFO, "adplanning"):
        try:
            int("jane@example.com")
        except ValueError:
            logging.getLogger("adplanning.work").exception(
                "for %s", "jane@example.com", extra={"who": "jane@example.com"}
            )
    assert "jane" not in caplog.text
    assert "ValueError" in caplog.text
    (record,) = caplog.records
    assert record.__dict__["who"] == "[redacted]"


def test_a_hosts_own_loggers_are_not_touched(caplog: pytest.LogCaptureFixture) -> None:
    install_redaction()
    logging.getLogger("store").warning("mail to jane@example.com")
    assert "jane@example.com" in caplog.text


def test_installing_twice_redacts_once() -> None:
    install_redaction()
    install_redaction()
    assert sum(isinstance(handler, RedactingHandler) for handler in logging.getLogger(LOGGER).handlers) == 1


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    before=st.text(max_size=30),
    after=st.text(max_size=30),
    local=st.from_regex(r"[a-zA-Z0-9._+-]{1,20}", fullmatch=True),
    domain=st.from_regex(r"[a-z0-9-]{1,15}\.[a-z]{2,6}", fullmatch=True),
)
def test_any_email_anywhere_is_redacted(before: str, after: str, local: str, domain: str) -> None:
    written = Redactor().text(f"{before} {local}@{domain} {after}")
    assert f"{local}@{domain}" not in written


@settings(max_examples=300)
@given(
    digits=st.from_regex(r"[1-9][0-9]{9,12}", fullmatch=True),
    gaps=st.lists(st.sampled_from(["", " ", "-", ".", " ("]), min_size=12, max_size=12),
    prefix=st.sampled_from(["", "+", "00"]),
)
def test_any_way_of_writing_a_phone_number_is_redacted(digits: str, gaps: list[str], prefix: str) -> None:
    phone = prefix + "".join(digit + gap for digit, gap in zip(digits, [*gaps, ""], strict=False)).rstrip(" -.(")
    written = Redactor().text(f"call {phone} now")
    assert sum(character.isdigit() for character in written) < 9, written


@settings(max_examples=200)
@given(
    st.recursive(
        st.text() | st.integers() | st.none() | st.floats() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_extra_can_be_written(value: Any) -> None:
    assert json.dumps(Redactor().value(value), default=str) is not None


async def test_lines_of_one_request_carry_its_id(client: AsyncClient, lines: io.StringIO) -> None:
    await client.get(f"{ADMIN}/failures/bug?", headers={"x-request-id": "trace-7"})
    (entry,) = [entry for entry in entries(lines) if entry["message"] == "unexpected error"]
    assert entry["request_id"] == "trace-7"
    assert entry["level"] == "error"
    assert entry["logger"] == "adplanning.http"
    assert entry["route"] == f"{ADMIN}/failures/{{kind}}"
    assert entry["time"].endswith("Z")
    assert "ValueError" in entry["exception"]
    assert "jane" not in json.dumps(entry)


async def test_bodies_and_query_strings_of_requests_are_in_no_line(client: AsyncClient, lines: io.StringIO) -> None:
    personal = {"title": "Jane Planted", "parts": [{"name": "planted@example.com", "weight": "x"}]}
    await client.post(f"{ADMIN}/items", json=personal)
    await client.get(f"{ADMIN}/items?q=planted@example.com&nonsense=planted")
    await client.get(f"{ADMIN}/failures/overflow?")
    await client.get(f"{ADMIN}/failures/refused?")
    assert "lanted" not in lines.getvalue()
