"""`python -m host_example.demo`: the store with the plugin and a year of history; nothing needs to be prepared.

`ADPLANNING_DEMO_PORT` (9000; the payment provider takes the next port), `ADPLANNING_DEMO_DIR` (where data stay between
starts), `ADPLANNING_DEMO_DATABASE_URL` (a PostgreSQL of one's own, as an ordinary role) and `ADPLANNING_DEMO_SCALE` (1;
less is a smaller year) may be set.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar, get
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from adplanning_plugin.embedded import EmbeddedError, Postgres, home
from adplanning_plugin.maintenance import migrate_schema
from host_example import payment
from host_example.app import create_app
from host_example.catalogue import PASSWORD, SITES, STAFF
from host_example.demo_data import Report, Truth, prepare
from host_example.settings import StoreSettings

HOST = "127.0.0.1"
console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the demo runs: its port and its folder."""

    port: int
    folder: Path
    database_url: str | None
    scale: float = 1.0

    @classmethod
    def from_environment(cls) -> Place:
        """As the variables say."""
        text = os.environ.get("ADPLANNING_DEMO_PORT", "9000")
        if not text.isdigit() or not 0 < int(text) < 65_535:
            raise SystemExit(f"ADPLANNING_DEMO_PORT is {text!r}: give a port between 1 and 65534.")
        folder = os.environ.get("ADPLANNING_DEMO_DIR")
        return cls(
            port=int(text),
            folder=Path(folder).expanduser().absolute() if folder else home("demo"),
            database_url=os.environ.get("ADPLANNING_DEMO_DATABASE_URL"),
            scale=_scale(os.environ.get("ADPLANNING_DEMO_SCALE", "1")),
        )

    @property
    def payment_port(self) -> int:
        """The payment provider is another origin."""
        return self.port + 1

    def check_ports(self) -> None:
        """Say which port is taken before anything is started."""
        for port in (self.port, self.payment_port):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError:
                    raise SystemExit(
                        f"Port {port} is in use: stop what listens there, or set ADPLANNING_DEMO_PORT to another port."
                    ) from None

    def settings(self, database_url: str) -> StoreSettings:
        """Settings whose secrets are made once and kept, so that logins and tokens outlive a restart."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = self.folder / "secrets.json"
        if not kept.exists():
            with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump({"secret": secrets.token_urlsafe(32), "payment_secret": secrets.token_urlsafe(32)}, file)
        return StoreSettings(
            database_url=database_url,
            payment_url=f"http://{HOST}:{self.payment_port}",
            count_programs=True,
            **json.loads(kept.read_text()),
        )


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0 < scale <= 10:
        raise SystemExit(f"ADPLANNING_DEMO_SCALE is {text!r}: give a number above 0, at most 10.")
    return scale


@contextmanager
def database_of(place: Place) -> Generator[str]:
    """The address of the demo's database: a given one, or an embedded server's, which ends with this block."""
    if place.database_url:
        yield place.database_url
        return
    console.print("Starting PostgreSQL …")
    with Postgres(place.folder / "postgres") as server:
        yield server.create_database("store")


@contextmanager
def progress_bars() -> Generator[Report]:
    """A bar for each long piece of work."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=max(total, 1))
            bars.update(tasks[what], completed=done if total else 1, total=max(total, 1))

        yield report


def make_store(settings: StoreSettings, truth: Truth) -> Litestar:
    """The store with the plugin, and the truth beside it."""

    @get("/demo/truth", sync_to_thread=False)
    def tell_truth() -> dict[str, Any]:
        """What the generator knows and the plugin does not."""
        return truth.value

    return create_app(settings, routes=[tell_truth])


class Serving(uvicorn.Server):
    """A server among several: one place listens to Ctrl-C for all of them."""

    def __init__(self, app: Litestar, port: int) -> None:
        super().__init__(uvicorn.Config(app, host=HOST, port=port, log_level="warning", timeout_graceful_shutdown=5))
        self.open = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Nothing here."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As ever; then say that it listens."""
        await super().startup(sockets)
        if self.started:
            self.open.set()


@asynccontextmanager
async def stopping(servers: list[Serving]) -> AsyncGenerator[None]:
    """The first Ctrl-C or SIGTERM ends all servers in good order, the second at once."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for server in servers:
            server.force_exit = server.should_exit
            server.should_exit = True

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop)
    try:
        yield
    finally:
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)


async def run(place: Place, database_url: str) -> None:
    """Prepare what is missing, then serve until told to stop."""
    settings = place.settings(database_url)
    truth = Truth()
    with progress_bars() as report:
        await prepare(settings, origins(place), truth, report, place.scale)
    shop = Serving(make_store(settings, truth), place.port)
    provider = Serving(payment.create_app(settings.payment_secret), place.payment_port)
    async with stopping([shop, provider]):
        announcement = asyncio.create_task(announce(place, [shop, provider]))
        serving = [asyncio.create_task(server.serve()) for server in (shop, provider)]
        # Whichever ends first, for whatever reason, ends the other.
        await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
        shop.should_exit = provider.should_exit = True
        announcement.cancel()
        await asyncio.gather(*serving)


def origins(place: Place) -> dict[int, list[str]]:
    """By shop: the addresses whose pages may use the shop's publishable key."""
    found: dict[int, list[str]] = {}
    for _, shop, _, local, _ in SITES:
        found.setdefault(shop, []).append(f"http://{local}:{place.port}")
    found[SITES[0][1]].append(f"http://{HOST}:{place.port}")
    return found


async def announce(place: Place, servers: list[Serving]) -> None:
    """Addresses and logins, once they work."""
    for server in servers:
        await server.open.wait()
    base = f"http://{HOST}:{place.port}"
    console.print(f"\n[bold]The store is open:[/bold] {base}/")
    for _, _, _, local, title in SITES[1:]:
        console.print(f"  {title}: http://{local}:{place.port}/")
    console.print(f"  Admin: {base}/app   API: {base}/admin/ad-planning   Truth: {base}/demo/truth")
    console.print(f"  Logins, password [bold]{PASSWORD}[/bold]: " + ", ".join(f"{row[2]} ({row[4]})" for row in STAFF))
    console.print("  Publishable key: pk_demo")
    console.print(f"  Data: {place.folder}   Stop: Ctrl-C\n")


def main() -> int:
    """The command."""
    try:
        place = Place.from_environment()
        place.check_ports()
        for chatty in ("alembic", "httpx"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        with database_of(place) as url:
            asyncio.run(migrate_schema(url))
            asyncio.run(run(place, url))
    except (EmbeddedError, OSError) as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    console.print("Closed. Nothing is left running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
