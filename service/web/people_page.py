"""People and places of an incident: who is what and until when, what happened to somebody, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from service.application.queries import contact_lists, exposures, people, rosters, timeline
from service.application.queries.contact_lists import CaseList
from service.application.queries.contacts import ContactRow, contacts
from service.application.queries.exposures import PlaceList
from service.application.queries.grounds import GROUPS
from service.application.queries.people import PersonPage
from service.application.queries.reader import Reader
from service.application.queries.rosters import Count, Roster, RosterFilter
from service.application.queries.timeline import Timeline
from service.domain.access import Action
from service.web.audit_page import address_about
from service.web.errors import PageRoute
from service.web.export_page import to_export
from service.web.incident_page import Head, head_of, show_tab
from service.web.site import Visiting

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# The colour of a state beside its word; any other is that of the brand.
TONES = {
    "隔离中": "wait", "待转运": "soon", "失联": "late", "转阳": "late", "解除": "good", "initial": "", "removed": "",
    "held": "soon", "free": "", "excluded": "good", "cleared": "good",
}  # fmt: skip
_EVENT_KINDS = ("assessment", "curated", "participant")


@dataclass(frozen=True, slots=True)
class Turn:
    """A link that filters or sorts the table: `order` is ascending or descending of the column sorted by."""

    label: str
    address: str
    number: int = -1
    is_current: bool = False
    order: str = ""


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """The persons of an incident with the numbers above them, each a link to those it counts."""

    head: Head
    roster: Roster
    groups: tuple[Turn, ...]
    states: tuple[Turn, ...]
    observers: tuple[Turn, ...]
    columns: tuple[Turn, ...]
    is_chosen: bool
    has_contacts: bool
    tones: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OnePersonPage:
    """One person with what is known and what happened, as far as the reader may see it."""

    head: Head
    person: PersonPage
    facts: tuple[tuple[str, str], ...]
    groups: tuple[tuple[str, str], ...]
    basis: str
    minutes: int
    contacts: tuple[ContactRow, ...]
    contacts_of: int
    timeline: Timeline
    older: str
    audit: str
    extract: str


@dataclass(frozen=True, slots=True)
class PlacesPage:
    """Where it was found, where people met, what is disinfected and where one was asked to come forward."""

    head: Head
    places: PlaceList


@dataclass(frozen=True, slots=True)
class ContactsPage:
    """The contact lists, each with what the final one changed."""

    head: Head
    lists: tuple[CaseList, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the address asks of the table."""

    group: str = ""
    state: str = ""
    observer: str = ""
    case: str = ""
    sort: str = ""
    order: str = ""


@router.get("/incidents/{incident}/people")
def people_page(visit: Visiting, incident: str, wish: Annotated[Wish, Depends()]) -> Response:
    """The persons; names by the reader's rights."""
    with visit.reader() as reader:
        head = head_of(visit, reader, incident, "people")
        wanted = RosterFilter(wish.group, wish.state, wish.observer, wish.case, wish.sort, wish.order == "down")
        found = rosters.roster(reader, incident, wanted)
        turning = _Turning(f"/incidents/{incident}/people", wish)
        page = PeoplePage(
            head=head,
            roster=found,
            groups=tuple(turning.group(each) for each in found.groups),
            states=tuple(
                turning.state(each) for each in found.states if len(found.groups) == 1 or each.group == wish.group
            ),
            observers=tuple(turning.observer(each) for each in found.observers),
            columns=_columns(reader, turning),
            is_chosen=any((wish.group, wish.state, wish.observer, wish.case)),
            has_contacts=any(each.group == "contact" for each in found.groups),
            tones=TONES,
        )
        return show_tab(visit, reader, "people", page)


