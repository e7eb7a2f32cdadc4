"""The worker of one process among many: jobs say what to look at, a sweep finds what no job told of."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from service.domain.clock import Clock
from service.domain.errors import DatabaseAway
from service.logs import logger
from service.persistence import alarms
from service.persistence.job_runner import JobRunner
from service.persistence.queue import DELIVERY, INCIDENT
from service.worker.duties import Duties
from service.worker.runner import WorkerHealth
from service.worker.until_stopped import UntilStopped

SWEEP_SECONDS = 5.0  # at most: well below alarms.HORIZON, so that a missed sweep makes nothing late
POLLS_PER_SWEEP = 5
HEARTBEAT_SECONDS = 1.0
SILENT = timedelta(seconds=5)  # without a heartbeat: its jobs go to somebody else

log = logger(__name__)


class JobWorker(UntilStopped):
    """Runs jobs and sweeps while started; any number of processes do."""

    def __init__(self, duties: Duties, clock: Clock) -> None:
        super().__init__("sweeper")
        self._duties, self._clock = duties, clock
        self._sweep_seconds = SWEEP_SECONDS
        handlers: Mapping[str, Callable[[str], None]] = {INCIDENT: duties.work, DELIVERY: duties.deliver}
        self._jobs = JobRunner(duties.database, handlers)

    def start(self, poll_seconds: float) -> None:
        """Run jobs in threads until `stop`; one whose time has come is seen within `poll_seconds`."""
        self._sweep_seconds = min(SWEEP_SECONDS, POLLS_PER_SWEEP * poll_seconds)
        self._jobs.start(poll_seconds=poll_seconds, heartbeat_seconds=HEARTBEAT_SECONDS, silent=SILENT)
        self._begin(self._sweep_on)

    def stop(self) -> None:
        """Finish the jobs in hand and end."""
        self._stopping.set()
        self._jobs.stop()
        super().stop()

    def tick(self) -> int:
        """Work what is due now in this thread, without any job."""
        return self._duties.tick()

    def health(self) -> WorkerHealth:
        """How the queue stands."""
        with self._duties.database.read() as connection:
            found = alarms.health(connection, SILENT)
        return WorkerHealth(found.waiting, found.running, found.stalled, found.workers)

    def sweep(self) -> int:
        """Wake for every row that nobody woke for, and for the jobs of dead workers; returns how many."""
        self._duties.mind_drills()
        woken = self._jobs.in_transaction(
            lambda connection: alarms.rescue(connection, SILENT) + alarms.sweep(connection, self._clock.now())
        )
        self._duties.seal_heads()
        self._duties.watch()
        self._duties.upgrade()
        self._duties.import_directory()
        self._duties.waking.send_tests()
        self._duties.waking.watch()
        self._duties.check_chains()
        self._duties.erase()
        return woken

    def _sweep_on(self) -> None:
        while True:
            try:
                self.sweep()
            except DatabaseAway:  # the next sweep looks again
                log.warning("sweep_failed", code=DatabaseAway.code)
            except Exception:
                log.exception("sweep_failed")
            if self._stopping.wait(self._sweep_seconds):
                return
