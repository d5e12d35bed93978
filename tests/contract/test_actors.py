"""Who decided something is called by name: the host's own staff, of that store alone; by the id where there is none."""

from __future__ import annotations

from sqlalchemy import text

from tests.contract.store import Contract, assert_problem


async def named(contract: Contract, ids: str) -> dict[str, str]:
    answer = await contract.main.admin("GET", "/actors", params={"ids": ids})
    assert answer.status_code == 200, answer.text
    return {each["id"]: each["name"] for each in answer.json()["actors"]}


async def test_the_stores_own_staff_have_names_and_all_others_their_ids(contract: Contract) -> None:
    async with contract.runtime.database.transaction(contract.main.tenant) as session:
        rows = (await session.execute(text("SELECT staff_no, shop_no, full_name FROM store.staff"))).all()
    mine = {str(row.staff_no): row.full_name for row in rows if str(row.shop_no) == contract.main.tenant}
    theirs = [str(row.staff_no) for row in rows if str(row.shop_no) != contract.main.tenant]
    assert mine
    assert theirs
    strangers = [*theirs, "a machine", "9" * 30]
    found = await named(contract, ",".join([*mine, *strangers]))
    assert found == {**mine, **{each: each for each in strangers}}


async def test_no_ids_and_too_many_are_refused(contract: Contract) -> None:
    for ids in (",", ",".join(str(number) for number in range(101))):
        answer = await contract.main.admin("GET", "/actors", params={"ids": ids})
        assert assert_problem(answer, 422)["errors"][0]["field"] == "ids"
