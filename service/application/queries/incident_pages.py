"""Incidents: the list, and the head of an incident's page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal, select, tuple_

from service.application.queries import cursors
from service.application.queries.reader import CLOSED_STATUSES, Reader, incidents, tasks
from service.application.queries.words import clock_time, remaining
from service.domain.alerts import MESSAGE as ALERT
from service.domain.clock import VirtualClock
from service.persistence import tables as t

deadlines = t.table_of(t.Deadline)
persons = t.table_of(t.Person)
definitions = t.table_of(t.Definition)


@dataclass(frozen=True, slots=True)
class StatusChip:
    """A status the incident went through and since when; the last one is the present."""

    status: str
    label: str
    at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class DeadlineRow:
    """A deadline; `state` is running | met | cancelled, `text` says what is left or when it was met."""

    id: str
    rule: str
    label: str
    subject: str
    state: str
    started_at: datetime
    due_at: datetime
    met_at: datetime | None
    level: int
    late: bool
    late_minutes: int
    reason: str
    cite: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class ClockFace:
    """The incident's present and how fast its time runs (1 for real ones, 0 paused)."""

    now: datetime
    speed: float


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """An incident in a list; `late` counts its overdue open tasks by its own clock."""

    id: str
    number: str
    title: str
    procedure: str
    procedure_name: str
    version: int
    organisation: str
    organisation_name: str
    kind: str
    status: str
    status_label: str
    status_since: datetime
    result: str
    result_label: str
    place: str
    opened_at: datetime
    closed_at: datetime | None
    clock: ClockFace
    open_tasks: int
    late: int
    next_due: datetime | None
    has_case: bool


@dataclass(frozen=True, slots=True)
class IncidentList:
    """A page of incidents, newest first; `next` is the cursor of the following one."""

    items: tuple[IncidentRow, ...]
    next: str


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """The head of an incident's page; `counts` by name: tasks_open, tasks_late, cases, onsite, held, reports."""

    row: IncidentRow
    root_instance: str
    opened_by_name: str
    statuses: tuple[StatusChip, ...]
    deadlines: tuple[DeadlineRow, ...]
    counts: Mapping[str, int]
    engine_incidents: int


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """What is listed; `status` is a status code, or `open` for all that are not over."""

    status: str = ""
    organisation: str = ""
    procedure: str = ""
    kind: str = ""


def listing(reader: Reader, wanted: IncidentFilter, *, cursor: str = "", limit: int = cursors.LIMIT) -> IncidentList:
    """Incidents the reader may see, newest first; drills by when they were begun: their clocks say nothing."""
    limit = cursors.clamp(limit)
    query = select(incidents.c.id).where(reader.in_scope, *_conditions(wanted))
    by = (incidents.c.id,) if wanted.kind == "drill" else (incidents.c.opened_at, incidents.c.id)
    newest = [column.desc() for column in by]
    if cursor:
        opened, key = cursors.read(cursor, 2)
        left_at = (literal(cursors.read_instant(opened), incidents.c.opened_at.type), literal(key))
        query = query.where(tuple_(*by) < tuple_(*left_at[-len(by) :]))
    query = query.order_by(*newest).limit(limit + 1)
    keys = reader.connection.execute(query).scalars().all()
    page = _rows(reader, reader.rows(_statement().where(incidents.c.id.in_(keys[:limit])).order_by(*newest)))
    following = cursors.write([page[-1].opened_at.isoformat(), page[-1].id]) if len(keys) > limit else ""
    return IncidentList(page, following)


def one(reader: Reader, incident: str) -> IncidentRow:
    """One incident as lists show it; whether the reader may see it was asked before."""
    return _rows(reader, reader.rows(_statement().where(incidents.c.id == incident)))[0]


