"""The inbox: open tasks, due first, in four groups; and the same list for the API."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, literal, or_, select, tuple_, union

from service.application.queries import cursors
from service.application.queries.reader import Reader, incidents, task_roles, tasks
from service.application.queries.task_rows import TaskRow, rows_of, statement
from service.domain.calendar import local

SOON = timedelta(minutes=30)
GROUPS = ("overdue", "soon", "today", "later")
WHOSE = ("mine", "group", "all")

MANY = 1_000  # tasks; of an overseer's more are not counted

_due = func.coalesce(tasks.c.due_at, cursors.NEVER)


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """What is listed.

    `state` is open (claimed ones included), claimed, completed, cancelled or "" for all; `states` names some exactly.

    `whose`: mine = claimed by or handed to me; group = what I may do; all = all I may see.
    """

    whose: str = "all"
    state: str = ""
    states: tuple[str, ...] = ()
    role: str = ""
    incident: str = ""
    person: str = ""
    overdue: bool | None = None


@dataclass(frozen=True, slots=True)
class TaskList:
    """A page of tasks; `next` is the cursor of the following one, "" at the end."""

    items: tuple[TaskRow, ...]
    next: str = ""


@dataclass(frozen=True, slots=True)
class InboxGroup:
    """A group of the inbox: overdue, soon (within 30 minutes), today or later."""

    code: str
    label: str
    items: tuple[TaskRow, ...]


@dataclass(frozen=True, slots=True)
class Inbox:
    """Open tasks in groups (empty ones left out), with the counts of the three buttons (`all` up to MANY)."""

    groups: tuple[InboxGroup, ...]
    counts: dict[str, int]
    next: str


def listing(reader: Reader, wanted: TaskFilter, *, cursor: str = "", limit: int = cursors.LIMIT) -> TaskList:
    """Tasks the reader may see, due first, those without a due time last."""
    limit = cursors.clamp(limit)
    query = select(tasks.c.id).join(incidents, incidents.c.id == tasks.c.incident_id)
    query = query.where(reader.in_scope, *_conditions(reader, wanted))
    if cursor:
        due, created, task = cursors.read(cursor, 3)
        after = (cursors.read_instant(due), cursors.read_instant(created), task)
        query = query.where(tuple_(_due, tasks.c.created_at, tasks.c.id) > tuple_(*(_bound(part) for part in after)))
    # The page is found by its keys first: the rest of a row is looked up for what is shown, not for what is sorted.
    query = query.order_by(tasks.c.due_at.nulls_last(), tasks.c.created_at, tasks.c.id).limit(limit + 1)
    keys = reader.connection.execute(query).scalars().all()
    found = {row["id"]: row for row in reader.rows(statement().where(tasks.c.id.in_(keys[:limit])))}
    page = rows_of(reader, [found[key] for key in keys[:limit]])
    return TaskList(page, _cursor(page[-1]) if len(keys) > limit else "")


def inbox(reader: Reader, wanted: TaskFilter, *, cursor: str = "", limit: int = cursors.MOST) -> Inbox:
    """The open tasks in their groups, by what is left in each incident's own time."""
    page = listing(reader, wanted, cursor=cursor, limit=limit)
    groups: dict[str, list[TaskRow]] = {code: [] for code in GROUPS}
    for row in page.items:
        groups[group_of(row)].append(row)
    for rows in groups.values():  # their clocks cannot be compared: what is real comes first
        rows.sort(key=lambda row: row.incident_kind == "drill")
    shown = tuple(InboxGroup(code, _group_label(reader, code), tuple(rows)) for code, rows in groups.items() if rows)
    return Inbox(shown, counts(reader), page.next)


def group_of(row: TaskRow) -> str:
    """The group of a task; one without a due time is for today."""
    if row.due_at is None:
        return "today"
    if row.due_at < row.now:
        return "overdue"
    if row.due_at - row.now <= SOON:
        return "soon"
    return "today" if local(row.due_at).date() == local(row.now).date() else "later"


