"""Privacy settings of a tenant, kept in memory for requests that must not wait for the database."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import SettingsSection, load
from adplanning_plugin.tracking.consent import ANALYTICS, EVERYTHING

_FRESH_SECONDS = 15.0


class PrivacySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for visitors who were never asked; the default is the cautious one."""

    unknown_consent: Literal["denied", "analytics", "granted"] = "denied"
    """denied: they count in aggregate only; analytics: visits are joined to orders; granted: every purpose."""


_BITS = {"denied": 0, "analytics": ANALYTICS, "granted": EVERYTHING}


class Privacy:
    """The last known settings of each tenant; refreshed in the background, at most every 15 seconds."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._bits: dict[str, tuple[int, float]] = {}
        self._loading: dict[str, asyncio.Task[None]] = {}

    def unknown_bits(self, tenant_id: str) -> int:
        """Purposes granted to a visitor who was not asked, as far as is known now; never waits."""
        bits, at = self._bits.get(tenant_id, (0, float("-inf")))
        if time.monotonic() - at > _FRESH_SECONDS:
            self._refresh(tenant_id)
        return bits

    async def settled_bits(self, tenant_id: str) -> int:
        """As `unknown_bits`, but the first question about a tenant waits for the answer."""
        if tenant_id not in self._bits:
            await asyncio.shield(self._refresh(tenant_id))
        return self.unknown_bits(tenant_id)

    async def changed(
        self, session: AsyncSession, runtime: Runtime, tenant_id: str, old: Any, new: PrivacySettings
    ) -> None:
        """A setting was saved: forget what was known, in this process; others notice within 15 seconds."""
        del session, runtime, old, new
        self._bits.pop(tenant_id, None)

    def _refresh(self, tenant_id: str) -> asyncio.Task[None]:
        task = self._loading.get(tenant_id)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._load(tenant_id), name="adplanning-privacy")
            self._loading[tenant_id] = task
            task.add_done_callback(lambda _: self._loading.pop(tenant_id, None))
        return task

    async def _load(self, tenant_id: str) -> None:
        known = self._bits.get(tenant_id, (0, 0.0))[0]
        try:
            async with asyncio.timeout(2), self._runtime.database.reading(tenant_id) as session:
                settings, _ = await load(session, tenant_id, PrivacySettings)
            known = _BITS[settings.unknown_consent]
        except Exception as error:  # noqa: BLE001 - without the setting the last known, or the cautious, answer holds
            self._runtime.log.warning("privacy settings not read: %s", type(error).__name__)
        self._bits[tenant_id] = (known, time.monotonic())


async def _forget(session: AsyncSession, runtime: Runtime, tenant_id: str, old: Any, new: Any) -> None:
    if runtime.has(Privacy):
        await runtime.get(Privacy).changed(session, runtime, tenant_id, old, new)


PRIVACY_SECTION = SettingsSection(key="privacy", type=PrivacySettings, title="Privacy", on_change=_forget)
