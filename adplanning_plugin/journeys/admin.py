"""Journeys over HTTP: the list of events, entering one, a person's timeline. Thin routes; nothing is decided here."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import current_rules, parse_window
from adplanning_plugin.journeys.conversions import conversion_journey
from adplanning_plugin.journeys.questions import Day, Window
from adplanning_plugin.journeys.schemas import CSV_COLUMNS, EventTypeName, JourneyEventIn, JourneyEventOut, StageName
from adplanning_plugin.journeys.sections import scores_of
from adplanning_plugin.journeys.service import check_choice, create_event, is_conversion
from adplanning_plugin.journeys.stages import CHANNELS, EVENT_TYPES, STAGES
from adplanning_plugin.journeys.timeline import Names, Whose, events_page, names_of, summary, whose
from adplanning_plugin.journeys.timeline_sql import JourneyFilter, event_of
from adplanning_plugin.kernel.errors import NotFound
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import PII, AdminCall
from adplanning_plugin.kernel.paging import ListParams, Page
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import read_period

Channel = Annotated[str | None, QueryParameter(description="web, social, email, sms, store, or a touch's channel.")]


async def journey_filter(
    *,
    call: NamedDependency[AdminCall],
    event_type: FromQuery[EventTypeName | None] = None,
    stage: FromQuery[StageName | None] = None,
    channel: Channel = None,
    visitor_id: FromQuery[str | None] = None,
    session_id: FromQuery[str | None] = None,
    ad_campaign_id: FromQuery[str | None] = None,
    from_date: Day = None,
    to_date: Day = None,
) -> JourneyFilter:
    """Dates are days of the store's zone, the last one included, or instants."""
    period = read_period(call, from_date, to_date)
    return JourneyFilter(
        event_type=event_type,
        stage=stage,
        channel=check_choice(channel, "channel", CHANNELS),
        visitor_id=visitor_id,
        session_id=session_id,
        ad_campaign_id=ad_campaign_id,
        start=period.start,
        end=period.end,
    )


_FILTERED = {"wanted": Provide(journey_filter)}


