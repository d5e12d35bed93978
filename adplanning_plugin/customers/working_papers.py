"""Working papers: where the kernel's own tables name people by id, and how an erasure finds that. It reads nothing."""

from __future__ import annotations

from adplanning_plugin.hookspecs import PersonalData

_STAYS = "What happened and who did it stays, with a meaningless name in place of the person's."


def _cleaned(table: str, *columns: str) -> PersonalData:
    found_by = tuple((column, "named") for column in columns)
    name = f"adplanning.{table}"
    return PersonalData(table=name, columns=columns, erase="pseudonymise", found_by=found_by, why=_STAYS)


WORKING_PAPERS = (
    PersonalData(
        table="adplanning.outbox_event",
        columns=("data",),
        erase="delete",
        found_by=(("CASE WHEN name LIKE 'person.%' THEN data->>'id' END", "person"),),
    ),
    PersonalData(
        table="adplanning.audit_entry",
        columns=("object_id",),
        erase="pseudonymise",
        found_by=(("CASE WHEN object_type IN ('customer', 'person') THEN object_id END", "person"),),
        why=_STAYS,
    ),
    _cleaned("outbox_event", "data", "metadata"),
    _cleaned("work_item", "key", "payload", "progress", "last_error"),
    _cleaned("workflow_run", "key", "input", "output", "error"),
    _cleaned("workflow_step", "output", "undo", "error"),
    _cleaned("idempotency_key", "route", "response"),
    _cleaned("audit_entry", "object_id", "changes"),
    _cleaned("watermark", "position"),
)
"""The kernel keeps ids alone, and most of it for days only; where a person's id stands in it, it is replaced."""
