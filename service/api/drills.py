"""Drills: beginning one, its clock, its settings, its roles, its injects, its end."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field, model_validator

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.api.scenarios import ObjectiveAnswer, PlannedInject, inject_of, objectives_of
from service.api.shapes import ClockAnswer, Page, page_of
from service.application import drills as use_cases
from service.application import inject_commands, scenario_drills
from service.application.drills import ClockOutcome
from service.application.queries import Reader, cursors, drill_injects
from service.application.queries import drills as queries
from service.application.queries.drills import DrillPage
from service.domain import commands as cmd
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, prefix="/drills", tags=["drills"])

Controlling = Annotated[Door, permit(Action.DRILL_CONTROL)]
Instant = Annotated[AwareDatetime, Field(strict=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class DrillSettings(Body):
    """What the trainer may change at any time; a field that is absent stays as it is."""

    slow_to: Finite | None = None
    floor_seconds: int = 0
    on_loss: str = "pause"
    code_word: str = Field(default="", max_length=60)


class DrillOpening(DrillSettings):
    """A drill from a scenario, or by free play: a procedure and the answer to its opening form.

    `roles` names simulated ones, or maps roles to human | shared | simulated; `trial` is a dry run on oneself.
    """

    scenario: str = ""
    procedure: str = ""
    organisation: str
    data: dict[str, Any] = Field(default_factory=dict)
    speed: Finite = 1.0
    start: str = ""
    starts_at: Instant | None = None
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)
    roles: list[str] | dict[str, Literal["human", "shared", "simulated"]] = Field(default_factory=list, max_length=100)
    trial: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> "DrillOpening":
        if bool(self.scenario) == bool(self.procedure):
            message = "scenario | procedure"
            raise ValueError(message)
        return self


class InjectBody(Body):
    """An inject to send now or to skip with a reason; or one made up: kind, title, text and what its kind needs."""

    inject: str = Field(default="", max_length=100)
    action: Literal["send", "skip"] = "send"
    reason: str = Field(default="", max_length=500)
    kind: str = ""
    title: str = Field(default="", max_length=200)
    text: str = Field(default="", max_length=5000)
    sender: str = Field(default="", max_length=100)
    to: list[str] = Field(default_factory=list, max_length=100)
    message: str = ""
    keys: dict[str, str] = Field(default_factory=dict)
    element: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    role: str = ""
    system: str = ""
    lasts: str = Field(default="", max_length=60)
    document: str = Field(default="", max_length=20000)


class ClockBody(Body):
    """A change of the clock; `by` is an ISO 8601 duration."""

    action: str
    speed: Finite | None = None
    by: str = Field(default="", max_length=60)


class RoleBody(Body):
    """Who plays a role."""

    role: str = Field(min_length=1, max_length=100)
    played_by: Literal["human", "simulated"]


class StopBody(Body):
    """The code word of an organisation's drills."""

    organisation: str
    word: str = Field(min_length=1, max_length=60)


class DrillClock(ClockAnswer):
    """Both clocks: the drill's time and the real one. `wanted` is the speed chosen, `cause` what rules it now."""

    real_now: datetime
    wanted: float
    paused: bool
    cause: str


class RoleAnswer(Answer):
    """A role of the drill, who plays it, how many of its tasks are open."""

    role: str
    label: str
    played_by: str
    open_tasks: int


class DrillInject(PlannedInject):
    """An inject of a drill with what became of it; `until` is when an absence or failure is over."""

    state: str
    due_at: datetime | None
    sent_at: datetime | None
    until: datetime | None
    by: str
    outcome: str


class DrillAnswer(Answer):
    """A drill; `injects` and `objectives` are for its trainer only."""

    id: str
    incident: str
    number: str
    title: str
    procedure: str
    version: int
    organisation: str
    status: str
    starts_at: datetime
    ended_at: datetime | None
    seed: int
    clock: DrillClock
    slow_to: float | None
    floor_seconds: int
    on_loss: str
    roles: list[RoleAnswer]
    scenario: str
    trial: bool
    injects: list[DrillInject] = Field(default_factory=list)
    objectives: list[ObjectiveAnswer] = Field(default_factory=list)


class FiredAnswer(Answer):
    """What fell due and was worked."""

    kind: str
    name: str
    at: datetime


class ClockChanged(Answer):
    """The new clock and what fired."""

    id: str
    incident: str
    clock: DrillClock
    fired: list[FiredAnswer]
    opened: list[str]
    closed: list[str]


class Stopped(Answer):
    """How many drills stand still."""

    stopped: int


@router.post("", status_code=201, response_model=DrillAnswer)
def created(body: DrillOpening, door: Annotated[Door, permit(Action.DRILL_CREATE)]) -> Response:
    """Create and start a drill. 422: data breaks the form, a setting is out of range, a scenario fits no plan."""
    if body.scenario:
        roles = body.roles if isinstance(body.roles, dict) else dict.fromkeys(body.roles, "simulated")
        command = cmd.BeginScenario(
            body.scenario, body.organisation, body.speed, body.seed, body.starts_at, body.slow_to, body.floor_seconds,
            body.on_loss, body.code_word, roles, body.trial,
        )  # fmt: skip
        return door.change(scenario_drills.begin, command, _drill, status=201)
    return door.change(use_cases.create, _free_play(body), _drill, status=201)


