"""Plays SC01 until the crash test kills it, and says after each answer what was accepted. Argument: the data folder.

For each line on standard input a process is forked that opens the files anew; catalogues and assembled
diagrams, which never change, are inherited, because reading them takes seconds. The process id is the
first line it prints, a line per accepted command follows, and `killed` comes once it is dead.
"""

import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service.application.definitions import active_procedures
from service.bootstrap import Tocsin, build
from tests.paths.player import Player
from tests.paths.world import at

START = at("08:10")


class Restarted(Player):
    """A player on files that are there already."""

    def prepare(self) -> None:
        """Everything is deployed."""


class Forked(Restarted):
    """What the killed process runs; it tells what was accepted once the answer is there."""

    def __init__(self, folder: Path, warm: Tocsin) -> None:
        self.warm = warm
        super().__init__(folder, START)

    def start(self) -> Tocsin:
        """Database, writer and caches of its own on the inherited catalogues."""
        return build(self.settings, self.clock, warm=self.warm)

    def open(self, who: str, data: Mapping[str, Any], procedure: str = "school_suspected_case") -> str:
        """Say which incident was accepted."""
        incident = super().open(who, data, procedure)
        say(f"opened {incident}")
        return incident

    def do(self, who: str, element: str, data: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """Say which task was accepted."""
        outcome = super().do(who, element, data, **more)
        say(f"done {outcome.task}")
        return outcome


def main(folder: str) -> None:
    """Fork a player per line and wait for its death."""
    template = Restarted(Path(folder), START)
    with template.app.read() as connection:
        for procedure, version in active_procedures(connection).items():
            template.app.services.definitions.get(connection, procedure, version)
    template.app.stop()
    for _ in sys.stdin:
        player = os.fork()
        if player == 0:
            play_for_ever(Path(folder), template.app)
        os.waitpid(player, 0)
        say("killed")


def play_for_ever(folder: Path, warm: Tocsin) -> None:
    """One incident after the other; a failure of ours is told, and then waits for the kill."""
    say(os.getpid())
    try:
        player = Forked(folder, warm)
        while True:
            player.resume()
            while player.play():
                pass
    except BaseException:
        say("failed " + traceback.format_exc().replace("\n", " | "))
        os._exit(1)


def say(what: object) -> None:
    """One line in one system call, so that a kill never leaves half of it."""
    os.write(1, f"{what}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
