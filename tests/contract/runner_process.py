"""Does background work until the contract test kills it. Arguments: data folder, address of the database, its instant.

For each line on standard input a process is forked that opens the database anew (catalogues and assembled diagrams are
inherited, because reading them takes seconds); its id is the line it prints, and `killed` follows once it is dead.
"""

import os
import sys
import time
from datetime import datetime
from pathlib import Path

from service.application.definitions import active_procedures
from service.bootstrap import Tocsin, build
from service.domain.clock import SettableClock
from service.settings import Settings


def main(folder: str, url: str, now: str) -> None:
    """Fork a worker per line and wait for its death."""
    settings = Settings(data_dir=Path(folder), demo=True, database_url=url, log_level="error")
    template = build(settings, SettableClock(datetime.fromisoformat(now)))
    with template.read() as connection:
        for procedure, version in active_procedures(connection).items():
            template.services.definitions.get(connection, procedure, version)
    template.stop()
    for _ in sys.stdin:
        worker = os.fork()
        if worker == 0:
            work_for_ever(template)
        os.waitpid(worker, 0)
        say("killed")


def work_for_ever(warm: Tocsin) -> None:
    """Start background work and never end."""
    tocsin = build(warm.settings, warm.clock, warm=warm)
    tocsin.worker.start(0.05)
    say(os.getpid())
    while True:
        time.sleep(1)


def say(what: object) -> None:
    """One line in one system call, so that a kill never leaves half of it."""
    os.write(1, f"{what}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
