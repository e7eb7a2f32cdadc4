"""Serves the reference procedure over HTTP until it kills itself. Arguments: the data folder, the port.

For each line `point after` on standard input a process is forked that opens the files anew; catalogues and assembled
diagrams, which never change, are inherited, because reading them takes seconds. `serving` is said when it begins, and
`killed` once it is dead; anything else it says is a failure.
"""

import os
import signal
import sys
import traceback
from pathlib import Path

import uvicorn

from service import logs
from service.app import create_app
from service.bench import reference
from service.bench.serving import product
from service.bootstrap import Tocsin, build
from service.domain.clock import SystemClock
from tests.crash import fault_points


def main(folder: str, port: str) -> None:
    """Fork a server per line and wait for its death."""
    logs.configure(now=SystemClock().now, level="error")
    template = product(Path(folder))
    with template.read() as connection:
        template.services.definitions.get(connection, reference.PROCEDURE, 1)
    template.stop()
    for line in sys.stdin:
        point, _, after = line.strip().rpartition(" ")
        child = os.fork()
        if child == 0:
            serve(template, int(port), point, float(after))
        _, status = os.waitpid(child, 0)
        was_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        say("killed" if was_killed else f"ended by itself: {status}")


def serve(warm: Tocsin, port: int, point: str, after: float) -> None:
    """One life."""
    try:
        tocsin = build(warm.settings, SystemClock(), warm=warm)
        app = create_app(tocsin)
        fault_points.arm(tocsin.database.writing, point, after)
        say("serving")
        uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False)
    except BaseException:
        say("failed " + traceback.format_exc().replace("\n", " | "))
    os._exit(1)


def say(what: object) -> None:
    """One line in one system call, so that a kill never leaves half of it."""
    os.write(1, f"{what}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
