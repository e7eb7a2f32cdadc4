"""Deployed procedures: the library, their pages, decision tables and opening forms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lxml import etree
from sqlalchemy import func, select

from service.application import organisations
from service.application.definitions import procedures_to_call
from service.application.queries.reader import Reader, incidents
from service.domain.errors import NoSuch
from service.domain.forms import json_schema, ui_hints
from service.engine.model import Bundle, Kind, Node, Trigger
from service.persistence import tables as t

definitions = t.table_of(t.Definition)
instances = t.table_of(t.Instance)

COLUMNS = [column for column in definitions.c if column.name != "content"]

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of a procedure; `running` counts the incidents the reader may see that go on by it."""

    version: int
    is_active: bool
    deployed_at: datetime
    deployed_by_name: str
    retired_at: datetime | None
    running: int


@dataclass(frozen=True, slots=True)
class StartForm:
    """A start event with the form of its first task; schema and ui are those of the form."""

    element: str
    name: str
    form_key: str
    form_name: str
    schema: Mapping[str, Any]
    ui: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class PageRow:
    """A process page of a procedure; `file` is what the XML is asked for by."""

    process: str
    name: str
    file: str
    steps: int


@dataclass(frozen=True, slots=True)
class DecisionLink:
    """A decision table of a procedure."""

    id: str
    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class ProcedureRow:
    """A procedure in the library; `is_startable` where somebody can open an incident with it.

    One that is retired (`is_active` false) shows the version that was in use last.
    """

    id: str
    version: int
    is_active: bool
    name: str
    name_en: str
    organisation_types: tuple[str, ...]
    is_startable: bool
    deployed_at: datetime
    deployed_by_name: str
    running: int


@dataclass(frozen=True, slots=True)
class ProcedurePage:
    """One procedure, its active or another version."""

    row: ProcedureRow
    documentation: str
    starts: tuple[StartForm, ...]
    pages: tuple[PageRow, ...]
    decisions: tuple[DecisionLink, ...]
    versions: tuple[VersionRow, ...]


def listing(reader: Reader, *, retired: bool = False) -> tuple[ProcedureRow, ...]:
    """Active procedures by id; with `retired` those too that start nothing any more."""
    shown = procedures_to_call(reader.connection)
    statement = select(*COLUMNS).order_by(definitions.c.procedure)
    found = [
        row
        for row in reader.rows(statement)
        if row["version"] == shown[row["procedure"]] and (retired or row["is_active"])
    ]
    rows, running = _with_names(reader, found), _running(reader)
    return tuple(_row(reader, row, running) for row in rows)


def page(reader: Reader, procedure: str, version: int | None = None) -> ProcedurePage:
    """One procedure with its forms, pages and tables. Raises NoSuch."""
    statement = select(*COLUMNS).where(definitions.c.procedure == procedure).order_by(definitions.c.version.desc())
    versions, running = _with_names(reader, reader.rows(statement)), _running(reader)
    wanted = version or procedures_to_call(reader.connection).get(procedure)
    row = next((row for row in versions if row["version"] == wanted), None)
    if row is None:
        raise NoSuch("procedure", procedure)
    assembly = reader.services.definitions.get(reader.connection, procedure, row["version"])
    bundle = assembly.bundle
    return ProcedurePage(
        row=_row(reader, row, running),
        documentation=_documentation(bundle),
        starts=tuple(_start(reader, bundle, node) for node in start_nodes(bundle)),
        pages=tuple(
            PageRow(each.id, reader.pick(each.name, each.name_en), each.file, len(each.nodes))
            for each in sorted(bundle.processes.values(), key=lambda each: each.id != bundle.entry)
        ),
        decisions=tuple(
            DecisionLink(each.id, reader.pick(each.name, each.name_en), len(each.rules))
            for each in assembly.decisions.values()
        ),
        versions=tuple(
            VersionRow(
                each["version"], each["is_active"], each["deployed_at"], each["deployed_by_name"], each["retired_at"],
                running.get((procedure, each["version"]), 0),
            )
            for each in versions
        ),
    )  # fmt: skip


def start_nodes(bundle: Bundle) -> tuple[Node, ...]:
    """Start events at which a person opens an incident."""
    level = bundle.processes[bundle.entry].level()
    return tuple(node for node in level if node.kind is Kind.START and node.trigger is Trigger.NONE)


