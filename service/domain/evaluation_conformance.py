"""What happened, held against the diagram and the order a scenario states: left out, late, done again, out of order.

The engine lets no token go where the diagram has no way, so most of what can differ is what people did with
their steps. Exactly this is looked for, and nothing else is claimed:

* **skipped**: an operator let the process go on past a step; or a task of our own people was taken away undone because
  its time ran out, because another event overtook it, or because the drill ended or the process did, while work that
  opened later was done. What was only just open at the end is not counted.
* **late**: done after its limit, or not done when the limit was over. One row per deadline, not one per task under it.
* **repeated**: a task done more than once in one instance where a way leads back to it without any waiting event, so
  it was sent back or had to be done again; daily rounds, repeated activities and event sub-processes are no repetition.
* **out_of_order**: by the times people stated, a step was done before one that has to come before it in the diagram; or
  of two tasks of one role that were open together, the one with the later limit or none was done first, and in the
  time it took the other one would not have become late; or the scenario expects a step after another one, and it was
  done before that and not (as often as expected) after.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.evaluation_material import HUMAN_KINDS, Course, Plan, PlanElement, TaskRun, Visit
from service.domain.evaluation_timeliness import OPEN, UNDONE, Timing
from service.domain.scenario_parts import Expectation

SKIPPED, LATE, REPEATED, OUT_OF_ORDER = "skipped", "late", "repeated", "out_of_order"
KINDS = (SKIPPED, LATE, REPEATED, OUT_OF_ORDER)
_WAITING = frozenset({"catch", "receive", "boundary", "event_gateway", "event_subprocess"})
_TIMERS = frozenset({"date", "duration", "cycle"})


@dataclass(frozen=True, slots=True)
class Deviation:
    """One difference. `cause` says how it came to be, `by` is the other step concerned, `times` how often.

    `opened_at` and `ended_at` are when the step was open; `over_by` is how much a limit was passed by.
    """

    kind: str
    element: PlanElement
    instance: str
    cause: str
    opened_at: datetime
    ended_at: datetime
    by: PlanElement | None = None
    times: int = 1
    rule: str = ""
    limit: datetime | None = None
    done_at: datetime | None = None
    over_by: timedelta | None = None


def deviations(
    course: Course, plan: Plan, rows: Sequence[Timing], expected: Iterable[Expectation] = ()
) -> tuple[Deviation, ...]:
    """Every difference, by kind and then in the order it began."""
    found = [*_passed_over(course, plan), *_skipped(course, plan), *_late(course, rows), *_repeated(course, plan)]
    found += [*_stated_order(course, plan), *_urgency(course, rows)]
    known = {(each.element, each.by) for each in found if each.kind == OUT_OF_ORDER}
    found += [each for each in _expected_order(course, plan, expected) if (each.element, each.by) not in known]
    return tuple(sorted(found, key=lambda each: (KINDS.index(each.kind), each.opened_at, each.element.id)))


# --- skipped ------------------------------------------------------------------------------------


def _passed_over(course: Course, plan: Plan) -> Iterator[Deviation]:
    for each in course.passed_over:
        element = plan.element(each.procedure, each.data["element"])
        if element.name == element.id:
            element = plan.find(element.id) or element
        yield Deviation(SKIPPED, element, each.data["instance"], "passed_over", each.at, each.at)


def _skipped(course: Course, plan: Plan) -> Iterator[Deviation]:
    for task, visit in _own_tasks(course):
        if visit.state == "completed" or (visit.state == "active" and course.over_at is None):
            continue
        end = visit.left_at or course.now
        cause, by = _why_undone(course, plan, visit)
        if cause == "time_ran_out" or _was_left_behind(course, task, visit):
            element = plan.element(visit.procedure, visit.element)
            yield Deviation(SKIPPED, element, visit.instance, cause, visit.entered_at, end, by)


def _own_tasks(course: Course) -> list[tuple[TaskRun, Visit]]:
    tasks = (each for each in course.tasks.values() if each.kind in HUMAN_KINDS and each.id in course.visits)
    return [(each, course.visits[each.id]) for each in tasks]


def _why_undone(course: Course, plan: Plan, visit: Visit) -> tuple[str, PlanElement | None]:
    if visit.state == "active" or (course.stopped_seq and visit.left_seq > course.stopped_seq):
        return "drill_ended", None
    for other in course.visits.values():
        element = plan.element(other.procedure, other.element)
        is_it = element.attached_to == visit.element and element.is_interrupting and other.instance == visit.instance
        if is_it and other.state == "completed" and other.left_at == visit.left_at:
            return ("time_ran_out" if element.trigger in _TIMERS else "overtaken"), element
    return "process_ended", None


def _was_left_behind(course: Course, task: TaskRun, visit: Visit) -> bool:
    """Whether somebody did work that came up later, before this was taken away."""
    end = visit.left_seq or float("inf")
    return any(
        other.opened_seq > task.opened_seq and done.state == "completed" and done.left_seq < end
        for other, done in _own_tasks(course)
    )


# --- late ---------------------------------------------------------------------------------------


def _late(course: Course, rows: Sequence[Timing]) -> Iterator[Deviation]:
    for row in rows:
        if row.kind == "deadline" and row.is_late and row.limit is not None:
            end = row.done_at or course.now
            cause = "done_late" if row.done_at else "not_done"
            yield Deviation(
                LATE, row.element, "", cause, row.opened_at, end, rule=row.rule, limit=row.limit, done_at=row.done_at,
                over_by=end - row.limit, by=_slowest(row, rows),
            )  # fmt: skip


def _slowest(deadline: Timing, rows: Sequence[Timing]) -> PlanElement | None:
    """The task under a deadline that took most of the time."""
    bound = [
        row for row in rows
        if row.kind == "task" and (row.rule, row.subject) == (deadline.rule, deadline.subject) and row.state != OPEN
    ]  # fmt: skip
    timed = [(row.took, index) for index, row in enumerate(bound) if row.took is not None]
    return bound[max(timed, key=lambda each: (each[0], -each[1]))[1]].element if timed else None


# --- repeated -----------------------------------------------------------------------------------


def _repeated(course: Course, plan: Plan) -> Iterator[Deviation]:
    done = [(task, visit) for task, visit in _own_tasks(course) if visit.state == "completed"]
    counts = Counter((visit.instance, visit.procedure, visit.element) for _, visit in done)
    for (instance, procedure, name), times in counts.items():
        element = plan.element(procedure, name)
        if times < 2 or not _comes_back_at_once(plan, element):
            continue
        mine = [v for _, v in done if (v.instance, v.procedure, v.element) == (instance, procedure, name)]
        first, last = mine[0], mine[-1]
        yield Deviation(
            REPEATED, element, instance, "came_back", first.entered_at, course.is_done_at(last), times=times
        )


def _comes_back_at_once(plan: Plan, element: PlanElement) -> bool:
    """Whether a way leads from an element back to itself on which nothing is waited for but people."""
    if element.is_repeated or _is_in_event_subprocess(plan, element):
        return False
    reached, ahead = set(), [flow.target for flow in plan.outgoing(element)]
    while ahead:
        name = ahead.pop()
        node = plan.element(element.procedure, name)
        if name == element.id:
            return True
        if name not in reached and node.kind not in _WAITING:
            reached.add(name)
            ahead += [flow.target for flow in plan.outgoing(node)]
    return False


def _is_in_event_subprocess(plan: Plan, element: PlanElement) -> bool:
    parent = element.parent
    while parent:
        around = plan.element(element.procedure, parent)
        if around.kind == "event_subprocess":
            return True
        parent = around.parent
    return False


# --- out of order -------------------------------------------------------------------------------


def _stated_order(course: Course, plan: Plan) -> Iterator[Deviation]:
    """Steps that were stated to be done before the one the diagram puts before them."""
    done = [visit for _, visit in _own_tasks(course) if visit.state == "completed"]
    for visit in done:
        element = plan.element(visit.procedure, visit.element)
        after = {node.id for node in _next_tasks(plan, element)}
        follower = next(
            (v for v in done if v.instance == visit.instance and v.element in after and v.entered_seq > visit.left_seq),
            None,
        )
        if follower is not None and course.is_done_at(follower) < course.is_done_at(visit):
            later = plan.element(follower.procedure, follower.element)
            yield Deviation(
                OUT_OF_ORDER, later, follower.instance, "stated_before", follower.entered_at,
                course.is_done_at(follower), element, done_at=course.is_done_at(follower),
                limit=course.is_done_at(visit),
            )  # fmt: skip


def _next_tasks(plan: Plan, element: PlanElement) -> Iterator[PlanElement]:
    """Steps of people that come next, with nothing but gateways and automatic steps between."""
    reached, ahead = set(), [flow.target for flow in plan.outgoing(element)]
    while ahead:
        name = ahead.pop()
        node = plan.element(element.procedure, name)
        if name in reached:
            continue
        reached.add(name)
        if node.kind in HUMAN_KINDS and node.form:
            yield node
        elif node.kind not in _WAITING and node.kind not in {"call", "open", "inline", "subprocess"}:
            ahead += [flow.target for flow in plan.outgoing(node)]


def _urgency(course: Course, rows: Sequence[Timing]) -> Iterator[Deviation]:
    """Less urgent work of the same role done first, at the price of a limit; at most once per late task."""
    tasks = [row for row in rows if row.kind == "task" and course.tasks[row.visit].kind in HUMAN_KINDS]
    for late in tasks:
        if not late.is_late or late.limit is None or late.state not in ("done", UNDONE):
            continue
        end = late.done_at or course.now
        for other in tasks:
            is_less_urgent = other.limit is None or other.limit > late.limit
            done_at = other.done_at
            were_both_open = done_at is not None and late.opened_at < done_at < min(end, late.limit)
            would_have_done = other.took is not None and other.took >= end - late.limit
            comes_later = other.opened_at >= late.opened_at
            if other.role == late.role and is_less_urgent and were_both_open and would_have_done and comes_later:
                yield Deviation(
                    OUT_OF_ORDER, other.element, course.visits[other.visit].instance, "less_urgent_first",
                    other.opened_at, done_at or end, late.element, limit=late.limit,
                )  # fmt: skip
                break


def _expected_order(course: Course, plan: Plan, expected: Iterable[Expectation]) -> Iterator[Deviation]:
    """Steps a scenario expects after another one, done before it; each pair of steps once."""
    pairs = {(each.element, each.since): each for each in expected if each.since and not each.is_not}
    for each in pairs.values():
        element, since = plan.find(each.element), plan.find(each.since)
        began = course.done(since) if since is not None else []
        if element is None or not began:
            continue
        start = min(_order(course, visit) for visit in began)
        done = sorted(course.done(element), key=lambda visit: _order(course, visit))
        before = [visit for visit in done if _order(course, visit) < start]
        if before and len(done) - len(before) < each.times:
            first, at = before[0], course.is_done_at(before[0])
            yield Deviation(
                OUT_OF_ORDER, element, first.instance, "expected_after", first.entered_at, at, since, done_at=at
            )


def _order(course: Course, visit: Visit) -> tuple[datetime, int]:
    return course.is_done_at(visit), visit.left_seq
