"""The embedded Valkey: a real client talks to it, and kills, restarts and flushes do what they say."""

from pathlib import Path

import pytest
import redis.asyncio
from redis.exceptions import AuthenticationError

from adplanning_plugin.embedded import Valkey


async def test_a_client_reads_what_it_wrote_until_it_is_flushed(valkey_server: Valkey) -> None:
    async with redis.asyncio.from_url(valkey_server.url()) as client:
        await client.set("wake", "now")
        assert await client.get("wake") == b"now"
        valkey_server.flush()
        assert await client.get("wake") is None


async def test_streams_are_there(valkey_server: Valkey) -> None:
    async with redis.asyncio.from_url(valkey_server.url()) as client:
        await client.xadd("jobs", {"id": "1"}, maxlen=10)
        assert await client.xlen("jobs") == 1


async def test_a_stranger_is_refused(valkey_server: Valkey) -> None:
    async with redis.asyncio.Redis(port=valkey_server.port) as client:
        with pytest.raises(AuthenticationError):
            await client.get("wake")


async def test_an_append_only_server_remembers_over_a_restart_and_others_do_not() -> None:
    for append_only, remembered in ((True, b"1"), (False, None)):
        with Valkey(append_only=append_only) as server:
            async with redis.asyncio.from_url(server.url()) as client:
                await client.set("kept", "1")
            server.restart()
            async with redis.asyncio.from_url(server.url()) as client:
                assert await client.get("kept") == remembered


async def test_it_comes_back_on_its_port_after_a_kill() -> None:
    with Valkey() as server:
        port = server.port
        server.kill()
        assert not server.running
        server.start()
        assert server.port == port
        async with redis.asyncio.from_url(server.url()) as client:
            assert await client.ping()


def test_stop_leaves_nothing_behind() -> None:
    server = Valkey().start()
    pid, data = server.pid, server.data_dir
    server.stop()
    assert not Path(f"/proc/{pid}").exists()
    assert not data.exists()
