"""The letter to the organisation a contact belongs to (R27): before, with and after the message; who may read it."""

import pytest

from service.application import revealing
from service.application.documents import Document
from service.application.queries import printouts, reports
from service.application.queries.contacts import contacts
from service.application.queries.reader import Reader
from service.application.revealing import RevealPersons
from service.domain.access import Principal
from service.domain.errors import NoGround, NoSuch, NotAllowed
from service.persistence import tables as t
from tests.paths import observing, tracing
from tests.paths.world import World

AWAY = "demo-school-2"
ONE, TWO, *_ = tracing.NEIGHBOURS
THERE = Principal("leader", "校长", {AWAY: frozenset({"school_leader"})})


def reader(w: World, who: Principal | None = None) -> Reader:
    """A reader on a connection of its own."""
    who = who or w.who("coordinator")
    return Reader(w.connection(), w.app.sealer, w.app.services, who, w.clock.now())


def judged(w: World) -> None:
    """Two contacts, one of them a pupil of another school."""
    observing.listed(w, [ONE, TWO], quarantine_mode="central")


def away(w: World) -> None:
    """One contact, a pupil of another school; the letter is to be sent."""
    observing.listed(w, [ONE], other_org={"id": AWAY})


def lines(document: Document) -> list[tuple[str, ...]]:
    """The rows of the letter."""
    (section,) = document.sections
    assert section.grid is not None
    return [tuple(row) for row in section.grid.rows]


def send(w: World, outcome: str = "已送达") -> None:
    """The office hands it over, or tries to."""
    w.do("coordinator", "s_contact_assist", {"send_channel": "书面", "outcome": outcome, "answered_by": "第二学校"})


def test_whoever_sends_the_letter_sees_it_with_the_name(world: World) -> None:
    w = world
    away(w)
    case = next(row["person_id"] for row in w.rows(t.Task, element="s_contact_assist"))
    (letter,) = printouts.letters(reader(w), w.app.documents, w.incident, case)
    assert letter.recipients == ("示例第二学校",)
    ((name, mode, status),) = lines(letter)
    assert ONE in name
    assert (mode, status) == ("集中隔离", "待转运")


def test_the_letter_that_was_sent_says_what_was_true_then(world: World) -> None:
    w = world
    away(w)
    send(w)
    (report,) = w.rows(t.Report, document="R27")
    w.go("10:30")
    observing.moved(w, tracing.person(w, ONE))
    page = reports.page(reader(w), w.app.documents, report["id"])
    ((name, _, status),) = lines(page.document)
    assert ONE not in name
    assert status == "待转运"
    assert page.row.kind_label == "密接协查函"
    assert [(each.recipient_label, each.state) for each in page.deliveries] == [("示例第二学校", "acknowledged")]
    ((_, _, now),) = lines(printouts.page(reader(w), w.app.documents, w.incident, "R27", AWAY))
    assert now == "隔离中"


def test_a_letter_nobody_took_is_a_draft(world: World) -> None:
    w = world
    away(w)
    send(w, "拒收")
    (report,) = w.rows(t.Report, document="R27")
    assert report["state"] == "draft"
    (delivery,) = w.rows(t.Delivery, element="s_contact_assist")
    assert (delivery["state"], delivery["report_id"]) == ("failed", report["id"])


def test_the_other_organisation_reads_its_own_letter_and_nothing_else(world: World) -> None:
    w = world
    away(w)
    send(w)
    there = reader(w, THERE)
    (only,) = printouts.available(there, w.app.documents, w.incident)
    assert (only.document, only.key) == ("R27", AWAY)
    assert len(lines(printouts.page(there, w.app.documents, w.incident, "R27", AWAY))) == 1
    case = next(iter(w.rows(t.Contact)))["case_id"]
    for document, key in (("R09", case), ("R27", "demo-village")):
        with pytest.raises(NoSuch):
            printouts.page(there, w.app.documents, w.incident, document, key)
    villager = Principal("villager", "村干部", {"demo-village": frozenset({"village_secretary"})})
    with pytest.raises(NoSuch):
        printouts.available(reader(w, villager), w.app.documents, w.incident)
    with pytest.raises(NoSuch):
        printouts.page(reader(w, villager), w.app.documents, w.incident, "R27", "demo-village")


def test_there_is_no_letter_where_everybody_is_ours(world: World) -> None:
    w = world
    judged(w)
    assert "s_contact_assist" not in w.open_tasks()
    assert "R27" not in {each.document for each in printouts.available(reader(w), w.app.documents, w.incident)}


def names_in(w: World, who: Principal) -> str:
    """The name in the letter as somebody reads it."""
    ((name, *_),) = lines(printouts.page(reader(w, who), w.app.documents, w.incident, "R27", AWAY))
    return name


def asked(w: World, who: Principal) -> int:
    """Whoever got the letter asks for the names in it."""
    command = revealing.RevealLetter(w.incident, AWAY)
    return w.app.run(lambda uow: revealing.reveal_letter(uow, w.app.services, who, command))


def test_whom_the_letter_names_is_shown_to_those_who_see_to_letters_on_record_and_for_a_while(world: World) -> None:
    w = world
    away(w)
    leader, teacher = w.who("principal2"), Principal("t", "教师", {AWAY: frozenset({"subject_teacher"})})
    with pytest.raises(NoGround):  # nothing was sent yet
        asked(w, leader)
    send(w)
    assert ONE not in names_in(w, leader)
    for nobody in (teacher, w.who("coordinator"), w.who("manager")):
        with pytest.raises(NotAllowed):
            asked(w, nobody)
    assert asked(w, leader) == 1
    assert ONE in names_in(w, leader)
    assert ONE not in names_in(w, teacher)
    (event,) = w.events("person_revealed")
    assert (event["actor"], event["data"]["basis"], event["data"]["fields"]) == (leader.account_id, "letter", ["name"])
    (row,) = contacts(reader(w, leader), w.incident).items
    assert (row.is_full_name, row.is_health_shown, row.contact_class) == (True, False, "***")
    one_person = RevealPersons(w.incident, (row.person,), ("name", "contact"))
    with pytest.raises(NotAllowed):  # the letter opens no page of the person
        w.app.run(lambda uow: revealing.reveal(uow, w.app.services, leader, one_person))
    w.go("10:30")  # some minutes are over
    assert ONE not in names_in(w, leader)


def test_who_is_released_is_shown_to_the_other_organisation_no_more(world: World) -> None:
    w = world
    away(w)
    send(w)
    w.go("10:30")
    person = tracing.person(w, ONE)
    observing.moved(w, person)
    w.go("03-16 10:30")
    w.do("coordinator", "t_complete_papers", observing.order(w))
    assert asked(w, w.who("principal2")) == 1
    assert ONE in names_in(w, w.who("principal2"))
    released = {"mode": "central", "start_at": "2026-03-02T10:30:00+08:00", "end_at": "2026-03-16T10:30:00+08:00"}
    assert w.send("msg_release", released, person=person) == "delivered"
    assert ONE not in names_in(w, w.who("principal2"))
    with pytest.raises(NoGround):
        asked(w, w.who("principal2"))
