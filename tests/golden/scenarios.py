"""Incidents half-way, and how each comes to its end."""

from collections.abc import Callable
from dataclasses import dataclass

from service.persistence import tables as t
from tests.paths import observing, school, tracing
from tests.paths.versions import ALARM
from tests.paths.world import World


@dataclass(frozen=True)
class Scenario:
    """What leads to the stored state, and what follows it."""

    begin: Callable[[World], None]
    finish: Callable[[World], None]


def _alarm(w: World) -> None:
    w.go("08:10")
    w.open("teacher", school.quick(), ALARM)
    w.go("09:00")


def _alarm_over(w: World) -> None:
    w.go("10:15")  # the timer of the stored state fires on the way
    assert [row["state"] for row in w.rows(t.ElementVisit, element="ee_small_overdue")] == ["completed"]
    w.do("nurse", "t_small_check")
    school.draft(w, "t_small_written", late_reason="电话占线")
    assert w.row()["status"] == "closed"


def _awaiting(w: World) -> None:
    w.go("08:10")
    school.until_awaiting_diagnosis(w)


def _excluded(w: World) -> None:
    w.go("14:30")
    school.diagnosis(w, "excluded", certificate=school.CERTIFICATE)
    w.go("14:40")
    w.do("coordinator", "t_file_certificate", {"certificate": school.CERTIFICATE})
    w.go("15:30")
    school.closing_report(w)
    assert (w.row()["status"], w.row()["result"]) == ("closed", "excluded_closed")


def _observed(w: World) -> None:
    observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go("18:00")
    observing.record(w, "晚", observing.reading(tracing.person(w, tracing.NEIGHBOURS[0])))


def _released(w: World) -> None:
    w.go("03-16 10:30")
    w.do("coordinator", "t_complete_papers", observing.order(w))
    w.do("coordinator", "t_release")
    assert tracing.status(w) == {tracing.NEIGHBOURS[0]: "final 解除"}


SCENARIOS = {
    "small_alarm": Scenario(_alarm, _alarm_over),
    "awaiting_diagnosis": Scenario(_awaiting, _excluded),
    "observed_contact": Scenario(_observed, _released),
}
