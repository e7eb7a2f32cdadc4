"""P23: a clue is verified, corrected, checked again, and ends with or without a sanction."""

from service.persistence import tables as t
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


def test_a_corrected_breach_without_grave_consequence_is_settled(world: World) -> None:
    inspected(world, "系统逾期")
    rectified(world, "合格")
    assert visited_between(world, "g_rectified", "ee_inspection")
    assert not world.rows(t.Task, element="t_sanction")


def test_a_breach_that_was_not_corrected_ends_with_a_sanction(world: World) -> None:
    inspected(world)
    rectified(world, "不合格")
    world.do("principal", "t_sanction", {"result": "约谈", "signer": True})
    assert visited_between(world, "t_sanction", "ee_inspection")
    assert world.row()["result"] == "completed"
