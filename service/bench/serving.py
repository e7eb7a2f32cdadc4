"""Servers under test, each a process of its own on a free port of this machine.

`python -m service.bench.serving FOLDER PORT [URL]` serves what was installed, background work included.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep

import uvicorn

from service import logs
from service.app import create_app
from service.bench.load import HOST, LoadFailed
from service.bootstrap import Tocsin, build
from service.domain.clock import Clock, SystemClock
from service.settings import Settings

START_SECONDS = 90
LIMIT = "service.bench.limit"
LIMIT_POSTGRES = "service.bench.limit_postgres"
PRODUCT = "service.bench.serving"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    pid: int

    def cpu_seconds(self) -> float | None:
        """Processor time it has used so far; None where the system does not tell."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(module: str, target: Path, *more: str) -> Iterator[Server]:
    """A server of its own process, until the block ends. Raises LoadFailed if it does not start."""
    port = free_port()
    command = [sys.executable, "-m", module, str(target), str(port), *more]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - fixed arguments of our own
        try:
            _wait_for(port, process)
            yield Server(port, process.pid)
        finally:
            process.terminate()


def product(folder: Path, clock: Clock | None = None, *, database: str = "") -> Tocsin:
    """The product on a folder, as the servers under test run it."""
    return build(Settings(data_dir=folder, demo=True, database_url=database, log_level="error"), clock)


def main(folder: str, port: str, database: str = "") -> None:
    """Serve what is installed in a folder."""
    logs.configure(now=SystemClock().now, log_format="json", level="error")
    tocsin = product(Path(folder), database=database)
    uvicorn.run(create_app(tocsin), host=HOST, port=int(port), log_config=None, access_log=False)


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(START_SECONDS * 10):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        sleep(0.1)
    message = "the server under test did not start"
    raise LoadFailed(message)


if __name__ == "__main__":
    main(*sys.argv[1:])