def head(reader: Reader, incident: str) -> IncidentPage:
    """Everything above the tabs of one incident. Raises NoSuch where the reader may not see it."""
    row = reader.incident(incident)
    shown = one(reader, incident)
    counted = _counts(reader, incident, shown.clock.now)
    failed = counted.pop("engine_incidents")
    return IncidentPage(
        row=shown,
        root_instance=row["root_instance"],
        opened_by_name=reader.account_names([row["opened_by"]]).get(row["opened_by"], ""),
        statuses=_statuses(reader, incident, has_case=shown.has_case),
        deadlines=deadline_rows(reader, incident, shown.clock.now),
        counts=counted,
        engine_incidents=failed,
    )


def deadline_rows(reader: Reader, incident: str, now: datetime) -> tuple[DeadlineRow, ...]:
    """All deadlines of an incident: the running ones by due time, then what is done."""
    statement = select(deadlines).where(deadlines.c.incident_id == incident)
    rows = [_deadline(reader, row, now) for row in reader.rows(statement.order_by(deadlines.c.due_at, deadlines.c.id))]
    return tuple(sorted(rows, key=lambda row: row.state != "running"))


# --- inside -----------------------------------------------------------------------------------


def _statement() -> Any:
    """Incidents with the name of their procedure, the open tasks and when the status began."""
    changes = t.table_of(t.StatusChange)
    is_open = and_(tasks.c.incident_id == incidents.c.id, tasks.c.ended_at.is_(None))
    since = select(func.max(changes.c.at)).where(changes.c.incident_id == incidents.c.id)
    return select(
        incidents,
        definitions.c.name.label("procedure_name"),
        definitions.c.name_en.label("procedure_name_en"),
        select(func.count()).select_from(tasks).where(is_open).scalar_subquery().label("open_tasks"),
        select(func.min(tasks.c.due_at)).where(is_open).scalar_subquery().label("next_due"),
        since.scalar_subquery().label("status_since"),
        exists().where(persons.c.incident_id == incidents.c.id, persons.c.kind == "case").label("has_case"),
    ).select_from(
        incidents.outerjoin(
            definitions,
            and_(definitions.c.procedure == incidents.c.procedure, definitions.c.version == incidents.c.version),
        )
    )


def _conditions(wanted: IncidentFilter) -> list[ColumnElement[bool]]:
    columns = {"organisation": "organisation_id", "procedure": "procedure", "kind": "kind"}
    found = [incidents.c[column] == getattr(wanted, name) for name, column in columns.items() if getattr(wanted, name)]
    if wanted.status == "open":
        found.append(incidents.c.status.not_in(CLOSED_STATUSES))
    elif wanted.status:
        found.append(incidents.c.status == wanted.status)
    return found


def _rows(reader: Reader, found: Sequence[Mapping[str, Any]]) -> tuple[IncidentRow, ...]:
    late = _late(reader, found)
    return tuple(_row(reader, row, late.get(row["id"], 0)) for row in found)


