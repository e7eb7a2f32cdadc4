"""One open or past task as lists show it, and the statement they all start from."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from service.application import confirmations, organisations
from service.application.queries import names, outlook
from service.application.queries.assignment_words import Assignments, AssignmentStep
from service.application.queries.reader import OPEN_STATES, Reader, incidents, tasks
from service.application.queries.recipients import recipient_name
from service.application.queries.words import clock_time, remaining
from service.domain.access import Action, may
from service.persistence import tables as t

deadlines = t.table_of(t.Deadline)
instances = t.table_of(t.Instance)
persons = t.table_of(t.Person)

ORIGIN_NEEDED = (
    incidents.c.number.label("incident_number"), incidents.c.kind.label("incident_kind"), incidents.c.place,
    incidents.c.clock, incidents.c.status.label("incident_status"), instances.c.version,
    deadlines.c.rule, deadlines.c.started_at.label("deadline_started_at"), deadlines.c.level,
    persons.c.code.label("person_code"), persons.c.org_unit, persons.c.kind.label("person_kind"),
    persons.c.sealed.label("person_sealed"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeadlineHint:
    """The deadline a task shows. `text` says it all in one line: rule, start, what is left."""

    rule: str
    label: str
    started_at: datetime
    due_at: datetime
    level: int
    is_late: bool
    cite: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task in a list; instants are in the incident's clock, `now` is that clock's present, `speed` how it runs."""

    id: str
    incident: str
    incident_number: str
    incident_kind: str
    instance: str
    organisation: str
    organisation_name: str
    procedure: str
    process: str
    element: str
    name: str
    cite: str
    role: str
    role_label: str
    also: tuple[str, ...]
    state: str
    kind: str
    form_key: str
    is_one_tap: bool
    place: str
    person: str
    person_name: str
    assignee: str
    assignee_name: str
    candidates: tuple[str, ...]
    why: str
    next: tuple[str, ...]
    deadline: DeadlineHint | None
    created_at: datetime
    due_at: datetime | None
    late: bool
    now: datetime
    speed: float
    is_mine: bool
    may_claim: bool
    may_complete: bool
    ended_at: datetime | None
    done_at: datetime | None
    completed_by: str
    completed_by_name: str
    late_reason: str
    assignments: tuple[AssignmentStep, ...] = ()


def statement() -> Select[Any]:
    """Tasks with their incident, deadline and person: one row each, whatever is absent."""
    joined = (
        tasks.join(incidents, incidents.c.id == tasks.c.incident_id)
        .join(instances, instances.c.id == tasks.c.instance_id)
        .outerjoin(deadlines, deadlines.c.id == tasks.c.deadline_id)
        .outerjoin(persons, persons.c.id == tasks.c.person_id)
    )
    return select(tasks, *ORIGIN_NEEDED).select_from(joined)


def rows_of(reader: Reader, found: Sequence[Mapping[str, Any]]) -> tuple[TaskRow, ...]:
    """Rows of `statement` as lists show them; names and candidates are looked up once for all."""
    looked_up = _LookUps(reader, found)
    return tuple(_row(reader, row, looked_up) for row in found)


def named(reader: Reader, task_ids: Collection[str]) -> tuple[TaskRow, ...]:
    """Some tasks, whatever their state; whoever asks has looked whether the reader may."""
    return rows_of(reader, reader.rows(statement().where(tasks.c.id.in_(list(task_ids)))))


class _LookUps:
    """What the rows of one list need beside themselves, in one statement each."""

    def __init__(self, reader: Reader, found: Sequence[Mapping[str, Any]]) -> None:
        who = [row[name] for row in found for name in ("assignee", "completed_by") if row[name]]
        self.accounts = reader.account_names(who)
        self.places = reader.place_names([row[name] for row in found for name in ("place", "org_unit") if row[name]])
        self.holders = holders(reader, {row["organisation_id"] for row in found})
        self.persons = names.Names(reader, found)
        self.assignments = Assignments(reader, [row["id"] for row in found])
        self.addressees = _addressees(reader, [row["id"] for row in found if row["kind"] == confirmations.KIND])


def _addressees(reader: Reader, by_hand: Sequence[str]) -> dict[str, str]:
    """Who has to be reached, by task that confirms a delivery by hand."""
    table = t.table_of(t.Delivery)
    wanted = {task: confirmations.delivery_of(task) for task in by_hand}
    statement = select(table.c.id, table.c.recipient).where(table.c.id.in_(set(wanted.values())))
    found = {row["id"]: recipient_name(reader, row["recipient"]) for row in (reader.rows(statement) if wanted else [])}
    return {task: found.get(delivery, "") for task, delivery in wanted.items()}


def holders(reader: Reader, organisation_ids: Collection[str]) -> dict[tuple[str, str], dict[str, str]]:
    """Who holds which role: (organisation, role) to {account: name}, by name; one statement."""
    account, held = t.table_of(t.Account), t.table_of(t.Membership)
    found = (
        select(held.c.organisation_id, held.c.role, account.c.id, account.c.name)
        .join(account, account.c.id == held.c.account_id)
        .where(held.c.organisation_id.in_(sorted(organisation_ids)), account.c.is_active.is_(True))
        .where(organisations.in_effect(reader.now))
        .order_by(account.c.name, account.c.id)
    )
    by_role: dict[tuple[str, str], dict[str, str]] = {}
    for row in reader.rows(found):
        by_role.setdefault((row["organisation_id"], row["role"]), {})[row["id"]] = row["name"]
    return by_role


