"""What is not there, or fails, is never skipped: it stands as an engine incident that can be retried."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from service.application import engine_incidents
from service.application.definitions import deploy, folder_content
from service.domain import commands as cmd
from service.domain.errors import NotAllowed
from service.persistence import tables as t
from tests.paths import school
from tests.paths.world import WORKFLOWS, World, at

MISSING = {"epi_investigation", "contact_tracing"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A school whose operator forgot two of the procedures that P01 calls."""
    folder = tmp_path / "workflows"
    shutil.copytree(WORKFLOWS, folder, ignore=lambda _, names: MISSING & set(names))
    made = World(tmp_path / "data", at("08:00"), workflows=folder)
    yield made
    made.close()


def _suspected(w: World) -> None:
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("15:00")
    school.diagnosis(w, "suspected", severity="ordinary")


def test_a_missing_procedure_stops_its_branch_and_no_other(world: World) -> None:
    w = world
    _suspected(w)

    assert w.row()["status"] == "suspected"
    stuck = {row["element"]: row for row in w.rows(t.EngineIncident)}
    assert set(stuck) == {"ca_epi", "ca_contacts"}
    assert {row["state"] for row in stuck.values()} == {"open"}
    # the calls of procedures that are there go on, and people are told
    assert {"t_draft_initial", "t_inform_family", "t_mark_places"} <= set(w.open_tasks())
    waiting = {row["element"] for row in w.rows(t.ElementVisit) if row["state"] == "active"}
    assert {"ca_epi", "ca_contacts"} <= waiting


def test_after_deploying_what_was_missing_an_administrator_retries(world: World) -> None:
    w = world
    _suspected(w)
    stuck = next(row for row in w.rows(t.EngineIncident) if row["element"] == "ca_epi")
    command = cmd.RetryEngineIncident(stuck["id"])
    with pytest.raises(NotAllowed):
        w.app.run(lambda uow: engine_incidents.retry(uow, w.app.services, w.who("teacher"), command))

    content = folder_content(WORKFLOWS / "epi_investigation", WORKFLOWS / "decisions")
    store = w.app.services.definitions
    w.app.run(partial(deploy, store=store, procedure="epi_investigation", content=content, actor="test"))
    w.app.run(lambda uow: engine_incidents.retry(uow, w.app.services, w.who("admin"), command))

    again = {row["element"]: row["state"] for row in w.rows(t.EngineIncident)}
    assert again["ca_epi"] == "resolved"
    assert again["ca_contacts"] == "open"
    assert [row["status"] for row in w.rows(t.Instance, procedure="epi_investigation")] == ["active"]
