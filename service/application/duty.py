"""Drawing up and publishing the duty roster (P20.1, P20.2): templates, shifts, people, stand-ins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from service.application import duty_rosters, organisations
from service.application.projections import apply
from service.application.services import Services
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.alerts import CHANNEL, MESSAGE, to_account
from service.domain.calendar import at_local
from service.domain.duty import DRAFT, LONGEST_HOURS, PUBLISHED, REMOVED, ShiftView, Template
from service.domain.errors import NoSuch, ValueRefused
from service.persistence.queue import DELIVERY
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork
from service.persistence.working_set import WorkingSet

MOST_TEMPLATES = 12
NAME_LENGTH = 40
REASON_LENGTH = 200
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SetTemplates:
    """The shifts of an organisation that come again."""

    organisation: str
    templates: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class PlanWeek:
    """Draft the shifts of a week from the templates; people as in the week before where `copies`."""

    organisation: str
    monday: date
    copies: bool = True


@dataclass(frozen=True, slots=True)
class StaffShift:
    """Who is on a shift; a published one needs a reason."""

    shift: str
    leaders: tuple[str, ...]
    members: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RemoveShift:
    """A shift falls away; a published one needs a reason."""

    shift: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PublishWeek:
    """Approve and publish the drafts of a week."""

    organisation: str
    monday: date


@dataclass(frozen=True, slots=True)
class SetStandIns:
    """The ordered stand-ins of a role."""

    organisation: str
    role: str
    accounts: tuple[str, ...]


def set_templates(
    uow: UnitOfWork, _services: Services, principal: Principal, command: SetTemplates, *, request_id: str = ""
) -> None:
    """Replace the templates. Raises ValueRefused, NotAllowed."""
    log = DutyLog.of(uow, principal, command.organisation, Action.DUTY_PLAN, request_id)
    if len(command.templates) > MOST_TEMPLATES:
        raise ValueRefused("templates", f"最多{MOST_TEMPLATES}个", f"at most {MOST_TEMPLATES}")
    for each in command.templates:
        check_template(each)
    log.record(ev.ShiftTemplatesSet([_template_row(each) for each in command.templates]))


def check_template(template: Template) -> None:
    """Raises ValueRefused with the name of the field that is wrong."""
    if not 0 < len(template.name) <= NAME_LENGTH:
        raise ValueRefused("name", f"须为1至{NAME_LENGTH}个字", f"needs 1 to {NAME_LENGTH} characters")
    if not 1 <= template.hours <= LONGEST_HOURS:
        raise ValueRefused("hours", "须为1至24小时", "must be 1 to 24 hours")
    if not 0 <= template.members <= 20:
        raise ValueRefused("members", "须为0至20人", "must be 0 to 20")
    if not template.weekdays or not set(template.weekdays) <= set(range(1, 8)):
        raise ValueRefused("weekdays", "至少选一天", "choose at least one day")


def plan_week(
    uow: UnitOfWork, _services: Services, principal: Principal, command: PlanWeek, *, request_id: str = ""
) -> int:
    """Draft what the templates want and is not there yet; returns how many shifts. Raises ValueRefused without any."""
    log = DutyLog.of(uow, principal, command.organisation, Action.DUTY_PLAN, request_id)
    templates = templates_of(uow, command.organisation)
    if not templates:
        raise ValueRefused("templates", "还没有班次模板，请先设置", "there are no shift templates yet: make them first")
    begin = at_local(command.monday, time())
    there = {(shift.name, shift.starts_at) for shift in log.shifts(begin - WEEK, begin + WEEK)}
    earlier = {(shift.name, shift.starts_at): shift for shift in log.shifts(begin - WEEK, begin)}
    made = 0
    for day in range(7):
        for template in templates:
            times = template.on(command.monday + timedelta(days=day))
            if times is not None and (template.name, times[0]) not in there and times[1] > uow.now:
                shift = uow.new_id()
                starts, ends = (each.isoformat() for each in times)
                log.record(ev.ShiftPlanned(shift, template.name, starts, ends, template.members))
                before = earlier.get((template.name, times[0] - WEEK)) if command.copies else None
                if before is not None:
                    log.record(_same_people(shift, before))
                made += 1
    return made


def staff_shift(
    uow: UnitOfWork, _services: Services, principal: Principal, command: StaffShift, *, request_id: str = ""
) -> None:
    """Say who is on a shift. Raises ValueRefused beside the field that is wrong, NoSuch, NotAllowed."""
    shift = shift_of(uow, command.shift)
    log = DutyLog.of(uow, principal, shift.organisation, Action.DUTY_PLAN, request_id)
    _refuse_over(uow, shift)
    held = duty_rosters.holders(uow.connection, shift.organisation, uow.now)
    for name, accounts in (("leaders", command.leaders), ("members", command.members)):
        if not set(accounts) <= held.keys():
            raise ValueRefused(name, "不是本单位的人员", "is not somebody of this organisation")
    if set(command.leaders) & set(command.members):
        raise ValueRefused("members", "带班领导不能同时是值班人员", "the leader cannot be a member as well")
    reason = _reason(shift, command.reason)
    log.record(ev.ShiftStaffed(shift.id, list(command.leaders), list(command.members), reason))


def remove_shift(
    uow: UnitOfWork, _services: Services, principal: Principal, command: RemoveShift, *, request_id: str = ""
) -> None:
    """Take a shift off the roster. Raises ValueRefused without a reason once it is published."""
    shift = shift_of(uow, command.shift)
    log = DutyLog.of(uow, principal, shift.organisation, Action.DUTY_PLAN, request_id)
    _refuse_over(uow, shift)
    log.record(ev.ShiftRemoved(shift.id, _reason(shift, command.reason)))


def publish_week(
    uow: UnitOfWork, _services: Services, principal: Principal, command: PublishWeek, *, request_id: str = ""
) -> int:
    """Publish the drafts of a week; gaps are shown and do not stop it. Returns how many. Raises NotAllowed."""
    log = DutyLog.of(uow, principal, command.organisation, Action.DUTY_APPROVE, request_id)
    begin = at_local(command.monday, time())
    drafts = [
        shift.id
        for shift in log.shifts(begin, begin + WEEK)
        if shift.state == DRAFT and shift.starts_at >= begin and shift.ends_at > uow.now
    ]
    if not drafts:
        raise ValueRefused("week", "这一周没有待发布的班次", "there is nothing to publish in this week")
    log.record(ev.RosterPublished(drafts))
    return len(drafts)


def set_stand_ins(
    uow: UnitOfWork, _services: Services, principal: Principal, command: SetStandIns, *, request_id: str = ""
) -> None:
    """Order the stand-ins of a role; none takes the list away. Raises ValueRefused."""
    log = DutyLog.of(uow, principal, command.organisation, Action.DUTY_PLAN, request_id)
    held = duty_rosters.holders(uow.connection, command.organisation, uow.now)
    if not set(command.accounts) <= held.keys():
        raise ValueRefused("accounts", "不是本单位的人员", "is not somebody of this organisation")
    if len(set(command.accounts)) != len(command.accounts):
        raise ValueRefused("accounts", "同一人写了两次", "names somebody twice")
    if not any(command.role in roles for roles in held.values()):
        raise ValueRefused("role", "本单位没有这个岗位", "is not a role of this organisation")
    log.record(ev.StandInsSet(command.role, list(command.accounts)))


# --- what every command on the roster needs -----------------------------------------------------


@dataclass(frozen=True)
class DutyLog:
    """The stream of an organisation, held until the commit: events are appended and projected at once."""

    uow: UnitOfWork
    organisation: str
    actor: str
    request_id: str = ""

    @classmethod
    def of(cls, uow: UnitOfWork, principal: Principal, organisation: str, action: Action, request_id: str) -> "DutyLog":
        """The log of an organisation, for somebody who may do this. Raises NoSuch, NotAllowed."""
        uow.alone(f"duty:{organisation}")
        require(principal, action, organisations.subject(uow.connection, organisation))
        return cls(uow, organisation, principal.account_id, request_id)

    @property
    def stream(self) -> str:
        """The stream's name."""
        return f"org:{self.organisation}"

    def record(
        self, event: ev.Event, *, sealed: Mapping[str, Mapping[str, Any]] | None = None, at: datetime | None = None
    ) -> None:
        """Append one event and project it; the roster that is remembered is forgotten."""
        new = NewEvent(
            event.type, at or self.uow.now, event.data(), sealed or {}, actor=self.actor, request_id=self.request_id,
            command_id=self.request_id, schema_version=event.schema_version,
        )  # fmt: skip
        stored = self.uow.append(self.stream, [new])[0]
        apply(self.uow.rows(WorkingSet(self.stream)), stored, event)
        self.uow.directory_changed()

    def shifts(self, since: datetime, until: datetime) -> tuple[ShiftView, ...]:
        """Shifts of a period, drafts too."""
        return duty_rosters.shifts(self.uow.connection, self.organisation, since, until)

    def wake(self, accounts: Sequence[str], kind: str, shift: str = "", *, is_urgent: bool = True) -> None:
        """Queue a message to everybody of some accounts who can be reached."""
        reachable = duty_rosters.reachable(self.uow.connection, accounts)
        for account in dict.fromkeys(accounts):
            if account in reachable:
                content = {"number": "", "wake": kind, "task": "", "shift": shift, "urgent": is_urgent, "person": ""}
                delivery = self.uow.new_id()
                self.record(ev.DeliveryQueued(delivery, "", MESSAGE, to_account(account), CHANNEL, "", content))
                self.uow.wake(DELIVERY, delivery, self.uow.now)


