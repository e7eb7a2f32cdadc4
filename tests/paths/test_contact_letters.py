"""The letter to the organisation a contact belongs to (R27): before, with and after the message; who may read it."""

import pytest

from service.application.documents import Document
from service.application.queries import printouts, reports
from service.application.queries.reader import Reader
from service.domain.access import Principal
from service.domain.errors import NoSuch
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
