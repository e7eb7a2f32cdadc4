"""Places of an incident and what happened there: found, isolated, met, disinfected, asked to come forward."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application.queries.grounds import needed_persons
from service.application.queries.reader import Reader
from service.domain.access import Action
from service.domain.field_access import may_see_field
from service.domain.form_context import as_instant
from service.persistence.tables import sql

# The step an F15 record answers -> the state of its places afterwards.
_AFTER = {"places": "marked", "seal": "sealed", "work": "working", "clear": "cleared"}


@dataclass(frozen=True, slots=True)
class PlaceUse:
    """Something that happened at a place.

    `kind` is found, isolation, contact, disinfection or screening; `state` of a disinfection is waiting,
    working, checking, failed or done, of a screening waiting or done, else "".
    """

    kind: str
    label: str
    at: datetime | None
    until: datetime | None
    state: str
    state_label: str
    detail: str
    source: str


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A place the incident touches, with the persons registered from it; a place in words has no id."""

    id: str
    name: str
    kind: str
    is_origin: bool
    persons: int
    uses: tuple[PlaceUse, ...]


@dataclass(frozen=True, slots=True)
class PlaceList:
    """Places, where it began first. `hidden` contact places are told to nobody without a task that needs them."""

    items: tuple[PlaceRow, ...]
    hidden: int


def exposures(reader: Reader, incident: str) -> PlaceList:
    """The places of an incident. Raises NoSuch for who may not see it."""
    row = reader.incident(incident)
    found = _Found(reader, row)
    for record in found.records:
        for collect in _COLLECT.get(record["form"], ()):
            collect(found, record)
    found.close_meetings()
    found.close_disinfections()
    return PlaceList(tuple(found.rows()), found.hidden)


# --- inside -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Meeting:
    """One contact at a place."""

    scene: str
    first: datetime | None
    last: datetime | None
    record: Mapping[str, Any]


@dataclass(slots=True)
class _Cleaning:
    """One disinfection, as far as its records tell; `state` is the step done last."""

    record: Mapping[str, Any]
    places: Sequence[str] = ()
    scope: str = "spot"
    state: str = "marked"
    since: datetime | None = None
    until: datetime | None = None
    result: str = ""


class _Found:
    """What the records of one incident say about places."""

    def __init__(self, reader: Reader, row: Mapping[str, Any]) -> None:
        self.reader = reader
        self.incident = row
        self.hidden = 0
        records = sql.records
        mine = (records.c.incident_id == row["id"]) & records.c.is_revoked.is_(False)
        wanted = records.c.form.in_((*_COLLECT, "F00"))
        self.records = reader.rows(select(records).where(mine, wanted).order_by(records.c.at, records.c.id))
        places = reader.rows(select(sql.places).where(sql.places.c.organisation_id == row["organisation_id"]))
        self.known = {each["id"]: each for each in places}
        self.uses: dict[str, list[PlaceUse]] = {}
        self.cleaning: dict[str, _Cleaning] = {}
        self.met: dict[str, list[_Meeting]] = {}
        self.may_see_contacts = self._may_see_contacts()

    def _may_see_contacts(self) -> bool:
        """Where contacts met is told while a task needs their persons: the tab is opened for it on purpose."""
        if not self.reader.may_with(Action.PEOPLE_READ, self.incident):
            return False
        has_task = bool(needed_persons(self.reader, [self.incident["id"]]))
        return may_see_field(self.reader.principal, "child_critical", has_open_task=has_task, is_revealed=True)

    def add(self, place: str, use: PlaceUse) -> None:
        """A use of a place, named by id or in words."""
        if place:
            self.uses.setdefault(self._key(place), []).append(use)

    def _key(self, place: str) -> str:
        same = (each["id"] for each in self.known.values() if each["name"] == place)
        return place if place in self.known else next(same, place)

    def _in_words(self, place: str) -> str:
        """Places that are options of a form have a word in both languages."""
        word = self.word("F15", "place_list", place)
        return word if word != place else self.word("F01", "escorted_to", place)

    def form_name(self, record: Mapping[str, Any]) -> str:
        """The view a record answers, in words."""
        forms, key = self.reader.services.forms, f"{record['form']}#{record['view']}"
        return forms.view(key).name.of(self.reader.locale) if forms.has(key) else key

    def word(self, form: str, field: str, value: str) -> str:
        """The word for a value of a field."""
        options = self.reader.services.forms.form(form).fields[field].options
        return next((each.label.of(self.reader.locale) for each in options if each.value == value), value)

    def use(self, record: Mapping[str, Any], kind: str, **more: Any) -> PlaceUse:
        """A use that a record speaks of."""
        labels = _LABELS[kind]
        given = {"at": record["at"], "until": None, "state": "", "state_label": "", "detail": "", **more}
        return PlaceUse(kind=kind, label=self.reader.pick(*labels), source=self.form_name(record), **given)

    def close_disinfections(self) -> None:
        """One use per place of each disinfection, as far as it has come."""
        for each in self.cleaning.values():
            state = _cleaning_state(each)
            words = self.reader.pick(*(_FINISHED if state == "done" and each.scope != "terminal" else _STATES[state]))
            use = self.use(
                each.record, "disinfection", at=each.since or each.record["at"], until=each.until, state=state,
                state_label=words, detail=self.word("F15", "scope", each.scope),
            )  # fmt: skip
            for place in each.places:
                self.add(place, use)

    def close_meetings(self) -> None:
        """One use per place where contacts met: how many, in which scenes, from when until when."""
        for place, meetings in self.met.items():
            people = self.reader.pick(f"{len(meetings)} 人", f"{len(meetings)} persons")
            scenes = dict.fromkeys(self.word("F12", "contact_scene", each.scene) for each in meetings if each.scene)
            use = self.use(
                meetings[-1].record, "contact", at=min(filter(None, (each.first for each in meetings)), default=None),
                until=max(filter(None, (each.last for each in meetings)), default=None),
                detail=" · ".join((people, *scenes)),
            )  # fmt: skip
            self.add(place, use)

    def rows(self) -> Iterable[PlaceRow]:
        """Every place with a use or a person, where it began first."""
        persons = sql.persons
        live = (persons.c.incident_id == self.incident["id"]) & persons.c.is_revoked.is_(False)
        units = [each["org_unit"] for each in self.reader.rows(select(persons.c.org_unit).where(live))]
        origin = self._key(self.incident["place"])
        keys = [origin, *sorted({*self.uses, *(unit for unit in units if unit in self.known)} - {origin})]
        for key in keys:
            known = self.known.get(key, {})
            row = PlaceRow(
                id=key if known else "", name=known.get("name") or self._in_words(key), kind=known.get("kind", ""),
                is_origin=key == origin, persons=units.count(key), uses=tuple(self.uses.get(key, ())),
            )  # fmt: skip
            if key and (row.uses or row.persons or row.is_origin):
                yield row


