"""Reporting a case: place, person, what was found; or opening another procedure with its own form."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from service.application import incidents, organisations
from service.application.organisations import MemberView, OrganisationView, PlaceView
from service.application.queries import incident_pages, outlook, procedures
from service.application.queries.incident_pages import IncidentFilter, IncidentRow
from service.application.queries.reader import Reader
from service.domain import commands as cmd
from service.domain.access import TRAINER, Action, may, require
from service.domain.errors import FormRefused, NoSuch
from service.domain.forms import FillContext, View
from service.domain.standing import TRAINING
from service.engine.model import Bundle, Node
from service.web import form_rows
from service.web.errors import PageRoute
from service.web.form_models import Choice, Directory, Filled, FormModel
from service.web.form_pages import FormWriter, defaults_of
from service.web.form_values import Flat, flatten_view, gather
from service.web.navigation import home_of, may_report
from service.web.posted import Form
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

CASE_PROCEDURE = "school_suspected_case"
EXTERNAL = "external"
_CASE_VIEWS = {"": "F01#quick", EXTERNAL: "F01#external"}


@dataclass(frozen=True, slots=True)
class Step:
    """What happens next: a step with who does it, or a deadline that begins."""

    icon: str
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class Pupil:
    """Somebody of the class list."""

    id: str
    name: str
    seat: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ReportPage:
    """The form with the choices before it; `address` keeps what was chosen."""

    heading: str
    lead: str
    procedure: str
    kind: str
    organisation: OrganisationView
    organisations: tuple[OrganisationView, ...]
    places: tuple[PlaceView, ...]
    place: str
    pupils: tuple[Pupil, ...]
    running: tuple[IncidentRow, ...]
    incident: str
    form: FormModel
    following: tuple[Step, ...]
    is_case: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """What is being reported where, as the address says it."""

    procedure: str = ""
    organisation: str = ""
    place: str = ""
    kind: str = ""
    incident: str = ""


@router.get("/report")
def report_page(visit: Visiting, wish: Annotated[Wish, Depends()]) -> Response:
    """The form, the class of the person who asks chosen already."""
    with visit.reader() as reader:
        asking = _asking(reader, visit, wish)
        return visit.page(reader, "incidents/report.html", asking.page(Filled(asking.beginning())))


@router.post("/report")
def report(visit: Visiting, posted: Form) -> Response:
    """Open the incident, or add a person to a running one; what breaks a rule is shown beside its field."""
    wish = Wish(*(posted.get(name) for name in ("procedure", "organisation", "at", "kind", "incident")))
    flat: Flat = {name: [value for key, value in posted.fields if key == name] for name in posted.names}
    do = posted.get("do")
    with visit.reader() as reader:
        asking = _asking(reader, visit, wish)
        if do.startswith(form_rows.CHANGES):
            return visit.page(reader, "incidents/report.html", asking.page(form_rows.with_rows(do, flat)))
        flat = form_rows.renumbered(asking.view, flat)
        data = gather(asking.view, flat, {})
        organisation, target = asking.organisation.id, asking.wish.procedure
    if asking.is_case:
        data.setdefault("source_kind", EXTERNAL if wish.kind == EXTERNAL else "check")
    try:
        return _store(visit, wish, cmd.OpenIncident(target, organisation, data, asking.start_id))
    except FormRefused as refused:
        with visit.reader() as reader:
            asking = _asking(reader, visit, wish)
            page = asking.page(Filled(flat, tuple(refused.errors)))
            return visit.page(reader, "incidents/report.html", page, status=422)


def _store(visit: Visit, wish: Wish, command: cmd.OpenIncident) -> Response:
    if wish.incident:
        visit.run(incidents.add_case, cmd.AddCase(wish.incident, command.data))
        return go(f"/incidents/{wish.incident}", said="case_added")
    incident = visit.run(incidents.open_incident, command)
    return go(f"/incidents/{incident}/tasks", said="reported")


class Asking:
    """Everything the page needs of one wish, looked up once."""

    action = Action.INCIDENT_OPEN

    def __init__(self, reader: Reader, visit: Visit, wish: Wish) -> None:
        self.reader = reader
        self.visit = visit
        self.organisations = self.choice_of_organisations()
        self.organisation = self._organisation(wish)
        require(reader.principal, self.action, organisations.subject(reader.connection, self.organisation.id))
        self.wish = self._settled(wish)
        self.bundle = self._bundle()
        self.start, self.view = self._opening()
        self.places = tuple(organisations.places(reader.connection, self.organisation.id))
        self.place = self._place()

    def choice_of_organisations(self) -> tuple[OrganisationView, ...]:
        """Where the reader may do this."""
        return _mine(self.reader)

    @property
    def now(self) -> datetime:
        """The time the form begins with."""
        return self.reader.now

    def _organisation(self, wish: Wish) -> OrganisationView:
        """The one that is named, or that has the place or the incident, or where the reader mostly works."""
        wanted = wish.organisation
        if wish.place and not wanted:
            wanted = organisations.place(self.reader.connection, wish.place).organisation_id
        if wish.incident and not wanted:
            wanted = self.reader.incident(wish.incident)["organisation_id"]
        home = home_of(self.reader.principal)
        found = {each.id: each for each in self.organisations}
        if not found or (wanted and wanted not in found):
            raise NoSuch("organisation", wanted)
        return found.get(wanted or home) or next(iter(found.values()))

    def _settled(self, wish: Wish) -> Wish:
        kind = EXTERNAL if wish.kind == EXTERNAL else ""
        return Wish(wish.procedure or CASE_PROCEDURE, self.organisation.id, wish.place, kind, wish.incident)

    def _bundle(self) -> Bundle:
        version = procedures.page(self.reader, self.wish.procedure).row.version
        return self.reader.bundle(self.wish.procedure, version)

    @property
    def is_case(self) -> bool:
        """Whether a sick person is reported."""
        return self.wish.procedure == CASE_PROCEDURE

    @property
    def start_id(self) -> str:
        """The start event, "" where the answers choose it."""
        return "" if self.is_case else self.start.id

    def _opening(self) -> tuple[Node, View]:
        starts = procedures.page(self.reader, self.wish.procedure).starts
        forms = {each.form_key: each for each in starts if each.form_key}
        wanted = _CASE_VIEWS[self.wish.kind] if self.is_case else ""
        found = forms.get(wanted) or next(iter(forms.values()), None)
        if found is None:
            raise NoSuch("form", self.wish.procedure)
        node = self.bundle.processes[self.bundle.entry].nodes[found.element]
        return node, self.reader.services.forms.view(found.form_key)

    def _place(self) -> PlaceView | None:
        wanted = self.wish.place
        me = self.reader.principal.account_id
        chosen = [each for each in self.places if each.id == wanted]
        mine = [each for each in self.places if each.lead_account_id == me and not wanted]
        return next(iter(chosen + mine), None)

    def context(self) -> FillContext:
        """What is known before anything is entered."""
        place = self.place
        known: dict[str, Any] = {"positions_fixed": place.positions_fixed, "place_kind": place.kind} if place else {}
        if place and place.lead_account_id:
            known["place_lead"] = {"id": place.lead_account_id}
        principal = self.reader.principal
        return FillContext(
            now=self.now, account_id=principal.account_id, account_name=principal.name,
            organisation_type=self.organisation.type, defaults=known,
        )  # fmt: skip

    def beginning(self) -> Flat:
        """What the inputs begin with."""
        values: dict[str, Any] = defaults_of(self.view, self.context())
        if self.place:
            values["place"] = self.place.id
        return flatten_view(self.view, values)

    def directory(self, members: list[MemberView]) -> Directory:
        """What can be chosen."""
        roles = sorted({role for roles in self.reader.principal.memberships.values() for role in roles})
        staff = organisations.candidates(
            self.reader.connection, self.organisation.id, [*roles, *STAFF], now=self.reader.now
        )
        return Directory(
            persons=tuple(Choice(each.id, each.name) for each in members),
            accounts=tuple(Choice(each.account_id, each.name) for each in staff),
            places=tuple(Choice(each.id, each.name) for each in self.places),
            organisations=tuple(Choice(each, name) for each, name in self.reader.organisation_names.items()),
        )

    def members(self) -> list[MemberView]:
        """The class list of the place, for those of the organisation only."""
        subject = organisations.subject(self.reader.connection, self.organisation.id)
        if self.place is None or not may(self.reader.principal, Action.ROSTER_READ, subject):
            return []
        return organisations.members(
            self.reader.connection, self.reader.sealer, self.organisation.id, place_id=self.place.id
        )

    def page(self, filled: Filled) -> ReportPage:
        """The view model."""
        members = self.members()
        form = FormWriter(self.view, self.context(), self.directory(members), self.visit.locale).write(filled)
        chosen = next(iter(filled.flat.get("person.id", [])), "")
        words = self.visit.words
        running = incident_pages.listing(
            self.reader, IncidentFilter("open", self.organisation.id, self.wish.procedure), limit=5
        ).items
        return ReportPage(
            heading=words.gettext("报告异常") if self.is_case else form.name,
            lead=words.gettext("先报要紧的，其余稍后补齐。") if self.is_case else "",
            procedure=self.wish.procedure,
            kind=self.wish.kind,
            organisation=self.organisation,
            organisations=self.organisations,
            places=self.places,
            place=self.place.id if self.place else "",
            pupils=tuple(Pupil(each.id, each.name, each.seat_no, each.id == chosen) for each in members),
            running=running if self.is_case else (),
            incident=self.wish.incident,
            form=form,
            following=self._following(),
            is_case=self.is_case,
        )

    def _following(self) -> tuple[Step, ...]:
        """What the diagram says comes after the report."""
        first = outlook.next_steps(self.bundle, self.bundle.entry, self.start.id)[:1]
        if not first:
            return ()
        page = next(each.id for each in self.bundle.processes.values() if first[0].id in each.nodes)
        steps = outlook.next_steps(self.bundle, page, first[0].id)
        rules = self.reader.services.deadline_rules
        started = dict.fromkeys(mark.rule for mark in first[0].deadlines if mark.act == "start" and mark.rule in rules)
        words = self.visit.words
        return (
            *(
                Step("right", self.reader.named(each), self.reader.label("role", each.role))
                for each in steps
                if each.role
            ),
            *(Step("clock", rules[rule].label(self.reader.locale), words.gettext("时限由此起算")) for rule in started),
        )


# Roles whose holders may be named as responsible for a place.
class TrainingAsking(Asking):
    """The opening form of a training (P26), which trainers arrange."""

    action = Action.DRILL_CREATE

    def choice_of_organisations(self) -> tuple[OrganisationView, ...]:
        """Where the reader is trainer."""
        here = sorted(each for each, roles in self.reader.principal.memberships.items() if TRAINER in roles)
        return tuple(organisations.organisations(self.reader.connection, here))


def _asking(reader: Reader, visit: Visit, wish: Wish) -> Asking:
    return (TrainingAsking if wish.procedure == TRAINING else Asking)(reader, visit, wish)


STAFF = ("place_lead", "subject_teacher", "head_teacher", "epi_office", "school_doctor", "inst_safety")


def _mine(reader: Reader) -> tuple[OrganisationView, ...]:
    """Organisations the reader works in and may open an incident for."""
    if not may_report(reader):
        return ()
    found = organisations.organisations(reader.connection, list(reader.principal.memberships))
    return tuple(
        each for each in found
        if may(reader.principal, Action.INCIDENT_OPEN, organisations.subject(reader.connection, each.id))
    )  # fmt: skip
