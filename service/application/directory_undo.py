"""Taking back a change of the directory: what was before is put back, if nothing has changed since."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.application import directory_log, organisation_changes, organisations, place_changes, staff_changes
from service.application.directory_log import Recorded
from service.application.organisation_changes import ChangeOrganisation, MoveOrganisation, SwitchOrganisation
from service.application.place_changes import SavePlace
from service.application.services import Services
from service.application.staff_changes import EndRole, GiveRole, SwitchAccount
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import NoSuch, RevisionChanged
from service.persistence.unit_of_work import UnitOfWork

REASON = "撤销"


@dataclass(frozen=True, slots=True)
class UndoChange:
    """Take back a change by its number in the stream of its organisation."""

    organisation: str
    seq: int


def can_undo(change: Recorded) -> bool:
    """Whether a change is of a kind that can be taken back: nothing was lost by it."""
    event = change.event
    if isinstance(event, ev.OrganisationChanged | ev.PlaceChanged):
        return bool(event.before)
    return isinstance(event, ev.MembershipChanged) or (
        isinstance(event, ev.AccountChanged) and "is_active" in event.before
    )


def undo(
    uow: UnitOfWork, services: Services, principal: Principal, command: UndoChange, *, request_id: str = ""
) -> None:
    """Put back what was before.

    Raises NotAllowed, NoSuch, RevisionChanged where the thing has changed since or the change cannot be taken back, and
    what the opposite command raises.
    """
    require(principal, Action.ORGANISATION_CHANGE, organisations.subject(uow.connection, command.organisation))
    found = directory_log.recorded(uow.connection, command.organisation, command.seq)
    if found is None:
        raise NoSuch("change", str(command.seq))
    newest = directory_log.history(uow.connection, command.organisation, element=found.element)
    later = [each for each in newest if each.seq > found.seq and _same(each.event, found.event)]
    if later or not can_undo(found):
        raise RevisionChanged(found.element)
    for use_case, opposite in _opposite(command.organisation, found.event):
        use_case(uow, services, principal, opposite, request_id=request_id)


def _same(one: ev.Event, other: ev.Event) -> bool:
    """Whether two events of one element are about the same: for roles, the same role."""
    return type(one) is type(other) and getattr(one, "role", "") == getattr(other, "role", "")


def _opposite(organisation: str, event: ev.Event) -> list[tuple[Any, Any]]:
    if isinstance(event, ev.MembershipChanged):
        return [_of_membership(organisation, event)]
    if isinstance(event, ev.AccountChanged):
        return [(staff_changes.switch, SwitchAccount(event.account, event.before["is_active"], REASON))]
    if isinstance(event, ev.PlaceChanged):
        old = event.before
        return [(_restore_place, (organisation, event.place, old))]
    return _of_organisation(event) if isinstance(event, ev.OrganisationChanged) else []


def _of_organisation(event: ev.OrganisationChanged) -> list[tuple[Any, Any]]:
    old = dict(event.before)
    steps: list[tuple[Any, Any]] = []
    if "parent_id" in old:
        command = MoveOrganisation(event.organisation, old.pop("parent_id") or "", REASON)
        steps.append((organisation_changes.move, command))
    if "is_active" in old:
        switch = SwitchOrganisation(event.organisation, old.pop("is_active"), REASON)
        steps.append((organisation_changes.switch, switch))
    if old:
        steps.append((organisation_changes.change, ChangeOrganisation(event.organisation, **old)))
    return steps


def _of_membership(organisation: str, event: ev.MembershipChanged) -> tuple[Any, Any]:
    if not event.before:
        return staff_changes.end, EndRole(organisation, event.account, event.role, REASON)
    since, until = (_instant(event.before[name]) for name in ("from", "until"))
    return staff_changes.give, GiveRole(organisation, event.account, event.role, since, until)


def _restore_place(
    uow: UnitOfWork, services: Services, principal: Principal, asked: tuple[str, str, dict[str, Any]], *,
    request_id: str,
) -> None:  # fmt: skip
    organisation, place, old = asked
    row = place_changes.place_values(uow, organisation, place) | old
    command = SavePlace(
        organisation, row["name"], row["kind"], place, row["positions_fixed"], row["lead_account_id"] or "",
        row["is_active"],
    )  # fmt: skip
    place_changes.save_place(uow, services, principal, command, request_id=request_id)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