def _found_at(found: _Found, record: Mapping[str, Any]) -> None:
    data = record["data"]
    if data.get("place"):
        found.add(str(data["place"]), found.use(record, "found", at=as_instant(data.get("found_at")) or record["at"]))
    if data.get("escorted_to"):
        found.add(str(data["escorted_to"]), found.use(record, "isolation"))


def _isolated(found: _Found, record: Mapping[str, Any]) -> None:
    if record["data"].get("room_no"):
        found.add(str(record["data"]["room_no"]), found.use(record, "isolation"))


def _met(found: _Found, record: Mapping[str, Any]) -> None:
    parts = found.reader.sealer.open_text(found.reader.connection, record["sealed"])
    values = {key: value for part in parts.values() for key, value in part.items()}
    if not values.get("contact_place"):
        return
    if not found.may_see_contacts:
        found.hidden += 1
        return
    last = as_instant(values.get("last_contact"))
    first = as_instant(values.get("first_contact")) or last
    meeting = _Meeting(str(values.get("contact_scene") or ""), first, last, record)
    found.met.setdefault(str(values["contact_place"]), []).append(meeting)


def _disinfected(found: _Found, record: Mapping[str, Any]) -> None:
    """A disinfection is the records of one instance; one that was not accepted begins again."""
    data = record["data"]
    each = found.cleaning.setdefault(record["instance_id"], _Cleaning(record))
    each.record = record
    each.places = data.get("place_list") or each.places
    each.scope = data.get("scope") or each.scope
    each.state = _AFTER.get(record["view"], each.state)
    each.since = as_instant(data.get("start_at")) or each.since
    each.until = as_instant(data.get("accepted_at")) or as_instant(data.get("end_at")) or each.until
    each.result = data.get("accept_result") or ("" if record["view"] == "work" else each.result)


def _cleaning_state(each: _Cleaning) -> str:
    if each.result:
        return "done" if each.result == "合格" else "failed"
    if each.state == "cleared":
        return "checking" if each.scope == "terminal" else "done"
    return "working" if each.state == "working" else "waiting"


def _screened(found: _Found, record: Mapping[str, Any]) -> None:
    data = record["data"]
    period = data.get("time_range") or {}
    signed = any(
        each["form"] == "F00" and each["instance_id"] == record["instance_id"] and each["at"] >= record["at"]
        and each["data"].get("sign_decision") == "签发"
        for each in found.records
    )  # fmt: skip
    state = "done" if signed else "waiting"
    words = ("已发布", "published") if signed else ("待签发", "to be signed")
    for audience in data.get("audience") or []:
        unit = str(audience.get("id", ""))
        place = unit if unit in found.known else found.reader.organisation_names.get(unit, unit)
        found.add(
            place,
            found.use(
                record, "screening", at=as_instant(period.get("from")), until=as_instant(period.get("to")),
                state=state, state_label=found.reader.pick(*words), detail=str(data.get("title") or ""),
            ),
        )  # fmt: skip


_COLLECT: Mapping[str, tuple[Callable[[_Found, Mapping[str, Any]], None], ...]] = {
    "F01": (_found_at,), "F03": (_isolated,), "F12": (_met,), "F13": (_screened,), "F15": (_disinfected,),
}  # fmt: skip
_LABELS = {
    "found": ("发现地点", "found here"),
    "isolation": ("留观隔离", "kept apart here"),
    "contact": ("接触地点", "contact here"),
    "disinfection": ("消毒", "disinfection"),
    "screening": ("排查通告", "screening notice"),
}
_STATES = {
    "waiting": ("待消毒", "to be disinfected"),
    "working": ("消毒中", "being disinfected"),
    "checking": ("待验收", "to be accepted"),
    "failed": ("不合格，需重做", "failed, to be done again"),
    "done": ("已验收", "accepted"),
}
_FINISHED = ("已完成", "finished")
