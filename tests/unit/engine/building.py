"""Diagrams as Python values, and a driver that steps one instance through them.

The diagrams go round the intake on purpose: these tests are about what the engine does with a
diagram, and hypothesis makes thousands of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from service.domain import events as ev
from service.engine import effects as fx
from service.engine import runner, state
from service.engine.assembly import Assembly, assemble
from service.engine.instance import Instance
from service.engine.model import Bundle, Flow, Kind, Node, Process, Trigger

START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)

E = TypeVar("E", bound=ev.Event)
F = TypeVar("F")


def node(id_: str, kind: Kind, trigger: Trigger = Trigger.NONE, **values: Any) -> Node:
    """Any node."""
    return Node(id_, kind, trigger, **values)


def user(id_: str, **values: Any) -> Node:
    """A user task."""
    return Node(id_, Kind.USER, role=values.pop("role", "epi_office"), **values)


def page(id_: str, nodes: Iterable[Node], flows: Iterable[str], **values: Any) -> Process:
    """A page. A flow is written `a b`, or `a b = condition`; its id is `a-b`."""
    made = {}
    for text in flows:
        ends, _, condition = text.partition("=")
        source, target = ends.split()
        made[f"{source}-{target}"] = Flow(f"{source}-{target}", source, target, condition.strip() or None)
    return Process(id_, id_, id_, {each.id: each for each in nodes}, made, **values)


def assembled(*pages: Process, decisions: Mapping[str, str] | None = None) -> Assembly:
    """The assembly of a bundle whose entry is the first page."""
    return assemble(Bundle(pages[0].id, "0", pages[0].id, {each.id: each for each in pages}, decisions or {}, {}))


@dataclass
class Driver:
    """One instance with the world around it; `now` only moves when a test moves it.

    With `reload` the state goes through its stored form before every command.
    """

    assembly: Assembly
    facts: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    policies: dict[str, Any] = field(default_factory=dict)
    start: str = ""
    name: str = "i"
    reload: bool = False
    now: datetime = START

    def __post_init__(self) -> None:
        self.events: list[ev.Event] = []
        self.effects: list[fx.Effect] = []
        self.deadlines: dict[tuple[str, str], datetime] = {}
        self._elements: dict[str, str] = {}
        self._dues: dict[str, str | None] = {}
        self.horizon: datetime | None = None
        self.instance = runner.start(
            self.assembly, self.name, self.assembly.bundle.entry, start_event=self.start, inputs=self.inputs
        )
        self.settle(runner.proceed(self.instance, self.context()))

    def context(self) -> fx.StepContext:
        """What a step sees."""
        return fx.StepContext(
            now=self.now, horizon=self.horizon or self.now, policies=self.policies, facts=self.facts,
            deadlines=self.deadlines, records={},
        )  # fmt: skip

    def settle(self, result: runner.StepResult) -> None:
        """Take in a result and go on until the step is over."""
        while True:
            self.events += result.events
            self._follow(result.events)
            self.effects += result.effects
            if not result.is_paused:
                break
            result = runner.proceed(self.instance, self.context())
        if self.reload:
            self.instance = stored(self.instance)

    def _follow(self, events: Iterable[ev.Event]) -> None:
        for each in events:
            if isinstance(each, ev.ElementEntered):
                self._elements[each.visit] = each.element
            elif isinstance(each, ev.WaitArmed):
                self._elements[each.wait] = each.element
                self._dues[each.wait] = each.due
            elif isinstance(each, ev.WaitMoved):
                self._dues[each.wait] = each.due
        self._elements = {tid: at for tid, at in self._elements.items() if self.instance.is_waiting(tid)}

    def proceed(self, **facts: Any) -> None:
        """Facts have changed."""
        self.facts.update(facts)
        self.settle(runner.proceed(self.instance, self.context()))

    def change(self, **policies: Any) -> None:
        """Policies have changed."""
        before, self.policies = self.policies, {**self.policies, **policies}
        self.settle(runner.retime(self.instance, self.context(), before, set(policies)))

    def fire(self, tid: str, outputs: Mapping[str, object] | None = None) -> None:
        """Complete a wait by its id."""
        self.settle(runner.complete(self.instance, self.context(), tid, outputs or {}))

    def complete(self, element: str, **outputs: object) -> None:
        """Complete the oldest wait at a node."""
        self.fire(self.waits(element)[0], outputs)

    def pass_time(self, by: timedelta) -> None:
        """Move the clock and work the timers due by then, earliest first, each at its due time."""
        until = self.now + by
        while due := [(at, tid) for tid, at in self.dues().items() if at <= until]:
            at, tid = min(due)
            self.now = max(self.now, at)
            self.fire(tid)
        self.now = until

    # --- what is there ----------------------------------------------------------------------------

    def of(self, kind: type[E]) -> list[E]:
        """Events of a class."""
        return [each for each in self.events if isinstance(each, kind)]

    def effect(self, kind: type[F]) -> list[F]:
        """Effects of a class."""
        return [each for each in self.effects if isinstance(each, kind)]

    @property
    def path(self) -> list[str]:
        """Completed nodes in order."""
        return [each.element for each in self.of(ev.ElementCompleted)]

    def waits(self, element: str = "") -> list[str]:
        """Ids that can be fired at a node (or anywhere), oldest first."""
        known = self._elements.items()
        return [tid for tid, at in known if element in ("", at) and self.instance.is_waiting(tid)]

    def element(self, tid: str) -> str:
        """The node a wait belongs to."""
        return self._elements[tid]

    def open_tasks(self) -> list[str]:
        """Elements of the human tasks that wait, in order of opening."""
        return [e.element for e in self.of(ev.TaskOpened) if self.instance.is_waiting(e.task)]

    def dues(self) -> dict[str, datetime]:
        """Due times of the timers that wait."""
        known = self._dues.items()
        return {tid: datetime.fromisoformat(due) for tid, due in known if due and self.instance.is_waiting(tid)}

    @property
    def result(self) -> dict[str, Any]:
        """Process data at the end of the instance."""
        return self.effect(fx.Ended)[-1].result


def stored(instance: Instance) -> Instance:
    """The same instance after saving and loading."""
    return state.load(instance.assembly, instance.id, state.dump(instance))
