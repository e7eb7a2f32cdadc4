"""The worker of one process: a thread that looks at the rows when the next falls due, and now and then anyway."""

from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Lock

from service.domain.clock import monotonic_seconds
from service.logs import logger
from service.worker.duties import Duties
from service.worker.runner import WorkerHealth
from service.worker.until_stopped import UntilStopped

SILENT_SECONDS = 120.0  # longer than `poll_seconds` may be, and than a round takes
BREATH = 0.05  # seconds from one look to the next, whatever falls due: background work leaves room for people
NOBODY_SAID = datetime.max.replace(tzinfo=UTC)

log = logger(__name__)


class PollingWorker(UntilStopped):
    """Polls while running; between two looks it sleeps no longer than until the next row falls due."""

    def __init__(self, duties: Duties) -> None:
        super().__init__("worker")
        self._duties = duties
        self._beat = monotonic_seconds()
        self._bell, self._lock = Event(), Lock()
        self._said = NOBODY_SAID  # the earliest instant somebody rang for since the last look began
        self._asleep_until = NOBODY_SAID

    def start(self, poll_seconds: float) -> None:
        """Poll in a thread until `stop`; what falls due is not waited for longer than `poll_seconds`."""
        self._begin(partial(self._loop, poll_seconds))

    def stop(self) -> None:
        """Finish what is in hand and end; may be called twice."""
        self.request_stop()
        super().stop()

    def request_stop(self) -> None:
        """Let `wait` return; may be called from a signal handler."""
        super().request_stop()
        self._bell.set()

    def ring(self, at: datetime) -> None:
        """Say that something of this process falls due at an instant of real time; cheap, called after every commit."""
        with self._lock:
            self._said = min(self._said, at)
            if at < self._asleep_until:
                self._bell.set()

    def tick(self) -> int:
        """Work what is due now; returns how many incidents and deliveries were looked at."""
        return self._duties.tick()

    def health(self) -> WorkerHealth:
        """One worker, and nothing between it and the rows; one that is in the same round for long counts as none."""
        is_alive = self._thread is not None and self._thread.is_alive()
        is_running = is_alive and monotonic_seconds() - self._beat < SILENT_SECONDS
        return WorkerHealth(waiting=0, running=0, stalled=0, workers=int(is_running))

    def _loop(self, poll_seconds: float) -> None:
        looked_at = self._duties.now()
        while not self._sleep(poll_seconds, looked_at):
            self._beat, looked_at = monotonic_seconds(), self._duties.now()
            with self._lock:
                self._said = NOBODY_SAID
            try:
                self._duties.tick()
            except Exception:  # a database that cannot be read for a moment must not end background work
                log.exception("round_failed")

    def _sleep(self, most: float, looked_at: datetime) -> bool:
        """Sleep until the next look; True if there is to be none.

        What was due at the last look already and still is cannot be worked now: it has to wait for the usual look.
        """
        latest = self._duties.now() + timedelta(seconds=most)
        self._stopping.wait(BREATH)
        self._bell.clear()
        due = self._duties.now() if self._duties.has_more else self._next_due(looked_at) or latest
        with self._lock:
            self._asleep_until = until = min(due, self._said, latest)
        if not self._stopping.is_set():
            self._bell.wait(max(0.0, (until - self._duties.now()).total_seconds()))
        with self._lock:
            self._asleep_until = NOBODY_SAID
        return self._stopping.is_set()

    def _next_due(self, looked_at: datetime) -> datetime | None:
        try:
            return self._duties.next_due(after=looked_at)
        except Exception:  # as above
            log.exception("round_failed")
            return None
