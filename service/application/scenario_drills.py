"""Beginning a drill from a scenario: found, checked against the plan as it is now, drawn by the seed, kept."""

import secrets
from collections.abc import Mapping
from typing import Any

from service.application import drills, organisations, scenario_library, scenario_plans
from service.application.scenario_values import Known, resolved
from service.application.services import Services
from service.domain import commands as cmd
from service.domain.access import Action, Principal, require
from service.domain.errors import ScenarioRefused
from service.domain.scenario_draws import drawn
from service.domain.scenario_files import ScenarioFile
from service.domain.scenarios import ANYBODY, Scenario
from service.persistence.unit_of_work import UnitOfWork


def begin(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.BeginScenario, *, request_id: str = ""
) -> str:
    """Begin a drill from a scenario; returns its id.

    Raises NoSuch for an unknown scenario, ScenarioRefused where the plan lacks what it names, and what
    `drills.create` raises; nothing is stored then.
    """
    require(principal, Action.DRILL_CREATE, organisations.subject(uow.connection, command.organisation))
    file = scenario_library.find(uow.connection, services, command.organisation, command.scenario)
    require_fit(uow, services, file)
    seed = secrets.randbelow(1_000_000) if command.seed is None else command.seed
    script = drawn(file.document, seed)
    scenario = Scenario.of(script)
    starts_at = command.starts_at or scenario.starts_at
    known = Known(uow.connection, command.organisation, starts_at, starts_at)
    data = resolved(dict(scenario.data), known)
    opening = cmd.CreateDrill(
        scenario.procedure, command.organisation, data, command.speed, scenario.start, starts_at, seed,
        command.slow_to, command.floor_seconds, command.on_loss, command.code_word,
    )  # fmt: skip
    return drills.born(
        uow, services, principal, opening, cast_of(scenario, command), script=_kept(script, command),
        policies=scenario.policies, is_trial=command.trial, request_id=request_id,
    )  # fmt: skip


def require_fit(uow: UnitOfWork, services: Services, file: ScenarioFile) -> None:
    """The plan has everything the scenario names. Raises ScenarioRefused with every fault and its line."""
    plan = scenario_plans.deployed(uow.connection, services, str(file.document.get("procedure") or ""))
    faults = scenario_plans.faults_of(file, plan)
    if faults:
        raise ScenarioRefused(faults)


def cast_of(scenario: Scenario, command: cmd.BeginScenario) -> dict[str, str]:
    """Who plays whom: as the scenario says unless the trainer chose otherwise; all simulated where he tries it."""
    if command.trial and not command.roles:
        return {ANYBODY: "simulated"}
    usual = {ANYBODY: "human", **scenario.roles}
    return {**usual, **dict(command.roles)}


def _kept(script: Mapping[str, Any], command: cmd.BeginScenario) -> dict[str, Any]:
    """The script as the log keeps it; plain JSON, under the id the trainer asked for."""
    return {**_plain(script), "id": command.scenario}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
