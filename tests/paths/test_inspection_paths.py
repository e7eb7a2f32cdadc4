"""P23: a clue is verified, corrected, checked again, and ends with or without a sanction."""

from service.persistence import tables as t
from tests.paths import school
from tests.paths.test_control_paths import CONFIRMED, control_asked
from tests.paths.variants import visited_between
from tests.paths.world import World

CLUE = {"object": {"id": "demo-school"}, "breach": "迟报", "description": "书面报告迟报"}


def inspected(w: World, source: str = "例行督查") -> None:
    """A clue is registered by the school's leader; a late report the system found itself weighs less (D20)."""
    w.go("08:10")
    w.open("principal", {**CLUE, "source": source}, procedure="accountability_inspection")


def verified(w: World, verdict: str) -> None:
    w.do("principal", "t_verify_clue", {"verified": verdict})


def rectified(w: World, recheck: str) -> None:
    verified(w, "属实")
    assert [row["role"] for row in w.rows(t.Notice, code="rectification")] == ["school_leader"]
    w.do("principal", "t_rectify_answer", {"rectify": "已增加值守人员"})
    w.do("principal", "t_recheck_rectify", {"recheck": recheck})


def test_a_clue_that_is_not_true_ends_there(world: World) -> None:
    inspected(world)
    verified(world, "不属实")
    assert visited_between(world, "g_breach", "ee_inspection")
    assert world.row()["closed_at"]
    assert given_back(world) == "closed"


def test_a_corrected_breach_without_grave_consequence_is_settled(world: World) -> None:
    inspected(world, "系统逾期")
    rectified(world, "合格")
    assert visited_between(world, "g_rectified", "ee_inspection")
    assert not world.rows(t.Task, element="t_sanction")
    assert given_back(world) == "rectified"
    assert len(world.decided("br_breach")) == len(world.passed("s_rectify_notice")) == 1


def test_a_breach_that_was_not_corrected_ends_with_a_sanction(world: World) -> None:
    inspected(world)
    rectified(world, "不合格")
    world.do("principal", "t_sanction", {"result": "约谈", "signer": True})
    assert visited_between(world, "t_sanction", "ee_inspection")
    assert world.row()["result"] == "completed"
    assert given_back(world) == "sanctioned"


def given_back(w: World) -> object:
    """What the procedure gives back to whoever called it."""
    (ended,) = w.events("instance_ended")
    return ended["data"]["result"]["result"]


def test_a_late_report_is_inspected_again_before_the_incident_is_closed(world: World) -> None:
    """Ladder level 3 opens a clue nobody waits for; in the recovery G4 calls the inspection and waits for it."""
    w = world
    control_asked(w)
    (overdue,) = w.rows(t.Instance, procedure="accountability_inspection")
    asked = overdue["inputs"]
    assert (overdue["parent_id"], asked["source"], asked["breach"]) == (None, "系统逾期", "迟报")
    assert not school.fact(w, "breach_found")
    w.do("principal", "t_register_clue", {"description": "诊断结果未按时上报"})
    assert school.fact(w, "breach_found")
    w.do("principal", "t_confirm_control", CONFIRMED)
    assert visited_between(w, "g_account_needed", "ca_account")
    (called,) = w.rows(t.Instance, parent_element="ca_account")
    school.rectify(w)
    assert "t_draft_closing" not in w.open_tasks(), "the incident waits for the inspection"
    w.do("principal", "t_register_clue", {"description": "同一问题"})
    mine = next(task for task in w.rows(t.Task, element="t_verify_clue") if task["instance_id"] == called["id"])
    w.do("principal", "t_verify_clue", {"verified": "不属实"}, task=mine["id"])
    assert visited_between(w, "ca_account", "g_account_done")
    assert "t_draft_closing" in w.open_tasks()


def test_the_rectification_notice_is_a_numbered_paper(world: World) -> None:
    w = world
    inspected(w, "系统逾期")
    verified(w, "属实")
    (notice,) = w.rows(t.Report, document="R22")
    assert (notice["state"], notice["kind"], notice["number"]) == ("sent", "rectification", "1")
    assert notice["signer"] == w.who("principal").account_id
    assert w.local(w.deadline("T47")["due_at"]) == "03-05 08:10"
