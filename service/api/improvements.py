"""What follows a drill: improvement actions of an organisation, and the questionnaire of those who took part."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import Page, page_of
from service.application import drill_questionnaire
from service.application import improvements as use_cases
from service.application.queries import Reader, improvements
from service.domain import commands as cmd
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, tags=["drills"])


class ImprovementAnswer(Answer):
    """An improvement action; `recurred` where its finding came again in the drill it is shown with."""

    id: str
    drill: str
    organisation: str
    text: str
    finding: str
    target: str
    target_id: str
    owner: str
    owner_name: str
    due_at: datetime
    state: str
    note: str
    ended_at: datetime | None
    is_late: bool
    recurred: bool


class QuestionAnswer(Answer):
    """A question with its mean score and how many gave each of 1 to 5."""

    id: str
    text: str
    mean: float | None
    counts: tuple[int, ...]


class QuestionnaireAnswer(Answer):
    """What participants answered, how many of them without a name."""

    count: int
    anonymous: int
    questions: tuple[QuestionAnswer, ...]
    comments: tuple[str, ...]


class Questions(Body):
    """Answers to the questionnaire: each question 1 to 5; anonymous unless said otherwise."""

    scores: dict[str, int]
    comment: str = Field(default="", max_length=1000)
    anonymous: bool = True


class PlanBody(Body):
    """An improvement action; `finding` is the key of a finding of this drill, or ""."""

    text: str = Field(max_length=500)
    owner: str
    due: Annotated[AwareDatetime, Field(strict=False)]
    finding: str = Field(default="", max_length=300)
    target: Literal["policy", "element", "form", ""] = ""
    target_id: str = Field(default="", max_length=200)


class EndBody(Body):
    """How an improvement action ended."""

    state: Literal["done", "dropped"]
    note: str = Field(default="", max_length=500)


@router.post("/drills/{drill}/questionnaire", response_model=QuestionnaireAnswer)
def answered(drill: str, body: Questions, door: Annotated[Door, permit(Action.DRILL_ANSWER)]) -> Response:
    """Answer the questionnaire, once; of an anonymous answer no account is stored."""
    command = cmd.AnswerQuestionnaire(drill, body.scores, body.comment, body.anonymous)
    return door.change(drill_questionnaire.answer, command, lambda reader, _: _questionnaire(reader, drill))


@router.post("/drills/{drill}/improvements", status_code=201, response_model=ImprovementAnswer)
def planned(drill: str, body: PlanBody, door: Annotated[Door, permit(Action.DRILL_REVIEW)]) -> Response:
    """Plan an improvement action after a drill."""
    command = cmd.PlanImprovement(
        drill, body.text, body.owner, body.due, body.finding, body.target, body.target_id
    )  # fmt: skip

    def shown(reader: Reader, made: str) -> ImprovementAnswer:
        found = next(each for each in improvements.of_drill(reader, drill) if each.id == made)
        return ImprovementAnswer.model_validate(found)

    return door.change(use_cases.plan, command, shown, status=201)


@router.get("/improvements")
def listed(door: Annotated[Door, permit(Action.SELF_READ)]) -> Page[ImprovementAnswer]:
    """One's own improvement actions, and those of organisations whose drills one reviews; open ones first."""
    found = door.read(lambda reader: [ImprovementAnswer.model_validate(each) for each in improvements.listing(reader)])
    return page_of(found, "")


@router.post("/improvements/{improvement}/end", response_model=Page[ImprovementAnswer])
def ended(improvement: str, body: EndBody, door: Annotated[Door, permit(Action.SELF_READ)]) -> Response:
    """Say that an improvement action is done, or dropped and why."""

    def shown(reader: Reader, _: object) -> Page[ImprovementAnswer]:
        return page_of([ImprovementAnswer.model_validate(each) for each in improvements.listing(reader)], "")

    return door.change(use_cases.end, cmd.EndImprovement(improvement, body.state, body.note), shown)


def _questionnaire(reader: Reader, drill: str) -> QuestionnaireAnswer:
    return QuestionnaireAnswer.model_validate(improvements.questionnaire(reader, drill))
