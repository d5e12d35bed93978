"""`python -m tests.bench [section …]`: runs the sections, prints their tables and writes RESULTS.md."""

from __future__ import annotations

import importlib
import sys
import time
import traceback

from tests.bench.harness import BenchError, table, write

SECTIONS = {
    "imports": "what importing the plugin costs a host",
    "ingest": "the public endpoint under load",
    "attribution": "credit and campaign resolution",
    "incremental": "credit grown event by event against a rebuild",
    "resolution": "mistyped campaign names",
    "markov": "data-driven attribution models",
    "fit": "data-driven fits from the database",
    "intent": "credit against the truth of a simulation",
    "journeys": "funnels and paths",
    "customers": "a person's profile and interactions",
    "dashboard": "dashboard, reports and admin lists",
    "pages": "the admin pages in a browser",
}


def main(arguments: list[str]) -> int:
    wanted = arguments or list(SECTIONS)
    unknown = [name for name in wanted if name not in SECTIONS]
    if unknown:
        listed = "".join(f"\n  {name:12} {what}" for name, what in SECTIONS.items())
        print(f"There is no section {unknown[0]!r}. The sections are:{listed}", file=sys.stderr)
        return 2
    failed = 0
    for name in wanted:
        print(f"== {name}: {SECTIONS[name]}", flush=True)
        began = time.monotonic()
        try:
            section = importlib.import_module(f"tests.bench.{name}").run()
        except BenchError as problem:
            print(f"   not measured: {problem}", file=sys.stderr)
            failed += 1
            continue
        except Exception:  # noqa: BLE001 - the sections behind it are measured all the same
            traceback.print_exc()
            failed += 1
            continue
        section.note(f"The section took {time.monotonic() - began:.0f} s.")
        write(section)
        print(table(section), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
