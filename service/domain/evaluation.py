"""The evaluation of a drill: pure, from its log, the plan it followed and what its scenario expected.

The same log gives the same evaluation; nothing is asked of the read tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from service.domain.deadlines import DeadlineRule
from service.domain.evaluation_conformance import Deviation, deviations
from service.domain.evaluation_expectations import MET, NOT_MET, STILL_OPEN, Basis, ExpectationResult, result_of
from service.domain.evaluation_findings import Finding, findings
from service.domain.evaluation_material import Course, Plan, PlanElement, RatingEntry
from service.domain.evaluation_timeliness import Timing, timings
from service.domain.scenario_parts import Objective, Text

OVERALL = ""  # the drill as a whole, which can be rated without any scenario
RATINGS = ("P", "S", "M", "U")  # HSEEP: performed without, with some, with major challenges; unable to perform


@dataclass(frozen=True, slots=True)
class ObjectiveResult:
    """An objective: its expectations, and what evaluators gave it. `ratings` keeps every entry, oldest first."""

    id: str
    title: Text
    expectations: tuple[ExpectationResult, ...]
    ratings: tuple[RatingEntry, ...]

    @property
    def state(self) -> str:
        """not_met if any expectation is, else open if any is, else met; "" where nothing is expected."""
        states = {each.state for each in self.expectations}
        return next((state for state in (NOT_MET, STILL_OPEN, MET) if state in states), "")

    @property
    def standing(self) -> tuple[RatingEntry, ...]:
        """The last entry of each evaluator, oldest first."""
        last = {each.actor: each for each in self.ratings}
        return tuple(sorted(last.values(), key=lambda each: each.seq))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came out. `overall` is the drill as a whole; `over_at` is None while it runs."""

    started_at: datetime
    over_at: datetime | None
    now: datetime
    overall: ObjectiveResult
    objectives: tuple[ObjectiveResult, ...]
    timings: tuple[Timing, ...]
    deviations: tuple[Deviation, ...]
    findings: tuple[Finding, ...]

    def expectations(self) -> tuple[ExpectationResult, ...]:
        """All of them, in the order of the objectives."""
        return tuple(each for objective in self.objectives for each in objective.expectations)

    def count(self, state: str) -> int:
        """How many expectations are met, not_met or open."""
        return sum(each.state == state for each in self.expectations())


def evaluate(
    course: Course, plan: Plan, rules: Mapping[str, DeadlineRule], objectives: Sequence[Objective] = ()
) -> Evaluation:
    """Hold what happened against the plan and the objectives; a drill by free play has none of these."""
    basis = Basis(course, plan, rules)
    found = tuple(_objective(each, basis) for each in objectives)
    rows = timings(course, plan, rules)
    differences = deviations(course, plan, rows, [each for aim in objectives for each in aim.expectations])
    results = [each for objective in found for each in objective.expectations]
    return Evaluation(
        started_at=course.started_at,
        over_at=course.over_at,
        now=course.now,
        overall=_objective(Objective(OVERALL, Text("演练总体", "The drill as a whole")), basis),
        objectives=found,
        timings=rows,
        deviations=differences,
        findings=findings(differences, results, rules, course.policies),
    )


def _objective(objective: Objective, basis: Basis) -> ObjectiveResult:
    return ObjectiveResult(
        objective.id,
        objective.title,
        tuple(result_of(each, basis) for each in objective.expectations),
        tuple(each for each in basis.course.ratings if each.objective == objective.id),
    )


# --- earlier drills of the same plan --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EarlierDrill:
    """An earlier drill of the same procedure in the same organisation."""

    id: str
    number: str
    started_at: datetime
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class ElementDurations:
    """How long a step took: the median of this drill (seconds), and of each earlier one, None where it was not done."""

    element: PlanElement
    seconds: float
    earlier: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ExpectationHistory:
    """How an expectation came out now and in each earlier drill; "" where that one did not have it."""

    id: str
    state: str
    earlier: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """This drill beside earlier ones, the latest of them first. `recurred` are keys of findings that stood before."""

    drills: tuple[EarlierDrill, ...]
    durations: tuple[ElementDurations, ...]
    expectations: tuple[ExpectationHistory, ...]
    recurred: frozenset[str]


def compare(evaluation: Evaluation, earlier: Sequence[EarlierDrill]) -> Comparison:
    """Durations of each step, results of each expectation, and which findings had been there before."""
    own = _medians(evaluation)
    before = [_medians(each.evaluation) for each in earlier]
    durations = [
        ElementDurations(element, seconds, tuple(each[key][1] if key in each else None for each in before))
        for key, (element, seconds) in own.items()
    ]
    states = [{result.expectation.id: result.state for result in each.evaluation.expectations()} for each in earlier]
    histories = [
        ExpectationHistory(each.expectation.id, each.state, tuple(old.get(each.expectation.id, "") for old in states))
        for each in evaluation.expectations()
    ]
    known = {finding.key for each in earlier for finding in each.evaluation.findings}
    recurred = frozenset(finding.key for finding in evaluation.findings if finding.key in known)
    return Comparison(tuple(earlier), tuple(durations), tuple(histories), recurred)


def _medians(evaluation: Evaluation) -> dict[tuple[str, str], tuple[PlanElement, float]]:
    """Step and seconds by procedure and element, whatever its version, in the order the steps came up."""
    taken: dict[tuple[str, str], tuple[PlanElement, list[float]]] = {}
    for row in evaluation.timings:
        if row.kind == "task" and row.took is not None:
            key = (row.element.procedure, row.element.id)
            taken.setdefault(key, (row.element, []))[1].append(row.took.total_seconds())
    return {key: (element, float(median(seconds))) for key, (element, seconds) in taken.items()}
