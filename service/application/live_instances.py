"""What is kept in memory between commands: instances by revision, rows of incidents by the head of their stream.

Nothing in here is trusted: rows are used only where the stream stands where they were made, and an
instance is stored only over the revision it came from. A stale entry is dropped.
"""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from sqlalchemy import bindparam, select

from service import metrics
from service.domain.errors import StateUnreadable
from service.engine import state
from service.engine.assembly import Assembly
from service.engine.instance import Instance
from service.persistence.pending import Head
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from service.persistence.working_set import AT_ONCE, WorkingSet

CAPACITY = 20_000  # instances
ROWS = 400_000  # rows of all working sets together
AHEAD = "stored forms read ahead"  # in the scratch of a unit of work: by instance, each for one load
_states = sql.instance_states.c
_revision = select(_states.revision).where(_states.instance_id == bindparam("instance"))
_all_stored = select(_states.instance_id, _states.revision, _states.state)
_stored = select(_states.revision, _states.state).where(_states.instance_id == bindparam("instance"))


def restored(assembly: Assembly, instance_id: str, text: str) -> Instance:
    """The instance of a stored state. Raises StateUnreadable."""
    try:
        return state.load(assembly, instance_id, text)
    except state.StateError as error:
        raise StateUnreadable("", str(error), instance=instance_id) from error


class LiveInstances:
    """Bounded caches: instance id -> (revision, instance, number of its set), incident id -> its working set."""

    def __init__(self, capacity: int = CAPACITY, rows: int = ROWS) -> None:
        self._capacity, self._most_rows = capacity, rows
        self._kept: OrderedDict[str, tuple[int, Instance, int]] = OrderedDict()
        self._sets: OrderedDict[str, tuple[int, WorkingSet]] = OrderedDict()
        self._row_count = 0
        self._incidents: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def load(
        self, uow: UnitOfWork, assembly: Assembly, instance_id: str, *, beside: WorkingSet
    ) -> tuple[int, Instance]:  # fmt: skip
        """The instance as kept, or from its stored form; unless it was kept with the set, its revision is compared.

        The set stands at the head of the stream: nothing happened in the incident since both were kept. Of one that was
        kept with another set, before another node had its turn, nothing is known. Raises StateUnreadable.
        """
        with self._lock:
            kept = self._kept.pop(instance_id, None)
        row = uow.scratch.get(AHEAD, {}).pop(instance_id, None)
        if kept is not None:
            is_sure = kept[2] == beside.number
            if is_sure or kept[0] == (row.revision if row is not None else _revision_of(uow, instance_id)):
                metrics.live_hits.inc()
                return kept[:2]
        (metrics.live_misses if kept is None else metrics.live_stale).inc()
        row = row or uow.connection.execute(_stored, {"instance": instance_id}).first()
        if row is None:
            raise StateUnreadable("", "nothing is stored", instance=instance_id)
        return row.revision, restored(assembly, instance_id, row.state)

    def read_ahead(self, uow: UnitOfWork, instances: Sequence[str], *, beside: WorkingSet) -> None:
        """Read the stored forms of instances that are soon to be loaded, all at once, where memory does not do."""
        with self._lock:
            sure = {each for each in instances if each in self._kept and self._kept[each][2] == beside.number}
        missing = [each for each in instances if each not in sure]
        found = uow.scratch.setdefault(AHEAD, {})
        for start in range(0, len(missing), AT_ONCE):
            wanted = _all_stored.where(_states.instance_id.in_(missing[start : start + AT_ONCE]))
            found.update({row.instance_id: row for row in uow.connection.execute(wanted)})

    def store(self, uow: UnitOfWork, instance: Instance, *, revision: int, beside: WorkingSet) -> None:
        """Store a changed instance under the next revision; `revision` 0 means it is new.

        Where somebody else stored it meanwhile, writing raises RevisionChanged: the fence of a lost lease.
        """
        stored = uow.put_state(instance.id, beside.incident, known=revision, text=state.dump(instance))
        instance.is_dirty = False
        self.keep(instance, stored, beside=beside)

    def keep(self, instance: Instance, revision: int, *, beside: WorkingSet) -> None:
        """Put an instance (back) into the cache, with the set of its incident."""
        instance.rest()
        with self._lock:
            self._kept[instance.id] = (revision, instance, beside.number)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)

    def working_set(self, incident: str, head: Head) -> WorkingSet:
        """The rows kept of an incident whose stream stands at `head`; an empty set where none are right."""
        with self._lock:
            size, kept = self._sets.pop(incident, (0, WorkingSet(incident)))
            self._row_count -= size
        return kept if kept.head == head else WorkingSet(incident)

    def keep_set(self, incident: str, kept: WorkingSet, head: Head) -> None:
        """Put the rows of an incident (back) into the cache; they are right while its stream stands at `head`."""
        kept.head, size = head, kept.size
        with self._lock:
            self._row_count -= self._sets.pop(incident, (0, kept))[0]
            self._sets[incident] = (size, kept)
            self._row_count += size
            while self._row_count > self._most_rows and len(self._sets) > 1:
                _, (freed, _) = self._sets.popitem(last=False)
                self._row_count -= freed

    def sets(self) -> dict[str, WorkingSet]:
        """The working sets kept, by incident."""
        with self._lock:
            return {incident: kept for incident, (_, kept) in self._sets.items()}

    def incident_of(self, instance_id: str) -> str | None:
        """The incident an instance belongs to, as far as it is remembered; that never changes."""
        return self._incidents.get(instance_id)

    def belongs(self, instance_id: str, incident: str) -> None:
        """Remember whose instance it is."""
        with self._lock:
            self._incidents[instance_id] = incident
            while len(self._incidents) > 10 * self._capacity:
                self._incidents.popitem(last=False)

    def drop(self, instance_id: str) -> None:
        """Forget an instance whose memory is no longer what is stored."""
        with self._lock:
            self._kept.pop(instance_id, None)

    def drop_set(self, incident: str) -> None:
        """Forget the rows of an incident that stand for what was rolled back."""
        with self._lock:
            self._row_count -= self._sets.pop(incident, (0, None))[0]

    def forget(self, incident: str) -> None:
        """Forget everything of an incident: values of it were erased, and must not stay in memory either."""
        with self._lock:
            self._row_count -= self._sets.pop(incident, (0, None))[0]
            for instance_id in [each for each in self._kept if self._incidents.get(each) == incident]:
                self._kept.pop(instance_id)

    def clear(self) -> None:
        """Forget everything, after a lost commit."""
        with self._lock:
            self._kept.clear()
            self._sets.clear()
            self._row_count = 0


def _revision_of(uow: UnitOfWork, instance_id: str) -> int | None:
    revision: int | None = uow.connection.execute(_revision, {"instance": instance_id}).scalar()
    return revision
