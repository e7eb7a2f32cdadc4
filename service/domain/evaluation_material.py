"""What an evaluation is made of: the log of a drill read as a course, and the plan it is held against.

Plain values: the application fills them from the event log and the pinned definitions, so the same log
gives the same evaluation, whatever became of the read tables.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

HUMAN_KINDS = frozenset({"user", "send"})  # tasks of our own people; receive and delivery wait for somebody outside


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of the log. `fields` names what a saved record answers, sealed answers too, never their values."""

    seq: int
    type: str
    at: datetime
    data: Mapping[str, Any]
    instance: str = ""
    procedure: str = ""
    element: str = ""
    actor: str = ""
    fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PlanElement:
    """A flow node of a procedure, as far as an evaluation asks. `rules` are deadline rules it meets or is bound to."""

    procedure: str
    id: str
    name: str = ""
    name_en: str = ""
    kind: str = ""
    trigger: str = ""
    role: str = ""
    form: str = ""
    attached_to: str = ""
    is_interrupting: bool = True
    is_repeated: bool = False
    rules: tuple[str, ...] = ()
    parent: str = ""


@dataclass(frozen=True, slots=True)
class PlanFlow:
    """A sequence flow."""

    procedure: str
    id: str
    source: str
    target: str


@dataclass(frozen=True)
class Plan:
    """Every procedure that ran in the drill, by (procedure, id); `main` is the one it was begun with."""

    main: str
    elements: Mapping[tuple[str, str], PlanElement] = field(default_factory=dict)
    flows: Mapping[tuple[str, str], PlanFlow] = field(default_factory=dict)

    def element(self, procedure: str, element: str) -> PlanElement:
        """An element; one that no definition knows any more is named by its id."""
        return self.elements.get((procedure, element)) or PlanElement(procedure, element, element, element)

    def find(self, element: str) -> PlanElement | None:
        """An element by its id alone: of the main procedure, else the first one that has it."""
        own = self.elements.get((self.main, element))
        return own or next((self.elements[key] for key in sorted(self.elements) if key[1] == element), None)

    def outgoing(self, element: PlanElement) -> list[PlanFlow]:
        """Sequence flows that leave an element."""
        return [f for f in self.flows.values() if f.procedure == element.procedure and f.source == element.id]


@dataclass(slots=True)
class Visit:
    """A token at an element: `state` is active, completed or cancelled; `done_at` is when it was done as stated."""

    id: str
    instance: str
    procedure: str
    element: str
    entered_at: datetime
    entered_seq: int
    state: str = "active"
    left_at: datetime | None = None
    left_seq: int = 0
    done_at: datetime | None = None


@dataclass(slots=True)
class TaskRun:
    """A task of the drill; `deadline` is the id of the one it shows, "" for none."""

    id: str
    kind: str
    role: str
    form: str
    rule: str
    deadline: str
    opened_seq: int
    actor: str = ""
    late_reason: str = ""


@dataclass(slots=True)
class DeadlineRun:
    """A deadline of the drill."""

    id: str
    rule: str
    subject: str
    started_at: datetime
    due_at: datetime
    procedure: str
    started_by: str
    met_at: datetime | None = None
    met_by: str = ""
    met_seq: int = 0
    cancelled_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RatingEntry:
    """What an evaluator gave an objective ("" = the drill as a whole): P, S, M or U; `seq` finds its note."""

    seq: int
    objective: str
    rating: str
    actor: str
    at: datetime


@dataclass
class Course:
    """What happened, in order: visits, tasks and deadlines by id, and what was taken, saved and sent."""

    started_at: datetime
    now: datetime
    visits: dict[str, Visit] = field(default_factory=dict)
    tasks: dict[str, TaskRun] = field(default_factory=dict)
    deadlines: dict[str, DeadlineRun] = field(default_factory=dict)
    flows: list[tuple[str, str, Happening]] = field(default_factory=list)  # procedure, flow, the event that names it
    records: list[Happening] = field(default_factory=list)
    deliveries: list[Happening] = field(default_factory=list)
    passed_over: list[Happening] = field(default_factory=list)
    ratings: list[RatingEntry] = field(default_factory=list)
    policies: dict[str, Any] = field(default_factory=dict)
    over_at: datetime | None = None
    stopped_seq: int = 0  # after which everything was given up, because the trainer ended the drill; 0: he did not

    def of_element(self, element: PlanElement) -> list[Visit]:
        """The visits of an element, in order."""
        return [v for v in self.visits.values() if (v.procedure, v.element) == (element.procedure, element.id)]

    def done(self, element: PlanElement) -> list[Visit]:
        """Its completed visits, in the order they were completed."""
        return sorted(
            (visit for visit in self.of_element(element) if visit.state == "completed"), key=lambda each: each.left_seq
        )

    def is_done_at(self, visit: Visit) -> datetime:
        """When a completed visit was done: as stated where somebody did, else as recorded."""
        return visit.done_at or visit.left_at or visit.entered_at


