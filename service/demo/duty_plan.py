"""The duty roster of the first demo school: this week and the next, published, with one gap to look at."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from service.application import channels, duty, duty_rosters, duty_service
from service.demo.stage import Stage
from service.demo.story import SCHOOL
from service.domain.alerts import to_account, to_organisation
from service.domain.calendar import local
from service.domain.duty import ShiftView, Template, monday_of

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
TEMPLATES = (Template("日班", time(6), 12, EVERY_DAY), Template("夜班", time(18), 12, EVERY_DAY))
MEMBERS = {"日班": ("coordinator", "teacher"), "夜班": ("nurse", "coordinator", "cleaner")}
STAND_INS = {"epi_office": ("nurse", "teacher"), "isolation_lead": ("nurse", "cleaner"), "head_teacher": ("teacher",)}
CHANNELS = {"coordinator": "ntfy://localhost/demo-office", "principal": "ntfy://localhost/demo-principal"}
ROBOT = "wecombot://00000000-0000-0000-0000-000000000000"


def load(stage: Stage, now: datetime) -> None:
    """Draw it up as the scheduler, publish it as the principal, sign in who is on duty now."""
    run = _runner(stage)
    ids = {name: stage.principal(name).account_id for name in ("coordinator", "teacher", "nurse", "cleaner")}
    principal = stage.principal("principal").account_id
    run("coordinator", duty.set_templates, duty.SetTemplates(SCHOOL, TEMPLATES))
    for role, names in STAND_INS.items():
        run("coordinator", duty.set_stand_ins, duty.SetStandIns(SCHOOL, role, tuple(ids[name] for name in names)))
    monday = monday_of(local(now).date())
    for week in (monday, monday + timedelta(days=7)):
        run("coordinator", duty.plan_week, duty.PlanWeek(SCHOOL, week, copies=False))
    planned = _shifts(stage, now)
    without_leader = next((shift.id for shift in planned if shift.starts_at > now + timedelta(days=3)), "")
    for number, shift in enumerate(planned):
        on_it = MEMBERS[shift.name][number // 2 % len(MEMBERS[shift.name])]
        leaders = () if shift.id == without_leader else (principal,)
        run("coordinator", duty.staff_shift, duty.StaffShift(shift.id, leaders, (ids[on_it],)))
    for week in (monday, monday + timedelta(days=7)):
        run("principal", duty.publish_week, duty.PublishWeek(SCHOOL, week))
    for shift in _shifts(stage, now):
        if shift.covers(now):
            for name in ("principal", *ids):
                if stage.principal(name).account_id in {each.account for each in shift.people}:
                    run(name, duty_service.sign_in, duty_service.SignIn(shift.id))
    _away(stage, now)
    for name, address in CHANNELS.items():
        owner = to_account(stage.principal(name).account_id)
        run(name, channels.add, channels.AddChannel(owner, "手机", address))
    run("principal", channels.add, channels.AddChannel(to_organisation(SCHOOL), "值班群", ROBOT))
    run("coordinator", channels.set_quiet_hours, channels.SetQuietHours("22:30", "06:30", urgent_anyway=True))


def _away(stage: Stage, now: datetime) -> None:
    """The teacher is away the day after tomorrow, the nurse takes over."""
    begins = (local(now) + timedelta(days=2)).replace(hour=8, minute=0, second=0, microsecond=0)
    nurse = stage.principal("nurse").account_id
    command = duty_service.ReportAbsence(SCHOOL, begins, begins + timedelta(hours=10), nurse, "参加培训")
    _runner(stage)("teacher", duty_service.report_absence, command)


def _shifts(stage: Stage, now: datetime) -> tuple[ShiftView, ...]:
    with stage.tocsin.read() as connection:
        return duty_rosters.shifts(connection, SCHOOL, now, now + timedelta(days=14))


def _runner(stage: Stage) -> Callable[[str, Callable[..., Any], object], Any]:
    def run(who: str, use_case: Callable[..., Any], command: object) -> Any:
        principal = stage.principal(who)
        return stage.tocsin.run(lambda uow: use_case(uow, stage.tocsin.services, principal, command))

    return run
