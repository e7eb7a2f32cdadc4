"""Showing a person's values on purpose, and opening access without a task; both stand in the log of the incident."""

from dataclasses import dataclass
from datetime import timedelta

from service.application import organisations
from service.application.incidents import incident_subject
from service.application.queries.grounds import GROUPS, IN_LETTERS, LETTER, Ground, grounds, named_to
from service.application.queries.reader import Reader
from service.application.services import Origin, Services
from service.application.steps import Advance
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import NoGround, NoSuch, ValueRefused
from service.domain.standing import LEADERS
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

MOST_PERSONS = 500
MOST_REASON = 500


@dataclass(frozen=True, slots=True)
class RevealPersons:
    """Show groups of fields (`GROUPS`) of persons of an incident in full for a while."""

    incident: str
    persons: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RevealLetter:
    """Show, to the organisation a letter went to, the names of those it is to see to."""

    incident: str
    organisation: str


@dataclass(frozen=True, slots=True)
class BreakGlassOpening:
    """Access to the people of an incident without a task, for some minutes, with a reason."""

    incident: str
    reason: str
    minutes: int


@dataclass(frozen=True, slots=True)
class BreakGlassEnding:
    """Give such access up before its time, or take it from somebody."""

    incident: str
    grant: str


def reveal(
    uow: UnitOfWork, services: Services, principal: Principal, command: RevealPersons, *, request_id: str = ""
) -> None:
    """Show persons. Raises NoGround for one whom no task of the caller needs; then nobody is shown."""
    fields = sorted(set(command.fields) & set(GROUPS))
    if not fields or len(fields) != len(set(command.fields)):
        raise ValueRefused("fields", "请选择要显示的内容", "choose what is to be shown")
    if not 0 < len(command.persons) <= MOST_PERSONS:
        raise ValueRefused("persons", f"一次 1 至 {MOST_PERSONS} 人", f"1 to {MOST_PERSONS} persons at a time")
    on = _incident(uow, services, principal, command.incident, request_id)
    require(principal, Action.PEOPLE_READ, incident_subject(uow, on.incident))
    standing = _grounds(uow, services, principal, command)
    until = uow.now + services.privacy.reveal
    for person in dict.fromkeys(command.persons):
        row = on.rows.get(sql.persons, person)
        if row is None or row["incident_id"] != command.incident:
            raise NoSuch("person", person)
        ground = standing.get(person)
        if ground is None:
            raise NoGround
        shown = ev.PersonRevealed(person, fields, ground.basis, until.isoformat(), ground.task, ground.grant)
        on.record(shown)
    on.store()


def reveal_letter(
    uow: UnitOfWork, services: Services, principal: Principal, command: RevealLetter, *, request_id: str = ""
) -> int:
    """Show whom a letter names, as far as it says; returns how many. Raises NotAllowed, NoGround, NoSuch."""
    subject = organisations.subject(uow.connection, command.organisation)
    require(principal, Action.LETTER_REVEAL, subject)
    on = _incident(uow, services, principal, command.incident, request_id)
    reader = Reader(uow.connection, uow.sealer, services, principal, uow.now)
    named = [person for person, to in named_to(reader, command.incident).items() if to == command.organisation]
    if not named:
        raise NoGround
    until = uow.now + services.privacy.reveal
    for person in named:
        on.record(ev.PersonRevealed(person, sorted(IN_LETTERS), LETTER, until.isoformat()))
    on.store()
    return len(named)


def open_break_glass(
    uow: UnitOfWork, services: Services, principal: Principal, command: BreakGlassOpening, *, request_id: str = ""
) -> str:
    """Open access without a task and tell whoever watches over data; returns its id. Raises ValueRefused."""
    most = int(services.privacy.break_glass.total_seconds() // 60)
    if not command.reason.strip():
        raise ValueRefused("reason", "请写明理由", "say why")
    if len(command.reason) > MOST_REASON:
        raise ValueRefused("reason", f"最多 {MOST_REASON} 字", f"at most {MOST_REASON} characters")
    if not 1 <= command.minutes <= most:
        raise ValueRefused("minutes", f"1 至 {most} 分钟", f"1 to {most} minutes")
    on = _incident(uow, services, principal, command.incident, request_id)
    require(principal, Action.BREAK_GLASS, incident_subject(uow, on.incident))
    organisation = str(on.incident["organisation_id"])
    roles, told = _told(uow, services, organisation)
    grant, until = uow.new_id(), uow.now + timedelta(minutes=command.minutes)
    opened = ev.BreakGlassOpened(grant, organisation, until.isoformat(), told)
    on.record(opened, sealed={command.incident: {"reason": command.reason.strip()}})
    for role in roles:
        content = {"grant": grant, "actor": principal.account_id, "until": until.isoformat()}
        on.record(ev.NoticeSent(organisation, role, "break_glass", content))
    on.store()
    return grant


def end_break_glass(
    uow: UnitOfWork, services: Services, principal: Principal, command: BreakGlassEnding, *, request_id: str = ""
) -> None:
    """End such access: one's own, or as a leader of the organisation somebody else's. Raises NoSuch."""
    on = _incident(uow, services, principal, command.incident, request_id)
    row = on.rows.get(sql.break_glass, command.grant)
    if row is None or row["incident_id"] != command.incident or row["ended_at"] is not None:
        raise NoSuch("break_glass", command.grant)
    is_own = row["account_id"] == principal.account_id
    if not is_own:
        require(principal, Action.EXPORT_APPROVE, incident_subject(uow, on.incident))
    cause = "expired" if row["until"] <= uow.now else "given_up" if is_own else "withdrawn"
    on.record(ev.BreakGlassEnded(command.grant, cause))
    on.store()


# --- inside -----------------------------------------------------------------------------------


def _incident(uow: UnitOfWork, services: Services, principal: Principal, incident: str, request_id: str) -> Advance:
    origin = Origin(actor=principal.account_id, request_id=request_id, command_id=request_id)
    on = Advance(uow, services, incident, origin)
    if not on.incident:
        raise NoSuch("incident", incident)
    return on


def _grounds(
    uow: UnitOfWork, services: Services, principal: Principal, command: RevealPersons
) -> dict[str, Ground]:  # fmt: skip
    reader = Reader(uow.connection, uow.sealer, services, principal, uow.now)
    return grounds(reader, command.incident, about=command.persons)


def _told(uow: UnitOfWork, services: Services, organisation: str) -> tuple[list[str], list[str]]:
    """The roles a notice goes to, and the accounts that hold them."""
    for roles in ([services.privacy.told_role], sorted(LEADERS)):
        found = organisations.candidates(uow.connection, organisation, roles)
        if found:
            held = sorted({role for each in found for role in each.roles if role in roles})
            return held, sorted(each.account_id for each in found)
    return [services.privacy.told_role], []
