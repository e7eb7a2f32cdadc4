"""The duty roster of an organisation: read, drawn up, published, served; each of the last for oneself."""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.application import duty, duty_service
from service.application.documents_docx import to_docx
from service.application.queries import Reader, duty_pages, duty_sheets
from service.application.queries.duty_pages import ShiftDetail
from service.application.queries.export_files import DOCX
from service.domain.access import Action
from service.domain.calendar import local
from service.domain.duty import Template, monday_of

router = APIRouter(route_class=ProblemRoute, tags=["duty"])

Reading = Annotated[Door, permit(Action.DUTY_READ)]
Planning = Annotated[Door, permit(Action.DUTY_PLAN)]
Approving = Annotated[Door, permit(Action.DUTY_APPROVE)]
Serving = Annotated[Door, permit(Action.DUTY_SERVE)]
Day = Annotated[date, Field(strict=False)]
Instant = Annotated[AwareDatetime, Field(strict=False)]
HERE, SHIFT = "/organisations/{organisation}/duty", "/duty/shifts/{shift}"
MOST_DAYS = 62


class OnShiftAnswer(Answer):
    """Somebody on a shift; `state` is signed, missed, due or ""."""

    account: str
    name: str
    duty: str
    stands_in_for: str
    state: str
    signed_in_at: datetime | None


class ShiftItem(Answer):
    """A shift; `gaps` say in words what it lacks."""

    id: str
    name: str
    starts_at: datetime
    ends_at: datetime
    state: str
    wanted: int
    is_now: bool
    people: list[OnShiftAnswer]
    gaps: list[str]


class ShiftAnswer(ShiftItem):
    """One shift with its hand-over; `handover` is "" for whoever does not work there."""

    organisation: str
    handed_by: str
    handed_at: datetime | None
    received_by: str
    received_at: datetime | None
    handover: str


class GapAnswer(Answer):
    """Something missing, in words."""

    text: str
    about: str
    starts_at: datetime
    ends_at: datetime
    shift: str


class SwapAnswer(Answer):
    """A swap that is not settled."""

    id: str
    shift: str
    asker: str
    other: str
    reason: str
    state_label: str


class AbsenceAnswer(Answer):
    """Somebody away, now or soon."""

    id: str
    name: str
    stand_in: str
    starts_at: datetime
    ends_at: datetime
    reason: str


class RosterAnswer(Answer):
    """The roster of some days; `is_kept`: tasks are assigned by it. Gaps, swaps, absences: for those who work there."""

    organisation: str
    is_kept: bool
    drafts: int
    shifts: list[ShiftItem]
    gaps: list[GapAnswer]
    swaps: list[SwapAnswer]
    absences: list[AbsenceAnswer]


class CountAnswer(Answer):
    """How many shifts were made or published."""

    shifts: int


class MadeAnswer(Answer):
    """What was made."""

    id: str


class WeekBody(Body):
    """A week by any of its days; `copies`: people as in the week before."""

    week: Day
    copies: bool = True


class TemplateBody(Body):
    """A shift that comes again; weekdays count from 1, Monday."""

    name: str
    begins: Annotated[time, Field(strict=False)]
    hours: int
    weekdays: list[int] = Field(default_factory=lambda: list(range(1, 8)))
    members: int = 1


class TemplatesBody(Body):
    """All shifts that come again: these replace those before."""

    templates: list[TemplateBody] = Field(max_length=50)


class StandInsBody(Body):
    """The stand-ins of a role in their order."""

    role: str
    accounts: list[str] = Field(max_length=50)


class PeopleBody(Body):
    """Who is on a shift; a published one needs a reason."""

    leaders: list[str] = Field(max_length=50)
    members: list[str] = Field(max_length=50)
    reason: str = ""


class ReasonBody(Body):
    """Why."""

    reason: str = ""


class HandOverBody(Body):
    """One side of the hand-over; whoever hands over says what is open, `无` if nothing."""

    side: Literal["handed", "received"]
    text: str = ""


class SwapBody(Body):
    """Whom one asks to take one's place."""

    other: str
    reason: str


class SwapStateBody(Body):
    """What becomes of a swap."""

    state: Literal["accepted", "declined", "approved", "refused", "withdrawn"]


class AbsenceBody(Body):
    """From when until when one is away, why, and who stands in ("" = nobody)."""

    starts_at: Instant
    ends_at: Instant
    reason: str
    stand_in: str = ""


@router.get(HERE)
def roster(
    organisation: str, door: Reading, since: date | None = None, days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 7
) -> RosterAnswer:
    """The roster of some days, from this Monday where no day is given; gaps are those ahead."""

    def query(reader: Reader) -> RosterAnswer:
        first = since or monday_of(local(reader.now).date())
        found = duty_pages.week(reader, organisation, first, days)
        return RosterAnswer(
            organisation=found.organisation, is_kept=found.is_kept, drafts=found.drafts,
            shifts=[ShiftItem.model_validate(row) for day in found.days for row in day.shifts],
            gaps=[GapAnswer.model_validate(each) for each in found.gaps],
            swaps=[SwapAnswer.model_validate(each) for each in found.swaps],
            absences=[AbsenceAnswer.model_validate(each) for each in found.absences],
        )  # fmt: skip

    return door.read(query)


@router.post(f"{HERE}/templates", response_model=CountAnswer)
def templates(organisation: str, body: TemplatesBody, door: Planning) -> Response:
    """Replace the shifts that come again."""
    made = tuple(Template(each.name, each.begins, each.hours, tuple(each.weekdays), each.members)
                 for each in body.templates)  # fmt: skip
    return door.change(duty.set_templates, duty.SetTemplates(organisation, made), _counted(len(made)))


