"""Moving running incidents to another version, in words: what a preview found, and how far an upgrade is."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application import upgrades
from service.application.queries import procedure_changes
from service.application.queries.procedure_changes import ChangeRow
from service.application.queries.reader import Reader, incidents
from service.application.upgrades import IncidentOutlook, InstanceOutlook
from service.domain.errors import NoSuch
from service.engine.upgrade import LeftOut
from service.persistence import tables as t

runs = t.table_of(t.UpgradeRun)
items = t.table_of(t.UpgradeItem)


@dataclass(frozen=True, slots=True)
class BlockerRow:
    """Why an instance cannot move."""

    code: str
    code_name: str
    element: str
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    """A deadline that a step done already would have started; it is not started after the fact."""

    rule: str
    rule_name: str
    element: str
    name: str


@dataclass(frozen=True, slots=True)
class InstanceShown:
    """What another version means for an instance."""

    instance: str
    process: str
    name: str
    person_code: str
    before: int
    waiting: tuple[str, ...]
    blockers: tuple[BlockerRow, ...]
    changes: tuple[ChangeRow, ...]
    left_out: tuple[LeftOutRow, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentShown:
    """The same for an incident."""

    incident: str
    number: str
    can_move: bool
    instances: tuple[InstanceShown, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An incident that runs on another version than the one looked at."""

    incident: str
    number: str
    organisation_name: str
    place: str
    versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One incident of an upgrade."""

    incident: str
    number: str
    organisation_name: str
    state: str
    state_name: str
    reasons: tuple[BlockerRow, ...]


@dataclass(frozen=True, slots=True)
class UpgradeRow:
    """How far an upgrade is; `ended_at` None while items wait."""

    id: str
    procedure: str
    version: int
    reason: str
    started_by: str
    started_at: datetime
    ended_at: datetime | None
    total: int
    waiting: int
    moved: int
    refused: int
    items: tuple[ItemRow, ...]


def candidates(reader: Reader, procedure: str, version: int) -> tuple[Candidate, ...]:
    """Incidents that could move to a version, those the reader may see."""
    ids = upgrades.candidates(reader.connection, procedure, version)
    instances = t.table_of(t.Instance)
    found = select(instances.c.incident_id, instances.c.version).where(
        instances.c.incident_id.in_(ids), instances.c.procedure == procedure, instances.c.status == "active"
    )
    versions: dict[str, set[int]] = {}
    for row in reader.rows(found):
        versions.setdefault(row["incident_id"], set()).add(row["version"])
    listed = select(incidents).where(incidents.c.id.in_(ids), reader.in_scope).order_by(incidents.c.opened_at)
    return tuple(
        Candidate(
            row["id"], row["number"], reader.organisation_names.get(row["organisation_id"], ""), row["place"],
            tuple(sorted(versions.get(row["id"], ()))),
        )
        for row in reader.rows(listed)
    )  # fmt: skip


def told(reader: Reader, procedure: str, version: int, outlook: IncidentOutlook) -> IncidentShown:
    """What a preview found, in the words of the diagrams."""
    shown = tuple(_instance(reader, procedure, version, each) for each in outlook.instances)
    return IncidentShown(outlook.incident, outlook.number, outlook.can_move, shown)


def _instance(reader: Reader, procedure: str, version: int, each: InstanceOutlook) -> InstanceShown:
    bundle = reader.readable(procedure, each.before)
    page = bundle.processes.get(each.process) if bundle else None
    persons = t.table_of(t.Person)
    code = reader.connection.execute(select(persons.c.code).where(persons.c.id == each.person)).scalar() or ""
    return InstanceShown(
        instance=each.instance,
        process=each.process,
        name=reader.pick(page.name, page.name_en) if page else each.process,
        person_code=reader.person_code(code),
        before=each.before,
        waiting=tuple(reader.named(reader.node(procedure, each.before, at), at) for at in each.waiting),
        blockers=_blockers(reader, (procedure, each.before, version), [vars_of(one) for one in each.blockers]),
        changes=procedure_changes.told(reader, (procedure, each.before, version), each.changes),
        left_out=tuple(_left_out(reader, procedure, version, one) for one in each.left_out),
    )


def _left_out(reader: Reader, procedure: str, version: int, one: LeftOut) -> LeftOutRow:
    rule = reader.services.deadline_rules.get(one.rule)
    named = reader.named(reader.node(procedure, version, one.element), one.element)
    return LeftOutRow(one.rule, rule.label(reader.locale) if rule else one.rule, one.element, named)


def vars_of(blocker: Any) -> Mapping[str, str]:
    """A blocker as it is stored."""
    return {"code": blocker.code, "element": blocker.element, "detail": blocker.detail}


def _blockers(reader: Reader, of: tuple[str, int, int], found: Iterable[Mapping[str, str]]) -> tuple[BlockerRow, ...]:
    procedure, before, after = of
    return tuple(
        BlockerRow(
            each["code"], reader.label("blocker", each["code"]), each["element"],
            reader.named(
                reader.node(procedure, before, each["element"]) or reader.node(procedure, after, each["element"]),
                each["element"],
            ),
            each["detail"],
        )
        for each in found
    )  # fmt: skip


def upgrade(reader: Reader, run: str) -> UpgradeRow:
    """How far an upgrade is, with every incident of it the reader may see. Raises NoSuch."""
    row = next(iter(reader.rows(select(runs).where(runs.c.id == run))), None)
    if row is None:
        raise NoSuch("upgrade", run)
    joined = select(items, incidents.c.number, incidents.c.organisation_id, incidents.c.version).join(
        incidents, incidents.c.id == items.c.incident_id
    )
    found = reader.rows(joined.where(items.c.run_id == run, reader.in_scope).order_by(items.c.position))
    counts = Counter(each["state"] for each in found)
    return UpgradeRow(
        id=row["id"], procedure=row["procedure"], version=row["version"], reason=row["reason"],
        started_by=reader.account_names({row["started_by"]}).get(row["started_by"], row["started_by"]),
        started_at=row["started_at"], ended_at=row["ended_at"], total=len(found),
        waiting=counts[upgrades.WAITING], moved=counts[upgrades.MOVED], refused=counts[upgrades.REFUSED],
        items=tuple(
            ItemRow(
                each["incident_id"], each["number"], reader.organisation_names.get(each["organisation_id"], ""),
                each["state"], reader.label("upgrade_state", each["state"]),
                _blockers(reader, (row["procedure"], each["version"], row["version"]), each["detail"]),
            )
            for each in found
        ),
    )  # fmt: skip
