"""Messages that wake people, as an incident shows them."""

from tests.paths import duty_world, school
from tests.web.site import Pages


def test_messages_that_wake_somebody_stand_apart_from_what_the_plan_sends(web: Pages) -> None:
    duty_world.roster(web.world)
    duty_world.reachable(web.world, "coordinator", "nurse")
    incident = web.world.open("teacher", school.quick())
    school.detection(web.world)
    web.world.go("03-02 08:10")  # the worker sends what waits
    page = web.as_("coordinator").get(f"/incidents/{incident}/deliveries")
    assert "唤醒提醒" not in page.words("//table")
    assert "唤醒提醒" in page.words("//main//section//details")
    timeline = web.as_("coordinator").get(f"/incidents/{incident}")
    assert "登记异常情况" in timeline.text
    assert "岗位全体人员" not in timeline.text, "whom a task went to is told where participants are"
