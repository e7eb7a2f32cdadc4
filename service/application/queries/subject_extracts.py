"""Everything stored about one person, for that person: from all incidents the data-protection contact may read.

The same person is whoever has the same identity number, or the same name and the same phone: fewer would give one
person the data of another. Other persons stay masked in it, for their data are not the person's own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application import organisations
from service.application.document_values import Grid
from service.application.documents import Document, DocumentLibrary, DocumentMeta, Section
from service.application.queries import names
from service.application.queries.reader import Reader, incidents
from service.domain.access import Action, OrganisationSubject, may
from service.domain.blind_index import normal
from service.domain.calendar import SHANGHAI
from service.domain.errors import NoSuch
from service.domain.forms import Field
from service.persistence.tables import sql

BLOCK_VIEW = "F01#quick"  # where the parts of a person have their names
PHONES = ("phone", "guardian_phone")
LISTS = (
    ("密接名单", "Contact lists"),
    ("名单,状态,管控方式,观察起止,所属单位", "list,state,observation,from and until,organisation"),
)
DOCUMENTS = (
    ("写有本人的文书和报告", "Documents that name the person"),
    ("文书,编号,发出,种类", "document,number,sent,kind"),
)
LOOKS = (("谁看过、带出过", "Who saw it or took it out"), ("时间,账号,内容", "time,account,what"))


@dataclass(frozen=True, slots=True)
class Part:
    """A heading with lines of (name, value), and rows under column heads."""

    heading: str
    lines: tuple[tuple[str, str], ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Extract:
    """What there is: of which persons (one in each incident), in which incidents, part by part."""

    name: str
    persons: tuple[str, ...]
    incidents: tuple[str, ...]
    organisation: str
    parts: tuple[Part, ...]

    def as_data(self, mark: str) -> dict[str, Any]:
        """The same for a program."""
        return {
            "name": self.name, "made": mark, "incidents": list(self.incidents),
            "parts": [
                {"heading": each.heading, "values": dict(each.lines), "columns": list(each.head),
                 "rows": [list(row) for row in each.rows]}
                for each in self.parts
            ],
        }  # fmt: skip


def extract(reader: Reader, incident: str, person: str) -> Extract:
    """Everything about a person of an incident. Raises NoSuch, NotAllowed."""
    first = reader.incident(incident, Action.DATA_EXTRACT)
    asked = [row for row in _persons(reader, {person}) if row["incident_id"] == incident]
    if not asked:
        raise NoSuch("person", person)
    own = names.opened(reader, {person: asked[0]["sealed"]})[person]
    alike = _persons(reader, _alike(reader, own) | {person})
    identity = names.opened(reader, {row["id"]: row["sealed"] for row in alike})
    rows = [row for row in alike if row["id"] == person or is_same(own, identity[row["id"]])]
    parts: list[Part] = []
    for row in rows:
        parts += _of_incident(reader, row, identity[row["id"]])
    parts += _of_rosters(reader, first["organisation_id"], own)
    return Extract(
        str(own.get("name", "")), tuple(row["id"] for row in rows),
        tuple(dict.fromkeys(row["incident_id"] for row in rows)),
        reader.organisation_names[first["organisation_id"]], tuple(parts),
    )  # fmt: skip


def document(reader: Reader, library: DocumentLibrary, found: Extract) -> Document:
    """The extract to read and print."""
    sections = [
        Section(each.heading, table=each.lines, grid=Grid(each.head, each.rows, (2, *(3,) * (len(each.head) - 1))))
        if each.rows
        else Section(each.heading, table=each.lines)
        for each in found.parts
    ]
    meta = DocumentMeta(found.organisation, reader.now, drafter=reader.principal.name)
    title = reader.pick("个人信息摘录", "Extract of personal data")
    return library.plain("extract", title, meta=meta, sections=sections, locale=reader.locale)


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two identity blocks are one person's."""
    ids = [normal("id_no", str(each.get("id_no") or "")) for each in (one, other)]
    if all(ids):
        return ids[0] == ids[1]
    named = [normal("name", str(each.get("name") or "")) for each in (one, other)]
    phones = [{normal("phone", str(each.get(part) or "")) for part in PHONES} - {""} for each in (one, other)]
    return bool(named[0]) and named[0] == named[1] and bool(phones[0] & phones[1])


