"""Rosters an organisation keeps: masked for its members, in full once somebody asked for the names."""

from dataclasses import dataclass

from service.application import organisations
from service.application.organisations import MemberView
from service.application.queries.reader import Reader
from service.domain.access import Action, OrganisationSubject, require
from service.domain.errors import NoSuch
from service.domain.fields import mask_name, mask_phone


@dataclass(frozen=True, slots=True)
class RosterRow:
    """Somebody on a roster."""

    id: str
    name: str
    kind: str
    seat_no: str
    sex: str
    age: str
    guardian: str
    phone: str


def roster(reader: Reader, organisation: str, place: str, *, is_open: bool) -> tuple[RosterRow, ...]:
    """Who is on the roster of a place, "" = in no place; by seat. Raises NotAllowed."""
    require(reader.principal, Action.ROSTER_READ, _subject(reader, organisation))
    if is_open:
        require(reader.principal, Action.ROSTER_CHANGE, _subject(reader, organisation))
    found = organisations.members(reader.connection, reader.sealer, organisation, place_id=place or None)
    return tuple(_row(reader, each, is_open=is_open) for each in found if (each.place_id or "") == place)


def one(reader: Reader, organisation: str, member: str) -> MemberView:
    """Somebody in full, to be changed. Raises NotAllowed, NoSuch."""
    require(reader.principal, Action.ROSTER_READ, _subject(reader, organisation))
    require(reader.principal, Action.ROSTER_CHANGE, _subject(reader, organisation))
    view = organisations.member(reader.connection, reader.sealer, member)
    if view.organisation_id != organisation:
        raise NoSuch("member", member)
    return view


def _subject(reader: Reader, organisation: str) -> OrganisationSubject:
    return OrganisationSubject(organisation, reader.hierarchy.ancestors(organisation))


def _row(reader: Reader, view: MemberView, *, is_open: bool) -> RosterRow:
    values = {name: str(value) for name, value in view.values.items()}
    sex = {"男": reader.pick("男", "male"), "女": reader.pick("女", "female")}.get(values.get("sex", ""), "")
    phone = values.get("guardian_phone") or values.get("phone") or ""
    kind = reader.label("roster_type", view.person_type)
    if not is_open:
        return RosterRow(
            view.id, mask_name(view.name), kind, view.seat_no, sex, "", "", mask_phone(phone) if phone else ""
        )
    return RosterRow(
        view.id, view.name, kind, view.seat_no, sex, values.get("age", ""), values.get("guardian_name", ""), phone
    )
