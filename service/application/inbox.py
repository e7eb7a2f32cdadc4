"""Effects of one instance on another, carried over in the same unit of work.

Each is written as an inbox row, unique by (source event, target, kind), and drained before the
answer: so completing C2 in a child lists the task it opens in the root.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from service.application import contact_sharing, contacts, correlation, definitions, home_health
from service.application.failures import PROCEDURE_MISSING, Failure, put_on_record
from service.domain import events as ev
from service.domain.errors import DefinitionUnreadable, EngineFailed
from service.engine import runner
from service.engine.effects import GENERATIONS, MAX_LATER
from service.persistence.pending import Row
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance


MAX_EFFECTS = 20_000  # more until all is at rest is a runaway
MAX_DEPTH = 256  # instances that start instances without anybody in between; deeper is a circle
_DEEPER = {"start_child": 1, "start_by_message": 1, "child_ended": -1}


@dataclass(frozen=True, slots=True)
class Effect:
    """`target` is a wait or an instance; `payload` holds ids and codes only.

    `depth` counts the instances that were started one by the other to bring it about, `generation` the signals.
    """

    kind: str
    target: str
    payload: dict[str, Any] = field(default_factory=dict)
    depth: int = 0
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that was thrown, and who waited for it then: instances and waits."""

    name: str
    hearers: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Effects:
    """Effects of one unit of work on their way, and what tells a circle from a long list: counted from rest to rest."""

    waiting: deque[Effect] = field(default_factory=deque)
    signals: list[Signal] = field(default_factory=list)
    depth: int = 0  # of what is being carried, as its generation
    generation: int = 0
    carried: int = 0
    later: int = 0  # signals of later generations

    def __bool__(self) -> bool:
        return bool(self.waiting)

    def rest(self) -> None:
        """Nothing moves any more: what time brings next in the same unit of work is counted anew."""
        self.carried = self.later = 0


def put(on: Advance, effect: Effect) -> None:
    """Queue an effect of the event recorded last. Raises EngineFailed where instances start each other endlessly."""
    effects = on.effects
    depth = max(0, effects.depth + _DEEPER.get(effect.kind, 0))
    if depth > MAX_DEPTH:
        element = str(effect.payload.get("element", ""))
        raise EngineFailed(element, f"instances start each other more than {MAX_DEPTH} deep", on.incident_id)
    _note(on, effect)
    effects.waiting.append(replace(effect, depth=depth, generation=effects.generation))


def put_signal(on: Advance, element: str, name: str) -> None:
    """A signal, for whatever of the incident waits for it now; `hear` gives it to them.

    Raises EngineFailed where signals raise each other endlessly.
    """
    effects = on.effects
    effects.later += effects.generation >= GENERATIONS
    if effects.later > MAX_LATER:
        raise EngineFailed(element, f"signals raise each other, more than {MAX_LATER} times", on.incident_id)
    _note(on, Effect("signal", name))
    waits = on.rows.where(sql.waits, incident_id=on.incident_id, trigger="signal", name=name)
    effects.signals.append(Signal(name, tuple((wait["instance_id"], wait["id"]) for wait in waits)))


def hear(on: Advance) -> None:
    """Who waited for the signals that were thrown gets them, before anything else moves; what starts by them starts."""
    effects = on.effects
    thrown, effects.signals = effects.signals, []
    if not thrown:
        return
    effects.generation += 1
    hearers: dict[str, list[str]] = {}
    for signal in thrown:
        for instance, wait in signal.hearers:
            hearers.setdefault(instance, []).append(wait)
    for instance, waits in hearers.items():
        row = on.instance_row(instance)
        if row["status"] == "active":
            on.step(row, partial(runner.hear, waits=waits))
    for signal in thrown:
        found = definitions.signal_starts(on.services.definitions, on.uow.connection, signal.name)
        for procedure, version, start in found:
            start_instance(on, procedure=procedure, version=version, process=procedure, start_event=start, inputs={})
    effects.generation -= 1


def _note(on: Advance, effect: Effect) -> None:
    seq = on.uow.lock(on.incident_id)
    values = {
        "incident_id": on.incident_id, "source_seq": seq, "target": effect.target, "kind": effect.kind,
        "payload": effect.payload, "is_done": True,
    }  # fmt: skip
    on.rows.add_unread(sql.inbox, (on.incident_id, seq, effect.target, effect.kind), values)


def drain(on: Advance) -> None:
    """Carry everything to its target, also what that brings about. Raises EngineFailed where it does not end."""
    effects = on.effects
    while effects.waiting:
        effects.carried += 1
        if effects.carried > MAX_EFFECTS:
            raise EngineFailed("", f"more than {MAX_EFFECTS} effects without coming to rest", on.incident_id)
        effect = effects.waiting.popleft()
        effects.depth, effects.generation = effect.depth, effect.generation
        deliver(on, effect)
    effects.depth = effects.generation = 0


def deliver(on: Advance, effect: Effect) -> None:
    """Carry one effect to its target; a target that has ended meanwhile is passed over."""
    handlers = {
        "start_child": _start_child, "child_ended": _child_ended, "cancel_children": _cancel_children,
        "child_escalated": _child_escalated,
        "start_by_message": _start_by_message, "cancel": _cancel, "look": _look,
    }  # fmt: skip
    handlers[effect.kind](on, effect)


