"""The letter to another organisation in the task that sends it, and on the screen of whoever gets it."""

from tests.paths import observing, tracing
from tests.web.site import Pages


def test_the_letter_is_shown_where_it_is_sent_and_where_it_arrives(web: Pages) -> None:
    w = web.world
    w.go("08:10")
    observing.listed(w, tracing.NEIGHBOURS[:1], other_org={"id": "demo-school-2"})
    (task,) = w.open_tasks()["s_contact_assist"]
    page = web.as_("coordinator").get(f"/tasks/{task}")
    assert "随附的函" in page.words("//summary")
    assert tracing.NEIGHBOURS[0] in page.words("//article")
    letter = web.as_("principal2").get(f"/incidents/{w.incident}/printouts/R27/demo-school-2")
    assert "关于协助管控密切接触者的函" in letter.words("//article")
    assert letter.all("//a[contains(@class, 'back')]") == []
    assert web.as_("villager").get(f"/incidents/{w.incident}/printouts/R27/demo-school-2").status == 404
