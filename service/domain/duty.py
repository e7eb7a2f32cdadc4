"""The duty roster of an organisation: who is on duty at an instant, who stands in, where it has gaps.

A shift has a leader (带班领导) and members; festivals want more of both (双值班带班). Whoever reported that
he leaves his post is not on duty; whom he named stands in. All instants are aware; days are Shanghai's.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import chinese_calendar

from service.domain.calendar import at_local, local

LEADER, MEMBER = "leader", "member"
DRAFT, PUBLISHED, REMOVED = "draft", "published", "removed"
REMEMBERED = timedelta(days=1)  # a roster that ended longer ago is none any more
DAY_BEGINS, DAY_ENDS = time(6), time(18)
LONGEST_HOURS = 24
EARLY = timedelta(minutes=60)  # one may sign in for a shift that soon begins


@dataclass(frozen=True, slots=True)
class OnShift:
    """Somebody on a shift; `stands_in_for` names whom he replaces."""

    account: str
    duty: str
    stands_in_for: str = ""
    signed_in_at: datetime | None = None
    missed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShiftView:
    """One shift with its people, the leader first and the members in their order."""

    id: str
    organisation: str
    name: str
    starts_at: datetime
    ends_at: datetime
    state: str
    wanted: int
    people: tuple[OnShift, ...] = ()
    handed_by: str = ""
    handed_at: datetime | None = None
    received_by: str = ""
    received_at: datetime | None = None

    @property
    def leaders(self) -> tuple[OnShift, ...]:
        """Who is in charge."""
        return tuple(each for each in self.people if each.duty == LEADER)

    @property
    def members(self) -> tuple[OnShift, ...]:
        """The others, in their order."""
        return tuple(each for each in self.people if each.duty == MEMBER)

    def covers(self, at: datetime) -> bool:
        """Whether it runs at an instant."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Away:
    """Somebody is away from his post for a while; `stand_in` may be empty."""

    account: str
    starts_at: datetime
    ends_at: datetime
    stand_in: str = ""

    def covers(self, at: datetime) -> bool:
        """Whether he is away at an instant."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Roster:
    """What is known of an organisation's duty: its published shifts, stand-ins by role, who is away."""

    shifts: tuple[ShiftView, ...] = ()
    stand_ins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    away: tuple[Away, ...] = ()

    def is_kept(self, at: datetime) -> bool:
        """Whether the organisation keeps a roster at all; without one every holder of a role is asked."""
        return any(shift.ends_at > at - REMEMBERED for shift in self.shifts)

    def on_duty(self, at: datetime) -> tuple[OnShift, ...]:
        """Who is on duty, leaders first; for one who is away the one he named."""
        found: dict[str, OnShift] = {}
        for shift in self.shifts:
            if shift.covers(at):
                for each in shift.people:
                    present = self._present(each, at)
                    if present is not None and present.account not in found:
                        found[present.account] = present
        return tuple(sorted(found.values(), key=lambda each: each.duty != LEADER))

    def _present(self, each: OnShift, at: datetime) -> OnShift | None:
        absence = self.absence(each.account, at)
        if absence is None:
            return each
        return OnShift(absence.stand_in, each.duty, each.account) if absence.stand_in else None

    def absence(self, account: str, at: datetime) -> Away | None:
        """The absence of somebody at an instant."""
        return next((each for each in self.away if each.account == account and each.covers(at)), None)

    def stand_ins_of(self, roles: Collection[str], at: datetime) -> tuple[str, ...]:
        """The stand-ins of some roles in their order, without those who are away."""
        listed = [account for role in roles for account in self.stand_ins.get(role, ())]
        return tuple(account for account in dict.fromkeys(listed) if self.absence(account, at) is None)


