"""Live instances kept between commands, by revision; a stale entry is dropped, never trusted."""

from collections import OrderedDict
from threading import Lock

from sqlalchemy import bindparam, insert, select, update

from service import metrics
from service.domain.errors import RevisionChanged, StateUnreadable
from service.engine import state
from service.engine.assembly import Assembly
from service.engine.instance import Instance
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

CAPACITY = 2_000
_states = sql.instance_states.c
_revision = select(_states.revision).where(_states.instance_id == bindparam("instance"))
_next = (
    update(sql.instance_states)
    .where(_states.instance_id == bindparam("instance"), _states.revision == bindparam("known"))
    .values(revision=bindparam("next"), state=bindparam("text"))
)


def restored(assembly: Assembly, instance_id: str, text: str) -> Instance:
    """The instance of a stored state. Raises StateUnreadable."""
    try:
        return state.load(assembly, instance_id, text)
    except state.StateError as error:
        raise StateUnreadable("", str(error), instance=instance_id) from error


class LiveInstances:
    """A bounded cache: instance id -> (revision, instance)."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[str, tuple[int, Instance]] = OrderedDict()
        self._lock = Lock()

    def load(self, uow: UnitOfWork, assembly: Assembly, instance_id: str) -> tuple[int, Instance]:
        """The instance at its stored revision, from the cache or from its stored form. Raises StateUnreadable."""
        table = sql.instance_states
        mine = table.c.instance_id == instance_id
        with self._lock:
            kept = self._kept.pop(instance_id, None)
        if kept is not None:
            revision = uow.connection.execute(_revision, {"instance": instance_id}).scalar_one()
            if kept[0] == revision:
                metrics.live_hits.inc()
                return kept
        (metrics.live_misses if kept is None else metrics.live_stale).inc()
        row = uow.connection.execute(select(table.c.revision, table.c.state).where(mine)).first()
        if row is None:
            raise StateUnreadable("", "nothing is stored", instance=instance_id)
        return row.revision, restored(assembly, instance_id, row.state)

    def store(self, uow: UnitOfWork, instance: Instance, *, incident: str, revision: int) -> None:
        """Store a changed instance under the next revision; `revision` 0 means it is new.

        Raises RevisionChanged if somebody else stored it meanwhile: the fence of a lost lease.
        """
        text = state.dump(instance)
        if revision == 0:
            values = {"instance_id": instance.id, "incident_id": incident, "revision": 1, "state": text}
            uow.connection.execute(insert(sql.instance_states).values(**values))
        else:
            known = {"instance": instance.id, "known": revision}
            changed = uow.connection.execute(_next, {**known, "next": revision + 1, "text": text})
            if changed.rowcount == 0:
                raise RevisionChanged(instance.id)
        instance.is_dirty = False
        self.keep(instance, revision + 1)

    def keep(self, instance: Instance, revision: int) -> None:
        """Put an instance (back) into the cache."""
        with self._lock:
            self._kept[instance.id] = (revision, instance)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)

    def drop(self, instance_id: str) -> None:
        """Forget an instance whose memory is no longer what is stored."""
        with self._lock:
            self._kept.pop(instance_id, None)

    def clear(self) -> None:
        """Forget everything, after a lost commit."""
        with self._lock:
            self._kept.clear()
