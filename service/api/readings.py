"""Readings of an observation: a whole round in one request."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.application import rounds
from service.application.queries import Reader
from service.domain import commands as cmd
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, prefix="/incidents", tags=["incidents"])

MOST = 5_000


class Round(Body):
    """One session of a day: `rows` answer F14#session with `person`, `others` whoever of `others_of` has no row."""

    day: Annotated[date, Field(strict=False)]
    session: Literal["早", "晚"]
    rows: list[dict[str, Any]] = Field(default_factory=list, max_length=MOST)
    others: dict[str, Any] | None = None
    others_of: list[str] = Field(default_factory=list, max_length=MOST)
    common: dict[str, Any] = Field(default_factory=dict)


class WarningAnswer(Answer):
    """What somebody should look at again."""

    path: str
    code: str
    message: str


class RoundAnswer(Answer):
    """What was stored, how many tasks it closed, and what is odd about it; `warnings` never refuse."""

    saved: int
    closed: int
    warnings: list[WarningAnswer]


@router.post("/{incident}/readings")
def recorded(incident: str, body: Round, door: Annotated[Door, permit(Action.TASK_COMPLETE)]) -> Response:
    """Store a round. 422 with the errors of every row, and nothing stored, where one is wrong."""
    command = cmd.RecordRound(
        incident, body.day, body.session, body.rows, body.others, tuple(body.others_of), body.common
    )
    return door.change(rounds.record_round, command, _outcome)


def _outcome(reader: Reader, outcome: rounds.RoundOutcome) -> RoundAnswer:
    warnings = [
        WarningAnswer(path=each.path, code=each.code, message=each.text(reader.locale)) for each in outcome.warnings
    ]
    return RoundAnswer(saved=outcome.saved, closed=outcome.closed, warnings=warnings)
