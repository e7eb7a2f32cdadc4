"""The evaluation of a drill in words: what its page, the API and the after-action report show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.application.queries import evaluation as queries
from service.application.queries import incident_pages
from service.application.queries.incident_pages import IncidentRow
from service.application.queries.reader import Reader
from service.domain.access import Action
from service.domain.evaluation import Comparison, Evaluation, ObjectiveResult
from service.domain.evaluation_conformance import Deviation
from service.domain.evaluation_expectations import MET, NOT_MET, STILL_OPEN, ExpectationResult
from service.domain.evaluation_findings import Finding
from service.domain.evaluation_material import PlanElement
from service.domain.evaluation_timeliness import Timing

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ShownExpectation:
    """An expectation with what came of it. `evidence` are seqs of events in the timeline."""

    id: str
    text: str
    element: str
    label: str
    kind: str
    kind_label: str
    state: str
    state_label: str
    limit: datetime | None
    actual: datetime | None
    over_by: timedelta | None
    times: int
    detail: str
    evidence: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ShownRating:
    """One entry of an evaluator; `stands` unless he made a later one."""

    seq: int
    rating: str
    label: str
    name: str
    at: datetime
    note: str
    stands: bool


@dataclass(frozen=True, slots=True)
class ShownObjective:
    """An objective, "" = the drill as a whole."""

    id: str
    title: str
    state: str
    state_label: str
    expectations: tuple[ShownExpectation, ...]
    ratings: tuple[ShownRating, ...]


@dataclass(frozen=True, slots=True)
class ShownTiming:
    """A row of the timeliness table; `slack` is below zero if late."""

    kind: str
    element: str
    procedure: str
    visit: str
    label: str
    role_label: str
    rule: str
    rule_label: str
    opened_at: datetime
    limit: datetime | None
    done_at: datetime | None
    planned: timedelta | None
    took: timedelta | None
    slack: timedelta | None
    state: str
    is_late: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ShownDeviation:
    """A difference from the diagram."""

    kind: str
    kind_label: str
    element: str
    procedure: str
    label: str
    instance: str
    text: str
    rule_label: str
    opened_at: datetime
    ended_at: datetime
    over_by: timedelta | None


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding with what follows from it; `recurred` where an earlier drill of the plan had it too."""

    key: str
    kind: str
    kind_label: str
    element: str
    procedure: str
    label: str
    rule_label: str
    limit: datetime | None
    actual: datetime | None
    over_by: timedelta | None
    opened_at: datetime | None
    text: str
    advice: str
    target: str
    target_id: str
    target_label: str
    expectations: tuple[str, ...]
    recurred: bool


@dataclass(frozen=True, slots=True)
class ShownDuration:
    """How long a step took now and before (medians)."""

    element: str
    label: str
    took: timedelta
    earlier: tuple[timedelta | None, ...]


@dataclass(frozen=True, slots=True)
class ShownHistory:
    """An expectation now and before; "" where a drill did not have it."""

    id: str
    text: str
    state: str
    earlier: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EvaluationPage:
    """The whole; `counts` are expectations by state and deviations by kind, `earlier` numbers of the drills beside."""

    row: IncidentRow
    started_at: datetime
    over_at: datetime | None
    now: datetime
    overall: ShownObjective
    objectives: tuple[ShownObjective, ...]
    timings: tuple[ShownTiming, ...]
    deviations: tuple[ShownDeviation, ...]
    findings: tuple[ShownFinding, ...]
    earlier: tuple[IncidentRow, ...]
    durations: tuple[ShownDuration, ...]
    histories: tuple[ShownHistory, ...]
    counts: Mapping[str, int]
    may_review: bool


def page(reader: Reader, drill: str) -> EvaluationPage:
    """A drill as evaluated, in the reader's language. Raises NoSuch, NotADrill."""
    evaluation = queries.evaluate(reader, drill)
    beside = queries.comparison(reader, drill, evaluation)
    row = reader.incident(drill)
    return _Words(reader, drill, evaluation, beside).page(may_review=reader.may_with(Action.DRILL_REVIEW, row))


