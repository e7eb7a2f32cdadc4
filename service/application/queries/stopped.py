"""Processes that stopped: what, where, why, since when, how often, and what can be done about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application.queries.reader import Reader, incidents
from service.application.steps import FACT_DECISIONS
from service.domain.errors import NoSuch
from service.engine.passing_over import obstacle
from service.persistence import tables as t

instances = t.table_of(t.Instance)
failures = t.table_of(t.EngineIncident)


@dataclass(frozen=True, slots=True)
class EngineIncidentRow:
    """A stuck or failed instance; the stored state stands. `at` is the first, `last_at` the last failure.

    `cause` is what the program says, `code_name` what it means.
    """

    id: str
    incident: str
    incident_number: str
    organisation_name: str
    instance: str
    procedure: str
    procedure_name: str
    is_root: bool
    element: str
    name: str
    code: str
    code_name: str
    cause: str
    state: str
    resolution: str
    resolution_name: str
    reason: str
    attempts: int
    at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Ways:
    """What can be done beside trying again; `no_skip` and `no_cancel` say why not, "" where it can."""

    no_skip: str
    no_cancel: str


def engine_incidents(reader: Reader, *, state: str = "open", incident: str = "") -> tuple[EngineIncidentRow, ...]:
    """Stuck instances the reader may see, of all incidents or one, newest first; `state` "" for resolved ones too."""
    if incident:
        reader.incident(incident)
    statement = _joined(reader).order_by(failures.c.last_at.desc(), failures.c.id)
    if state:
        statement = statement.where(failures.c.state == state)
    if incident:
        statement = statement.where(failures.c.incident_id == incident)
    return tuple(_row(reader, row) for row in reader.rows(statement))


def engine_incident(reader: Reader, id_: str) -> EngineIncidentRow:
    """One of them. Raises NoSuch."""
    row = next(iter(reader.rows(_joined(reader).where(failures.c.id == id_))), None)
    if row is None:
        raise NoSuch("engine_incident", id_)
    return _row(reader, row)


def ways(reader: Reader, row: EngineIncidentRow) -> Ways:
    """What the application would answer to skipping and cancelling, so that a page offers only what goes."""
    columns = select(instances, incidents.c.number).join(incidents, incidents.c.id == instances.c.incident_id)
    found = reader.rows(columns.where(instances.c.id == row.instance, reader.in_scope))
    stuck = found[0] if found else None
    if stuck is None or stuck["status"] != "active":
        gone = reader.pick("流程已经结束", "the process has ended")
        return Ways(gone, gone)
    nothing = reader.pick("没有可以跳过的一步", "there is no step to pass over")
    no_skip = _obstacle(reader, stuck, row.element) if row.element else nothing
    if row.is_root:
        return Ways(no_skip, reader.pick("这是事件的主流程", "it is the root of the incident"))
    caller = reader.rows(columns.where(instances.c.id == stuck["parent_id"]))
    is_waited_for = bool(caller) and caller[0]["status"] == "active"
    return Ways(no_skip, _obstacle(reader, caller[0], stuck["parent_element"]) if is_waited_for else "")


def _obstacle(reader: Reader, instance: Mapping[str, Any], element: str) -> str:
    bundle = reader.readable(instance["procedure"], instance["version"])
    if bundle is None:
        return reader.pick("流程定义不能读取", "the definition cannot be read")
    found = obstacle(bundle, element, FACT_DECISIONS)
    return reader.pick(found.reason, found.reason_en) if found else ""


def _joined(reader: Reader) -> Any:
    columns = (
        incidents.c.number, incidents.c.organisation_id, incidents.c.root_instance, instances.c.procedure,
        instances.c.version,
    )  # fmt: skip
    joined = failures.join(incidents, incidents.c.id == failures.c.incident_id).outerjoin(
        instances, instances.c.id == failures.c.instance_id
    )
    return select(failures, *columns).select_from(joined).where(reader.in_scope)


def _row(reader: Reader, row: Mapping[str, Any]) -> EngineIncidentRow:
    procedure = row["procedure"] or ""
    return EngineIncidentRow(
        id=row["id"],
        incident=row["incident_id"],
        incident_number=row["number"],
        organisation_name=reader.organisation_names.get(row["organisation_id"], ""),
        instance=row["instance_id"],
        procedure=procedure,
        procedure_name=reader.procedure_names.get(procedure, procedure),
        is_root=row["instance_id"] == row["root_instance"],
        element=row["element"],
        name=_step(reader, row),
        code=row["code"],
        code_name=reader.label("failure", row["code"]),
        cause=row["cause"],
        state=row["state"],
        resolution=row["resolution"],
        resolution_name=reader.label("resolution", row["resolution"]) if row["resolution"] else "",
        reason=row["reason"],
        attempts=row["attempts"],
        at=row["at"],
        last_at=row["last_at"] or row["at"],
    )


def _step(reader: Reader, row: Mapping[str, Any]) -> str:
    if not row["procedure"] or not row["element"]:
        return str(row["element"])
    return reader.named(reader.node(row["procedure"], row["version"], row["element"]), row["element"])
