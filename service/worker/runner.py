"""What a worker is to whoever starts, stops or watches it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """How background work stands, over all nodes.

    `waiting` and `running`: asked for and at work; `stalled`: at work in a process that fell silent;
    `workers`: processes that do background work. Where rows are polled there is one, and nothing waits.
    """

    waiting: int
    running: int
    stalled: int
    workers: int


class Worker(Protocol):
    """Does background work while started; `tick` does one round of it here and now, for tests and drills."""

    @property
    def is_started(self) -> bool:
        """Whether this process does background work."""
        ...

    def start(self, poll_seconds: float) -> None:
        """Work in threads of its own until `stop`."""
        ...

    def stop(self) -> None:
        """Finish what is in hand and end; may be called twice."""
        ...

    def request_stop(self) -> None:
        """Let `wait` return; may be called from a signal handler."""
        ...

    def wait(self) -> None:
        """Block until stopped."""
        ...

    def tick(self) -> int:
        """Do what is due now; returns how many incidents and deliveries were looked at."""
        ...

    def health(self) -> WorkerHealth:
        """How background work stands. Raises DatabaseAway."""
        ...
