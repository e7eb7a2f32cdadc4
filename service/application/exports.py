"""Taking persons out of the system as a file: why, which columns, how many; a second person where there are many.

The file is made beforehand, outside of any transaction, and handed out only once the event that tells of it, with the
hash of exactly this file, is committed.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.application.incidents import incident_subject
from service.application.services import Origin, Services
from service.application.steps import Advance
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import ApprovalNeeded, NoSuch, SameSigner, ValueRefused
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

PURPOSES = ("handling", "offline", "handover", "superior", "archive", "data_subject", "other")
MOST_NOTE = 200
LETTER = "R27"  # to another organisation
SUBJECT = "subject"  # everything about one person, from all incidents; always needs a second person


@dataclass(frozen=True, slots=True)
class ExportWish:
    """What somebody wants to take out: `kind` and `key` say what, `fields` which columns (all where empty)."""

    incident: str
    kind: str
    key: str
    purpose: str
    note: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MadeExport:
    """A file ready to be handed out, and whom it holds."""

    wish: ExportWish
    format: str
    name: str
    media_type: str
    content: bytes
    fields: tuple[str, ...]
    persons: tuple[str, ...]
    incidents: tuple[str, ...] = ()  # further ones it was taken from

    @property
    def sha256(self) -> str:
        """The hash of the file, in hex."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class ExportDecision:
    """What a second person says to an export that was asked for."""

    incident: str
    export: str
    is_approved: bool


def check(wish: ExportWish) -> None:
    """Raises ValueRefused for a wish without a purpose."""
    if wish.purpose not in PURPOSES:
        raise ValueRefused("purpose", "请选择用途", "choose a purpose")
    if wish.purpose == "other" and not wish.note.strip():
        raise ValueRefused("note", "请写明具体用途", "say what it is for")
    if len(wish.note) > MOST_NOTE:
        raise ValueRefused("note", f"最多 {MOST_NOTE} 字", f"at most {MOST_NOTE} characters")


def ask(
    uow: UnitOfWork, services: Services, principal: Principal, made: MadeExport, *, request_id: str = ""
) -> str:  # fmt: skip
    """Ask for an export that needs a second person; returns its id. One that was asked for already stands."""
    wish = made.wish
    check(wish)
    on = _incident(uow, services, principal, wish.incident, request_id)
    _may_take(uow, on, principal, wish)
    standing = _standing(on, principal, made, "asked")
    if standing:
        return str(standing["id"])
    export = uow.new_id()
    asked = ev.ExportAsked(export, wish.kind, wish.purpose, list(made.fields), len(made.persons), wish.key)
    on.record(asked, sealed={wish.incident: {"note": wish.note.strip()}} if wish.note.strip() else {})
    on.store()
    return export


def decide(
    uow: UnitOfWork, services: Services, principal: Principal, command: ExportDecision, *, request_id: str = ""
) -> None:
    """Approve or refuse. Raises SameSigner for whoever asked, NoSuch where nothing waits."""
    on = _incident(uow, services, principal, command.incident, request_id)
    require(principal, Action.EXPORT_APPROVE, incident_subject(uow, on.incident))
    row = on.rows.get(sql.export_requests, command.export)
    if row is None or row["incident_id"] != command.incident or row["state"] != "asked":
        raise NoSuch("export", command.export)
    if row["asked_by"] == principal.account_id:
        raise SameSigner
    on.record(ev.ExportDecided(command.export, command.is_approved))
    on.store()


def hand_out(
    uow: UnitOfWork, services: Services, principal: Principal, made: MadeExport, *, request_id: str = ""
) -> str:  # fmt: skip
    """Put on record that the file leaves; returns the id of the export. Raises ApprovalNeeded; nothing leaves then."""
    wish = made.wish
    check(wish)
    on = _incident(uow, services, principal, wish.incident, request_id)
    _may_take(uow, on, principal, wish)
    most = alone(services, wish)
    is_large = len(made.persons) > most
    approved = _standing(on, principal, made, "approved") if is_large else None
    if is_large and approved is None:
        raise ApprovalNeeded(most)
    event = ev.ExportMade(
        str(approved["id"]) if approved else uow.new_id(), wish.kind, made.format, wish.purpose, list(made.fields),
        len(made.persons), made.sha256, str(approved["decided_by"]) if approved else "", list(made.persons),
    )  # fmt: skip
    on.record(event, sealed={wish.incident: {"note": wish.note.strip()}} if wish.note.strip() else {})
    on.store()
    for incident in made.incidents:
        further = _incident(uow, services, principal, incident, request_id)
        _may_take(uow, further, principal, wish)
        further.record(event)
        further.store()
    return event.export


def alone(services: Services, wish: ExportWish) -> int:
    """How many persons may be taken out without a second person."""
    return 0 if wish.kind == SUBJECT else services.privacy.export_alone


# --- inside -----------------------------------------------------------------------------------


def _incident(uow: UnitOfWork, services: Services, principal: Principal, incident: str, request_id: str) -> Advance:
    origin = Origin(actor=principal.account_id, request_id=request_id, command_id=request_id)
    on = Advance(uow, services, incident, origin)
    if not on.incident:
        raise NoSuch("incident", incident)
    return on


def _may_take(uow: UnitOfWork, on: Advance, principal: Principal, wish: ExportWish) -> None:
    """A letter may be taken by those it is addressed to; everything else by whoever may read the incident's people."""
    if wish.kind == SUBJECT:
        require(principal, Action.DATA_EXTRACT, incident_subject(uow, on.incident))
    is_letter = wish.kind == "printout" and wish.key.partition("/")[0] == LETTER
    if not (is_letter and wish.key.partition("/")[2] in principal.memberships):
        require(principal, Action.EXPORT_MAKE, incident_subject(uow, on.incident))


def _standing(on: Advance, principal: Principal, made: MadeExport, state: str) -> Mapping[str, Any] | None:
    """The request of this person for just this, no more columns and no more persons than were approved."""
    wish = made.wish
    for row in on.rows.where(sql.export_requests, incident_id=wish.incident, state=state):
        is_same = (row["kind"], row["key"], row["purpose"]) == (wish.kind, wish.key, wish.purpose)
        is_within = set(made.fields) <= set(row["fields"]) and len(made.persons) <= row["rows"]
        if row["asked_by"] == principal.account_id and is_same and is_within:
            return row
    return None
