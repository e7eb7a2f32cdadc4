"""What a trainer does with injects while a drill runs: sends one now, leaves one out, makes one up."""

from collections.abc import Mapping
from typing import Any

from service.application import injects, scenario_plans
from service.application.drills import drill_of
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain.access import Principal
from service.domain.errors import IncidentClosed, ScenarioRefused
from service.domain.scenario_checks import check_inject
from service.domain.scenario_reading import inject_of
from service.persistence.unit_of_work import UnitOfWork


def send(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.SendInject, *, request_id: str = ""
) -> str:
    """Let an inject come now, or not at all; returns its id.

    Raises NoSuch for one that is not to come any more, ScenarioRefused for one made up that names what the plan
    does not have, IncidentClosed, NotADrill, NotAllowed.
    """

    def work(on: Advance) -> str:
        drill_of(on, principal)
        if on.incident["closed_at"] is not None:
            raise IncidentClosed(on.incident["number"])
        if command.is_skipped:
            injects.skip(on, command.inject, command.reason or "trainer")
            return command.inject
        inject = command.inject or _made_up(on, command.content)
        injects.deliver(on, injects.open_row(on, inject), by="trainer")
        return inject

    origin = Origin(actor=principal.account_id, role="trainer", request_id=request_id, command_id=request_id)
    return advance(uow, services, command.drill, origin, work)


def _made_up(on: Advance, content: Mapping[str, Any]) -> str:
    made = inject_of({**content, "id": "new", "trigger": {"reserve": True}})
    plan = scenario_plans.deployed(on.uow.connection, on.services, str(on.incident["procedure"]))
    faults = tuple(check_inject("inject", made, plan))
    if faults:
        raise ScenarioRefused(faults)
    return injects.improvise(on, content)
