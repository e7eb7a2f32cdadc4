"""What there is to do in the background, whoever says when.

Each due incident is worked as one command through the writer, so timers and people never race.
A delivery is sent outside of any transaction; what came of it is a command of its own, and the
gateway's idempotency key makes a repeated attempt after a crash harmless.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from service.application import audit, deliveries, drill_watch, erasing, upgrades, watchdog
from service.application.directory_import import Importing
from service.application.erasing import Shred
from service.application.services import Services
from service.application.timers import work_incident
from service.domain.gateways import OutsideWorld
from service.logs import logger
from service.persistence import chain, queue
from service.persistence.database import Database
from service.persistence.sealing import Sealer
from service.persistence.unit_of_work import UnitOfWork
from service.worker.waking import Waking

log = logger(__name__)
BATCH = 50
STRETCHES = 5  # of a check of the chains in one round
MINDING = timedelta(seconds=2)  # between two looks after running drills
WATCHING = watchdog.OVERDUE  # between two looks of the watchdog; none before that after a start

Run = Callable[[Callable[[UnitOfWork], None]], None]


class Duties:
    """Due rows, deliveries and the seal over the log."""

    def __init__(
        self, database: Database, run: Run, services: Services, *, outside: OutsideWorld, sealer: Sealer, link: str,
        shred: Shred,
    ) -> None:  # fmt: skip
        """`run` runs a use case through the writer and records an engine incident where it fails.

        `link` is the address of the product that messages to people lead to; `shred` overwrites and removes files of
        erased incidents, by attachment and by delivery.
        """
        self.database, self._run, self._services = database, run, services
        self._outside, self._sealer, self._shred = outside, sealer, shred
        self.waking = Waking(database, run, services, outside=outside, sealer=sealer, link=link)
        self._watched_at: datetime | None = None
        self._importing = Importing(database, run, services, sealer)
        self._is_scrubbed = True  # nothing erased is left beside the tables
        self._minded_at: datetime | None = None
        self._not_before: dict[str, datetime] = {}  # deliveries that failed: a short while without them
        self.has_more = False  # the last round left incidents that were due, and could work some

    def now(self) -> datetime:
        """Real time."""
        return self._services.clock.now()

    def next_due(self, *, after: datetime) -> datetime | None:
        """When the next row falls due behind an instant of real time; None where none does."""
        with self.database.read() as connection:
            return queue.next_due(connection, after=after)

    def tick(self) -> int:
        """Work what is due now, one after the other; returns how many incidents and deliveries were looked at."""
        self.mind_drills()
        looked_at = self._due_incidents() + self._waiting_deliveries() + self.upgrade() + self.waking.send_waiting()
        self.waking.send_tests()
        self.waking.watch()
        self.seal_heads()
        self.watch()
        self.check_chains()
        self.import_directory()
        self.erase()
        return looked_at

    def work(self, incident: str) -> None:
        """Work the due rows of an incident; one without any is left as it is."""
        self._run(partial(self._work, incident))

    def deliver(self, delivery: str) -> None:
        """Send a delivery, if it is still to be sent."""
        with self.database.read() as connection:
            row = deliveries.find_waiting(connection, delivery)
        if row is not None:
            self._send(row)
        else:
            self.waking.deliver(delivery)

    def mind_drills(self) -> None:
        """Say that drills are looked after, and stop those whose trainer is away."""
        now = self._services.clock.now()
        is_start, before = self._minded_at is None, self._minded_at or now
        if not is_start and now - before < MINDING:
            return
        self._minded_at = now
        with self.database.read() as connection:
            running = drill_watch.running(connection)
        within = max(drill_watch.SILENT, 3 * (now - before))
        is_alone = self.database.is_sqlite
        for drill in running:
            mind = partial(drill_watch.mind, services=self._services, drill=drill, within=within)
            self._guarded("drill", drill, partial(self._run, partial(mind, is_restart=is_start and is_alone)))

    def seal_heads(self) -> None:
        """A removed stream leaves no gap in any other: only a hash over all heads shows it."""
        with self.database.read() as connection:
            is_due = chain.seal_is_due(connection, self._services.clock.now())
        if is_due:
            self._guarded("seal", "heads", partial(self._run, _seal))

    def upgrade(self) -> int:
        """Move incidents to the version somebody chose for them, some at a time; returns how many were looked at."""
        with self.database.read() as connection:
            items = upgrades.waiting(connection, BATCH)
        for item in items:
            self._guarded("upgrade", item["incident_id"], partial(upgrades.work_one, self._run, self._services, item))
        return len(items)

    def import_directory(self) -> None:
        """Go on with workbooks of organisations and people that were confirmed, for a while."""
        self._guarded("import", "directory", self._importing.work)

    def check_chains(self) -> None:
        """Go on with the check of the chains somebody asked for, a stretch after the other for a while."""
        for _ in range(STRETCHES):
            if not audit.go_on_checking(self.database, self._run):
                return

    def erase(self) -> None:
        """Go on with erasures somebody began; afterwards nothing of them is left beside the tables either."""
        with self.database.read() as connection:
            items = erasing.waiting(connection, BATCH)
        for item in items:
            work = partial(erasing.work_one, self._run, self._services, item, self._shred)
            self._guarded("erasure", item["incident_id"], work)
        self._is_scrubbed = not items and self._is_scrubbed
        self._is_scrubbed = self._is_scrubbed or self.database.scrub()

    def watch(self) -> None:
        """What stands still without an error becomes an engine incident; what is only late is worked before."""
        now = self._services.clock.now()
        self._watched_at = self._watched_at or now
        if now - self._watched_at < WATCHING:
            return
        self._watched_at = now
        with self.database.read() as connection:
            found = watchdog.look(connection, self._services, now)
        for incident in dict.fromkeys(each.incident for each in found):
            self._guarded("watch", incident, partial(self._put_found, incident))

    def _put_found(self, incident: str) -> None:
        def work(uow: UnitOfWork) -> None:
            watchdog.put_found(uow, self._services, incident)

        self._run(work)

    def _work(self, incident: str, uow: UnitOfWork) -> None:
        work_incident(uow, self._services, incident)

    def _due_incidents(self) -> int:
        with self.database.read() as connection:
            rows = queue.due(connection, self._services.clock.now(), BATCH)
        incidents = dict.fromkeys(row.incident_id for row in rows)
        worked = [self._guarded("due", incident, partial(self.work, incident)) for incident in incidents]
        self.has_more = len(rows) == BATCH and any(worked)
        return len(incidents)

    def _waiting_deliveries(self) -> int:
        now = self._services.clock.now()
        with self.database.read() as connection:
            waiting = deliveries.waiting(connection, BATCH)
        ready = [row for row in waiting if self._not_before.get(row["id"], now) <= now]
        for row in ready:
            self._guarded("delivery", row["id"], partial(self._send, row))
        return len(ready)

    def _send(self, row: Mapping[str, Any]) -> None:
        with self.database.read() as connection:
            outgoing = deliveries.outgoing(connection, self._sealer, self._services, row)
        outcome = deliveries.attempt(self._outside, outgoing)
        self._run(lambda uow: deliveries.record(uow, self._services, row, outcome))
        if outcome.error:
            self._not_before[row["id"]] = self._services.clock.now() + deliveries.pause_after(row["attempts"] + 1)
        else:
            self._not_before.pop(row["id"], None)

    def _guarded(self, kind: str, ref: str, work: Callable[[], object]) -> bool:
        """One failing row must not stop the others (False); an engine failure is on record where it belongs."""
        try:
            work()
        except Exception:  # the round goes on whatever a row does to it
            log.exception("work_failed", kind=kind, ref=ref)
            return False
        return True


def _seal(uow: UnitOfWork) -> None:
    uow.alone("seal")
    if chain.seal_is_due(uow.connection, uow.now):
        chain.seal_heads(uow)
