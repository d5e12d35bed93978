"""Settings: typed sections of a tenant, merged over their defaults, versioned. What a section means is its domain's."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.days import now
from adplanning_plugin.kernel.errors import ConfigurationError, Conflict, Invalid, NotFound
from adplanning_plugin.kernel.sentences import body_errors
from adplanning_plugin.kernel.tables import SettingRow

if TYPE_CHECKING:
    from adplanning_plugin.kernel.runtime import Runtime

log = logging.getLogger("adplanning.settings")
S = TypeVar("S", bound=msgspec.Struct)
OnChange = Callable[[AsyncSession, "Runtime", str, Any, Any], Awaitable[None]]
_KEYS: dict[type[msgspec.Struct], str] = {}


class SettingsSection(msgspec.Struct, frozen=True, kw_only=True):
    """A section: its key, a struct whose every field has a default, and what to do in the transaction of a change."""

    key: str
    type: type[msgspec.Struct]
    title: str
    on_change: OnChange | None = None
    """`async (session, runtime, tenant_id, old, new)`."""

    def __post_init__(self) -> None:
        required = [field.name for field in msgspec.structs.fields(self.type) if field.required]
        if required:
            message = f"Settings section {self.key!r} needs a default for {', '.join(required)}."
            raise ConfigurationError(message)
        if _KEYS.setdefault(self.type, self.key) != self.key:
            raise ConfigurationError(f"{self.type.__name__} is the type of two settings sections: give each its own.")


def sections(runtime: Runtime) -> dict[str, SettingsSection]:
    """Every registered section by key.

    Raises:
        ConfigurationError: two plugins register the same key.
    """
    from adplanning_plugin.kernel.work import registered

    found: dict[str, SettingsSection] = {}
    owners: dict[str, str] = {}
    for owner, section in registered(runtime, "register_settings"):
        if section.key in found:
            message = f"Settings section {section.key!r} is registered by {owners[section.key]} and by {owner}."
            raise ConfigurationError(message)
        found[section.key], owners[section.key] = section, owner
    return found


async def load(session: AsyncSession, tenant_id: str, section: type[S]) -> tuple[S, int]:
    """The tenant's values over the defaults, and their version (0 where nothing was ever saved)."""
    stored = await _row(session, tenant_id, _key(section))
    if stored is None:
        return section(), 0
    return _merged(section, stored.value), stored.version


async def saved_at(session: AsyncSession, tenant_id: str, section: type[msgspec.Struct]) -> datetime | None:
    """When the section was last saved."""
    stored = await _row(session, tenant_id, _key(section))
    return None if stored is None else stored.updated_at


async def save(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    section: SettingsSection,
    changes: Mapping[str, Any],
    version: int | None,
) -> tuple[msgspec.Struct, msgspec.Struct, int]:
    """Change fields of a section in the caller's transaction; returns the old value, the new one and its version.

    Raises:
        Invalid: a field that does not exist or does not fit.
        Conflict: `version` is given and somebody saved since.
    """
    held = await _row(session, tenant_id, section.key, lock=True)
    current = 0 if held is None else held.version
    if version is not None and version != current:
        raise stale(version, current)
    old = _merged(section.type, held.value if held else {})
    errors = body_errors(section.type, dict(changes))
    if errors:
        raise Invalid(*errors)
    wanted = {**_builtins(old), **changes}
    errors = body_errors(section.type, wanted)
    if errors:
        raise Invalid(*errors)
    new = msgspec.convert(wanted, section.type, strict=False)
    value = _builtins(new)
    row = {"tenant_id": tenant_id, "section": section.key, "value": value, "version": current + 1}
    if held is None:
        made = insert(SettingRow).values(row).on_conflict_do_nothing().returning(SettingRow.version)
        if (await session.execute(made)).scalar_one_or_none() is None:
            raise stale(0, 1)
    else:
        held.value, held.version = value, current + 1
        held.updated_at = now()
        await session.flush()
    if section.on_change is not None and new != old:
        await section.on_change(session, runtime, tenant_id, old, new)
    return old, new, current + 1


def stale(given: int, current: int) -> Conflict:
    """The 409 of a version that is no longer the current one."""
    message = f"Version {given} is stale: the current one is {current}. Read it again, then repeat the change."
    return Conflict(message, code="stale_version")


def section_of(known: Mapping[str, SettingsSection], key: str) -> SettingsSection:
    """A section by key, or `NotFound`."""
    if key not in known:
        raise NotFound(f"There is no settings section {key!r}; there are {', '.join(sorted(known)) or 'none'}.")
    return known[key]


async def _row(session: AsyncSession, tenant_id: str, key: str, *, lock: bool = False) -> SettingRow | None:
    found = select(SettingRow).where(SettingRow.tenant_id == tenant_id, SettingRow.section == key)
    found = found.execution_options(populate_existing=True)
    return (await session.execute(found.with_for_update() if lock else found)).scalar_one_or_none()


def _key(section: type[msgspec.Struct]) -> str:
    if section not in _KEYS:
        message = f"{section.__name__} has no SettingsSection: make one and return it from register_settings."
        raise ConfigurationError(message)
    return _KEYS[section]


def _merged(section: type[S], stored: Mapping[str, Any]) -> S:
    """Stored values over the defaults; what an older version stored and this one does not take falls back to them."""
    known = {field.encode_name: field.type for field in msgspec.structs.fields(section)}
    kept: dict[str, Any] = {}
    for name, value in stored.items():
        if name not in known:
            continue
        try:
            kept[name] = msgspec.to_builtins(msgspec.convert(value, known[name], strict=False))
        except msgspec.ValidationError:
            log.warning("a stored setting no longer fits and its default holds", extra={"setting": name})
    try:
        return msgspec.convert(kept, section, strict=False)
    except msgspec.ValidationError:
        log.warning("a stored section no longer fits and its defaults hold", extra={"section": section.__name__})
        return section()


def _builtins(value: msgspec.Struct) -> dict[str, Any]:
    return msgspec.to_builtins(value, str_keys=True)
