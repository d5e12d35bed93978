"""The export: everything held about a person, from every plugin's tables and the store's, and of nobody else."""

import csv
import io
from typing import Any

from tests.customers.conftest import ASHA, EMAIL, NOTES, Shop

TABLES = {"event", "session", "visitor", "identity_edge", "conversion", "conversion_adjustment", "touchpoint", "credit",
          "journey_event", "journey_progress", "owned_person", "owned_order", "owned_lead", "owned_feedback",
          "owned_form_response", "owned_social_interaction", "outbox_event", NOTES.name}  # fmt: skip


async def test_everything_that_is_held_is_there_and_nothing_of_anybody_else(shop: Shop, admin: Any) -> None:
    answer = await admin.get(f"/customers/{ASHA}/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="customer.json"'
    body = answer.json()
    assert body["person_id"] == ASHA
    assert set(body["plugin"]) >= TABLES
    assert {row["id"] for row in body["plugin"]["owned_order"]} == {"order-1", "order-2"}
    assert body["plugin"]["owned_person"][0]["email"] == EMAIL
    assert len(body["plugin"]["event"]) == 6
    assert body["plugin"][NOTES.name] == [{"id": "n1", "about": ASHA, "words": "Asha came in"}]
    assert [row["id"] for row in body["store"]["refund"]] == ["refund-1"]
    assert "bela" not in answer.text.lower()
    assert all("data" not in row for row in body["plugin"]["outbox_event"]), "who else is named there"
    audited = await shop.execute("SELECT actor_id FROM adplanning.audit_entry WHERE action = 'customer.exported'")
    assert audited.scalars().all() == ["7"]


async def test_the_file_for_a_spreadsheet_says_the_same(shop: Shop, admin: Any) -> None:
    await shop.put("person", {"id": ASHA, "name": "=HYPERLINK(1)", "email": EMAIL})
    body = (await admin.get(f"/customers/{ASHA}/export")).json()
    answer = await admin.get(f"/customers/{ASHA}/export", headers={"accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    rows = {(line["source"], line["table"], line["row"]) for line in lines}
    assert sum(len(each) for part in ("plugin", "store") for each in body[part].values()) <= len(rows) + 1
    assert {line["table"] for line in lines if line["source"] == "plugin"} >= TABLES
    [name] = [line["value"] for line in lines if (line["table"], line["column"]) == ("owned_person", "name")]
    assert name == "'=HYPERLINK(1)", "no spreadsheet runs it"


async def test_an_export_needs_the_scope_for_personal_data(admin: Any) -> None:
    limited = {"x-scopes": "adplanning:read adplanning:write adplanning:manage"}
    assert (await admin.get(f"/customers/{ASHA}/export", headers=limited)).status_code == 403


async def test_after_an_erasure_there_is_nothing_to_export(shop: Shop, admin: Any) -> None:
    await admin.post(f"/customers/{ASHA}/erase", json={"confirm": ASHA})
    await shop.work()
    assert (await admin.get(f"/customers/{ASHA}/export")).status_code == 404
