"""Steps of a workflow on dbos with SQLite, each recorded before the next begins.

Run by the interpreter of an environment into which the benchmark installed dbos. Arguments: the database file, steps.
Prints the seconds they took, as JSON.
"""

import json
import sys
from collections.abc import Callable

from dbos import DBOS

from service.domain.clock import monotonic_seconds

STEPS = 20  # of a workflow


def _answer(number: int) -> dict[str, object]:
    """What one task's answer would store."""
    return {"number": number, "send_channel": "phone", "outcome": "answered", "answered_by": "someone"}


def _turns(count: int) -> float:
    """Run steps one after the other; returns the seconds they took."""
    began = monotonic_seconds()
    for number in range(count):
        answer(number)
    return monotonic_seconds() - began


answer: Callable[[int], object] = DBOS.step()(_answer)
turns: Callable[[int], float] = DBOS.workflow()(_turns)


def main(file: str, wanted: str) -> None:
    """Run workflows until so many steps are done."""
    DBOS(config={"name": "bench", "system_database_url": f"sqlite:///{file}", "log_level": "ERROR"})
    DBOS.launch()
    turns(STEPS)  # warms up
    seconds = sum(turns(min(STEPS, int(wanted) - done)) for done in range(0, int(wanted), STEPS))
    sys.stdout.write(json.dumps({"seconds": seconds}))
    DBOS.destroy()


if __name__ == "__main__":
    main(*sys.argv[1:])
