"""Web and worker processes that are ended one after the other, and replaced."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from service.settings import ROOT

NODES = 2  # of each kind


@dataclass
class Cluster:
    """The nodes that run, by name (`web-0`), with their process ids."""

    process: "subprocess.Popen[str]"
    ports: list[int] = field(default_factory=lambda: [free_port() for _ in range(NODES)])
    running: dict[str, int] = field(default_factory=dict)
    ended: int = 0

    @property
    def addresses(self) -> list[str]:
        """Where the web nodes listen."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def start(self, name: str) -> None:
        """Start a node, or a new one of that name."""
        kind, _, number = name.partition("-")
        line = f"web {self.ports[int(number)]}" if kind == "web" else kind
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(line, file=self.process.stdin, flush=True)
        self.running[name] = int(self.process.stdout.readline())

    def end(self, name: str, how: signal.Signals) -> None:
        """Kill a node, or tell it to end, and start its successor at once."""
        with suppress(ProcessLookupError):
            os.kill(self.running[name], how)
        self.ended += 1
        self.start(name)

    def until_all_listen(self, stop: Event) -> None:
        """Wait for every web node: a machine on which a start takes longer than the pause would else see none."""
        for port in self.ports:
            while not stop.is_set():
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                stop.wait(0.02)

    @contextmanager
    def ending(self, how: signal.Signals, *, every: float, let_be: Callable[[], bool]) -> Iterator[None]:
        """Inside, a web and a worker process are ended in turn, at most every so many seconds, none while `let_be`."""
        stop = Event()

        def go_on() -> None:
            turn = 0
            while not stop.wait(every):
                if let_be():
                    continue
                self.until_all_listen(stop)
                for kind in ("web", "worker"):
                    self.end(f"{kind}-{turn % NODES}", how)
                turn += 1

        thread = Thread(target=go_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def cluster(folder: Path, url: str) -> Iterator[Cluster]:
    """Two web and two worker processes; killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.nodes.node_process", str(folder), url],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        made = Cluster(process)
        for number in range(NODES):
            made.start(f"web-{number}")
            made.start(f"worker-{number}")
        try:
            yield made
        finally:
            for node in made.running.values():
                with suppress(ProcessLookupError):
                    os.kill(node, signal.SIGKILL)
            process.stdin.close()
