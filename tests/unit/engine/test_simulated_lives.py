"""What `tocsin simulate` shows is what the product does: one model, the same moves, the same events."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from service.engine.assembly import Assembly
from service.engine.model import Kind
from service.persistence.tables import sql
from service.settings import Settings
from service.simulation.deadlines import Deadlines
from service.simulation.definitions import Definitions
from service.simulation.facts import SimulatedFacts
from service.simulation.surroundings import Surroundings
from service.simulation.world import World
from tests.models.blocks import Block, Model, Shape
from tests.models.living import FREE, INCIDENT, Life, a_life, completed, ordinary
from tests.models.properties import accepted, count
from tests.models.walking import assembled
from tests.models.writing import BUNDLE, NAMES

MOVES = 40
SHORT = range(3_000_000, 3_000_060)
ENDS = {"element_completed", "element_cancelled", "iteration_completed", "task_cancelled", "wait_ended"}
BOTH = {"element_entered", "task_opened", "wait_armed", "wait_moved", "instance_ended"} | ENDS
Seen = tuple[str, str, str, str]


@cache
def around() -> Surroundings:
    return Surroundings.load(Settings())


class Both:
    """A life in the product and a world of the simulation, moved together."""

    def __init__(self, life: Life, assembly: Assembly) -> None:
        self.life = life
        facts = SimulatedFacts({}, lambda _name: None)
        now = life.store.clock.now()
        definitions = Definitions(assembly, BUNDLE)
        self.world = World(definitions, Deadlines(around()), {}, now, facts, lambda _wait, given: dict(given))
        self.lines: list[Seen] = []
        life.begin()
        self.world.begin(BUNDLE, definitions.first_start(BUNDLE), dict.fromkeys(NAMES, 1))
        self.world.settle()

    def move(self, rng: Random, *, is_free: bool) -> None:
        """One thing happens in both."""
        waiting = self.life.waiting()
        ahead = [each for each in waiting if self.life.pages[each["element"]].kind not in {Kind.BOUNDARY, Kind.START}]
        chosen = rng.choice(waiting) if is_free or not ahead else ahead[0]
        if chosen["is_timer"] and chosen["due_at"] is not None:
            self._pass_time()
            return
        outputs = {name: rng.randint(0, 3) for name in self.life.pages[chosen["element"]].outputs}
        process = self.life.processes[0]
        process.runner.run(partial(completed, process.services, chosen, outputs))
        self.world.complete(self.world.waits[f"s1-{_number(chosen['id'])}"], outputs)

    def _pass_time(self) -> None:
        """To the next timer: what falls due together is worked in the order of its rows."""
        due = min(each["due_at"] for each in self.life.waiting() if each["is_timer"] and each["due_at"] is not None)
        clock = self.life.store.clock
        clock.set(max(due, clock.now()))
        self.life.poll()
        while ringing := [each for each in self.world.waiting() if each.due is not None and each.due <= clock.now()]:
            first = min(ringing, key=lambda each: (each.due, each.tid))
            self.world.now = max(self.world.now, first.due or self.world.now)
            self.world.complete(first, {})
        self.world.now = clock.now()

    def compare(self) -> None:
        """Raises AssertionError where the product did something else than the simulation."""
        while self.world.lines:
            line = self.world.lines.popleft()
            self.lines += _seen(line["type"], line)
        log = sql.events.c
        with self.life.store.database.read() as connection:
            rows = connection.execute(select(log.type, log.data).where(log.stream == INCIDENT).order_by(log.seq)).all()
        assert [each for row in rows for each in _seen(row.type, row.data)] == self.lines


def _seen(type_: str, data: Mapping[str, Any]) -> list[Seen]:
    if type_ not in BOTH:
        return []
    shown = "element_completed" if type_ == "iteration_completed" else type_  # a turn is a line of its activity's kind
    number = _number(str(data.get("visit") or data.get("wait") or data.get("task") or ""))
    return [(shown, str(data.get("element", "")), number, str(data.get("reason", "")))]


def _number(id_: str) -> str:
    return id_.rpartition("-")[2]


def loud(block: Block) -> Block:
    """With a signal wherever something is thrown: few models have one that somebody hears."""
    how = "signal" if block.shape is Shape.THROW else block.how
    return replace(block, parts=tuple(map(loud, block.parts)), how=how)


def lived_alike(folder: Path, made: Model, seed: int) -> bool:
    plain = ordinary(made)
    bundle = accepted(Model(loud(plain.main), tuple((trigger, loud(handler)) for trigger, handler in plain.events)))
    if bundle is None:
        return False
    assembly, rng = assembled(bundle), Random(seed)  # noqa: S311 - random paths are no secrets
    with a_life("sqlite", folder, assembly) as life:
        both = Both(life, assembly)
        both.compare()
        for move in range(MOVES):
            if life.status() != "active":
                break
            both.move(rng, is_free=move < FREE)
            both.compare()
    return True


def test_the_simulation_does_what_the_product_does(tmp_path: Path) -> None:
    assert count(SHORT, partial(lived_alike, tmp_path)) > len(SHORT) // 2


@pytest.mark.soak
@pytest.mark.parametrize("hundred", range(20))
def test_two_thousand_models_are_simulated_as_they_are_lived(tmp_path: Path, hundred: int) -> None:
    seeds = range(3_100_000 + hundred * 100, 3_100_100 + hundred * 100)
    assert count(seeds, partial(lived_alike, tmp_path)) > 50
