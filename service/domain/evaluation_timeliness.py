"""How long everything took, and against which limit: the timeliness table of a drill, in its own time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.deadlines import DeadlineRule
from service.domain.evaluation_material import Course, DeadlineRun, Plan, PlanElement, TaskRun, Visit

OPEN, DONE, UNDONE, LAPSED = "open", "done", "undone", "lapsed"


@dataclass(frozen=True, slots=True)
class Timing:
    """A task, or a deadline as a whole, with its limit.

    `state` is open, done, undone (over without it) or lapsed (the duty fell away in time). `slack` is the limit
    less what was done, below zero if late; of what is not done it counts to the present, or to the end of the drill.
    `planned` is how much time there was from `opened_at`, `took` how much was needed.
    """

    kind: str  # task | deadline
    element: PlanElement
    visit: str
    rule: str
    subject: str
    role: str
    opened_at: datetime
    limit: datetime | None
    done_at: datetime | None
    state: str
    is_late: bool
    reason: str = ""

    @property
    def planned(self) -> timedelta | None:
        """The time there was."""
        return None if self.limit is None else self.limit - self.opened_at

    @property
    def took(self) -> timedelta | None:
        """The time needed."""
        return None if self.done_at is None else self.done_at - self.opened_at

    def slack(self, now: datetime) -> timedelta | None:
        """The time left at the end, below zero if late."""
        if self.limit is None or self.state == LAPSED:
            return None
        return self.limit - (self.done_at or now)


def timings(course: Course, plan: Plan, rules: Mapping[str, DeadlineRule]) -> tuple[Timing, ...]:
    """One row per task and one per deadline that binds anybody, in the order they began.

    Waiting times and look-backs are no limits: a rule without a ladder has no row.
    """
    found = [(course.visits[each.id].entered_at, 1, _task(course, plan, rules, each)) for each in _tasks(course)]
    found += [
        (each.started_at, 0, _deadline(course, plan, each)) for each in course.deadlines.values() if binds(rules, each)
    ]
    return tuple(row for _, _, row in sorted(found, key=lambda each: each[:2]))


def binds(rules: Mapping[str, DeadlineRule], run: DeadlineRun) -> bool:
    """Whether somebody has to do something until a deadline."""
    rule = rules.get(run.rule)
    return rule is not None and rule.ladder != "none"


def _tasks(course: Course) -> list[TaskRun]:
    return [each for each in course.tasks.values() if each.id in course.visits]


def _task(course: Course, plan: Plan, rules: Mapping[str, DeadlineRule], task: TaskRun) -> Timing:
    visit = course.visits[task.id]
    run = course.deadlines.get(task.deadline)
    limit = run.due_at if run is not None and binds(rules, run) else None
    done_at = course.is_done_at(visit) if visit.state == "completed" else None
    state = DONE if done_at else _state_of(course, visit)
    end = done_at or visit.left_at or course.now
    return Timing(
        "task", plan.element(visit.procedure, visit.element), task.id, task.rule, run.subject if run else "",
        task.role, visit.entered_at, limit, done_at, state, limit is not None and end > limit, task.late_reason,
    )  # fmt: skip


def _state_of(course: Course, visit: Visit) -> str:
    is_over = visit.state == "cancelled" or course.over_at is not None
    return UNDONE if is_over else OPEN


def _deadline(course: Course, plan: Plan, run: DeadlineRun) -> Timing:
    element = plan.element(run.procedure, run.met_by) if run.met_by else bearer(course, plan, run)
    if element.name == element.id:  # met in another procedure than it began in
        element = plan.find(element.id) or element
    lapsed = run.cancelled_at if run.met_at is None else None
    is_late = (run.met_at or lapsed or course.now) > run.due_at
    if run.met_at is not None:
        state = DONE
    elif lapsed is not None and not is_late and lapsed != course.over_at:
        state = LAPSED
    else:
        state = UNDONE if course.over_at is not None or is_late else OPEN
    return Timing(
        "deadline", element, "", run.rule, run.subject, "", run.started_at, run.due_at, run.met_at, state, is_late,
        run.reason,
    )  # fmt: skip


def bearer(course: Course, plan: Plan, run: DeadlineRun) -> PlanElement:
    """The step an unmet deadline waits for: the last task bound to it, else the one that would meet it, or began it."""
    bound = [task for task in course.tasks.values() if task.deadline == run.id and task.id in course.visits]
    if bound:
        visit = course.visits[bound[-1].id]
        return plan.element(visit.procedure, visit.element)
    meeting = [each for each in plan.elements.values() if run.rule in each.rules]
    own = [each for each in meeting if each.procedure == run.procedure]
    return (own or meeting or [plan.element(run.procedure, run.started_by)])[-1]
