"""Background work of one process: due rows and deliveries, polled; the rows are the truth.

Each due incident is worked as one command through the writer, so timers and people never race.
A delivery is sent outside of any transaction; what came of it is a command of its own, and the
gateway's idempotency key makes a repeated attempt after a crash harmless.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Thread
from typing import Any

from service.application import deliveries
from service.application.services import Services
from service.application.timers import work_incident
from service.domain.gateways import OutsideWorld
from service.logs import logger
from service.persistence import chain, queue
from service.persistence.database import Database
from service.persistence.sealing import Sealer
from service.persistence.unit_of_work import UnitOfWork

log = logger(__name__)
BATCH = 50
SEALING = timedelta(minutes=10)  # how often a hash over all stream heads is written

Run = Callable[[Callable[[UnitOfWork], None]], None]


class Worker:
    """Polls while running; `tick` does one round and can be called by tests and drills."""

    def __init__(
        self, database: Database, run: Run, services: Services, *, outside: OutsideWorld, sealer: Sealer
    ) -> None:
        """`run` runs a use case through the writer and records an engine incident where it fails."""
        self._database, self._run, self._services = database, run, services
        self._outside, self._sealer = outside, sealer
        self._sealed_at: datetime | None = None
        self._stop = Event()
        self._thread: Thread | None = None

    def start(self, poll_seconds: float) -> None:
        """Poll in a thread until `stop`."""
        self._thread = Thread(target=self._loop, args=(poll_seconds,), name="worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the round in progress and end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def wait(self) -> None:
        """Block until stopped."""
        self._stop.wait()

    def tick(self) -> int:
        """Work what is due now; returns how many incidents and deliveries were looked at."""
        worked = self._due() + self._deliver()
        self._seal_heads()
        return worked

    def _loop(self, poll_seconds: float) -> None:
        while not self._stop.wait(poll_seconds):
            self.tick()

    def _due(self) -> int:
        with self._database.read() as connection:
            rows = queue.due(connection, self._services.clock.now(), BATCH)
        incidents = dict.fromkeys(row.incident_id for row in rows)
        for incident in incidents:
            self._guarded("due", incident, partial(self._work, incident))
        return len(incidents)

    def _work(self, incident: str) -> None:
        self._run(lambda uow: work_incident(uow, self._services, incident))

    def _deliver(self) -> int:
        with self._database.read() as connection:
            waiting = deliveries.waiting(connection, BATCH)
        for row in waiting:
            self._guarded("delivery", row["id"], partial(self._send, row))
        return len(waiting)

    def _send(self, row: Mapping[str, Any]) -> None:
        with self._database.read() as connection:
            outgoing = deliveries.outgoing(connection, self._sealer, self._services, row)
        outcome = deliveries.attempt(self._outside, outgoing)
        self._run(lambda uow: deliveries.record(uow, self._services, row, outcome))

    def _seal_heads(self) -> None:
        """A removed stream leaves no gap in any other: only a hash over all heads shows it."""
        now = self._services.clock.now()
        if self._sealed_at is None or now - self._sealed_at >= SEALING:
            self._sealed_at = now
            self._guarded("seal", "heads", partial(self._run, _seal))

    def _guarded(self, kind: str, ref: str, work: Callable[[], None]) -> None:
        """One failing row must not stop the others; an engine failure is on record where it belongs."""
        try:
            work()
        except Exception:  # the loop outlives whatever a row does to it
            log.exception("work_failed", kind=kind, ref=ref)


def _seal(uow: UnitOfWork) -> None:
    chain.seal_heads(uow)
