"""A round of temperature readings: many people, one session, one unit of work.

Every reading is a record of its own, and closes the person's open task of the session. A session that is over, or
whose task never opened because nothing ran at the time, takes readings too: late paper entry, with a reason. A second
reading of a session is refused unless it says what it corrects. One wrong row refuses the whole round.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application import answers, observation_contexts, organisations
from service.application.fill_contexts import Target
from service.application.lost_contacts import absences
from service.application.observed_people import FORM, STEP, Observed, observed_people, stored_readings
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, TaskSubject, require
from service.domain.errors import FieldError, FormRefused, IncidentClosed, NoSuch
from service.domain.form_messages import field_error
from service.domain.forms import Answers, FillContext, fill
from service.domain.sessions import Session, hours_of, session_at
from service.engine import runner
from service.engine.model import Node
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

ALIKE = 5  # from so many people on it is odd that all have the same temperature, or were measured in no time
SECONDS_EACH = 5


@dataclass(frozen=True, slots=True)
class RoundOutcome:
    """How many readings were stored, how many tasks they closed, and what is odd about them."""

    saved: int
    closed: int
    warnings: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """A row of the round on its way: where it stands in the command, whose it is, what was typed."""

    path: str
    who: Observed
    session: Session
    typed: Mapping[str, Any]


def record_round(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.RecordRound, *, request_id: str = ""
) -> RoundOutcome:
    """Store the readings of a round.

    Raises:
        FormRefused: Every error of every row, under `rows.<n>` or `others`; nothing is stored.
        NotAllowed: The principal holds none of the roles that record readings.
        NoSuch: There is no such incident.
    """

    def work(on: Advance) -> RoundOutcome:
        if on.incident["closed_at"] is not None:
            raise IncidentClosed(on.incident["number"])
        people = {each.person: each for each in observed_people(uow.connection, on.incident_id)}
        _require(on, principal, people)
        readings = _readings(on, command, people)
        checked = _checked(on, principal, command, readings)
        tasks = _open_tasks(on, [reading.who for reading in readings])
        instances = _instances(on, [reading.who.instance for reading in readings])
        on.facts.rows.read_everybody()
        closed = 0
        for reading, filled in zip(readings, checked, strict=True):
            task = tasks.get((reading.who.person, reading.session.key))
            _save(on, instances[reading.who.instance], reading, filled, task)
            closed += task is not None
        return RoundOutcome(len(readings), closed, tuple(_oddities(command, checked)))

    origin = Origin(actor=principal.account_id, request_id=request_id, command_id=request_id)
    return advance(uow, services, command.incident, origin, work)


def step_of_round(services: Services, connection: Any, instance: Mapping[str, Any]) -> Node:
    """The task of the diagram that asks for a reading."""
    assembly = services.definitions.pinned(connection, instance["procedure"], instance["version"])
    return assembly.bundle.processes[instance["process"]].nodes[STEP]


def _require(on: Advance, principal: Principal, people: Mapping[str, Observed]) -> None:
    """Who may answer the task of one may record the round; where nobody is observed nobody may."""
    some = next(iter(people.values()), None)
    if some is None:
        raise NoSuch("observation", on.incident_id)
    node = step_of_round(on.services, on.uow.connection, on.instance_row(some.instance))
    organisation = on.incident["organisation_id"]
    ancestors = organisations.hierarchy(on.uow.connection).ancestors(organisation)
    require(principal, Action.TASK_COMPLETE, TaskSubject(organisation, node.role, tuple(node.also), None, ancestors))


# --- what was typed -----------------------------------------------------------------------------


def _readings(on: Advance, command: cmd.RecordRound, people: Mapping[str, Observed]) -> list[_Reading]:
    """The rows by person, and a row for each of the others. Raises FormRefused for rows that are about nobody."""
    errors: list[FieldError] = []
    found: dict[str, _Reading] = {}
    for number, row in enumerate(command.rows):
        path = f"rows.{number}"
        person = _person_of(row)
        who = people.get(person)
        session = who.session(command.day, command.session, on.policies) if who else None
        if who is None or session is None:
            errors.append(field_error(f"{path}.person", "not_observed_then" if who else "unknown_person"))
        elif person in found:
            errors.append(field_error(f"{path}.person", "taken"))
        else:
            typed = {key: value for key, value in row.items() if key != "person"}
            found[person] = _Reading(path, who, session, typed)
    if errors:
        raise FormRefused(errors)
    return [*found.values(), *_others(on, command, people, found)]


def _others(
    on: Advance, command: cmd.RecordRound, people: Mapping[str, Observed], named: Mapping[str, _Reading]
) -> Iterator[_Reading]:
    """Everybody else of the round who has no reading of the session yet and is not searched for."""
    if command.others is None:
        return
    known, lost = _recorded(on, command), absences(on.uow.connection, on.incident_id)
    for person in dict.fromkeys(command.others_of):
        who = people.get(person)
        session = who.session(command.day, command.session, on.policies) if who else None
        is_lost = session is not None and any(each.covers(session.begins) for each in lost.get(person, ()))
        if who and session and person not in named and not is_lost and (person, session.day_no) not in known:
            yield _Reading("others", who, session, command.others)


def _person_of(row: Mapping[str, Any]) -> str:
    named = row.get("person")
    return str(named.get("id") or "") if isinstance(named, Mapping) else str(named or "")


def _recorded(on: Advance, command: cmd.RecordRound) -> set[tuple[str, int]]:
    """Persons, and days counted for them, whose session has a reading."""
    begins, _ = hours_of(command.day, command.session, on.policies)
    stored = stored_readings(on.uow.connection, on.incident_id, since=begins)
    return {(person, day_no) for person, day_no, session in stored if session == command.session}


def _checked(
    on: Advance, principal: Principal, command: cmd.RecordRound, readings: Sequence[_Reading]
) -> list[Answers]:
    """Each row against the form. Raises FormRefused with the errors of all rows."""
    view = on.services.forms.view(FORM)
    known = _recorded(on, command)
    base = FillContext(
        now=on.now, account_id=principal.account_id, account_name=principal.name,
        organisation_type=on.facts.rows.organisation_type, policies=on.policies,
    )  # fmt: skip
    errors: dict[tuple[str, str], FieldError] = {}
    filled = []
    for reading in readings:
        is_recorded = (reading.who.person, reading.session.day_no) in known
        try:
            filled.append(fill(view, _typed(command, reading), _context(base, reading, is_recorded=is_recorded)))
        except FormRefused as refused:
            for error in refused.errors:
                path = f"{reading.path}.{error.path}"
                errors.setdefault((path, error.code), replace(error, path=path))
    if errors:
        raise FormRefused(list(errors.values()))
    return filled


def _typed(command: cmd.RecordRound, reading: _Reading) -> dict[str, Any]:
    given = {**command.common, **reading.typed}
    return {key: value for key, value in given.items() if value not in (None, "")}


def _context(base: FillContext, reading: _Reading, *, is_recorded: bool) -> FillContext:
    who = reading.who
    defaults = observation_contexts.reading_defaults(who.mode, reading.session, is_recorded=is_recorded)
    return replace(
        base, defaults={"person": {"id": who.person}, **defaults}, persons={who.person: {}},
        task_created_at=reading.session.begins,
    )  # fmt: skip


# --- what is stored -----------------------------------------------------------------------------


def _open_tasks(on: Advance, people: Sequence[Observed]) -> dict[tuple[str, str], dict[str, Any]]:
    """Open tasks of the round by person and session."""
    since = {who.person: who.since for who in people}
    table = sql.tasks
    mine = (table.c.incident_id == on.incident_id) & (table.c.element == STEP) & table.c.state.in_(("open", "claimed"))
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in on.uow.connection.execute(select(table).where(mine)).mappings():
        begun = since.get(row["person_id"])
        session = session_at(row["created_at"], begun, on.policies) if begun else None
        if session is not None:
            found[row["person_id"], session.key] = dict(row)
    return found


def _instances(on: Advance, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    table = sql.instances
    mine = (table.c.incident_id == on.incident_id) & (table.c.process == "medical_observation")
    rows = {row["id"]: dict(row) for row in on.uow.connection.execute(select(table).where(mine)).mappings()}
    return {each: rows[each] for each in ids}


def _save(
    on: Advance, instance: Mapping[str, Any], reading: _Reading, filled: Answers, task: Mapping[str, Any] | None
) -> None:
    """One record, and the task it answers."""
    on.done_at = datetime.fromisoformat(filled.values["measured_at"])
    visit, person = (task["id"] if task else ""), reading.who.person
    record = ev.RecordSaved("F14", "session", person, visit, filled.public)
    on.record(record, row=instance, element=STEP, sealed={person: filled.sealed})
    if task is None:
        return
    target = Target(
        instance=instance, visit=visit, element=STEP, form_key=FORM, person=person, opened_at=task["created_at"],
        due_at=task["due_at"], task=task,
    )  # fmt: skip
    answers.task_done(on, target, filled.values, str(filled.values.get("entry_reason") or ""))
    on.step(instance, lambda each, context: runner.complete(each, context, visit, filled.outputs))


def _oddities(command: cmd.RecordRound, checked: Sequence[Answers]) -> Iterator[FieldError]:
    """What somebody should look at again; it never refuses."""
    if len(checked) < ALIKE:
        return
    if len({filled.values["temperature"] for filled in checked}) == 1:
        yield field_error("rows", "all_alike", value=checked[0].values["temperature"])
    stated = sorted(datetime.fromisoformat(filled.values["measured_at"]) for filled in checked[: len(command.rows)])
    if len(set(stated)) >= ALIKE and (stated[-1] - stated[0]).total_seconds() < SECONDS_EACH * (len(stated) - 1):
        yield field_error("rows", "measured_in_no_time", count=len(stated))
