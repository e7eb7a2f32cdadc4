"""What an organisation changes after a drill: real work, in the stream of the organisation."""

from dataclasses import dataclass
from typing import ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class ImprovementPlanned(Event):
    """An improvement action with owner and due date; `target` policy, element or form would change."""

    type: ClassVar[str] = "improvement_planned"
    improvement: str
    drill: str
    procedure: str
    finding: str
    target: str
    target_id: str
    owner: str
    due: str


@event
@dataclass(frozen=True, slots=True)
class ImprovementEnded(Event):
    """An improvement action is done, or dropped with a reason; the note is sealed."""

    type: ClassVar[str] = "improvement_ended"
    improvement: str
    state: str
