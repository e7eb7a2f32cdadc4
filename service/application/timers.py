"""Working the due rows of an incident outside of any person's command."""

from service.application.services import SYSTEM, Services
from service.application.steps import advance
from service.persistence import queue
from service.persistence.unit_of_work import UnitOfWork


def work_incident(uow: UnitOfWork, services: Services, incident: str) -> None:
    """Work everything of the incident that is due, earliest first, each at its own due time."""
    advance(uow, services, incident, SYSTEM, lambda _on: None, looks=True)
    if uow.is_sqlite:
        return  # there the rows themselves are polled
    following = queue.next_due(uow.connection, incident)
    if following is not None:  # whoever woke us may have been one alarm for several rows
        uow.wake(queue.INCIDENT, incident, following)
