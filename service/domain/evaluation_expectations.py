"""What a scenario expects, held against what happened.

A result is met, not_met or open; open only while the drill runs and both can still come. What must never happen
(`is_not`) is met at the end of a drill without it. A gateway that took another way is not met at once, though a loop
may still bring it there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.deadlines import DeadlineRule
from service.domain.evaluation_material import Course, DeadlineRun, Happening, Plan, PlanElement, Visit
from service.domain.evaluation_timeliness import bearer, binds
from service.domain.scenario_parts import Expectation

MET, NOT_MET, STILL_OPEN = "met", "not_met", "open"


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """An expectation with what came of it. `times` is how often it happened, `actual` when the last needed one did.

    `limit` is until when; None for no other limit than the end of the drill. `ways` are the elements a gateway led to
    instead, `missing` the fields no answer had, `seqs` the events it rests on.
    """

    expectation: Expectation
    element: PlanElement
    state: str
    limit: datetime | None = None
    actual: datetime | None = None
    times: int = 0
    rule: str = ""
    ways: tuple[PlanElement, ...] = ()
    missing: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    seqs: tuple[int, ...] = ()

    @property
    def over_by(self) -> timedelta | None:
        """How much the limit was passed by, None if it was kept or there is none."""
        if self.limit is None or self.actual is None or self.actual <= self.limit:
            return None
        return self.actual - self.limit


@dataclass(frozen=True, slots=True)
class Basis:
    """What results are found in."""

    course: Course
    plan: Plan
    rules: Mapping[str, DeadlineRule]


def result_of(expectation: Expectation, basis: Basis) -> ExpectationResult:
    """What came of an expectation. One that names an element no procedure of the drill has was never met."""
    element = basis.plan.find(expectation.element)
    if element is None:
        gone = PlanElement("", expectation.element, expectation.element, expectation.element)
        return _judged(expectation, gone, basis.course, [])
    return _KINDS[expectation.kind](expectation, element, basis)


def _judged(
    expectation: Expectation, element: PlanElement, course: Course, found: list[tuple[datetime, int]],
    **more: object,
) -> ExpectationResult:  # fmt: skip
    """The state by how often it happened, for everything that has no limit but the end."""
    enough = len(found) >= expectation.times
    if expectation.is_not:
        state = NOT_MET if enough else (MET if course.over_at is not None else STILL_OPEN)
    else:
        state = MET if enough else (NOT_MET if course.over_at is not None else STILL_OPEN)
    actual = found[expectation.times - 1][0] if enough else None
    limit = course.over_at if not enough and course.over_at is not None else None
    seqs = tuple(seq for _, seq in found[: max(expectation.times, 1)])
    made = ExpectationResult(expectation, element, state, limit, actual, len(found), seqs=seqs)
    return made if not more else _with(made, more)


def _with(made: ExpectationResult, more: Mapping[str, object]) -> ExpectationResult:
    values = {name: getattr(made, name) for name in made.__dataclass_fields__}
    return ExpectationResult(**{**values, **more})


def _points(course: Course, visits: list[Visit]) -> list[tuple[datetime, int]]:
    return [(course.is_done_at(visit), visit.left_seq) for visit in visits]


def _done(expectation: Expectation, element: PlanElement, basis: Basis) -> ExpectationResult:
    course = basis.course
    return _judged(expectation, element, course, _points(course, course.done(element)))


def _in_time(expectation: Expectation, element: PlanElement, basis: Basis) -> ExpectationResult:
    if expectation.within is None:
        return _by_own_deadline(expectation, element, basis)
    course, since = basis.course, basis.course.started_at
    if expectation.since:
        before = basis.plan.find(expectation.since)
        began = course.done(before) if before is not None else []
        if not began:  # it never came to what the time counts from
            return _judged(expectation, element, course, [])
        since = course.is_done_at(began[0])
    limit = since + expectation.within
    found = sorted(_points(course, course.done(element)))
    in_time = [point for point in found if point[0] <= limit]
    if expectation.is_not:
        return _judged(expectation, element, course, in_time, limit=limit)
    if len(in_time) >= expectation.times:
        state = MET
    else:
        state = NOT_MET if course.over_at is not None or course.now > limit else STILL_OPEN
    actual = found[expectation.times - 1][0] if len(found) >= expectation.times else None
    seqs = tuple(seq for _, seq in found[: expectation.times])
    return ExpectationResult(expectation, element, state, limit, actual, len(in_time), seqs=seqs)


def _by_own_deadline(expectation: Expectation, element: PlanElement, basis: Basis) -> ExpectationResult:
    """Whether every deadline this element has to meet was kept, and at least `times` of them."""
    course = basis.course
    runs = [run for run in course.deadlines.values() if binds(basis.rules, run) and _is_for(run, element, basis)]
    met = sorted((run for run in runs if run.met_at is not None), key=lambda run: run.met_seq)
    broken = [run for run in runs if (run.met_at or run.cancelled_at or course.now) > run.due_at]
    kept = [run for run in met if run not in broken]
    if expectation.is_not:
        return _judged(expectation, element, course, [(run.met_at or run.due_at, run.met_seq) for run in kept])
    if broken:
        state = NOT_MET
    elif len(kept) >= expectation.times:
        state = MET
    else:
        state = NOT_MET if course.over_at is not None else STILL_OPEN
    shown = broken[0] if broken else (met[-1] if met else (runs[0] if runs else None))
    return ExpectationResult(
        expectation, element, state, shown.due_at if shown else None, shown.met_at if shown else None, len(kept),
        shown.rule if shown else "", seqs=tuple(run.met_seq for run in met if run.met_seq),
    )  # fmt: skip


def _is_for(run: DeadlineRun, element: PlanElement, basis: Basis) -> bool:
    """Whether an element met a deadline, has a task under it, or is the one that has to meet it."""
    if run.met_by == element.id:
        return True
    own = [task for task in basis.course.tasks.values() if task.deadline == run.id and task.id in basis.course.visits]
    if any(basis.course.visits[task.id].element == element.id for task in own):
        return True
    return run.met_at is None and (run.rule in element.rules or bearer(basis.course, basis.plan, run) == element)


def _branch(expectation: Expectation, element: PlanElement, basis: Basis) -> ExpectationResult:
    course, flows = basis.course, basis.plan.outgoing(element)
    ids = {flow.id: flow for flow in flows}
    wanted = {flow.id for flow in flows if expectation.flow in (flow.id, flow.target)}
    taken = [(flow, each) for procedure, flow, each in course.flows if procedure == element.procedure and flow in ids]
    found = [(each.at, each.seq) for flow, each in taken if flow in wanted]
    others = dict.fromkeys(ids[flow].target for flow, _ in taken if flow not in wanted)
    ways = tuple(basis.plan.element(element.procedure, target) for target in others)
    made = _judged(expectation, element, course, found, ways=ways)
    went_elsewhere = bool(ways) and not found and not expectation.is_not
    return _with(made, {"state": NOT_MET}) if went_elsewhere else made


def _complete(expectation: Expectation, element: PlanElement, basis: Basis) -> ExpectationResult:
    course, wanted = basis.course, frozenset(expectation.fields)
    mine = [each for each in course.records if _is_at(each, element)]
    found = [(each.at, each.seq) for each in mine if wanted <= each.fields]
    best = min((sorted(wanted - each.fields) for each in mine), key=len, default=sorted(wanted))
    made = _judged(expectation, element, course, found, missing=tuple(best) if not found else ())
    return _with(made, {"state": NOT_MET}) if mine and not found and not expectation.is_not else made


def _recipient(expectation: Expectation, element: PlanElement, basis: Basis) -> ExpectationResult:
    mine = [each for each in basis.course.deliveries if _is_at(each, element)]
    found = [(each.at, each.seq) for each in mine if each.data["recipient"] == expectation.recipient]
    others = tuple(dict.fromkeys(each.data["recipient"] for each in mine))
    return _judged(expectation, element, basis.course, found, others=() if found else others)


def _is_at(each: Happening, element: PlanElement) -> bool:
    return each.element == element.id and each.procedure == element.procedure


_KINDS: Mapping[str, Callable[[Expectation, PlanElement, Basis], ExpectationResult]] = {
    "done": _done,
    "in_time": _in_time,
    "branch": _branch,
    "complete": _complete,
    "recipient": _recipient,
}
