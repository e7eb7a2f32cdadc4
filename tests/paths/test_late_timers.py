"""A timer whose time had passed when it was armed: it comes at once, and the log does not turn back."""

from datetime import datetime

from tests.paths import school
from tests.paths.keeping import assert_time_goes_on
from tests.paths.world import World, at


def test_a_room_that_is_late_asks_120_again_at_that_moment(world: World) -> None:
    w = world
    w.open("teacher", school.quick())
    school.detection(w)
    w.do("coordinator", "t_office_accept")
    school.call_120(w)  # 08:00, so 120 is late at 08:30
    w.go("09:00")
    w.do("nurse", "t_isolation_room")
    w.app.worker.tick()
    (armed,) = (row for row in w.events("wait_armed") if row["element"] == "e_120_late")
    assert armed["at"] == at("09:00")
    assert datetime.fromisoformat(armed["data"]["due"]) == at("08:30")
    assert "s_recall_120" in w.open_tasks()
    fired = [row["at"] for row in w.events("element_completed") if row["data"]["element"] == "e_120_late"]
    assert fired == [at("09:00")]
    assert_time_goes_on(w.app)
