"""Touchpoints: landings become touches, one per session and change of (source, medium, campaign). Resolves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.channels import origin_of
from adplanning_plugin.attribution.classing import PLAIN, Classing, Reading, class_of
from adplanning_plugin.attribution.turns import turn_to_change
from adplanning_plugin.attribution.utm import campaign_key, named_only, touch_id

RESOLVABLE = "unresolved"
NOT_APPLICABLE = "not_applicable"


class Landing(msgspec.Struct, kw_only=True):
    """A point of a session at which a new touch may begin."""

    session_id: str
    key: str
    """What makes it this landing: the event's id, or the session's own."""
    visitor_id: str
    person_id: str | None = None
    occurred_at: datetime
    website_id: str | None = None
    utm: dict[str, Any] | None = None
    click_ids: dict[str, Any] | None = None
    referrer_host: str | None = None
    own_host: str | None = None
    path: str | None = None
    device: str | None = None
    browser: str | None = None
    begins: bool = True
    """Whether the session begins here: only then can it be direct."""


class Touch(msgspec.Struct, kw_only=True):
    """A touch as it is stored; field names are the table's columns."""

    id: str
    origin: str
    session_id: str | None
    visitor_id: str
    person_id: str | None
    occurred_at: datetime
    website_id: str | None
    source: str
    medium: str
    campaign: str | None
    term: str | None
    content: str | None
    campaign_key: str | None
    click_ids: dict[str, Any] | None
    referrer_host: str | None
    landing_path: str | None
    device: str | None
    browser: str | None
    channel: str
    platform: str
    is_direct: bool
    is_excluded: bool
    resolution_method: str


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What storing did: touches that are new or changed, and the visits of those that went away."""

    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    removed_visits: tuple[tuple[str, str | None, datetime], ...] = ()
    """(visitor, session, time) of removed touches."""


def touches_of(tenant_id: str, origin: str, landings: Iterable[Landing], classing: Classing = PLAIN) -> list[Touch]:
    """The touches of these sessions; landings come ordered by session, time and key, each session's all together.

    Which landings are touches is the same for every store: its own rules only say what they are.
    """
    found: list[Touch] = []
    for session_id, group in groupby(landings, key=lambda landing: landing.session_id):
        before: tuple[str, str, str | None, str | None] | None = None
        for landing in group:
            start = origin_of(landing.utm, landing.click_ids, landing.referrer_host, landing.own_host)
            if not start.is_touch or (start.is_direct and not landing.begins):
                continue
            utm = named_only(landing.utm)
            key = campaign_key(utm, landing.click_ids)
            now = (start.source, start.medium, start.campaign, key)
            if now == before:
                continue
            before = now
            term, content = utm.get("term"), utm.get("content")
            read = class_of(
                classing,
                Reading(
                    source=start.source,
                    medium=start.medium,
                    campaign=start.campaign,
                    clicks=tuple(sorted(landing.click_ids or ())),
                    referrer_host=landing.referrer_host,
                    is_tagged=bool(key or term or content),
                ),
            )
            found.append(
                Touch(
                    id=touch_id(tenant_id, origin, session_id, landing.key),
                    origin=origin,
                    session_id=session_id,
                    visitor_id=landing.visitor_id,
                    person_id=landing.person_id,
                    occurred_at=landing.occurred_at,
                    website_id=landing.website_id,
                    source=start.source,
                    medium=start.medium,
                    campaign=start.campaign,
                    term=term,
                    content=content,
                    campaign_key=key,
                    click_ids=landing.click_ids or None,
                    referrer_host=landing.referrer_host,
                    landing_path=landing.path,
                    device=landing.device,
                    browser=landing.browser,
                    channel=read.channel,
                    platform=read.platform,
                    is_direct=read.is_direct,
                    is_excluded=read.is_excluded,
                    resolution_method=RESOLVABLE if names_campaign(key, utm) else NOT_APPLICABLE,
                )
            )
    return found


def names_campaign(key: str | None, utm: dict[str, Any]) -> bool:
    """Whether there is anything to resolve: a campaign, or an ad in content or term of a tagged landing."""
    return bool(key or utm.get("content") or utm.get("term"))


_COLUMNS = """id text, origin text, session_id text, visitor_id text, person_id text, occurred_at timestamptz,
  website_id text, source text, medium text, campaign text, term text, content text, campaign_key text, click_ids jsonb,
  referrer_host text, landing_path text, device text, browser text, channel text, platform text, is_direct boolean,
  is_excluded boolean, resolution_method text"""
_NAMES = ", ".join(part.split()[0] for part in _COLUMNS.split(","))
_PLAIN = ("visitor_id", "person_id", "occurred_at", "website_id", "source", "medium", "campaign", "term", "content",
          "campaign_key", "click_ids", "referrer_host", "landing_path", "device", "browser", "channel", "platform",
          "is_direct", "is_excluded")  # fmt: skip
# What a touch resolved to stays while it still names the same campaign; a manual assignment stays in any case.
_SAME = """(t.resolution_method = 'manual' OR (t.campaign_key, t.campaign, t.term, t.content, t.platform, t.website_id)
  IS NOT DISTINCT FROM (excluded.campaign_key, excluded.campaign, excluded.term, excluded.content, excluded.platform,
  excluded.website_id))"""
_KEPT = {"resolution_method": "excluded.resolution_method", "is_resolved": "false"} | dict.fromkeys(
    ("resolution_reason", "confidence", "ad_campaign_id", "ad_set_id", "ad_id", "resolved_at"), "NULL"
)
_BEFORE, _AFTER = (", ".join(f"{row}.{name}" for name in _PLAIN) for row in ("t", "excluded"))
_UPSERT = text(
    f"""
    INSERT INTO adplanning.touchpoint AS t (tenant_id, {_NAMES})
    SELECT :tenant, {_NAMES} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r({_COLUMNS})
    ON CONFLICT (tenant_id, id) DO UPDATE SET
      {", ".join(f"{name} = excluded.{name}" for name in _PLAIN)},
      {", ".join(f"{name} = CASE WHEN {_SAME} THEN t.{name} ELSE {new} END" for name, new in _KEPT.items())},
      version = t.version + 1, updated_at = now()
    WHERE ({_BEFORE}) IS DISTINCT FROM ({_AFTER})
    RETURNING id
    """  # noqa: S608 - column names of our own; every value is a parameter
)
_REMOVE = text(
    """
    DELETE FROM adplanning.touchpoint
    WHERE tenant_id = :tenant AND origin = :origin AND session_id = ANY(CAST(:sessions AS text[]))
      AND NOT id = ANY(CAST(:ids AS text[])) AND resolution_method <> 'manual'
    RETURNING id, visitor_id, session_id, occurred_at
    """
)


async def store_touches(
    session: AsyncSession, tenant_id: str, origin: str, touches: Sequence[Touch], session_ids: Sequence[str]
) -> Stored:
    """Make these the touches of these sessions: insert, update what differs, remove what is no longer one."""
    await turn_to_change(session, tenant_id)
    values = {
        "tenant": tenant_id,
        "origin": origin,
        "sessions": list(session_ids),
        "ids": [touch.id for touch in touches],
    }
    removed = (await session.execute(_REMOVE, values)).all()
    changed: tuple[str, ...] = ()
    if touches:
        rows = msgspec.json.encode(touches).decode()
        changed = tuple((await session.execute(_UPSERT, {"tenant": tenant_id, "rows": rows})).scalars())
    return Stored(
        changed=changed,
        removed=tuple(row.id for row in removed),
        removed_visits=tuple((row.visitor_id, row.session_id, row.occurred_at) for row in removed),
    )
