"""Incidents to and from their files. Sealed values stand in clear: their people are invented, and no key is kept."""

import json
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert, select, update

from service.application.definitions import bundle_hash
from service.application.projections import apply
from service.domain.events import parse
from service.persistence.queue import INCIDENT
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork
from service.persistence.working_set import WorkingSet
from tests.paths.world import WORKFLOWS, World

FOLDER = Path(__file__).parent
DEFINITIONS = "definitions.json"
_DRAWING = re.compile(r"\s*<bpmndi:BPMNDiagram.*</bpmndi:BPMNDiagram>", re.DOTALL)
_EVENT = tuple(name for name in NewEvent.__dataclass_fields__ if name not in ("at", "sealed"))


def dump(w: World) -> dict[str, Any]:
    """The current incident of a world, whole."""
    with w.app.read() as connection:
        log = select(sql.events).where(sql.events.c.stream == w.incident).order_by(sql.events.c.seq)
        events = [
            {
                **{name: row[name] for name in _EVENT}, "at": row["at"].isoformat(),
                "sealed": w.app.sealer.open_all(connection, row["sealed"]),
            }
            for row in connection.execute(log).mappings()
        ]  # fmt: skip
        return {
            "incident": w.incident,
            "now": w.clock.now().isoformat(),
            "events": events,
            "states": _rows(w, sql.instance_states),
            "due_rows": _rows(w, sql.due_rows),
            "inbox": [{k: v for k, v in row.items() if k != "id"} for row in _rows(w, sql.inbox)],
        }


def _rows(w: World, table: Table) -> list[dict[str, Any]]:
    mine = select(table).where(table.c.incident_id == w.incident).order_by(*table.primary_key)
    with w.app.read() as connection:
        return [{key: _text(value) for key, value in row.items()} for row in connection.execute(mine).mappings()]


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def definitions_of(w: World) -> dict[str, dict[str, str]]:
    """Files of the definitions the incident is on, by `procedure/version`; drawings are left out."""
    used = select(sql.instances.c.procedure, sql.instances.c.version).where(
        sql.instances.c.incident_id == w.incident, sql.instances.c.status == "active"
    )
    found = {}
    with w.app.read() as connection:
        for procedure, version in connection.execute(used.distinct()).all():
            it = (sql.definitions.c.procedure == procedure) & (sql.definitions.c.version == version)
            content = connection.execute(select(sql.definitions.c.content).where(it)).scalar_one()
            found[f"{procedure}/{version}"] = {name: _DRAWING.sub("", text) for name, text in content.items()}
    return found


def load(folder: Path, release: Path, name: str) -> World:
    """A product of today with the incident as a release has stored it; the current one of the world."""
    stored = json.loads((release / f"{name}.json").read_text("utf-8"))
    kept = json.loads((release / DEFINITIONS).read_text("utf-8"))
    workflows = folder / "workflows"
    shutil.copytree(WORKFLOWS, workflows)
    w = World(folder / "data", datetime.fromisoformat(stored["now"]), workflows=workflows)
    w.incident = stored["incident"]
    w.app.run(lambda uow: _put_definitions(uow, kept))
    w.app.run(lambda uow: _put(uow, stored))
    w.restart()
    return w


def _put_definitions(uow: UnitOfWork, kept: Mapping[str, Mapping[str, str]]) -> None:
    table = sql.definitions
    for name, content in kept.items():
        procedure, _, version = name.partition("/")
        it = (table.c.procedure == procedure) & (table.c.version == int(version))
        values = {"content": dict(content), "bundle_hash": bundle_hash(content)}
        if uow.connection.execute(update(table).where(it).values(values)).rowcount == 0:
            row = {
                "procedure": procedure, "version": int(version), "name": procedure, "name_en": "", "is_active": False,
                "deployed_at": uow.now, "deployed_by": "test", "retired_at": uow.now, **values,
            }  # fmt: skip
            uow.connection.execute(insert(table).values(row))


def _put(uow: UnitOfWork, stored: Mapping[str, Any]) -> None:
    """The log is written anew, so that it is sealed and chained by keys of today; states stand as they were."""
    incident = stored["incident"]
    rows = uow.rows(WorkingSet(incident))
    for each in stored["events"]:
        new = NewEvent(**{**each, "at": datetime.fromisoformat(each["at"])})
        apply(rows, uow.append(incident, [new])[0], parse(new.type, new.schema_version, new.data))
    for table, kept in ((sql.instance_states, "states"), (sql.due_rows, "due_rows"), (sql.inbox, "inbox")):
        for row in stored[kept]:
            times = {key: datetime.fromisoformat(row[key]) for key in ("due_at", "real_due_at") if key in row}
            uow.connection.execute(insert(table).values({**row, **times}))
    uow.wake(INCIDENT, incident, uow.now)