def _row(reader: Reader, row: Mapping[str, Any], look: _LookUps) -> TaskRow:
    bundle = reader.readable(row["procedure"], row["version"])
    node = bundle.processes[row["process"]].nodes.get(row["element"]) if bundle else None
    subject = reader.task_subject(row, look.assignments.offered(row["id"]))
    now = reader.now_of(row["clock"])
    is_open = row["state"] in OPEN_STATES
    name = _name(reader, row, reader.named(node, row["element"]), look)
    return TaskRow(
        id=row["id"],
        incident=row["incident_id"],
        incident_number=row["incident_number"],
        incident_kind=row["incident_kind"],
        instance=row["instance_id"],
        organisation=row["organisation_id"],
        organisation_name=reader.organisation_names.get(row["organisation_id"], ""),
        procedure=row["procedure"],
        process=row["process"],
        element=row["element"],
        name=name,
        cite=node.cite if node else "",
        role=row["role"],
        role_label=reader.label("role", row["role"]),
        also=tuple(row["also"]),
        state=row["state"],
        kind=row["kind"],
        form_key=row["form_key"],
        is_one_tap=_is_one_tap(reader, row["form_key"]),
        place=look.places.get(row["place"], row["place"]),
        person=row["person_id"] or "",
        person_name=look.persons.shown(row["person_id"], look.places),
        assignee=row["assignee"] or "",
        assignee_name=look.accounts.get(row["assignee"] or "", ""),
        candidates=_candidates(reader, row, look),
        why=_why(reader, row, look),
        next=_next(reader, row),
        deadline=_deadline(reader, row, now),
        created_at=row["created_at"],
        due_at=row["due_at"],
        late=bool(row["due_at"] and now > row["due_at"]) if is_open else row["is_late"],
        now=now,
        speed=float(row["clock"][-1]["speed"]),
        is_mine=row["assignee"] == reader.principal.account_id,
        may_claim=is_open and row["assignee"] is None and may(reader.principal, Action.TASK_CLAIM, subject),
        may_complete=is_open and may(reader.principal, Action.TASK_COMPLETE, subject),
        ended_at=row["ended_at"],
        done_at=row["done_at"],
        completed_by=row["completed_by"] or "",
        completed_by_name=look.accounts.get(row["completed_by"] or "", ""),
        late_reason=row["late_reason"],
        assignments=look.assignments.steps(row["id"]),
    )


def _name(reader: Reader, row: Mapping[str, Any], step: str, look: _LookUps) -> str:
    """The step; of a confirmation by hand also who has to be reached."""
    if row["kind"] != confirmations.KIND:
        return step
    whom = look.addressees.get(row["id"], "")
    return reader.pick(f"人工确认送达：{step} → {whom}", f"Confirm by hand: {step} → {whom}")


def _is_one_tap(reader: Reader, form_key: str) -> bool:
    return reader.services.forms.has(form_key) and reader.services.forms.view(form_key).is_one_tap


def _next(reader: Reader, row: Mapping[str, Any]) -> tuple[str, ...]:
    """The steps behind it; none behind a confirmation by hand, the flow went on before."""
    if row["kind"] == confirmations.KIND:
        return ()
    bundle = reader.readable(row["procedure"], row["version"])
    if bundle is None:
        return ()
    return tuple(reader.named(step) for step in outlook.next_steps(bundle, row["process"], row["element"]))


def _candidates(reader: Reader, row: Mapping[str, Any], look: _LookUps) -> tuple[str, ...]:
    """Names of the others who could do it: neither the assignee nor the reader."""
    me = reader.principal.account_id
    found: dict[str, str] = {}
    for role in (row["role"], *row["also"]):
        found.update(look.holders.get((row["organisation_id"], role), {}))
    return tuple(name for account, name in found.items() if account not in (row["assignee"], me))


def _why(reader: Reader, row: Mapping[str, Any], look: _LookUps) -> str:
    """Why it stands in this reader's list: given to him, on duty, next on the ladder, or his role."""
    held = reader.principal.roles_in([row["organisation_id"]])
    roles = [role for role in (row["role"], *row["also"]) if role in held]
    words = reader.pick("、", ", ").join(reader.label("role", role) for role in roles)
    if row["assignee"] == reader.principal.account_id:
        return reader.pick("已由您认领或交给您", "claimed by you or handed to you")
    assigned = look.assignments.why(row)
    if assigned:
        return assigned
    if roles:
        return reader.pick(f"您担任{words}", f"your role: {words}")
    return reader.pick(f"由{reader.label('role', row['role'])}办理", f"for: {reader.label('role', row['role'])}")


def _deadline(reader: Reader, row: Mapping[str, Any], now: datetime) -> DeadlineHint | None:
    rule = reader.services.deadline_rules.get(row["rule"] or "")
    if rule is None or row["due_at"] is None:
        return None
    label, started, due = rule.label(reader.locale), row["deadline_started_at"], row["due_at"]
    start = clock_time(started, now)
    text = reader.pick(f"{label}，起算 {start}，", f"{label}, since {start}, ") + remaining(due, now, reader.locale)
    return DeadlineHint(rule.id, label, started, due, row["level"], now > due, rule.cite, text)
