"""Release of a contact (P05.10): the CDC's word for it, sessions without a reading, who gets the certificate."""

from typing import Any

from service.application.queries import Reader, task_pages
from service.persistence import tables as t
from tests.paths import observing, tracing
from tests.paths.variants import visited_between
from tests.paths.world import World

END = "03-16 10:30"  # fourteen days after 03-02 10:30
RELEASED = {"mode": "central", "start_at": "2026-03-02T10:30:00+08:00", "end_at": "2026-03-16T10:30:00+08:00"}


def ended(w: World) -> str:
    """A contact whose observation is over, and the papers of it are there."""
    (person,) = observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go(END)
    w.do("coordinator", "t_complete_papers", observing.order(w))
    return person


def told(w: World) -> tuple[set[str], list[dict[str, Any]]]:
    """Addressees of the certificate's deliveries, and notices inside the school."""
    recipients = {row["recipient"] for row in w.rows(t.Delivery, element="s_release_notice")}
    return recipients, w.rows(t.Notice, code="release")


def test_the_message_of_the_cdc_issues_the_certificate(world: World) -> None:
    w = world
    person = ended(w)
    assert "t_release" in w.open_tasks()
    assert w.send("msg_release", RELEASED, person=person) == "delivered"
    assert visited_between(w, "t_release", "s_release_notice")
    assert "t_release" not in w.open_tasks()
    (issued,) = w.rows(t.Record, form="F24", view="issue")
    assert issued["data"]["certificate_no"] == f"JC2026-{w.row()['number']}-001"
    assert tracing.status(w) == {tracing.NEIGHBOURS[0]: "final 解除"}


def test_a_release_said_early_waits_for_the_papers(world: World) -> None:
    w = world
    (person,) = observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go(END)
    assert w.send("msg_release", RELEASED, person=person) == "buffered"
    w.do("coordinator", "t_complete_papers", observing.order(w))
    assert tracing.status(w) == {tracing.NEIGHBOURS[0]: "final 解除"}
    assert w.rows(t.Message, name="msg_release")[0]["state"] == "delivered"


def test_the_certificate_goes_to_the_contact_and_to_our_own_office(world: World) -> None:
    w = world
    person = ended(w)
    w.do("coordinator", "t_release")
    recipients, notices = told(w)
    assert recipients == {f"person:{person}", "epi_office"}
    assert [row["role"] for row in notices] == ["epi_office"]


def test_the_certificate_of_somebody_elses_pupil_goes_to_his_school(world: World) -> None:
    w = world
    observing.listed(w, tracing.NEIGHBOURS[:1], other_org={"id": "demo-school-2"})
    person = tracing.person(w, tracing.NEIGHBOURS[0])
    w.do("coordinator", "s_contact_assist", {"send_channel": "书面", "outcome": "已送达", "answered_by": "第二学校"})
    w.go("10:30")
    observing.moved(w, person)
    w.go(END)
    w.do("coordinator", "t_complete_papers", observing.order(w))
    w.do("coordinator", "t_release")
    recipients, notices = told(w)
    assert recipients == {f"person:{person}", "org:demo-school-2"}
    assert notices == []


def test_whoever_releases_sees_which_sessions_have_no_reading(world: World) -> None:
    w = world
    observing.observed(w, tracing.NEIGHBOURS[:1])
    for day in range(2, 17):
        if day not in {2, 16}:
            w.go(f"03-{day:02d} 07:00")
            observing.record(w, "早", others=observing.NORMAL)
        if day not in {5, 16}:
            w.go(f"03-{day:02d} 18:00")
            observing.record(w, "晚", others=observing.NORMAL)
    w.go(END)
    assert missing(w, "t_complete_papers") == ("第4天晚", "第15天早")
    w.do("coordinator", "t_complete_papers", observing.order(w))
    assert missing(w, "t_release") == ("第4天晚", "第15天早")


def missing(w: World, element: str) -> tuple[str, ...]:
    """The sessions the page of a task names."""
    (task,) = w.open_tasks()[element]
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, w.who("coordinator"), w.clock.now())
        return task_pages.page(reader, task).missing
