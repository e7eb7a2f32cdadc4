"""The first of the three doors: everything that changes a running process passes through here.

`Advance` is one unit of work on one incident: it locks the incident, works the timers that are due
before the command, steps instances, appends and projects their events, carries effects from one
instance to another until nothing moves, and stores what changed. Nothing is stored otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from service import logs, metrics
from service.application import (
    assignment,
    attention,
    correlation,
    deadline_rows,
    drill_clock,
    drill_moments,
    due_rows,
    due_work,
    inbox,
    injects,
    person_index,
    reactions,
    simulated,
    statuses,
    trainings,
)
from service.application.attention import Attention
from service.application.fact_rows import FactRows
from service.application.facts import FactBase
from service.application.failures import failure_of, put_on_record
from service.application.incident_view import IncidentView
from service.application.lazy_mapping import LazyMapping
from service.application.projections import apply
from service.application.sealed_classes import by_class
from service.application.services import Origin, Services
from service.domain import events as ev
from service.domain.clock import VirtualClock
from service.domain.errors import DefinitionUnreadable, EngineFailed, NoSuch, StateUnreadable
from service.domain.policies import TypedSnapshot
from service.engine import runner
from service.engine.assembly import Assembly
from service.engine.effects import StepContext
from service.engine.instance import EngineError, Instance
from service.persistence.pending import Row
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, StoredEvent, UnitOfWork
from service.persistence.working_set import IncidentRows

FACT_DECISIONS = frozenset({"D03", "D04", "D06", "D07", "D23"})  # results are facts of a person
CLOCK = "clock"  # part of a working set: the clock as stored, and as read from that

T = TypeVar("T")
Step = Callable[[Instance, StepContext], runner.StepResult]


@dataclass(slots=True)
class _Loaded:
    revision: int
    instance: Instance


class Advance:
    """One command on one incident. `now` is the incident's time, and moves only to due times."""

    def __init__(self, uow: UnitOfWork, services: Services, incident: str, origin: Origin) -> None:
        self.uow, self.services, self.incident_id, self.origin = uow, services, incident, origin
        self.done_at: datetime | None = None  # true time of late paper entry
        self.effects = inbox.Effects()
        self.moved_tasks: list[tuple[str, bool]] = []  # opened (True) or closed, in order
        self.unassigned: list[str] = []  # tasks opened or given back, on their way to people
        self.delegated: list[tuple[str, str]] = []  # tasks handed over, and to whom
        self.fired: list[due_work.Fired] = []  # what fell due and was worked, in order
        self._loaded: dict[str, _Loaded] = {}
        self._facts: FactBase | None = None
        self._attention = Attention()
        uow.after_loss(self._forget)
        self._kept = services.live.working_set(incident, head := uow.gather(incident))
        self.rested, self.changed = head[0], set[str]()  # the last rest, and instances that moved since
        self.rows: IncidentRows = uow.rows(self._kept)
        self.incident = self._read_incident()
        self.now = self.horizon = self._present() if self.incident else uow.now

    # --- reading ------------------------------------------------------------------------------

    def _read_incident(self) -> Mapping[str, Any]:
        return self.rows.get(sql.incidents, self.incident_id) or {}

    def _present(self) -> datetime:
        """The incident's time; it stands still while a machine clock that was set back catches up."""
        now = self.clock.at(self.uow.now)
        return max(now, due_rows.told(self) or now) if self.uow.is_set_back else now

    @property
    def clock(self) -> VirtualClock:
        """The incident's clock; it is read anew where another one is stored."""
        stored = self.incident["clock"]
        known: tuple[Any, VirtualClock] | None = self.parts.get(CLOCK)
        if known is None or known[0] is not stored:
            known = self.parts[CLOCK] = (stored, VirtualClock.from_json(self.services.clock, stored))
        return known[1]

    @property
    def fact_decisions(self) -> frozenset[str]:
        """Decisions whose outcome is a fact of a person: sealed, never process data."""
        return FACT_DECISIONS

    @cached_property
    def policies(self) -> Mapping[str, Any]:
        """The incident's policy snapshot, typed; only `adopt` changes it during a command."""
        return TypedSnapshot(self.services.policies, self.incident["policies"])

    def instance_row(self, instance_id: str) -> Mapping[str, Any]:
        """The read-table row of an instance. Raises NoSuch."""
        row = self.rows.get(sql.instances, instance_id)
        if row is None:
            raise NoSuch("instance", instance_id)
        return row

    def assembly(self, row: Mapping[str, Any]) -> Assembly:
        """The pinned definition of an instance. Raises DefinitionUnreadable, also for a version that is gone."""
        try:
            return self.services.definitions.pinned(self.uow, row["procedure"], row["version"])
        except DefinitionUnreadable as error:
            error.instance = error.instance or row["id"]
            raise

    @property
    def parts(self) -> dict[str, Any]:
        """What is derived from the rows and kept with them."""
        return self._kept.parts

    @cached_property
    def fact_rows(self) -> FactRows:
        """What facts are computed from, as far as it is known; it outlives the command with the rows."""
        known: FactRows | None = self._kept.parts.get("facts")
        if known is None:
            known = self._kept.parts["facts"] = FactRows(self.uow, self.uow.sealer, self.incident, self.rows)
        known.go_on(self.uow, self.incident, self.rows)
        return known

    @property
    def facts(self) -> FactBase:
        """Facts as they stand after the last event."""
        if self._facts is None or self._facts.now != self.now:
            self._facts = FactBase(self.fact_rows, self.policies, self.now)
        return self._facts

    @property
    def view(self) -> IncidentView:
        """The incident for reading, as it stands now in this unit of work."""
        view = IncidentView(self.uow, self.uow.sealer, self.services, self.incident, self.now, self.rows)
        view.__dict__["facts"] = self.facts
        return view

    def open_deadlines(self) -> list[Row]:
        """Deadlines that are neither met nor cancelled."""
        return deadline_rows.open_rows(self.rows, self.incident_id)

    @cached_property
    def deadlines(self) -> Mapping[tuple[str, str], datetime]:
        """Due times of the deadlines that are neither met nor cancelled, by (rule, subject)."""
        return deadline_rows.RunningDeadlines(self.rows, self.incident_id)

    def context(self, row: Mapping[str, Any]) -> StepContext:
        """What a step of an instance may see now."""
        return self._context_about(row["person_id"] or row["inputs"].get("person") or None)

    def _context_about(self, person: str | None) -> StepContext:
        is_drill = self.incident["kind"] == "drill"  # its time is passed on purpose: no turn of a cycle was missed
        return StepContext(
            now=self.now,
            horizon=self.now if is_drill else self.horizon,
            policies=self.policies,
            facts=LazyMapping(lambda: self._facts_of(person)),
            deadlines=self.deadlines,
            records=LazyMapping(lambda: self.fact_rows.record_names(person)),
            fact_decisions=FACT_DECISIONS,
            about=self._context_about,
        )

    def _facts_of(self, person: str | None) -> Mapping[str, object]:
        return self.facts.view(person if person and self.fact_rows.find(person) else None)

    # --- recording ------------------------------------------------------------------------------

    def record(
        self,
        event: ev.Event,
        *,
        row: Mapping[str, Any] | None = None,
        element: str = "",
        sealed: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> StoredEvent:
        """Append one event to the incident's stream, project it, and keep its timers in step."""
        return self._append([(event, self._new(event, row, element, sealed or {}))], row)[0]

    def record_all(self, events: Sequence[ev.Event], row: Mapping[str, Any]) -> None:
        """Append the events of a step at once."""
        if events:
            self._append([(event, self._new(event, row, "", {})) for event in events], row)

    def _append(self, events: Sequence[tuple[ev.Event, NewEvent]], row: Mapping[str, Any] | None) -> list[StoredEvent]:
        stored = self.uow.append(self.incident_id, [new for _, new in events])
        self.parts[due_rows.TOLD] = stored[-1].at
        for (event, new), each in zip(events, stored, strict=True):
            apply(self.rows, each, event)
            if isinstance(event, ev.PersonRegistered):
                person_index.follow(self, new.sealed)
            due_work.follow(self, event, row)
            if self.incident.get("kind") == "drill":
                simulated.follow(self, event)
                trainings.follow(self, event)
                injects.follow(self, event)
            self._attention.note(event, row)
            if "facts" in self._kept.parts:
                self.fact_rows.follow(event, each)
            if isinstance(event, (ev.TaskOpened, ev.TaskCompleted)):
                self.moved_tasks.append((event.task, isinstance(event, ev.TaskOpened)))
            elif isinstance(event, ev.ElementCancelled):
                if event.visit in self.rows.ids(sql.tasks, instance_id=each.instance):
                    self.moved_tasks.append((event.visit, False))
            elif isinstance(event, (ev.InstanceStarted, ev.InstanceUpgraded)):
                attention.follow(self, event)
        self._facts = None
        return stored

    def _new(
        self, event: ev.Event, row: Mapping[str, Any] | None, element: str, sealed: Mapping[str, Mapping[str, Any]]
    ) -> NewEvent:
        return NewEvent(
            type=event.type, at=self.now, data=event.data(),
            sealed=by_class(self.services.forms, event, sealed) if sealed else {},
            instance=row["id"] if row else "", procedure=row["procedure"] if row else self.incident["procedure"],
            version=row["version"] if row else self.incident["version"],
            element=element or getattr(event, "element", ""), actor=self.origin.actor, role=self.origin.role,
            on_behalf_of=self.origin.on_behalf_of, command_id=self.origin.command_id,
            request_id=self.origin.request_id, schema_version=event.schema_version,
        )  # fmt: skip

    def open_incident(self, event: ev.IncidentOpened) -> None:
        """Record the opening; before it there is no incident row to read."""
        self.incident = {"procedure": event.procedure, "version": event.version, "clock": event.clock}
        self.now = self.horizon = self.clock.at(self.uow.now)
        self.record(event)
        self.incident = self._read_incident()

    def move_clock(self, event: ev.DrillClockChanged) -> None:
        """Record another segment of a drill's clock; the command goes on by it, and never back."""
        self.record(event)
        self.incident = self._read_incident()
        self.horizon = max(self.now, self.clock.at(self.uow.now))

    def adopt(self, event: ev.PolicyApplied) -> None:
        """Record new policy values; from here on the command sees them."""
        self.record(event)
        self.incident = self._read_incident()
        self.__dict__.pop("policies", None)

    # --- stepping -------------------------------------------------------------------------------

    def add(self, instance: Instance) -> None:
        """Take a new instance into this unit of work."""
        self._loaded[instance.id] = _Loaded(0, instance)
        self.changed.add(instance.id)

    def replace(self, instance: Instance) -> None:
        """Take another form of a loaded instance: the same one on another version."""
        self._loaded[instance.id].instance = instance
        self.changed.add(instance.id)

    def live(self, row: Mapping[str, Any]) -> Instance:
        """The live instance of a row."""
        loaded = self._loaded.get(row["id"])
        if loaded is None:
            found = self.services.live.load(self.uow, self.assembly(row), row["id"], beside=self._kept)
            loaded = self._loaded[row["id"]] = _Loaded(*found)
        return loaded.instance

    def step(self, row: Mapping[str, Any], command: Step) -> bool:
        """Run a command on an instance and all that follows inside it; True if anything moved.

        Raises EngineFailed; the unit of work is then rolled back, and the stored state stands.
        """
        logs.bind(instance_id=row["id"])
        instance = self.live(row)
        moved, was_dirty, instance.is_dirty = False, instance.is_dirty, False
        try:
            with metrics.steps.time():
                result = command(instance, self.context(row))
            while True:
                moved = moved or bool(result.events or result.effects)
                self.record_all(result.events, row)
                for effect in result.effects:
                    reactions.react(self, row, effect)
                if not result.is_paused:
                    inbox.hear(self)
                    return moved
                result = runner.proceed(instance, self.context(row))
        except EngineError as error:
            raise EngineFailed(error.element, error.cause, self.incident_id, row["id"]) from error
        finally:
            if instance.is_dirty:
                self.changed.add(row["id"])
            instance.is_dirty = instance.is_dirty or was_dirty

    def settle(self) -> None:
        """Carry effects over and let facts move waiting conditions, until nothing moves; then assign what opened."""
        self._come_to_rest()
        self.effects.rest()
        assignment.assign_opened(self)

    def _come_to_rest(self) -> None:
        while True:
            inbox.drain(self)
            if not self._attention.is_wanted:
                return
            statuses.refresh(self)
            moved = [self._looked_at(row) for row in self._attention.take(self)]
            if not any(moved) and not self.effects and not correlation.deliver_buffered(self):
                return

    def look_everywhere(self) -> None:
        """Let every waiting condition be looked at: time has come, or another incident has changed."""
        self._facts = None
        self._attention.want_everything()

    def _looked_at(self, row: Mapping[str, Any]) -> bool:
        try:
            self.live(row)
        except StateUnreadable as error:
            self.set_aside(row, error)
            return False
        return self.step(row, runner.proceed)

    def set_aside(self, row: Mapping[str, Any], error: EngineFailed) -> None:
        """What cannot be read is put on record and does not stop the others; who asks for it gets the error."""
        put_on_record(self, failure_of(error), again=False, row=row)

    def active_rows(self) -> list[Mapping[str, Any]]:
        """Instances of the incident that are still active, oldest first."""
        rows = self.rows.where(sql.instances, incident_id=self.incident_id, status="active")
        return sorted(rows, key=lambda row: (row["started_at"], row["id"]))

    def store(self) -> None:
        """Write the state of every instance that changed. The last act of a unit of work."""
        drill_moments.keep(self)
        head = self.uow.flush(self.incident_id)
        self.uow.after_commit(lambda: self.services.announce(self.incident_id, head[0]))
        for loaded in self._loaded.values():
            if loaded.instance.is_dirty or loaded.revision == 0:
                self.services.live.store(self.uow, loaded.instance, revision=loaded.revision, beside=self._kept)
            else:
                self.services.live.keep(loaded.instance, loaded.revision, beside=self._kept)
        self.services.live.keep_set(self.incident_id, self._kept, head)

    def _forget(self) -> None:
        self.services.live.drop_set(self.incident_id)
        for instance_id in self._loaded:
            self.services.live.drop(instance_id)


def advance(
    uow: UnitOfWork, services: Services, incident: str, origin: Origin, work: Callable[[Advance], T],
    *, looks: bool = False,
) -> T:  # fmt: skip
    """Do `work` on an incident in one unit of work: due timers first, then the work, then all that follows.

    A timer due at the same instant as a command runs first (P01.3b rule 13). With `looks` the due rows
    are read even where none is known to be due: another incident may have put one. Raises NoSuch for an
    unknown incident, and what `work` raises; nothing is stored then.
    """
    on = Advance(uow, services, incident, origin)
    if not on.incident:
        raise NoSuch("incident", incident)
    logs.bind(incident_id=incident, drill=on.incident["kind"] == "drill")
    try:
        drill_clock.hold(on)
        due_work.catch_up(on, looks=looks)
        answer = work(on)
        on.settle()
        injects.look(on)
        drill_clock.govern(on)
    except EngineFailed as error:
        error.incident = error.incident or incident
        error.instance = error.instance or on.incident["root_instance"]
        raise
    on.store()
    return answer
