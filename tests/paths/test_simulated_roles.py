"""Simulated roles of a drill: valid answers, the same for the same seed, taken over and handed back at any moment."""

from pathlib import Path
from typing import Any

import pytest

from service.application import drills
from service.application.queries import timeline
from service.domain import commands as cmd
from service.persistence import tables as t
from tests.paths import drilling, reviewing
from tests.paths.world import World, at

CASE = "school_suspected_case"
CLOCK_ONLY = {"drill_clock_changed"}
RANDOM_IDS = {"instance", "visit", "task", "wait", "person", "deadline", "report", "delivery", "parent", "message"}


def course(w: World) -> list[Any]:
    """The log without ids, hashes and real times: what happened when, where, by which answers."""
    shown = []
    for row in w.events():
        if row["type"] in CLOCK_ONLY:
            continue
        answers = row["data"].get("answers") if row["type"] == "record_saved" else None
        shown.append((row["type"], row["at"], row["element"], row["role"], _without_ids(answers)))
    return shown


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_ids(each) for key, each in value.items() if key not in {*RANDOM_IDS, "id"}}
    return [_without_ids(each) for each in value] if isinstance(value, list) else value


def _played(folder: Path, *, seed: int, jumps: tuple[str, ...]) -> list[Any]:
    w = World(folder, at("08:00"))
    try:
        drilling.begin(w, CASE, speed=0, seed=seed, roles=("*",))
        for by in jumps:
            drilling.clock(w, "advance", by=by)
        return course(w)
    finally:
        w.close()


def test_the_same_seed_gives_the_same_log_however_the_clock_ran(tmp_path: Path) -> None:
    names = iter("abcd")

    def played(seed: int, *jumps: str) -> list[Any]:
        folder = tmp_path / next(names)
        folder.mkdir()
        return _played(folder, seed=seed, jumps=jumps)

    whole = played(7, "P1D")
    assert played(7, "PT7M", "PT3H", "PT20H53M") == whole
    assert played(8, "P1D") != whole
    assert len([each for each in whole if each[0] == "task_completed"]) > 30


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_school_of_simulated_roles_works_a_case_off(world: World, seed: int) -> None:
    w = world
    drilling.begin(w, CASE, speed=0, seed=seed, roles=("*",))
    for _ in range(20):
        drilling.clock(w, "advance", by="P1D")
        if w.row()["closed_at"]:
            break
    assert w.row()["status"] in ("closed", "false_alarm")
    assert w.events("drill_answer_failed") == []
    assert w.rows(t.EngineIncident) == []
    by = {row["element"]: row["actor"] for row in w.events("task_completed")}
    assert by.pop("r_final_list") == "system", "another process of the incident answers it"
    assert set(by.values()) == {"simulated", w.who("trainer").account_id}
    receipt = w.events("delivery_acknowledged")[-1]["seq"]
    with w.app.read() as connection:
        told = timeline.feed(reviewing.reader(w, connection, "trainer"), w.incident, before=receipt + 1).entries
    assert len(told) == timeline.MOST_FED
    assert "delivery_acknowledged" not in {each.type for each in told}, "of a notice to many there are many"


def test_a_role_is_taken_over_and_handed_back_at_any_moment(world: World) -> None:
    w = world
    drilling.begin(w, speed=0, roles=("isolation_lead",))

    def cast(role: str, by: str) -> None:
        command = cmd.CastRole(w.incident, role, by)
        w.app.run(lambda uow: drills.cast(uow, w.app.services, w.who("trainer"), command))

    assert [row["kind"] for row in drilling.due_rows(w) if row["kind"] == "simulated"] == ["simulated"]
    cast("isolation_lead", "human")
    assert [row for row in drilling.due_rows(w) if row["kind"] == "simulated"] == []
    drilling.clock(w, "advance", by="PT1H")
    assert "t_small_check" in w.open_tasks()
    cast("*", "simulated")  # who was named goes with the others
    assert len([row for row in drilling.due_rows(w) if row["kind"] == "simulated"]) == 2
    cast("isolation_lead", "simulated")
    drilling.clock(w, "advance", by="PT1H")
    assert w.row()["status"] == "closed"
    assert [row["data"]["played_by"] for row in w.events("drill_role_changed")] == ["human", "simulated", "simulated"]


def test_a_person_who_is_first_makes_the_planned_answer_fall_away(world: World) -> None:
    w = world
    drilling.begin(w, speed=0, roles=("isolation_lead",))
    w.do("nurse", "t_small_check")
    assert [row for row in drilling.due_rows(w) if row["kind"] == "simulated"] == []
    drilling.clock(w, "advance", by="PT1H")
    assert [row["actor"] for row in w.events("task_completed")][1:] == [w.who("nurse").account_id]
