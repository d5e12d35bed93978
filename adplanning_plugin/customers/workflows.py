"""Workflows: an erasure, step by step; each step is a transaction, so a killed process goes on where it was."""

from __future__ import annotations

from typing import Any

from adplanning_plugin.customers import receipts
from adplanning_plugin.customers.catalogue import Catalogue
from adplanning_plugin.customers.erasing import erase_in
from adplanning_plugin.customers.subject import find_subject
from adplanning_plugin.identity import Edge, link, remember_erased
from adplanning_plugin.kernel.days import now
from adplanning_plugin.kernel.workflows import Run, StepContext, step, workflow

ERASE_PERSON = "erase-person"
_RETRIES = 20
AT_ONCE = 8
"""Places of one transaction."""


@step(retries=_RETRIES)
async def gather(ctx: StepContext, erasure_id: str) -> dict[str, Any]:
    """Everything by which the person is known, kept until the erasure ends; from now on nothing older is taken in."""
    found = await receipts.open_erasure(ctx.session, ctx.tenant_id, erasure_id)
    values = await find_subject(ctx.session, ctx.runtime, ctx.tenant_id, found.person_id)
    await receipts.keep_subject(ctx.session, ctx.tenant_id, erasure_id, values)
    known = [*values["identifier"], *(f"visitor:{each}" for each in values["visitor"])]
    pseudonym = await remember_erased(ctx.session, ctx.runtime, ctx.tenant_id, known, found.pseudonym, found.at)
    await receipts.rename(ctx.session, ctx.tenant_id, erasure_id, pseudonym)
    await receipts.note_store_rows(ctx.session, ctx.runtime, ctx.tenant_id, erasure_id, values)
    return {"places": len(ctx.runtime.get(Catalogue).places)}


@step(retries=_RETRIES)
async def erase_places(ctx: StepContext, erasure_id: str, first: int) -> None:
    """The person's rows in some places of the catalogue."""
    found = await receipts.open_erasure(ctx.session, ctx.tenant_id, erasure_id)
    values = await receipts.subject_of(ctx.session, ctx.tenant_id, erasure_id)
    for place in ctx.runtime.get(Catalogue).places[first : first + AT_ONCE]:
        counts = await erase_in(ctx.session, ctx.tenant_id, place, values, found.pseudonym)
        await receipts.count(ctx.session, ctx.tenant_id, erasure_id, place, counts)


@step(retries=_RETRIES)
async def settle(ctx: StepContext, erasure_id: str) -> dict[str, Any]:
    """Once more for what came in meanwhile; then nothing remembers whom it was about."""
    session, tenant_id = ctx.session, ctx.tenant_id
    found = await receipts.open_erasure(session, tenant_id, erasure_id)
    values = await receipts.subject_of(session, tenant_id, erasure_id)
    for place in ctx.runtime.get(Catalogue).places:
        counts = await erase_in(session, tenant_id, place, values, found.pseudonym)
        counts.pop("kept", None)
        await receipts.count(session, tenant_id, erasure_id, place, counts)
    if await receipts.left_touches(session, tenant_id, found.pseudonym):
        # What the conversions earned them is computed again at any time: the touches are still one buyer's.
        edge = Edge(found.pseudonym, f"email:{found.pseudonym}", "order", "erasure", now())
        await link(session, ctx.runtime, tenant_id, [edge])
    await receipts.close(session, tenant_id, erasure_id)
    return {"erasure_id": erasure_id}


@workflow(ERASE_PERSON, durable=True)
async def erase_person(run: Run, given: dict[str, Any]) -> dict[str, Any]:
    """Look up who it is, go through every place at which personal data lies, and close the receipt."""
    erasure_id: str = given["erasure_id"]
    plan = await run(gather, erasure_id)
    for first in range(0, plan["places"], AT_ONCE):
        await run(erase_places, erasure_id, first)
    return await run(settle, erasure_id)


WORKFLOWS = (erase_person,)
