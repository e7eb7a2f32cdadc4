"""Where a process ends itself, as `kill -9` would, by the events of the database driver: no code of ours knows."""

import os
import signal
from collections.abc import Callable
from threading import Timer

from sqlalchemy import Engine, event

# The name of a point -> the driver's event that is it, on the connection of the writer.
POINTS = {
    "before the commit": "commit",  # everything is written, nothing is durable
    "after the commit": "checkin",  # durable, and nobody was answered: the connection goes back before the answers
    "between groups": "begin",  # the group before is answered, the next one has begun
}
RANDOM = "at random"
ALL = (*POINTS, RANDOM)


def arm(writing: Engine, point: str, after: float) -> None:
    """End this process the `after`-th time it comes by a point, or so many milliseconds after its first command."""
    if point == RANDOM:
        event.listen(writing, "begin", lambda _: _later(after / 1000), once=True)
    else:
        event.listen(writing.pool if point == "after the commit" else writing, POINTS[point], _countdown(int(after)))


def _later(seconds: float) -> None:
    timer = Timer(seconds, _die)
    timer.daemon = True
    timer.start()


def _countdown(times: int) -> Callable[..., None]:
    left = iter(range(times - 1))

    def passed(*_: object) -> None:
        if next(left, None) is None:
            _die()

    return passed


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
