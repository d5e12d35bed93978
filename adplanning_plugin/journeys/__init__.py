"""Journeys: what people did in the order in which they did it, and the stages they reached; it credits nobody."""

from adplanning_plugin.journeys.admin import journey_filter
from adplanning_plugin.journeys.models import JourneyEvent, JourneyProgress
from adplanning_plugin.journeys.schemas import CSV_COLUMNS
from adplanning_plugin.journeys.timeline import events_page, names_of, whose
from adplanning_plugin.journeys.timeline_sql import JourneyFilter

journey_event_table = JourneyEvent.__table__
"""Read-only: what is neither a tracked event nor a touch."""
journey_progress_table = JourneyProgress.__table__
"""Read-only: the first time of each stage, a row for each subject."""

__all__ = [
    "CSV_COLUMNS",
    "JourneyFilter",
    "events_page",
    "journey_event_table",
    "journey_filter",
    "journey_progress_table",
    "names_of",
    "whose",
]
