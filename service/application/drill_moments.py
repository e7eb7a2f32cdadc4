"""How a drill stood at every moment it had come to rest, so that another one can branch off there.

The log gives the rows of any event; what it does not give is the engine's state and what waits to fall due. Both are
kept here with each rest of a drill: an instance only where it changed. They hold no personal values. Between two rests
lies what happened in one step, at one instant.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, and_, func, select

from service.engine import state
from service.persistence import queue
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

OWN_TIME = frozenset({"govern", "hold", "wake"})  # of the clock as it ran, not of the course of the drill
_rests, _states = sql.drill_rests, sql.drill_states


@dataclass(frozen=True, slots=True)
class Waiting:
    """A due row as it stood; `is_held`: its work had failed."""

    kind: str
    ref: str
    instance: str
    due_at: datetime
    is_held: bool


@dataclass(frozen=True, slots=True)
class Rest:
    """A drill after its event `seq`, at rest at its time `at`; `states` are stored forms by instance."""

    seq: int
    at: datetime
    waiting: tuple[Waiting, ...]
    states: dict[str, str]


def keep(on: Advance) -> None:
    """Keep how a drill stands, if anything happened since it was kept; everything in it is at rest."""
    seq = on.uow.gather(on.incident_id)[0]
    if on.incident.get("kind") != "drill" or seq == on.rested:
        return
    put(on, seq, {each: state.dump(on.live(on.instance_row(each))) for each in sorted(on.changed)})
    on.rested, on.changed = seq, set()


def put(on: Advance, seq: int, states: dict[str, str]) -> None:
    """Keep a rest with the states that are not as they were at the one before."""
    due = [
        [row.kind, row.ref, row.instance_id, row.due_at.isoformat(), row.real_due_at >= queue.NEVER]
        for row in queue.open_rows(on.uow.connection, on.incident_id)
        if row.kind not in OWN_TIME
    ]
    own = {"incident_id": on.incident_id, "seq": seq}
    rest = {**own, "at": on.now, "due": zlib.compress(json.dumps(due, separators=(",", ":")).encode())}
    on.rows.add_unread(_rests, (on.incident_id, seq), rest)
    for instance, text in states.items():
        row = {**own, "instance_id": instance, "state": zlib.compress(text.encode())}
        on.rows.add_unread(_states, (on.incident_id, instance, seq), row)


def before(connection: Connection, drill: str, seq: int) -> Rest | None:
    """The last rest of a drill at or before an event; None where nothing was kept so early."""
    mine = select(_rests).where(_rests.c.incident_id == drill, _rests.c.seq <= seq)
    row = connection.execute(mine.order_by(_rests.c.seq.desc()).limit(1)).mappings().first()
    if row is None:
        return None
    waiting = (
        Waiting(kind, ref, instance, datetime.fromisoformat(due), is_held)
        for kind, ref, instance, due, is_held in json.loads(zlib.decompress(row["due"]))
    )
    return Rest(row["seq"], row["at"], tuple(waiting), _standing(connection, drill, row["seq"]))


def rest_before(connection: Connection, drill: str, seq: int) -> int:
    """The event of that rest alone; 0 for none."""
    last = select(func.max(_rests.c.seq)).where(_rests.c.incident_id == drill, _rests.c.seq <= seq)
    return int(connection.execute(last).scalar() or 0)


def _standing(connection: Connection, drill: str, seq: int) -> dict[str, str]:
    """The state of every instance as it was kept last."""
    last = (
        select(_states.c.instance_id, func.max(_states.c.seq).label("seq"))
        .where(_states.c.incident_id == drill, _states.c.seq <= seq)
        .group_by(_states.c.instance_id)
        .subquery()
    )
    joined = _states.join(last, and_(_states.c.instance_id == last.c.instance_id, _states.c.seq == last.c.seq))
    found = select(_states.c.instance_id, _states.c.state).select_from(joined).where(_states.c.incident_id == drill)
    return {row.instance_id: zlib.decompress(row.state).decode() for row in connection.execute(found)}
