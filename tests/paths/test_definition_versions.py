"""Versions of a procedure: which one new incidents begin with, and that running ones stay on theirs."""

from typing import Any

import pytest

from service.application import definition_versions, definitions
from service.application.definition_versions import history
from service.domain import commands as cmd
from service.domain.errors import NoSuch, NotAllowed, ProcedureRetired, ValueRefused
from service.persistence import chain
from tests.paths import school
from tests.paths.versions import ALARM, another, content_of, deployed
from tests.paths.world import World


def switch(w: World, use_case: Any, command: object, who: str = "admin") -> bool:
    changed: bool = w.app.run(lambda uow: use_case(uow, w.app.services, w.who(who), command))
    return changed


def activate(w: World, version: int, who: str = "admin", procedure: str = ALARM) -> bool:
    return switch(w, definition_versions.activate, cmd.ActivateVersion(procedure, version, "指引调整"), who)


def retire(w: World, version: int, who: str = "admin", procedure: str = ALARM) -> bool:
    return switch(w, definition_versions.retire, cmd.RetireVersion(procedure, version, "停止使用"), who)


def opened(w: World) -> int:
    w.open("teacher", school.quick(), ALARM)
    return int(w.row()["version"])


def test_new_incidents_begin_with_the_active_version_and_running_ones_stay(world: World) -> None:
    w = world
    assert opened(w) == 1
    first = w.incident
    assert deployed(w, another(ALARM)).version == 2
    assert opened(w) == 2
    assert activate(w, 1)
    assert opened(w) == 1
    w.incident = first
    assert w.row()["version"] == 1
    assert not activate(w, 1)  # it is already


def test_the_number_of_a_version_is_never_given_twice(world: World) -> None:
    w = world
    deployed(w, another(ALARM))
    activate(w, 1)
    assert deployed(w, another(ALARM, "登记情况")).version == 3
    again = deployed(w, content_of(ALARM))
    assert (again.version, again.is_new) == (1, False)  # the same files are the same version, and nothing changes
    with w.app.read() as connection:
        assert definitions.active_version(connection, ALARM) == 3


def test_a_retired_procedure_starts_no_new_incident_and_running_ones_go_on(world: World) -> None:
    w = world
    opened(w)
    assert retire(w, 1)
    assert not retire(w, 1)
    running = w.incident
    with pytest.raises(ProcedureRetired):
        opened(w)
    w.incident = running
    w.do("nurse", "t_small_check")
    school.draft(w, "t_small_written")
    assert w.row()["status"] == "closed"
    assert activate(w, 1)
    assert opened(w) == 1


def test_what_runs_may_still_call_a_retired_procedure(world: World) -> None:
    w = world
    retire(w, 1, procedure="epi_investigation")
    with w.app.read() as connection:
        assert definitions.active_version(connection, "epi_investigation") is None
        assert definitions.version_to_call(connection, "epi_investigation") == 1


def test_the_version_called_is_the_one_that_was_active_last(world: World) -> None:
    w = world
    deployed(w, another(ALARM))
    w.go("08:05")
    activate(w, 1)
    w.go("08:10")
    retire(w, 1)
    with w.app.read() as connection:
        assert definitions.version_to_call(connection, ALARM) == 1


def test_who_when_and_why_stand_in_a_stream_of_the_log(world: World) -> None:
    w = world
    deployed(w, another(ALARM))
    activate(w, 1)
    retire(w, 1)
    with w.app.read() as connection:
        told = [(each.how, each.version, each.reason) for each in history(connection, ALARM)]
        actors = {each.actor for each in history(connection, ALARM)}
        report = chain.verify(connection)
    assert told == [
        ("retired", 1, "停止使用"), ("activated", 1, "指引调整"), ("deployed", 2, ""), ("deployed", 1, "")
    ]  # fmt: skip
    assert w.who("admin").account_id in actors
    assert report.ok


def test_only_an_administrator_with_a_reason_may(world: World) -> None:
    w = world
    for who in ("teacher", "principal", "manager"):
        with pytest.raises(NotAllowed):
            activate(w, 1, who)
        with pytest.raises(NotAllowed):
            retire(w, 1, who)
    both: list[tuple[Any, Any]] = [
        (definition_versions.activate, cmd.ActivateVersion),
        (definition_versions.retire, cmd.RetireVersion),
    ]
    for use_case, make in both:
        with pytest.raises(ValueRefused):
            switch(w, use_case, make(ALARM, 1, "  "))
        with pytest.raises(NoSuch):
            switch(w, use_case, make(ALARM, 9, "理由"))


def test_a_restart_does_not_undo_what_was_chosen(world: World) -> None:
    w = world
    deployed(w, another(ALARM))
    activate(w, 1)
    with w.app.read() as connection:
        assert definitions.is_deployed(connection, ALARM, content_of(ALARM))
        assert definitions.is_deployed(connection, ALARM, another(ALARM))
        assert not definitions.is_deployed(connection, ALARM, another(ALARM, "别的"))
