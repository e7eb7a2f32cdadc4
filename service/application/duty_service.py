"""Serving a shift (P20.4 to P20.7): signing in, handing over, swapping, being away; each for himself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from service.application import duty_rosters
from service.application.duty import REASON_LENGTH, DutyLog, shift_of
from service.application.services import Services
from service.domain import events as ev
from service.domain.access import Action, Principal
from service.domain.duty import EARLY, PUBLISHED, ShiftView
from service.domain.errors import NoSuch, NotAllowed, ValueRefused
from service.domain.standing import LEADERS
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

TEXT_LENGTH = 2000
LONGEST_ABSENCE = timedelta(days=60)
NEXT_SHIFT = timedelta(hours=2)  # who receives is on a shift that begins by then


@dataclass(frozen=True, slots=True)
class SignIn:
    """Begin one's duty."""

    shift: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """Sign as the one who hands over, saying what is open (`无` if nothing), or as the one who receives."""

    shift: str
    side: str  # handed | received
    text: str = ""


@dataclass(frozen=True, slots=True)
class AskSwap:
    """Ask another to take one's place on a shift."""

    shift: str
    other: str
    reason: str


@dataclass(frozen=True, slots=True)
class MoveSwap:
    """Answer a swap: accepted or declined by the other, approved or refused by a leader, withdrawn by the asker."""

    swap: str
    state: str


@dataclass(frozen=True, slots=True)
class ReportAbsence:
    """Leave one's post for a while."""

    organisation: str
    starts_at: datetime
    ends_at: datetime
    stand_in: str
    reason: str


@dataclass(frozen=True, slots=True)
class WithdrawAbsence:
    """Stay after all."""

    absence: str


def sign_in(
    uow: UnitOfWork, _services: Services, principal: Principal, command: SignIn, *, request_id: str = ""
) -> None:
    """Begin one's duty; signing twice changes nothing. Raises ValueRefused too early or too late, NotAllowed."""
    shift = shift_of(uow, command.shift)
    log = DutyLog.of(uow, principal, shift.organisation, Action.DUTY_SERVE, request_id)
    mine = next((each for each in shift.people if each.account == principal.account_id), None)
    if mine is None:
        raise NotAllowed(Action.DUTY_SERVE.value)
    if shift.state != PUBLISHED or not shift.starts_at - EARLY <= uow.now < shift.ends_at:
        raise ValueRefused(
            "shift", "只能在开始前一小时至结束之间签到", "takes signatures from one hour before it begins"
        )
    if mine.signed_in_at is None:
        log.record(ev.ShiftSignedIn(shift.id, principal.account_id))


def hand_over(
    uow: UnitOfWork, _services: Services, principal: Principal, command: HandOver, *, request_id: str = ""
) -> None:
    """Sign one side of the hand-over; two different persons sign. Raises ValueRefused, NotAllowed."""
    shift = shift_of(uow, command.shift)
    log = DutyLog.of(uow, principal, shift.organisation, Action.DUTY_SERVE, request_id)
    me = principal.account_id
    if command.side == "handed":
        _refuse_handing(uow, shift, me)
        text = command.text.strip()
        if not text:
            raise ValueRefused("text", "请写交接事项，没有就写“无”", "must say what is open; “none” if nothing is")
        if len(text) > TEXT_LENGTH:
            raise ValueRefused("text", f"最多{TEXT_LENGTH}个字", f"at most {TEXT_LENGTH} characters")
        log.record(ev.ShiftHandedOver(shift.id, "handed", me), sealed={f"shift:{shift.id}": {"text": text}})
    elif command.side == "received":
        _refuse_receiving(log, shift, me)
        log.record(ev.ShiftHandedOver(shift.id, "received", me))
    else:
        raise ValueRefused("side", "须为交班或接班", "must be handed or received")


def _refuse_handing(uow: UnitOfWork, shift: ShiftView, me: str) -> None:
    if me not in {each.account for each in shift.people}:
        raise NotAllowed(Action.DUTY_SERVE.value)
    if uow.now < shift.starts_at or shift.state != PUBLISHED:
        raise ValueRefused("shift", "班次还没有开始", "has not begun yet")
    if shift.handed_at is not None:
        raise ValueRefused("shift", "已经交班", "was handed over already")


def _refuse_receiving(log: DutyLog, shift: ShiftView, me: str) -> None:
    if shift.handed_at is None:
        raise ValueRefused("shift", "还没有人交班", "was not handed over yet")
    if shift.received_at is not None:
        raise ValueRefused("shift", "已经接班", "was received already")
    if me == shift.handed_by:
        raise ValueRefused("shift", "交班和接班须由不同的人签字", "needs two different signatures")
    following = log.shifts(shift.ends_at - NEXT_SHIFT, shift.ends_at + NEXT_SHIFT)
    on_next = {each.account for next_ in following if next_.id != shift.id for each in next_.people}
    if me not in on_next | {each.account for each in shift.leaders}:
        raise NotAllowed(Action.DUTY_SERVE.value)


