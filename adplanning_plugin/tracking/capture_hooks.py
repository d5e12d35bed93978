"""What capture registers with the plugin: tables, routes, services, the session reader, settings and health."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

from litestar import Router
from litestar.types import ControllerRouterHandler
from sqlalchemy import Table

from adplanning_plugin.hookspecs import PersonalData, hookimpl
from adplanning_plugin.kernel.health import HealthCheck
from adplanning_plugin.kernel.models import SCHEMA, Base
from adplanning_plugin.kernel.openapi import RawRoutes
from adplanning_plugin.kernel.problems import problem_handlers
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import SettingsSection
from adplanning_plugin.kernel.watermark import Streams
from adplanning_plugin.tracking.api import describe
from adplanning_plugin.tracking.capture import counts as captured
from adplanning_plugin.tracking.claim_route import claim_route
from adplanning_plugin.tracking.dropped import Dropped
from adplanning_plugin.tracking.edges import settle
from adplanning_plugin.tracking.flush import Flusher
from adplanning_plugin.tracking.gate import Gate
from adplanning_plugin.tracking.ingest import public_routes
from adplanning_plugin.tracking.models import CheckoutBinding, DroppedTraffic, Event, OrderVisit, Session
from adplanning_plugin.tracking.presence import Visits
from adplanning_plugin.tracking.privacy import PRIVACY_SECTION, Privacy
from adplanning_plugin.tracking.script import script_route
from adplanning_plugin.tracking.stream import SESSION_READER

_MODELS = (Event, Session, CheckoutBinding, OrderVisit, DroppedTraffic)


class CaptureHooks:
    """Capture as a plugin; leaving it out removes it and nothing else."""

    @hookimpl
    def register_models(self) -> Sequence[Table]:
        """Events, sessions, what binds an order to a visit, and sums of what was dropped."""
        return [Base.metadata.tables[f"{SCHEMA}.{model.__tablename__}"] for model in _MODELS]

    @hookimpl
    def register_web_routes(self, runtime: Runtime) -> Sequence[ControllerRouterHandler]:
        """The script; the raw endpoints go to the app itself (`app_routes`)."""
        return capture_routes(runtime)

    @hookimpl
    def register_settings(self) -> Sequence[SettingsSection]:
        """What holds for visitors who were never asked."""
        return [PRIVACY_SECTION]

    @hookimpl
    def register_personal_data(self) -> Sequence[PersonalData]:
        """An erasure deletes a person's visits, and cuts the orders' ties to them."""
        visit = ("visitor_id", "session_id")
        page = ("url", "referrer", "click_ids")
        of_visit = (("visitor_id", "visitor"), ("session_id", "session"))
        return [
            PersonalData(
                table="adplanning.event",
                columns=(*visit, *page, "path", "properties"),
                erase="delete",
                found_by=of_visit,
            ),
            PersonalData(
                table="adplanning.session",
                columns=("id", "visitor_id", "landing_url", *page[1:]),
                erase="delete",
                found_by=(("visitor_id", "visitor"), ("id", "session")),
            ),
            PersonalData(table="adplanning.checkout_binding", columns=visit, erase="delete", found_by=of_visit),
            PersonalData(
                table="adplanning.order_visit",
                columns=visit,
                erase="pseudonymise",
                found_by=(*of_visit, ("order_id", "order")),
                why="What consent an order was placed under, and how its visit was found, stays with the order.",
            ),
        ]

    @hookimpl
    def health_checks(self, runtime: Runtime) -> Sequence[HealthCheck]:  # noqa: ARG002
        """How many events wait, and what became of the others."""
        return [HealthCheck(name="ingest", run=_ingest_health)]

    @hookimpl(tryfirst=True)
    def on_startup(self, runtime: Runtime) -> None:
        """Services, and the session reader before those that build on sessions."""
        start_capture(runtime)
        if runtime.options.ingest.freeze_garbage_collector:
            gc.collect()
            gc.freeze()

    @hookimpl
    async def on_shutdown(self, runtime: Runtime) -> None:
        """Nothing queued is left behind."""
        await stop_capture(runtime)
        if runtime.options.ingest.freeze_garbage_collector:
            gc.unfreeze()


def capture_routes(runtime: Runtime) -> list[ControllerRouterHandler]:
    """Routes for the public router: the script, where its path lies under `Options.paths.web`."""
    path = _script_below_web(runtime)
    return [] if path is None else [script_route(runtime, path)]


def app_routes(runtime: Runtime) -> list[ControllerRouterHandler]:
    """Routes for the app itself: the raw endpoints, and the script where its path lies elsewhere.

    The raw endpoints do their own checks; the guards of the public router would cost them a tenth of their speed.
    """
    raw = RawRoutes(describe([*public_routes(runtime), claim_route(runtime)]))
    runtime.put(raw)
    routes: list[ControllerRouterHandler] = [
        Router(
            runtime.options.paths.web,
            route_handlers=raw,
            exception_handlers=problem_handlers(),
            include_in_schema=False,
        )
    ]
    if _script_below_web(runtime) is None:
        routes.append(script_route(runtime, runtime.options.paths.script))
    return routes


def _script_below_web(runtime: Runtime) -> str | None:
    web, path = runtime.options.paths.web.rstrip("/"), runtime.options.paths.script
    return path[len(web) :] if path.startswith(f"{web}/") else None


def start_capture(runtime: Runtime) -> None:
    """Put capture's services into the runtime; call it at start-up, on the loop that serves."""
    runtime.put(Privacy(runtime))
    runtime.put(Flusher(runtime))
    runtime.put(Dropped(runtime))
    runtime.put(Gate(runtime))
    runtime.put(Visits(runtime))
    if runtime.has(Streams) and SESSION_READER not in runtime.get(Streams).readers:
        runtime.get(Streams).add(SESSION_READER)


async def stop_capture(runtime: Runtime) -> None:
    """Write what is queued before the pool closes."""
    await settle()
    if runtime.has(Flusher):
        await runtime.get(Flusher).drain()
        await runtime.get(Dropped).write()


async def _ingest_health(runtime: Runtime) -> dict[str, Any]:
    flusher, gate = runtime.get(Flusher), runtime.get(Gate)
    limit = runtime.options.ingest.queue_limit
    full = flusher.waiting > limit // 2
    detail = f"{flusher.waiting} of {limit} events wait to be stored." if full else "Events are stored as they come."
    counts = {**flusher.counts, **gate.counts, **captured}
    return {"status": "warn" if full else "ok", "detail": detail, "waiting": flusher.waiting, **counts}
