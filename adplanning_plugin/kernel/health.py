"""Health: what `/health` asks, and the checks of the kernel itself. It reports; it repairs nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from adplanning_plugin.kernel.runtime import Runtime

Status = Literal["ok", "warn", "fail"]


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One question: `run(runtime)` answers `{"status": "ok"|"warn"|"fail", "detail": "a sentence"}` and figures."""

    name: str
    run: Callable[[Runtime], Awaitable[dict[str, Any]]]