@router.get("/incidents/{incident}/people/{person}")
def person_page(visit: Visiting, incident: str, person: str, before: int = 0) -> Response:
    """One person, with what happened to him."""
    with visit.reader() as reader:
        found = people.person(reader, incident, person)
        listed = contacts(reader, incident).items
        events = timeline.timeline(reader, incident, kinds=_EVENT_KINDS, before=before, person=person)
        page = OnePersonPage(
            head=head_of(visit, reader, incident, "people"),
            person=found,
            facts=_facts(reader, found),
            groups=tuple((group, reader.label("reveal_field", group)) for group in GROUPS),
            basis=reader.label("reveal_basis", found.ground.basis) if found.ground else "",
            minutes=int(reader.services.privacy.reveal.total_seconds() // 60),
            contacts=tuple(each for each in listed if each.person == person),
            contacts_of=sum(each.case == person and each.stage != "removed" for each in listed),
            timeline=events,
            older=f"/incidents/{incident}/people/{person}?before={events.next}" if events.next else "",
            audit=address_about(incident, person) if _may_audit(reader, incident) else "",
            extract=_extract(reader, incident, person),
        )
        return show_tab(visit, reader, "person", page)


@router.get("/incidents/{incident}/contacts")
def contacts_page(visit: Visiting, incident: str) -> Response:
    """The contact lists."""
    with visit.reader() as reader:
        page = ContactsPage(head_of(visit, reader, incident, "people"), contact_lists.compared(reader, incident))
        return show_tab(visit, reader, "contacts", page)


@router.get("/incidents/{incident}/contacts.xlsx")
def contacts_sheet(visit: Visiting, incident: str) -> Response:
    """The contact lists as a workbook: first why."""
    with visit.reader() as reader:
        reader.incident(incident, Action.PEOPLE_READ)
    return to_export(incident, "contacts")


@router.get("/incidents/{incident}/places")
def places_page(visit: Visiting, incident: str) -> Response:
    """The places."""
    with visit.reader() as reader:
        page = PlacesPage(head_of(visit, reader, incident, "places"), exposures.exposures(reader, incident))
        return show_tab(visit, reader, "places", page)


# --- inside -----------------------------------------------------------------------------------


class _Turning:
    """Addresses of the same table, otherwise chosen or sorted; what is current is turned off again."""

    def __init__(self, base: str, wish: Wish) -> None:
        self.base, self.wish = base, wish

    def address(self, **changes: str) -> str:
        """The table with something changed."""
        wish = replace(self.wish, **changes)
        asked = {name: getattr(wish, name) for name in Wish.__slots__ if getattr(wish, name)}
        return f"{self.base}?{urlencode(asked)}" if asked else self.base

    def group(self, count: Count) -> Turn:
        """Those of one group."""
        is_current = self.wish.group == count.group
        return Turn(
            count.label, self.address(group="" if is_current else count.group, state=""), count.number, is_current
        )

    def state(self, count: Count) -> Turn:
        """Those of a group in one state."""
        is_current = (self.wish.group, self.wish.state) == (count.group, count.state)
        state = "" if is_current else count.state
        return Turn(count.label, self.address(group=count.group, state=state), count.number, is_current)

    def observer(self, count: Count) -> Turn:
        """Those somebody watches."""
        is_current = self.wish.observer == count.state
        return Turn(count.label, self.address(observer="" if is_current else count.state), count.number, is_current)

    def column(self, sort: str, label: str) -> Turn:
        """The heading of a column that sorts, the other way round at the second tap."""
        is_current = self.wish.sort == sort and sort != ""
        is_down = is_current and self.wish.order != "down"
        order = ("descending" if self.wish.order == "down" else "ascending") if is_current else ""
        return Turn(label, self.address(sort=sort, order="down" if is_down else ""), is_current=is_current, order=order)


def _columns(reader: Reader, turning: _Turning) -> tuple[Turn, ...]:
    words = (
        ("name", ("人员", "person")), ("place", ("班级/单位", "class or unit")), ("state", ("状态", "state")),
        ("since", ("何时起", "since")), ("until", ("观察", "observation")), ("due", ("下次测温", "next reading")),
    )  # fmt: skip
    return tuple(turning.column(sort, reader.pick(*label)) for sort, label in words)


def _extract(reader: Reader, incident: str, person: str) -> str:
    """Where everything about the person is taken out for himself, "" for who may not, and of drills."""
    row = reader.incident(incident)
    if row["kind"] == "drill" or not reader.may_with(Action.DATA_EXTRACT, row):
        return ""
    return f"/incidents/{incident}/exports/new?kind=subject&key={person}"


def _may_audit(reader: Reader, incident: str) -> bool:
    return reader.may_with(Action.AUDIT_READ, reader.incident(incident))


def _facts(reader: Reader, found: PersonPage) -> tuple[tuple[str, str], ...]:
    """The identity block in words, in the order of the form."""
    parts = reader.services.forms.form("F01").fields["person"].parts
    rows = []
    for part in parts:
        value = found.values.get(part.key)
        if value in (None, "", {}):
            continue
        label = {option.value: option.label.of(reader.locale) for option in part.options}
        text = value.get("id", "") if isinstance(value, dict) else label.get(str(value), str(value))
        names = reader.place_names([text]) | reader.organisation_names if part.type == "org" else {}
        rows.append((part.label.of(reader.locale), names.get(text, text)))
    rows += [(each, reader.pick("已删除", "erased")) for each in found.erased]
    return tuple(rows)