def xml(reader: Reader, procedure: str, version: int, name: str = "", *, suffix: str = ".bpmn") -> str:
    """The text of a page (by process id) or decision of a version; its entry page without a name. Raises NoSuch."""
    statement = select(definitions.c.content).where(
        definitions.c.procedure == procedure, definitions.c.version == version
    )
    found = reader.rows(statement)
    wanted = (name or procedure).removesuffix(suffix)
    for file, text in found[0]["content"].items() if found else ():
        if Path(file).stem == wanted and file.endswith(suffix):
            return str(text)
    raise NoSuch("file", f"{procedure} {version} {wanted}{suffix}")


def main_organisation(reader: Reader) -> str:
    """Where the reader most likely opens incidents: of a type with a procedure of its own, with most roles."""
    held = reader.principal.memberships
    kinds = {row.id: row.type for row in organisations.organisations(reader.connection, sorted(held))}
    served = {kind for types in ORGANISATION_TYPES.values() for kind in types}
    ranked = sorted(held, key=lambda each: (kinds.get(each) not in served, -len(held[each]), each))
    return ranked[0] if ranked else ""


# --- inside -----------------------------------------------------------------------------------


def _with_names(reader: Reader, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = reader.account_names({row["deployed_by"] for row in rows})
    return [{**row, "deployed_by_name": names.get(row["deployed_by"], row["deployed_by"])} for row in rows]


def _running(reader: Reader) -> dict[tuple[str, int], int]:
    """How many incidents go on by each version, as root or below it."""
    count = func.count(instances.c.incident_id.distinct())
    statement = (
        select(instances.c.procedure, instances.c.version, count.label("running"))
        .join(incidents, incidents.c.id == instances.c.incident_id)
        .where(instances.c.status == "active", incidents.c.kind == "real", reader.in_scope)
        .group_by(instances.c.procedure, instances.c.version)
    )
    return {(row["procedure"], row["version"]): row["running"] for row in reader.rows(statement)}


def _row(reader: Reader, row: Mapping[str, Any], running: Mapping[tuple[str, int], int]) -> ProcedureRow:
    return ProcedureRow(
        id=row["procedure"],
        version=row["version"],
        is_active=row["is_active"],
        name=reader.pick(row["name"], row["name_en"]),
        name_en=row["name_en"],
        organisation_types=ORGANISATION_TYPES.get(row["procedure"], ()),
        is_startable=row["is_active"] and _has_form(reader, row["procedure"], row["version"]),
        deployed_at=row["deployed_at"],
        deployed_by_name=row["deployed_by_name"],
        running=running.get((row["procedure"], row["version"]), 0),
    )


def _has_form(reader: Reader, procedure: str, version: int) -> bool:
    """Whether a person can open an incident with it; nobody can with a definition that does not load."""
    bundle = reader.readable(procedure, version)
    return bundle is not None and any(_form(reader, bundle, node) for node in start_nodes(bundle))


def _documentation(bundle: Bundle) -> str:
    """What the entry page says about itself; the text was checked when it was deployed."""
    page = bundle.processes[bundle.entry]
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(bundle.files[page.file].encode(), parser)
    found = root.find(f"bpmn:process[@id='{page.id}']/bpmn:documentation", {"bpmn": BPMN})
    return "" if found is None else (found.text or "").strip()


# Which organisations use a procedure; of those not named any may.
ORGANISATION_TYPES: Mapping[str, tuple[str, ...]] = {
    "school_suspected_case": ("school",),
    "return_to_school": ("school",),
    "small_alarm": ("school",),
}


def _form(reader: Reader, bundle: Bundle, start: Node) -> str:
    """The form of the first task after a start, "" if there is none or it is on an inline page without one."""
    process = bundle.processes[bundle.entry]
    flows = process.outgoing(start.id)
    node = process.nodes[flows[0].target] if flows else None
    while node is not None and node.kind is Kind.INLINE:
        inner = bundle.processes[node.called]
        starts = [each for each in inner.level() if each.kind is Kind.START]
        following = inner.outgoing(starts[0].id) if starts else []
        node = inner.nodes[following[0].target] if following else None
    form = node.form if node is not None and node.kind is Kind.USER else ""
    return form if reader.services.forms.has(form) else ""


def _start(reader: Reader, bundle: Bundle, node: Node) -> StartForm:
    key = _form(reader, bundle, node)
    if not key:
        return StartForm(node.id, reader.named(node), "", "", {}, ())
    view = reader.services.forms.view(key)
    schema = json_schema(view, locale=reader.locale)
    hints = tuple(ui_hints(view, locale=reader.locale))
    return StartForm(node.id, reader.named(node), key, view.name.of(reader.locale), schema, hints)