def ask_swap(
    uow: UnitOfWork, _services: Services, principal: Principal, command: AskSwap, *, request_id: str = ""
) -> str:
    """Ask another to take one's place; returns the swap's id. Raises ValueRefused, NotAllowed."""
    shift = shift_of(uow, command.shift)
    log = DutyLog.of(uow, principal, shift.organisation, Action.DUTY_SERVE, request_id)
    on_it = {each.account for each in shift.people}
    if principal.account_id not in on_it:
        raise NotAllowed(Action.DUTY_SERVE.value)
    if shift.starts_at <= uow.now:
        raise ValueRefused("shift", "班次已开始，请联系带班领导", "has begun: ask the leader on duty")
    if command.other in on_it or command.other not in duty_rosters.holders(uow.connection, shift.organisation, uow.now):
        raise ValueRefused("other", "请选本单位未排在这一班的人", "must be somebody here who is not on this shift")
    reason = _short(command.reason)
    table = sql.shift_swaps
    is_open = table.c.state.in_(("asked", "accepted"))
    mine = (table.c.shift_id == shift.id) & (table.c.asker == principal.account_id) & is_open
    if uow.connection.execute(select(table.c.id).where(mine)).first():
        raise ValueRefused("other", "这一班已有换班申请", "there is a request for this shift already")
    swap = uow.new_id()
    log.record(ev.ShiftSwapMoved(swap, shift.id, principal.account_id, command.other, "asked", reason))
    log.wake([command.other], "swap", shift.id, is_urgent=False)
    return swap


def move_swap(
    uow: UnitOfWork, _services: Services, principal: Principal, command: MoveSwap, *, request_id: str = ""
) -> None:
    """Answer, approve or withdraw a swap. Raises ValueRefused where it does not stand so, NotAllowed, NoSuch."""
    row = _swap(uow, command.swap)
    is_leading = command.state in ("approved", "refused")
    action = Action.DUTY_APPROVE if is_leading else Action.DUTY_SERVE
    log = DutyLog.of(uow, principal, row["organisation_id"], action, request_id)
    row = _swap(uow, command.swap)  # as it stands now that nobody else moves it
    who = {"accepted": row["other"], "declined": row["other"], "withdrawn": row["asker"]}.get(command.state)
    if who is not None and who != principal.account_id:
        raise NotAllowed(action.value)
    before = {"accepted": ("asked",), "declined": ("asked",), "withdrawn": ("asked", "accepted")}
    if row["state"] not in before.get(command.state, ("accepted",)) or (who is None and not is_leading):
        raise ValueRefused("swap", "换班申请的状态已经改变", "stands differently now")
    shift = shift_of(uow, row["shift_id"])
    if command.state in ("accepted", "approved") and shift.starts_at <= uow.now:
        raise ValueRefused("swap", "班次已开始", "came too late: the shift has begun")
    event = ev.ShiftSwapMoved(row["id"], row["shift_id"], row["asker"], row["other"], command.state, row["reason"])
    log.record(event)
    if command.state == "accepted":
        held = duty_rosters.holders(uow.connection, row["organisation_id"], uow.now)
        log.wake([each for each, roles in held.items() if roles & LEADERS], "swap", shift.id, is_urgent=False)


def report_absence(
    uow: UnitOfWork, _services: Services, principal: Principal, command: ReportAbsence, *, request_id: str = ""
) -> str:
    """Say beforehand that one leaves one's post; returns the absence's id. Raises ValueRefused."""
    log = DutyLog.of(uow, principal, command.organisation, Action.DUTY_SERVE, request_id)
    if command.ends_at <= command.starts_at:
        raise ValueRefused("ends_at", "须晚于开始时间", "must be later than the beginning")
    if command.ends_at <= uow.now or command.ends_at - command.starts_at > LONGEST_ABSENCE:
        raise ValueRefused(
            "ends_at", "须在将来，且不超过60天", "must lie ahead, and at most 60 days after the beginning"
        )
    if command.stand_in:
        held = duty_rosters.holders(uow.connection, command.organisation, uow.now)
        if command.stand_in == principal.account_id or command.stand_in not in held:
            raise ValueRefused("stand_in", "请选本单位的另一人", "must be somebody else of this organisation")
    reason, absence = _short(command.reason), uow.new_id()
    event = ev.AbsenceReported(
        absence, principal.account_id, command.stand_in, command.starts_at.isoformat(), command.ends_at.isoformat(),
        reason,
    )  # fmt: skip
    log.record(event)
    return absence


def withdraw_absence(
    uow: UnitOfWork, _services: Services, principal: Principal, command: WithdrawAbsence, *, request_id: str = ""
) -> None:
    """Take one's own absence back. Raises NoSuch, NotAllowed."""
    table = sql.absences
    row = uow.connection.execute(select(table).where(table.c.id == command.absence)).mappings().first()
    if row is None or row["withdrawn_at"] is not None:
        raise NoSuch("absence", command.absence)
    log = DutyLog.of(uow, principal, row["organisation_id"], Action.DUTY_SERVE, request_id)
    if row["account_id"] != principal.account_id:
        raise NotAllowed(Action.DUTY_SERVE.value)
    log.record(ev.AbsenceWithdrawn(row["id"]))


def _swap(uow: UnitOfWork, swap: str) -> Mapping[str, Any]:
    row = uow.connection.execute(select(sql.shift_swaps).where(sql.shift_swaps.c.id == swap)).mappings().first()
    if row is None:
        raise NoSuch("swap", swap)
    return dict(row)


def _short(reason: str) -> str:
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_LENGTH:
        raise ValueRefused("reason", f"须写1至{REASON_LENGTH}个字", f"needs 1 to {REASON_LENGTH} characters")
    return reason
