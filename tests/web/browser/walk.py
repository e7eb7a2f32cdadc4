"""The people of a scenario and its clock: each open task is answered by somebody, in his own browser."""

import threading
from collections.abc import Callable

from tests.paths.world import World, at
from tests.web.browser.phone import Answers, Person

People = Callable[[str], Person]


class Walk:
    """The scenario's people and its clock."""

    def __init__(self, world: World, people: People) -> None:
        self.world = world
        self._people = people
        self._seen: dict[str, Person] = {}

    def people(self, who: str) -> Person:
        """Somebody with his browser."""
        self._seen[who] = self._people(who)
        return self._seen[who]

    def go_on(self, when: str) -> None:
        """To another day: everybody has put his phone away, because nobody stays signed in overnight."""
        for each in self._seen.values():
            each.put_away()
        self.world.go(when)

    def do(self, who: str, element: str, answers: Answers | None = None) -> None:
        """Somebody answers the open task of an element from the inbox."""
        waiting = self.world.open_tasks()
        assert element in waiting, f"{element} is not open; open are {sorted(waiting)}"
        self.people(who).do(waiting[element][0], answers)
        assert element not in self.world.open_tasks() or len(waiting[element]) > 1

    def finish(self, who: str, element: str) -> None:
        """Somebody finishes a simple step with one tap."""
        self.people(who).finish(self.world.open_tasks()[element][0])
        assert_soon(lambda: element not in self.world.open_tasks())

    def now(self) -> str:
        """The time as a datetime input takes it."""
        return self.world.clock.now().astimezone(at("08:00").tzinfo).strftime("%Y-%m-%dT%H:%M")


def assert_soon(holds: Callable[[], bool], tries: int = 50) -> None:
    """What the browser sends while it leaves a page arrives a moment later."""
    pause = threading.Event()
    for _ in range(tries):
        if holds():
            return
        pause.wait(0.1)
    assert holds()
