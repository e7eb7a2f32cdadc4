"""Scenarios an organisation keeps of its own: copied from another one, changed, given up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.application import organisations, scenario_library, scenario_plans
from service.application.projections import apply
from service.application.services import Services
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import AlreadyExists, NoSuch, RevisionChanged, ScenarioRefused, ValueRefused
from service.domain.scenario_files import ScenarioFile
from service.persistence.unit_of_work import NewEvent, UnitOfWork
from service.persistence.working_set import WorkingSet

_ID = re.compile(r"[a-z][a-z0-9_]{2,59}")


@dataclass(frozen=True, slots=True)
class CopyScenario:
    """A shipped scenario, or one of the organisation, as an own one under another id."""

    organisation: str
    scenario: str
    new_id: str


@dataclass(frozen=True, slots=True)
class KeepScenario:
    """Another document of an own scenario; `revision` is the one that was changed, 0 for a new one."""

    organisation: str
    scenario: str
    document: Mapping[str, Any]
    revision: int


@dataclass(frozen=True, slots=True)
class DropScenario:
    """Give an own scenario up."""

    organisation: str
    scenario: str


def copy(
    uow: UnitOfWork, services: Services, principal: Principal, command: CopyScenario, *, request_id: str = ""
) -> str:
    """Copy to edit; returns the id. Raises NoSuch, AlreadyExists, ValueRefused, NotAllowed."""
    require(principal, Action.DRILL_CREATE, organisations.subject(uow.connection, command.organisation))
    file = scenario_library.find(uow.connection, services, command.organisation, command.scenario)
    _check_new(uow, services, command.organisation, command.new_id)
    document = {**file.document, "id": command.new_id}
    return _record(uow, principal, command.organisation, ev.ScenarioKept(command.new_id, document), request_id)


def keep(
    uow: UnitOfWork, services: Services, principal: Principal, command: KeepScenario, *, request_id: str = ""
) -> str:
    """Store another document. Raises ScenarioRefused with every fault of it; nothing is stored then."""
    require(principal, Action.DRILL_CREATE, organisations.subject(uow.connection, command.organisation))
    if command.revision:
        row = scenario_library.own_row(uow.connection, command.organisation, command.scenario)
        if row is None:
            raise NoSuch("scenario", command.scenario)
        if row["revision"] != command.revision:
            raise RevisionChanged(command.scenario)
    else:
        _check_new(uow, services, command.organisation, command.scenario)
    document = {**command.document, "id": command.scenario}
    plan = scenario_plans.deployed(uow.connection, services, str(document.get("procedure") or ""))
    faults = scenario_plans.faults_of(ScenarioFile("", document), plan)
    if faults:
        raise ScenarioRefused(faults)
    return _record(uow, principal, command.organisation, ev.ScenarioKept(command.scenario, document), request_id)


def drop(
    uow: UnitOfWork, _services: Services, principal: Principal, command: DropScenario, *, request_id: str = ""
) -> None:
    """Give it up; drills begun from it keep it. Raises NoSuch, NotAllowed."""
    require(principal, Action.DRILL_CREATE, organisations.subject(uow.connection, command.organisation))
    if scenario_library.own_row(uow.connection, command.organisation, command.scenario) is None:
        raise NoSuch("scenario", command.scenario)
    _record(uow, principal, command.organisation, ev.ScenarioDropped(command.scenario), request_id)


def _check_new(uow: UnitOfWork, services: Services, organisation: str, scenario: str) -> None:
    if _ID.fullmatch(scenario) is None:
        zh, en = "须为小写字母、数字和下划线，以字母开头", "needs small letters, digits and underscores"
        raise ValueRefused("id", zh, en)
    is_own = scenario_library.own_row(uow.connection, organisation, scenario) is not None
    if is_own or scenario in scenario_library.shipped(services.scenarios):
        raise AlreadyExists(scenario)


def _record(uow: UnitOfWork, principal: Principal, organisation: str, event: ev.Event, request_id: str) -> str:
    stream = f"org:{organisation}"
    uow.alone(f"scenarios:{organisation}")
    new = NewEvent(
        event.type, uow.now, event.data(), {}, actor=principal.account_id, request_id=request_id,
        command_id=request_id, schema_version=event.schema_version,
    )  # fmt: skip
    stored = uow.append(stream, [new])[0]
    apply(uow.rows(WorkingSet(stream)), stored, event)
    return str(event.data()["scenario"])
