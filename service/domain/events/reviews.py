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


@event
@dataclass(frozen=True, slots=True)
class QuestionnaireAnswered(Event):
    """A participant answered the questionnaire, each question 1 to 5; the comment is sealed.

    Of an anonymous answer the event has no actor and no request either.
    """

    type: ClassVar[str] = "questionnaire_answered"
    is_anonymous: bool
    scores: dict[str, int]