class _Words:
    """Says one evaluation in the reader's language."""

    def __init__(self, reader: Reader, drill: str, evaluation: Evaluation, beside: Comparison) -> None:
        self.reader, self.drill, self.evaluation, self.beside = reader, drill, evaluation, beside
        self.notes = _notes(reader, drill)
        rated = [entry.actor for each in (evaluation.overall, *evaluation.objectives) for entry in each.ratings]
        self.names = reader.account_names(rated)

    def page(self, *, may_review: bool) -> EvaluationPage:
        evaluation, reader = self.evaluation, self.reader
        counts = {state: evaluation.count(state) for state in (MET, NOT_MET, STILL_OPEN)}
        for deviation in evaluation.deviations:
            counts[deviation.kind] = counts.get(deviation.kind, 0) + 1
        return EvaluationPage(
            row=incident_pages.one(reader, self.drill),
            started_at=evaluation.started_at,
            over_at=evaluation.over_at,
            now=evaluation.now,
            overall=self._objective(evaluation.overall),
            objectives=tuple(self._objective(each) for each in evaluation.objectives),
            timings=tuple(self._timing(each) for each in evaluation.timings),
            deviations=tuple(self._deviation(each) for each in evaluation.deviations),
            findings=tuple(self._finding(each) for each in evaluation.findings),
            earlier=tuple(incident_pages.one(reader, each.id) for each in self.beside.drills),
            durations=self._durations(),
            histories=self._histories(),
            counts=counts,
            may_review=may_review,
        )

    def _element(self, element: PlanElement) -> str:
        return self.reader.pick(element.name, element.name_en) or element.id

    def _rule(self, rule: str) -> str:
        found = self.reader.services.deadline_rules.get(rule)
        return found.label(self.reader.locale) if found else rule

    # --- objectives ---------------------------------------------------------------------------

    def _objective(self, found: ObjectiveResult) -> ShownObjective:
        standing = {entry.seq for entry in found.standing}
        ratings = tuple(
            ShownRating(
                entry.seq, entry.rating, self.reader.label("rating", entry.rating),
                self.names.get(entry.actor, ""), entry.at, self.notes.get(entry.seq, ""), entry.seq in standing,
            )
            for entry in found.ratings
        )  # fmt: skip
        return ShownObjective(
            found.id, found.title.text(self.reader.locale), found.state,
            self.reader.label("expectation_state", found.state) if found.state else "",
            tuple(self._expectation(each) for each in found.expectations), ratings,
        )  # fmt: skip

    def _expectation(self, found: ExpectationResult) -> ShownExpectation:
        expected, reader = found.expectation, self.reader
        return ShownExpectation(
            expected.id, self._expected(found), expected.element, self._element(found.element), expected.kind,
            reader.label("expectation_kind", expected.kind), found.state,
            reader.label("expectation_state", found.state), found.limit, found.actual, found.over_by, found.times,
            self._detail(found), found.seqs,
        )  # fmt: skip

    def _expected(self, found: ExpectationResult) -> str:
        """What was expected: as the scenario says it, or step and kind."""
        expected, reader = found.expectation, self.reader
        title = expected.title.text(reader.locale)
        if title:
            return title
        kind = reader.label("deviation" if expected.is_not else "expectation_kind",
                            "unwanted" if expected.is_not else expected.kind)  # fmt: skip
        return reader.pick("{}：{}", "{}: {}").format(self._element(found.element), kind)

    def _detail(self, found: ExpectationResult) -> str:
        if found.missing:
            names = self._fields(found.element.form, found.missing)
            return self.reader.pick("缺：{}", "missing: {}").format(names)
        ways = [self._element(each) for each in found.ways]
        others = [*ways, *(self.reader.label("role", each) for each in found.others)]
        return self.reader.pick("实际：{}", "instead: {}").format(self._joined(others)) if others else ""

    def _fields(self, form: str, keys: Sequence[str]) -> str:
        forms, reader = self.reader.services.forms, self.reader
        known = {field.key: field.label for field in forms.view(form).fields} if forms.has(form) else {}
        named = [reader.pick(known[key].zh, known[key].en) if key in known else key for key in keys]
        return self._joined(named)

    def _joined(self, parts: Sequence[str]) -> str:
        return self.reader.pick("、", ", ").join(parts)

    # --- rows ---------------------------------------------------------------------------------

    def _timing(self, row: Timing) -> ShownTiming:
        return ShownTiming(
            row.kind, row.element.id, row.element.procedure, row.visit, self._element(row.element),
            self.reader.label("role", row.role) if row.role else "", row.rule, self._rule(row.rule) if row.rule else "",
            row.opened_at, row.limit, row.done_at, row.planned, row.took, row.slack(self.evaluation.now), row.state,
            row.is_late, row.reason,
        )  # fmt: skip

    def _deviation(self, found: Deviation) -> ShownDeviation:
        return ShownDeviation(
            found.kind, self.reader.label("deviation", found.kind), found.element.id, found.element.procedure,
            self._element(found.element), found.instance, self._cause(found.cause, found.by, found.times),
            self._rule(found.rule) if found.rule else "", found.opened_at, found.ended_at, found.over_by,
        )  # fmt: skip

    def _cause(self, cause: str, by: PlanElement | None, times: int) -> str:
        text = self.reader.label("deviation_cause", cause)
        name = self._element(by) if by else ""
        if cause == "done_late" and name:
            return self.reader.label("deviation_cause", "slowest").format(cause=text, by=name)
        return text.format(by=name, times=times)

    def _finding(self, found: Finding) -> ShownFinding:
        follow, reader = found.follow_up, self.reader
        text = self._cause(found.cause, found.by, found.times) if found.cause else self._failed(found)
        target = self._target(found)
        advice = reader.label("follow_up", follow.advice).format(
            target=target, value=follow.value, detail=self._of_detail(found)
        )
        return ShownFinding(
            found.key, found.kind, reader.label("deviation", found.kind), found.element.id, found.element.procedure,
            self._element(found.element), self._rule(found.rule) if found.rule else "", found.limit, found.actual,
            found.over_by, found.opened_at, text, advice, follow.target, follow.id, target, found.expectations,
            found.key in self.beside.recurred,
        )  # fmt: skip

    def _failed(self, found: Finding) -> str:
        expected = next(
            (each for each in self.evaluation.expectations() if each.expectation.id in found.expectations), None
        )
        if expected is None:
            return ""
        parts = [self._expected(expected), self._detail(expected)]
        return self.reader.pick("；", "; ").join(part for part in parts if part)

    def _of_detail(self, found: Finding) -> str:
        if found.kind == "complete":
            return self._fields(found.element.form, found.detail)
        wanted = [
            self.reader.label("role", each.expectation.recipient)
            for each in self.evaluation.expectations()
            if each.expectation.id in found.expectations
        ]
        return self._joined([each for each in wanted if each])

    def _target(self, found: Finding) -> str:
        """What would change, by its name."""
        follow, services = found.follow_up, self.reader.services
        if follow.target == "policy":
            entry = services.policies.entry(follow.id)
            return self.reader.pick(entry.label_zh, entry.label_en)
        if follow.target == "form" and services.forms.has(follow.id):
            name = services.forms.view(follow.id).name
            return f"{follow.id} {self.reader.pick(name.zh, name.en)}"
        return self._element(found.element)

    # --- earlier drills -----------------------------------------------------------------------

    def _durations(self) -> tuple[ShownDuration, ...]:
        return tuple(
            ShownDuration(
                each.element.id, self._element(each.element), each.seconds * SECOND,
                tuple(None if before is None else before * SECOND for before in each.earlier),
            )
            for each in self.beside.durations
        )  # fmt: skip

    def _histories(self) -> tuple[ShownHistory, ...]:
        results = {each.expectation.id: each for each in self.evaluation.expectations()}
        word = self.reader.label
        return tuple(
            ShownHistory(
                each.id, self._expected(results[each.id]), word("expectation_state", each.state),
                tuple((state, word("expectation_state", state) if state else "") for state in each.earlier),
            )
            for each in self.beside.expectations
        )  # fmt: skip


def _notes(reader: Reader, drill: str) -> dict[int, str]:
    """Notes of ratings by the seq of their event, for readers who may read about people; others see none."""
    if not reader.may_with(Action.PEOPLE_READ, reader.incident(drill)):
        return {}
    rows: list[dict[str, Any]] = queries.of_type(reader, drill, "objective_rated")
    opened = {row["seq"]: reader.sealer.open_all(reader.connection, row["sealed"]) for row in rows}
    return {seq: str(part.get("note", "")) for seq, parts in opened.items() for part in parts.values()}
