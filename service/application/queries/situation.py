"""The diagram as situation board: the state of every step, of one instance or of a procedure added up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from service.application.queries.reader import OPEN_STATES, Reader, tasks
from service.domain.errors import NoSuch
from service.engine.model import Kind, Node
from service.persistence import tables as t

instances = t.table_of(t.Instance)
visits = t.table_of(t.ElementVisit)
waits = t.table_of(t.Wait)
failures = t.table_of(t.EngineIncident)

# The strongest state of a step that was visited several times.
STRENGTH = ("failed", "active", "waiting", "completed", "skipped")
WAITING_KINDS = frozenset({Kind.CATCH, Kind.BOUNDARY, Kind.EVENT_GATEWAY, Kind.START, Kind.AND, Kind.OR})


@dataclass(frozen=True, slots=True)
class ElementState:
    """State of a step: `count` tokens in that state, `since` the oldest of them, `late` of them overdue."""

    state: str
    count: int
    since: datetime
    late: int


@dataclass(frozen=True, slots=True)
class ChildState:
    """Children a call started: how many are open, how many of these have an overdue task, how many are over."""

    element: str
    procedure: str
    process: str
    version: int
    open: int
    late: int
    done: int
    instances: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """An instance of the incident, for choosing whose diagram is shown."""

    id: str
    procedure: str
    process: str
    version: int
    name: str
    status: str
    parent: str
    parent_element: str
    person: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Situation:
    """What a diagram shows; `pages` are the process pages whose elements occur."""

    procedure: str
    version: int
    instances: tuple[str, ...]
    pages: tuple[str, ...]
    elements: Mapping[str, ElementState]
    children: tuple[ChildState, ...]


@dataclass(slots=True)
class _Tally:
    counts: dict[str, int] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)

    def add(self, state: str, at: datetime) -> None:
        self.counts[state] = self.counts.get(state, 0) + 1
        self.since[state] = min(self.since.get(state, at), at)


def instance_rows(reader: Reader, incident: str) -> tuple[InstanceRow, ...]:
    """All instances of an incident, oldest first."""
    reader.incident(incident)
    return tuple(_instance(reader, row) for row in _all_instances(reader, incident))


def of_instance(reader: Reader, incident: str, instance: str = "") -> Situation:
    """The situation of one instance; the root where none is named. Raises NoSuch."""
    wanted = instance or reader.incident(incident)["root_instance"]
    rows = _all_instances(reader, incident)
    chosen = [row for row in rows if row["id"] == wanted or (not wanted and not row["parent_id"])][:1]
    if not chosen:
        raise NoSuch("instance", wanted)
    return _situation(reader, incident, rows, chosen)


def of_procedure(reader: Reader, incident: str, procedure: str) -> Situation:
    """All instances of a procedure or page of the incident added up. Raises NoSuch if it has none."""
    rows = _all_instances(reader, incident)
    chosen = [row for row in rows if procedure in (row["process"], row["procedure"])]
    exact = [row for row in chosen if row["process"] == procedure] or chosen
    if not exact:
        raise NoSuch("procedure", procedure)
    return _situation(reader, incident, rows, exact)


# --- inside -----------------------------------------------------------------------------------


def _all_instances(reader: Reader, incident: str) -> list[dict[str, Any]]:
    reader.incident(incident)
    statement = select(instances).where(instances.c.incident_id == incident)
    return reader.rows(statement.order_by(instances.c.started_at, instances.c.id))


def _instance(reader: Reader, row: Mapping[str, Any]) -> InstanceRow:
    bundle = reader.readable(row["procedure"], row["version"])
    page = bundle.processes.get(row["process"]) if bundle else None
    return InstanceRow(
        row["id"], row["procedure"], row["process"], row["version"],
        reader.pick(page.name, page.name_en) if page else row["process"], row["status"],
        row["parent_id"] or "", row["parent_element"], row["person_id"] or "", row["started_at"], row["ended_at"],
    )  # fmt: skip


def _situation(reader: Reader, incident: str, rows: list[dict[str, Any]], chosen: list[dict[str, Any]]) -> Situation:
    ids = [row["id"] for row in chosen]
    newest = max(chosen, key=lambda row: row["version"])
    procedure, version = newest["procedure"], newest["version"]
    processes = reader.bundle(procedure, version).processes.values()
    nodes = {id_: node for page in processes for id_, node in page.nodes.items()}
    late_tasks = _late_tasks(reader, incident)
    tallies, pages = _tallies(reader, ids, nodes)
    elements = {id_: _element(id_, tally, late_tasks, set(ids)) for id_, tally in tallies.items()}
    children = _children([row for row in rows if row["parent_id"] in ids], rows, late_tasks)
    return Situation(procedure, version, tuple(ids), tuple(sorted(pages)), elements, children)


def _tallies(reader: Reader, ids: list[str], nodes: Mapping[str, Node]) -> tuple[dict[str, _Tally], set[str]]:
    tallies: dict[str, _Tally] = {}
    pages: set[str] = set()
    for row in reader.rows(select(visits).where(visits.c.instance_id.in_(ids))):
        state = _visit_state(row["state"], nodes.get(row["element"]))
        at = row["left_at"] if row["left_at"] and state in ("completed", "skipped") else row["entered_at"]
        tallies.setdefault(row["element"], _Tally()).add(state, at)
        pages.add(row["process"])
    for row in reader.rows(select(waits).where(waits.c.instance_id.in_(ids))):
        known = tallies.setdefault(row["element"], _Tally())
        if "active" not in known.counts and "waiting" not in known.counts:
            known.add("waiting", row["armed_at"])
        pages.add(row["process"])
    for row in reader.rows(select(failures).where(failures.c.instance_id.in_(ids), failures.c.state == "open")):
        if row["element"]:
            tallies.setdefault(row["element"], _Tally()).add("failed", row["at"])
    return tallies, pages


def _visit_state(state: str, node: Node | None) -> str:
    """Cancelled steps were skipped; a token at an event waits, at a task or call it is active."""
    if state == "cancelled":
        return "skipped"
    if state == "active" and node is not None and node.kind in WAITING_KINDS:
        return "waiting"
    return state


def _element(id_: str, tally: _Tally, late_tasks: Iterable[Mapping[str, Any]], ids: set[str]) -> ElementState:
    state = next(each for each in STRENGTH if each in tally.counts)
    late = sum(row["element"] == id_ and row["instance_id"] in ids for row in late_tasks)
    return ElementState(state, tally.counts[state], tally.since[state], late)


def _late_tasks(reader: Reader, incident: str) -> list[dict[str, Any]]:
    now = reader.now_of(reader.incident(incident)["clock"])
    is_late: ColumnElement[bool] = tasks.c.due_at < now
    statement = select(tasks.c.instance_id, tasks.c.element).where(
        tasks.c.incident_id == incident, tasks.c.state.in_(OPEN_STATES), is_late
    )
    return reader.rows(statement)


def _children(
    children: list[dict[str, Any]], rows: list[dict[str, Any]], late_tasks: list[dict[str, Any]]
) -> tuple[ChildState, ...]:
    late = _with_late_work(rows, {row["instance_id"] for row in late_tasks})
    grouped: dict[tuple[str, str, str, int], list[dict[str, Any]]] = {}
    for row in children:
        key = (row["parent_element"], row["procedure"], row["process"], row["version"])
        grouped.setdefault(key, []).append(row)
    found = []
    for (element, procedure, process, version), group in grouped.items():
        active = [row["id"] for row in group if row["status"] == "active"]
        found.append(
            ChildState(
                element, procedure, process, version, len(active), len(late.intersection(active)),
                len(group) - len(active), tuple(row["id"] for row in group),
            )
        )  # fmt: skip
    return tuple(found)


def _with_late_work(rows: list[dict[str, Any]], late: set[str]) -> set[str]:
    """Instances with an overdue task of their own or of anything below them."""
    parents = {row["id"]: row["parent_id"] for row in rows}
    found: set[str] = set()
    for instance in late:
        current: str | None = instance
        while current is not None and current not in found:
            found.add(current)
            current = parents.get(current)
    return found