class JourneyController(Controller):
    """What people did, event by event."""

    path = ""
    tags = ("Journeys",)

    @get(
        ["/journeys", "/journey"],
        operation_id="listJourneyEvents",
        summary="Events of all journeys",
        dependencies=_FILTERED,
    )
    async def list_events(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        wanted: NamedDependency[JourneyFilter],
        person_id: FromQuery[str | None] = None,
    ) -> Response[Any]:
        """Newest first: tracked events, touches, and what orders, leads, forms, feedback and people say.

        `q` looks in pages, names, campaigns and ids. Visitors that only claim to be a person are not that person's.
        """
        async with call.reading() as session:
            sessions: list[str] = []
            wanted = msgspec.structs.replace(wanted, q=params.q)
            if person_id is not None:
                mine = await whose(session, call.runtime, call.tenant_id, person_id)
                wanted, sessions = msgspec.structs.replace(wanted, members=mine.members), mine.sessions
            page = await events_page(session, call.runtime, call.tenant_id, wanted, params, sessions)
            names = await self._names(session, call, page)
        return list_response(call, "journeys", page, names.out, columns=CSV_COLUMNS)

    async def _names(self, session: AsyncSession, call: AdminCall, page: Page) -> Names:
        return await names_of(session, call.runtime, call.tenant_id, page.items, personal=call.allows(PII))

    @post(["/journeys", "/journey"], operation_id="createJourneyEvent", summary="Enter an event by hand")
    async def create(self, call: NamedDependency[AdminCall], data: JSONBody[JourneyEventIn]) -> Response[Any]:
        """A call, a fair, a letter: it counts as any other event, and says who entered it in the audit log."""

        async def work(session: AsyncSession) -> dict[str, Any]:
            event = await create_event(session, call.runtime, call.tenant_id, call.actor.id, data)
            await call.audit(session, "journey_event.created", "journey_event", event.id, {"type": event.event_type})
            found = (await session.execute(event_of(call.tenant_id, event.id))).all()
            names = await names_of(session, call.runtime, call.tenant_id, found, personal=call.allows(PII))
            return {"journey_event": names.out(found[0])}

        return await call.create(work, data)

    @get(
        ["/journeys/event-types", "/journey/event-types"],
        operation_id="listJourneyEventTypes",
        summary="Kinds of events, stages and channels",
    )
    async def event_types(self, call: NamedDependency[AdminCall]) -> dict[str, Any]:
        """What filters and forms may offer, with the stage and the colour of each kind."""
        del call
        kinds = [
            {"event_type": each.name, "label": each.label, "stage": each.stage, "channel": each.channel,
             "colour": each.colour, "manual": each.manual}
            for each in EVENT_TYPES.values()
        ]  # fmt: skip
        stages = [{"stage": each, "label": each.capitalize()} for each in STAGES]
        return {"event_types": kinds, "stages": stages, "channels": list(CHANNELS)}

    @get(
        ["/journeys/person/{person_id:str}", "/journey/person/{person_id:str}"],
        operation_id="getPersonJourney",
        summary="One person's timeline, what it comes to, and their scores",
        dependencies=_FILTERED,
    )
    async def person(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        person_id: FromPath[str],
        wanted: NamedDependency[JourneyFilter],
    ) -> dict[str, Any]:
        """Newest first, or `order=occurred_at`. Events of visitors that only claim to be this person are marked."""
        async with call.reading() as session:
            return await self._person(session, call, params, person_id, wanted)

    @get(
        ["/journeys/{journey_id:str}", "/journey/{journey_id:str}"],
        operation_id="getJourney",
        summary="The journey of a conversion or of a person",
    )
    async def journey(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        journey_id: FromPath[str],
        window: Window = None,
    ) -> dict[str, Any]:
        """A conversion's id: the touches that led to it. Anything else: that person's timeline."""
        async with call.reading() as session:
            if not await is_conversion(session, call.tenant_id, journey_id):
                return await self._person(session, call, params, journey_id, JourneyFilter())
            rules = await current_rules(session, call.tenant_id)
            links, days = call.runtime.get(Links), parse_window(rules, window)
            found = await conversion_journey(
                session, links, call.tenant_id, rules, journey_id, days, personal=call.allows(PII)
            )
        return {"journey": found}

    async def _person(
        self, session: AsyncSession, call: AdminCall, params: ListParams, person_id: str, wanted: JourneyFilter
    ) -> dict[str, Any]:
        runtime, tenant_id = call.runtime, call.tenant_id
        mine: Whose = await whose(session, runtime, tenant_id, person_id)
        links = runtime.get(Links)
        if links.has("person"):
            rows = links.by_ids("person", tenant_id, [person_id])
            known = await session.scalar(select(rows.c.id)) is not None
        else:
            known = False
        filtered = msgspec.structs.replace(wanted, q=params.q, members=mine.members, claimed=mine.claimed)
        everything = JourneyFilter(members=mine.members, claimed=mine.claimed)
        comes_to = await summary(session, runtime, tenant_id, mine, everything)
        if not known and not comes_to["events"]:
            raise NotFound(f"There is no person {person_id!r} with a journey, and no conversion of that id.")
        plain = ListParams(params.limit, params.offset, params.order, params.q, params.cursor)
        page = await events_page(session, runtime, tenant_id, filtered, plain, mine.sessions)
        names = await self._names(session, call, page)
        events: list[JourneyEventOut] = [names.out(row) for row in page.items]
        return {
            "person_id": person_id,
            "events": events,
            "count": page.count,
            "offset": page.offset,
            "limit": page.limit,
            "summary": {**comes_to, "visitors": len(mine.members.visitors), "claimed_visitors": len(mine.claimed)},
            "scores": await scores_of(session, runtime, tenant_id, person_id, call.actor.scopes),
        }
