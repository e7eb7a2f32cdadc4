"""Films of incidents: their read rows as they stood after any event, made of the event log.

A film keeps the rows every `EVERY` events, so that going to any moment applies few events. What is kept follows from
the log, which only grows: nothing of it is ever stale, and it is dropped when other films are looked at.
"""

from collections import OrderedDict
from threading import Lock

from sqlalchemy import Connection, select

from service.application.projections import APPLIERS, apply
from service.domain import events as ev
from service.persistence.past import PastDatabase, PastRows, Standing
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent

EVERY = 250  # events between two marks
MOST = 8  # films kept


class Film:
    """One incident; safe between threads."""

    def __init__(self, incident: str) -> None:
        self._incident = incident
        self._marks: list[tuple[int, Standing]] = [(0, {})]
        self._lock = Lock()

    def at(self, connection: Connection, seq: int) -> Standing:
        """The rows after the event `seq`; the caller has looked that there is such an event."""
        with self._lock:
            known, standing = next(mark for mark in reversed(self._marks) if mark[0] <= seq)
            rows = PastRows(self._incident, standing)
            for stored in _between(connection, self._incident, known, seq):
                _apply(rows, stored)
                if stored.seq % EVERY == 0 and stored.seq > self._marks[-1][0]:
                    self._marks.append((stored.seq, rows.standing))
            return rows.standing


class Films:
    """The films looked at last, and where their rows are asked."""

    def __init__(self) -> None:
        self.database = PastDatabase()
        self._kept: OrderedDict[str, Film] = OrderedDict()
        self._lock = Lock()

    def of(self, incident: str) -> Film:
        """The film of an incident."""
        with self._lock:
            film = self._kept.pop(incident, None) or Film(incident)
            self._kept[incident] = film
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return film


def _between(connection: Connection, incident: str, after: int, until: int) -> list[StoredEvent]:
    log = sql.events
    wanted = select(log).where(log.c.stream == incident, log.c.seq > after, log.c.seq <= until).order_by(log.c.seq)
    return [StoredEvent(*row) for row in connection.execute(wanted)]


def _apply(rows: PastRows, stored: StoredEvent) -> None:
    if stored.type in APPLIERS:
        apply(rows, stored, ev.parse(stored.type, stored.schema_version, stored.data))
