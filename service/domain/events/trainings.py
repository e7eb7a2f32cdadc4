"""Drills that a procedure began: P26 and the drill it waits for."""

from dataclasses import dataclass
from typing import ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class TrainingDrillBegun(Event):
    """P26 began a drill and waits for its end; the drill is an incident of its own."""

    type: ClassVar[str] = "training_drill_begun"
    drill: str
