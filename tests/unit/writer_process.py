"""Starts writers that print each answered number until the crash test kills them. Arguments: url, master key.

For each line on standard input a writer is forked (importing everything anew takes seconds); its process
id is the first line it prints, whole lines follow, and `killed` once it is dead.
"""

import os
import sys
from functools import partial

from service.domain.clock import SystemClock
from service.persistence.database import open_database
from service.persistence.runners import open_runner
from service.persistence.sealing import Sealer
from service.persistence.unit_of_work import NewEvent, UnitOfWork


def main(url: str, master_key: str) -> None:
    """Fork a writer per line and wait for its death."""
    for _ in sys.stdin:
        writer = os.fork()
        if writer == 0:
            write_for_ever(url, master_key)
        os.waitpid(writer, 0)
        say("killed")


def write_for_ever(url: str, master_key: str) -> None:
    """Append to four streams, several commands in flight at once."""
    say(os.getpid())
    clock = SystemClock()
    runner = open_runner(open_database(url, clock), clock, Sealer(master_key, clock))
    while True:
        flying = [(stream, runner.submit(partial(append, stream=stream))) for stream in "abcd" for _ in range(5)]
        for stream, answer in flying:
            say(f"{stream} {answer.result()}")


def append(uow: UnitOfWork, *, stream: str) -> int:
    """One event with a sealed value; its number."""
    uow.lock(stream)
    event = NewEvent("noted", uow.now, {"command": uow.new_id()}, sealed={f"p-{stream}": {"name": "学生甲"}})
    return uow.append(stream, [event])[0].seq


def say(what: object) -> None:
    """One line in one system call, so that a kill never leaves half of it."""
    os.write(1, f"{what}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
