"""Fits of the data-driven model over HTTP: ask for one, see what it says and what it rests on."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.adoption import adopt, withdraw
from adplanning_plugin.attribution.fit_models import Fit
from adplanning_plugin.attribution.fit_schemas import NewFit, fit_out, fit_rows, wanted_fit
from adplanning_plugin.attribution.fit_settings import DataDrivenSettings
from adplanning_plugin.attribution.fits import request_fit
from adplanning_plugin.attribution.rules import rule_state
from adplanning_plugin.kernel import settings as kernel_settings
from adplanning_plugin.kernel.errors import NotFound
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import MANAGE, AdminCall, scope
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.stats.data_driven import EXTRA, installed


class FitController(Controller):
    """Data-driven credit: how it was fitted, on what, and which fit is in use."""

    path = "/attribution/data-driven"
    tags = ("Attribution",)

    @get("/", operation_id="getDataDriven", summary="The data-driven model: the fit in use, the latest, the running")
    async def overview(self, call: NamedDependency[AdminCall]) -> dict[str, Any]:
        """Each is null where there is none; `installed` says whether the extra is there that fitting takes."""
        newest = fit_rows(call.tenant_id).order_by(Fit.created_at.desc(), Fit.id.desc()).limit(1)
        async with call.reading() as session:
            settings, version = await kernel_settings.load(session, call.tenant_id, DataDrivenSettings)
            used, building = await _in_use(session, call.tenant_id)
            found: dict[str, Any] = {}
            for name, statement in {
                "adopted": fit_rows(call.tenant_id).where(Fit.id == used),
                "adopting": fit_rows(call.tenant_id).where(Fit.id == building),
                "latest": newest.where(Fit.status.in_(("done", "insufficient_data"))),
                "running": newest.where(Fit.status.in_(("pending", "running"))),
            }.items():
                row = (await session.execute(statement)).first()
                found[name] = None if row is None else fit_out(row, used, building)
            if found["running"] and found["running"]["status"] == "failed":
                found["running"] = None
        return {
            "data_driven": {
                **found,
                "installed": installed(),
                "extra": EXTRA,
                "settings": settings,
                "settings_version": version,
            }
        }

    @get("/fits", operation_id="listDataDrivenFits", summary="Fits that were made or asked for")
    async def fits(self, call: NamedDependency[AdminCall], params: NamedDependency[ListParams]) -> Response[Any]:
        """Newest first; too little data is an answer, with what is missing."""
        async with call.reading() as session:
            used, building = await _in_use(session, call.tenant_id)
            page = await paginate(
                session,
                fit_rows(call.tenant_id),
                params,
                sortable={"created_at": Fit.created_at, "finished_at": Fit.finished_at, "algorithm": Fit.algorithm},
                default="-created_at",
                tiebreak=Fit.id,
            )
        return list_response(call, "fits", page, lambda row: fit_out(row, used, building))

    @get("/fits/{fit_id:str}", operation_id="getDataDrivenFit", summary="One fit")
    async def fit(self, call: NamedDependency[AdminCall], fit_id: FromPath[str]) -> dict[str, Any]:
        """With the progress of one that is being made."""
        async with call.reading() as session:
            return {"fit": await _out(session, call.tenant_id, fit_id)}

    @post("/fits", operation_id="createDataDrivenFit", summary="Fit the data-driven model", status_code=202)
    async def create(self, call: NamedDependency[AdminCall], data: JSONBody[NewFit | None] = None) -> Response[Any]:
        """Answers at once; the fit shows its progress, and what came of it. Credit stays as it is until adoption."""
        given = data or NewFit()

        async def work(session: AsyncSession) -> dict[str, Any]:
            settings, _ = await kernel_settings.load(session, call.tenant_id, DataDrivenSettings)
            wanted = wanted_fit(given, settings, call.tenant)
            fit = await request_fit(session, call.runtime, call.tenant, wanted, call.actor.id)
            await call.audit(session, "data_driven.fit_requested", "fit", fit.id, {"algorithm": fit.algorithm})
            return {"fit": await _out(session, call.tenant_id, fit.id)}

        return await call.create(work, given, status=202)

    @post(
        "/fits/{fit_id:str}/adopt",
        operation_id="adoptDataDrivenFit",
        summary="Share credit by this fit",
        guards=[scope(MANAGE)],
        status_code=202,
    )
    async def adopt(self, call: NamedDependency[AdminCall], fit_id: FromPath[str]) -> dict[str, Any]:
        """Answers at once: the new rule version is built beside the one in use, and takes its place when complete."""
        async with call.transaction() as session:
            state = await adopt(session, call.runtime, call.tenant_id, fit_id, call.actor.id)
            await call.audit(session, "data_driven.adopted", "fit", fit_id, {"rule_version": state.newest.version})
            return {"fit": await _out(session, call.tenant_id, fit_id), "rule_version": state.newest.version}

    @delete(
        "/adoption",
        operation_id="withdrawDataDrivenFit",
        summary="Stop using the data-driven model",
        guards=[scope(MANAGE)],
        status_code=200,
    )
    async def withdraw(self, call: NamedDependency[AdminCall]) -> dict[str, Any]:
        """The fit stays, and can be adopted again; refused while data_driven is the store's default model."""
        async with call.transaction() as session:
            fit_id = await withdraw(session, call.runtime, call.tenant_id)
            await call.audit(session, "data_driven.withdrawn", "fit", fit_id)
        return {"id": fit_id, "object": "adoption", "deleted": True}


async def _in_use(session: AsyncSession, tenant_id: str) -> tuple[str | None, str | None]:
    """Ids of the fit that credit is shared by, and of the one whose credit is being computed."""
    state = await rule_state(session, tenant_id)
    building = None if state.building is None else state.building.fit_id
    return state.active.fit_id, None if building == state.active.fit_id else building


async def _out(session: AsyncSession, tenant_id: str, fit_id: str) -> dict[str, Any]:
    row = (await session.execute(fit_rows(tenant_id).where(Fit.id == fit_id))).first()
    if row is None:
        raise NotFound(f"There is no fit {fit_id!r}.")
    return fit_out(row, *await _in_use(session, tenant_id))
