"""What people say of a drill: ratings, and the parts of its report that facts cannot write."""

from dataclasses import dataclass
from typing import ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class ObjectiveRated(Event):
    """An evaluator rated an objective ("" = the drill as a whole) P, S, M or U; the note is sealed."""

    type: ClassVar[str] = "objective_rated"
    objective: str
    rating: str


@event
@dataclass(frozen=True, slots=True)
class ReviewWritten(Event):
    """A part of the after-action report was written anew; the text is sealed under the drill."""

    type: ClassVar[str] = "review_written"
    part: str
