"""What time itself brings to a roster: nobody signed in by X11, and gaps ahead; each told once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from service.application import duty_rosters, policy_values
from service.application.duty import DutyLog, shift_of
from service.application.services import SYSTEM, Services
from service.domain import events as ev
from service.domain.access import SCHEDULER
from service.domain.duty import PUBLISHED, Gap, ShiftView, gaps
from service.domain.policies import TypedSnapshot
from service.domain.standing import LEADERS
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

AHEAD = timedelta(hours=24)  # how far ahead a gap is told of without anybody looking
LATEST = timedelta(days=2)  # a signature missed before that is only history


@dataclass(frozen=True, slots=True)
class Missing:
    """Somebody whose signature is missing on a shift; it had to be there at `due`."""

    shift: str
    organisation: str
    account: str
    due: datetime


def look(connection: Connection, services: Services, now: datetime) -> tuple[list[Missing], list[tuple[str, Gap]]]:
    """Who has not signed in in time, and gaps within a day that nobody was told of."""
    table = sql.shifts
    near = (table.c.state == PUBLISHED) & (table.c.ends_at > now - LATEST) & (table.c.starts_at < now + AHEAD)
    rows = [dict(row) for row in connection.execute(select(table).where(near).order_by(table.c.starts_at)).mappings()]
    organisations = sorted({row["organisation_id"] for row in rows})
    limits = {each: _policies(connection, services, each, now)["duty_sign_in"] for each in organisations}
    # a shift that was published while it ran could not be signed before
    begins = {row["id"]: max(row["starts_at"], row["published_at"]) for row in rows}
    missing = [
        Missing(shift.id, shift.organisation, each.account, begins[shift.id] + limits[shift.organisation])
        for shift in duty_rosters.with_people(connection, rows)
        for each in shift.people
        if each.signed_in_at is None and each.missed_at is None and not each.stands_in_for
    ]
    due = [each for each in missing if each.due <= now]
    return due, [(each, gap) for each in organisations for gap in _untold(connection, services, each, now)]


def gaps_ahead(
    connection: Connection, services: Services, organisation: str, now: datetime, until: datetime
) -> tuple[Gap, ...]:
    """Gaps of an organisation that keeps a roster, from now on; none where there is no roster."""
    roster = duty_rosters.period(connection, organisation, now, until)
    if not duty_rosters.roster_of(connection, organisation).is_kept(now):
        return ()
    groups = int(_policies(connection, services, organisation, now)["duty_members_festival"])
    return gaps(roster, duty_rosters.staff_of(connection, organisation, now, festival_groups=groups), now, until)


def record_missing(uow: UnitOfWork, missing: Missing) -> None:
    """X11: at its true time the stand-in is called and the leaders are told; who signed meanwhile is left alone."""
    log = DutyLog(uow, missing.organisation, SYSTEM.actor)
    uow.alone(f"duty:{missing.organisation}")
    shift = shift_of(uow, missing.shift)
    found = next((each for each in shift.people if each.account == missing.account), None)
    if found is None or found.signed_in_at is not None or found.missed_at is not None:
        return
    stand_in = _stand_in(uow, shift, missing)
    log.record(ev.ShiftMissed(shift.id, missing.account, stand_in, missing.due.isoformat()), at=missing.due)
    log.wake([missing.account, *_leaders(uow, shift, missing)], "shift_missed", shift.id)
    log.wake([stand_in] if stand_in else [], "stand_in_called", shift.id)


def record_gap(uow: UnitOfWork, organisation: str, gap: Gap) -> None:
    """Tell schedulers and leaders of a gap, once."""
    log = DutyLog(uow, organisation, SYSTEM.actor)
    uow.alone(f"duty:{organisation}")
    if uow.connection.execute(select(sql.duty_gaps).where(sql.duty_gaps.c.id == f"{organisation}:{gap.key}")).first():
        return
    log.record(ev.DutyGapFound(gap.key, gap.kind, gap.shift, gap.starts_at.isoformat()))
    held = duty_rosters.holders(uow.connection, organisation, uow.now)
    told = [each for each, roles in held.items() if roles & LEADERS or SCHEDULER in roles]
    log.wake(told, "duty_gap", gap.shift, is_urgent=False)


def _stand_in(uow: UnitOfWork, shift: ShiftView, missing: Missing) -> str:
    """The first stand-in of the roles he holds who is neither away nor on the shift himself."""
    roster = duty_rosters.roster_of(uow.connection, shift.organisation)
    absence = roster.absence(missing.account, missing.due)
    if absence is not None and absence.stand_in:
        return absence.stand_in
    held = duty_rosters.holders(uow.connection, shift.organisation, uow.now)
    roles = sorted(held.get(missing.account, frozenset()))
    on_it = {each.account for each in shift.people}
    return next((each for each in roster.stand_ins_of(roles, missing.due) if each not in on_it), "")


def _leaders(uow: UnitOfWork, shift: ShiftView, missing: Missing) -> Sequence[str]:
    on_duty = [each.account for each in shift.leaders if each.account != missing.account]
    held = duty_rosters.holders(uow.connection, shift.organisation, uow.now)
    return on_duty or [each for each, roles in held.items() if roles & LEADERS and each != missing.account]


def _untold(connection: Connection, services: Services, organisation: str, now: datetime) -> list[Gap]:
    table = sql.duty_gaps
    told = set(connection.execute(select(table.c.id).where(table.c.organisation_id == organisation)).scalars())
    found = gaps_ahead(connection, services, organisation, now, now + AHEAD)
    return [gap for gap in found if f"{organisation}:{gap.key}" not in told]


def _policies(connection: Connection, services: Services, organisation: str, now: datetime) -> Mapping[str, Any]:
    values = policy_values.values_of(connection, services, organisation, now=now)
    return TypedSnapshot(services.policies, values)
