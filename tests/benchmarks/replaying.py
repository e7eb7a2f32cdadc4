"""How long a jump in the replay of a long drill takes: `python -m tests.benchmarks.replaying [EVENTS]`.

A drill of simulated roles is played until its log has so many events (10,000), then the page of a moment is computed
as a request does it, without its HTML: first with nothing in memory, then at moments chosen by chance.
"""

import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from service.application import incidents
from service.application.queries import Reader, deliveries, inbox, incident_pages, replay, reports, situation
from service.domain import commands as cmd
from tests.paths import drilling, school
from tests.paths.world import World, at

CASE = "school_suspected_case"
JUMPS = 40


def played(w: World, events: int) -> None:
    """A drill with so many events: sick pupils come in, everybody's work is done by the service."""
    drilling.begin(w, CASE, speed=0, roles=("*",))
    number = 0
    while len(w.events()) < events:
        number += 1
        command = cmd.AddCase(w.incident, school.quick(f"学生{number}"))
        w.app.run(partial(incidents.add_case, services=w.app.services, principal=w.who("trainer"), command=command))
        drilling.clock(w, "advance", by="PT5M")


def looked(w: World, seq: int) -> float:
    """Seconds for one moment."""
    began = time.perf_counter()
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, w.who("trainer"), w.clock.now())
        moment = replay.moment(reader, w.incident, seq)
        with replay.standing(reader, moment) as past:
            incident_pages.head(past, w.incident)
            situation.of_instance(past, w.incident)
            inbox.listing(past, inbox.TaskFilter(incident=w.incident), limit=200)
            reports.listing(past, w.incident)
            deliveries.outbox(past, incident=w.incident)
    return time.perf_counter() - began


def main(events: int) -> str:
    """Play, look, and say the figures."""
    with tempfile.TemporaryDirectory() as folder:
        w = World(Path(folder), at("08:00"))
        played(w, events)
        last = len(w.events())
        first = looked(w, last)
        chance = random.Random(7)  # noqa: S311 - not for secrets
        times = sorted(looked(w, chance.randint(10, last)) for _ in range(JUMPS))
        w.app.stop()
    return (
        f"{last} events: first look {first:.2f} s; {JUMPS} jumps: median {times[JUMPS // 2]:.3f} s,"
        f" longest {times[-1]:.3f} s (bar: 1 s)"
    )


if __name__ == "__main__":
    sys.stdout.write(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000) + "\n")