def _free_play(body: DrillOpening) -> cmd.CreateDrill:
    return cmd.CreateDrill(
        body.procedure, body.organisation, body.data, body.speed, body.start, body.starts_at, body.seed,
        body.slow_to, body.floor_seconds, body.on_loss, body.code_word, tuple(body.roles),
    )  # fmt: skip


@router.get("")
def listed(
    door: Annotated[Door, permit(Action.SELF_READ)], cursor: str = "", limit: int = cursors.LIMIT
) -> Page[DrillAnswer]:
    """Drills the caller may see, newest first."""

    def query(reader: Reader) -> Page[DrillAnswer]:
        found = queries.listing(reader, cursor=cursor, limit=limit)
        return page_of([DrillAnswer.model_validate(queries.page(reader, each.id)) for each in found.items], found.next)

    return door.read(query)


@router.post("/stop", response_model=Stopped)
def stopped(body: StopBody, door: Annotated[Door, permit(Action.DRILL_STOP)]) -> Response:
    """Say the code word: every running drill of the organisation stands still."""
    command = cmd.StopDrills(body.organisation, body.word)
    return door.change(use_cases.stop_all, command, lambda _, count: Stopped(stopped=count))


@router.get("/{drill}")
def one(drill: str, door: Annotated[Door, permit(Action.INCIDENT_READ)]) -> DrillAnswer:
    """One drill: clock, settings, roles."""
    return door.read(lambda reader: _drill(reader, drill))


@router.post("/{drill}/clock", response_model=ClockChanged)
def clock(drill: str, body: ClockBody, door: Controlling) -> Response:
    """Pause, go on, change the speed, jump, or run to what comes next."""

    def changed(reader: Reader, outcome: ClockOutcome) -> ClockChanged:
        return ClockChanged(
            id=drill,
            incident=drill,
            clock=_drill(reader, drill).clock,
            fired=[FiredAnswer.model_validate(each) for each in outcome.fired],
            opened=list(outcome.opened),
            closed=list(outcome.closed),
        )

    return door.change(use_cases.control, cmd.ControlClock(drill, body.action, body.speed, body.by), changed)


@router.post("/{drill}/settings", response_model=DrillAnswer)
def settings(drill: str, body: DrillSettings, door: Controlling) -> Response:
    """Take over settings; those that are not named stay."""
    command = cmd.ChangeDrill(drill, body.model_dump(exclude_unset=True))
    return door.change(use_cases.settle_settings, command, lambda reader, _: _drill(reader, drill))


@router.post("/{drill}/roles", response_model=DrillAnswer)
def roles(drill: str, body: RoleBody, door: Controlling) -> Response:
    """Let people or the service play a role."""
    command = cmd.CastRole(drill, body.role, body.played_by)
    return door.change(use_cases.cast, command, lambda reader, _: _drill(reader, drill))


@router.post("/{drill}/injects", response_model=DrillAnswer)
def injects(drill: str, body: InjectBody, door: Controlling) -> Response:
    """Let an inject come now, leave it out, or make one up. 404 for one that came already."""
    content: dict[str, Any] = {}
    if not body.inject:
        said = body.model_dump(exclude={"inject", "action", "reason", "sender"})
        content = {key: value for key, value in said.items() if value} | ({"from": body.sender} if body.sender else {})
    command = cmd.SendInject(drill, body.inject, body.action == "skip", body.reason, content)
    return door.change(inject_commands.send, command, lambda reader, _: _drill(reader, drill))


@router.post("/{drill}/finish", response_model=DrillAnswer)
def finished(drill: str, door: Controlling) -> Response:
    """End the drill with all that runs in it."""
    return door.change(use_cases.end, cmd.EndDrill(drill), lambda reader, _: _drill(reader, drill))


def _drill(reader: Reader, drill: str) -> DrillAnswer:
    return _answer(reader, queries.page(reader, drill))


def _answer(reader: Reader, page: DrillPage) -> DrillAnswer:
    answer = DrillAnswer.model_validate(page)
    if reader.may_with(Action.DRILL_CONTROL, {"organisation_id": page.organisation, "kind": "drill"}):
        own = {
            "injects": [_inject(row) for row in drill_injects.of_drill(reader, page.id)],
            "objectives": objectives_of(drill_injects.objectives(reader, page.id)),
        }
        answer = answer.model_copy(update=own)
    return answer


def _inject(row: drill_injects.DrillInjectRow) -> DrillInject:
    return DrillInject(
        **inject_of(row.inject), state=row.state, due_at=row.due_at, sent_at=row.sent_at, until=row.until, by=row.by,
        outcome=row.outcome,
    )  # fmt: skip
