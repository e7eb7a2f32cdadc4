"""The worker of one process: a thread that looks at the rows again and again."""

from threading import Event, Thread

from service.domain.clock import monotonic_seconds
from service.logs import logger
from service.worker.duties import Duties
from service.worker.runner import WorkerHealth

SILENT_SECONDS = 120.0  # longer than `poll_seconds` may be, and than a round takes

log = logger(__name__)


class PollingWorker:
    """Polls while running."""

    def __init__(self, duties: Duties) -> None:
        self._duties = duties
        self._stop = Event()
        self._thread: Thread | None = None
        self._beat = monotonic_seconds()

    @property
    def is_started(self) -> bool:
        """Whether the thread was started."""
        return self._thread is not None

    def start(self, poll_seconds: float) -> None:
        """Poll in a thread until `stop`."""
        self._thread = Thread(target=self._loop, args=(poll_seconds,), name="worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the round in progress and end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def request_stop(self) -> None:
        """Let `wait` return."""
        self._stop.set()

    def wait(self) -> None:
        """Block until stopped."""
        self._stop.wait()

    def tick(self) -> int:
        """Work what is due now; returns how many incidents and deliveries were looked at."""
        return self._duties.tick()

    def health(self) -> WorkerHealth:
        """One worker, and nothing between it and the rows; one that is in the same round for long counts as none."""
        is_alive = self._thread is not None and self._thread.is_alive()
        is_running = is_alive and monotonic_seconds() - self._beat < SILENT_SECONDS
        return WorkerHealth(waiting=0, running=0, stalled=0, workers=int(is_running))

    def _loop(self, poll_seconds: float) -> None:
        while not self._stop.wait(poll_seconds):
            self._beat = monotonic_seconds()
            try:
                self._duties.tick()
            except Exception:  # a database that cannot be read for a moment must not end background work
                log.exception("round_failed")
