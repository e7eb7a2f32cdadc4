"""The stream of coming and going, beside the incidents in the hash-chained log."""

from service.domain import events as ev
from service.persistence.unit_of_work import NewEvent, UnitOfWork

ACCESS_STREAM = "access"


def append(uow: UnitOfWork, event: ev.Event, *, actor: str = "") -> None:
    """Append an event; `actor` is the account that did it, "" where nobody is known."""
    kept = NewEvent(event.type, uow.now, event.data(), actor=actor, schema_version=event.schema_version)
    uow.append(ACCESS_STREAM, [kept])
