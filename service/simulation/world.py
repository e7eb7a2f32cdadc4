"""The world of a simulation: its instances, what waits in them, and what they do to each other."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from service.domain import events as ev
from service.engine import effects as fx
from service.engine import runner
from service.engine.instance import EngineError, Instance
from service.simulation.deadlines import Deadlines
from service.simulation.definitions import Definitions
from service.simulation.facts import SimulatedFacts

MAX_STEPS = 2_000  # at one instant of the virtual clock

Line = dict[str, Any]


class Runaway(EngineError):
    """More steps than a process of people's work can take."""


@dataclass
class Member:
    """An instance with its place in the world. `parent` and `visit` name the call that waits for it."""

    instance: Instance
    process: str
    inputs: Mapping[str, Any]
    parent: str = ""
    visit: str = ""
    item: str = ""


@dataclass(frozen=True)
class Wait:
    """Something that waits in an instance: a task (`is_task`), an event, or both."""

    tid: str
    instance: str
    process: str
    element: str
    opened: datetime
    is_task: bool = False
    form: str = ""
    trigger: str = ""
    name: str = ""
    due: datetime | None = None


@dataclass
class World:
    """All instances and their waits at one instant of the virtual clock.

    What happens is a line in `lines`, in the timeline's shape, until the caller takes it. `read`
    turns an answer to a form into process data.
    """

    definitions: Definitions
    deadlines: Deadlines
    records: Mapping[str, Mapping[str, Any]]
    now: datetime
    facts: SimulatedFacts
    read: Callable[[Wait, Mapping[str, Any]], Mapping[str, Any]]
    members: dict[str, Member] = field(default_factory=dict)
    waits: dict[str, Wait] = field(default_factory=dict)
    lines: deque[Line] = field(default_factory=deque)
    opened: deque[Wait] = field(default_factory=deque)
    letters: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    _effects: deque[tuple[Member, fx.Effect]] = field(default_factory=deque)
    _seq: int = 0
    _thrown: list[tuple[str, list[Wait]]] = field(default_factory=list)  # signals and who waited for them
    _generation: int = 0  # signals within signals
    _later: int = 0  # signals of later generations, until all is settled
    _steps: int = 0
    _last: str = ""
    _counted_at: datetime | None = None

    # --- lines ----------------------------------------------------------------------------------

    def note(self, member: Member | None, text: str, **more: object) -> None:
        """A line about the simulation itself."""
        self._line("note", member, {"text": text, **more})

    def _line(self, type_: str, member: Member | None, data: Mapping[str, Any]) -> None:
        self._seq += 1
        head = {
            "seq": self._seq, "type": type_, "at": self.now.isoformat(),
            "instance": member.instance.id if member else "", "process": member.process if member else "",
            "element": "",
        }  # fmt: skip
        self.lines.append({**head, **data})

    def _record(self, member: Member, event: ev.Event) -> None:
        # A turn is a line of the kind of its activity, told apart by its number.
        is_turn = isinstance(event, ev.IterationCompleted)
        self._line(ev.ElementCompleted.type if is_turn else event.type, member, event.data())
        if isinstance(event, ev.ElementCompleted | ev.IterationCompleted):
            self._last = event.element
        elif isinstance(event, ev.TaskOpened):
            wait = Wait(
                event.task, member.instance.id, event.process, event.element, self.now,
                is_task=True, form=event.form, name=self._message_of(event),
            )  # fmt: skip
            self.waits[event.task] = wait
            self.opened.append(wait)
        elif isinstance(event, ev.WaitArmed) and event.wait not in self.waits:
            self.waits[event.wait] = Wait(
                event.wait, member.instance.id, event.process, event.element, self.now,
                form=event.form, trigger=event.trigger, name=event.name, due=_instant(event.due),
            )  # fmt: skip
        elif isinstance(event, ev.WaitMoved) and event.wait in self.waits:
            self.waits[event.wait] = replace(self.waits[event.wait], due=_instant(event.due))

    def _message_of(self, event: ev.TaskOpened) -> str:
        return self.definitions.processes[event.process].nodes[event.element].message

    # --- looking --------------------------------------------------------------------------------

    def active(self) -> list[Member]:
        """Instances in motion, oldest first."""
        return [member for member in self.members.values() if member.instance.status == "active"]

    def waiting(self) -> list[Wait]:
        """What waits now, oldest first."""
        self.waits = {tid: wait for tid, wait in self.waits.items() if self.is_waiting(wait)}
        return list(self.waits.values())

    def is_waiting(self, wait: Wait) -> bool:
        """Whether a wait can still be completed."""
        instance = self.members[wait.instance].instance
        return instance.status == "active" and instance.is_waiting(wait.tid)

    # --- stepping -------------------------------------------------------------------------------

    def begin(self, process: str, start: str, inputs: Mapping[str, Any], *, element: str = "", **call: str) -> Member:
        """Start an instance at a start event; `element` calls it, `call` is its parent, visit and item."""
        number = f"s{len(self.members) + 1}"
        instance = runner.start(self.definitions.assembly, number, process, start_event=start, inputs=inputs)
        member = Member(instance, process, inputs, **call)
        self.members[number] = member
        started = ev.InstanceStarted(
            number, self.definitions.entry, process, 1, member.parent, element, member.visit,
            str(inputs.get("person") or ""), dict(inputs),
        )  # fmt: skip
        self._record(member, started)
        self.step(member, runner.proceed)
        return member

    def step(self, member: Member, command: Callable[[Instance, fx.StepContext], runner.StepResult]) -> bool:
        """Run a command on an instance and what follows inside it; True if anything moved.

        Raises:
            EngineError: The instance cannot go on; what it did before that is in the lines.
        """
        moved = False
        while True:
            self._count_step()
            try:
                result = command(member.instance, self._context())
            except EngineError:
                self._take(member, member.instance.events, ())
                raise
            moved = moved or bool(result.events or result.effects)
            self._take(member, result.events, result.effects)
            if not result.is_paused:
                self._hear()
                return moved
            command = runner.proceed

    def _count_step(self) -> None:
        self._steps = self._steps + 1 if self._counted_at == self.now else 1
        self._counted_at = self.now
        if self._steps > MAX_STEPS:
            raise Runaway(self._last, f"a loop that takes no time: more than {MAX_STEPS} steps at one instant")

    def _take(
        self, member: Member, events: list[ev.Event], effects: Iterator[fx.Effect] | tuple[()] | list[fx.Effect]
    ) -> None:
        for event in events:
            self._record(member, event)
        for effect in effects:
            self._react(member, effect)

    def _context(self) -> fx.StepContext:
        return fx.StepContext(
            now=self.now, horizon=self.now, policies=self.deadlines.around.policies, facts=self.facts,
            deadlines=self.deadlines.running, records=self.records,
        )  # fmt: skip

    def complete(self, wait: Wait, outputs: Mapping[str, object]) -> None:
        """Complete a wait and all that follows from it anywhere."""
        member = self.members[wait.instance]
        self.step(member, lambda instance, context: runner.complete(instance, context, wait.tid, outputs))
        self.settle()

    def settle(self) -> None:
        """Carry effects over and look at conditions until nothing moves."""
        while True:
            while self._effects:
                self._carry(*self._effects.popleft())
            moved = [self.step(member, runner.proceed) for member in self.active()]
            if not any(moved) and not self._effects and not self._deliver():
                self._later = 0
                return

    # --- what instances do ------------------------------------------------------------------------

    def _react(self, member: Member, effect: fx.Effect) -> None:
        if isinstance(effect, fx.DeadlineAct):
            event = self.deadlines.act(effect, self.now)
            if event is not None:
                self._line(event.type, member, {**event.data(), "element": effect.element})
        elif isinstance(effect, fx.DecisionTaken):
            person = str(member.inputs.get("person") or "")
            self.facts.decided(effect.values)
            self._record(
                member, ev.DecisionMade(effect.decision, effect.element, person, list(effect.rules), effect.values)
            )
        elif isinstance(effect, fx.SendReached):
            name = self.definitions.processes[member.process].nodes.get(effect.element)
            self._line("delivery_queued", member, {"element": effect.element, "message": name.message if name else ""})
        elif isinstance(effect, fx.SignalThrown):
            self._throw(effect)
        elif isinstance(effect, fx.SignalsDue):
            self._hear()
        elif not isinstance(effect, fx.ServiceReached):
            self._effects.append((member, effect))

    def _carry(self, member: Member, effect: fx.Effect) -> None:
        if isinstance(effect, fx.ChildWanted):
            self._call(member, effect)
        elif isinstance(effect, fx.ChildrenAbandoned):
            for child in [each for each in self.active() if each.visit == effect.visit]:
                self._cancel(child)
        elif isinstance(effect, fx.EscalationThrown):
            self._escalated(member, effect)
        elif isinstance(effect, fx.MessageThrown):
            self._line("message_thrown", member, {"element": effect.element, "name": effect.message, **_item(effect)})
            self.send(effect.message, {}, effect.data, sender=member)
        elif isinstance(effect, fx.Ended):
            self._ended(member, effect)

    def _call(self, member: Member, effect: fx.ChildWanted) -> None:
        if member.instance.status != "active" or effect.visit not in member.instance.live:
            return
        if effect.process not in self.definitions.processes:
            self.missing[effect.element] = effect.process
            self.note(member, "the called process is not in the given files", element=effect.element,
                      called=effect.process)  # fmt: skip
            return
        start = self.definitions.first_start(effect.process)
        self.begin(
            effect.process,
            start,
            effect.inputs,
            element=effect.element,
            parent=member.instance.id,
            visit=effect.visit,
            item=effect.item,
        )

    def _cancel(self, member: Member) -> None:
        self.step(member, runner.cancel)
        self._record(member, ev.InstanceEnded(member.instance.id, "cancelled", "", "", {}))

    def _ended(self, member: Member, effect: fx.Ended) -> None:
        given = member.inputs
        result = {name: value for name, value in effect.result.items() if name not in given or given[name] != value}
        self._record(member, ev.InstanceEnded(member.instance.id, "completed", effect.end, effect.error, result))
        parent = self.members.get(member.parent)
        if parent is None or parent.instance.status != "active" or member.visit not in parent.instance.live:
            return
        self.step(
            parent,
            lambda instance, context: runner.child_ended(
                instance, context, member.visit, item=member.item, result=effect.result, error=effect.error
            ),
        )

    def _throw(self, thrown: fx.SignalThrown) -> None:
        """A signal is for who waits for it now."""
        self._later += self._generation >= fx.GENERATIONS
        if self._later > fx.MAX_LATER:
            raise Runaway(thrown.element, f"signals raise each other, more than {fx.MAX_LATER} times")
        hearers = [each for each in self.waiting() if (each.trigger, each.name) == ("signal", thrown.signal)]
        self._thrown.append((thrown.signal, hearers))

    def _hear(self) -> None:
        """Who waited for the signals that were thrown gets them; processes that start by them start."""
        thrown, self._thrown = self._thrown, []
        if not thrown:
            return
        self._generation += 1
        waits: dict[str, list[str]] = {}
        for wait in (each for _, hearers in thrown for each in hearers):
            waits.setdefault(wait.instance, []).append(wait.tid)
        for number, tids in waits.items():
            member = self.members[number]
            if member.instance.status == "active":
                self.step(member, partial(runner.hear, waits=tids))
        for start in (each for signal, _ in thrown for each in self.definitions.signal_starts(signal)):
            self.begin(*start, {})
        self._generation -= 1

    def _escalated(self, member: Member, effect: fx.EscalationThrown) -> None:
        parent = self.members.get(member.parent)
        if parent is None or parent.instance.status != "active" or member.visit not in parent.instance.live:
            self.note(member, "nothing catches this escalation", element=effect.element, code=effect.code)
            return
        self.step(
            parent, lambda instance, context: runner.child_escalated(instance, context, member.visit, effect.code)
        )

    # --- messages ---------------------------------------------------------------------------------

    def send(
        self, name: str, keys: Mapping[str, Any], payload: Mapping[str, Any], *, sender: Member | None = None
    ) -> None:
        """A message: to the one event that waits for it, else to a start event, else kept until one waits."""
        waits = [wait for wait in self._receivers(name, keys) if sender is None or wait.instance != sender.instance.id]
        if len(waits) == 1:
            self._fire(waits[0], payload)
            return
        start = self.definitions.message_start(name) if not waits else None
        if start is not None:
            self.begin(*start, {**keys, **payload})
        elif self.definitions.expects(name):
            self.letters.append((name, keys, payload))

    def _receivers(self, name: str, keys: Mapping[str, Any]) -> list[Wait]:
        found = [wait for wait in self.waiting() if wait.name == name and (wait.is_task or wait.trigger == "message")]
        return [wait for wait in found if all(self._key(wait, key) == value for key, value in keys.items())]

    def _key(self, wait: Wait, key: str) -> object:
        return wait.instance if key == "instance" else self.members[wait.instance].inputs.get(key)

    def _deliver(self) -> bool:
        for letter in self.letters:
            name, keys, payload = letter
            waits = self._receivers(name, keys)
            if len(waits) == 1:
                self.letters.remove(letter)
                self._fire(waits[0], payload)
                return True
        return False

    def _fire(self, wait: Wait, payload: Mapping[str, Any]) -> None:
        member = self.members[wait.instance]
        outputs = self.read(wait, payload) if wait.form else payload
        self.step(member, lambda instance, context: runner.complete(instance, context, wait.tid, outputs))


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _item(effect: fx.MessageThrown) -> dict[str, str]:
    return {"item": effect.item} if effect.item else {}
