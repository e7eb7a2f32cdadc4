"""What both kinds of worker share: one thread that goes on until somebody says stop."""

from collections.abc import Callable
from threading import Event, Thread


class UntilStopped:
    """A thread of its own from `_begin` to `stop`; the loop it runs looks at `_stopping`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stopping = Event()
        self._thread: Thread | None = None

    @property
    def is_started(self) -> bool:
        """Whether the thread was started."""
        return self._thread is not None

    def stop(self) -> None:
        """Finish what is in hand and end; may be called twice."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def request_stop(self) -> None:
        """Let `wait` return; may be called from a signal handler."""
        self._stopping.set()

    def wait(self) -> None:
        """Block until stopped."""
        self._stopping.wait()

    def _begin(self, loop: Callable[[], None]) -> None:
        self._thread = Thread(target=loop, name=self._name, daemon=True)
        self._thread.start()