def counts(reader: Reader, most: int = MANY) -> dict[str, int]:
    """Open tasks behind each of the three buttons, `all` up to `most`; those of drills are counted apart (`drill`)."""
    open_tasks = tasks.join(incidents, incidents.c.id == tasks.c.incident_id)
    is_real = incidents.c.kind == "real"
    group = select(
        func.count().filter(is_real, _is_mine(reader)).label("mine"),
        func.count().filter(is_real).label("group"),
        func.count().filter(~is_real).label("drill"),
    )
    group = group.select_from(open_tasks).where(reader.in_scope, _is_open(), _is_group(reader))
    some = select(tasks.c.id).select_from(open_tasks).where(reader.in_scope, _is_open(), is_real).limit(most)
    every = select(func.count()).select_from(some.subquery())
    found = dict(reader.rows(group)[0])
    return {**found, "all": reader.connection.execute(every).scalar_one()}


# --- conditions -------------------------------------------------------------------------------


def _conditions(reader: Reader, wanted: TaskFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.state == "open":
        found.append(_is_open())
    elif wanted.state:
        found.append(tasks.c.state == wanted.state)
    if wanted.states:
        found.append(tasks.c.state.in_(wanted.states))
    if wanted.whose == "mine":
        found.append(_is_mine(reader))
    elif wanted.whose == "group":
        found.append(_is_group(reader))
    if wanted.role:
        held = select(task_roles.c.task_id).where(task_roles.c.role == wanted.role)
        found.append(tasks.c.id.in_(held))
    if wanted.incident:
        found.append(tasks.c.incident_id == wanted.incident)
    if wanted.person:
        found.append(tasks.c.person_id == wanted.person)
    if wanted.overdue is not None:
        is_overdue = _is_overdue(reader)
        found.append(is_overdue if wanted.overdue else ~is_overdue)
    return found


def _is_open() -> ColumnElement[bool]:
    """As `ix_tasks_due` has it: a task has ended when it is done or given up."""
    return tasks.c.ended_at.is_(None)


def _is_mine(reader: Reader) -> ColumnElement[bool]:
    return tasks.c.assignee == reader.principal.account_id


def _is_group(reader: Reader) -> ColumnElement[bool]:
    """What I have, and what came to me and nobody has; from my side, for most open tasks are other people's."""
    has = select(tasks.c.id).where(_is_mine(reader))
    is_free = or_(tasks.c.assignee.is_(None), _is_mine(reader))
    return and_(is_free, tasks.c.id.in_(union(has, *reader.offers)))


def _is_overdue(reader: Reader) -> ColumnElement[bool]:
    """Late now, each incident by its own clock: drills run on theirs."""
    drills = select(incidents.c.id, incidents.c.clock).where(
        reader.in_scope, incidents.c.kind == "drill", incidents.c.closed_at.is_(None)
    )
    late: list[ColumnElement[bool]] = [and_(incidents.c.kind == "real", _due < reader.now)]
    for row in reader.rows(drills):
        late.append(and_(tasks.c.incident_id == row["id"], _due < reader.now_of(row["clock"])))
    return and_(_is_open(), or_(*late))


def _bound(part: datetime | str) -> ColumnElement[object]:
    return literal(part, tasks.c.created_at.type if isinstance(part, datetime) else tasks.c.id.type)


def _cursor(row: TaskRow) -> str:
    return cursors.write([(row.due_at or cursors.NEVER).isoformat(), row.created_at.isoformat(), row.id])


def _group_label(reader: Reader, code: str) -> str:
    return {
        "overdue": reader.pick("已逾期", "Overdue"),
        "soon": reader.pick("30 分钟内到期", "Due within 30 minutes"),
        "today": reader.pick("今天", "Today"),
        "later": reader.pick("以后", "Later"),
    }[code]
