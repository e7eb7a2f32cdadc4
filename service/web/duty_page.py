"""The duty roster: a week or a month of it, one shift, and serving it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import duty, duty_service, workbooks
from service.application.documents_docx import to_docx
from service.application.queries import duty_pages, duty_sheets
from service.application.queries.duty_pages import ShiftDetail, Week
from service.application.queries.export_files import DOCX
from service.application.queries.reader import Reader
from service.domain.access import Action, require
from service.domain.calendar import local
from service.domain.duty import monday_of
from service.domain.errors import ValueRefused
from service.web.errors import PageRoute
from service.web.posted import Form, Posted
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

MONTH = 35  # five weeks, from the Monday


@dataclass(frozen=True, slots=True)
class DutyPage:
    """The roster of some days. `first` is their Monday; `error` what a button could not do."""

    week: Week
    first: date
    last: date
    earlier: str
    later: str
    this_week: str
    view: str
    organisations: tuple[tuple[str, str], ...]
    error: str


@dataclass(frozen=True, slots=True)
class ShiftPage:
    """One shift; what was typed stays beside its error."""

    shift: ShiftDetail
    leaders: tuple[str, ...]
    members: tuple[str, ...]
    reason: str
    text: str
    swap_reason: str
    errors: dict[str, str]
    monday: str


@router.get("/duty")
def duty_page(visit: Visiting, organisation: str = "", week: str = "", view: str = "week") -> Response:
    """The roster, from the Monday of a day on."""
    with visit.reader() as reader:
        return _roster(visit, reader, organisation, week, view=view)


@router.get("/duty/week.xlsx")
def as_sheet(visit: Visiting, organisation: str = "", week: str = "") -> Response:
    """The week as an Excel file."""
    with visit.reader() as reader:
        first = _monday(reader, week)
        found = duty_pages.week(reader, organisation or duty_pages.own_organisation(reader), first)
        words = visit.words
        headings = (
            words.gettext("日期"), words.gettext("班次"), words.gettext("开始"), words.gettext("结束"),
            words.gettext("带班领导"), words.gettext("值班人员"), words.gettext("状态"),
        )  # fmt: skip
        rows = [
            (
                row.day.isoformat(), row.name, f"{local(row.starts_at):%H:%M}", f"{local(row.ends_at):%m-%d %H:%M}",
                "、".join(each.name for each in row.leaders), "、".join(each.name for each in row.members),
                row.state_label,
            )
            for day in found.days
            for row in day.shifts
        ]  # fmt: skip
    content = workbooks.write(words.gettext("值班表"), [workbooks.SheetColumn(each) for each in headings], rows)
    headers = {"content-disposition": f'attachment; filename="duty-{first.isoformat()}.xlsx"'}
    return Response(content, media_type=workbooks.MEDIA_TYPE, headers=headers)


@router.post("/duty/plan")
def plan(visit: Visiting, posted: Form) -> Response:
    """Draft the week from the templates."""
    return _do(visit, posted, duty.plan_week, duty.PlanWeek, "planned")


@router.post("/duty/publish")
def publish(visit: Visiting, posted: Form) -> Response:
    """Approve and publish the week."""
    return _do(visit, posted, duty.publish_week, duty.PublishWeek, "published")


@router.get("/duty/shifts/{shift}")
def shift_page(visit: Visiting, shift: str) -> Response:
    """One shift."""
    return _shift(visit, shift, {})


@router.get("/duty/shifts/{shift}/hand-over.docx")
def hand_over_sheet(visit: Visiting, shift: str) -> Response:
    """The hand-over sheet (R26) as a file, to be signed on paper where need be."""
    with visit.reader() as reader:
        document = duty_sheets.hand_over_sheet(reader, visit.site.documents, shift)
    disposition = f"attachment; filename*=UTF-8''{quote(f'{document.title}.docx')}"
    return Response(to_docx(document), media_type=DOCX, headers={"content-disposition": disposition})


@router.post("/duty/shifts/{shift}/people")
def staff(visit: Visiting, shift: str, posted: Form) -> Response:
    """Say who is on it."""
    command = duty.StaffShift(shift, tuple(posted.all("leaders")), tuple(posted.all("members")), posted.get("reason"))
    return _on_shift(visit, shift, duty.staff_shift, command, posted=posted, said="staffed")


@router.post("/duty/shifts/{shift}/remove")
def remove(visit: Visiting, shift: str, posted: Form) -> Response:
    """Take it off the roster."""
    try:
        visit.run(duty.remove_shift, duty.RemoveShift(shift, posted.get("remove_reason")))
    except ValueRefused as error:
        return _shift(visit, shift, {"remove_reason": _said(visit, error)}, posted)
    return go("/duty", week=posted.get("week"), organisation=posted.get("organisation"), said="removed")


@router.post("/duty/shifts/{shift}/sign-in")
def sign_in(visit: Visiting, shift: str, posted: Form) -> Response:
    """Begin one's duty."""
    return _on_shift(visit, shift, duty_service.sign_in, duty_service.SignIn(shift), posted=posted, said="signed_in")


