"""Working the due rows of an incident outside of any person's command."""

from service.application.services import SYSTEM, Services
from service.application.steps import advance
from service.persistence.unit_of_work import UnitOfWork


def work_incident(uow: UnitOfWork, services: Services, incident: str) -> None:
    """Work everything of the incident that is due, earliest first, each at its own due time."""
    advance(uow, services, incident, SYSTEM, lambda _on: None)