@router.post(f"{HERE}/stand-ins", response_model=CountAnswer)
def stand_ins(organisation: str, body: StandInsBody, door: Planning) -> Response:
    """Order the stand-ins of a role."""
    command = duty.SetStandIns(organisation, body.role, tuple(body.accounts))
    return door.change(duty.set_stand_ins, command, _counted(len(body.accounts)))


@router.post(f"{HERE}/plan", response_model=CountAnswer)
def plan(organisation: str, body: WeekBody, door: Planning) -> Response:
    """Draft a week from the templates."""
    command = duty.PlanWeek(organisation, monday_of(body.week), body.copies)
    return door.change(duty.plan_week, command, lambda _, count: CountAnswer(shifts=count))


@router.post(f"{HERE}/publish", response_model=CountAnswer)
def publish(organisation: str, body: WeekBody, door: Approving) -> Response:
    """Approve and publish the drafts of a week; from then on tasks are assigned by them."""
    command = duty.PublishWeek(organisation, monday_of(body.week))
    return door.change(duty.publish_week, command, lambda _, count: CountAnswer(shifts=count))


@router.post(f"{HERE}/absences", status_code=201, response_model=MadeAnswer)
def absent(organisation: str, body: AbsenceBody, door: Serving) -> Response:
    """Say beforehand that one leaves one's post."""
    command = duty_service.ReportAbsence(organisation, body.starts_at, body.ends_at, body.stand_in, body.reason)
    return door.change(duty_service.report_absence, command, _made, status=201)


@router.post("/duty/absences/{absence}/withdraw", response_model=MadeAnswer)
def withdraw(absence: str, door: Serving) -> Response:
    """Stay after all."""
    command = duty_service.WithdrawAbsence(absence)
    return door.change(duty_service.withdraw_absence, command, lambda _, __: MadeAnswer(id=absence))


@router.get(SHIFT)
def one(shift: str, door: Reading) -> ShiftAnswer:
    """One shift."""
    return door.read(lambda reader: _shift(duty_pages.shift(reader, shift)))


@router.get(f"{SHIFT}/hand-over.docx", response_class=Response)
def sheet(shift: str, door: Serving) -> Response:
    """The hand-over sheet (R26) for Word."""
    document = door.read(lambda reader: duty_sheets.hand_over_sheet(reader, door.tocsin.documents, shift))
    disposition = f"attachment; filename*=UTF-8''{quote(f'{document.title}.docx')}"
    return Response(to_docx(document), media_type=DOCX, headers={"content-disposition": disposition})


@router.post(f"{SHIFT}/people", response_model=ShiftAnswer)
def people(shift: str, body: PeopleBody, door: Planning) -> Response:
    """Say who is on it."""
    command = duty.StaffShift(shift, tuple(body.leaders), tuple(body.members), body.reason)
    return door.change(duty.staff_shift, command, _of(shift))


@router.post(f"{SHIFT}/remove", response_model=MadeAnswer)
def remove(shift: str, body: ReasonBody, door: Planning) -> Response:
    """Take it off the roster."""
    return door.change(duty.remove_shift, duty.RemoveShift(shift, body.reason), lambda _, __: MadeAnswer(id=shift))


@router.post(f"{SHIFT}/sign-in", response_model=ShiftAnswer)
def sign_in(shift: str, door: Serving) -> Response:
    """Begin one's duty."""
    return door.change(duty_service.sign_in, duty_service.SignIn(shift), _of(shift))


@router.post(f"{SHIFT}/hand-over", response_model=ShiftAnswer)
def hand_over(shift: str, body: HandOverBody, door: Serving) -> Response:
    """Sign one side of the hand-over."""
    return door.change(duty_service.hand_over, duty_service.HandOver(shift, body.side, body.text), _of(shift))


@router.post(f"{SHIFT}/swaps", status_code=201, response_model=MadeAnswer)
def ask_swap(shift: str, body: SwapBody, door: Serving) -> Response:
    """Ask somebody to take one's place; he accepts, then a leader approves."""
    return door.change(duty_service.ask_swap, duty_service.AskSwap(shift, body.other, body.reason), _made, status=201)


@router.post("/duty/swaps/{swap}", response_model=MadeAnswer)
def move_swap(swap: str, body: SwapStateBody, door: Serving) -> Response:
    """Answer, approve, refuse or withdraw a swap."""
    command = duty_service.MoveSwap(swap, body.state)
    return door.change(duty_service.move_swap, command, lambda _, __: MadeAnswer(id=swap))


# --- inside -----------------------------------------------------------------------------------


def _counted(count: int) -> Callable[[Reader, object], CountAnswer]:
    return lambda _reader, _done: CountAnswer(shifts=count)


def _made(_reader: Reader, id_: str) -> MadeAnswer:
    return MadeAnswer(id=id_)


def _of(shift: str) -> Callable[[Reader, object], ShiftAnswer]:
    return lambda reader, _done: _shift(duty_pages.shift(reader, shift))


def _shift(found: ShiftDetail) -> ShiftAnswer:
    row = ShiftItem.model_validate(found.row)
    return ShiftAnswer(
        **row.model_dump(), organisation=found.organisation, handed_by=found.handed_by, handed_at=found.handed_at,
        received_by=found.received_by, received_at=found.received_at, handover=found.handover,
    )  # fmt: skip
