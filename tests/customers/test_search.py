"""The list of people: found by what one knows of them, and hidden from those who may not know who they are."""

from typing import Any

import pytest

from tests.customers.conftest import ASHA, BELA, EMAIL, Shop

NO_PII = {"x-scopes": "adplanning:read adplanning:write adplanning:manage"}


@pytest.mark.parametrize(
    "q", ["asha ra", "ASHA@mail", "98-4711", ASHA, "order-1", "order-2"], ids=["name", "email", "phone", "id", "order",
                                                                             "guest order"],
)  # fmt: skip
async def test_a_person_is_found_by_name_email_phone_id_and_order(shop: Shop, admin: Any, q: str) -> None:
    answer = (await admin.get("/customers", params={"q": q})).json()
    assert [each["id"] for each in answer["customers"]] == [ASHA]


async def test_a_row_says_who_it_is_and_what_they_ordered(admin: Any) -> None:
    answer = (await admin.get("/customers", params={"order": "name", "limit": 1})).json()
    assert (answer["count"], len(answer["customers"])) == (2, 1)
    row = answer["customers"][0]
    assert (row["id"], row["name"], row["email"], row["city"]) == (ASHA, "Asha Rao", EMAIL, "Pune")
    assert (row["orders"], row["revenue"]) == (1, [{"currency": "INR", "value": "999.99", "value_minor": 99_999}])
    second = (await admin.get("/customers", params={"order": "name", "limit": 1, "offset": 1})).json()
    assert [each["id"] for each in second["customers"]] == [BELA]


async def test_without_the_scope_people_are_found_by_ids_alone_and_nothing_says_who_they_are(admin: Any) -> None:
    assert (await admin.get("/customers", params={"q": "asha"}, headers=NO_PII)).status_code == 403
    for by in ({"person_id": ASHA}, {"order_id": "order-1"}):
        answer = await admin.get("/customers", params=by, headers=NO_PII)
        [row] = answer.json()["customers"]
        assert (row["id"], row["orders"]) == (ASHA, 1)
        assert {row[name] for name in ("name", "email", "phone", "city")} == {None}
    csv = await admin.get("/customers", headers={**NO_PII, "accept": "text/csv"})
    assert ASHA in csv.text
    assert "Rao" not in csv.text
    assert "mail.example" not in csv.text


async def test_an_erased_person_is_no_longer_named_even_where_the_store_still_names_them(
    shop: Shop, admin: Any
) -> None:
    row = {"id": ASHA, "name": "Asha Rao", "email": EMAIL}
    await admin.post(f"/customers/{ASHA}/erase", json={"confirm": ASHA})
    await shop.work()
    assert (await admin.get(f"/customers/{ASHA}/profile")).status_code == 404, "the plugin kept her, and has nothing"
    await shop.put("person", row)  # a store of its own would still have the row
    [listed] = (await admin.get("/customers", params={"person_id": ASHA})).json()["customers"]
    assert listed["erased_at"] is not None
    assert listed["name"] is None
    found = (await admin.get(f"/customers/{ASHA}/profile", params={"expand": "order"})).json()["customer"]
    assert (found["erased_at"], found["name"], found["email"]) == (listed["erased_at"], None, None)
    csv = await admin.get("/customers", headers={"accept": "text/csv"})
    assert "Asha" not in csv.text
    assert "Bela Sen" in csv.text


async def test_another_stores_people_are_not_there(admin: Any) -> None:
    theirs = {"x-store": "other"}
    assert (await admin.get("/customers", headers=theirs)).json()["count"] == 0
    for path in ("profile", "interactions", "export"):
        assert (await admin.get(f"/customers/{ASHA}/{path}", headers=theirs)).status_code == 404
        assert (await admin.get(f"/customers/nobody/{path}")).status_code == 404
