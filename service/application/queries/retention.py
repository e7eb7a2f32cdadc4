"""What falls due when, what a run would erase and what stays, and the certificate of what it did."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application import erasing, retention
from service.application.document_values import Grid
from service.application.documents import Document, DocumentLibrary, DocumentMeta, Section
from service.application.queries.audit import organisations_of, persons_of_rows
from service.application.queries.reader import Reader, incidents
from service.application.retention import ClassPlan, IncidentPlan
from service.domain.access import Action
from service.domain.calendar import SHANGHAI
from service.domain.errors import NoSuch
from service.domain.fields import FieldClass
from service.domain.policy_words import in_words
from service.persistence.tables import sql

MOST = 200  # incidents of the list
ENDED = (retention.GONE, retention.NOTHING)
_SEVERITY = (retention.HELD, retention.DUE, retention.OPEN, retention.LATER, retention.GONE, retention.NOTHING)


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class of one subject, or of a whole incident: then the state that asks for most, and the first due time."""

    field_class: str
    name: str
    state: str
    state_name: str
    due: datetime | None
    since: datetime | None
    start_name: str
    rule: str
    value: str


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """A person, named as lists name him, or what is about nobody in particular ("")."""

    person: str
    name: str
    classes: tuple[ClassRow, ...]


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold that stands."""

    id: str
    person_name: str
    set_at: datetime
    set_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class RetentionRow:
    """An incident with its classes; `is_due`: something may be erased now."""

    id: str
    number: str
    organisation: str
    organisation_name: str
    closed_at: datetime | None
    classes: tuple[ClassRow, ...]
    is_due: bool
    subjects: tuple[SubjectRow, ...]
    holds: tuple[HoldRow, ...]
    files: int


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item of a run."""

    incident: str
    number: str
    state: str
    state_name: str
    classes: tuple[ClassRow, ...]
    persons: tuple[str, ...]
    gone: Mapping[str, int]
    seq: int
    hash: str
    refused: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run, as far as it is; `sha256` is that of the certificate, "" while it runs."""

    id: str
    organisation_name: str
    started_by: str
    started_at: datetime
    ended_at: datetime | None
    is_request: bool
    done: int
    items: tuple[ItemRow, ...]
    sha256: str


def listed(reader: Reader) -> tuple[RetentionRow, ...]:
    """Closed incidents of which something still stands, the first to fall due first. Raises NotAllowed."""
    scope = organisations_of(reader, Action.DATA_ERASE)
    statement = select(incidents).where(incidents.c.closed_at.is_not(None))
    if scope is not None:
        statement = statement.where(incidents.c.organisation_id.in_(sorted(scope)))
    found = [_row(reader, row) for row in reader.rows(statement.order_by(incidents.c.closed_at).limit(MOST))]
    standing = [each for each in found if any(one.state not in ENDED for one in each.classes)]
    return tuple(
        sorted(standing, key=lambda each: (not each.is_due, min(filter(None, _dues(each)), default=reader.now)))
    )


def incident(reader: Reader, incident_id: str, person: str = "") -> RetentionRow:
    """One incident, person by person, or for one person alone. Raises NoSuch, NotAllowed."""
    scope = organisations_of(reader, Action.DATA_ERASE)
    row = next(iter(reader.rows(select(incidents).where(incidents.c.id == incident_id))), None)
    if row is None or (scope is not None and row["organisation_id"] not in scope):
        raise NoSuch("incident", incident_id)
    return _row(reader, row, is_whole=True, person=person)


def runs(reader: Reader, limit: int = 10) -> tuple[RunRow, ...]:
    """The runs that were begun last. Raises NotAllowed."""
    scope = organisations_of(reader, Action.DATA_ERASE)
    table = sql.erasure_runs
    statement = select(table).order_by(table.c.started_at.desc()).limit(limit)
    if scope is not None:
        statement = statement.where(table.c.organisation_id.in_(sorted(scope)))
    return tuple(_run(reader, row) for row in reader.rows(statement))


def run(reader: Reader, run_id: str) -> RunRow:
    """One of them. Raises NoSuch, NotAllowed."""
    scope = organisations_of(reader, Action.DATA_ERASE)
    row = next(iter(reader.rows(select(sql.erasure_runs).where(sql.erasure_runs.c.id == run_id))), None)
    if row is None or (scope is not None and row["organisation_id"] not in scope):
        raise NoSuch("run", run_id)
    return _run(reader, row)


def certificate(reader: Reader, library: DocumentLibrary, found: RunRow) -> Document:
    """What was erased when under which rule, as a document with the hash that stands in the log."""
    pick, locale = reader.pick, "en" if reader.locale.startswith("en") else "zh"
    asked, over = pick("本人申请", "request of the person"), pick("保存期满", "end of the retention time")
    method = pick(
        "销毁加密密钥；附件覆盖后删除；草稿、应答副本一并删除。记录链不变，仍可校验。",
        "The keys were destroyed, files overwritten and deleted, drafts and kept answers deleted. The chain of the log "
        "is unchanged and still verifies.",
    )
    head = (
        (pick("依据", "Basis"), asked if found.is_request else over),
        (pick("执行", "Done by"), f"{found.started_by} · {_day(found.started_at)} – {_day(found.ended_at)}"),
        (pick("方式", "Method"), method),
    )
    sections = [Section(pick("说明", "What this is"), table=head)]
    for each in found.items:
        title = pick(f"事件 {each.number}", f"Incident {each.number}")
        if each.refused:
            sections.append(Section(title, paragraphs=(each.refused,)))
            continue
        columns = pick("类别,保存期,起算,到期", "class,kept for,counts from,due").split(",")
        rows = [(one.name, one.value, f"{one.start_name} {_day(one.since)}", _day(one.due)) for one in each.classes]
        persons = (pick("人员", "Persons"), pick("、", ", ").join(each.persons) or pick("无", "none"))
        counts = (pick("附件", "Files"), str(each.gone.get("files", 0)))
        entry = (pick("记录", "Event"), f"{each.seq} · {each.hash}")
        sections.append(
            Section(title, table=(persons, counts, entry), grid=Grid(tuple(columns), tuple(rows), (3, 1, 3, 2)))
        )
    sections.append(Section(pick("校验", "Proof"), table=((pick("证明哈希", "Hash"), found.sha256),)))
    meta = DocumentMeta(found.organisation_name, found.ended_at or reader.now, drafter=found.started_by)
    title = pick("信息删除证明", "Certificate of erasure")
    return library.plain("erasure", title, meta=meta, sections=sections, locale=locale)


# --- inside -----------------------------------------------------------------------------------


def _row(reader: Reader, row: Mapping[str, Any], *, is_whole: bool = False, person: str = "") -> RetentionRow:
    plan = retention.plan(reader.connection, reader.services, row, reader.now)
    classes = tuple(_class(reader, each) for each in _summed(plan))
    files = sql.attachments
    count = len(reader.rows(select(files.c.id).where(files.c.incident_id == row["id"], files.c.name != "")))
    return RetentionRow(
        row["id"], row["number"], row["organisation_id"], reader.organisation_names.get(row["organisation_id"], ""),
        row["closed_at"], classes, any(each.state == retention.DUE for each in plan.of(person)),
        _subjects(reader, plan, person) if is_whole else (), _holds(reader, plan) if is_whole else (), count,
    )  # fmt: skip


def _summed(plan: IncidentPlan) -> list[ClassPlan]:
    """Per class the plan of the subject that asks for most."""
    found: dict[str, ClassPlan] = {}
    for each in plan.of():
        known = found.get(each.field_class)
        rank = (_SEVERITY.index(each.state), each.due or plan.incident["opened_at"])
        if known is None or rank < (_SEVERITY.index(known.state), known.due or plan.incident["opened_at"]):
            found[each.field_class] = each
    return list(found.values())


def _class(reader: Reader, plan: ClassPlan) -> ClassRow:
    entry = reader.services.policies.entry(plan.rule)
    return ClassRow(
        plan.field_class.value, reader.label("retention_class", plan.field_class), plan.state,
        reader.label("retention_state", plan.state), plan.due, plan.since, reader.label("retention_start", plan.start),
        entry.label(reader.locale), in_words(entry, plan.value, reader.locale),
    )  # fmt: skip


def _subjects(reader: Reader, plan: IncidentPlan, person: str) -> tuple[SubjectRow, ...]:
    known = dict(persons_of_rows(reader, str(plan.incident["id"])))
    if person and person not in known:
        raise NoSuch("person", person)
    nobody = reader.pick("事件整体（不属于某一个人）", "the incident as a whole")
    return tuple(
        SubjectRow(each.person, known.get(each.person, nobody), tuple(_class(reader, one) for one in each.classes))
        for each in plan.subjects
        if person in ("", each.person) and any(one.state != retention.NOTHING for one in each.classes)
    )


def _holds(reader: Reader, plan: IncidentPlan) -> tuple[HoldRow, ...]:
    known = dict(persons_of_rows(reader, str(plan.incident["id"])))
    people = reader.account_names({hold["set_by"] for hold in plan.holds})
    found = []
    for hold in plan.holds:
        opened = reader.sealer.open_text(reader.connection, hold["sealed"])
        reason = next((str(each.get("reason", "")) for each in opened.values()), "")
        found.append(
            HoldRow(
                hold["id"], known.get(hold["person_id"], ""), hold["set_at"], people.get(hold["set_by"], ""), reason
            )
        )
    return tuple(found)


def _dues(row: RetentionRow) -> list[datetime | None]:
    return [each.due for each in row.classes if each.state not in ENDED]


def _run(reader: Reader, row: Mapping[str, Any]) -> RunRow:
    table = sql.erasure_items
    found = reader.rows(select(table).where(table.c.run_id == row["id"]).order_by(table.c.position))
    people = reader.account_names({row["started_by"]})
    return RunRow(
        row["id"], reader.organisation_names.get(row["organisation_id"], ""),
        people.get(row["started_by"], row["started_by"]), row["started_at"], row["ended_at"],
        row["basis"] == erasing.REQUEST, sum(each["state"] in (erasing.ERASED, erasing.REFUSED) for each in found),
        tuple(_item(reader, each) for each in found),
        erasing.certificate_hash(reader.connection, row["id"]) if row["ended_at"] else "",
    )  # fmt: skip


def _item(reader: Reader, row: Mapping[str, Any]) -> ItemRow:
    detail = row["detail"]
    numbers = reader.rows(select(incidents.c.number).where(incidents.c.id == row["incident_id"]))
    classes = tuple(
        _class(reader, ClassPlan(
            FieldClass(name), retention.GONE, said["rule"], said["value"], said["start"],
            datetime.fromisoformat(said["since"]), datetime.fromisoformat(said["due"]), (),
        ))
        for name, said in sorted(row["due"].items())
    )  # fmt: skip
    codes = detail.get("codes", {})
    refused = detail.get("refused", {}).get("en" if reader.locale.startswith("en") else "zh", "")
    return ItemRow(
        row["incident_id"], numbers[0]["number"] if numbers else "", row["state"],
        reader.label("erasure_state", row["state"]), classes,
        tuple(reader.person_code(code) for code in sorted(filter(None, codes.values()))), detail.get("gone", {}),
        detail.get("seq", 0), detail.get("hash", ""), refused,
    )  # fmt: skip


def _day(at: datetime | None) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if at else ""