def course_of(happenings: Iterable[Happening], now: datetime) -> Course:
    """Read a log, in order. `now` is the drill's present time; once it is over, its end counts instead."""
    course, last_work = Course(now, now), 0
    for each in happenings:
        if each.type in ("element_completed", "task_completed"):
            last_work = each.seq
        elif each.type == "drill_ended":
            course.stopped_seq = last_work
        reading = _READINGS.get(each.type)
        if reading is not None:
            reading(course, each)
    if course.over_at is not None:
        course.now = course.over_at
    return course


def _opened(course: Course, each: Happening) -> None:
    course.started_at = each.at
    course.policies = dict(each.data["policies"])


def _policies(course: Course, each: Happening) -> None:
    course.policies |= {key: pair["new"] for key, pair in each.data["changes"].items()}


def _entered(course: Course, each: Happening) -> None:
    visit = each.data["visit"]
    course.visits[visit] = Visit(visit, each.instance, each.procedure, each.data["element"], each.at, each.seq)
    if each.data["flow"]:
        course.flows.append((each.procedure, each.data["flow"], each))


def _completed(course: Course, each: Happening) -> None:
    key = each.data["visit"]
    visit = course.visits.get(key)
    if visit is None:
        visit = Visit(key, each.instance, each.procedure, each.data["element"], each.at, each.seq)
        course.visits[key] = visit
        course.flows += [(each.procedure, flow, each) for flow in each.data["flows"]]
    visit.state, visit.left_at, visit.left_seq = "completed", each.at, each.seq


def _cancelled(course: Course, each: Happening) -> None:
    visit = course.visits.get(each.data["visit"])
    if visit is not None and visit.state == "active":
        visit.state, visit.left_at, visit.left_seq = "cancelled", each.at, each.seq


def _task_opened(course: Course, each: Happening) -> None:
    data = each.data
    deadline = _of_rule(course, data["rule"], data["subject"]) if data["rule"] else ""
    course.tasks[data["task"]] = TaskRun(
        data["task"], data["kind"], data["role"], data["form"], data["rule"], deadline, each.seq
    )


def _of_rule(course: Course, rule: str, subject: str) -> str:
    return next((d.id for d in course.deadlines.values() if (d.rule, d.subject) == (rule, subject)), "")


def _task_completed(course: Course, each: Happening) -> None:
    task, visit = course.tasks.get(each.data["task"]), course.visits.get(each.data["task"])
    if task is not None:
        task.actor, task.late_reason = each.actor, each.data["late_reason"]
    if visit is not None:
        visit.done_at = datetime.fromisoformat(each.data["done_at"])


def _started(course: Course, each: Happening) -> None:
    data = each.data
    start, due = datetime.fromisoformat(data["start"]), datetime.fromisoformat(data["due"])
    course.deadlines[data["deadline"]] = DeadlineRun(
        data["deadline"], data["rule"], data["subject"], start, due, each.procedure, each.element
    )


def _moved(course: Course, each: Happening) -> None:
    run = course.deadlines.get(each.data["deadline"])
    if run is not None:
        run.started_at = datetime.fromisoformat(each.data["start"])
        run.due_at = datetime.fromisoformat(each.data["due"])
        run.met_at, run.cancelled_at = None, None


def _met(course: Course, each: Happening) -> None:
    run = course.deadlines.get(each.data["deadline"])
    if run is not None:
        run.met_at, run.met_by, run.met_seq = datetime.fromisoformat(each.data["met_at"]), each.data["by"], each.seq
        run.reason = each.data["reason"]


def _lapsed(course: Course, each: Happening) -> None:
    run = course.deadlines.get(each.data["deadline"])
    if run is not None:
        run.cancelled_at = each.at


def _rated(course: Course, each: Happening) -> None:
    entry = RatingEntry(each.seq, each.data["objective"], each.data["rating"], each.actor, each.at)
    course.ratings.append(entry)


def _over(course: Course, each: Happening) -> None:
    course.over_at = course.over_at or each.at


_READINGS = {
    "incident_opened": _opened,
    "policy_applied": _policies,
    "element_entered": _entered,
    "element_completed": _completed,
    "element_cancelled": _cancelled,
    "task_opened": _task_opened,
    "task_completed": _task_completed,
    "deadline_started": _started,
    "deadline_moved": _moved,
    "deadline_met": _met,
    "deadline_cancelled": _lapsed,
    "record_saved": lambda course, each: course.records.append(each),
    "delivery_queued": lambda course, each: course.deliveries.append(each),
    "engine_incident_skipped": lambda course, each: course.passed_over.append(each),
    "objective_rated": _rated,
    "incident_closed": _over,
    "drill_ended": _over,
}
