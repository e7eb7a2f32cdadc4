"""What else people at the school enter, where a path leaves SC01."""

from collections.abc import Mapping
from typing import Any

from service.application import incidents, policy_application
from service.domain import commands as cmd
from service.persistence import tables as t
from tests.paths import school
from tests.paths.coverage import visits
from tests.paths.world import SCHOOL, World

ESCORTED = {
    "mask_put_on": True, "escorted_to": "临时留观点", "measures_taken": ["带离", "佩戴口罩"], "epi_history": False,
}  # fmt: skip
CALLED = {"send_channel": "电话", "outcome": "已接通", "answered_by": "120调度员"}


def external(
    w: World, known_result: str = "none", *, in_school: bool = False, name: str = "学生乙子"
) -> dict[str, Any]:
    """F01#external: somebody tells the school about a pupil of class 七3."""
    diagnosed = {"result_at": school.now(w)} if known_result in {"suspected", "confirmed", "asymptomatic"} else {}
    return {
        "person": {"name": name, "person_type": "student", "org_unit": {"id": "demo-school-7-3"}},
        "found_at": school.now(w), "known_result": known_result, "in_school": in_school, "info_source": "phone",
        "symptoms": ["fever"], "place": "demo-school-7-3", "source_kind": "external", "temperature": 38.0, **diagnosed,
    }  # fmt: skip


def change_policy(w: World, key: str, value: Any) -> None:
    """The administrator sets a policy of the school; incidents opened from now on take it."""
    command = policy_application.ChangePolicy(key, SCHOOL, value, "演示")
    w.app.run(lambda uow: policy_application.change(uow, w.app.services, w.who("admin"), command))


def add_case(w: World, name: str, **more: Any) -> str:
    """A further sick pupil of the same class."""
    data = {**school.quick(name=name, **more), **ESCORTED}
    if w.by_api:
        return str(
            w.doors.post(f"/incidents/{w.incident}/cases", w.who("teacher").account_id, {"data": data})["person"]
        )
    command = cmd.AddCase(w.incident, data)
    return w.app.run(lambda uow: incidents.add_case(uow, w.app.services, w.who("teacher"), command))


def instance_of(w: World, person: str) -> str:
    """The instance that handles a case."""
    (row,) = w.rows(t.Person, id=person)
    return str(row["instance_id"])


def cases(w: World) -> list[str]:
    """Ids of the cases, in order of registration."""
    rows = [row for row in w.rows(t.Person) if row["kind"] == "case"]
    return [row["id"] for row in sorted(rows, key=lambda row: int(row["case_no"]))]


def accepted(w: World, **more: Any) -> None:
    """A pupil with fever is reported at 08:10 and taken over by the office at 08:13."""
    w.go("08:10")
    w.open("teacher", school.quick(**more))
    w.go("08:13")
    w.do("coordinator", "t_office_accept")


def confirmed(w: World) -> str:
    """A case comes back from the hospital as confirmed at 10:00; returns the person."""
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("10:00")
    school.diagnosis(w, "confirmed", severity="mild")
    return cases(w)[0]


def engine_incidents(w: World) -> dict[str, str]:
    """Element -> cause of what the engine could not do."""
    return {row["element"]: row["cause"] for row in w.rows(t.EngineIncident)}


def visited_between(w: World, source: str, target: str) -> bool:
    """A token went from one element to the other."""
    return f"f_{source}_{target}" in visits.visited(w.app)


def sign(w: World, element: str, decision: Mapping[str, Any]) -> None:
    """The principal decides with given values."""
    w.do("principal", element, {"signer": True, **decision})
