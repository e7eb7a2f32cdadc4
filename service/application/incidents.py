"""Opening an incident, adding a further sick person, putting a note on the timeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import func, select

from service.application import (
    answers,
    definitions,
    drill_clock,
    due_work,
    further_cases,
    inbox,
    injects,
    organisations,
    policy_values,
)
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import TRAINER, Action, IncidentSubject, Principal, require
from service.domain.calendar import local
from service.domain.clock import VirtualClock, real_time_clock
from service.domain.drill_players import playing
from service.domain.errors import EngineFailed, IncidentClosed, NoSuch, NotAllowed, ProcedureRetired
from service.domain.standing import TRAINING, is_led
from service.engine.assembly import Assembly
from service.engine.model import Kind, Node, Trigger
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

DRILL_NUMBERS = "YL-"
# source_kind of F01 -> start event; other procedures have one start
STARTS = {
    "self": "start_self_report", "gate": "start_temp_abnormal", "check": "start_temp_abnormal",
    "seen": "start_symptom_seen", "external": "start_external_notice",
}  # fmt: skip


def open_incident(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.OpenIncident, *, request_id: str = ""
) -> str:
    """Open an incident and answer its first task in the same unit of work; returns the incident id.

    Raises NoSuch for an unknown procedure or organisation, ProcedureRetired, NotAllowed, FormRefused; nothing is
    stored then.
    """
    version = version_to_open(uow, command.procedure)
    right = Action.DRILL_CREATE if command.procedure == TRAINING else Action.INCIDENT_OPEN
    require(principal, right, organisations.subject(uow.connection, command.organisation))
    organisations.require_active(uow, command.organisation)
    birth = Birth("real", version, real_time_clock(services.clock, since=uow.now))
    incident = begin(uow, services, principal, command, birth, request_id=request_id)
    if command.procedure != TRAINING:
        drill_clock.hold_all(uow, services, command.organisation, "real_incident")
    return incident


def version_to_open(uow: UnitOfWork, procedure: str) -> int:
    """The version new incidents of a procedure begin with. Raises NoSuch, ProcedureRetired."""
    version = definitions.active_version(uow.connection, procedure)
    if version is None and definitions.version_to_call(uow.connection, procedure):
        raise ProcedureRetired(procedure)
    if version is None:
        raise NoSuch("procedure", procedure)
    return version


@dataclass(frozen=True, slots=True)
class Birth:
    """What an incident is from its birth on: real or drill, of which version, by which clock.

    `events` are recorded with its opening; `policies` are values it has instead of those of the organisation.
    """

    kind: str
    version: int
    clock: VirtualClock
    events: tuple[ev.Event, ...] = ()
    policies: Mapping[str, Any] = field(default_factory=dict)


def begin(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.OpenIncident, birth: Birth,
    *, request_id: str,
) -> str:  # fmt: skip
    """Open an incident and answer its first form; who may do so was asked before."""
    assembly = services.definitions.get(uow.connection, command.procedure, birth.version)
    start = opening_start(assembly, command.data, command.start)
    incident = uow.new_id()
    on = Advance(uow, services, incident, Origin(principal.account_id, request_id=request_id, command_id=request_id))
    root_id = uow.new_id()
    on.open_incident(_opened(uow, services, command, birth, root=root_id))
    for event in birth.events:
        on.record(event)
    root = inbox.start_instance(
        on, procedure=command.procedure, version=birth.version, process=assembly.bundle.entry, start_event=start.id,
        inputs={"person": uow.new_id()}, instance_id=root_id,
    )  # fmt: skip
    _answer_first(on, root, principal, command.data)
    on.settle()
    if birth.kind == "drill":
        due_work.catch_up(on, looks=True)  # what comes at its very beginning
        injects.look(on)
        drill_clock.govern(on)
    on.store()
    return incident


def _opened(
    uow: UnitOfWork, services: Services, command: cmd.OpenIncident, birth: Birth, *, root: str
) -> ev.IncidentOpened:
    place = str(command.data.get("place") or "")
    named = uow.connection.execute(select(sql.places.c.name).where(sql.places.c.id == place)).scalar()
    return ev.IncidentOpened(
        number=_number(uow, command.organisation, birth), organisation=command.organisation,
        procedure=command.procedure, version=birth.version, kind=birth.kind, place=str(named or place),
        root_instance=root,
        policies={
            **policy_values.values_of(uow.connection, services, command.organisation, now=uow.now), **birth.policies,
        },
        clock=birth.clock.to_json(),
    )  # fmt: skip


def _number(uow: UnitOfWork, organisation: str, birth: Birth) -> str:
    """Month, day and a count of the organisation's incidents of that day: 0309-01; of a drill YL-0309-01.

    YL stands for yanlian, 演练: no drill has the number of a real incident, and none uses one up.
    """
    uow.alone(f"number:{organisation}")
    day = DRILL_NUMBERS * (birth.kind == "drill") + local(birth.clock.at(uow.now)).strftime("%m%d")
    statement = (
        select(func.count())
        .select_from(sql.incidents)
        .where(
            sql.incidents.c.organisation_id == organisation,
            sql.incidents.c.number.like(f"{day}-%"),
        )
    )
    return f"{day}-{uow.connection.execute(statement).scalar_one() + 1:02d}"


def opening_start(assembly: Assembly, data: Mapping[str, Any], wanted: str = "") -> Node:
    """The start event an opening form begins at. Raises NoSuch if there is none that fits."""
    process = assembly.bundle.processes[assembly.bundle.entry]
    starts = {n.id: n for n in process.level() if n.kind is Kind.START and n.trigger is Trigger.NONE}
    named = wanted or STARTS.get(str(data.get("source_kind") or "check"), "")
    if named in starts:
        return starts[named]
    if wanted or len(starts) != 1:
        raise NoSuch("start_event", named)
    return next(iter(starts.values()))


def opening_form(assembly: Assembly, start: Node) -> str:
    """The form view of the first task after a start event, "" if it is not a task."""
    process = assembly.bundle.processes[assembly.bundle.entry]
    flows = process.outgoing(start.id)
    return process.nodes[flows[0].target].form if flows else ""


def _answer_first(on: Advance, root: Mapping[str, Any], principal: Principal, data: Mapping[str, Any]) -> None:
    table = sql.tasks
    mine = (table.c.instance_id == root["id"]) & (table.c.state == "open")
    task = on.uow.connection.execute(select(table).where(mine).order_by(table.c.id)).mappings().first()
    if task is None:
        raise EngineFailed(root["process"], "no task after the start event")
    if on.incident["kind"] == "drill":  # the trainer answers it as whoever would
        principal = playing(principal, task["organisation_id"], {task["role"], *task["also"]})
        on.origin = replace(on.origin, role=TRAINER, on_behalf_of=task["role"])
    answers.answer(on, answers.target_of_task(on, dict(task)), principal, data)


def add_case(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.AddCase, *, request_id: str = ""
) -> str:
    """Register a further sick person, with quick and complete form together; returns the person id.

    Possible until the control is confirmed (P01.2). Raises IncidentClosed afterwards.
    """

    def work(on: Advance) -> str:
        require(principal, Action.CASE_ADD, incident_subject(uow, on.incident))
        if on.incident["closed_at"] is not None or on.facts.value("control_confirmed", ""):
            raise IncidentClosed(on.incident["number"])
        return further_cases.add(on, principal, command.data)

    return advance(uow, services, command.incident, _origin(principal, request_id), work)


def add_note(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.AddNote, *, request_id: str = ""
) -> None:
    """Put an entry on the timeline at the time it speaks of; the text is sealed under the incident."""

    def work(on: Advance) -> None:
        require(principal, Action.TIMELINE_NOTE, incident_subject(uow, on.incident))
        event = ev.NoteAdded(command.happened_at.isoformat())
        on.record(event, sealed={on.incident_id: {"text": command.text}})

    advance(uow, services, command.incident, _origin(principal, request_id), work)


def _origin(principal: Principal, request_id: str) -> Origin:
    return Origin(actor=principal.account_id, request_id=request_id, command_id=request_id)


def incident_subject(
    uow: UnitOfWork, incident: Mapping[str, Any], *, sender: str = "", roles: frozenset[str] = frozenset()
) -> IncidentSubject:
    """The subject of access for an incident."""
    if not incident:
        raise NotAllowed("incident")
    tree = organisations.hierarchy(uow.connection)
    organisation = incident["organisation_id"]
    led = is_led(incident["kind"], incident.get("procedure", ""))
    return IncidentSubject(organisation, tree.ancestors(organisation), is_drill=led, sender=sender, roles=roles)
