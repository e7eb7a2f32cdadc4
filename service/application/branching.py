"""A drill that begins at a moment of another one: its log up to there under ids of its own, and everything as it stood.

Rows follow from the log taken over, by the appliers that made them first; engine states and what waits to fall due are
those kept at the last rest at or before the moment (`drill_moments`). Seed and count of steps are the same, ids keep
their order: with the same answers the same happens. The other drill is only read.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from service.application import drill_clock, drill_moments, incidents, organisations, person_index
from service.application.drill_moments import Rest
from service.application.incidents import incident_subject
from service.application.projections import apply
from service.application.services import Origin, Services
from service.application.steps import Advance
from service.domain import events as ev
from service.domain.access import TRAINER, Action, Principal, require
from service.domain.clock import Segment, VirtualClock
from service.domain.commands import BranchDrill
from service.domain.errors import NoBranch, NoSuch, NotADrill, SubjectErased
from service.domain.identifiers import ALPHABET
from service.engine import state
from service.persistence import queue
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, StoredEvent, UnitOfWork

_ID = re.compile(f"[{ALPHABET}]{{26}}")
SHARED = ("accounts", "organisations", "places", "members", "attachments", "working_groups", "shifts")
OWNED = ("instances", "persons", "deliveries", "reports")
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Names:
    """What is called otherwise in the new drill: ids, and the number people know it by."""

    ids: Mapping[str, str]
    number: tuple[str, str]

    def text(self, text: str) -> str:
        """A text with the new names."""
        return _ID.sub(lambda found: self.ids.get(found[0], found[0]), text).replace(*self.number)

    def value(self, value: Any) -> Any:
        """Plain JSON with the new names."""
        return json.loads(self.text(json.dumps(value, ensure_ascii=False)))


def branch(
    uow: UnitOfWork, services: Services, principal: Principal, command: BranchDrill, *, request_id: str = ""
) -> str:
    """Begin a drill at a moment of another one; it stands still at that time. Returns its id.

    Raises NoSuch, NotADrill, NotAllowed, NoBranch where nothing was kept so early, SubjectErased where values of the
    other drill were erased.
    """
    row = _drill(uow, principal, command.drill)
    rest = drill_moments.before(uow.connection, command.drill, command.seq)
    if rest is None:
        raise NoBranch(row["number"])
    log = _log(uow, command.drill, rest.seq)
    number = incidents.number_of(uow, row["organisation_id"], "drill", row["opened_at"])
    names = Names(_new_ids(uow, command.drill, log), (row["number"], number))
    origin = Origin(principal.account_id, role=TRAINER, request_id=request_id, command_id=request_id)
    on = Advance(uow, services, names.ids[command.drill], origin)
    _take_over(on, log, names, rest)
    _stand_still(on, rest, ev.DrillBranched(command.drill, row["number"], rest.seq))
    states = {names.ids[each]: state.rewritten(text, names.text) for each, text in rest.states.items()}
    for instance, text in states.items():
        uow.put_state(instance, on.incident_id, known=0, text=text)
    _wait(on, rest, names)
    seq = uow.gather(on.incident_id)[0]
    drill_moments.put(on, seq, states)
    on.rested = seq
    on.store()
    return on.incident_id


# --- inside -----------------------------------------------------------------------------------


def _drill(uow: UnitOfWork, principal: Principal, drill: str) -> Mapping[str, Any]:
    found = uow.connection.execute(select(sql.incidents).where(sql.incidents.c.id == drill)).mappings().first()
    if found is None:
        raise NoSuch("drill", drill)
    row = dict(found)
    require(principal, Action.INCIDENT_READ, incident_subject(uow, row))
    if row["kind"] != "drill":
        raise NotADrill(row["number"])
    require(principal, Action.DRILL_CONTROL, incident_subject(uow, row))
    require(principal, Action.DRILL_CREATE, organisations.subject(uow.connection, row["organisation_id"]))
    organisations.require_active(uow, row["organisation_id"])
    return row


def _log(uow: UnitOfWork, drill: str, until: int) -> list[StoredEvent]:
    log = sql.events
    mine = select(log).where(log.c.stream == drill, log.c.seq <= until).order_by(log.c.seq)
    return [StoredEvent(*row) for row in uow.connection.execute(mine)]


def _new_ids(uow: UnitOfWork, drill: str, log: Iterable[StoredEvent]) -> dict[str, str]:
    """New ids for what belongs to the drill alone, in the order of the old ones."""
    found = {drill}
    for stored in log:
        text = json.dumps(stored.data) + stored.instance + "".join(stored.sealed)
        found.update(_ID.findall(text))
    own = sorted(found - _foreign(uow, drill, sorted(found)))
    return {old: uow.new_id() for old in own}


def _foreign(uow: UnitOfWork, drill: str, ids: list[str]) -> set[str]:
    """Those that name something outside: people and places of the directory, files, what belongs to other incidents."""
    columns: list[tuple[ColumnElement[str], ColumnElement[bool] | None]] = [
        (getattr(sql, name).c.id, None) for name in SHARED
    ]
    columns.append((sql.incidents.c.id, sql.incidents.c.id != drill))
    columns += [(getattr(sql, name).c.id, getattr(sql, name).c.incident_id != drill) for name in OWNED]
    found: set[str] = set()
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        for column, where in columns:
            statement = select(column).where(column.in_(chunk))
            found.update(uow.connection.execute(statement if where is None else statement.where(where)).scalars())
    return found


def _take_over(on: Advance, log: list[StoredEvent], names: Names, rest: Rest) -> None:
    """Append the other drill's log under the new names: it is projected, and nothing follows from it once more."""
    uow = on.uow
    keys = {key: token for stored in log for key, token in stored.sealed.items()}
    for key in uow.sealer.erased(uow, keys):
        raise SubjectErased(key)
    for stored in log:
        new = _renamed(on, stored, names)
        event = ev.parse(new.type, new.schema_version, new.data)
        (appended,) = uow.append(on.incident_id, [new])
        apply(on.rows, appended, event)
        if isinstance(event, ev.PersonRegistered):
            person_index.follow(on, new.sealed)
    on.incident = on.rows.get(sql.incidents, on.incident_id) or {}
    on.now = on.horizon = rest.at


def _renamed(on: Advance, stored: StoredEvent, names: Names) -> NewEvent:
    sealed = {
        names.text(key): names.value(on.uow.sealer.open(on.uow, key, token)) for key, token in stored.sealed.items()
    }
    return NewEvent(
        stored.type, stored.at, names.value(stored.data), sealed, names.text(stored.instance), stored.procedure,
        stored.version, stored.element, stored.actor, stored.role, stored.on_behalf_of, stored.command_id,
        stored.request_id, stored.schema_version,
    )  # fmt: skip


def _stand_still(on: Advance, rest: Rest, branched: ev.DrillBranched) -> None:
    """Say where it comes from; its clock stands at that moment, whatever real time the other one took to get there."""
    on.record(branched)
    drill = on.rows.get(sql.drills, on.incident_id) or {}
    clock = VirtualClock(on.services.clock, [*on.clock.segments, Segment(on.uow.now, rest.at, 0)])
    drill_clock.change(on, clock, "branch", speed=drill["speed"], is_paused=True)


def _wait(on: Advance, rest: Rest, names: Names) -> None:
    for row in rest.waiting:
        queue.put(
            on.uow, kind=row.kind, ref=names.text(row.ref), incident_id=on.incident_id, due_at=row.due_at,
            real_due_at=queue.NEVER if row.is_held else None, instance_id=names.text(row.instance),
        )  # fmt: skip
