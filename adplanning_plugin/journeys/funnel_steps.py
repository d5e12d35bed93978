"""Funnel steps: what may be a step of a funnel, how it is written, and what it is called. No SQL.

`intent` is a stage, `product_view` a kind of event, `event:newsletter_open` a tracked event by its own name,
`page:/product/*` a page view, `goal:goal_…` a conversion of a goal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from adplanning_plugin.journeys.stages import EVENT_TYPES, STAGES
from adplanning_plugin.kernel.errors import FieldError, Invalid

DEFAULT = ("awareness", "consideration", "intent", "conversion")
FEWEST, MOST = 2, 10
_NAMED = ("event", "page", "goal")
_LONGEST = 200

Kind = Literal["stage", "type", "event", "page", "goal"]


class Step(msgspec.Struct, frozen=True):
    """One step."""

    kind: Kind
    name: str

    @property
    def key(self) -> str:
        """As a question writes it."""
        return f"{self.kind}:{self.name}" if self.kind in _NAMED else self.name

    @property
    def label(self) -> str:
        """What people call it."""
        if self.kind == "type":
            return EVENT_TYPES[self.name].label
        if self.kind == "stage":
            return self.name.capitalize()
        return self.name if self.kind == "page" else self.name.replace("_", " ").capitalize()


def read_steps(given: str | None) -> tuple[Step, ...]:
    """The steps of `awareness,event:add_to_cart,purchase`, in their order.

    Raises:
        Invalid: fewer than two, more than ten, one that is not known, or a stage twice.
    """
    written = DEFAULT if given is None else [part.strip() for part in given.split(",") if part.strip()]
    if not FEWEST <= len(written) <= MOST:
        message = f"steps must name {FEWEST} to {MOST} steps, with commas between them."
        raise Invalid(FieldError("steps", "wrong_number", message))
    steps = tuple(_read(each) for each in written)
    stages = [step.name for step in steps if step.kind == "stage"]
    if len(stages) != len(set(stages)):
        message = "steps names a stage twice: a stage counts from its first time, so nobody reaches it again."
        raise Invalid(FieldError("steps", "repeated_stage", message))
    return steps


def _read(written: str) -> Step:
    kind, colon, name = written.partition(":")
    if colon and kind in _NAMED and 0 < len(name) <= _LONGEST and name.isprintable():
        return Step(kind, name)
    if written in STAGES:
        return Step("stage", written)
    if written in EVENT_TYPES:
        return Step("type", written)
    message = (
        f"steps: {written!r} is no step. Write a stage ({', '.join(STAGES)}), a kind of event such as product_view "
        "or purchase, event:<name>, page:</path/*> or goal:<id>."
    )
    raise Invalid(FieldError("steps", "unknown_step", message))


def are_stages(steps: Sequence[Step]) -> bool:
    """Whether the table of stages answers alone."""
    return all(step.kind == "stage" for step in steps)
