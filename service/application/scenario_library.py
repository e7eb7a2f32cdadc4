"""The scenarios there are: those shipped as files, and those an organisation keeps of its own."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from service.application.services import Services
from service.domain.errors import NoSuch
from service.domain.scenario_files import ScenarioFile, load
from service.persistence.tables import sql


@cache
def shipped(folder: Path) -> Mapping[str, ScenarioFile]:
    """The files of a folder, read once; they do not change while the product runs. Raises ScenarioRefused."""
    return load(folder)


def find(connection: Connection, services: Services, organisation: str, scenario: str) -> ScenarioFile:
    """A scenario by its id: of the organisation, or shipped. Raises NoSuch."""
    own = own_row(connection, organisation, scenario)
    if own is not None:
        return ScenarioFile(scenario, own["document"])
    file = shipped(services.scenarios).get(scenario)
    if file is None:
        raise NoSuch("scenario", scenario)
    return file


def own_row(connection: Connection, organisation: str, scenario: str) -> Mapping[str, Any] | None:
    """What is stored of an own scenario; None where there is none."""
    table = sql.own_scenarios
    mine = (table.c.organisation_id == organisation) & (table.c.scenario == scenario)
    found = connection.execute(select(table).where(mine)).mappings().first()
    return dict(found) if found else None
