"""Shipped scenarios: each fits the plan and plays to its end with every role simulated."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from service.application import scenario_drills, scenario_library, scenario_plans
from service.domain import commands as cmd
from service.domain import scenario_draws
from service.domain.errors import NoSuch, NotAllowed, ScenarioRefused
from service.domain.scenario_files import ScenarioFile, dump, parse
from service.domain.scenarios import Scenario
from service.persistence import tables as t
from tests.paths import drilling
from tests.paths.world import SCHOOL, WORKFLOWS, World

FILES = scenario_library.shipped(WORKFLOWS / "scenarios")
CASE = "sc01_excluded_case"


def begin(w: World, scenario: str, **more: Any) -> str:
    """Begin a drill of a scenario, as a dry run in which everybody is simulated unless the test says otherwise."""
    given: dict[str, Any] = {"speed": 0, "seed": 7, "on_loss": "run", "trial": True, **more}
    command = cmd.BeginScenario(scenario, SCHOOL, **given)
    w.incident = w.app.run(lambda uow: scenario_drills.begin(uow, w.app.services, w.who("trainer"), command))
    return w.incident


def injects(w: World) -> dict[str, Mapping[str, Any]]:
    """The injects of the current drill by id."""
    return {row["inject"]: row for row in w.rows(t.DrillInject)}


@pytest.mark.parametrize("name", FILES)
def test_every_shipped_scenario_fits_the_plan(world: World, name: str) -> None:
    with world.app.read() as connection:
        plan = scenario_plans.deployed(connection, world.app.services, str(FILES[name].document["procedure"]))
    assert [fault.text("en") for fault in scenario_plans.faults_of(FILES[name], plan)] == []
    for each in Scenario.of(scenario_draws.drawn(FILES[name].document, 1)).expectations():
        assert each.title.zh, f"{name}: {each.id} has no title"
        assert each.title.en, f"{name}: {each.id} has no English title"


def test_what_the_plan_lacks_is_listed_with_line_and_nearest_name_and_no_drill_begins(world: World) -> None:
    text = dump(FILES[CASE].document)
    for old, new in (("t_office_accept", "t_office_acept"), ("ambulance_120", "ambulance"), ("s_send_report", "s_sent"),
                     ("mask_put_on", "mask_on"), ("x_certificate", "x_certificat")):  # fmt: skip
        text = text.replace(old, new, 1)
    file = parse(text, "copy.yaml")
    with world.app.read() as connection:
        plan = scenario_plans.deployed(connection, world.app.services, "school_suspected_case")
    faults = {fault.path: fault for fault in scenario_plans.faults_of(file, plan)}
    assert set(faults) == {
        "roles.ambulance", "answers.t_mask_escort.0.data.mask_on", "answers.t_office_acept",
        "objectives.1.expectations.1.element", "injects.3.expects.0",
    }  # fmt: skip
    lines = text.splitlines()
    assert "t_office_acept" in lines[faults["answers.t_office_acept"].line - 1]
    assert "mask_on" in lines[faults["answers.t_mask_escort.0.data.mask_on"].line - 1]
    assert "nearest is t_office_accept" in faults["answers.t_office_acept"].text("en")
    with pytest.raises(ScenarioRefused):
        world.app.run(lambda uow: scenario_drills.require_fit(uow, world.app.services, file))


def test_who_is_no_trainer_there_and_what_is_no_scenario_is_refused(world: World) -> None:
    command = cmd.BeginScenario(CASE, SCHOOL)
    for name in ("teacher", "principal", "admin"):
        asked = partial(scenario_drills.begin, services=world.app.services, principal=world.who(name), command=command)
        with pytest.raises(NotAllowed):
            world.app.run(asked)
    with pytest.raises(NoSuch):
        begin(world, "sc99_nothing")


def test_sc01_plays_to_its_end_and_its_injects_come_when_they_should(world: World) -> None:
    w = world
    begin(w, CASE)
    for _ in range(5):
        drilling.clock(w, "advance", by="P1D")
    assert (w.row()["status"], w.row()["result"]) == ("closed", "excluded_closed")
    assert w.rows(t.Instance, status="active") == []
    assert w.events("drill_answer_failed") == []
    came = {key: (row["state"], row["sent_at"] and w.local(row["sent_at"])) for key, row in injects(w).items()}
    assert came == {
        "i01": ("sent", "03-02 08:10"), "i02": ("sent", "03-02 08:27"), "i03": ("skipped", None),
        "i04": ("sent", "03-02 14:32"), "i05": ("reserve", None),
    }  # fmt: skip
    assert w.saved("r_recheck")["axillary_temp"] == 37.9
    assert (w.local(w.deadline("T02")["met_at"]), w.deadline("T02")["late_minutes"]) == ("03-02 09:40", 0)


def test_a_drill_keeps_the_script_it_began_from(world: World) -> None:
    w = world
    begin(w, CASE)
    (kept,) = w.rows(t.Drill)
    assert (kept["scenario"], kept["trial"]) == (CASE, True)
    again = ScenarioFile(CASE, kept["script"]).scenario()
    assert again == FILES[CASE].scenario()


def play(w: World, scenario: str, days: int, **more: Any) -> None:
    """A drill, a day a jump."""
    begin(w, scenario, **more)
    for _ in range(days):
        drilling.clock(w, "advance", by="P1D")
        w.app.worker.tick()
    assert w.events("drill_answer_failed") == []
    assert w.rows(t.EngineIncident) == []
    assert [row["inject"] for row in injects(w).values() if row["state"] == "pending"] == []


def test_sc03_three_cases_are_reported_directly(world: World) -> None:
    w = world
    play(w, "sc03_cluster", 1)
    cases = [row for row in w.rows(t.Person) if row["kind"] == "case"]
    assert sorted(row["case_status"] for row in cases) == ["excluded", "suspected", "suspected"]
    (direct,) = [row for row in w.rows(t.Report, document="R04") if row["state"] == "sent"]
    assert w.local(direct["sent_at"]) <= "03-02 09:45"
    assert {row["outcome"] for row in injects(w).values() if row["kind"] == "data"} == {"answered"}


def test_sc05_the_patient_is_moved_up(world: World) -> None:
    w = world
    play(w, "sc05_deterioration", 3)
    assert w.decided("br_destination") == [[5], [2]]
    assert (len(w.passed("t_inform_family_again")), len(w.passed("r_received"))) == (1, 2)


def test_sc07_the_parents_agree_in_the_end(world: World) -> None:
    w = world
    play(w, "sc07_parent_refuses", 1)
    assert (w.row()["result"], w.passed("t_inform_parents")) == (
        "excluded_closed", ["03-02 09:08", "03-02 09:18", "03-02 09:43"],
    )  # fmt: skip


def test_sc12_ends_as_a_false_alarm(world: World) -> None:
    w = world
    play(w, "sc12_false_alarm", 1)
    assert (w.row()["status"], w.row()["result"]) == ("false_alarm", "false_alarm")
    assert w.rows(t.Instance, status="active") == []


@pytest.mark.timeout(300)  # seventeen days of work
def test_sc02_fourteen_days_of_observation(world: World) -> None:
    w = world
    play(w, "sc02_confirmed_case", 18)
    assert (w.row()["status"], w.row()["result"]) == ("closed", "confirmed_closed")
    readings = [row for row in w.rows(t.Record, form="F14") if row["view"] == "session"]
    assert len(readings) == 224, "eight persons, 28 readings each, whatever the jumps"
    assert len([row for row in w.rows(t.Report, document="R07") if row["state"] == "sent"]) == 8


def test_sc16_is_sc02_with_people_and_speeds_for_one_trainer() -> None:
    drill, case = FILES["sc16_drill"].scenario(), FILES["sc02_confirmed_case"].scenario()
    assert (drill.answers, drill.injects, drill.objectives) == (case.answers, case.injects, case.objectives)
    assert [speed for _, speed in drill.speeds] == [60, 360, 60]


def test_the_seed_varies_contacts_result_and_who_is_away(world: World) -> None:
    drawn = [Scenario.of(scenario_draws.drawn(FILES["varied_case"].document, seed)) for seed in range(30)]
    again = [Scenario.of(scenario_draws.drawn(FILES["varied_case"].document, seed)) for seed in range(30)]
    assert drawn == again
    assert {len(each.answers["t_list_contacts"][0].data["rows"]) for each in drawn} == set(range(2, 9))
    assert {each.answers["r_diagnosis"][0].data["result"] for each in drawn} == {"suspected", "confirmed"}
    assert len({each.absent[0].role for each in drawn}) == 3
    seed = next(n for n, each in enumerate(drawn) if len(each.answers["t_list_contacts"][0].data["rows"]) == 2)
    w = world
    play(w, "varied_case", 18, seed=seed)
    assert w.row()["result"] == "confirmed_closed"


def test_the_same_scenario_with_the_same_seed_leaves_the_same_log(world: World) -> None:
    w = world
    logs = []
    for _ in range(2):
        play(w, "varied_case", 3, seed=5)
        logs.append([(row["type"], row["at"], row["element"], row["data"].get("level")) for row in w.events()])
    assert logs[0] == logs[1]
