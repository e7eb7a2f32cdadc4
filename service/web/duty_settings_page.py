"""What a roster rests on: templates of shifts, stand-ins of roles, and absences reported beforehand."""

from dataclasses import dataclass
from datetime import datetime, time

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import duty, duty_service
from service.application.queries import duty_pages
from service.application.queries.duty_pages import AbsenceRow, StandInRow
from service.application.queries.reader import Reader
from service.domain.access import Action, may, require
from service.domain.calendar import SHANGHAI, local
from service.domain.duty import Template
from service.domain.errors import ValueRefused
from service.web.errors import PageRoute
from service.web.posted import Form, Posted
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PLACES = 5  # stand-ins of a role


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """A template as typed; an empty name is no template. `error` is what is wrong with it."""

    name: str
    begins: str
    hours: str
    members: str
    weekdays: tuple[int, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class TemplatesPage:
    """The shifts that come again."""

    organisation: str
    organisation_name: str
    lines: tuple[TemplateLine, ...]
    weekdays: tuple[tuple[int, str], ...]
    may_plan: bool


@dataclass(frozen=True, slots=True)
class StandInsPage:
    """The stand-ins of every role, in order."""

    organisation: str
    organisation_name: str
    rows: tuple[StandInRow, ...]
    people: tuple[tuple[str, str], ...]
    places: int
    role: str
    error: str
    may_plan: bool


@dataclass(frozen=True, slots=True)
class AbsencesPage:
    """Who is away or will be, and reporting that oneself is."""

    organisation: str
    organisation_name: str
    absences: tuple[AbsenceRow, ...]
    people: tuple[tuple[str, str], ...]
    starts_at: str
    ends_at: str
    stand_in: str
    reason: str
    errors: dict[str, str]
    may_serve: bool


@router.get("/duty/templates")
def templates_page(visit: Visiting, organisation: str = "") -> Response:
    """The templates, with a line for one more."""
    with visit.reader() as reader:
        chosen = organisation or duty_pages.own_organisation(reader)
        lines = [_line(each) for each in duty_pages.templates(reader, chosen)]
        return _templates(visit, reader, chosen, lines)


@router.post("/duty/templates")
def set_templates(visit: Visiting, posted: Form) -> Response:
    """Replace them by what was typed."""
    organisation = posted.get("organisation")
    lines = _typed_lines(posted)
    templates, read, is_bad = [], [], False
    for line in lines:
        try:
            templates.append(_template(line))
            read.append(line)
        except ValueRefused as error:
            is_bad = True
            text = error.reason_en.capitalize() if visit.locale.startswith("en") else error.reason
            read.append(TemplateLine(line.name, line.begins, line.hours, line.members, line.weekdays, text))
    if is_bad:
        with visit.reader() as reader:
            return _templates(visit, reader, organisation, read, status=422)
    visit.run(duty.set_templates, duty.SetTemplates(organisation, tuple(templates)))
    return go("/duty/templates", organisation=organisation, said="saved")


@router.get("/duty/stand-ins")
def stand_ins_page(visit: Visiting, organisation: str = "") -> Response:
    """The stand-ins of each role."""
    with visit.reader() as reader:
        return _stand_ins(visit, reader, organisation or duty_pages.own_organisation(reader))


@router.post("/duty/stand-ins")
def set_stand_ins(visit: Visiting, posted: Form) -> Response:
    """Order the stand-ins of one role."""
    organisation, role = posted.get("organisation"), posted.get("role")
    try:
        visit.run(duty.set_stand_ins, duty.SetStandIns(organisation, role, tuple(posted.all("account"))))
    except ValueRefused as error:
        text = error.reason_en.capitalize() if visit.locale.startswith("en") else error.reason
        with visit.reader() as reader:
            return _stand_ins(visit, reader, organisation, role=role, error=text)
    return go("/duty/stand-ins", organisation=organisation, said="saved")


@router.get("/duty/absences")
def absences_page(visit: Visiting, organisation: str = "") -> Response:
    """Who is away."""
    with visit.reader() as reader:
        return _absences(visit, reader, organisation or duty_pages.own_organisation(reader), None, {})


@router.post("/duty/absences")
def report_absence(visit: Visiting, posted: Form) -> Response:
    """Say beforehand that one leaves one's post."""
    organisation = posted.get("organisation")
    errors: dict[str, str] = {}
    times = {}
    for name in ("starts_at", "ends_at"):
        try:
            times[name] = datetime.fromisoformat(posted.get(name)).replace(tzinfo=SHANGHAI)
        except ValueError:
            errors[name] = visit.words.gettext("请填写日期和时间。")
    if not errors:
        command = duty_service.ReportAbsence(
            organisation, times["starts_at"], times["ends_at"], posted.get("stand_in"), posted.get("reason")
        )
        try:
            visit.run(duty_service.report_absence, command)
        except ValueRefused as error:
            errors[error.name] = error.reason_en.capitalize() if visit.locale.startswith("en") else error.reason
    if errors:
        with visit.reader() as reader:
            return _absences(visit, reader, organisation, posted, errors)
    return go("/duty/absences", organisation=organisation, said="absent")


@router.post("/duty/absences/{absence}/withdraw")
def withdraw_absence(visit: Visiting, absence: str, posted: Form) -> Response:
    """Stay after all."""
    visit.run(duty_service.withdraw_absence, duty_service.WithdrawAbsence(absence))
    return go("/duty/absences", organisation=posted.get("organisation"), said="saved")


# --- inside -----------------------------------------------------------------------------------


def _line(template: Template) -> TemplateLine:
    return TemplateLine(
        template.name, f"{template.begins:%H:%M}", str(template.hours), str(template.members), template.weekdays
    )


def _typed_lines(posted: Posted) -> list[TemplateLine]:
    numbers = [name.removeprefix("name-") for name in posted.names if name.startswith("name-")]
    return [
        TemplateLine(
            posted.get(f"name-{each}"), posted.get(f"begins-{each}"), posted.get(f"hours-{each}"),
            posted.get(f"members-{each}"),
            tuple(int(day) for day in posted.all(f"weekdays-{each}") if day.isdecimal()),
        )
        for each in numbers
        if posted.get(f"name-{each}")
    ]  # fmt: skip


def _template(line: TemplateLine) -> Template:
    try:
        begins = time.fromisoformat(line.begins)
        hours, members = int(line.hours), int(line.members)
    except ValueError:
        raise ValueRefused("begins", "时间和数字没有填全", "needs a time and numbers") from None
    template = Template(line.name, begins, hours, line.weekdays, members)
    duty.check_template(template)
    return template


def _templates(
    visit: Visit, reader: Reader, organisation: str, lines: list[TemplateLine], *, status: int = 200
) -> Response:
    here = duty_pages.subject(reader, organisation)
    require(visit.principal, Action.DUTY_READ, here)
    words = visit.words
    names = (
        words.gettext("周一"), words.gettext("周二"), words.gettext("周三"), words.gettext("周四"),
        words.gettext("周五"), words.gettext("周六"), words.gettext("周日"),
    )  # fmt: skip
    may_plan = may(visit.principal, Action.DUTY_PLAN, here)
    blank = TemplateLine("", "08:00", "12", "1", tuple(range(1, 8)))
    page = TemplatesPage(
        organisation, reader.organisation_names[organisation], (*lines, *([blank] if may_plan else [])),
        tuple(enumerate(names, 1)), may_plan,
    )  # fmt: skip
    return visit.page(reader, "duty/templates.html", page, status=status)


def _stand_ins(visit: Visit, reader: Reader, organisation: str, *, role: str = "", error: str = "") -> Response:
    page = StandInsPage(
        organisation, reader.organisation_names.get(organisation, ""), duty_pages.stand_ins(reader, organisation),
        duty_pages.people_of(reader, organisation), PLACES, role, error,
        may(visit.principal, Action.DUTY_PLAN, duty_pages.subject(reader, organisation)),
    )  # fmt: skip
    return visit.page(reader, "duty/stand_ins.html", page, status=422 if error else 200)


def _absences(
    visit: Visit, reader: Reader, organisation: str, posted: Posted | None, errors: dict[str, str]
) -> Response:
    here = duty_pages.subject(reader, organisation)
    require(visit.principal, Action.DUTY_SERVE, here)
    today = local(reader.now).date().isoformat()

    def typed(name: str, otherwise: str = "") -> str:
        return posted.get(name) if posted else otherwise

    page = AbsencesPage(
        organisation, reader.organisation_names[organisation], duty_pages.absences(reader, organisation),
        tuple(each for each in duty_pages.people_of(reader, organisation) if each[0] != visit.principal.account_id),
        typed("starts_at", f"{today}T18:00"), typed("ends_at"), typed("stand_in"), typed("reason"), errors,
        may(visit.principal, Action.DUTY_SERVE, here),
    )  # fmt: skip
    return visit.page(reader, "duty/absences.html", page, status=422 if errors else 200)
