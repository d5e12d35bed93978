"""`python -m tests.chaos [n] [seed]`: n faults, drawn by a seed; exit status 1 where anything was lost or doubled.

Traffic stays on 127.0.0.1. Whatever happens here, no process is left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from adplanning_plugin.embedded import Postgres, Valkey
from tests.chaos.rounds import Chaos, Report
from tests.databases import TEST_SETTINGS, PostgresServer, make_template, prepare
from tests.faults.fleet import Fleet, Receiver
from tests.faults.store import make_store


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="./run chaos", description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=200, help="how many faults (default 200)")
    parser.add_argument("seed", nargs="?", type=int, default=None, help="repeat the faults of an earlier run")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    print(f"seed {seed}: {options.rounds} faults (the same again: ./run chaos {options.rounds} {seed})", flush=True)
    with tempfile.TemporaryDirectory(prefix="adplanning-chaos-") as folder:
        log = Path(folder) / "log"
        try:
            report = _run(options.rounds, seed, log)
        except KeyboardInterrupt:
            return 130
        except BaseException:
            _show(log)
            raise
        print(report.closing(), flush=True)
        if not report.is_good:
            _show(log)
    return 0 if report.is_good else 1


def _show(log: Path) -> None:
    if log.exists():
        print("What the processes said last:\n" + log.read_text(errors="replace")[-8_000:], file=sys.stderr)


def _run(rounds: int, seed: int, log: Path) -> Report:
    with Postgres(settings=TEST_SETTINGS) as postgres, Valkey() as valkey, log.open("wb") as said:
        server = PostgresServer.of(postgres)
        prepare(server)
        make_template(server, "chaos_template")
        url = server.create("chaos", "chaos_template")
        receiver = Receiver()
        fleet = Fleet(
            url,
            said,
            ADPLANNING_WORK_MODE="external",
            ADPLANNING_WORK_REDIS_URL=valkey.url(),
            FAULTS_RECEIVER=receiver.url,
        )
        try:

            async def play() -> Report:
                await make_store(url)
                return await Chaos(url, fleet, postgres, valkey, receiver, seed).run(rounds)

            return asyncio.run(play())
        finally:
            fleet.close()
            receiver.close()


if __name__ == "__main__":
    sys.exit(main())
