"""Registrations of personal data: a wrong one stops the start with a sentence that names its plugin and the fix."""

from typing import Any

import pytest

from adplanning_plugin import hookimpl
from adplanning_plugin.customers.catalogue import Catalogue, names_pattern
from adplanning_plugin.hookspecs import PersonalData
from adplanning_plugin.kernel.errors import ConfigurationError
from tests.customers.conftest import NOTES, Shop, customers_runtime

BY = (("about", "person"),)
WRONG = {
    "there is no table": PersonalData(table="adplanning.nowhere", columns=(), erase="delete", found_by=BY),
    "no column 'age'": PersonalData(table=NOTES.fullname, columns=("age",), erase="delete", found_by=BY),
    "write one of delete": PersonalData(table=NOTES.fullname, columns=(), erase="burn", found_by=BY),
    "not how a person's rows are found": PersonalData(table=NOTES.fullname, columns=(), erase="delete"),
    "is found by 'face'": PersonalData(table=NOTES.fullname, columns=(), erase="delete", found_by=(("about", "face"),)),
    "no column 'whom'": PersonalData(table=NOTES.fullname, columns=(), erase="delete", found_by=(("whom", "person"),)),
    "goes with erase='delete'": PersonalData(
        table=NOTES.fullname, columns=(), erase="keep", found_by=BY, unless="true", why="Because."
    ),
}


@pytest.mark.parametrize("said", WRONG)
async def test_a_wrong_registration_stops_the_start_and_names_its_plugin(shop: Shop, said: str) -> None:
    class Careless:
        @hookimpl
        def register_personal_data(self) -> Any:
            return [WRONG[said]]

    with pytest.raises(ConfigurationError, match=said) as refused:
        customers_runtime(shop.runtime.database, Careless())
    assert "register_personal_data of " in refused.value.detail


async def test_places_are_those_of_every_plugin(shop: Shop) -> None:
    names = {place.name for place in shop.runtime.get(Catalogue).places}
    assert {"event", "owned_order", "journey_event", "outbox_event", "audit_entry", NOTES.name} <= names


async def test_a_short_id_is_replaced_only_where_a_document_says_that_it_is_a_persons(shop: Shop) -> None:
    values = {"person": ["7"], "visitor": ["vis_01J8", "12"], "session": [], "identifier": ["person:7"], "email": []}
    document = (
        '{"id": "7", "person_id": "7", "ids": ["vis_01J8", "12", "vis_01J8X"], "who": "person:7", "at": "person:77"}'
    )
    cleaned = await shop.execute(
        "SELECT regexp_replace(CAST(:document AS text), CAST(:pattern AS text), 'gone', 'g')",
        document=document,
        pattern=names_pattern(values),
    )
    assert cleaned.scalar_one() == (
        '{"id": "7", "person_id": "gone", "ids": ["gone", "12", "vis_01J8X"], "who": "gone", "at": "person:77"}'
    )