# --- inside -----------------------------------------------------------------------------------


def _alike(reader: Reader, identity: Mapping[str, Any]) -> set[str]:
    """Persons of any incident with a name, phone or number of these, by the index; who is the same is said later."""
    index = sql.person_index.c
    digests = sorted(reader.services.index.digests(identity))
    return {row["person_id"] for row in reader.rows(select(index.person_id).where(index.digest.in_(digests)))}


def _persons(reader: Reader, wanted: set[str]) -> list[dict[str, Any]]:
    """Those of some persons that are in real incidents the reader may take extracts of, oldest first."""
    persons = sql.persons
    joined = persons.join(incidents, incidents.c.id == persons.c.incident_id)
    columns = (persons, incidents.c.number, incidents.c.kind.label("incident_kind"), incidents.c.opened_at)
    owner = incidents.c.organisation_id.label("owner")
    statement = select(*columns, owner).select_from(joined).where(
        incidents.c.kind != "drill", reader.in_scope, persons.c.id.in_(sorted(wanted))
    )  # fmt: skip
    rows = reader.rows(statement.order_by(incidents.c.opened_at, persons.c.id))
    mine = {each for each in {row["owner"] for row in rows} if _may(reader, each)}
    return [row for row in rows if row["owner"] in mine]


def _may(reader: Reader, organisation: str) -> bool:
    return may(reader.principal, Action.DATA_EXTRACT, OrganisationSubject(organisation))


def _of_incident(reader: Reader, row: Mapping[str, Any], identity: Mapping[str, Any]) -> Iterator[Part]:
    title = reader.pick(f"事件 {row['number']}", f"Incident {row['number']}")
    field = reader.services.forms.view(BLOCK_VIEW).field("person")
    known = {part.key: part for part in (field.parts if field else ())}
    head = (
        (reader.pick("单位", "Organisation"), reader.organisation_names[row["owner"]]),
        (reader.pick("编号", "Code"), reader.person_code(row["code"])),
        (reader.pick("身份", "Registered as"), reader.label("person_kind", row["kind"])),
        (reader.pick("登记时间", "Registered"), _time(row["registered_at"])),
    )
    block = tuple(_lines(reader, known, identity))
    yield Part(title, (*head, *block))
    yield from _answers(reader, row["incident_id"], row["id"], row["number"])
    for (heading, columns), rows in (
        (LISTS, _lists(reader, row["id"])), (DOCUMENTS, _documents(reader, row["incident_id"], row["id"])),
        (LOOKS, _looks(reader, row["incident_id"], row["id"])),
    ):  # fmt: skip
        if rows:
            yield Part(f"{row['number']} · {reader.pick(*heading)}", (), tuple(reader.pick(*columns).split(",")), rows)


def _answers(reader: Reader, incident: str, person: str, number: str) -> Iterator[Part]:
    table = sql.records.c
    mine = (table.incident_id == incident) & (table.person_id == person)
    for row in reader.rows(select(sql.records).where(mine).order_by(table.at, table.id)):
        key, values = f"{row['form']}#{row['view']}", dict(row["data"])
        for part in reader.sealer.open_text(reader.connection, row["sealed"]).values():
            values.update(part)
        if not reader.services.forms.has(key):
            continue
        view = reader.services.forms.view(key)
        revoked = reader.pick("（已撤销）", " (revoked)") if row["is_revoked"] else ""
        lines = tuple(_lines(reader, {each.key: each for each in view.fields}, values))
        if lines:
            yield Part(f"{number} · {view.name.of(reader.locale)} · {_time(row['at'])}{revoked}", lines)


