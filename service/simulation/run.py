"""Running a simulation: who does what next on the virtual clock, and how it ends."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from service.domain.calendar import add, parse_duration
from service.domain.errors import FormRefused
from service.engine.instance import EngineError, Standstill
from service.settings import Settings
from service.simulation.answers import Desk, Letter, Reply, Script
from service.simulation.deadlines import Deadlines
from service.simulation.definitions import Definitions, Refused, read_definitions
from service.simulation.facts import SimulatedFacts
from service.simulation.surroundings import ORGANISATION_TYPE, Surroundings, read_files
from service.simulation.world import Line, Wait, World

BEGINS = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)  # Monday, 8 o'clock in Shanghai; a fixed day, for same results


class CommandLine(Protocol):
    """What the command line hands over; inputs are JSON text, answers a file name."""

    file: str
    process: str
    inputs: str
    answers: str
    until: str
    seed: int


@dataclass(frozen=True)
class Options:
    """How to simulate. `until` is a duration from the beginning; names of `inputs` count as declared."""

    process: str = ""
    inputs: Mapping[str, Any] | None = None
    answers: Mapping[str, Any] | None = None
    until: str = "P30D"
    seed: int = 0


def run_simulation(settings: Settings, options: CommandLine) -> Iterator[str]:
    """The lines of a simulation as JSON text.

    Raises:
        OSError: A file cannot be read.
        ValueError: The inputs or answers are no JSON, or a duration is none.
    """
    answers = json.loads(Path(options.answers).read_text("utf-8")) if options.answers else {}
    chosen = Options(options.process, json.loads(options.inputs), answers, options.until, options.seed)
    for line in simulate(read_files(Path(options.file)), chosen, Surroundings.load(settings)):
        yield json.dumps(line, ensure_ascii=False, default=str)


def simulate(files: Mapping[str, bytes], options: Options, around: Surroundings) -> Iterator[Line]:
    """Run the definitions of some files; each line has the timeline's shape, the last is the outcome.

    The outcome is completed, refused (findings stand in the lines before), stuck (`elements` name
    what waits for something that does not come), or failed (`element` and `cause`).
    """
    try:
        definitions = read_definitions(files, options.process, list(options.inputs or {}), around)
    except Refused as refused:
        for each in refused.findings:
            yield {
                "type": "finding", "file": each.file, "element": each.element, "rule": each.rule,
                "severity": each.severity, "message": each.message, "message_en": each.message_en,
            }  # fmt: skip
        yield {"outcome": "refused"}
        return
    yield from _Simulation(definitions, options, around).lines()


class _Simulation:
    def __init__(self, definitions: Definitions, options: Options, around: Surroundings) -> None:
        self.options, self.definitions = options, definitions
        self.until = add(BEGINS, parse_duration(options.until))
        self.script = Script(options.answers or {}, BEGINS)
        self.desk = Desk(around, options.seed)
        self.inputs = dict(options.inputs or {})
        self.world = World(
            definitions, Deadlines(around), self.desk.records, BEGINS,
            SimulatedFacts({"org_type": ORGANISATION_TYPE, **self.inputs}, self._unknown_fact), self._outputs,
        )  # fmt: skip
        self.letters: list[Letter] = sorted(self.script.letters, key=lambda letter: letter.at)
        self.replies: list[tuple[Wait, Reply]] = []

    def _unknown_fact(self, name: str) -> None:
        self.world.note(None, "nobody has given this fact; it does not hold", fact=name)

    def lines(self) -> Iterator[Line]:
        """All lines; those of a step that fails come before the outcome."""
        outcome: Line | None = None
        first = True
        while outcome is None:
            try:
                moved = self._begin() if first else self._next()
                outcome = None if moved else self._end()
            except Standstill as error:
                outcome = {"outcome": "stuck", "elements": [error.element], "reason": error.cause}
            except EngineError as error:
                outcome = {"outcome": "failed", "element": error.element, "cause": error.cause}
            except _AnswerRefused as error:
                outcome = {"outcome": "failed", "element": error.element, "cause": error.cause}
            first = False
            while self.world.lines:
                yield self.world.lines.popleft()
        yield outcome

    def _begin(self) -> bool:
        entry = self.definitions.entry
        self.world.begin(entry, self.script.start or self.definitions.first_start(entry), self.inputs)
        self.world.settle()
        return True

    # --- what comes next --------------------------------------------------------------------------

    def _next(self) -> bool:
        """Do the earliest thing; at the same instant a timer comes before a message, that before an answer."""
        self._take_up()
        moments: list[tuple[datetime, int, Any]] = []
        timers = [wait for wait in self.world.waiting() if wait.due is not None]
        if timers:
            timer = min(timers, key=lambda wait: wait.due or BEGINS)
            moments.append((timer.due or BEGINS, 0, timer))
        if self.letters:
            moments.append((self.letters[0].at, 1, self.letters[0]))
        if self.replies:
            pair = min(self.replies, key=lambda each: each[1].at)
            moments.append((pair[1].at, 2, pair))
        if not moments:
            return False
        at, kind, what = min(moments, key=lambda moment: moment[:2])
        if at > self.until:
            return False
        self.world.now = max(self.world.now, at)
        (self._ring, self._receive, self._answer)[kind](what)
        return True

    def _take_up(self) -> None:
        while self.world.opened:
            wait = self.world.opened.popleft()
            # Work of others that the answers file announces as a message is not done before it comes.
            if not (wait.name and self.script.writes(wait.name)):
                self.replies.append((wait, self.script.reply(wait.element, wait.opened)))
        self.replies = [pair for pair in self.replies if self.world.is_waiting(pair[0])]

    def _ring(self, timer: Wait) -> None:
        self.world.complete(timer, {})

    def _receive(self, letter: Letter) -> None:
        self.letters.remove(letter)
        self.world.send(letter.name, letter.keys, letter.payload)
        self.world.settle()

    def _answer(self, pair: tuple[Wait, Reply]) -> None:
        wait, reply = pair
        self.replies.remove(pair)
        self.world.complete(wait, self._outputs(wait, reply.data))

    def _outputs(self, wait: Wait, data: Mapping[str, Any] | None) -> dict[str, Any]:
        try:
            node = self.world.definitions.processes[wait.process].nodes[wait.element]
            return self.desk.outputs(wait.form, node, data, now=self.world.now, opened=wait.opened)
        except FormRefused as refused:
            errors = "; ".join(f"{error.path}: {error.zh}" for error in refused.errors)
            raise _AnswerRefused(wait.element, errors) from refused

    # --- the end ----------------------------------------------------------------------------------

    def _end(self) -> Line:
        active = self.world.active()
        at = self.world.now.isoformat()
        if not active:
            return {"outcome": "completed", "at": at, "instances": len(self.world.members)}
        waits = self.world.waiting()
        elements = [*self.world.missing, *(wait.element for wait in waits if wait.element not in self.world.missing)]
        later = [wait for wait in waits if wait.due is not None]
        reason = "until" if later or self.replies or self.letters else "nothing comes that it waits for"
        return {"outcome": "stuck", "at": at, "elements": elements, "reason": reason}


class _AnswerRefused(Exception):
    def __init__(self, element: str, cause: str) -> None:
        super().__init__(cause)
        self.element, self.cause = element, cause


def simulate_options(sub: ArgumentParser) -> None:
    """The options of the command."""
    sub.add_argument("file")
    sub.add_argument("--process", default="")
    sub.add_argument("--inputs", default="{}")
    sub.add_argument("--answers", default="")
    sub.add_argument("--until", default="P30D")
    sub.add_argument("--seed", type=int, default=0)