def start_instance(
    on: Advance, *, procedure: str, version: int, process: str, start_event: str,
    inputs: Mapping[str, Any], parent: Mapping[str, Any] | None = None, element: str = "", visit: str = "",
    instance_id: str = "",
) -> Row:  # fmt: skip
    """Create an instance, record it and move its tokens; returns its row."""
    assembly = on.services.definitions.get(on.uow, procedure, version)
    instance_id = instance_id or on.uow.new_id()
    person = str(inputs.get("person") or "")
    on.record(
        ev.InstanceStarted(
            instance_id, procedure, process, version, parent["id"] if parent else "", element, visit, person,
            dict(inputs),
        ),
        row={"id": instance_id, "procedure": procedure, "version": version},
    )  # fmt: skip
    on.add(runner.start(assembly, instance_id, process, start_event=start_event, inputs=inputs))
    row = on.instance_row(instance_id)
    on.step(row, runner.proceed)
    return row


def _start_child(on: Advance, effect: Effect) -> None:
    data = effect.payload
    parent = on.instance_row(data["instance"])
    is_observation = data["process"] == contacts.OBSERVATION
    if parent["status"] != "active":
        return
    if is_observation and contact_sharing.is_shared(on, parent, data["visit"], data["item"]):
        return
    assembly = on.assembly(parent)
    procedure, version = parent["procedure"], parent["version"]
    if data["process"] not in assembly.bundle.processes:
        procedure = data["process"]
        found = _to_call(on, parent, data)
        if found is None:
            return
        version = found
    row = start_instance(
        on, procedure=procedure, version=version, process=data["process"], start_event="",
        inputs=data["inputs"], parent=parent, element=data["element"], visit=data["visit"],
    )  # fmt: skip
    if is_observation:
        contact_sharing.linked(on, parent, data["item"], row)
    elif data["item"]:
        on.record(ev.PersonLinked(data["item"], row["id"]), row=row)


def _to_call(on: Advance, parent: Mapping[str, Any], data: Mapping[str, Any]) -> int | None:
    """The version of the procedure called; one that is not there, or cannot be read, is on record, never skipped."""
    procedure, connection = data["process"], on.uow.connection
    version = definitions.version_to_call(connection, procedure)
    if version is None:
        _cannot_call(on, parent, data, PROCEDURE_MISSING, f"流程 {procedure} 尚未部署")
        return None
    try:
        on.services.definitions.pinned(connection, procedure, version)
    except DefinitionUnreadable as error:
        _cannot_call(on, parent, data, error.code, f"{error.element}: {error.cause}")
        return None
    return version


def _cannot_call(on: Advance, parent: Mapping[str, Any], data: Mapping[str, Any], code: str, cause: str) -> None:
    retry = {"kind": "start_child", "target": data["visit"], "payload": dict(data)}
    failure = Failure(parent["id"], code, cause, data["element"], f"{data['visit']}:{data['item']}", retry)
    put_on_record(on, failure, row=parent)


def _child_ended(on: Advance, effect: Effect) -> None:
    data = effect.payload
    parent = on.instance_row(data["parent"])
    if parent["status"] != "active" or data["visit"] not in on.live(parent).live:
        return
    on.step(
        parent,
        lambda instance, context: runner.child_ended(
            instance, context, data["visit"], item=data["item"], result=data["result"], error=data["error"]
        ),
    )


def _child_escalated(on: Advance, effect: Effect) -> None:
    data = effect.payload
    parent = on.instance_row(data["parent"])
    if parent["status"] == "active" and data["visit"] in on.live(parent).live:
        on.step(
            parent, lambda instance, context: runner.child_escalated(instance, context, data["visit"], data["code"])
        )


def _cancel_children(on: Advance, effect: Effect) -> None:
    for row in on.rows.where(sql.instances, incident_id=on.incident_id, status="active", parent_task=effect.target):
        if not contact_sharing.is_kept(on, row):
            cancel_instance(on, row)


def _cancel(on: Advance, effect: Effect) -> None:
    row = on.instance_row(effect.target)
    cancel_instance(on, row)
    if row["parent_id"]:
        _tell_collection(on, row)


def _tell_collection(on: Advance, row: Mapping[str, Any]) -> None:
    """An open collection waits no more for a member that was withdrawn."""
    parent = on.instance_row(row["parent_id"])
    call = on.live(parent).live.get(row["parent_task"]) if parent["status"] == "active" else None
    if call is not None and "items" in call.internal_data:
        visit = row["parent_task"]
        payload = {"parent": parent["id"], "visit": visit, "item": row["person_id"], "result": {}, "error": ""}
        put(on, Effect("child_ended", f"{visit}:{row['id']}", payload))


def cancel_instance(on: Advance, row: Mapping[str, Any]) -> None:
    """End an instance from outside; what it called ends with it."""
    if row["status"] != "active":
        return
    on.step(row, runner.cancel)
    on.record(ev.InstanceEnded(row["id"], "cancelled", "", "", {}), row=row)
    home_health.ended(on, row)
    contact_sharing.tracing_cancelled(on, row)


def _start_by_message(on: Advance, effect: Effect) -> None:
    """A thrown message starts an instance of its own, or goes to who waits for it in this incident."""
    found = definitions.message_start(on.services.definitions, on.uow.connection, effect.payload["message"])
    if found is None and correlation.is_known(on, effect.payload["message"]):
        correlation.throw(on, effect.payload)
        return
    if found is None:
        raise EngineFailed(effect.payload["element"], f"no procedure starts with {effect.payload['message']}")
    procedure, version, start = found
    start_instance(
        on, procedure=procedure, version=version, process=procedure, start_event=start, inputs=effect.payload["inputs"]
    )


def _look(on: Advance, _effect: Effect) -> None:
    """Waiting conditions are looked at and what they move is carried over before the effects queued after this."""
    waiting = on.effects.waiting
    later = list(waiting)
    waiting.clear()
    for row in on.active_rows():
        on.step(row, runner.proceed)
    waiting.extend(later)


def retried(on: Advance, retry: Mapping[str, Any]) -> None:
    """Run the effect of an engine incident again."""
    deliver(on, Effect(retry["kind"], retry["target"], dict(retry["payload"])))
