"""The worker of one process: a thread that looks at the rows again and again."""

from functools import partial

from service.domain.clock import monotonic_seconds
from service.logs import logger
from service.worker.duties import Duties
from service.worker.runner import WorkerHealth
from service.worker.until_stopped import UntilStopped

SILENT_SECONDS = 120.0  # longer than `poll_seconds` may be, and than a round takes

log = logger(__name__)


class PollingWorker(UntilStopped):
    """Polls while running."""

    def __init__(self, duties: Duties) -> None:
        super().__init__("worker")
        self._duties = duties
        self._beat = monotonic_seconds()

    def start(self, poll_seconds: float) -> None:
        """Poll in a thread until `stop`."""
        self._begin(partial(self._loop, poll_seconds))

    def tick(self) -> int:
        """Work what is due now; returns how many incidents and deliveries were looked at."""
        return self._duties.tick()

    def health(self) -> WorkerHealth:
        """One worker, and nothing between it and the rows; one that is in the same round for long counts as none."""
        is_alive = self._thread is not None and self._thread.is_alive()
        is_running = is_alive and monotonic_seconds() - self._beat < SILENT_SECONDS
        return WorkerHealth(waiting=0, running=0, stalled=0, workers=int(is_running))

    def _loop(self, poll_seconds: float) -> None:
        while not self._stopping.wait(poll_seconds):
            self._beat = monotonic_seconds()
            try:
                self._duties.tick()
            except Exception:  # a database that cannot be read for a moment must not end background work
                log.exception("round_failed")
