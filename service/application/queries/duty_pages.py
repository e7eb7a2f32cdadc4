"""The duty roster as pages show it: a week or month of shifts, one shift, what is missing, who is away."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from service.application import duty_rosters, duty_watch
from service.application.duty import template_from
from service.application.queries.reader import Reader
from service.domain.access import Action, OrganisationSubject, may, require
from service.domain.calendar import at_local, local
from service.domain.duty import DRAFT, EARLY, LEADER, PUBLISHED, REMOVED, Gap, OnShift, ShiftView, Template, is_festival
from service.domain.errors import NoSuch
from service.persistence.tables import sql

AHEAD = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PersonOnDuty:
    """Somebody on a shift, in words; `state` is signed, missed, due or ""."""

    account: str
    name: str
    duty: str
    stands_in_for: str
    state: str
    signed_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShiftRow:
    """A shift as a table or a list of days shows it."""

    id: str
    name: str
    day: date
    starts_at: datetime
    ends_at: datetime
    state: str
    state_label: str
    wanted: int
    is_now: bool
    is_over: bool
    people: tuple[PersonOnDuty, ...]
    gaps: tuple[str, ...]

    @property
    def leaders(self) -> tuple[PersonOnDuty, ...]:
        """Who is in charge."""
        return tuple(each for each in self.people if each.duty == LEADER)

    @property
    def members(self) -> tuple[PersonOnDuty, ...]:
        """The others."""
        return tuple(each for each in self.people if each.duty != LEADER)


@dataclass(frozen=True, slots=True)
class DutyDay:
    """A day with its shifts."""

    day: date
    is_today: bool
    is_festival: bool
    shifts: tuple[ShiftRow, ...]


@dataclass(frozen=True, slots=True)
class GapRow:
    """Something missing, in words."""

    text: str
    about: str
    starts_at: datetime
    ends_at: datetime
    shift: str


@dataclass(frozen=True, slots=True)
class SwapRow:
    """A swap that is not settled; the `may_` say which buttons the reader gets."""

    id: str
    shift: str
    shift_name: str
    starts_at: datetime
    asker: str
    other: str
    reason: str
    state_label: str
    may_answer: bool
    may_approve: bool
    may_withdraw: bool


@dataclass(frozen=True, slots=True)
class AbsenceRow:
    """Somebody away, now or soon."""

    id: str
    name: str
    stand_in: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    is_mine: bool


@dataclass(frozen=True, slots=True)
class Week:
    """What the roster page shows of an organisation."""

    organisation: str
    organisation_name: str
    days: tuple[DutyDay, ...]
    gaps: tuple[GapRow, ...]
    swaps: tuple[SwapRow, ...]
    absences: tuple[AbsenceRow, ...]
    is_kept: bool
    drafts: int
    may_plan: bool
    may_approve: bool
    may_serve: bool


@dataclass(frozen=True, slots=True)
class ShiftDetail:
    """One shift with everything its page needs."""

    row: ShiftRow
    organisation: str
    organisation_name: str
    handed_by: str
    handed_at: datetime | None
    received_by: str
    received_at: datetime | None
    handover: str
    choices: tuple[tuple[str, str], ...]
    may_plan: bool
    may_serve: bool
    may_sign_in: bool
    may_hand_over: bool
    may_receive: bool
    may_swap: bool


@dataclass(frozen=True, slots=True)
class StandInRow:
    """A role with its stand-ins in order: account and name."""

    role: str
    label: str
    accounts: tuple[tuple[str, str], ...]


def readable_organisations(reader: Reader) -> tuple[tuple[str, str], ...]:
    """Organisations whose roster the reader may see, by name."""
    found = [
        (each, name)
        for each, name in reader.organisation_names.items()
        if may(reader.principal, Action.DUTY_READ, subject(reader, each))
    ]
    return tuple(sorted(found, key=lambda each: each[1]))


def subject(reader: Reader, organisation: str) -> OrganisationSubject:
    """An organisation as access rules see it. Raises NoSuch."""
    if organisation not in reader.hierarchy.parents:
        raise NoSuch("organisation", organisation)
    return OrganisationSubject(organisation, reader.hierarchy.ancestors(organisation))


def week(reader: Reader, organisation: str, first: date, days: int = 7) -> Week:
    """The roster of some days. Raises NoSuch, NotAllowed."""
    here = subject(reader, organisation)
    require(reader.principal, Action.DUTY_READ, here)
    begin = at_local(first, time())
    shifts = duty_rosters.shifts(reader.connection, organisation, begin, begin + timedelta(days=days))
    until = max(begin + timedelta(days=days), reader.now + AHEAD)
    gaps = duty_watch.gaps_ahead(reader.connection, reader.services, organisation, reader.now, until)
    may_approve = may(reader.principal, Action.DUTY_APPROVE, here)
    may_plan = may(reader.principal, Action.DUTY_PLAN, here)
    shown = may_plan or may_approve or may(reader.principal, Action.DUTY_SERVE, here)
    visible = [each for each in shifts if may_plan or may_approve or each.state != DRAFT]
    words = _Words(reader, organisation)
    rows = [words.row(shift, gaps) for shift in visible]
    found = [first + timedelta(days=number) for number in range(days)]
    return Week(
        organisation, words.organisation_name,
        tuple(_day(reader, day, rows) for day in found),
        tuple(words.gap(gap) for gap in gaps if gap.starts_at < reader.now + AHEAD) if shown else (),
        _swaps(reader, organisation, words, may_approve=may_approve) if shown else (),
        _absences(reader, organisation, words) if shown else (),
        duty_rosters.roster_of(reader.connection, organisation).is_kept(reader.now),
        sum(each.state == DRAFT and each.ends_at > reader.now for each in shifts), may_plan, may_approve,
        may(reader.principal, Action.DUTY_SERVE, here),
    )  # fmt: skip


def shift(reader: Reader, shift_id: str) -> ShiftDetail:
    """One shift. Raises NoSuch where the reader may not see it."""
    found = reader.rows(select(sql.shifts).where(sql.shifts.c.id == shift_id, sql.shifts.c.state != REMOVED))
    if not found or not may(reader.principal, Action.DUTY_READ, subject(reader, found[0]["organisation_id"])):
        raise NoSuch("shift", shift_id)
    stored = found[0]
    view = duty_rosters.with_people(reader.connection, found)[0]
    here = subject(reader, view.organisation)
    words = _Words(reader, view.organisation)
    gaps = duty_watch.gaps_ahead(
        reader.connection, reader.services, view.organisation, reader.now, max(view.ends_at, reader.now)
    )
    may_serve = may(reader.principal, Action.DUTY_SERVE, here)
    mine = next((each for each in view.people if each.account == reader.principal.account_id), None)
    is_on = view.state == PUBLISHED and mine is not None
    is_open = view.starts_at - EARLY <= reader.now < view.ends_at
    return ShiftDetail(
        row=words.row(view, gaps), organisation=view.organisation, organisation_name=words.organisation_name,
        handed_by=words.names.get(view.handed_by, ""), handed_at=view.handed_at,
        received_by=words.names.get(view.received_by, ""), received_at=view.received_at,
        handover=_handover(reader, stored) if may_serve else "",
        choices=words.choices(), may_plan=may(reader.principal, Action.DUTY_PLAN, here) and view.ends_at > reader.now,
        may_serve=may_serve, may_sign_in=is_on and is_open and mine is not None and mine.signed_in_at is None,
        may_hand_over=is_on and reader.now >= view.starts_at and view.handed_at is None,
        may_receive=may_serve and view.handed_at is not None and view.received_at is None
        and reader.principal.account_id != view.handed_by,
        may_swap=is_on and view.starts_at > reader.now,
    )  # fmt: skip


def templates(reader: Reader, organisation: str) -> tuple[Template, ...]:
    """The templates of an organisation. Raises NotAllowed."""
    require(reader.principal, Action.DUTY_READ, subject(reader, organisation))
    table = sql.shift_templates
    rows = reader.rows(select(table).where(table.c.organisation_id == organisation).order_by(table.c.id))
    return tuple(template_from(row) for row in rows)


def stand_ins(reader: Reader, organisation: str) -> tuple[StandInRow, ...]:
    """Every role somebody holds in an organisation with its stand-ins. Raises NotAllowed."""
    require(reader.principal, Action.DUTY_READ, subject(reader, organisation))
    words = _Words(reader, organisation)
    listed = duty_rosters.roster_of(reader.connection, organisation).stand_ins or _listed(reader, organisation)
    roles = sorted({role for held in words.held.values() for role in held}, key=lambda each: (each not in listed, each))
    return tuple(
        StandInRow(
            role, reader.label("role", role), tuple((each, words.names.get(each, "")) for each in listed.get(role, ()))
        )
        for role in roles
    )


def absences(reader: Reader, organisation: str) -> tuple[AbsenceRow, ...]:
    """Who is away or will be. Raises NotAllowed."""
    require(reader.principal, Action.DUTY_READ, subject(reader, organisation))
    return _absences(reader, organisation, _Words(reader, organisation))


def people_of(reader: Reader, organisation: str) -> tuple[tuple[str, str], ...]:
    """Everybody who works in an organisation: account and name."""
    return _Words(reader, organisation).choices()


def _listed(reader: Reader, organisation: str) -> Mapping[str, tuple[str, ...]]:
    return duty_rosters.period(reader.connection, organisation, reader.now, reader.now).stand_ins


# --- inside -----------------------------------------------------------------------------------


class _Words:
    """Names of the people of an organisation, and its shifts and gaps in words."""

    def __init__(self, reader: Reader, organisation: str) -> None:
        self._reader = reader
        self.organisation_name = reader.organisation_names.get(organisation, "")
        self.held = duty_rosters.holders(reader.connection, organisation, reader.now)
        self.names = reader.account_names(self.held)

    def choices(self) -> tuple[tuple[str, str], ...]:
        """Account and name, with the leading role beside."""
        return tuple((account, self.names.get(account, account)) for account in self.held)

    def row(self, shift: ShiftView, gaps: tuple[Gap, ...]) -> ShiftRow:
        """A shift with its people."""
        others = {each.account for each in shift.people} - self.names.keys()
        self.names.update(self._reader.account_names(others) if others else {})
        now = self._reader.now
        return ShiftRow(
            shift.id, shift.name, local(shift.starts_at).date(), shift.starts_at, shift.ends_at, shift.state,
            self._reader.label("shift_state", shift.state), shift.wanted,
            shift.covers(now) and shift.state == PUBLISHED, shift.ends_at <= now,
            tuple(self._person(shift, each) for each in shift.people),
            tuple(self._reader.label("duty_gap", gap.kind) for gap in gaps if gap.shift == shift.id),
        )  # fmt: skip

    def _person(self, shift: ShiftView, each: OnShift) -> PersonOnDuty:
        is_running = shift.state == PUBLISHED and shift.starts_at <= self._reader.now
        state = "signed" if each.signed_in_at else "missed" if each.missed_at else "due" if is_running else ""
        return PersonOnDuty(
            each.account, self.names.get(each.account, each.account), each.duty,
            self.names.get(each.stands_in_for, ""), state, each.signed_in_at,
        )  # fmt: skip

    def gap(self, gap: Gap) -> GapRow:
        """What is missing."""
        about = self.names.get(gap.about) or (self._reader.label("role", gap.about) if gap.about else "")
        return GapRow(self._reader.label("duty_gap", gap.kind), about, gap.starts_at, gap.ends_at, gap.shift)


def _day(reader: Reader, day: date, rows: list[ShiftRow]) -> DutyDay:
    mine = tuple(row for row in rows if row.day == day)
    return DutyDay(day, day == local(reader.now).date(), is_festival(at_local(day, time(12))), mine)


def _swaps(reader: Reader, organisation: str, words: _Words, *, may_approve: bool) -> tuple[SwapRow, ...]:
    swap, planned = sql.shift_swaps, sql.shifts
    joined = swap.join(planned, planned.c.id == swap.c.shift_id)
    mine = (swap.c.organisation_id == organisation) & swap.c.state.in_(("asked", "accepted"))
    statement = select(swap, planned.c.name, planned.c.starts_at).select_from(joined)
    rows = reader.rows(statement.where(mine, planned.c.starts_at > reader.now).order_by(planned.c.starts_at))
    me = reader.principal.account_id
    return tuple(
        SwapRow(
            row["id"], row["shift_id"], row["name"], row["starts_at"], words.names.get(row["asker"], ""),
            words.names.get(row["other"], ""), row["reason"], reader.label("swap_state", row["state"]),
            row["state"] == "asked" and row["other"] == me, row["state"] == "accepted" and may_approve,
            row["asker"] == me,
        )
        for row in rows
    )  # fmt: skip


def _absences(reader: Reader, organisation: str, words: _Words) -> tuple[AbsenceRow, ...]:
    table = sql.absences
    mine = (table.c.organisation_id == organisation) & table.c.withdrawn_at.is_(None) & (table.c.ends_at > reader.now)
    return tuple(
        AbsenceRow(
            row["id"], words.names.get(row["account_id"], ""), words.names.get(row["stand_in"], ""), row["starts_at"],
            row["ends_at"], row["reason"], row["account_id"] == reader.principal.account_id,
        )
        for row in reader.rows(select(table).where(mine).order_by(table.c.starts_at))
    )  # fmt: skip


def _handover(reader: Reader, stored: Mapping[str, Any]) -> str:
    opened = reader.sealer.open_text(reader.connection, stored["sealed"])
    return str(opened.get(f"shift:{stored['id']}", {}).get("text", ""))


def own_organisation(reader: Reader) -> str:
    """The organisation whose roster somebody sees first: where he holds most roles."""
    held = reader.principal.memberships
    readable = {each for each, _ in readable_organisations(reader)}
    best = max((each for each in held if each in readable), key=lambda each: (len(held[each]), each), default="")
    return best or next(iter(sorted(readable)), "")
