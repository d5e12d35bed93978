"""A past filled in by `adplanning backfill`: counted first, cut off, gone on with, and the same in the end."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tests.cli.conftest import Terminal, query

pytestmark = [pytest.mark.slow, pytest.mark.processes]
TENANTS = ("101", "202")
# Everything that a backfill makes, by what the store calls it: ids of ours and times of making differ between runs.
MADE = """
SELECT 'conversion', order_id, conversion_type, status, value, currency, occurred_at::text, visitor_id,
       session_id, ad_campaign_id, platform FROM adplanning.conversion
UNION ALL
SELECT 'touch', session_id, source, medium, 1, campaign, occurred_at::text, visitor_id, NULL, ad_campaign_id, channel
FROM adplanning.touchpoint
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""
CREDIT = """
SELECT v.order_id, t.session_id, t.ad_campaign_id, c.window_days, c.amounts::text
FROM adplanning.credit c JOIN adplanning.conversion v ON (v.tenant_id, v.id) = (c.tenant_id, c.conversion_id)
LEFT JOIN adplanning.touchpoint t ON (t.tenant_id, t.id) = (c.tenant_id, c.touch_id)
ORDER BY 1, 2, 3, 4, 5
"""
SEEN = "SELECT count(*) FROM adplanning.watermark WHERE reader LIKE 'backfill:%' AND position ? 'at'"


def made(url: str) -> dict[str, list[tuple[object, ...]]]:
    questions = {"rows": MADE, "credit": CREDIT}
    return {f"{tenant} {name}": query(url, asked, tenant) for tenant in TENANTS for name, asked in questions.items()}


def test_a_backfill_that_was_interrupted_goes_on_and_ends_as_one_that_was_not(
    make_database: Callable[..., str], history_template: str, terminal_on: Callable[..., Terminal]
) -> None:
    whole, cut = make_database(history_template), make_database(history_template)
    said = terminal_on(whole).run("backfill").ok()
    orders = int(re.search(r"101 \S*purchase\S*: ([\d,]+) read", said)[1].replace(",", ""))  # type: ignore[index]
    assert orders == query(whole, "SELECT count(*) FROM store.purchases WHERE shop_no = 101")[0][0] > 100

    terminal = terminal_on(cut)
    process = terminal.start("backfill", "--rows-per-second", "400")
    until = time.monotonic() + 120
    while query(cut, SEEN, "101") == [(0,)]:
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, "goes on from there" in err, "Traceback" in err) == (130, True, False)
    assert made(cut) != made(whole)

    terminal.run("backfill").ok()
    assert made(cut) == made(whole)
    before = made(whole)
    again = terminal_on(whole).run("backfill", "--tenant", "202").ok()
    assert "101" not in again
    assert made(whole) == before


def test_a_preview_counts_and_changes_nothing(terminal_on: Callable[..., Terminal], history_url: str) -> None:
    terminal = terminal_on(history_url)
    everything = _counts(terminal.run("backfill", "--preview").ok())
    later = _counts(terminal.run("backfill", "--preview", "--since", "2026-08-01", "--tenant", "101").ok())
    name = next(sweep for sweep in everything["101"] if "purchase" in sweep)
    [(orders,)] = query(history_url, "SELECT count(*) FROM store.purchases WHERE shop_no = 101")
    assert everything["101"][name] == orders
    assert set(later) == {"101"}
    assert 0 < later["101"][name] < orders
    assert query(history_url, "SELECT count(*) FROM adplanning.conversion", "101") == [(0,)]
    assert query(history_url, "SELECT count(*) FROM adplanning.watermark", "101") == [(0,)]


def _counts(said: str) -> dict[str, dict[str, int]]:
    lines = [line.partition(": ") for line in said.splitlines()]
    return {
        tenant: {name: int(count.replace(",", "")) for name, count in re.findall(r"(\S+) ([\d,]*\d)(?:, |$)", counts)}
        for tenant, _, counts in lines
    }


def test_progress_is_drawn_on_a_terminal(terminal_on: Callable[..., Terminal], history_url: str) -> None:
    terminal = terminal_on(history_url, TERM="xterm")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "adplanning_plugin.cli", "backfill", "--tenant", "202"],
        cwd=terminal.folder,
        env=terminal.environment(),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(theirs)
        drawn = b""
        while True:
            try:
                some = os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            if not some:
                break
            drawn += some
    os.close(ours)
    assert process.returncode == 0
    [(orders,)] = query(history_url, "SELECT count(*) FROM store.purchases WHERE shop_no = 202")
    assert f"{orders}/{orders}" in drawn.decode()