def templates_of(uow: UnitOfWork, organisation: str) -> tuple[Template, ...]:
    """The templates of an organisation in the order they were given."""
    table = sql.shift_templates
    statement = select(table).where(table.c.organisation_id == organisation).order_by(table.c.id)
    return tuple(template_from(dict(row)) for row in uow.connection.execute(statement).mappings())


def template_from(row: Mapping[str, Any]) -> Template:
    """A template row as domain object."""
    return Template(
        row["name"], time.fromisoformat(row["begins"]), row["hours"], tuple(row["weekdays"]), row["members"]
    )


def shift_of(uow: UnitOfWork, shift: str) -> ShiftView:
    """One shift that still counts. Raises NoSuch."""
    row = uow.connection.execute(select(sql.shifts).where(sql.shifts.c.id == shift)).mappings().first()
    if row is None or row["state"] == REMOVED:
        raise NoSuch("shift", shift)
    return duty_rosters.with_people(uow.connection, [dict(row)])[0]


def _template_row(template: Template) -> dict[str, Any]:
    return {
        "name": template.name, "begins": template.begins.strftime("%H:%M"), "hours": template.hours,
        "weekdays": list(template.weekdays), "members": template.members,
    }  # fmt: skip


def _same_people(shift: str, before: ShiftView) -> ev.ShiftStaffed:
    leaders = [each.account for each in before.leaders if not each.stands_in_for]
    members = [each.account for each in before.members if not each.stands_in_for]
    return ev.ShiftStaffed(shift, leaders, members, "")


def _refuse_over(uow: UnitOfWork, shift: ShiftView) -> None:
    if shift.ends_at <= uow.now:
        raise ValueRefused("shift", "班次已结束", "is over")


def _reason(shift: ShiftView, reason: str) -> str:
    reason = reason.strip()
    if shift.state == PUBLISHED and not reason:
        raise ValueRefused("reason", "已发布的班次须写明理由", "must say why, because the shift is published")
    if len(reason) > REASON_LENGTH:
        raise ValueRefused("reason", f"最多{REASON_LENGTH}个字", f"at most {REASON_LENGTH} characters")
    return reason
