"""The timeline: events as sentences, two kinds by default with the milestones of the others."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, or_, select, true

from service.application.queries import cursors, inject_names, names
from service.application.queries.drills import drill_row
from service.application.queries.reader import Reader, tasks
from service.application.queries.recipients import recipient_name
from service.application.queries.summaries import DEFAULT_KINDS, KINDS, Known, reference, sentences, summary
from service.domain.access import Action
from service.persistence import tables as t

events = t.table_of(t.EventRow)
persons = t.table_of(t.Person)
reports = t.table_of(t.Report)
deliveries = t.table_of(t.Delivery)

PERSON_KEYS = ("person", "persons", "case")
NOTES = frozenset({"note_added", "drill_noted", "drill_noted_privately"})
PRIVATE = "drill_noted_privately"  # for whoever controls the drill
FED, MOST_FED = ("assessment", "curated", "participant"), 12  # kinds and number of entries of the live feed


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One event. `at` is the incident's time of what happened, `real_at` when it was recorded.

    `happened_at` differs from `at` for late entries (a note, a task done before it was keyed in). `recorded_at` is
    what it is compared with: real time, in a drill the time of the drill.
    """

    seq: int
    type: str
    kind: str
    is_milestone: bool
    at: datetime
    happened_at: datetime
    real_at: datetime
    recorded_at: datetime
    actor: str
    actor_name: str
    role: str
    role_label: str
    on_behalf_of: str
    on_behalf_label: str
    instance: str
    procedure: str
    element: str
    summary: str
    text: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of events; `hidden` counts by kind what the choice of kinds leaves out."""

    entries: tuple[TimelineEntry, ...]
    hidden: Mapping[str, int]
    next: str
    last_seq: int


def all_events(reader: Reader, incident: str, *, after: int = 0, limit: int = cursors.LIMIT) -> Timeline:
    """Every event after a seq, oldest first; `next` is the seq to go on after."""
    reader.incident(incident)
    limit = cursors.clamp(limit)
    statement = select(events).where(events.c.stream == incident, events.c.seq > after, _is_for(reader, incident))
    found = reader.rows(statement.order_by(events.c.seq).limit(limit + 1))
    entries = _entries(reader, found[:limit])
    return Timeline(entries, {}, str(entries[-1].seq) if len(found) > limit else "", _last_seq(reader, incident))


def timeline(
    reader: Reader, incident: str, *, kinds: Iterable[str] = DEFAULT_KINDS, before: int = 0, limit: int = 100,
    person: str = "", without: Collection[str] = (),
) -> Timeline:  # fmt: skip
    """The newest events of some kinds with all milestones, newest first; `next` is the seq to go on before.

    `without` are types that are left out all the same.

    With a person: only what names him or happened in an instance of his; raises NotAllowed for who may not
    read about people.
    """
    reader.incident(incident, Action.PEOPLE_READ if person else Action.INCIDENT_READ)
    limit, wanted = cursors.clamp(limit), set(kinds)
    told = {type_ for type_, each in sentences().items() if each.kind in wanted or each.is_milestone}
    shown = sorted(told.difference(without))
    statement = select(events).where(
        events.c.stream == incident, events.c.type.in_(shown), _is_for(reader, incident)
    )  # fmt: skip
    if person:
        instances = t.table_of(t.Instance)
        own = select(instances.c.id).where(instances.c.incident_id == incident, instances.c.person_id == person)
        names_him = cast(events.c.data, Text).contains(f'"{person}"', autoescape=True)
        statement = statement.where(or_(events.c.instance.in_(own), names_him))
    if before:
        statement = statement.where(events.c.seq < before)
    found = reader.rows(statement.order_by(events.c.seq.desc()).limit(limit + 1))
    entries = _entries(reader, found[:limit])
    cursor = str(entries[-1].seq) if len(found) > limit else ""
    return Timeline(entries, _hidden(reader, incident, set(shown)), cursor, _last_seq(reader, incident))


def feed(reader: Reader, incident: str, *, before: int = 0) -> Timeline:
    """What just happened, as the control room of a drill and its replay tell it; receipts are left out.

    A notice to many comes back as many.
    """
    return timeline(reader, incident, kinds=FED, before=before, limit=MOST_FED, without=("delivery_acknowledged",))


def _hidden(reader: Reader, incident: str, shown: set[str]) -> dict[str, int]:
    statement = select(events.c.type, func.count().label("n")).where(
        events.c.stream == incident, _is_for(reader, incident)
    )  # fmt: skip
    hidden = dict.fromkeys(KINDS, 0)
    for row in reader.rows(statement.group_by(events.c.type)):
        sentence = sentences().get(row["type"])
        if row["type"] not in shown:
            hidden[sentence.kind if sentence else "system"] += row["n"]
    return {kind: count for kind, count in hidden.items() if count}


def _is_for(reader: Reader, incident: str) -> ColumnElement[bool]:
    """What of the log the reader may be shown: not what trainers write for themselves, unless he is one."""
    return true() if reader.may_with(Action.DRILL_CONTROL, reader.incident(incident)) else events.c.type != PRIVATE


def _last_seq(reader: Reader, incident: str) -> int:
    heads = t.table_of(t.StreamHead)
    return reader.connection.execute(select(heads.c.seq).where(heads.c.stream == incident)).scalar() or 0


# --- one page of events ----------------------------------------------------------------------


def _entries(reader: Reader, found: list[dict[str, Any]]) -> tuple[TimelineEntry, ...]:
    known = known_of(reader, found)
    texts = _texts(reader, found)
    recorded = "at" if found and drill_row(reader, found[0]["stream"]) is not None else "real_at"
    return tuple(_entry(reader, {**row, "recorded_at": row[recorded]}, known, texts) for row in found)


def _entry(reader: Reader, row: Mapping[str, Any], known: Known, texts: Mapping[int, str]) -> TimelineEntry:
    sentence = sentences().get(row["type"])
    return TimelineEntry(
        seq=row["seq"],
        type=row["type"],
        kind=sentence.kind if sentence else "system",
        is_milestone=sentence.is_milestone if sentence else False,
        at=row["at"],
        happened_at=_happened_at(row),
        real_at=row["real_at"],
        recorded_at=row["recorded_at"],
        actor=row["actor"],
        actor_name=known.accounts.get(row["actor"], ""),
        role=row["role"],
        role_label=reader.label("role", row["role"]) if row["role"] else "",
        on_behalf_of=row["on_behalf_of"],
        on_behalf_label=reader.label("role", row["on_behalf_of"]) if row["on_behalf_of"] else "",
        instance=row["instance"],
        procedure=row["procedure"],
        element=row["element"],
        summary=summary(reader, row, known),
        text=texts.get(row["seq"], ""),
        data=row["data"],
    )


def _happened_at(row: Mapping[str, Any]) -> datetime:
    """The time an entry speaks of: that of a note, or the true time of late paper entry."""
    key = {"note_added": "happened_at", "task_completed": "done_at", "deadline_met": "met_at"}.get(row["type"])
    stated = row["data"].get(key) if key else None
    at: datetime = datetime.fromisoformat(stated) if isinstance(stated, str) and stated else row["at"]
    return at


def known_of(reader: Reader, found: list[dict[str, Any]], *, is_masked: bool = False) -> Known:
    """Everything the sentences of this page name, in one statement per table; `is_masked`: no name in full."""
    data = [row["data"] for row in found]
    assignees = {each for row in data for each in reference(row, "assignee", "accounts")}
    return Known(
        persons=_person_names(reader, _ids(data, *PERSON_KEYS), is_masked=is_masked),
        accounts=reader.account_names({row["actor"] for row in found} | assignees),
        tasks=_task_names(reader, _ids(data, "task")),
        reports=_report_names(reader, _ids(data, "report")),
        deliveries=_delivery_names(reader, _ids(data, "delivery")),
        injects=inject_names.titles(reader, found),
    )


def _ids(data: list[Mapping[str, Any]], *keys: str) -> list[str]:
    return sorted({each for row in data for each in reference(row, *keys)})


def _person_names(reader: Reader, ids: list[str], *, is_masked: bool) -> dict[str, str]:
    """List names of persons; all of them masked alike, because a timeline is a list."""
    if not ids:
        return {}
    columns = (
        persons.c.id.label("person_id"), persons.c.incident_id, persons.c.code.label("person_code"),
        persons.c.org_unit, persons.c.sealed.label("person_sealed"),
    )  # fmt: skip
    found = reader.rows(select(*columns).where(_among(persons.c.id, ids)))
    places = reader.place_names([row["org_unit"] for row in found])
    shown = names.Names(reader, found, is_masked=is_masked)
    return {row["person_id"]: shown.shown(row["person_id"], places) for row in found}


def _task_names(reader: Reader, ids: list[str]) -> dict[str, str]:
    if not ids:
        return {}
    instances = t.table_of(t.Instance)
    joined = tasks.join(instances, instances.c.id == tasks.c.instance_id)
    columns = (tasks.c.id, tasks.c.procedure, tasks.c.element, instances.c.version)
    found = reader.rows(select(*columns).select_from(joined).where(_among(tasks.c.id, ids)))
    named = {}
    for row in found:
        node = reader.node(row["procedure"], row["version"], row["element"])
        named[row["id"]] = reader.named(node, row["element"])
    return named


def _report_names(reader: Reader, ids: list[str]) -> dict[str, str]:
    found = reader.rows(select(reports.c.id, reports.c.kind).where(_among(reports.c.id, ids))) if ids else []
    return {row["id"]: reader.label("report_kind", row["kind"]) for row in found}


def _delivery_names(reader: Reader, ids: list[str]) -> dict[str, str]:
    if not ids:
        return {}
    columns = (deliveries.c.id, deliveries.c.message, deliveries.c.recipient)
    found = reader.rows(select(*columns).where(_among(deliveries.c.id, ids)))
    return {
        row["id"]: f"{reader.label('message', row['message'])} → {recipient_name(reader, row['recipient'])}"
        for row in found
    }


def _among(column: ColumnElement[str], ids: list[str]) -> ColumnElement[bool]:
    return column.in_(ids)


def _texts(reader: Reader, found: list[dict[str, Any]]) -> dict[int, str]:
    """Texts of notes, for readers who may read about the incident's people; others see that there is one."""
    notes = [row for row in found if row["type"] in NOTES]
    if not notes or not reader.may_with(Action.PEOPLE_READ, reader.incident(notes[0]["stream"])):
        return {}
    opened = {row["seq"]: reader.sealer.open_all(reader.connection, row["sealed"]) for row in notes}
    return {seq: str(part.get("text", "")) for seq, parts in opened.items() for part in parts.values()}
