"""Forks nodes. Arguments: data folder, database address. Each line on standard input is `web PORT` or `worker`.

The process id of the node is the line it prints. Catalogues and assembled diagrams, which never change, are read once
and inherited, because reading them takes seconds; database, threads and caches are the node's own.
"""

import os
import signal
import sys
import traceback
from pathlib import Path

import uvicorn

from service.app import create_app, run_worker
from service.application.definitions import active_procedures
from service.bootstrap import Tocsin, build
from service.settings import Settings
from tests.nodes.clock import SharedClock

CLOCK = "clock"
LOG = "nodes.log"


def main(folder: str, url: str) -> None:
    """Fork a node per line until the input ends."""
    settings = Settings(data_dir=Path(folder), demo=True, database_url=url, poll_seconds=0.05)
    template = build(settings, SharedClock(Path(folder) / CLOCK))
    with template.read() as connection:
        for procedure, version in active_procedures(connection).items():
            template.services.definitions.get(connection, procedure, version)
    template.stop()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a dead node leaves nothing behind
    say("ready")
    for line in sys.stdin:
        node = os.fork()
        if node == 0:
            serve(template, *line.split())
        say(node)


def serve(warm: Tocsin, kind: str, port: str = "") -> None:
    """Be a node until told to end; what went wrong stands in the log."""
    log = os.open(warm.settings.data_dir / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)  # the lines of the parent are read from there, and a node logs
    os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        tocsin = build(warm.settings, warm.clock, warm=warm)
        if kind == "worker":
            run_worker(tocsin)
        else:
            app = create_app(tocsin, with_worker=False)
            uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="error", timeout_graceful_shutdown=3)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def say(what: object) -> None:
    """One line in one system call."""
    os.write(1, f"{what}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