@router.post("/duty/shifts/{shift}/hand-over")
def hand_over(visit: Visiting, shift: str, posted: Form) -> Response:
    """Sign one side of the hand-over."""
    command = duty_service.HandOver(shift, posted.get("side"), posted.get("text"))
    return _on_shift(visit, shift, duty_service.hand_over, command, posted=posted, said="handed")


@router.post("/duty/shifts/{shift}/swap")
def ask_swap(visit: Visiting, shift: str, posted: Form) -> Response:
    """Ask somebody to take one's place."""
    command = duty_service.AskSwap(shift, posted.get("other"), posted.get("swap_reason"))
    try:
        visit.run(duty_service.ask_swap, command)
    except ValueRefused as error:
        name = "swap_reason" if error.name == "reason" else error.name
        return _shift(visit, shift, {name: _said(visit, error)}, posted)
    return go(f"/duty/shifts/{shift}", said="swap")


@router.post("/duty/swaps/{swap}")
def move_swap(visit: Visiting, swap: str, posted: Form) -> Response:
    """Answer, approve or withdraw a swap."""
    try:
        visit.run(duty_service.move_swap, duty_service.MoveSwap(swap, posted.get("state")))
    except ValueRefused as error:
        with visit.reader() as reader:
            return _roster(visit, reader, posted.get("organisation"), "", error=_said(visit, error))
    return go("/duty", organisation=posted.get("organisation"), said="swap")


# --- inside -----------------------------------------------------------------------------------


def _roster(
    visit: Visit, reader: Reader, organisation: str, week: str, *, view: str = "week", error: str = ""
) -> Response:
    require(visit.principal, Action.SELF_READ)
    first, days = _monday(reader, week), MONTH if view == "month" else 7
    chosen = organisation or duty_pages.own_organisation(reader)
    found = duty_pages.week(reader, chosen, first, days)
    step = timedelta(days=days)
    page = DutyPage(
        found, first, first + step - timedelta(days=1), (first - step).isoformat(), (first + step).isoformat(),
        monday_of(local(reader.now).date()).isoformat(), "month" if days == MONTH else "week",
        duty_pages.readable_organisations(reader), error,
    )  # fmt: skip
    return visit.page(reader, "duty/roster.html", page, status=422 if error else 200)


def _monday(reader: Reader, week: str) -> date:
    try:
        day = date.fromisoformat(week)
    except ValueError:
        day = local(reader.now).date()
    return monday_of(day)


def _do(
    visit: Visit, posted: Posted, use_case: Callable[..., object], made: Callable[[str, date], object], said: str
) -> Response:
    organisation, week = posted.get("organisation"), posted.get("week")
    with visit.reader() as reader:
        monday = _monday(reader, week)
    try:
        visit.run(use_case, made(organisation, monday))
    except ValueRefused as error:
        with visit.reader() as reader:
            return _roster(visit, reader, organisation, week, error=_said(visit, error))
    return go("/duty", organisation=organisation, week=monday.isoformat(), said=said)


def _on_shift(
    visit: Visit, shift: str, use_case: Callable[..., object], command: object, *, posted: Posted, said: str
) -> Response:
    try:
        visit.run(use_case, command)
    except ValueRefused as error:
        return _shift(visit, shift, {error.name: _said(visit, error)}, posted)
    return go(f"/duty/shifts/{shift}", said=said)


def _said(visit: Visit, error: ValueRefused) -> str:
    return error.reason_en.capitalize() if visit.locale.startswith("en") else error.reason


def _shift(visit: Visit, shift: str, errors: dict[str, str], posted: Posted | None = None) -> Response:
    with visit.reader() as reader:
        found = duty_pages.shift(reader, shift)
        typed = posted is not None and posted.has("members_sent")
        leaders = posted.all("leaders") if posted and typed else [each.account for each in found.row.leaders]
        members = posted.all("members") if posted and typed else [each.account for each in found.row.members]
        page = ShiftPage(
            found, tuple(leaders), tuple(members), posted.get("reason") if posted else "",
            posted.get("text") if posted else "", posted.get("swap_reason") if posted else "", errors,
            monday_of(found.row.day).isoformat(),
        )  # fmt: skip
        return visit.page(reader, "duty/shift.html", page, status=422 if errors else 200)
