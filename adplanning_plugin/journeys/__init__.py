"""Journeys: what people did in the order in which they did it, and the stages they reached; it credits nobody."""

from adplanning_plugin.journeys.models import JourneyEvent, JourneyProgress

journey_event_table = JourneyEvent.__table__
"""Read-only: what is neither a tracked event nor a touch."""
journey_progress_table = JourneyProgress.__table__
"""Read-only: the first time of each stage, a row for each subject."""

__all__ = ["journey_event_table", "journey_progress_table"]
