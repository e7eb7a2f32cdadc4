"""What the readings of one person under observation come to, reading by reading."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.domain.sessions import MORNING, key_of
from service.persistence.pending import Row


@dataclass(slots=True)
class Course:
    """The records of readings (F14), oldest first, and what those of a session say; a correction replaces an entry."""

    records: list[Row]
    recorded: set[str] = field(default_factory=set)  # keys of the sessions that have a reading, `3:早`
    entered: str = ""  # key of the session whose reading was entered last
    latest: Mapping[str, Any] = field(default_factory=dict)  # the valid reading of the latest session
    taken: int = 0  # how many of the records are in what stands here
    _place: tuple[int, bool] = (0, False)

    def take(self, view: str, reading: Mapping[str, Any]) -> None:
        """What the next record says; an erased one says nothing."""
        self.taken += 1
        if view != "session" or not reading:
            return
        day, session = reading["day_no"], reading["session"]
        place = (day, session != MORNING)
        self.entered = key_of(day, session)
        self.recorded.add(self.entered)
        if place >= self._place:
            self.latest, self._place = reading, place
