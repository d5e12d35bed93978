"""Fit run: starts a fit's process, hands it the paths and passes on how far it is. It reads and stores nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from adplanning_plugin.stats.fit_process import Drawn, Fitted, Question

LONGEST_LINE = 16_000_000
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "SYSTEMROOT")
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class FitFailed(RuntimeError):
    """The process ended without an answer; the sentence is for whoever asked for the fit."""


async def run_fit(question: Question, progress: Callable[[int], Awaitable[None]]) -> Fitted:
    """Fit in a process of its own: the event loop stays free, and the process ends with whoever waits for it.

    Raises:
        FitFailed: the process ended without an answer.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "adplanning_plugin.stats.fit_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(),
        cwd=_package_root(),
        limit=LONGEST_LINE,
    )
    asked, answered, complained = process.stdin, process.stdout, process.stderr
    if asked is None or answered is None or complained is None:
        raise FitFailed("The fit's process was started without pipes.")
    said = asyncio.create_task(complained.read())
    try:
        with suppress(BrokenPipeError, ConnectionResetError):
            asked.write(msgspec.msgpack.encode(question))
            await asked.drain()
            asked.close()
        decode = msgspec.json.Decoder(Drawn | Fitted).decode
        async for raw in answered:
            line: Drawn | Fitted = decode(raw)
            if isinstance(line, Drawn):
                await progress(line.done)
                continue
            await process.wait()
            return line
        code = await process.wait()
        raise FitFailed(_sentence(code, (await said).decode(errors="replace")))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        said.cancel()


def _environment() -> dict[str, str]:
    """What Python needs to start, and none of the host's secrets; one thread, so that a fit takes one core at most."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    paths = [str(_package_root()), *filter(None, [kept.get("PYTHONPATH")])]
    return {**kept, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(paths)}


def _package_root() -> Path:
    return Path(__file__).resolve().parents[2]


def _sentence(code: int, errors: str) -> str:
    if code < 0:
        return f"The fit's process was ended by signal {-code}; where that is 9, the machine was short of memory."
    last = errors.strip().splitlines()[-1:] or ["it said nothing"]
    return f"The fit's process failed: {last[0][:300]}."
