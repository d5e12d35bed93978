"""Broker: carries "there is work" from the process that committed it to a worker. It carries no work, and may lose any.

taskiq-redis 1.2.4 does not reclaim a killed worker's message while its stream is idle, and redelivers what runs longer
than `idle_timeout`: neither matters for a task that takes microseconds and that PostgreSQL does not depend on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.work import Work

if TYPE_CHECKING:
    from taskiq import AsyncBroker

TASK = "adplanning.wake"
STREAM_LENGTH = 10_000
SEND_SECONDS = 2.0
GATHER_SECONDS = 0.02
"""Commits that follow each other this closely share a message."""
LONGEST_PAUSE = 5.0


def make_broker(runtime: Runtime) -> AsyncBroker:
    """The host's broker, a Redis stream where `Options.work.redis_url` is set, else one inside this process."""
    provided = cast("AsyncBroker | None", runtime.hooks.hook.provide_broker())
    if provided is not None:
        return provided
    from taskiq import InMemoryBroker
    from taskiq.serializers import JSONSerializer

    if not runtime.options.work.redis_url:
        return InMemoryBroker(max_stored_results=1)
    from taskiq_redis import RedisStreamBroker

    return RedisStreamBroker(
        runtime.options.work.redis_url,
        queue_name="adplanning",
        consumer_group_name="adplanning",
        consumer_name=f"{socket.gethostname()}-{os.getpid()}",
        maxlen=STREAM_LENGTH,
        xread_block=2_000,
        idle_timeout=60_000,
        unacknowledged_lock_timeout=10.0,
        socket_connect_timeout=SEND_SECONDS,
        socket_timeout=10.0,  # longer than xread_block, or every quiet moment would be an error
    ).with_serializer(JSONSerializer())


class Waker:
    """Sends a message after commits, and calls back when one arrives; both go on by themselves after an outage."""

    def __init__(self, runtime: Runtime, arrived: Callable[[], None] | None = None) -> None:
        self._runtime = runtime
        self._arrived = arrived
        self._wanted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribe: Callable[[], None] | None = None
        self._broker: AsyncBroker | None = None
        self._is_away = False

    async def start(self) -> None:
        """Begin to send, and to listen where someone wants to be called; returns whether or not the broker is there."""
        self._broker = broker = make_broker(self._runtime)
        logging.getLogger("taskiq.receiver.receiver").addFilter(_is_worth_a_line)

        async def wake() -> None:
            if self._arrived is not None:
                self._arrived()

        task = broker.register_task(wake, task_name=TASK)
        self._unsubscribe = self._runtime.get(Work).on_nudge(self._wanted.set)
        self._tasks.append(asyncio.create_task(self._send(task), name="adplanning-kick"))
        if self._arrived is not None and not _is_in_process(broker):
            self._tasks.append(asyncio.create_task(self._listen(broker), name="adplanning-listen"))

    async def stop(self) -> None:
        """Send and listen no more."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._broker is not None:
            with suppress(Exception):  # the server may be gone
                await asyncio.wait_for(self._broker.shutdown(), SEND_SECONDS)

    async def _send(self, task: Any) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await asyncio.wait_for(task.kiq(), SEND_SECONDS)
                self._is_away = False
            except Exception as problem:  # noqa: BLE001 - the beat finds the work; the sender must not end
                self._say("wake-ups cannot be sent", problem)
            await asyncio.sleep(GATHER_SECONDS)

    async def _listen(self, broker: AsyncBroker) -> None:
        from taskiq.receiver import Receiver

        pause = 0.25
        broker.is_worker_process = True
        with ThreadPoolExecutor(1) as executor:
            while True:
                try:
                    await broker.startup()  # makes the consumer group again after a flush
                    pause = 0.25
                    receiver = Receiver(broker, executor=executor, run_startup=False, max_async_tasks=10)
                    await receiver.listen(asyncio.Event())
                except Exception as problem:  # noqa: BLE001 - an outage, or a flushed group: begin again
                    self._say("the broker is not listened to", problem)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    def _say(self, what: str, problem: Exception) -> None:
        """Once an outage, not once a message."""
        if not self._is_away:
            self._runtime.log.warning("%s (%s); the beat goes on", what, type(problem).__name__)
        self._is_away = True


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """taskiq tells of each message at level INFO, which here is each commit; the host's own tasks are none of ours."""
    return record.levelno > logging.INFO or not (isinstance(record.args, tuple) and TASK in record.args)


def _is_in_process(broker: AsyncBroker) -> bool:
    from taskiq import InMemoryBroker

    return isinstance(broker, InMemoryBroker)
