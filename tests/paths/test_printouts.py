"""Lists and records of an incident as documents: contacts, disinfection, handover; masked, and nobody signs them."""

import pytest

from service.application.queries import printouts
from service.application.queries.reader import Reader
from service.domain.errors import NoSuch, NotAllowed
from tests.paths.test_control_paths import control_asked
from tests.paths.world import World


def reader_of(w: World, who: str, locale: str = "zh_CN") -> Reader:
    """A reader on a connection of its own."""
    connection = w.connection()
    return Reader(connection, w.app.sealer, w.app.services, w.who(who), w.clock.now(), locale)


def test_what_can_be_printed_and_what_it_says(world: World) -> None:
    w = world
    control_asked(w)
    reader = reader_of(w, "coordinator")
    listed = printouts.available(reader, w.app.documents, w.incident)
    found = {each.document: each for each in listed}
    assert set(found) == {"R09", "R10", "R11"}
    assert [each.document for each in listed].count("R10") == 2, "on the spot, and terminal"

    contacts = printouts.page(reader, w.app.documents, w.incident, "R09", found["R09"].key)
    (section,) = contacts.sections
    assert section.grid is not None
    ((case, name, stage, *_),) = section.grid.rows
    assert (case, stage) == ("病例1", "已移出")
    assert "学生子" not in name, "a list shows surname, class and code"
    assert not contacts.is_draft

    handover = printouts.page(reader, w.app.documents, w.incident, "R11", found["R11"].key)
    table = dict(pair for each in handover.sections for pair in each.table)
    assert table["车　　辆"] == "120救护车"
    assert table["接 收 人"] == "接诊医生"

    english = printouts.page(reader_of(w, "coordinator", "en"), w.app.documents, w.incident, "R10", found["R10"].key)
    assert english.title == "Disinfection record: Example School"


def test_lists_of_people_are_not_for_everybody(world: World) -> None:
    w = world
    control_asked(w)
    listed = printouts.available(reader_of(w, "coordinator"), w.app.documents, w.incident)
    key = next(each.key for each in listed if each.document == "R09")
    with pytest.raises((NoSuch, NotAllowed)):
        printouts.page(reader_of(w, "villager"), w.app.documents, w.incident, "R09", key)
    with pytest.raises(NoSuch):
        printouts.page(reader_of(w, "coordinator"), w.app.documents, w.incident, "R01", key)
