"""Background: which of worker, scheduler and broker run in this process, and their start and end together."""

from __future__ import annotations

import asyncio
import signal

from adplanning_plugin.kernel.broker import Waker
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.scheduler import Scheduler


class Background:
    """`Background(runtime)` is the web process: all of it in embedded mode, only wake-ups in external mode."""

    def __init__(self, runtime: Runtime, *, works: bool | None = None, schedules: bool | None = None) -> None:
        is_web = works is None and schedules is None
        embedded = is_web and runtime.options.work.mode == "embedded"
        self._runner = Runner(runtime) if works or embedded else None
        self._scheduler = Scheduler(runtime) if schedules or embedded else None
        arrived = self._runner.nudge if self._runner else None
        self._waker = None if is_web and runtime.options.work.mode == "off" else Waker(runtime, arrived)

    async def start(self) -> None:
        """Start what belongs here; none of it needs the database or the broker to be there yet."""
        if self._runner is not None:
            await self._runner.start()
        if self._scheduler is not None:
            await self._scheduler.start()
        if self._waker is not None:
            await self._waker.start()

    async def stop(self) -> None:
        """Make no more slots, finish or give back what is in hand, and let go of the broker."""
        if self._scheduler is not None:
            await self._scheduler.stop()
        if self._runner is not None:
            await self._runner.stop()
        if self._waker is not None:
            await self._waker.stop()

    async def until_stopped(self) -> None:
        """Run until SIGTERM or SIGINT, then stop gracefully."""
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told.set)
        await self.start()
        try:
            await told.wait()
        finally:
            await self.stop()
