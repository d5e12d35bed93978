"""A year of the store's past, drawn from a seed, with a truth beside it that the plugin never reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from host_example.catalogue import PASSWORD
from host_example.history.advertising import write_accounts, write_reports
from host_example.history.ledger import Sign, write_shop
from host_example.history.load import connect, load, loaded, read_truth
from host_example.history.plan import DAYS, SHOPS
from host_example.history.rows import History
from host_example.history.voices import write_voices
from host_example.history.year import ShopYear
from host_example.security import hash_password

__all__ = ["SEED", "History", "connect", "generate", "load", "loaded", "read_truth"]
SEED = 20_24


def _unsigned(_: int, visitor: str) -> str:
    return visitor


def generate(
    seed: int = SEED,
    end_day: date | None = None,
    *,
    scale: float = 1.0,
    sign: Sign = _unsigned,
    password_hash: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> History:
    """The history of both shops that ends with `end_day`.

    Args:
        seed: equal seeds, end days and scales make equal histories.
        end_day: the last day, in each shop's zone (default: yesterday).
        scale: 1.0 is about 10,500 orders and 69,000 visits; tests use less.
        sign: `(shop number, visitor) -> token`: what a headless front end would have forwarded with an order.
        password_hash: of every customer's password, `demo`.
        progress: told what is being drawn.
    """
    end_day = end_day or date.today() - timedelta(days=1)  # noqa: DTZ011 - the day of the machine's clock
    history = History(seed=seed, end_day=end_day)
    secret = password_hash or hash_password(PASSWORD)
    for plan in SHOPS:
        if progress:
            progress(f"shop {plan.shop}")
        write_accounts(history, plan, end_day - timedelta(days=DAYS - 1))
        year = ShopYear(plan, seed, end_day, scale)
        year.draw()
        write_shop(history, year, secret, sign)
        write_reports(history, year, end_day)
        write_voices(history, year)
    return history
