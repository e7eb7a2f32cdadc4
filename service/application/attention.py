"""Which instances have to be looked at again after events: those whose waits the events may have moved.

The waits of most instances read nothing but facts of their own person (or no fact at all). Such an instance is
looked at only when something happened in it or to its person; the others whenever anything happened.
So the cost of a command does not grow with the number of people under observation.
"""

from collections.abc import Mapping
from typing import Any

from service.domain import events as ev
from service.engine.assembly import Assembly

# Facts computed from nothing but what is recorded about the person himself.
OWN_FACTS = frozenset({"contact_lost", "contact_mode", "observed_from", "observed_until", "observation_abnormal"})
# Events no fact is computed from, and that belong to nobody.
UNREAD = (ev.NoticeSent, ev.DeliveryQueued, ev.DeliverySent, ev.DeliveryAcknowledged, ev.DeliveryFailed)
DEADLINES = (ev.DeadlineStarted, ev.DeadlineMoved, ev.DeadlineMet, ev.DeadlineCancelled)


class Attention:
    """Persons and instances something happened to since the last look."""

    def __init__(self) -> None:
        self._touched: set[str] = set()
        self._is_everything = False

    def note(self, event: ev.Event, row: Mapping[str, Any] | None) -> None:
        """An event was recorded, in an instance or outside of any."""
        touched = {str(getattr(event, "person", "") or "")}
        if isinstance(event, DEADLINES):
            subject = event.deadline.split(":", 2)[2]
            touched.add(subject.partition(":")[0])
        elif row is None and touched == {""} and not isinstance(event, (*UNREAD, ev.DeadlineEscalated)):
            self._is_everything = True
        if row is not None:
            touched.add(str(row["id"]))
        self._touched |= touched - {""}

    def take(self) -> "Attention":
        """What happened since the last look; from now on it counts anew."""
        taken = Attention()
        taken._touched, taken._is_everything = self._touched, self._is_everything
        self._touched, self._is_everything = set(), False
        return taken

    def wants(self, assembly: Assembly, row: Mapping[str, Any]) -> bool:
        """Whether the facts an instance waits for may have changed."""
        if self._is_everything or not assembly.watched[row["process"]] <= OWN_FACTS:
            return True
        person = row["person_id"] or row["inputs"].get("person")
        return row["id"] in self._touched or person in self._touched