def _lists(reader: Reader, person: str) -> tuple[tuple[str, ...], ...]:
    table = sql.contacts.c
    rows = reader.rows(select(sql.contacts).where(table.person_id == person).order_by(table.registered_at))
    return tuple(
        (
            reader.label("contact_stage", row["stage"]),
            reader.label("contact_status", row["status"]) if row["status"] else "",
            reader.label("quarantine_mode", row["mode"]) if row["mode"] else "",
            " – ".join(_time(each) for each in (row["observed_from"], row["observed_until"]) if each),
            reader.organisation_names.get(row["other_org"], row["other_org"]),
        )
        for row in rows
    )  # fmt: skip


def _documents(reader: Reader, incident: str, person: str) -> tuple[tuple[str, ...], ...]:
    table = sql.reports.c
    rows = reader.rows(select(sql.reports).where(table.incident_id == incident).order_by(table.drafted_at, table.id))
    return tuple(
        (row["document"], row["number"], _time(row["sent_at"]), reader.label("report_kind", row["kind"]))
        for row in rows
        if person in row["persons"]
    )


def _looks(reader: Reader, incident: str, person: str) -> tuple[tuple[str, ...], ...]:
    log = sql.events.c
    kinds = ("person_revealed", "export_made")
    rows = reader.rows(select(sql.events).where(log.stream == incident, log.type.in_(kinds)).order_by(log.seq))
    found = [row for row in rows if row["data"].get("person") == person or person in row["data"].get("persons", [])]
    people = reader.account_names({row["actor"] for row in found})
    return tuple(
        (_time(row["real_at"]), people.get(row["actor"], row["actor"]), _looked(reader, row["data"])) for row in found
    )


def _looked(reader: Reader, data: Mapping[str, Any]) -> str:
    if "person" in data:
        shown = [reader.label("reveal_field", each) for each in data["fields"]]
        return reader.pick("显示：", "shown: ") + reader.pick("、", ", ").join(shown)
    kind, purpose = reader.label("export_kind", data["kind"]), reader.label("export_purpose", data["purpose"])
    return reader.pick("导出：", "taken out: ") + f"{kind} · {purpose} · {data['sha256'][:12]}"


def _of_rosters(reader: Reader, organisation: str, identity: Mapping[str, Any]) -> Iterator[Part]:
    for each in organisations.members(reader.connection, reader.sealer, organisation, place_id=None):
        if is_same(identity, each.values):
            head = (
                (reader.pick("单位", "Organisation"), reader.organisation_names[organisation]),
                (reader.pick("人员", "Registered as"), reader.label("roster_type", each.person_type)),
                (reader.pick("座位", "Seat"), each.seat_no),
            )
            field = reader.services.forms.view(BLOCK_VIEW).field("person")
            known = {part.key: part for part in (field.parts if field else ())}
            yield Part(reader.pick("名册", "Roster"), (*head, *_lines(reader, known, each.values)))


def _lines(reader: Reader, fields: Mapping[str, Field], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if value in (None, "", [], {}) or key == "person":
            continue
        field = fields.get(key)
        if field is not None:  # what no view of today asks has no name; it is counted nowhere else either
            yield field.label.of(reader.locale), _text(reader, field, value)


def _text(reader: Reader, field: Field, value: Any) -> str:
    if isinstance(value, bool):
        return reader.pick("是", "yes") if value else reader.pick("否", "no")
    if field.item is not None or field.parts or field.type == "person":
        count = len(value) if isinstance(value, list) else 1
        return reader.pick(f"{count} 项（可能涉及他人，未摘录）", f"{count} (may be about others, left out)")
    if isinstance(value, list):
        return reader.pick("、", ", ").join(_text(reader, field, each) for each in value)
    if isinstance(value, Mapping):
        return str(value["name"]) if "sha256" in value else _place(reader, str(value.get("id") or ""))
    options = {each.value: each.label.of(reader.locale) for each in field.options}
    text = str(value)
    try:
        return options.get(text) or (_time(datetime.fromisoformat(text)) if "T" in text else _place(reader, text))
    except ValueError:
        return text


def _place(reader: Reader, text: str) -> str:
    return reader.organisation_names.get(text) or reader.place_names([text]).get(text, text)


def _time(at: datetime | None) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if at else ""
