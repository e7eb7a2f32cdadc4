"""Background work of one process: due rows and deliveries, polled; the rows are the truth.

Each due incident is worked as one command through the writer, so timers and people never race.
A delivery is sent outside of any transaction; what came of it is a command of its own, and the
gateway's idempotency key makes a repeated attempt after a crash harmless.
"""

from collections.abc import Callable
from threading import Event, Thread

from sqlalchemy import select

from service.application import deliveries
from service.application.services import Services
from service.application.timers import work_incident
from service.domain.errors import TocsinError
from service.domain.gateways import OutsideWorld
from service.logs import logger
from service.persistence import queue
from service.persistence import tables as t
from service.persistence.database import Database
from service.persistence.sealing import Sealer
from service.persistence.writer import CommandRunner

log = logger(__name__)
BATCH = 50


class Worker:
    """Polls while running; `tick` does one round and can be called by tests and drills."""

    def __init__(
        self, database: Database, writer: CommandRunner, services: Services, *, outside: OutsideWorld, sealer: Sealer
    ) -> None:
        self._database, self._writer, self._services = database, writer, services
        self._outside, self._sealer = outside, sealer
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

    def tick(self) -> int:
        """Work what is due now; returns how many incidents and deliveries were looked at."""
        return self._due() + self._deliver()

    def _loop(self, poll_seconds: float) -> None:
        while not self._stop.wait(poll_seconds):
            self.tick()

    def _due(self) -> int:
        with self._database.read() as connection:
            incidents = dict.fromkeys(row.incident_id for row in queue.due(connection, self._services.clock.now(), BATCH))
        for incident in incidents:
            self._guarded("due", incident, lambda incident=incident: self._writer.run(
                lambda uow: work_incident(uow, self._services, incident)
            ))  # fmt: skip
        return len(incidents)

    def _deliver(self) -> int:
        table = t.table_of(t.Delivery)
        waiting = (table.c.state == "queued") & (table.c.channel == "auto")
        with self._database.read() as connection:
            rows = connection.execute(select(table).where(waiting).order_by(table.c.queued_at).limit(BATCH))
            found = [dict(row) for row in rows.mappings()]
        for row in found:
            self._guarded("delivery", row["id"], lambda row=row: self._send(row))
        return len(found)

    def _send(self, row: dict[str, object]) -> None:
        with self._database.read() as connection:
            outgoing = deliveries.outgoing(connection, self._sealer, self._services, row)
        outcome = deliveries.attempt(self._outside, outgoing)
        self._writer.run(lambda uow: deliveries.record(uow, self._services, row, outcome))

    def _guarded(self, kind: str, ref: str, work: Callable[[], object]) -> None:
        """One failing row must not stop the others; the failure is recorded where the row belongs."""
        try:
            work()
        except TocsinError as error:
            log.error("work_failed", kind=kind, ref=ref, code=error.code)
