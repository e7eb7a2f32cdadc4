"""The evaluation of a drill, and what evaluators say of it."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Response
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.improvements import ImprovementAnswer, QuestionnaireAnswer
from service.api.problems import ProblemRoute
from service.application import after_action, drill_reviews
from service.application.documents_docx import to_docx
from service.application.queries import Reader, evaluation_pages, improvements
from service.application.queries.export_files import DOCX
from service.domain import commands as cmd
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, prefix="/drills", tags=["drills"])

Reading = Annotated[Door, permit(Action.INCIDENT_READ)]
Reviewing = Annotated[Door, permit(Action.DRILL_REVIEW)]


class RatingBody(Body):
    """A rating of an objective, "" for the drill as a whole; M and U need a note."""

    objective: str = Field(default="", max_length=100)
    rating: str = Field(max_length=1)
    note: str = Field(default="", max_length=1000)


class ExpectationAnswer(Answer):
    """An expectation: what was expected of which element, and what came of it. `evidence` are seqs of events."""

    id: str
    text: str
    element: str
    label: str
    kind: str
    state: str
    limit: datetime | None
    actual: datetime | None
    over_by: timedelta | None
    times: int
    detail: str
    evidence: tuple[int, ...]


class RatingAnswer(Answer):
    """One entry of an evaluator; `stands` unless he made a later one."""

    rating: str
    label: str
    name: str
    at: datetime
    note: str
    stands: bool


class ObjectiveAnswer(Answer):
    """An objective; `state` is "" where nothing is expected."""

    id: str
    title: str
    state: str
    expectations: tuple[ExpectationAnswer, ...]
    ratings: tuple[RatingAnswer, ...]


class TimingAnswer(Answer):
    """A task or deadline with its limit; `slack` is below zero if late. All in the drill's time."""

    kind: str
    element: str
    procedure: str
    visit: str
    label: str
    rule: str
    opened_at: datetime
    limit: datetime | None
    done_at: datetime | None
    planned: timedelta | None
    took: timedelta | None
    slack: timedelta | None
    state: str
    is_late: bool
    reason: str


class DeviationAnswer(Answer):
    """A difference from the diagram: skipped, late, repeated or out_of_order."""

    kind: str
    element: str
    procedure: str
    label: str
    instance: str
    text: str
    opened_at: datetime
    ended_at: datetime
    over_by: timedelta | None


class FindingAnswer(Answer):
    """A finding, the policy value, element or form it points at, and whether an earlier drill had it too."""

    key: str
    kind: str
    element: str
    procedure: str
    label: str
    limit: datetime | None
    actual: datetime | None
    over_by: timedelta | None
    text: str
    advice: str
    target: str
    target_id: str
    expectations: tuple[str, ...]
    recurred: bool


class DurationAnswer(Answer):
    """How long a step took now, and in earlier drills of the plan."""

    element: str
    label: str
    took: timedelta
    earlier: tuple[timedelta | None, ...]


class EarlierAnswer(Answer):
    """An earlier drill of the plan."""

    id: str
    number: str


class EvaluationAnswer(Answer):
    """What came out of a drill; `over_at` is null while it runs. Lengths of time are ISO 8601."""

    started_at: datetime
    over_at: datetime | None
    now: datetime
    overall: ObjectiveAnswer
    objectives: tuple[ObjectiveAnswer, ...]
    timings: tuple[TimingAnswer, ...]
    deviations: tuple[DeviationAnswer, ...]
    findings: tuple[FindingAnswer, ...]
    earlier: tuple[EarlierAnswer, ...]
    durations: tuple[DurationAnswer, ...]
    counts: dict[str, int]
    improvements: tuple[ImprovementAnswer, ...] = ()
    followed: tuple[ImprovementAnswer, ...] = ()
    questionnaire: QuestionnaireAnswer | None = None


@router.get("/{drill}/evaluation")
def evaluated(drill: str, door: Reading) -> EvaluationAnswer:
    """Objectives with their expectations, timeliness, deviations from the diagram, findings, earlier drills."""
    return door.read(lambda reader: _evaluation(reader, drill))


@router.get("/{drill}/report.docx", response_class=Response)
def report(drill: str, door: Reading, layout: Literal["objectives", "record"] = "objectives") -> Response:
    """The after-action report for Word: by objectives, or as the record schools keep of a drill."""
    document = door.read(lambda reader: after_action.draft(reader, door.tocsin.documents, drill, layout))
    disposition = f"attachment; filename*=UTF-8''{quote(f'{document.title}.docx')}"
    return Response(to_docx(document), media_type=DOCX, headers={"content-disposition": disposition})


@router.post("/{drill}/ratings", response_model=EvaluationAnswer)
def rated(drill: str, body: RatingBody, door: Reviewing) -> Response:
    """Rate an objective, P, S, M or U; an earlier rating of the same person is kept and counts no more."""
    command = cmd.RateObjective(drill, body.objective, body.rating, body.note)
    return door.change(drill_reviews.rate, command, lambda reader, _: _evaluation(reader, drill))


def _evaluation(reader: Reader, drill: str) -> EvaluationAnswer:
    found = evaluation_pages.page(reader, drill)
    keys = frozenset(each.key for each in found.findings)
    after = {
        "improvements": tuple(map(ImprovementAnswer.model_validate, improvements.of_drill(reader, drill))),
        "followed": tuple(map(ImprovementAnswer.model_validate, improvements.followed(reader, drill, keys))),
        "questionnaire": QuestionnaireAnswer.model_validate(improvements.questionnaire(reader, drill)),
    }
    return EvaluationAnswer.model_validate(found).model_copy(update=after)