def _row(reader: Reader, row: Mapping[str, Any], late: int) -> IncidentRow:
    clock = VirtualClock.from_json(reader.services.clock, row["clock"])
    procedure = reader.pick(row["procedure_name"] or row["procedure"], row["procedure_name_en"] or "")
    return IncidentRow(
        id=row["id"],
        number=row["number"],
        title=" ".join(part for part in (row["place"], procedure) if part),
        procedure=row["procedure"],
        procedure_name=procedure,
        version=row["version"],
        organisation=row["organisation_id"],
        organisation_name=reader.organisation_names.get(row["organisation_id"], ""),
        kind=row["kind"],
        status=row["status"],
        status_label=_status_label(reader, row["status"], has_case=row["has_case"]),
        status_since=row["status_since"] or row["opened_at"],
        result=row["result"],
        result_label=reader.label("result", row["result"]) if row["result"] else "",
        place=row["place"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        clock=ClockFace(clock.at(reader.now), clock.speed),
        open_tasks=row["open_tasks"],
        late=late,
        next_due=row["next_due"],
        has_case=row["has_case"],
    )


def _late(reader: Reader, found: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Overdue open tasks of the incidents of a page, each by its own clock; one statement."""
    nows = {row["id"]: reader.now_of(row["clock"]) for row in found if row["open_tasks"]}
    if not nows:
        return {}
    statement = select(tasks.c.incident_id, tasks.c.due_at).where(
        tasks.c.incident_id.in_(sorted(nows)), tasks.c.ended_at.is_(None), tasks.c.due_at.is_not(None)
    )
    late: dict[str, int] = {}
    for row in reader.rows(statement):
        late[row["incident_id"]] = late.get(row["incident_id"], 0) + (row["due_at"] < nows[row["incident_id"]])
    return late


def _status_label(reader: Reader, status: str, *, has_case: bool) -> str:
    """The word of a status; where there is no case, as in a training, nobody was detected."""
    return reader.label("status", "running" if status == "detected" and not has_case else status)


def _statuses(reader: Reader, incident: str, *, has_case: bool) -> tuple[StatusChip, ...]:
    changes = t.table_of(t.StatusChange)
    found = reader.rows(select(changes).where(changes.c.incident_id == incident).order_by(changes.c.seq))
    last = len(found) - 1
    return tuple(
        StatusChip(row["status"], _status_label(reader, row["status"], has_case=has_case), row["at"], number == last)
        for number, row in enumerate(found)
    )


def _deadline(reader: Reader, row: Mapping[str, Any], now: datetime) -> DeadlineRow:
    rule = reader.services.deadline_rules.get(row["rule"])
    state = "met" if row["met_at"] else "cancelled" if row["cancelled_at"] else "running"
    is_late = row["late_minutes"] > 0 if state == "met" else state == "running" and now > row["due_at"]
    return DeadlineRow(
        id=row["id"],
        rule=row["rule"],
        label=rule.label(reader.locale) if rule else row["rule"],
        subject=row["subject"],
        state=state,
        started_at=row["started_at"],
        due_at=row["due_at"],
        met_at=row["met_at"],
        level=row["level"],
        late=is_late,
        late_minutes=row["late_minutes"],
        reason=row["reason"],
        cite=rule.cite if rule else (),
        text=_deadline_text(reader, row, state, now),
    )


def _deadline_text(reader: Reader, row: Mapping[str, Any], state: str, now: datetime) -> str:
    if state == "cancelled":
        return reader.pick("已取消", "cancelled")
    if state == "running":
        return remaining(row["due_at"], now, reader.locale)
    met, late = clock_time(row["met_at"], now), row["late_minutes"]
    if late:
        return reader.pick(f"{met} 完成，迟 {late} 分", f"met {met}, {late} min late")
    return reader.pick(f"{met} 按时完成", f"met in time, {met}")


def _counts(reader: Reader, incident: str, now: datetime) -> dict[str, int]:
    """What the tabs show as numbers; one statement."""
    persons, reports, deliveries = t.table_of(t.Person), t.table_of(t.Report), t.table_of(t.Delivery)
    engine, notices = t.table_of(t.EngineIncident), t.table_of(t.Message)
    is_open = tasks.c.ended_at.is_(None)
    is_live = persons.c.is_revoked.is_(False)

    def count(table: Any, *conditions: ColumnElement[bool]) -> Any:
        return select(func.count()).select_from(table).where(table.c.incident_id == incident, *conditions)

    wanted = {
        "tasks_open": count(tasks, is_open),
        "tasks_late": count(tasks, is_open, tasks.c.due_at < now),
        "tasks_done": count(tasks, tasks.c.completed_by.is_not(None)),
        "people": count(persons, is_live),
        "cases": count(persons, is_live, persons.c.kind == "case"),
        "onsite": count(persons, is_live, persons.c.kind == "onsite"),
        "held": count(persons, is_live, persons.c.hold_leave.is_(True)),
        "reports": count(reports),
        "deliveries": count(deliveries, deliveries.c.message != ALERT),
        "deliveries_failed": count(deliveries, deliveries.c.state == "failed"),
        "messages_buffered": count(notices, notices.c.state == "buffered"),
        "engine_incidents": count(engine, engine.c.state == "open"),
    }
    statement = select(*(each.scalar_subquery().label(name) for name, each in wanted.items()))
    return reader.rows(statement)[0]