@dataclass(frozen=True, slots=True)
class Template:
    """A shift as it comes again; weekdays count from 1, Monday."""

    name: str
    begins: time
    hours: int
    weekdays: tuple[int, ...]
    members: int = 1

    def on(self, day: date) -> tuple[datetime, datetime] | None:
        """Beginning and end of the shift on a day, None on a weekday it does not come."""
        if day.isoweekday() not in self.weekdays:
            return None
        begins = at_local(day, self.begins)
        return begins, begins + timedelta(hours=self.hours)


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing: `kind` is a code of the labels under `duty_gap`, `about` an account or role."""

    kind: str
    starts_at: datetime
    ends_at: datetime
    shift: str = ""
    about: str = ""

    @property
    def key(self) -> str:
        """What tells it from other gaps; without a shift there is one a day, whenever one looks."""
        return f"{self.kind}:{self.shift or local(self.starts_at).date().isoformat()}:{self.about}"


@dataclass(frozen=True, slots=True)
class Staff:
    """What gaps are judged by: who can be reached outside the page, which roles each holds, groups on festivals."""

    reachable: frozenset[str]
    roles: Mapping[str, frozenset[str]]
    festival_groups: int = 2


def gaps(roster: Roster, staff: Staff, since: datetime, until: datetime) -> tuple[Gap, ...]:
    """Everything missing in the published roster of a period, earliest first."""
    found = {gap.key: gap for gap in _uncovered(roster, since, until)}
    for shift in roster.shifts:
        if shift.ends_at > since and shift.starts_at < until:
            leaves = [each.starts_at for each in roster.away if shift.covers(each.starts_at)]
            for at in (max(shift.starts_at, since), *leaves):
                found.update({gap.key: gap for gap in _gaps_of(roster, staff, shift, at)})
    return tuple(sorted(found.values(), key=lambda gap: (gap.starts_at, gap.kind, gap.about)))


def _uncovered(roster: Roster, since: datetime, until: datetime) -> Iterator[Gap]:
    reached = since
    for shift in sorted(roster.shifts, key=lambda each: each.starts_at):
        if shift.ends_at <= reached:
            continue
        if shift.starts_at >= until:
            break
        if shift.starts_at > reached:
            yield Gap("nobody", reached, shift.starts_at)
        reached = shift.ends_at
    if reached < until:
        yield Gap("nobody", reached, until)


def _gaps_of(roster: Roster, staff: Staff, shift: ShiftView, at: datetime) -> Iterator[Gap]:
    def gap(kind: str, about: str = "") -> Gap:
        return Gap(kind, shift.starts_at, shift.ends_at, shift.id, about)

    groups = staff.festival_groups if is_festival(shift.starts_at) else 1
    away = [each for each in shift.people if _is_away(roster, each.account, shift)]
    for each in away:
        yield gap("away", each.account)
    present = roster.on_duty(at)
    leaders = [each for each in present if each.duty == LEADER]
    if not leaders:
        yield gap("no_leader")
    elif len(leaders) < groups:
        yield gap("too_few_leaders")
    if len([each for each in present if each.duty == MEMBER]) < shift.wanted * groups:
        yield gap("too_few")
    accounts = {each.account for each in present}
    if accounts and not accounts & staff.reachable:
        yield gap("unreachable")
    for role in roster.stand_ins:
        held = any(role in staff.roles.get(account, frozenset()) for account in accounts)
        if not held and not roster.stand_ins_of([role], at):
            yield gap("no_role", role)


def _is_away(roster: Roster, account: str, shift: ShiftView) -> bool:
    """Away during some of the shift, and nobody named for it."""
    return any(
        each.account == account
        and not each.stand_in
        and each.starts_at < shift.ends_at
        and each.ends_at > shift.starts_at
        for each in roster.away
    )


def is_festival(at: datetime) -> bool:
    """Whether a Shanghai day is a public holiday with a name: then two groups are on duty (双值班带班)."""
    try:
        is_holiday, name = chinese_calendar.get_holiday_detail(local(at).date())
    except NotImplementedError:
        return False
    return bool(is_holiday and name)


def is_night(at: datetime) -> bool:
    """Whether people would say tonight."""
    return not DAY_BEGINS <= local(at).time() < DAY_ENDS


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())
