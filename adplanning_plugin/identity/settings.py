"""Settings of identity: what links, and how many visitors may become one. What they mean is done elsewhere."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import SettingsSection, load

MAX_VISITORS = 50
"""Visitors one address may be linked to; beyond it is a shared mailbox, a till, or a test address."""
FORMS_CHANGED = "identity.forms_changed"
"""The event of a store that changed what an address in a form is worth."""


class IdentitySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who counts as one, and how an order without a visit of its own finds that of its buyer."""

    visit_hours_before_order: Annotated[int, msgspec.Meta(ge=0, le=720)] = 24
    """A known visitor's session that began within these hours before the order is the order's; 0 turns it off."""
    form_email_links: Literal["claimed", "confirmed"] = "claimed"
    """claimed: an address in a form shows its visits on that person's page, and counts for nothing until a login, an
    order or an operator confirms it; confirmed: it counts at once, like the address of an order."""
    most_visitors_of_email: Annotated[int, msgspec.Meta(ge=2, le=2_000)] = MAX_VISITORS
    """An address seen with more visitors than that is a shared mailbox, and links nobody."""
    most_visitors_of_person: Annotated[int, msgspec.Meta(ge=2, le=5_000)] = 200
    """A person seen with more visitors than that is a shared login, and links nobody."""
    most_addresses_of_visitor: Annotated[int, msgspec.Meta(ge=1, le=500)] = 10
    """A browser seen with more addresses than that is a till or a shared computer, and links none of them."""
    most_visitors_together: Annotated[int, msgspec.Meta(ge=2, le=10_000)] = 500
    """Where addresses would join more visitors than that by each other, the one with most of them links nobody."""


async def settings_of(session: AsyncSession, tenant_id: str) -> IdentitySettings:
    """The store's settings."""
    return (await load(session, tenant_id, IdentitySettings))[0]


async def _changed(session: AsyncSession, runtime: Runtime, tenant_id: str, old: Any, new: IdentitySettings) -> None:
    """What an address in a form is worth changes for those that are known already, too."""
    if old is None or old.form_email_links != new.form_email_links:
        await publish(session, runtime, tenant_id, FORMS_CHANGED, {"id": new.form_email_links})


IDENTITY_SECTION = SettingsSection(key="identity", type=IdentitySettings, title="Who is who", on_change=_changed)
