"""Limits: token buckets per client address and per key, in bounded memory of one process. It knows no routes."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address


class Limiter:
    """Token buckets that refill steadily; the least recently used one is forgotten when there are too many."""

    def __init__(
        self, per_minute: float, *, capacity: int = 20_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = per_minute / 60
        self._burst = float(per_minute)
        self._capacity = capacity
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, cost: int) -> int:
        """Take `cost` tokens from the bucket `name`.

        Returns:
            0 when they were there, else the whole seconds until they will be (nothing is taken then).
        """
        now = self._clock()
        tokens, at = self._buckets.pop(name, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._rate)
        # A cost above a full bucket is let through by a full one: else a batch could never pass a small limit.
        wanted = min(float(cost), self._burst)
        granted = tokens >= wanted
        self._buckets[name] = (tokens - wanted if granted else tokens, now)
        if len(self._buckets) > self._capacity:
            self._buckets.popitem(last=False)
        return 0 if granted else max(1, math.ceil((wanted - tokens) / self._rate))

    def __len__(self) -> int:
        return len(self._buckets)


def client_address(peer: str | None, forwarded: str | None, trusted_proxies: int) -> str:
    """The client behind `trusted_proxies` proxies that each append to X-Forwarded-For; never what the client claims.

    An IPv6 client is its /64, since one subscriber holds all of it.
    """
    address = peer or ""
    if trusted_proxies > 0 and forwarded:
        hops = [hop.strip() for hop in forwarded.split(",")]
        address = hops[-trusted_proxies] if len(hops) >= trusted_proxies else hops[0]
    return _network(address[:64])


@lru_cache(maxsize=4_096)
def _network(address: str) -> str:
    try:
        parsed = ip_address(address.strip("[]"))
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
