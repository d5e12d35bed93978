"""One process of the store: `python -m tests.faults.process web PORT`, or `worker` or `scheduler` by the command line.

It ends itself when whoever started it is gone, however that went.
"""

from __future__ import annotations

import os
import sys
import threading
import time

APP = "tests.faults.store"


def leave_with(parent: int) -> None:
    """A thread that ends this process half a second after its parent."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(3)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    kind, parent, *rest = sys.argv[1:]
    leave_with(int(parent))
    if kind == "web":
        import uvicorn

        uvicorn.run(
            f"{APP}:create_app", factory=True, host="127.0.0.1", port=int(rest[0]), log_level="warning",
            access_log=False, backlog=2048,
        )  # fmt: skip
        return 0
    from adplanning_plugin.cli import main as command

    return command([kind, "--app", f"{APP}:plugin"])


if __name__ == "__main__":
    sys.exit(main())
