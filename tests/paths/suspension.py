"""What people enter when classes are suspended and resumed (P17)."""

from collections.abc import Mapping
from typing import Any

from service.persistence import tables as t
from tests.paths import school
from tests.paths.world import MINUTE, World

ITEMS = (
    "人员排查", "物资备齐", "安全大检查", "校园消毒", "食堂方案与人员健康", "教职工先期返校", "预案与演练",
    "隔离室与留观室设置", "校医与绿色通道", "错峰与防聚集安排", "疫区与隔离学生学习方案",
)  # fmt: skip
ZERO = {"is_zero": True, "disinfected": True, "reporter": True}


def order(w: World, *classes: str, adjust: str = "class_suspend", kind: str | None = "停课", **more: Any) -> None:
    """H2: an order of the bureau, keyed in by the principal."""
    answer = {
        "order_source": "教体局要求", "order_kind": kind, "adjust": adjust, "info_source": "phone",
        "scope": [{"id": each} for each in classes or (school.CLASS,)], "start_at": school.now(w), **more,
    }  # fmt: skip
    w.act("principal", "msg_superior_order", {key: value for key, value in answer.items() if value is not None})


def propose(w: World) -> None:
    """P17.1: the school suggests a suspension of the class of its case."""
    w.do("principal", "t_propose_suspension", {"adjust": "class_suspend"})


def decide(w: World) -> None:
    """P17.2: signed as ordered."""
    w.do("principal", "t_decide_suspension", {"signer": True})


def teach_online(w: World) -> None:
    """P17.4."""
    w.do("teacher", "t_online_teaching", {"online_plan": "每日线上课", "parents_notified": True})


def clean(w: World) -> None:
    """P17.6."""
    w.do(
        "cleaner", "t_clean_all",
        {
            "agent": "84消毒液", "start_at": school.iso(w.clock.now() - 60 * MINUTE), "end_at": school.now(w),
            "ppe": ["N95口罩", "手套"],
        },
    )  # fmt: skip


def assess(w: World, failing: str = "") -> None:
    """P17.7: every item is met but the one that fails."""
    items = [{"item": item, "结果": "不达标" if item == failing else "达标"} for item in ITEMS]
    w.do(
        "principal", "t_assess_resumption",
        {
            "items": items, "isolation_ok": True, "supplies_ok": True, "staff_ok": 100, "plan_ok": True,
            "drill_ok": True, "conclusion": "不达标" if failing else "达标", "checker": True,
        },
    )  # fmt: skip


def consent(w: World, result: str = "同意") -> None:
    """P17.7: the bureau's answer, keyed in."""
    w.do("principal", "r_superior_consent", {"consent_result": result, "info_source": "phone"})


def resume(w: World, resume_at: str = "") -> None:
    """P17.8."""
    answer = {"cleaned": True, "resume_at": resume_at or school.now(w), "signer": True, "parents_notified": True}
    w.do("principal", "t_decide_resumption", answer)


def instances(w: World, procedure: str = "class_suspension") -> list[Mapping[str, Any]]:
    """Instances of a procedure, oldest first."""
    return sorted(w.rows(t.Instance, procedure=procedure), key=lambda row: (row["started_at"], row["id"]))


def decided_rows(w: World, decision: str = "D13") -> list[tuple[int, ...]]:
    """The rows of a table that fired, decision by decision."""
    return [tuple(row["rules"]) for row in sorted(w.rows(t.DecisionRow, decision=decision), key=lambda row: row["at"])]
