"""What journeys register: tables and where personal data lies in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlalchemy import Table

from adplanning_plugin.hookspecs import PersonalData, hookimpl
from adplanning_plugin.journeys.models import JourneyEvent, JourneyProgress
from adplanning_plugin.journeys.path_models import JourneyPath, JourneyPathDay


class JourneysHooks:
    """The plugin object."""

    @hookimpl
    def register_models(self) -> Sequence[Table]:
        """Events of journeys, how far each subject came, and the paths of each day."""
        models = (JourneyEvent, JourneyProgress, JourneyPath, JourneyPathDay)
        return [cast("Table", model.__table__) for model in models]

    @hookimpl
    def register_personal_data(self) -> Sequence[PersonalData]:
        """An erasure deletes a person's journey; figures over all journeys then count one less."""
        who = ("person_id", "visitor_id", "session_id", "identifier", "event_name", "event_data", "source_id")
        found_by = (
            ("person_id", "person"),
            ("visitor_id", "visitor"),
            ("session_id", "session"),
            ("identifier", "identifier"),
            ("order_id", "order"),
            ("conversion_id", "conversion"),
            ("CASE WHEN source_kind = 'lead' THEN source_id END", "lead"),
            ("CASE WHEN source_kind = 'feedback' THEN source_id END", "feedback"),
            ("CASE WHEN source_kind = 'form_response' THEN source_id END", "form_response"),
        )
        return (
            PersonalData(table="adplanning.journey_event", columns=who, erase="delete", found_by=found_by),
            PersonalData(
                table="adplanning.journey_progress",
                columns=("subject", "person_id"),
                erase="delete",
                found_by=(("subject", "subject"), ("person_id", "person")),
            ),
        )
